//! The option table itself: one row for each of libzmq's options, in the order of their numbers, then those of our own.
//!
//! A new option is a field in [`Options`] and a row here. Numbers, ranges, lengths and writers are
//! those of libzmq 4.3.5, measured against it; the drafts that a released libzmq hides are open
//! here. What libzmq has and this library has not is a row too, so that asking for it is answered
//! with the reason, never with silence. This file does no checking: `access.rs` does.

use super::codec::{
    Codec, Count, Deciseconds, Descriptor, Forever, Inverse, LaxSwitch, Millis, NotifyBits, PatternSwitch,
    Positive, Raw, Size, StopBits, Switch, SystemCount, SystemSize, SystemSwitch, UnsetIsNone, ZeroIsNone,
};
use super::security::mechanism_number;
use super::table::{ClearedBy, Field, Kinds, Live, Row, Unit};
use crate::SocketType;
use crate::mechanism::Mechanism;
use zeroize::Zeroizing;

/// An `int` kept in a field of `Options`, as a codec says.
macro_rules! int {
    ($codec:ident, $($field:ident).+) => {
        super::table::int::<$codec>(
            |options| $codec::load(&options.$($field).+),
            |options, number| options.$($field).+ = $codec::store(number),
        )
    };
}

/// A limit kept in an `Option<u64>`; -1 is none.
macro_rules! limit {
    ($($field:ident).+) => {
        Field::I64 {
            load: |options| options.$($field).+.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            store: |options, limit| options.$($field).+ = u64::try_from(limit).ok(),
        }
    };
}

/// A text kept in an `Option<String>`.
macro_rules! text {
    ($max:expr, $field:ident) => {
        Field::Text {
            max: $max,
            cleared_by: ClearedBy::Null,
            load: |options| options.$field.as_deref().unwrap_or_default(),
            store: |options, text| options.$field = text.map(str::to_owned),
        }
    };
}

/// A text kept in a `String`, for which libzmq takes an empty string for NULL.
macro_rules! plain_text {
    ($max:expr, $field:ident) => {
        Field::Text {
            max: $max,
            cleared_by: ClearedBy::NullOrEmpty,
            load: |options| &options.$field,
            store: |options, text| options.$field = text.unwrap_or_default().to_owned(),
        }
    };
}

/// A switch that makes a socket the server of a security mechanism.
macro_rules! server {
    ($mechanism:ident) => {
        super::table::int::<Switch>(
            |options| i32::from(options.security.serves(Mechanism::$mechanism)),
            |options, number| options.security.serve(Mechanism::$mechanism, number != 0),
        )
    };
}

/// A message kept in an `Option<Bytes>`; empty is none.
macro_rules! message {
    ($field:ident) => {
        Field::Binary {
            min: 0,
            max: usize::MAX,
            load: |options| options.$field.clone().unwrap_or_default(),
            store: |options, bytes| options.$field = Some(bytes).filter(|bytes| !bytes.is_empty()),
        }
    };
}

/// A set of the system's ids, of type `$id`.
macro_rules! ids {
    ($id:ty, $field:ident) => {
        Field::Ids {
            load: |options| options.$field.iter().map(|id| i64::from(*id)).collect(),
            add: |options, bytes| {
                let id = <$id>::from_ne_bytes(bytes);
                if !options.$field.contains(&id) {
                    options.$field.push(id);
                }
            },
            clear: |options| options.$field.clear(),
        }
    };
}

/// Longest routing id, in bytes (RFC 23).
pub const ROUTING_ID_MAX: usize = 255;
/// Longest name of a network device, in bytes (`IFNAMSIZ`).
const DEVICE_NAME_MAX: usize = 16;
/// Longest user name and password of PLAIN, and ZAP domain, in bytes (RFC 24).
const CREDENTIAL_MAX: usize = 255;
/// Longest `host:port` of a proxy, in bytes; a name has at most 253.
const SOCKS_PROXY_MAX: usize = 1024;
/// Longest user name and password of a proxy, in bytes (RFC 1929).
const SOCKS_CREDENTIAL_MAX: usize = 255;

