//! The greeting: finding out which ZMTP the peer speaks.
//!
//! It goes out in three steps, as libzmq sends it: ten bytes that an old peer takes for the header of our
//! routing id, then the revision once ten of the peer's prove it to be versioned, then the rest in the form its
//! revision asks for. A peer that speaks ZMTP 1.0 without version, 1.0 with it, 2.0, 3.0 or 3.1 is recognised by
//! its first 1 to 12 bytes. What is agreed upon then is [`decide`](crate::mechanism::decide)'s business.
//!
//! ```text
//! ZMTP 3  FF  (8-byte length of routing id + 1)  7F | 03 | 01  mechanism[20]  as-server  filler[31]
//! ZMTP 2  FF  (8 bytes)                          7F | 01 | socket type
//! ZMTP 1  the frame of the routing id
//! ```

use crate::SocketType;
use crate::mechanism::{Mechanism, Offer};
use bytes::{Buf, BytesMut};

/// Bytes up to and including the one that shows whether the peer is versioned.
const SIGNATURE_LEN: usize = 10;

/// Bytes of a greeting of ZMTP 2.0, and of a versioned one of ZMTP 1.0.
const V2_LEN: usize = 12;

/// Bytes of a greeting of ZMTP 3.
const V3_LEN: usize = 64;

/// The version of ZMTP that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// ZMTP 1.0 (RFC 13), libzmq 2.x.
    V1,
    /// ZMTP 2.0 (RFC 15), libzmq 3.x.
    V2,
    /// ZMTP 3.0 (RFC 23), libzmq 4.0 to 4.2.
    V30,
    /// ZMTP 3.1 (RFC 37), libzmq from 4.3 on.
    V31,
}

/// What the peer's greeting tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeted {
    /// ZMTP 1.0 without a greeting: all the peer sent is its routing id's frame, still in the input. The header of
    /// ours is already sent.
    Unversioned,
    /// ZMTP 1.0 or 2.0: the routing ids follow as messages.
    Old { version: Version, socket_type: Option<SocketType> },
    /// ZMTP 3: commands of the mechanism follow.
    Three { version: Version, offer: Offer },
}

/// How far the exchange of greetings got.
#[derive(Debug)]
pub(super) struct Greeting {
    socket_type: SocketType,
    mechanism: Mechanism,
    sent: Sent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Signature,
    Revision,
    All,
}

impl Greeting {
    /// Begins a greeting: appends its first ten bytes to `out`.
    pub(super) fn new(
        socket_type: SocketType,
        mechanism: Mechanism,
        routing_id_len: usize,
        out: &mut Vec<u8>,
    ) -> Greeting {
        out.push(0xff);
        out.extend_from_slice(&(routing_id_len as u64 + 1).to_be_bytes());
        out.push(0x7f);
        Greeting { socket_type, mechanism, sent: Sent::Signature }
    }

