//! What a SUB or XSUB socket wants from its peers, for the I/O threads to replay.
//!
//! The socket writes each change here, with a version, and then tells every connected pipe. An I/O
//! thread whose handshake ends reads the whole set while it puts the pipe online. Versions keep the
//! two from telling a peer twice, or never.

use bytes::Bytes;
use std::collections::BTreeSet;

/// The topics wanted now, and how many changes led to them.
#[derive(Default)]
pub(crate) struct Subscriptions {
    version: u64,
    topics: BTreeSet<Bytes>,
}

impl Subscriptions {
    /// Notes a change; returns its version.
    pub(crate) fn change(&mut self, topic: &[u8], wanted: bool) -> u64 {
        if wanted {
            self.topics.insert(Bytes::copy_from_slice(topic));
        } else {
            self.topics.remove(topic);
        }
        self.version += 1;
        self.version
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = &Bytes> {
        self.topics.iter()
    }
}
