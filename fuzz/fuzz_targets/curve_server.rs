//! CURVE's server with real keys, and a client that has its keys too and says in its boxes what the input says.
//!
//! The input is a socket type, switches of its configuration, then bytes that are changed in the client's handshake before it is
//! sealed, then records of what it sends after it.
#![no_main]

use ferrozmq_fuzz::forger;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| forger::against_server(bytes));
