//! PLAIN's handshake in either role, and what follows it.
//!
//! The input is a socket type, switches of its configuration, the length of reads, our role, then what the peer sends after
//! its greeting.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::mechanism::{MechanismConfig, SecretText};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut config = connection::config(&mut input);
    let piece = usize::from(input.byte());
    config.mechanism = match input.byte() % 2 {
        0 => MechanismConfig::PlainServer,
        _ => MechanismConfig::PlainClient { username: "bob".into(), password: SecretText::new("open") },
    };
    // Its server asks whatever the switch says.
    config.zap = true;
    let mut wire = connection::greeting("PLAIN");
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});
