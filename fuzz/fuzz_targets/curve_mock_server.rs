//! CURVE's server, without its cryptography: what lies behind the boxes is the input's.
//!
//! The input is a socket type, switches of its configuration, the length of reads, then what the client sends after
//! its greeting.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::mock::Mock;
use ferrozmq_proto::mechanism::{MechanismConfig, SecretKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut config = connection::config(&mut input);
    config.limits.handshake_bytes = config.limits.handshake_bytes.max(1024);
    config.curve_crypto = &Mock;
    let piece = usize::from(input.byte());
    let secret_key = SecretKey::new([9; 32]);
    config.mechanism = MechanismConfig::CurveServer { secret_key, public_key: None };
    let mut wire = connection::greeting("CURVE");
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});
