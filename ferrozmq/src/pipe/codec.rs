//! Between the pipe format and the wire, on either side of a connection that is ready.
//!
//! ZMTP 2 and 3 without encryption *are* the pipe format; other versions, CURVE and raw TCP
//! (STREAM sockets) are transcoded here, message by message.

use bytes::{Buf, Bytes, BytesMut};
use ferrozmq_proto::zmtp::framing::{self, Flags, Header};
use ferrozmq_proto::zmtp::{Command, Received, Receiver, Sender};
use ferrozmq_proto::{PeerError, copy};

/// The writing side.
pub(crate) enum Sealer {
    /// A ZMTP connection.
    Zmtp(Sender),
    /// Raw bytes: a message is its body.
    Raw,
}

impl Sealer {
    /// Whether pipe-format bytes go to the wire as they are.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Sealer::Zmtp(sender) => sender.is_plain(),
            Sealer::Raw => false,
        }
    }

    /// Whether a message may be given its wire form before anybody has a copy of it.
    pub(crate) fn passes_through(&self) -> bool {
        matches!(self, Sealer::Zmtp(_))
    }

    /// Appends the wire form of one whole pipe-format message.
    pub(crate) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        match self {
            Sealer::Zmtp(sender) => sender.seal(plain, out),
            Sealer::Raw => raw_body(plain, out),
        }
    }

    /// Appends the wire form of one part of a message.
    pub(crate) fn seal_frame(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        match self {
            Sealer::Zmtp(sender) => sender.seal_frame(flags, body, out),
            Sealer::Raw => copy::append(out, body),
        }
    }

    /// Appends the wire form of a command; nothing where the peer would not understand it.
    pub(crate) fn command(&mut self, command: &Command<'_>, out: &mut Vec<u8>) {
        match self {
            Sealer::Zmtp(sender) => sender.command(command, out),
            Sealer::Raw => {}
        }
    }
}

fn raw_body(mut plain: &[u8], out: &mut Vec<u8>) {
    while let Header::Frame { header_len, body_len, .. } = framing::parse_header(plain) {
        let end = header_len.saturating_add(usize::try_from(body_len).unwrap_or(usize::MAX));
        let Some(body) = plain.get(header_len..end) else { return };
        copy::append(out, body);
        plain = &plain[end..];
    }
}

/// The reading side.
pub(crate) enum Opener {
    /// A ZMTP connection.
    Zmtp(Box<Receiver>),
    /// Raw bytes: what one read brought is one message.
    Raw,
}

impl Opener {
    /// The next thing that arrived, taken from the front of `input`; `None` if it is not whole yet.
    pub(crate) fn open(&mut self, input: &mut BytesMut) -> Result<Option<Received>, PeerError> {
        match self {
            Opener::Zmtp(receiver) => receiver.receive(input),
            Opener::Raw if input.is_empty() => Ok(None),
            Opener::Raw => {
                let mut out = Vec::with_capacity(input.len() + framing::HEADER_MAX);
                framing::encode_small(input, false, &mut out);
                input.advance(input.len());
                Ok(Some(Received::Messages { bytes: Bytes::from(out), count: 1 }))
            }
        }
    }

    /// A quick look for a run of short messages, and their number; `None` says nothing.
    #[inline]
    pub(crate) fn open_short(&mut self, input: &mut BytesMut) -> Option<(Bytes, usize)> {
        match self {
            Opener::Zmtp(receiver) => receiver.receive_short(input),
            Opener::Raw => None,
        }
    }

    /// Whether bytes that were taken from the input wait inside.
    pub(crate) fn holds_input(&self) -> bool {
        match self {
            Opener::Zmtp(receiver) => receiver.holds_input(),
            Opener::Raw => false,
        }
    }

    /// Whether messages are slices of the input, not copies.
    pub(crate) fn passes_input_on(&self) -> bool {
        match self {
            Opener::Zmtp(receiver) => receiver.is_plain(),
            Opener::Raw => false,
        }
    }

    /// Bytes still missing from the frame that has begun.
    pub(crate) fn wanted(&self) -> usize {
        match self {
            Opener::Zmtp(receiver) => receiver.wanted(),
            Opener::Raw => 0,
        }
    }
}
