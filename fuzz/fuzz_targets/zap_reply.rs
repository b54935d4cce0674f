//! Answers of a ZAP handler, which is a program of somebody else's: parts of any number and content.
//!
//! Only an answer that is right in every part lets a peer in; memory is bounded by what was handed over.
//!
//! The input is the parts, each after its length; a length of 255 stands for the part that would be right there.
#![no_main]

use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::memory;
use ferrozmq_proto::mechanism::Verdict;
use ferrozmq_proto::zap::read_reply;
use ferrozmq_proto::zmtp::{Limits, metadata};
use ferrozmq_proto::{Frame, Message};
use libfuzzer_sys::fuzz_target;

const RIGHT: [&[u8]; 7] = [b"", b"1.0", b"1", b"200", b"OK", b"anna", b"\x01a\0\0\0\x01b"];

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while !input.is_empty() {
        let length = input.byte();
        parts.push(match RIGHT.get(parts.len()) {
            Some(right) if length == 255 => right.to_vec(),
            _ => input.take(usize::from(length)).to_vec(),
        });
    }
    let Some(reply) = Message::from_parts(parts.iter().map(|part| Frame::copy_from_slice(part))) else {
        return;
    };
    // A property costs its entry beside its bytes, and there is a limit to their number.
    let entries = Limits::default().properties * 128;
    let read = memory::bounded(bytes.len() + entries, || read_reply(&reply));
    let fits = parts.len() == 7 && parts[..3].iter().eq(&RIGHT[..3]);
    match read {
        Ok(Verdict::Granted { user_id, properties }) => {
            assert!(fits && parts[3] == RIGHT[3] && user_id == parts[5]);
            let mut encoded = Vec::new();
            properties.iter().for_each(|(name, value)| metadata::encode(name, value, &mut encoded));
            assert_eq!(encoded, parts[6]);
        }
        Ok(Verdict::Denied { status }) => {
            assert!(fits && [300, 400, 500].contains(&status) && parts[3] == status.to_string().as_bytes());
        }
        Err(fault) => assert!((0x2000_0000..0x2000_0006).contains(&fault.protocol_code())),
    }
});
