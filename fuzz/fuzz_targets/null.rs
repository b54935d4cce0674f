//! NULL's handshake: READY, ERROR and whatever else comes in their place, with a ZAP handler and without.
//!
//! The input is a socket type, switches of its configuration, the length of reads, then what the peer sends after its
//! greeting.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let config = connection::config(&mut input);
    let piece = usize::from(input.byte());
    let mut wire = connection::greeting("NULL");
    wire.extend_from_slice(input.rest());
    connection::check(config, &wire, piece);
});
