//! Greeting and handshake from the first byte on: whatever connects to our port.
//!
//! The input is a socket type, switches of its configuration, the length of reads, then the peer's bytes.
#![no_main]

use ferrozmq_fuzz::connection;
use ferrozmq_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let config = connection::config(&mut input);
    let piece = usize::from(input.byte());
    connection::check(config, input.rest(), piece);
});
