//! The pipe format: the fast decoders against a slow one that is plain to see.
//!
//! All find the same messages in any bytes; what they find encodes to bytes in which they find it again.
#![no_main]

use bytes::Bytes;
use ferrozmq_fuzz::memory;
use ferrozmq_proto::Message;
use ferrozmq_proto::zmtp::Limits;
use ferrozmq_proto::zmtp::framing::{Cursor, decode_message, encode, whole_messages};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (messages, end) = slow(bytes);
    assert_eq!(whole_messages(bytes), (end, messages.len()));
    let whole = Bytes::copy_from_slice(&bytes[..end]);
    // Unpacked parts cost what the limits charge for them.
    let parts: usize = messages.iter().map(Vec::len).sum();
    memory::bounded(end + parts * Limits::PART_OVERHEAD as usize, || check(&whole, &messages));
});

fn check(whole: &Bytes, messages: &[Vec<&[u8]>]) {
    let mut cursor = Cursor::new(whole.clone());
    let mut chunk = whole.clone();
    let mut encoded = Vec::with_capacity(whole.len());
    for message in messages {
        let fast = cursor.next_message().expect("as many as the slow decoder found");
        assert!(same(&fast, message));
        assert!(same(&decode_message(&mut chunk).expect("as many again"), message));
        encode(&fast, &mut encoded);
    }
    assert!(cursor.next_message().is_none() && cursor.remaining() == 0);
    assert!(decode_message(&mut chunk).is_none() && chunk.is_empty());
    let mut cursor = Cursor::new(Bytes::from(encoded));
    for message in messages {
        assert!(same(&cursor.next_message().expect("what was encoded"), message));
    }
    assert_eq!(cursor.remaining(), 0);
}

fn same(message: &Message, parts: &[&[u8]]) -> bool {
    message.iter().map(|frame| frame.as_bytes()).eq(parts.iter().copied())
}

/// The whole messages at the start of `bytes`, and where they end. Written after RFC 23, for clarity alone.
fn slow(bytes: &[u8]) -> (Vec<Vec<&[u8]>>, usize) {
    let (mut messages, mut parts, mut at, mut end) = (Vec::new(), Vec::new(), 0, 0);
    while let Some(flags) = bytes.get(at) {
        let (more, long, command, reserved) =
            (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0, flags & 0xf8 != 0);
        if reserved || more && command {
            break;
        }
        let header_len = if long { 9 } else { 2 };
        let Some(length) = bytes.get(at + 1..at + header_len) else { break };
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        if length > (bytes.len() - at - header_len) as u64 {
            break;
        }
        let body = at + header_len;
        at = body + length as usize;
        parts.push(&bytes[body..at]);
        if !more {
            messages.push(std::mem::take(&mut parts));
            end = at;
        }
    }
    (messages, end)
}
