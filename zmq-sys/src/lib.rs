//! A stand-in for the crate `zmq-sys`: what depends on that, above all the crate `zmq`, runs on ferrozmq when a manifest says
//!
//! ```toml
//! [patch.crates-io]
//! zmq-sys = { path = "…/ferrozmq/zmq-sys" }
//! ```
//!
//! No C compiler is needed: the functions are those of our own C library, linked as Rust. The names and types are those of zmq-sys
//! 0.12, and nothing is decided here.

#![expect(non_camel_case_types, reason = "the names are C's")]

// The functions are declared as C's in `functions`; this is where the linker finds them.
use zmq as _;

mod constants;
pub mod errno;
mod functions;

pub use constants::*;
pub use functions::*;
pub use std::os::fd::RawFd;
