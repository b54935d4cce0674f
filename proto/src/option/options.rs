//! One socket's options as typed fields.
//!
//! [`Options`] is plain data: what was asked for, with a [`Profile`]'s defaults where nothing was. The
//! engine and the patterns read the fields; whoever writes them by number or by name goes through
//! [`set`](Options::set) and [`set_text`](Options::set_text), which keep libzmq's ranges. Fields
//! are public because every value that their types can hold is one the engine must cope with.
//!
//! It does not say when a change takes effect: that is in the [table](super::TABLE).

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::{PeerLimits, Profile, Security, TABLE};
use crate::SocketType;

/// What one socket was told about itself: `zmq_setsockopt(3)` and `zmq_getsockopt(3)`, typed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whose defaults these were before anything was set.
    pub profile: Profile,

    // Queues and time-outs.
    /// Most messages queued for sending per peer; 0 is no limit.
    pub sndhwm: u32,
    /// Most messages queued for receiving per peer; 0 is no limit.
    pub rcvhwm: u32,
    /// How long a send waits before it reports EAGAIN; `None` is for ever.
    pub sndtimeo: Option<Duration>,
    /// How long a receive waits before it reports EAGAIN; `None` is for ever.
    pub rcvtimeo: Option<Duration>,
    /// How long a closed socket's unsent messages are kept; `None` is for ever.
    pub linger: Option<Duration>,
    /// Keep only the newest message of each queue.
    pub conflate: bool,
    /// Queue only to connections that are established.
    pub immediate: bool,
    /// Largest frame accepted from a peer, in bytes; `None` is no limit.
    pub max_msg_size: Option<u64>,
    /// Bitmap of the I/O threads that may serve new connections; 0 is any.
    pub affinity: u64,
    /// Most bytes read from a connection at once.
    pub in_batch_size: usize,
    /// Most bytes gathered for one write to a connection.
    pub out_batch_size: usize,

    // Who we are and what we tell peers.
    /// This socket's routing id, 1 to 255 bytes; empty is none.
    pub routing_id: Bytes,
    /// Routing id for the peer of the next connect, which consumes it (ROUTER, REP, STREAM).
    pub connect_routing_id: Option<Bytes>,
    /// Properties (`X-…`) sent to peers in the handshake, sorted by name.
    pub metadata: Vec<(String, Bytes)>,
    /// Message sent to each new peer.
    pub hello_msg: Option<Bytes>,
    /// Message this socket receives when a peer is gone.
    pub disconnect_msg: Option<Bytes>,
    /// Message this socket receives when a connection is lost and dialled anew.
    pub hiccup_msg: Option<Bytes>,

    /// Mechanism, keys and credentials.
    pub security: Security,

    // Connections.
    /// Pause before a lost connection is dialled anew; `None` is never.
    pub reconnect_ivl: Option<Duration>,
    /// Longest pause between dials, to which `reconnect_ivl` doubles; zero is no doubling.
    pub reconnect_ivl_max: Duration,
    /// The failures after which an endpoint is not dialled anew.
    pub reconnect_stop: ReconnectStop,
    /// How long one attempt to connect may take; `None` leaves it to the system.
    pub connect_timeout: Option<Duration>,
    /// How long a peer may take for the handshake; `None` is for ever.
    pub handshake_ivl: Option<Duration>,
    /// Pause between PING commands; `None` sends none.
    pub heartbeat_ivl: Option<Duration>,
    /// What we tell peers to wait for a sign of life from us, in steps of 100 ms; `None` says nothing.
    pub heartbeat_ttl: Option<Duration>,
    /// How long to wait for a sign of life after a PING; see [`heartbeat_patience`](Self::heartbeat_patience).
    pub heartbeat_timeout: Option<Duration>,
    /// Only the silence of a peer that sends PINGs itself is death; another may be alive and have full queues.
    pub heartbeat_lenient: bool,

    /// What peers may cost.
    pub limits: PeerLimits,

    // TCP, IPC and the system.
    /// Longest queue of connections not yet accepted.
    pub backlog: u32,
    /// The kernel's send buffer in bytes; `None` leaves it to the system.
    pub sndbuf: Option<usize>,
    /// The kernel's receive buffer in bytes; `None` leaves it to the system.
    pub rcvbuf: Option<usize>,
    /// IPv6 is used beside IPv4.
    pub ipv6: bool,
    /// Type of service of outgoing packets; 0 leaves it to the system.
    pub tos: u32,
    /// `SO_PRIORITY` of outgoing packets; 0 leaves it to the system.
    pub priority: u32,
    /// Multicast data rate in kbit/s. Kept for programs that read it back, as are the others of multicast's.
    pub rate: u32,
    /// Longest time a multicast receiver may be absent.
    pub recovery_ivl: Duration,
    /// Time to live of multicast packets.
    pub multicast_hops: u32,
    /// Largest multicast packet in bytes.
    pub multicast_maxtpdu: u32,
    /// Whether our own multicast packets come back.
    pub multicast_loop: bool,
    /// A faster loopback on Windows. Kept for programs that read it back.
    pub loopback_fastpath: bool,
    /// `SO_BUSY_POLL` in µs; 0 leaves it to the system.
    pub busy_poll: i32,
    /// Name of the network device to bind to (`SO_BINDTODEVICE`).
    pub bind_to_device: Option<String>,
    /// A listening descriptor, made by somebody else, that the next bind uses.
    pub use_fd: Option<i32>,
    /// `SO_KEEPALIVE`; `None` leaves it to the system.
    pub tcp_keepalive: Option<bool>,
    /// `TCP_KEEPCNT`; `None` leaves it to the system.
    pub tcp_keepalive_cnt: Option<u32>,
    /// `TCP_KEEPIDLE` in seconds; `None` leaves it to the system.
    pub tcp_keepalive_idle: Option<u32>,
    /// `TCP_KEEPINTVL` in seconds; `None` leaves it to the system.
    pub tcp_keepalive_intvl: Option<u32>,
    /// How long sent data may stay unacknowledged (`TCP_USER_TIMEOUT`); `None` leaves it to the system.
    pub tcp_maxrt: Option<Duration>,
    /// Networks (address, prefix length) from which TCP connections are accepted; empty is all.
    pub tcp_accept_filters: Vec<(IpAddr, u8)>,
    /// Process ids from which IPC connections are accepted; see [`ipc_accepts`](Self::ipc_accepts).
    pub ipc_filter_pid: Vec<i32>,
    /// User ids from which IPC connections are accepted.
    pub ipc_filter_uid: Vec<u32>,
    /// Group ids from which IPC connections are accepted.
    pub ipc_filter_gid: Vec<u32>,
    /// `host:port` of the SOCKS5 proxy that TCP connects go through.
    pub socks_proxy: Option<String>,
    /// User name at the SOCKS5 proxy; empty is no authentication.
    pub socks_username: String,
    /// Password at the SOCKS5 proxy.
    pub socks_password: String,

    // Patterns; the names are those of the patterns' own settings.
    /// Report unroutable messages instead of dropping them (ROUTER).
    pub router_mandatory: bool,
    /// A new peer takes over the routing id of an old one (ROUTER).
    pub router_handover: bool,
    /// Speak raw TCP instead of ZMTP (ROUTER; deprecated in favour of STREAM).
    pub router_raw: bool,
    /// Which changes of its peers a ROUTER receives as empty messages.
    pub router_notify: RouterNotify,
    /// Send an empty message to each new peer (REQ, REP, DEALER, ROUTER).
    pub probe_router: bool,
    /// Number the requests, and drop replies to others (REQ).
    pub req_correlate: bool,
    /// A new request may replace an unanswered one (REQ).
    pub req_relaxed: bool,
    /// Receive duplicate subscriptions too (XPUB).
    pub xpub_verbose: bool,
    /// Receive duplicate subscriptions and unsubscriptions too (XPUB).
    pub xpub_verboser: bool,
    /// Report EAGAIN, or wait, at the high-water mark instead of dropping (XPUB, PUB).
    pub xpub_nodrop: bool,
    /// The application decides which subscriptions are entered (XPUB).
    pub xpub_manual: bool,
    /// As `xpub_manual`, and the next message goes to the last subscriber only (XPUB).
    pub xpub_manual_last_value: bool,
    /// Message sent to each new subscriber (XPUB).
    pub xpub_welcome_msg: Option<Bytes>,
    /// Deliver what does *not* match (PUB, XPUB, SUB).
    pub invert_matching: bool,
    /// Only a message's first part may be a subscription (PUB, XPUB, XSUB).
    pub only_first_subscribe: bool,
    /// Pass duplicate unsubscriptions on (XSUB).
    pub xsub_verbose_unsubscribe: bool,
    /// Receive an empty message when a peer comes or goes (STREAM).
    pub stream_notify: bool,
}

