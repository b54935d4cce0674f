//! Bodies of ZMTP 3's commands: what can be read encodes to a command frame that reads the same.
#![no_main]

use ferrozmq_fuzz::memory;
use ferrozmq_proto::zmtp::Command;
use ferrozmq_proto::zmtp::framing::{Header, parse_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    memory::bounded(body.len(), || {
        let Ok(Some(command)) = Command::parse(body) else { return };
        let mut frame = Vec::new();
        command.encode(&mut frame);
        let Header::Frame { flags, header_len, body_len } = parse_header(&frame) else {
            panic!("{command:?} encodes to no frame");
        };
        assert!(flags.command() && !flags.more());
        assert_eq!(header_len as u64 + body_len, frame.len() as u64);
        assert_eq!(Command::parse(&frame[header_len..]), Ok(Some(command)));
    });
});
