//! The sending half of a connection after READY: from pipe format to the wire's.
//!
//! With ZMTP 2.0 and 3.x under NULL or PLAIN there is nothing to do ([`Sender::is_plain`]): the engine writes its
//! arena as it is. Commands must go between messages' parts or messages, never within a frame.

use super::command::Command;
use super::framing::{Flags, Header, encode_small, parse_header};
use super::greeting::Version;
use super::v1;
use crate::copy;
use crate::mechanism::Sealer;

/// Writes what goes to a peer after READY; used by one thread at a time, whichever writes the connection.
#[derive(Debug)]
pub struct Sender {
    version: Version,
    sealer: Option<Box<Sealer>>,
}

impl Sender {
    pub(super) fn new(version: Version, sealer: Option<Sealer>) -> Sender {
        Sender { version, sealer: sealer.map(Box::new) }
    }

    /// Whether messages go out in pipe format, so that [`seal`](Self::seal) would only copy.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.version != Version::V1 && self.sealer.is_none()
    }

    /// Appends the frames in `plain`, whole ones in pipe format, to `out` in the wire's form.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        if self.is_plain() {
            copy::append(out, plain);
            return;
        }
        let mut rest = plain;
        while let Header::Frame { flags, header_len, body_len } = parse_header(rest) {
            let end = usize::try_from(body_len).map_or(usize::MAX, |len| header_len.saturating_add(len));
            let Some((frame, after)) = rest.split_at_checked(end) else { break };
            self.seal_frame(flags, &frame[header_len..], out);
            rest = after;
        }
        debug_assert!(rest.is_empty(), "the arena ends within a frame");
    }

    /// Appends one frame of a message to `out` in the wire's form.
    pub fn seal_frame(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        match &mut self.sealer {
            Some(sealer) => sealer.seal(flags, body, out),
            None if self.version == Version::V1 => v1::encode_frame(body, flags.more(), out),
            None => encode_small(body, flags.more(), out),
        }
    }

    /// Appends `command`, in the form that the peer's version understands.
    ///
    /// Before ZMTP 3.1, SUBSCRIBE and CANCEL are messages that begin with 1 and 0; before 3.0 there is
    /// nothing else, and other commands append nothing.
    pub fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) {
        if self.sealer.is_none() {
            return plain_command(self.version, command, out);
        }
        let mut plain = Vec::new();
        plain_command(self.version, command, &mut plain);
        self.seal(&plain, out);
    }

    /// The version that the peer speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }
}

/// A command in the form that a peer of this version understands, not encrypted.
fn plain_command(version: Version, command: &Command<'_>, out: &mut Vec<u8>) {
    match command {
        Command::Subscribe(topic) if version < Version::V31 => subscription(version, 1, topic, out),
        Command::Cancel(topic) if version < Version::V31 => subscription(version, 0, topic, out),
        _ if version < Version::V30 => {}
        _ => command.encode(out),
    }
}

fn subscription(version: Version, first: u8, topic: &[u8], out: &mut Vec<u8>) {
    let mut body = Vec::with_capacity(1 + topic.len());
    body.push(first);
    body.extend_from_slice(topic);
    match version {
        Version::V1 => v1::encode_frame(&body, false, out),
        Version::V2 | Version::V30 | Version::V31 => encode_small(&body, false, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sent(version: Version, command: Command<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        Sender::new(version, None).command(&command, &mut out);
        out
    }

    #[test]
    fn every_version_gets_the_subscriptions_that_libzmq_4_3_5_sends_it() {
        let (subscribe, cancel) = (Command::Subscribe(b"tt"), Command::Cancel(b"tt"));
        assert_eq!(sent(Version::V1, subscribe), b"\x04\x00\x01tt");
        assert_eq!(sent(Version::V1, cancel), b"\x04\x00\x00tt");
        for version in [Version::V2, Version::V30] {
            assert_eq!(sent(version, subscribe), b"\x00\x03\x01tt");
            assert_eq!(sent(version, cancel), b"\x00\x03\x00tt");
        }
        assert_eq!(sent(Version::V31, subscribe), b"\x04\x0c\x09SUBSCRIBEtt");
        assert_eq!(sent(Version::V31, cancel), b"\x04\x09\x06CANCELtt");
    }

    #[test]
    fn peers_that_do_not_know_ping_get_none() {
        let ping = Command::Ping { ttl: Duration::ZERO, context: b"" };
        for version in [Version::V1, Version::V2] {
            assert!(sent(version, ping).is_empty());
            assert!(sent(version, Command::Pong { context: b"a" }).is_empty());
        }
        for version in [Version::V30, Version::V31] {
            assert_eq!(sent(version, ping), b"\x04\x07\x04PING\0\0");
        }
    }

    #[test]
    fn frames_are_rewritten_for_zmtp_1_0_only() {
        let plain = b"\x01\x01p\x00\x01q";
        let mut out = Vec::new();
        Sender::new(Version::V1, None).seal(plain, &mut out);
        assert_eq!(out, b"\x02\x01p\x02\x00q");
        for version in [Version::V2, Version::V30, Version::V31] {
            let mut sender = Sender::new(version, None);
            assert!(sender.is_plain());
            let mut out = Vec::new();
            sender.seal(plain, &mut out);
            assert_eq!(out, plain);
        }
    }
}
