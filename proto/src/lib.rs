//! ZMTP, its mechanisms and ZeroMQ's socket patterns as pure state machines.
//!
//! Nothing here does I/O, reads a clock, starts a thread or uses `unsafe`: bytes, time and
//! randomness come in as arguments, and bytes, events and deadlines go out. The crate `ferrozmq`
//! drives it; use that one unless you bring sockets of your own.
//!
//! Two state machines share this crate and never see each other:
//!
//! * [`zmtp::Link`] is one connection's protocol state: greeting, mechanism, frames, heartbeats.
//! * [`pattern::Pattern`] is one socket's state: who gets the next message, whose turn it is.
//!
//! What travels between them is the *pipe format*: whole messages as plain ZMTP 2.0 frames
//! ([`zmtp::framing`]), whatever version and mechanism the wire speaks.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

pub mod access;
pub mod backoff;
#[doc(hidden)]
pub mod copy; // for the engine
pub mod endpoint;
pub mod error;
pub mod frame;
pub mod loss;
pub mod mechanism;
pub mod message;
pub mod option;
pub mod pattern;
pub mod socket_type;
pub mod z85;
pub mod zap;
pub mod zmtp;

pub use backoff::Backoff;
pub use endpoint::Endpoint;
pub use error::PeerError;
pub use frame::Frame;
pub use message::{IntoMessage, Message};
pub use option::Options;
pub use socket_type::SocketType;
