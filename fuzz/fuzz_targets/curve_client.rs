//! CURVE's client with real keys, and a server that has its keys too and says in its boxes what the input says.
//!
//! The input is a socket type, switches of its configuration, then bytes that are changed in the server's handshake before it is
//! sealed, then records of what it sends after it.
#![no_main]

use ferrozmq_fuzz::forger;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| forger::against_client(bytes));
