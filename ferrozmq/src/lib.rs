//! ZeroMQ in Rust.
#![expect(dead_code, unused_imports, reason = "the engine that stands on these floors comes next")]

mod pipe;
mod resolver;
mod spin;
mod sync;
mod sys;
mod transport;
mod wake;

pub use ferrozmq_proto::{Frame, Message, SocketType};