impl Options {
    /// libzmq's default of both high-water marks, in messages.
    pub const DEFAULT_HWM: u32 = 1000;
    /// libzmq's default of both batch sizes, in bytes.
    pub const DEFAULT_BATCH_SIZE: usize = 8192;
    /// libzmq's default of the time a handshake may take.
    pub const DEFAULT_HANDSHAKE_IVL: Duration = Duration::from_secs(30);
    /// libzmq's default of the pause before a reconnect.
    pub const DEFAULT_RECONNECT_IVL: Duration = Duration::from_millis(100);
    /// libzmq's default of the listen queue.
    pub const DEFAULT_BACKLOG: u32 = 100;

    /// The defaults of a socket of type `kind`: libzmq's.
    ///
    /// They differ in one place: SUB and XSUB do not linger, having only subscriptions to lose.
    #[must_use]
    pub fn new(kind: SocketType) -> Options {
        let no_linger = matches!(kind, SocketType::Sub | SocketType::XSub);
        Options { linger: no_linger.then_some(Duration::ZERO), ..Options::common() }
    }

    /// The defaults of a socket of type `kind` in `profile`.
    ///
    /// ```
    /// use ferrozmq_proto::{SocketType, option::{Options, Profile}};
    /// use std::time::Duration;
    /// assert_eq!(Options::of(SocketType::Push, Profile::Libzmq).linger, None);
    /// assert_eq!(Options::of(SocketType::Push, Profile::Native).linger, Some(Duration::from_secs(5)));
    /// ```
    #[must_use]
    pub fn of(kind: SocketType, profile: Profile) -> Options {
        let mut options = Options { profile, ..Options::new(kind) };
        if profile == Profile::Native {
            TABLE.iter().for_each(|row| row.depart(&mut options, kind));
        }
        options
    }