const ROUTERS: Kinds = Kinds::of(&[SocketType::Router, SocketType::Rep]);
const ADDRESSERS: Kinds = Kinds::of(&[SocketType::Router, SocketType::Rep, SocketType::Stream]);
const PROBERS: Kinds = Kinds::of(&[SocketType::Req, SocketType::Rep, SocketType::Dealer, SocketType::Router]);
const REQ: Kinds = Kinds::of(&[SocketType::Req]);
const PUBLISHERS: Kinds = Kinds::of(&[SocketType::XPub, SocketType::Pub]);
const XSUB: Kinds = Kinds::of(&[SocketType::XSub]);
const STREAM: Kinds = Kinds::of(&[SocketType::Stream]);
const FIRST_SUBSCRIBERS: Kinds = Kinds::of(&[SocketType::XPub, SocketType::Pub, SocketType::XSub]);
/// SUB always; XPUB and PUB in manual mode.
const SUBSCRIBERS: Kinds = Kinds::of(&[SocketType::Sub, SocketType::XPub, SocketType::Pub]);
const TOPICAL: Kinds = Kinds::of(&[SocketType::Pub, SocketType::Sub, SocketType::XPub, SocketType::XSub]);

/// What only receives, or asks one thing at a time: nothing waits for its peer's attention, so that a silent peer is gone.
const LISTENERS: Kinds = Kinds::of(&[SocketType::Sub, SocketType::XSub, SocketType::Pull, SocketType::Req]);
/// What speaks ZMTP, and so PING.
const BEATING: Kinds = STREAM.except();
/// What may fill its peer's queues, after which that peer reads nothing, PINGs included.
const FILLERS: Kinds = Kinds::of(&[
    SocketType::Pair,
    SocketType::Pub,
    SocketType::XPub,
    SocketType::Push,
    SocketType::Rep,
    SocketType::Dealer,
    SocketType::Router,
]);
/// What has messages to lose when it is closed.
const LINGERERS: Kinds = Kinds::of(&[SocketType::Sub, SocketType::XSub]).except();
/// What takes messages apart.
const ZMTP: Kinds = STREAM.except();
/// What keeps messages until the application receives them.
const RECEIVERS: Kinds = Kinds::of(&[SocketType::Pub, SocketType::Push]).except();
/// What queues messages for its peers.
const SENDERS: Kinds = Kinds::of(&[SocketType::Sub, SocketType::Pull]).except();
const ROUTER: Kinds = Kinds::of(&[SocketType::Router]);

const NO_GSSAPI: Field = Field::Absent("the security mechanism GSSAPI does not exist here");
const NO_WSS: Field = Field::Absent("the transport wss does not exist here");
const NO_VMCI: Field = Field::Absent("the transport vmci does not exist here");
const NO_NORM: Field = Field::Absent("the transport norm does not exist here");
const CONTEXT_OPTION: Field = Field::Absent("it belongs to the context: zmq_ctx_set takes it");

const STOP_BITS: Unit = Unit::Bits(&[("conn_refused", 1), ("handshake_failed", 2), ("after_disconnect", 4)]);
const NOTIFY_BITS: Unit = Unit::Bits(&[("connect", 1), ("disconnect", 2)]);

