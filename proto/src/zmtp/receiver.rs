//! The receiving half of a connection after READY: bytes in, messages and commands out.
//!
//! Whatever the wire speaks, messages come out in pipe format ([`framing`](super::framing)), in runs as long as
//! possible. It keeps no clock and answers no PING: the engine does both.

use super::config::LinkConfig;
use super::greeting::Version;
use super::scanner::Scanner;
use super::v1;
use crate::PeerError;
use crate::mechanism::Opener;
use bytes::{Bytes, BytesMut};
use std::time::Duration;

/// Reads what a peer sends after READY; used by one thread at a time, whichever reads the connection.
#[derive(Debug)]
pub struct Receiver {
    scanner: Scanner,
    wire: Wire,
    /// The subscription that a peer without version never sends (it filters what it gets) is still to be delivered.
    phantom: bool,
}

/// The form of frames on the wire.
#[derive(Debug)]
enum Wire {
    Plain,
    /// ZMTP 1.0, with what was rewritten and not yet delivered, and how many bytes the next frame lacks.
    V1 {
        plain: BytesMut,
        wanted: usize,
    },
    /// Encrypted by CURVE; the rest as with ZMTP 1.0.
    Curve {
        opener: Box<Opener>,
        plain: BytesMut,
        wanted: usize,
    },
}

/// Something a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A run of whole messages in pipe format; it ends where a command follows or the bytes end.
    Messages {
        /// The frames.
        bytes: Bytes,
        /// How many messages they are; at least one.
        count: usize,
    },
    /// Messages that begin with `topic` are wanted, or, one subscription of the same topic less, not any more.
    /// Only PUB and XPUB get these.
    Subscription {
        /// What the messages begin with.
        topic: Bytes,
        /// SUBSCRIBE, not CANCEL.
        wanted: bool,
    },
    /// The peer wants a PONG with the same context.
    Ping {
        /// How long we may wait for the peer's next sign of life, if not zero.
        ttl: Duration,
        /// At most 16 bytes.
        context: Bytes,
    },
    /// The answer to our PING.
    Pong {
        /// At most 16 bytes.
        context: Bytes,
    },
    /// The peer reports an error; it will probably close the connection. libzmq ignores it.
    Error {
        /// The peer's words.
        reason: Bytes,
    },
}

impl Receiver {
    pub(super) fn new(
        config: &LinkConfig,
        version: Version,
        phantom: bool,
        opener: Option<Opener>,
    ) -> Receiver {
        let wire = match version {
            Version::V1 => Wire::V1 { plain: BytesMut::new(), wanted: 2 },
            Version::V2 | Version::V30 | Version::V31 => match opener {
                None => Wire::Plain,
                Some(opener) => Wire::Curve { opener: Box::new(opener), plain: BytesMut::new(), wanted: 2 },
            },
        };
        Receiver { scanner: Scanner::new(config, version), wire, phantom }
    }

    /// The next thing in `input`; `None` if more bytes are needed.
    ///
    /// Consumes what it returns and leaves the rest, to which the engine appends what it reads: between calls,
    /// `input` may only grow. Call it until it says `None`.
    ///
    /// # Errors
    /// What the peer did wrong. All that came before was delivered; the connection is to be closed.
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Option<Received>, PeerError> {
        if std::mem::take(&mut self.phantom) {
            return Ok(Some(Received::Subscription { topic: Bytes::new(), wanted: true }));
        }
        match &mut self.wire {
            Wire::Plain => self.scanner.next(input),
            Wire::V1 { plain, wanted } => {
                let missing = v1::transcode(input, plain, self.scanner.max_body());
                let received = self.scanner.next(plain)?;
                if received.is_none() {
                    *wanted = missing?;
                }
                Ok(received)
            }
            Wire::Curve { opener, plain, wanted } => loop {
                let missing = opener.open(input, plain, self.scanner.max_frame());
                if let Some(received) = self.scanner.next(plain)? {
                    return Ok(Some(received));
                }
                *wanted = missing?;
                if *wanted > 0 {
                    return Ok(None);
                }
            },
        }
    }

    /// A quick look for what [`receive`](Self::receive) gives most often, a run of messages of few short parts, and their
    /// number. `None` says nothing: ask `receive`.
    #[inline]
    pub fn receive_short(&mut self, input: &mut BytesMut) -> Option<(Bytes, usize)> {
        match &self.wire {
            Wire::Plain if !self.phantom => self.scanner.short_run(input),
            _ => None,
        }
    }

    /// Whether the wire's form is the pipe format, so that messages leave as slices of the input.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.wire, Wire::Plain)
    }

    /// Whether bytes that were taken from the input wait inside: as long as they do, an empty input does not mean that
    /// [`receive`](Self::receive) has no more to give.
    #[must_use]
    pub fn holds_input(&self) -> bool {
        match &self.wire {
            Wire::Plain => false,
            Wire::V1 { plain, .. } | Wire::Curve { plain, .. } => !plain.is_empty(),
        }
    }

    /// After [`receive`](Self::receive) said `None`: bytes missing to the end of the current frame, as announced
    /// by the peer. A hint for the next read; a buffer must not be allocated by it.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match &self.wire {
            Wire::Plain => self.scanner.wanted(),
            Wire::V1 { wanted, .. } | Wire::Curve { wanted, .. } => *wanted,
        }
    }
}
