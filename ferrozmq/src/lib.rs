//! ZeroMQ in Rust.
#![expect(dead_code, reason = "the engine that stands on these floors comes next")]

mod pipe;
mod spin;
mod sync;
mod sys;
mod wake;

pub use ferrozmq_proto::{Frame, Message, SocketType};
