//! What peers may cost a socket: the limits that an application can move.
//!
//! Plain data, as all of [`Options`](super::Options); [`Default`] is the column of libzmq's users, in which no legal use of libzmq
//! comes near a limit. The stricter column of this library is in the [table](super::TABLE). What a format bounds by
//! itself (255 bytes of a name or routing id, 16 of a PING's context) is no option.

use crate::zmtp::Limits;

/// The limits of one socket's peers; exceeding one costs that peer its connection, and nobody else anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Those that the protocol keeps: of the handshake, of messages, of topics.
    pub link: Limits,
    /// Handshakes in progress at one bound endpoint; with more, one of them is dropped at random.
    pub handshakes: u32,
    /// Accepted connections at a time, beside nine tenths of the descriptors that the process may have; `None` for those alone.
    pub connections: Option<u64>,
    /// Bytes of one peer's unread messages; with more, the peer is not read until the application has received. `None` for no limit.
    pub unread_bytes: Option<u64>,
    /// Bytes queued for one peer; with more, nothing more is queued, as at the high-water mark. `None` for no limit.
    pub unsent_bytes: Option<u64>,
    /// Topics to which one peer may be subscribed; `None` for no limit.
    pub subscriptions: Option<u64>,
    /// Bytes that one peer's subscriptions may cost, each counted with 256 more than its topic; `None` for no limit.
    pub subscription_bytes: Option<u64>,
}

impl Default for PeerLimits {
    fn default() -> PeerLimits {
        PeerLimits {
            link: Limits::default(),
            handshakes: 1024,
            connections: None,
            unread_bytes: None,
            unsent_bytes: None,
            subscriptions: None,
            subscription_bytes: Some(1 << 30),
        }
    }
}
