//! A connection after its handshake, in every version of ZMTP.
//!
//! The input is a socket type, switches of its configuration, the length of reads, the version, then what the peer sends after
//! a handshake that is right.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::SocketType;
use ferrozmq_proto::zmtp::{Command, metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut config = connection::config(&mut input);
    config.limits.handshake_bytes = config.limits.handshake_bytes.max(1024);
    let piece = usize::from(input.byte());
    let mut wire = handshake(input.byte(), config.socket_type);
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});

/// What a peer of a fitting type sends first.
fn handshake(version: u8, ours: SocketType) -> Vec<u8> {
    let theirs = SocketType::ALL.into_iter().find(|theirs| ours.accepts(*theirs)).unwrap_or(SocketType::Pair);
    let mut wire = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
    match version % 5 {
        0 => return b"\x01\x00".to_vec(),
        1 => wire.extend([0, theirs as u8, 1, 0]),
        2 => wire.extend([1, theirs as u8, 0, 0]),
        minor => {
            wire.extend([3, minor - 3]);
            wire.extend(b"NULL");
            wire.resize(64, 0);
            let mut properties = Vec::new();
            metadata::encode(metadata::SOCKET_TYPE, theirs.name().as_bytes(), &mut properties);
            Command::Ready(&properties).encode(&mut wire);
        }
    }
    wire
}
