//! What a [`Link`](crate::zmtp::Link) must know of its socket, and what a peer may cost.
//!
//! Values only. A connection copies none of it: all connections of a socket share one
//! [`LinkConfig`] behind an `Arc`.

use crate::SocketType;
use crate::mechanism::MechanismConfig;
use crate::mechanism::crypto::{self, CurveCrypto};
use bytes::Bytes;
use std::time::Duration;

/// Everything about the local socket that the protocol depends on.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The local socket's type.
    pub socket_type: SocketType,
    /// `ZMQ_ROUTING_ID`; empty for none, at most 255 bytes.
    pub routing_id: Bytes,
    /// `ZMQ_METADATA`: properties added to ours in READY.
    pub metadata: Vec<(String, Bytes)>,
    /// The security mechanism, which the peer must match.
    pub mechanism: MechanismConfig,
    /// What CURVE computes with.
    pub curve_crypto: &'static dyn CurveCrypto,
    /// Whether a ZAP handler must agree to each peer (`ZMQ_ZAP_DOMAIN` is set). The link then waits for
    /// [`Link::handle_auth`](crate::zmtp::Link::handle_auth), and refuses peers that speak ZMTP 1.0 or 2.0.
    pub zap: bool,
    /// `ZMQ_MAXMSGSIZE`: the longest frame accepted, in bytes; `None` for no limit.
    pub max_message_bytes: Option<u64>,
    /// `ZMQ_HANDSHAKE_IVL`: time from connection to READY, never extended, whatever version the peer
    /// speaks; `None` for no limit.
    pub handshake_timeout: Option<Duration>,
    /// When to ask for signs of life.
    pub heartbeat: HeartbeatConfig,
    /// `ZMQ_ONLY_FIRST_SUBSCRIBE` of PUB and XPUB: whether a multipart message whose first part is no
    /// subscription is left whole, instead of searched for subscriptions in its later parts.
    pub only_first_subscribe: bool,
    /// Whether we say nothing of ourselves and take a peer of any socket type, as whoever only wants to know what is there.
    pub nameless: bool,
    /// What a peer may cost.
    pub limits: Limits,
}

impl LinkConfig {
    /// The configuration of a socket none of whose options were set.
    #[must_use]
    pub fn new(socket_type: SocketType) -> LinkConfig {
        LinkConfig {
            socket_type,
            routing_id: Bytes::new(),
            metadata: Vec::new(),
            mechanism: MechanismConfig::Null,
            curve_crypto: crypto::DEFAULT,
            zap: false,
            max_message_bytes: None,
            handshake_timeout: Some(Duration::from_secs(30)),
            heartbeat: HeartbeatConfig::default(),
            only_first_subscribe: false,
            nameless: false,
            limits: Limits::default(),
        }
    }
}

/// When to send PING and when to give a silent peer up (RFC 37; `ZMQ_HEARTBEAT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HeartbeatConfig {
    /// `ZMQ_HEARTBEAT_IVL`: time between PINGs; `None` sends none.
    pub interval: Option<Duration>,
    /// `ZMQ_HEARTBEAT_TTL`: how long the peer should wait for a sign of life from us, sent with each
    /// PING in tenths of a second; zero for no wish.
    pub ttl: Duration,
    /// `ZMQ_HEARTBEAT_TIMEOUT`: silence after a PING that ends the connection; `None` for the interval.
    pub timeout: Option<Duration>,
    /// Wait for answers only of peers that send PINGs themselves: those go on sending when their queue is full and
    /// they read nothing any more, which a peer without heartbeats cannot show.
    pub lenient: bool,
}

/// What one peer may cost; exceeding a limit ends its connection and no other.
///
/// Memory grows with the bytes a peer has sent, never with lengths it announces, so that most limits
/// can be generous. A property's name cannot exceed 255 bytes, nor a PING's context 16: the
/// format has no room for the former, and the latter is cut as libzmq does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes before READY.
    pub handshake_bytes: usize,
    /// Properties in READY.
    pub properties: usize,
    /// Length of one property's value in bytes.
    pub property_bytes: usize,
    /// Parts of one message.
    pub parts: usize,
    /// Bytes of one message, all its parts together, each charged [`Limits::PART_OVERHEAD`] more than its
    /// frame if there are several; `None` for no limit.
    pub message_bytes: Option<u64>,
    /// Length of a subscription's topic in bytes.
    pub topic_bytes: usize,
}

impl Limits {
    /// What keeping track of one part costs, in bytes: empty parts are not free.
    pub const PART_OVERHEAD: u64 = 64;
}

impl Default for Limits {
    /// libzmq's users' limits: no legal use of libzmq comes near them.
    fn default() -> Limits {
        Limits {
            handshake_bytes: 64 << 10,
            properties: 64,
            property_bytes: 32 << 10,
            parts: 1_000_000,
            message_bytes: None,
            topic_bytes: 16 << 20,
        }
    }
}
