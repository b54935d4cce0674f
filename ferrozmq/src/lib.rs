//! ZeroMQ in Rust.
pub use ferrozmq_proto::{Frame, Message, SocketType};
