//! ZMTP 3's commands: a name and what follows it (RFC 23, RFC 37).
//!
//! Parsing borrows, allocates nothing and answers every input. Which command may come when is not decided
//! here but by [`Link`](crate::zmtp::Link) before READY and by [`Receiver`](crate::zmtp::Receiver) after it.

use super::framing::{Flags, header};
use crate::PeerError;
use std::time::Duration;

/// The longest context of a PING, in bytes; what exceeds it is not returned in the PONG, as in libzmq.
pub const PING_CONTEXT_MAX: usize = 16;

/// A PING's time to live counts tenths of a second.
const TTL_UNIT_MS: u128 = 100;

/// A command of ZMTP 3, without those of the security mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Asks for a PONG.
    Ping {
        /// How long the sender of the PING wants the other side to wait for its next sign of life; zero
        /// for no wish. Whole tenths of a second, at most 6553.5 s: what is sent is cut down to that.
        ttl: Duration,
        /// To be returned; at most [`PING_CONTEXT_MAX`] bytes.
        context: &'a [u8],
    },
    /// Answers a PING.
    Pong {
        /// The PING's context.
        context: &'a [u8],
    },
    /// From now on, messages that begin with these bytes are wanted.
    Subscribe(&'a [u8]),
    /// Takes one SUBSCRIBE of the same bytes back.
    Cancel(&'a [u8]),
    /// The handshake is done; carries the sender's properties ([`metadata`](crate::zmtp::metadata)).
    Ready(&'a [u8]),
    /// The sender gives up, for this reason; at most 255 bytes.
    Error(&'a [u8]),
}

impl<'a> Command<'a> {
    /// Reads the body of a command frame; `None` for a command with an unknown name.
    ///
    /// # Errors
    /// [`PeerError::MalformedCommand`], or [`PeerError::MalformedError`] for an ERROR whose reason is cut short.
    pub fn parse(body: &'a [u8]) -> Result<Option<Command<'a>>, PeerError> {
        let (name, rest) = split_name(body)?;
        Ok(Some(match name {
            b"PING" => parse_ping(rest)?,
            b"PONG" => Command::Pong { context: cut_context(rest) },
            b"SUBSCRIBE" => Command::Subscribe(rest),
            b"CANCEL" => Command::Cancel(rest),
            b"READY" => Command::Ready(rest),
            b"ERROR" => Command::Error(parse_reason(rest)?),
            _ => return Ok(None),
        }))
    }

    /// Appends the command as one frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Command::Ping { ttl, context } => {
                let tenths = u16::try_from(ttl.as_millis() / TTL_UNIT_MS).unwrap_or(u16::MAX);
                frame(b"\x04PING", &[&tenths.to_be_bytes(), cut_context(context)], out);
            }
            Command::Pong { context } => frame(b"\x04PONG", &[cut_context(context)], out),
            Command::Subscribe(topic) => frame(b"\x09SUBSCRIBE", &[topic], out),
            Command::Cancel(topic) => frame(b"\x06CANCEL", &[topic], out),
            Command::Ready(metadata) => frame(b"\x05READY", &[metadata], out),
            Command::Error(reason) => {
                let reason = &reason[..reason.len().min(usize::from(u8::MAX))];
                frame(b"\x05ERROR", &[&[reason.len() as u8], reason], out);
            }
        }
    }
}

/// A command's name and what follows it.
pub(crate) fn split_name(body: &[u8]) -> Result<(&[u8], &[u8]), PeerError> {
    let (name_len, rest) = body.split_first().ok_or(PeerError::MalformedCommand)?;
    rest.split_at_checked(usize::from(*name_len)).ok_or(PeerError::MalformedCommand)
}

/// Appends a command: its name behind the name's length, and the pieces of the rest.
pub(crate) fn frame(name: &[u8], rest: &[&[u8]], out: &mut Vec<u8>) {
    let len = name.len() + rest.iter().map(|piece| piece.len()).sum::<usize>();
    let (mut header, header_len) = header(len, false);
    header[0] |= Flags::COMMAND;
    out.reserve(header_len + len);
    out.extend_from_slice(&header[..header_len]);
    out.extend_from_slice(name);
    for piece in rest {
        out.extend_from_slice(piece);
    }
}

fn parse_ping(rest: &[u8]) -> Result<Command<'_>, PeerError> {
    // libzmq answers a PING without a time to live; RFC 37 has no such PING.
    let (ttl, context) = rest.split_first_chunk::<2>().ok_or(PeerError::MalformedCommand)?;
    let ttl = Duration::from_millis(u64::from(u16::from_be_bytes(*ttl)) * TTL_UNIT_MS as u64);
    Ok(Command::Ping { ttl, context: cut_context(context) })
}

