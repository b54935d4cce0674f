//! ZeroMQ in Rust.
pub use ferrozmq_proto::{Frame, Message, SocketType};

mod pipe;
mod sync;
