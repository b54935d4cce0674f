//! One connection's protocol state: greeting, handshake, frames, commands, heartbeats.
//!
//! A [`Link`] takes a connection from its first byte to READY and then splits into a [`Receiver`],
//! which whoever reads the connection owns, a [`Sender`] for whoever writes it, and the [`Peer`], what the
//! handshake told. Both halves speak the pipe format ([`framing`]) towards the engine.
//!
//! Nothing here knows sockets' patterns, queues or high-water marks.

pub mod command;
pub mod config;
mod diagnosis;
pub mod framing;
pub mod greeting;
pub mod heartbeat;
pub mod link;
pub mod metadata;
pub mod receiver;
mod scanner;
pub mod sender;
mod sift;
mod v1;

pub use command::Command;
pub use config::{HeartbeatConfig, Limits, LinkConfig};
pub use diagnosis::stranger;
pub use greeting::Version;
pub use heartbeat::{Action, Heartbeat};
pub use link::{Greeted, Link, Peer};
pub use receiver::{Received, Receiver};
pub use sender::Sender;

#[cfg(test)]
mod tests;
