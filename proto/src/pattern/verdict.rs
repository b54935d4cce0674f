//! How a pattern answers: peers accepted or refused, messages admitted or given back.
//!
//! Nothing here decides; the socket types do.

use bytes::Bytes;
use std::fmt;

/// What is known about a pipe when it begins.
#[derive(Clone, Debug, Default)]
pub struct Attach {
    /// The routing id that the application chose for this peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub routing_id: Option<Bytes>,
    /// Whether we connected (`true`) or the peer did.
    pub local: bool,
}

/// Whether a pipe or peer may take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Attached {
    /// It takes part.
    Accepted,
    /// It does not; the pattern has forgotten it and asked to close it.
    Refused(RefusedPeer),
}

/// Why a peer may not take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedPeer {
    /// A PAIR has one peer only.
    SecondPeer,
    /// Another peer has this routing id.
    DuplicateRoutingId,
    /// The routing id is longer than 255 bytes.
    InvalidRoutingId,
}

impl RefusedPeer {
    fn as_str(self) -> &'static str {
        match self {
            RefusedPeer::SecondPeer => "this PAIR socket has a peer already",
            RefusedPeer::DuplicateRoutingId => "another peer has this routing id",
            RefusedPeer::InvalidRoutingId => "a routing id has at most 255 bytes",
        }
    }
}

impl std::error::Error for RefusedPeer {}

impl fmt::Display for RefusedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a pattern ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Closing {
    /// The application asked for it (STREAM's empty message).
    Asked,
    /// The peer may not take part.
    Refused(RefusedPeer),
    /// Another peer has taken over its routing id (`ZMQ_ROUTER_HANDOVER`).
    Displaced,
    /// It wants more topics than one peer may.
    TooManySubscriptions,
    /// It subscribes and cancels faster than the application of an XPUB reads.
    TooManyRequests,
}

impl Closing {
    /// What the peer did to deserve it; `None` if nothing.
    #[must_use]
    pub fn fault(self) -> Option<&'static str> {
        match self {
            Closing::Asked => None,
            Closing::Refused(why) => Some(why.as_str()),
            Closing::Displaced => Some("another peer has taken over its routing id"),
            Closing::TooManySubscriptions => Some("the peer has too many subscriptions"),
            Closing::TooManyRequests => Some("too many subscriptions of the peer wait to be received"),
        }
    }
}

/// Why a call cannot be served (now).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Nothing to receive, or nowhere to put what is sent; later it may be different (`EAGAIN`).
    WouldBlock,
    /// No peer has this routing id (`EHOSTUNREACH`).
    Unroutable,
    /// The socket's state does not allow it; the sentence says what would be right (`EFSM`).
    WrongState(&'static str),
    /// This socket type never does this (`ENOTSUP`).
    NotSupported,
    /// The argument makes no sense here; the sentence says why (`EINVAL`).
    Invalid(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::WouldBlock => "the call would block",
            Refusal::Unroutable => "no peer has this routing id",
            Refusal::NotSupported => "this socket type does not support the call",
            Refusal::WrongState(sentence) | Refusal::Invalid(sentence) => sentence,
        })
    }
}

impl std::error::Error for Refusal {}

/// Whether a message may still be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Only if there is room.
    IfRoom,
    /// Its first part was accepted already: it goes out or is counted as dropped.
    Committed,
    /// A ROUTER's: it goes out now or is counted as dropped, whatever `ZMQ_ROUTER_MANDATORY` says.
    OrDropped,
}
