//! What subscribers send to a publisher: SUBSCRIBE and CANCEL, messages that are subscriptions, and messages that are none.
//!
//! In both versions of ZMTP that tell them apart; the input is the version and the publisher's type, switches of its
//! configuration, the length of reads, then what comes after a handshake that is right.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::SocketType;
use ferrozmq_proto::zmtp::{Command, metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let first = input.byte();
    let mut config = connection::config(&mut Input::new(&[0, input.byte() & !2]));
    config.socket_type = if first & 1 == 0 { SocketType::XPub } else { SocketType::Pub };
    config.limits.handshake_bytes = config.limits.handshake_bytes.max(1024);
    let piece = usize::from(input.byte());
    let mut wire = connection::greeting("NULL");
    wire[11] = first >> 1 & 1;
    let mut properties = Vec::new();
    metadata::encode(metadata::SOCKET_TYPE, b"SUB", &mut properties);
    Command::Ready(&properties).encode(&mut wire);
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});