fn parse_reason(rest: &[u8]) -> Result<&[u8], PeerError> {
    let (len, reason) = rest.split_first().ok_or(PeerError::MalformedError)?;
    reason.get(..usize::from(*len)).ok_or(PeerError::MalformedError)
}

fn cut_context(context: &[u8]) -> &[u8] {
    &context[..context.len().min(PING_CONTEXT_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(command: Command<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        command.encode(&mut out);
        out
    }

    #[test]
    fn commands_have_the_bytes_that_libzmq_4_3_5_sends() {
        let ms = Duration::from_millis;
        assert_eq!(encoded(Command::Subscribe(b"topic")), b"\x04\x0f\x09SUBSCRIBEtopic");
        assert_eq!(encoded(Command::Cancel(b"topic")), b"\x04\x0c\x06CANCELtopic");
        assert_eq!(encoded(Command::Ping { ttl: ms(250), context: b"" }), b"\x04\x07\x04PING\x00\x02");
        assert_eq!(encoded(Command::Ping { ttl: ms(6_553_500), context: b"" }), b"\x04\x07\x04PING\xff\xff");
        assert_eq!(encoded(Command::Ping { ttl: Duration::MAX, context: b"" }), b"\x04\x07\x04PING\xff\xff");
        assert_eq!(encoded(Command::Pong { context: b"abc" }), b"\x04\x08\x04PONGabc");
        let long = Command::Pong { context: b"0123456789abcdefghijklm" };
        assert_eq!(encoded(long), b"\x04\x15\x04PONG0123456789abcdef");
        assert_eq!(encoded(Command::Error(b"400")), b"\x04\x0a\x05ERROR\x03400");
        assert_eq!(encoded(Command::Subscribe(&[b'x'; 300]))[..9], [6, 0, 0, 0, 0, 0, 0, 0x01, 0x36]);
    }

    #[test]
    fn malformed_commands_are_told_from_unknown_ones() {
        let malformed: [&[u8]; 5] = [b"", b"\x05PING", b"\x04PIN", b"\x04PING", b"\x04PING\x00"];
        for body in malformed {
            assert_eq!(Command::parse(body), Err(PeerError::MalformedCommand), "{body:?}");
        }
        for body in [&b"\x05ERROR"[..], b"\x05ERROR\x09a"] {
            assert_eq!(Command::parse(body), Err(PeerError::MalformedError), "{body:?}");
        }
        for body in [&b"\x00"[..], b"\x03FOO", b"\x04JOINgroup", b"\x04ping\x00\x00"] {
            assert_eq!(Command::parse(body), Ok(None), "{body:?}");
        }
    }

    #[test]
    fn a_pings_context_is_cut_to_16_bytes() {
        let Ok(Some(Command::Ping { ttl, context })) = Command::parse(b"\x04PING\x00\x0a0123456789abcdefXYZ")
        else {
            panic!("a PING")
        };
        assert_eq!((ttl, context), (Duration::from_secs(1), &b"0123456789abcdef"[..]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Command::parse(&body);
        }

        #[test]
        fn what_is_encoded_is_parsed(topic in proptest::collection::vec(any::<u8>(), 0..200), tenths: u16) {
            let ttl = Duration::from_millis(u64::from(tenths) * 100);
            let context = &topic[..topic.len().min(16)];
            for command in [
                Command::Ping { ttl, context },
                Command::Pong { context },
                Command::Subscribe(&topic),
                Command::Cancel(&topic),
                Command::Ready(&topic),
                Command::Error(&topic),
            ] {
                let bytes = encoded(command);
                prop_assert_eq!(Command::parse(&bytes[2..]), Ok(Some(command)));
            }
        }
    }
}