    /// How long a peer may stay silent after a PING: `heartbeat_timeout`, or `heartbeat_ivl` where
    /// that was not set. `None` is for ever.
    #[must_use]
    pub fn heartbeat_patience(&self) -> Option<Duration> {
        self.heartbeat_timeout.or(self.heartbeat_ivl).filter(|patience| !patience.is_zero())
    }

    /// Whether a TCP peer at `peer` may connect to us, as `tcp_accept_filters` say.
    #[must_use]
    pub fn tcp_accepts(&self, peer: IpAddr) -> bool {
        let filters = &self.tcp_accept_filters;
        filters.is_empty() || filters.iter().any(|(network, prefix)| in_network(peer, *network, *prefix))
    }

    /// Whether an IPC peer with these credentials may connect to us: any one match is enough, and
    /// no filter at all lets everybody in. `groups` are the ids of the groups the peer belongs to.
    #[must_use]
    pub fn ipc_accepts(&self, pid: i32, uid: u32, groups: &[u32]) -> bool {
        let unfiltered = self.ipc_filter_pid.is_empty()
            && self.ipc_filter_uid.is_empty()
            && self.ipc_filter_gid.is_empty();
        unfiltered
            || self.ipc_filter_pid.contains(&pid)
            || self.ipc_filter_uid.contains(&uid)
            || groups.iter().any(|group| self.ipc_filter_gid.contains(group))
    }