/// Every socket option of libzmq's, and then this library's own, in the order of their numbers.
#[rustfmt::skip] // a table reads as a table
pub static TABLE: &[Row] = &[
    Row::new(4, "affinity",
        Field::U64 { load: |options| options.affinity, store: |options, bits| options.affinity = bits },
        Unit::Plain, "bitmap of the I/O threads that may serve new connections, 0 for any"),
    Row::new(5, "routing_id",
        Field::Binary {
            min: 1, max: ROUTING_ID_MAX,
            load: |options| options.routing_id.clone(), store: |options, id| options.routing_id = id,
        },
        Unit::Plain, "this socket's routing id, which ROUTER peers know it by").aliases(&["identity"]),
    Row::new(6, "subscribe", Field::Topic { wanted: true }, Unit::Plain,
        "receive the messages that begin with these bytes").now().written_by(SUBSCRIBERS),
    Row::new(7, "unsubscribe", Field::Topic { wanted: false }, Unit::Plain,
        "take back one subscription to these bytes").now().written_by(SUBSCRIBERS),
    Row::new(8, "rate", int!(Positive, rate), Unit::Plain, "multicast data rate in kbit/s; kept and read back only"),
    Row::new(9, "recovery_ivl", int!(Millis, recovery_ivl), Unit::Milliseconds,
        "longest time a multicast receiver may be absent; kept and read back only"),
    Row::new(11, "sndbuf", int!(SystemSize, sndbuf), Unit::Bytes, "the kernel's send buffer, -1 for the system's choice"),
    Row::new(12, "rcvbuf", int!(SystemSize, rcvbuf), Unit::Bytes, "the kernel's receive buffer, -1 for the system's choice"),
    Row::new(13, "rcvmore", Field::Live(Live::RcvMore), Unit::Switch,
        "whether parts of the message being received are left").now().read_by(Kinds::ALL),
    Row::new(14, "fd", Field::Live(Live::Fd), Unit::Plain,
        "the descriptor that becomes readable when `events` may have changed").now().read_by(Kinds::ALL),
    Row::new(15, "events", Field::Live(Live::Events), Unit::Bits(&[("pollin", 1), ("pollout", 2)]),
        "whether the socket can receive (1) and send (2) now").now().read_by(Kinds::ALL),
    Row::new(16, "type", Field::Fixed { exact: true, load: |kind| kind as i32 }, Unit::Plain,
        "the number of the socket's type").now().read_by(Kinds::ALL),
    Row::new(17, "linger", int!(Forever, linger), Unit::Milliseconds,
        "how long a closed socket's unsent messages are kept, -1 for ever").now()
        .native(5_000, LINGERERS, "a program ends although a peer is gone, within the 10 s that service managers give it"),
    Row::new(18, "reconnect_ivl", int!(Forever, reconnect_ivl), Unit::Milliseconds,
        "pause before a lost connection is dialled anew, -1 for never"),
    Row::new(19, "backlog", int!(Count, backlog), Unit::Count, "longest queue of connections not yet accepted"),
    Row::new(21, "reconnect_ivl_max", int!(Millis, reconnect_ivl_max), Unit::Milliseconds,
        "longest pause to which `reconnect_ivl` doubles, 0 for no doubling"),
    Row::new(22, "maxmsgsize", limit!(max_msg_size), Unit::Bytes,
        "largest message part accepted from a peer, -1 for no limit"),
    Row::new(23, "sndhwm", int!(Count, sndhwm), Unit::Count,
        "most messages queued for sending per peer, 0 for no limit").now(),
    Row::new(24, "rcvhwm", int!(Count, rcvhwm), Unit::Count,
        "most messages queued for receiving per peer, 0 for no limit").now(),
    Row::new(25, "multicast_hops", int!(Positive, multicast_hops), Unit::Count,
        "time to live of multicast packets; kept and read back only"),
    Row::new(27, "rcvtimeo", int!(Forever, rcvtimeo), Unit::Milliseconds,
        "how long a receive waits before it reports EAGAIN, -1 for ever").now(),
    Row::new(28, "sndtimeo", int!(Forever, sndtimeo), Unit::Milliseconds,
        "how long a send waits before it reports EAGAIN, -1 for ever").now(),
    Row::new(31, "ipv4only", int!(Inverse, ipv6), Unit::Switch, "deprecated: the opposite of `ipv6`"),
    Row::new(32, "last_endpoint", Field::Live(Live::LastEndpoint), Unit::Plain,
        "where the last bind or connect went").now().read_by(Kinds::ALL),
    Row::new(33, "router_mandatory", int!(PatternSwitch, router_mandatory), Unit::Switch,
        "report unroutable messages instead of dropping them").now().written_by(ROUTERS)
        .aliases(&["fail_unroutable", "router_behavior"])
        .native(1, ROUTER, "what cannot be delivered is an error where it happens, not a reply that never comes"),
    Row::new(34, "tcp_keepalive", int!(SystemSwitch, tcp_keepalive), Unit::Switch, "SO_KEEPALIVE, -1 for the system's choice"),
    Row::new(35, "tcp_keepalive_cnt", int!(SystemCount, tcp_keepalive_cnt), Unit::Count,
        "TCP_KEEPCNT, -1 for the system's choice"),
    Row::new(36, "tcp_keepalive_idle", int!(SystemCount, tcp_keepalive_idle), Unit::Seconds,
        "TCP_KEEPIDLE, -1 for the system's choice"),
    Row::new(37, "tcp_keepalive_intvl", int!(SystemCount, tcp_keepalive_intvl), Unit::Seconds,
        "TCP_KEEPINTVL, -1 for the system's choice"),
    Row::new(38, "tcp_accept_filter", Field::AcceptFilter, Unit::Plain,
        "deprecated: accept TCP peers from this network; can be set several times").written_by(Kinds::ALL),
    Row::new(39, "immediate", int!(Switch, immediate), Unit::Switch,
        "queue only to connections that are established").aliases(&["delay_attach_on_connect"]),
    Row::new(40, "xpub_verbose", super::table::int::<PatternSwitch>(
            |options| i32::from(options.xpub_verbose),
            |options, number| { options.xpub_verbose = number != 0; options.xpub_verboser = false; }),
        Unit::Switch, "receive duplicate subscriptions too; ends `xpub_verboser`").now().written_by(PUBLISHERS),
    Row::new(41, "router_raw", int!(PatternSwitch, router_raw), Unit::Switch,
        "deprecated: speak raw TCP, as STREAM does").written_by(ROUTERS),
    Row::new(42, "ipv6", int!(Switch, ipv6), Unit::Switch, "use IPv6 beside IPv4"),
    Row::new(43, "mechanism", Field::Derived(mechanism_number), Unit::Plain,
        "the security mechanism: 0 NULL, 1 PLAIN, 2 CURVE").read_by(Kinds::ALL),
    Row::new(44, "plain_server", server!(Plain), Unit::Switch, "be the server side of PLAIN; off is NULL"),
    Row::new(45, "plain_username",
        Field::Text {
            max: CREDENTIAL_MAX, cleared_by: ClearedBy::Null,
            load: |options| &options.security.plain_username,
            store: |options, name| options.security.set_plain_username(name),
        },
        Unit::Plain, "user name of PLAIN, whose client side this makes us"),
    Row::new(46, "plain_password",
        Field::Text {
            max: CREDENTIAL_MAX, cleared_by: ClearedBy::Null,
            load: |options| options.security.plain_password.expose(),
            store: |options, password| options.security.set_plain_password(password),
        },
        Unit::Plain, "password of PLAIN, whose client side this makes us"),
    Row::new(47, "curve_server", server!(Curve), Unit::Switch, "be the server side of CURVE; off is NULL"),
    Row::new(48, "curve_publickey",
        Field::Key {
            load: |options| Zeroizing::new(options.security.curve_public_key),
            store: |options, key| options.security.set_curve_public_key(key),
        },
        Unit::Plain, "our public key of CURVE"),
    Row::new(49, "curve_secretkey",
        Field::Key {
            load: |options| Zeroizing::new(*options.security.curve_secret_key.expose()),
            store: |options, key| options.security.set_curve_secret_key(key),
        },
        Unit::Plain, "our secret key of CURVE"),
    Row::new(50, "curve_serverkey",
        Field::Key {
            load: |options| Zeroizing::new(options.security.curve_server_key),
            store: |options, key| options.security.set_curve_server_key(key),
        },
        Unit::Plain, "the server's public key of CURVE, whose client side this makes us"),
    Row::new(51, "probe_router", int!(PatternSwitch, probe_router), Unit::Switch,
        "send an empty message to each new peer").now().written_by(PROBERS),
    Row::new(52, "req_correlate", int!(PatternSwitch, req_correlate), Unit::Switch,
        "number the requests, and drop replies to others").now().written_by(REQ),
    Row::new(53, "req_relaxed", int!(PatternSwitch, req_relaxed), Unit::Switch,
        "a new request may replace an unanswered one").now().written_by(REQ),
    Row::new(54, "conflate", int!(Switch, conflate), Unit::Switch, "keep only the newest message of each queue"),
    Row::new(55, "zap_domain",
        Field::Text {
            max: CREDENTIAL_MAX, cleared_by: ClearedBy::Nothing,
            load: |options| &options.security.zap_domain,
            store: |options, domain| options.security.zap_domain = domain.unwrap_or_default().to_owned(),
        },
        Unit::Plain, "domain of authentication requests"),
    Row::new(56, "router_handover", int!(PatternSwitch, router_handover), Unit::Switch,
        "a new peer takes over the routing id of an old one").now().written_by(ROUTERS),
    Row::new(57, "tos", int!(Count, tos), Unit::Plain, "type of service of outgoing packets"),
    Row::new(58, "ipc_filter_pid", ids!(i32, ipc_filter_pid), Unit::Plain,
        "deprecated: accept IPC peers with this process id; can be set several times").written_by(Kinds::ALL),
    Row::new(59, "ipc_filter_uid", ids!(u32, ipc_filter_uid), Unit::Plain,
        "deprecated: accept IPC peers with this user id; can be set several times").written_by(Kinds::ALL),
    Row::new(60, "ipc_filter_gid", ids!(u32, ipc_filter_gid), Unit::Plain,
        "deprecated: accept IPC peers with this group id; can be set several times").written_by(Kinds::ALL),
    Row::new(61, "connect_routing_id",
        Field::Binary {
            min: 1, max: usize::MAX,
            load: |options| options.connect_routing_id.clone().unwrap_or_default(),
            store: |options, id| options.connect_routing_id = Some(id),
        },
        Unit::Plain, "routing id for the peer of the next connect").written_by(ADDRESSERS).aliases(&["connect_rid"]),
    Row::new(62, "gssapi_server", NO_GSSAPI, Unit::Switch, "be the server side of GSSAPI"),
    Row::new(63, "gssapi_principal", NO_GSSAPI, Unit::Plain, "our principal of GSSAPI"),
    Row::new(64, "gssapi_service_principal", NO_GSSAPI, Unit::Plain, "the server's principal of GSSAPI"),
    Row::new(65, "gssapi_plaintext", NO_GSSAPI, Unit::Switch, "authenticate with GSSAPI but do not encrypt"),
    Row::new(66, "handshake_ivl", int!(ZeroIsNone, handshake_ivl), Unit::Milliseconds,
        "how long a peer may take for the handshake, 0 for ever")
        .native(10_000, Kinds::ALL, "somebody who says nothing is waited for a third as long; who is far away needs a second"),
    Row::new(68, "socks_proxy", text!(SOCKS_PROXY_MAX, socks_proxy), Unit::Plain,
        "host:port of the SOCKS5 proxy for TCP connects"),
    Row::new(69, "xpub_nodrop", int!(PatternSwitch, xpub_nodrop), Unit::Switch,
        "wait or report EAGAIN at the high-water mark instead of dropping").now().written_by(PUBLISHERS),
    Row::new(70, "blocky", CONTEXT_OPTION, Unit::Switch, "whether sockets linger for ever by default"),
    Row::new(71, "xpub_manual", int!(PatternSwitch, xpub_manual), Unit::Switch,
        "the application decides which subscriptions are entered").now().written_by(PUBLISHERS),
    Row::new(72, "xpub_welcome_msg", message!(xpub_welcome_msg), Unit::Plain,
        "message sent to each new subscriber").now().written_by(PUBLISHERS),
    Row::new(73, "stream_notify", int!(Switch, stream_notify), Unit::Switch,
        "receive an empty message when a peer comes or goes").written_by(STREAM),
    Row::new(74, "invert_matching", int!(LaxSwitch, invert_matching), Unit::Switch, "deliver what does not match").now(),
    Row::new(75, "heartbeat_ivl", int!(ZeroIsNone, heartbeat_ivl), Unit::Milliseconds, "pause between PINGs, 0 for none")
        .native(10_000, BEATING, "a machine that vanished sends nothing, not even a reset; and middleboxes forget idle connections"),
    Row::new(76, "heartbeat_ttl", int!(Deciseconds, heartbeat_ttl), Unit::Milliseconds,
        "what peers are told to wait for a sign of life, in steps of 100 ms")
        .native(30_000, LISTENERS, "the other end stops queueing for us when we are gone, even if it sends no PINGs"),
    Row::new(77, "heartbeat_timeout", int!(UnsetIsNone, heartbeat_timeout), Unit::Milliseconds,
        "how long to wait for a sign of life after a PING; unset is `heartbeat_ivl`")
        .native(30_000, BEATING, "three PINGs may be lost, or a peer be stopped for a moment, before it is given up"),
    Row::new(78, "xpub_verboser", super::table::int::<PatternSwitch>(
            |options| i32::from(options.xpub_verboser),
            |options, number| { options.xpub_verbose = number != 0; options.xpub_verboser = number != 0; }),
        Unit::Switch, "receive duplicate subscriptions and unsubscriptions too").now().written_by(PUBLISHERS),
    Row::new(79, "connect_timeout", int!(ZeroIsNone, connect_timeout), Unit::Milliseconds,
        "how long one attempt to connect may take, 0 for the system's choice"),
    Row::new(80, "tcp_maxrt", int!(ZeroIsNone, tcp_maxrt), Unit::Milliseconds,
        "how long sent data may stay unacknowledged, 0 for the system's choice"),
    Row::new(81, "thread_safe", Field::Fixed { exact: false, load: |_| 0 }, Unit::Switch,
        "whether libzmq calls this socket type thread-safe: none of the stable ones").now().read_by(Kinds::ALL),
    Row::new(84, "multicast_maxtpdu", int!(Positive, multicast_maxtpdu), Unit::Bytes,
        "largest multicast packet; kept and read back only"),
    Row::new(85, "vmci_buffer_size", NO_VMCI, Unit::Bytes, "buffer of a vmci connection"),
    Row::new(86, "vmci_buffer_min_size", NO_VMCI, Unit::Bytes, "smallest buffer of a vmci connection"),
    Row::new(87, "vmci_buffer_max_size", NO_VMCI, Unit::Bytes, "largest buffer of a vmci connection"),
    Row::new(88, "vmci_connect_timeout", NO_VMCI, Unit::Milliseconds, "how long a vmci connect may take"),
    Row::new(89, "use_fd", int!(Descriptor, use_fd), Unit::Plain,
        "a listening descriptor made by somebody else for the next bind, -1 for none"),
    Row::new(90, "gssapi_principal_nametype", NO_GSSAPI, Unit::Plain, "kind of our principal's name"),
    Row::new(91, "gssapi_service_principal_nametype", NO_GSSAPI, Unit::Plain, "kind of the server's principal's name"),
    Row::new(92, "bindtodevice", text!(DEVICE_NAME_MAX, bind_to_device), Unit::Plain, "name of the network device to use"),
    Row::new(93, "zap_enforce_domain", int!(LaxSwitch, security.zap_enforce_domain), Unit::Switch, "authenticate with an empty domain too"),
    Row::new(94, "loopback_fastpath", int!(LaxSwitch, loopback_fastpath), Unit::Switch,
        "a faster loopback on Windows; kept and read back only"),
    Row::new(95, "metadata", Field::Metadata, Unit::Plain,
        "a property for peers to see; can be set several times").written_by(Kinds::ALL),
    Row::new(96, "multicast_loop", int!(LaxSwitch, multicast_loop), Unit::Switch,
        "receive our own multicast packets; kept and read back only"),
    Row::new(97, "router_notify", int!(NotifyBits, router_notify), NOTIFY_BITS,
        "receive an empty message when a peer comes (1) or goes (2)").only_for(ROUTERS),
    Row::new(98, "xpub_manual_last_value", super::table::int::<PatternSwitch>(
            |options| i32::from(options.xpub_manual_last_value),
            |options, number| { options.xpub_manual = number != 0; options.xpub_manual_last_value = number != 0; }),
        Unit::Switch, "as `xpub_manual`, and send to the last subscriber only").now().written_by(PUBLISHERS),
    Row::new(99, "socks_username", plain_text!(SOCKS_CREDENTIAL_MAX, socks_username), Unit::Plain, "user name at the SOCKS5 proxy"),
    Row::new(100, "socks_password", plain_text!(SOCKS_CREDENTIAL_MAX, socks_password), Unit::Plain, "password at the SOCKS5 proxy"),
    Row::new(101, "in_batch_size", int!(Size, in_batch_size), Unit::Bytes, "most bytes read from a connection at once"),
    Row::new(102, "out_batch_size", int!(Size, out_batch_size), Unit::Bytes, "most bytes gathered for one write"),
    Row::new(103, "wss_key_pem", NO_WSS, Unit::Plain, "private key of a wss listener"),
    Row::new(104, "wss_cert_pem", NO_WSS, Unit::Plain, "certificate of a wss listener"),
    Row::new(105, "wss_trust_pem", NO_WSS, Unit::Plain, "certificates that a wss connect trusts"),
    Row::new(106, "wss_hostname", NO_WSS, Unit::Plain, "the name that a wss server must prove"),
    Row::new(107, "wss_trust_system", NO_WSS, Unit::Switch, "trust the system's certificates"),
    Row::new(108, "only_first_subscribe", int!(PatternSwitch, only_first_subscribe), Unit::Switch,
        "only a message's first part may be a subscription").now().written_by(FIRST_SUBSCRIBERS),
    Row::new(109, "reconnect_stop", int!(StopBits, reconnect_stop), STOP_BITS,
        "the failures after which an endpoint is not dialled anew"),
    Row::new(110, "hello_msg", message!(hello_msg), Unit::Plain, "message sent to each new peer").written_by(Kinds::ALL),
    Row::new(111, "disconnect_msg", message!(disconnect_msg), Unit::Plain,
        "message received when a peer is gone").written_by(Kinds::ALL),
    Row::new(112, "priority", int!(Count, priority), Unit::Plain, "SO_PRIORITY of outgoing packets"),
    Row::new(113, "busy_poll", int!(Raw, busy_poll), Unit::Plain, "SO_BUSY_POLL in microseconds"),
    Row::new(114, "hiccup_msg", message!(hiccup_msg), Unit::Plain,
        "message received when a connection is lost and dialled anew").written_by(Kinds::ALL),
    Row::new(115, "xsub_verbose_unsubscribe", int!(LaxSwitch, xsub_verbose_unsubscribe), Unit::Switch,
        "pass duplicate unsubscriptions on").now().written_by(XSUB),
    Row::new(116, "topics_count", Field::Live(Live::TopicsCount), Unit::Count, "how many subscriptions there are")
        .now().read_by(TOPICAL),
    Row::new(117, "norm_mode", NO_NORM, Unit::Plain, "congestion control of norm"),
    Row::new(118, "norm_unicast_nack", NO_NORM, Unit::Switch, "norm receivers answer the sender only"),
    Row::new(119, "norm_buffer_size", NO_NORM, Unit::Bytes, "buffer of a norm session, in kB"),
    Row::new(120, "norm_segment_size", NO_NORM, Unit::Bytes, "payload of a norm packet"),
    Row::new(121, "norm_block_size", NO_NORM, Unit::Count, "packets of a norm coding block"),
    Row::new(122, "norm_num_parity", NO_NORM, Unit::Count, "parity packets of a norm coding block"),
    Row::new(123, "norm_num_autoparity", NO_NORM, Unit::Count, "parity packets that norm sends unasked"),
    Row::new(124, "norm_push", NO_NORM, Unit::Switch, "norm streams push out old data"),
    Row::new(10_075, "heartbeat_lenient", int!(Switch, heartbeat_lenient), Unit::Switch,
        "only the silence of a peer that sends PINGs itself is death: another may be alive and have full queues")
        .native(1, FILLERS, "a libzmq peer that is busy reads no PINGs when its queue is full, and would lose what it holds"),
    Row::new(10_200, "max_handshake_bytes", int!(Size, limits.link.handshake_bytes), Unit::Bytes,
        "most bytes of a peer's handshake; one that says more is disconnected"),
    Row::new(10_201, "max_properties", int!(Size, limits.link.properties), Unit::Count,
        "most properties that a peer may tell in its handshake"),
    Row::new(10_202, "max_property_bytes", int!(Size, limits.link.property_bytes), Unit::Bytes,
        "longest value of one of these properties"),
    Row::new(10_203, "max_handshakes", int!(Positive, limits.handshakes), Unit::Count,
        "most handshakes in progress at one bound endpoint; of more, one at random is given up"),
    Row::new(10_204, "max_connections", limit!(limits.connections), Unit::Count,
        "most accepted connections at a time; never more than nine tenths of the descriptors that the process may have")
        .native(65_536, Kinds::ALL, "more than this are an attack, and not a system's"),
    Row::new(10_205, "max_multipart_bytes", limit!(limits.link.message_bytes), Unit::Bytes,
        "largest message accepted from a peer, all parts together and 64 bytes for each of several")
        .native(256 << 20, ZMTP, "an unfinished message costs memory until it ends: a peer that never ends it is disconnected"),
    Row::new(10_206, "max_parts", int!(Size, limits.link.parts), Unit::Count,
        "most parts of a message accepted from a peer")
        .native(65_536, ZMTP, "what is taken apart costs more than its bytes"),
    Row::new(10_207, "max_unread_bytes", limit!(limits.unread_bytes), Unit::Bytes,
        "bytes of a peer's unread messages beyond which that peer is not read, whatever `rcvhwm` says")
        .native(64 << 20, RECEIVERS, "a thousand messages may be of any size; the peer waits as at the high-water mark"),
    Row::new(10_208, "max_unsent_bytes", limit!(limits.unsent_bytes), Unit::Bytes,
        "bytes queued for a peer beyond which nothing more is queued, whatever `sndhwm` says")
        .native(64 << 20, SENDERS, "a peer that does not read costs this much and no more, of whatever size messages are"),
    Row::new(10_209, "max_topic_bytes", int!(Size, limits.link.topic_bytes), Unit::Bytes,
        "longest topic that a peer may subscribe to").only_for(PUBLISHERS)
        .native(64 << 10, PUBLISHERS, "topics are names, and every message is compared with them"),
    Row::new(10_210, "max_subscriptions", limit!(limits.subscriptions), Unit::Count,
        "most topics that one peer may be subscribed to; one that wants more is disconnected").now().only_for(PUBLISHERS)
        .native(1_000_000, PUBLISHERS, "the publisher holds them, and a peer pays nothing for asking"),
    Row::new(10_211, "max_subscription_bytes", limit!(limits.subscription_bytes), Unit::Bytes,
        "most bytes that one peer's subscriptions may cost, each counted with 256 more than its topic").now().only_for(PUBLISHERS)
        .native(320 << 20, PUBLISHERS, "64 MiB of topics, and what keeping a million of them costs"),
];
