//! PLAIN's client: WELCOME, READY, ERROR and what comes in their place, and what follows them.
//!
//! The input is a socket type, switches of its configuration, the length of reads, then what the server sends after its
//! greeting.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::mechanism::{MechanismConfig, SecretText};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut config = connection::config(&mut input);
    let piece = usize::from(input.byte());
    config.mechanism =
        MechanismConfig::PlainClient { username: "bob".into(), password: SecretText::new("open") };
    let mut wire = connection::greeting("PLAIN");
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});
