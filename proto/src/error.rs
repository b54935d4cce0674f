//! What a peer can do wrong on the wire.
//!
//! One variant for each way, so that monitor events, logs and tests can name it exactly. A
//! [`PeerError`] always ends the connection it came from and never anything else.

use std::fmt;

/// A peer broke the protocol; its connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerError {
    /// The greeting is not one of ZMTP's.
    MalformedGreeting,
    /// A frame's flags or length are impossible.
    MalformedFrame,
    /// A frame announces more bytes than the limit (`ZMQ_MAXMSGSIZE` or ours before READY).
    FrameTooLarge,
    /// A message has more parts, or more bytes in unfinished parts, than the limit.
    MessageTooLarge,
    /// The peer's mechanism is not ours.
    MechanismMismatch,
    /// The peer speaks a version without mechanisms, and this socket demands one.
    VersionTooOld,
    /// Client and server roles of a security mechanism do not match.
    RoleMismatch,
    /// A command that may not come now.
    UnexpectedCommand,
    /// A command whose body cannot be parsed.
    MalformedCommand,
    /// A HELLO command (PLAIN, CURVE) whose body cannot be parsed.
    MalformedHello,
    /// A WELCOME command whose body cannot be parsed.
    MalformedWelcome,
    /// An INITIATE command whose body cannot be parsed.
    MalformedInitiate,
    /// A MESSAGE command (CURVE) whose body cannot be parsed.
    MalformedMessage,
    /// A nonce of CURVE's that does not rise: a command replayed, or out of order.
    InvalidSequence,
    /// A box of CURVE's that does not open: another key, or changed on its way.
    Cryptographic,
    /// CURVE's client could not prove that it has the key it names.
    KeyExchange,
    /// A READY command whose body cannot be parsed.
    MalformedReady,
    /// An ERROR command whose body cannot be parsed.
    MalformedError,
    /// Metadata that cannot be parsed, or too much of it.
    InvalidMetadata,
    /// The peer's socket type cannot talk with ours.
    IncompatibleSocketType,
    /// The peer refused the handshake with an ERROR command.
    Refused,
    /// The ZAP handler refused the peer.
    AccessDenied,
    /// The handshake needed more bytes than the limit.
    HandshakeTooLarge,
    /// The handshake was not finished in time (`ZMQ_HANDSHAKE_IVL`).
    HandshakeTimeout,
    /// No sign of life within the heartbeat time-out.
    HeartbeatTimeout,
}

impl PeerError {
    /// libzmq's `ZMQ_PROTOCOL_ERROR_*` number for the monitor event
    /// `HANDSHAKE_FAILED_PROTOCOL`, or `None` where libzmq reports no protocol error.
    #[must_use]
    pub fn protocol_code(self) -> Option<u32> {
        Some(match self {
            PeerError::UnexpectedCommand => 0x1000_0001,
            PeerError::InvalidSequence => 0x1000_0002,
            PeerError::KeyExchange => 0x1000_0003,
            PeerError::MalformedCommand => 0x1000_0011,
            PeerError::MalformedMessage => 0x1000_0012,
            PeerError::MalformedHello => 0x1000_0013,
            PeerError::MalformedInitiate => 0x1000_0014,
            PeerError::MalformedWelcome => 0x1000_0017,
            PeerError::Cryptographic => 0x1100_0001,
            PeerError::MalformedReady => 0x1000_0016,
            PeerError::MalformedError => 0x1000_0015,
            PeerError::InvalidMetadata | PeerError::IncompatibleSocketType => 0x1000_0018,
            PeerError::MechanismMismatch | PeerError::RoleMismatch => 0x1100_0002,
            PeerError::MalformedGreeting
            | PeerError::MalformedFrame
            | PeerError::FrameTooLarge
            | PeerError::MessageTooLarge
            | PeerError::HandshakeTooLarge
            | PeerError::VersionTooOld => 0x1000_0000,
            PeerError::Refused
            | PeerError::AccessDenied
            | PeerError::HandshakeTimeout
            | PeerError::HeartbeatTimeout => return None,
        })
    }

    /// What happened, in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            PeerError::MalformedGreeting => "the peer's greeting is not ZMTP",
            PeerError::MalformedFrame => "the peer sent a frame with impossible flags or length",
            PeerError::FrameTooLarge => "the peer announced a frame above the size limit",
            PeerError::MessageTooLarge => "the peer's message has too many parts or bytes",
            PeerError::MechanismMismatch => "the peer offers another security mechanism",
            PeerError::VersionTooOld => "the peer speaks a ZMTP version without security",
            PeerError::RoleMismatch => "client and server roles of the security mechanism do not match",
            PeerError::UnexpectedCommand => "the peer sent a command that may not come now",
            PeerError::MalformedCommand => "the peer sent a malformed command",
            PeerError::MalformedHello => "the peer sent a malformed HELLO",
            PeerError::MalformedWelcome => "the peer sent a malformed WELCOME",
            PeerError::MalformedInitiate => "the peer sent a malformed INITIATE",
            PeerError::MalformedMessage => "the peer sent a malformed MESSAGE",
            PeerError::InvalidSequence => "the peer sent an encrypted command twice or out of order",
            PeerError::Cryptographic => {
                "the peer uses another key than ours, or its bytes were changed on their way"
            }
            PeerError::KeyExchange => "the peer could not prove that it has the key it names",
            PeerError::MalformedReady => "the peer sent a malformed READY",
            PeerError::MalformedError => "the peer sent a malformed ERROR",
            PeerError::InvalidMetadata => "the peer sent invalid metadata",
            PeerError::IncompatibleSocketType => "the peer's socket type cannot talk with ours",
            PeerError::Refused => "the peer refused the handshake",
            PeerError::AccessDenied => "access was denied to the peer",
            PeerError::HandshakeTooLarge => "the peer's handshake is too large",
            PeerError::HandshakeTimeout => "the peer did not finish the handshake in time",
            PeerError::HeartbeatTimeout => "the peer gave no sign of life",
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for PeerError {}
