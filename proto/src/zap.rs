//! ZAP 1.0 (RFC 27) as messages: the question that a connection asks the handler, and what its answer means.
//!
//! Both begin with the empty part that separates an envelope from what it carries, so that a REP or ROUTER socket can be the
//! handler. Of answers only one that is right in every part lets a peer in; each other kind has libzmq's number. Who
//! carries the messages, and how long an answer may take, is not this file's business.

use crate::Message;
use crate::mechanism::{AuthRequest, Verdict};
use crate::zmtp::{Limits, metadata};
use bytes::Bytes;
use std::fmt;

/// The inproc name that the handler binds.
pub const HANDLER: &str = "zeromq.zap.01";

const VERSION: &[u8] = b"1.0";
/// One question per pipe: libzmq always says so.
const REQUEST_ID: &[u8] = b"1";
/// Delimiter, version, request id, status code, status text, user id, metadata.
const REPLY_PARTS: usize = 7;

/// Where a question comes from.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// `ZMQ_ZAP_DOMAIN`.
    pub domain: &'a str,
    /// The peer's address, numeric and without port.
    pub address: &'a str,
    /// Our socket's routing id.
    pub routing_id: &'a [u8],
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyFault {
    /// It does not begin with an empty part.
    Delimiter,
    /// It has too few parts, or too many.
    Parts,
    /// It is the answer to another question.
    RequestId,
    /// It is of another version of ZAP.
    Version,
    /// Its status is none of 200, 300, 400 and 500.
    Status,
    /// Its metadata cannot be parsed.
    Metadata,
}

impl ReplyFault {
    /// libzmq's `ZMQ_PROTOCOL_ERROR_ZAP_*` number for the monitor event `HANDSHAKE_FAILED_PROTOCOL`.
    #[must_use]
    pub fn protocol_code(self) -> u32 {
        match self {
            ReplyFault::Delimiter => 0x2000_0000,
            ReplyFault::Parts => 0x2000_0001,
            ReplyFault::RequestId => 0x2000_0002,
            ReplyFault::Version => 0x2000_0003,
            ReplyFault::Status => 0x2000_0004,
            ReplyFault::Metadata => 0x2000_0005,
        }
    }
}

impl std::error::Error for ReplyFault {}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReplyFault::Delimiter => "the ZAP handler's reply does not begin with an empty part",
            ReplyFault::Parts => "the ZAP handler's reply has not seven parts",
            ReplyFault::RequestId => "the ZAP handler's reply has another request id",
            ReplyFault::Version => "the ZAP handler's reply is not of version 1.0",
            ReplyFault::Status => "the ZAP handler's reply has none of the statuses 200, 300, 400 and 500",
            ReplyFault::Metadata => "the ZAP handler's reply has malformed metadata",
        })
    }
}

/// The question about a peer.
#[must_use]
pub fn request(asker: Asker<'_>, question: &AuthRequest) -> Message {
    let mut message = Message::from(b"");
    message.push_back(VERSION);
    message.push_back(REQUEST_ID);
    message.push_back(asker.domain);
    message.push_back(asker.address);
    message.push_back(asker.routing_id);
    message.push_back(question.mechanism.name());
    question.credentials.iter().for_each(|credential| message.push_back(credential.as_ref()));
    message
}

/// What the handler's answer says.
///
/// # Errors
/// What is wrong with it, in the order in which libzmq looks.
pub fn read_reply(reply: &Message) -> Result<Verdict, ReplyFault> {
    let mut parts = reply.iter().map(|part| part.as_bytes());
    let parts: [&[u8]; REPLY_PARTS] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let [delimiter, version, request_id, status, _text, user_id, properties] = parts;
    if reply.len() != REPLY_PARTS {
        return Err(ReplyFault::Parts);
    }
    if !delimiter.is_empty() {
        return Err(ReplyFault::Delimiter);
    }
    if version != VERSION {
        return Err(ReplyFault::Version);
    }
    if request_id != REQUEST_ID {
        return Err(ReplyFault::RequestId);
    }
    let status = match status {
        b"200" => 200,
        b"300" => 300,
        b"400" => 400,
        b"500" => 500,
        _ => return Err(ReplyFault::Status),
    };
    let properties = metadata::parse(properties, &Limits::default()).map_err(|_| ReplyFault::Metadata)?;
    if status != 200 {
        return Ok(Verdict::Denied { status });
    }
    Ok(Verdict::Granted { user_id: Bytes::copy_from_slice(user_id), properties })
}

