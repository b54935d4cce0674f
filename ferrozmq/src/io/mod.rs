//! The I/O threads: accepting, dialing, handshakes, heartbeats, and every connection whose
//! application is elsewhere.
//!
//! Knows pipes and links; never a pattern.

mod admission;
pub(crate) mod alarm;
pub(crate) mod connection;
pub(crate) mod dialer;
pub mod events;
pub(crate) mod lease;
pub(crate) mod listener;
pub(crate) mod owner;
mod parting;
pub(crate) mod thread;
pub(crate) mod timer;
#[cfg(feature = "tracing")]
mod trace;
