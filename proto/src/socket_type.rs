//! The twelve socket types and the facts about each that do not depend on state.

use std::fmt;
use std::str::FromStr;

/// A ZeroMQ socket type; the discriminant is libzmq's number (`ZMQ_PAIR` … `ZMQ_STREAM`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SocketType {
    /// Exclusive pair (RFC 31).
    Pair = 0,
    /// Publisher (RFC 29).
    Pub = 1,
    /// Subscriber (RFC 29).
    Sub = 2,
    /// Client of request–reply, in lockstep (RFC 28).
    Req = 3,
    /// Server of request–reply, in lockstep (RFC 28).
    Rep = 4,
    /// Asynchronous REQ: round-robin out, fair-queued in (RFC 28).
    Dealer = 5,
    /// Asynchronous REP: addresses each peer by its routing id (RFC 28).
    Router = 6,
    /// Receiving end of a pipeline (RFC 30).
    Pull = 7,
    /// Sending end of a pipeline (RFC 30).
    Push = 8,
    /// PUB that sees its subscriptions as messages (RFC 29).
    XPub = 9,
    /// SUB that sends its subscriptions as messages (RFC 29).
    XSub = 10,
    /// Raw TCP, each connection addressed by a routing id.
    Stream = 11,
}

impl SocketType {
    /// Every socket type, in the order of libzmq's numbers.
    pub const ALL: [SocketType; 12] = [
        SocketType::Pair,
        SocketType::Pub,
        SocketType::Sub,
        SocketType::Req,
        SocketType::Rep,
        SocketType::Dealer,
        SocketType::Router,
        SocketType::Pull,
        SocketType::Push,
        SocketType::XPub,
        SocketType::XSub,
        SocketType::Stream,
    ];

    /// The socket type with libzmq's number `number`, if there is one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<SocketType> {
        Self::ALL.into_iter().find(|kind| *kind as i32 == number)
    }

    /// The name as the ZMTP property `Socket-Type` spells it, such as `"REQ"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SocketType::Pair => "PAIR",
            SocketType::Pub => "PUB",
            SocketType::Sub => "SUB",
            SocketType::Req => "REQ",
            SocketType::Rep => "REP",
            SocketType::Dealer => "DEALER",
            SocketType::Router => "ROUTER",
            SocketType::Pull => "PULL",
            SocketType::Push => "PUSH",
            SocketType::XPub => "XPUB",
            SocketType::XSub => "XSUB",
            SocketType::Stream => "STREAM",
        }
    }

    /// The socket type with the ZMTP name `name`, if there is one.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<SocketType> {
        Self::ALL.into_iter().find(|kind| kind.name().as_bytes() == name)
    }

    /// Whether a peer of type `peer` may talk with this type (RFC 23, and libzmq's manual).
    #[must_use]
    pub fn accepts(self, peer: SocketType) -> bool {
        use SocketType::*;
        match self {
            Pair => peer == Pair,
            Pub | XPub => matches!(peer, Sub | XSub),
            Sub | XSub => matches!(peer, Pub | XPub),
            Req => matches!(peer, Rep | Router),
            Rep => matches!(peer, Req | Dealer),
            Dealer => matches!(peer, Rep | Dealer | Router),
            Router => matches!(peer, Req | Dealer | Router),
            Pull => peer == Push,
            Push => peer == Pull,
            Stream => false,
        }
    }

    /// Whether this type announces its routing id in the ZMTP 3 handshake.
    #[must_use]
    pub fn announces_routing_id(self) -> bool {
        matches!(self, SocketType::Req | SocketType::Dealer | SocketType::Router)
    }
}

impl fmt::Display for SocketType {
    /// As [`name`](SocketType::name).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no socket type's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSocketType(String);

impl fmt::Display for UnknownSocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = SocketType::ALL.into_iter().map(SocketType::name).collect();
        write!(f, "{:?} is no socket type; those are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownSocketType {}

impl FromStr for SocketType {
    type Err = UnknownSocketType;

    /// The socket type called `text`, in upper or lower case.
    fn from_str(text: &str) -> Result<SocketType, UnknownSocketType> {
        let name = text.to_ascii_uppercase();
        SocketType::from_name(name.as_bytes())
            .ok_or_else(|| UnknownSocketType(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_is_symmetric_and_names_round_trip() {
        for a in SocketType::ALL {
            assert_eq!(SocketType::from_name(a.name().as_bytes()), Some(a));
            assert_eq!(SocketType::from_number(a as i32), Some(a));
            assert_eq!(a.to_string().to_lowercase().parse(), Ok(a));
            for b in SocketType::ALL {
                assert_eq!(a.accepts(b), b.accepts(a), "{a:?} {b:?}");
            }
        }
    }
}
