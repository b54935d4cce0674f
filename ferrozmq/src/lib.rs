//! ZeroMQ in Rust.
#![expect(dead_code, unused_imports, reason = "the engine that stands on these floors comes next")]

mod resolver;
mod sys;
mod transport;

pub use ferrozmq_proto::{Frame, Message, SocketType};
