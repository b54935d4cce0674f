//! ZeroMQ in Rust.
#![expect(dead_code, reason = "the engine that stands on these floors comes next")]

mod sys;

pub use ferrozmq_proto::{Frame, Message, SocketType};

mod pipe;
mod sync;