/// The status with which a peer that asked a ZAP handler refused us, if `reason` is one.
#[must_use]
pub fn refused_status(reason: &[u8]) -> Option<u16> {
    match reason {
        b"300" => Some(300),
        b"400" => Some(400),
        b"500" => Some(500),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Mechanism;
    use proptest::prelude::*;

    const GOOD: [&[u8]; 7] = [b"", b"1.0", b"1", b"200", b"OK", b"anna", b"\x05Hello\0\0\0\x05World"];

    fn message(parts: &[&[u8]]) -> Message {
        let mut parts = parts.iter();
        let mut message = Message::from(*parts.next().unwrap());
        parts.for_each(|part| message.push_back(*part));
        message
    }

    #[test]
    fn a_question_has_what_the_rfc_says() {
        let asker = Asker { domain: "global", address: "127.0.0.1", routing_id: b"IDENT" };
        let credentials = vec![Bytes::from_static(b"anna"), Bytes::from_static(b"secret")];
        let asked = request(asker, &AuthRequest { mechanism: Mechanism::Plain, credentials });
        let expected: [&[u8]; 9] =
            [b"", b"1.0", b"1", b"global", b"127.0.0.1", b"IDENT", b"PLAIN", b"anna", b"secret"];
        assert_eq!(asked, message(&expected));
    }

    #[test]
    fn a_good_reply_grants() {
        let properties = vec![("Hello".to_owned(), Bytes::from_static(b"World"))];
        let granted = Verdict::Granted { user_id: Bytes::from_static(b"anna"), properties };
        assert_eq!(read_reply(&message(&GOOD)), Ok(granted));
    }

    #[test]
    fn each_fault_has_its_number() {
        let cases: [(usize, &[u8], u32); 12] = [
            (0, b"x", 0x2000_0000),
            (1, b"", 0x2000_0003),
            (1, b"1.1", 0x2000_0003),
            (2, b"", 0x2000_0002),
            (2, b"2", 0x2000_0002),
            (3, b"", 0x2000_0004),
            (3, b"2", 0x2000_0004),
            (3, b"201", 0x2000_0004),
            (3, b"20x", 0x2000_0004),
            (3, b"600", 0x2000_0004),
            (3, b"2000", 0x2000_0004),
            (6, b"\x05Hello\0\0\0\x06World", 0x2000_0005),
        ];
        for (part, bytes, code) in cases {
            let mut parts = GOOD;
            parts[part] = bytes;
            let fault = read_reply(&message(&parts)).unwrap_err();
            assert_eq!(fault.protocol_code(), code, "{part} {bytes:?}");
        }
        assert_eq!(read_reply(&message(&GOOD[..6])), Err(ReplyFault::Parts));
        assert_eq!(read_reply(&message(&[&GOOD[..], &[b""]].concat())), Err(ReplyFault::Parts));
    }

    #[test]
    fn refusals_keep_their_status() {
        for (bytes, status) in [(b"300", 300), (b"400", 400), (b"500", 500)] {
            let mut parts = GOOD;
            parts[3] = bytes;
            assert_eq!(read_reply(&message(&parts)), Ok(Verdict::Denied { status }));
            assert_eq!(refused_status(bytes), Some(status));
        }
        assert_eq!(refused_status(b"200"), None);
    }

    proptest! {
        /// T20: of replies near the good one, those that differ in what counts let nobody in.
        #[test]
        fn only_a_good_reply_lets_in(
            part in 0_usize..7,
            bytes in proptest::collection::vec(any::<u8>(), 0..6),
            extra in 0_usize..9,
        ) {
            let mut parts = GOOD.to_vec();
            parts[part] = &bytes;
            parts.truncate(extra.max(1));
            let granted = matches!(read_reply(&message(&parts)), Ok(Verdict::Granted { .. }));
            let metadata_is_good = part != 6 || bytes.is_empty();
            let right = parts.len() == 7 && parts[..4] == GOOD[..4] && metadata_is_good;
            // Metadata may be good by chance; then it is right.
            prop_assert!(granted == right || part == 6 && granted);
        }
    }
}
