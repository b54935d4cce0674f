//! What the end of a handshake means, in words for a person: who wants what, what did not come, and why probably.
//!
//! Only words: numbers and events are made of [`PeerError`] alone. Nothing here is sent to the peer.

use super::greeting::Version;
use super::link::{Link, Met};
use crate::mechanism::{Mechanism, Offer, Role};
use crate::{PeerError, zap};

/// What some peers that are not ZeroMQ's begin with, and what they are.
const STRANGERS: [(&[u8], &str); 10] = [
    (b"HTTP", "HTTP"),
    (b"GET ", "HTTP"),
    (b"POST", "HTTP"),
    (b"HEAD", "HTTP"),
    (b"PRI ", "HTTP/2"),
    (b"\x15\x03", "TLS"),
    (b"\x16\x03", "TLS"),
    (b"SSH-", "SSH"),
    (b"AMQP", "AMQP"),
    (b"-ERR", "Redis"),
];

/// What a peer is that begins like this, unless it may be ZMTP.
#[must_use]
pub fn stranger(first: &[u8]) -> Option<&'static str> {
    STRANGERS.iter().find(|(begin, _)| first.starts_with(begin)).map(|(_, name)| *name)
}

impl Link {
    /// Why the handshake ended, in words; without an `error` because the peer closed the connection. `dialed` says who the peer
    /// is: the server that we connected to, or a client.
    #[must_use]
    pub fn explain(&self, error: Option<PeerError>, dialed: bool) -> String {
        let Met { first, offer, socket_type, awaited } = self.met();
        let peer = if dialed { "the server" } else { "the client" };
        if let Some(protocol) = stranger(first) {
            return format!("this is {protocol}, not ZMTP");
        }
        let ours = self.mechanism();
        match error {
            Some(PeerError::Refused) => refused(self.refusal().unwrap_or_default()),
            Some(PeerError::MechanismMismatch) => match offer {
                Some(offer) if dialed => {
                    format!("the server wants {}, you offer {}", name(offer), ours.name())
                }
                Some(offer) => {
                    format!("the client offers {}, this socket wants {}", name(offer), ours.name())
                }
                None => PeerError::MechanismMismatch.to_string(),
            },
            Some(PeerError::IncompatibleSocketType) => {
                let theirs = socket_type.escape_ascii();
                format!("a {theirs} socket cannot talk with a {} socket", self.socket_type().name())
            }
            Some(PeerError::RoleMismatch) => format!("both sides are servers of {}", ours.name()),
            Some(PeerError::UnexpectedCommand) if awaited == "WELCOME" || awaited == "HELLO" => {
                format!("{peer} did not send {awaited}: perhaps both sides are {}", roles(self.role()))
            }
            Some(PeerError::Cryptographic) => boxes(awaited, self.role()).to_owned(),
            Some(PeerError::HandshakeTimeout) => {
                format!("no {awaited} in the time allowed for the handshake")
            }
            Some(error) => error.to_string(),
            None => closed(awaited, ours, self.role(), peer),
        }
    }
}

fn refused(reason: &[u8]) -> String {
    match zap::refused_status(reason) {
        Some(status) => format!("refused by access control, status {status}"),
        None => format!("the peer refused the handshake: {}", reason.escape_ascii()),
    }
}

/// A mechanism's name as the peer spelt it.
fn name(offer: &Offer) -> String {
    let end = offer.mechanism.iter().position(|byte| *byte == 0).unwrap_or(offer.mechanism.len());
    offer.mechanism.get(..end).unwrap_or_default().escape_ascii().to_string()
}

fn roles(ours: Role) -> &'static str {
    match ours {
        Role::Client => "clients",
        Role::Server => "servers",
    }
}

/// A box that does not open, by the command it was in.
fn boxes(awaited: &str, role: Role) -> &'static str {
    match (role, awaited) {
        (Role::Server, "HELLO") => "HELLO does not open: the client has another key for this server",
        (Role::Server, _) => "INITIATE does not open: it was changed on its way, or is another connection's",
        (Role::Client, "WELCOME") => "WELCOME does not open: the server key does not match",
        (Role::Client, _) => "READY does not open: it was changed on its way",
    }
}

/// A peer that closed the connection instead of sending something.
fn closed(awaited: &str, mechanism: Mechanism, role: Role, peer: &str) -> String {
    match (mechanism, role, awaited) {
        (Mechanism::Curve, Role::Client, "WELCOME") => "no WELCOME: the server key does not match".to_owned(),
        (Mechanism::Plain, Role::Client, "WELCOME") => {
            "no WELCOME: access control refused us for now (status 300), or there is none".to_owned()
        }
        (Mechanism::Curve, Role::Server, "INITIATE") => {
            "no INITIATE: WELCOME does not open for the client, or it is another one that asked".to_owned()
        }
        (_, Role::Client, "READY") => {
            format!("no READY: {peer} refused us for now (status 300), or wants another socket type")
        }
        _ => format!("{peer} closed the connection before the {awaited}"),
    }
}

impl Version {
    /// The version's number: `3.1`.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Version::V1 => "1.0",
            Version::V2 => "2.0",
            Version::V30 => "3.0",
            Version::V31 => "3.1",
        }
    }
}