    fn common() -> Options {
        Options {
            profile: Profile::Libzmq,
            sndhwm: Self::DEFAULT_HWM,
            rcvhwm: Self::DEFAULT_HWM,
            sndtimeo: None,
            rcvtimeo: None,
            linger: None,
            conflate: false,
            immediate: false,
            max_msg_size: None,
            affinity: 0,
            in_batch_size: Self::DEFAULT_BATCH_SIZE,
            out_batch_size: Self::DEFAULT_BATCH_SIZE,
            routing_id: Bytes::new(),
            connect_routing_id: None,
            metadata: Vec::new(),
            hello_msg: None,
            disconnect_msg: None,
            hiccup_msg: None,
            security: Security::default(),
            reconnect_ivl: Some(Self::DEFAULT_RECONNECT_IVL),
            reconnect_ivl_max: Duration::ZERO,
            reconnect_stop: ReconnectStop::default(),
            connect_timeout: None,
            handshake_ivl: Some(Self::DEFAULT_HANDSHAKE_IVL),
            heartbeat_ivl: None,
            heartbeat_ttl: None,
            heartbeat_timeout: None,
            heartbeat_lenient: false,
            limits: PeerLimits::default(),
            backlog: Self::DEFAULT_BACKLOG,
            sndbuf: None,
            rcvbuf: None,
            ipv6: false,
            tos: 0,
            priority: 0,
            rate: 100,
            recovery_ivl: Duration::from_millis(10_000),
            multicast_hops: 1,
            multicast_maxtpdu: 1500,
            multicast_loop: true,
            loopback_fastpath: false,
            busy_poll: 0,
            bind_to_device: None,
            use_fd: None,
            tcp_keepalive: None,
            tcp_keepalive_cnt: None,
            tcp_keepalive_idle: None,
            tcp_keepalive_intvl: None,
            tcp_maxrt: None,
            tcp_accept_filters: Vec::new(),
            ipc_filter_pid: Vec::new(),
            ipc_filter_uid: Vec::new(),
            ipc_filter_gid: Vec::new(),
            socks_proxy: None,
            socks_username: String::new(),
            socks_password: String::new(),
            router_mandatory: false,
            router_handover: false,
            router_raw: false,
            router_notify: RouterNotify::default(),
            probe_router: false,
            req_correlate: false,
            req_relaxed: false,
            xpub_verbose: false,
            xpub_verboser: false,
            xpub_nodrop: false,
            xpub_manual: false,
            xpub_manual_last_value: false,
            xpub_welcome_msg: None,
            invert_matching: false,
            only_first_subscribe: false,
            xsub_verbose_unsubscribe: false,
            stream_notify: true,
        }
    }
}

/// `ZMQ_RECONNECT_STOP`: after which failures an endpoint is not dialled anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconnectStop(
    /// libzmq's bits; unknown ones are kept and mean nothing.
    pub i32,
);

impl ReconnectStop {
    /// `ZMQ_RECONNECT_STOP_CONN_REFUSED`: nobody listens there.
    pub const CONN_REFUSED: ReconnectStop = ReconnectStop(1);
    /// `ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED`: the handshake failed.
    pub const HANDSHAKE_FAILED: ReconnectStop = ReconnectStop(2);
    /// `ZMQ_RECONNECT_STOP_AFTER_DISCONNECT`: the application called `zmq_disconnect`.
    pub const AFTER_DISCONNECT: ReconnectStop = ReconnectStop(4);

    /// Whether all of `failures` are among these.
    #[must_use]
    pub fn contains(self, failures: ReconnectStop) -> bool {
        self.0 & failures.0 == failures.0
    }
}