    /// Reads what is there of the peer's greeting and appends what may be sent now; `None` until it is whole.
    ///
    /// The greeting stays in `input` until it is whole, so `input` must keep what was not consumed.
    pub(super) fn advance(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Option<Greeted> {
        let unversioned_by_flags = input.get(SIGNATURE_LEN - 1).is_some_and(|flags| flags & 1 == 0);
        if *input.first()? != 0xff || unversioned_by_flags {
            return Some(Greeted::Unversioned);
        }
        if input.len() >= SIGNATURE_LEN && self.sent == Sent::Signature {
            out.push(3);
            self.sent = Sent::Revision;
        }
        let revision = *input.get(SIGNATURE_LEN)?;
        let old = matches!(revision, 0 | 1);
        if self.sent == Sent::Revision {
            self.send_rest(old, out);
        }
        let greeted = if old { read_old(input, revision)? } else { read_three(input, revision)? };
        input.advance(if old { V2_LEN } else { V3_LEN });
        Some(greeted)
    }

    fn send_rest(&mut self, old: bool, out: &mut Vec<u8>) {
        if old {
            out.push(self.socket_type as u8);
        } else {
            out.push(1);
            out.extend_from_slice(&self.mechanism.padded_name());
            // libzmq sends as-server 0 from servers too, and its peers have come to expect nothing else.
            out.extend_from_slice(&[0; 32]);
        }
        self.sent = Sent::All;
    }
}

fn read_old(input: &[u8], revision: u8) -> Option<Greeted> {
    let kind = *input.get(SIGNATURE_LEN + 1)?;
    let version = if revision == 0 { Version::V1 } else { Version::V2 };
    Some(Greeted::Old { version, socket_type: SocketType::from_number(i32::from(kind)) })
}

/// Any unknown revision, 2 included, is taken for 3.1, as in libzmq. The filler is not looked at.
fn read_three(input: &[u8], revision: u8) -> Option<Greeted> {
    let rest = input.get(SIGNATURE_LEN + 1..V3_LEN)?;
    let (minor, rest) = rest.split_first()?;
    let (mechanism, rest) = rest.split_first_chunk::<20>()?;
    let as_server = rest.first()? & 1 != 0;
    let version = if revision == 3 && *minor == 0 { Version::V30 } else { Version::V31 };
    Some(Greeted::Three { version, offer: Offer { mechanism: *mechanism, as_server } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(revision: u8, minor: u8) -> Vec<u8> {
        let mut bytes = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
        bytes.extend([revision, minor]);
        bytes.extend(b"NULL");
        bytes.resize(64, 0);
        bytes
    }

    /// Feeds `bytes` one at a time; what was understood, after how many of them, and what was sent.
    fn feed(bytes: &[u8], routing_id_len: usize) -> (Option<Greeted>, usize, Vec<u8>) {
        let mut out = Vec::new();
        let mut greeting = Greeting::new(SocketType::Dealer, Mechanism::Null, routing_id_len, &mut out);
        let mut input = BytesMut::new();
        for (index, byte) in bytes.iter().enumerate() {
            input.extend_from_slice(&[*byte]);
            if let Some(greeted) = greeting.advance(&mut input, &mut out) {
                return (Some(greeted), index + 1, out);
            }
        }
        (None, bytes.len(), out)
    }

    #[test]
    fn each_step_is_sent_as_libzmq_4_3_5_sends_it() {
        let bytes = greeting(3, 1);
        let mut rest = b"\x03\x01NULL".to_vec();
        rest.resize(54, 0);
        for cut in 0..=bytes.len() {
            let (greeted, _, out) = feed(&bytes[..cut], 3);
            assert_eq!(out[..10], *b"\xff\0\0\0\0\0\0\0\x04\x7f");
            let expected = if cut < 10 {
                0
            } else if cut < 11 {
                1
            } else {
                54
            };
            assert_eq!(out[10..], rest[..expected], "{cut}");
            assert_eq!(greeted.is_some(), cut == 64);
        }
    }

    #[test]
    fn old_peers_are_recognised_by_their_first_bytes() {
        let dealer = Some(SocketType::Dealer);
        for (revision, version) in [(0, Version::V1), (1, Version::V2)] {
            let (greeted, after, out) = feed(&greeting(revision, 5), 0);
            assert_eq!(greeted, Some(Greeted::Old { version, socket_type: dealer }));
            assert_eq!((after, &out[10..]), (12, &b"\x03\x05"[..]));
        }
        let (greeted, _, _) = feed(&greeting(1, 200), 0);
        assert_eq!(greeted, Some(Greeted::Old { version: Version::V2, socket_type: None }));
        assert_eq!(feed(b"\x03\x00xy", 0).0, Some(Greeted::Unversioned));
        assert_eq!(feed(b"GET /", 0).1, 1);
        let (greeted, after, out) = feed(b"\xff\0\0\0\0\0\0\x01\x00\x00id", 0);
        assert_eq!((greeted, after, out.len()), (Some(Greeted::Unversioned), 10, 10));
    }

    #[test]
    fn unknown_revisions_are_taken_for_3_1() {
        for revision in 2..=255 {
            for minor in [0, 1, 7, 255] {
                let Some(Greeted::Three { version, .. }) = feed(&greeting(revision, minor), 0).0 else {
                    panic!("revision {revision} is ZMTP 3")
                };
                let expected = if (revision, minor) == (3, 0) { Version::V30 } else { Version::V31 };
                assert_eq!(version, expected, "{revision}.{minor}");
            }
        }
    }
}
