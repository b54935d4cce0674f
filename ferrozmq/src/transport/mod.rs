//! Byte streams between peers: listening, connecting, and what the kernel knows about the other end.
//!
//! ```text
//!   Endpoint ─► ListenAddress ─► Listener::bind ─► accept ─┐
//!                                                          ├─► Stream: send, recv, shutdown
//!   Endpoint ─► resolver ─► DialAddress ─► Dial ─► finish ─┘
//! ```
//!
//! The set of transports is closed and both are stream sockets, so a [`Stream`] is one type with a kind and
//! not a trait. Nothing here waits, and nothing here knows ZMTP, patterns, or when to try again: callers
//! watch the descriptors and own the policy.

pub mod address;
pub mod dial;
pub mod filter;
mod ipc;
pub mod listener;
pub mod options;
pub mod socks5;
pub mod stream;
mod tcp;

pub use address::{DialAddress, ListenAddress};
pub use dial::{Dial, Progress, negotiate};
pub use ferrozmq_proto::endpoint::IpcAddress;
pub use listener::{AcceptError, Gate, Listener};
pub use options::StreamOptions;
pub use socks5::Socks5;
pub use stream::Stream;

#[cfg(test)]
mod tests;