/// `ZMQ_ROUTER_NOTIFY`: which changes of its peers a ROUTER receives as empty messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterNotify {
    /// `ZMQ_NOTIFY_CONNECT` (1): a peer came.
    pub connect: bool,
    /// `ZMQ_NOTIFY_DISCONNECT` (2): a peer is gone.
    pub disconnect: bool,
}

/// Whether the first `prefix` bits of `peer` are those of `network`.
///
/// An IPv4 peer is one address in two notations: `a.b.c.d`, and `::ffff:a.b.c.d` as an IPv6 listener
/// sees it. It is compared in the notation of the filter.
fn in_network(peer: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let prefix = u32::from(prefix);
    match (network, peer.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(peer)) => {
            let differing = u32::from(peer) ^ u32::from(network);
            differing.checked_shr(32 - prefix.min(32)).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
        (IpAddr::V6(network), peer) => {
            let peer = match peer {
                IpAddr::V4(peer) => peer.to_ipv6_mapped(),
                IpAddr::V6(peer) => peer,
            };
            let differing = u128::from(peer) ^ u128::from(network);
            differing.checked_shr(128 - prefix.min(128)).unwrap_or(0) == 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sub_and_xsub_do_not_linger() {
        for kind in SocketType::ALL {
            let expected = matches!(kind, SocketType::Sub | SocketType::XSub).then_some(Duration::ZERO);
            assert_eq!(Options::new(kind).linger, expected, "{kind:?}");
        }
    }

    #[test]
    fn the_heartbeat_timeout_defaults_to_the_interval() {
        let mut options = Options::new(SocketType::Pair);
        assert_eq!(options.heartbeat_patience(), None);
        options.heartbeat_ivl = Some(Duration::from_secs(1));
        assert_eq!(options.heartbeat_patience(), Some(Duration::from_secs(1)));
        options.heartbeat_timeout = Some(Duration::from_secs(3));
        assert_eq!(options.heartbeat_patience(), Some(Duration::from_secs(3)));
        options.heartbeat_timeout = Some(Duration::ZERO);
        assert_eq!(options.heartbeat_patience(), None, "zero: PINGs are sent and answers not awaited");
    }

    #[test]
    fn networks_are_compared_by_prefix() {
        let inside = |peer, network, prefix| in_network(address(peer), address(network), prefix);
        assert!(inside("10.1.2.3", "10.0.0.0", 8));
        assert!(!inside("11.1.2.3", "10.0.0.0", 8));
        assert!(inside("11.1.2.3", "10.0.0.0", 0));
        assert!(inside("10.0.0.1", "10.0.0.1", 32));
        assert!(!inside("10.0.0.0", "10.0.0.1", 32));
        assert!(inside("::ffff:10.1.2.3", "10.0.0.0", 8));
        assert!(inside("10.1.2.3", "::ffff:10.0.0.0", 104));
        assert!(!inside("11.1.2.3", "::ffff:10.0.0.0", 104));
        assert!(inside("fe80::1", "fe80::", 10));
        assert!(inside("127.0.0.1", "::", 0) && !inside("127.0.0.1", "fe80::", 10));
        assert!(inside("2001:db8::1", "::", 0));
        assert!(!inside("2001:db8::1", "0.0.0.0", 0));
    }

    #[test]
    fn without_filters_everybody_may_connect_and_with_them_any_match_may() {
        let mut options = Options::new(SocketType::Rep);
        assert!(options.tcp_accepts(address("192.0.2.1")) && options.ipc_accepts(1, 2, &[3]));
        options.tcp_accept_filters = vec![(address("127.0.0.0"), 8), (address("::1"), 128)];
        assert!(options.tcp_accepts(address("127.1.1.1")) && options.tcp_accepts(address("::1")));
        assert!(!options.tcp_accepts(address("192.0.2.1")));
        options.ipc_filter_gid = vec![100];
        assert!(options.ipc_accepts(1, 2, &[3, 100]) && !options.ipc_accepts(1, 2, &[3]));
        options.ipc_filter_uid = vec![2];
        assert!(options.ipc_accepts(1, 2, &[3]));
    }
}
