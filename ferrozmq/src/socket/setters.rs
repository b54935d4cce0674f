//! The typed setters of options, on sockets and on builders: one list, from which both are made.
//!
//! Each goes through the option table, so that a socket of the wrong type is told so. What has a syntax of its own (routing ids,
//! metadata, filters) is written out below the list. Options that do nothing here have no setter: [`TABLE`](crate::option::TABLE)
//! knows them, and [`Socket::set_raw`] keeps them for programs that read them back.

use super::Socket;
use super::builder::SocketBuilder;
use crate::KeyPair;
#[expect(unused_imports, reason = "the documentation names it")]
use crate::error::ErrorKind;
use crate::error::Result;
use ferrozmq_proto::option::{Options, ReconnectStop, RouterNotify};
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::time::Duration;

/// Setters of options that are one value: for sockets by the first name, for builders by the second.
macro_rules! setters {
    ($(
        $(#[$doc:meta])*
        $number:literal $alias:literal: $set:ident, $build:ident($value:ident: $kind:ty) => $($field:ident).+ = $convert:expr;
    )*) => {
        impl Socket {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Invalid`](ErrorKind::Invalid) for a socket of another type, or a value out of range;
            /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
            #[doc(alias = $alias)]
            pub fn $set(&self, $value: $kind) -> Result<()> {
                self.change($number, |options| options.$($field).+ = $convert)
            }
        )*}

        impl<S> SocketBuilder<S> {$(
            $(#[$doc])*
            #[doc(alias = $alias)]
            pub fn $build(self, $value: $kind) -> Self {
                self.with(move |socket| socket.$set($value))
            }
        )*}

        /// Number, name in C and setter of the options in the list.
        #[cfg(test)]
        const TYPED: &[Listed] = &[$(($number, $alias, stringify!($set))),*];
    };
}

setters! {
    /// The I/O threads that may serve new connections, as a bitmap; 0 for any (`ZMQ_AFFINITY`); for later binds and connects.
    4 "ZMQ_AFFINITY": set_affinity, affinity(value: u64) => affinity = value;
    /// The kernel's send buffer in bytes; `None` leaves it to the system (`ZMQ_SNDBUF`); for later binds and connects.
    11 "ZMQ_SNDBUF": set_send_buffer, send_buffer(value: Option<usize>) => sndbuf = value;
    /// The kernel's receive buffer in bytes; `None` leaves it to the system (`ZMQ_RCVBUF`); for later binds and connects.
    12 "ZMQ_RCVBUF": set_recv_buffer, recv_buffer(value: Option<usize>) => rcvbuf = value;
    /// How long what was sent may linger after the socket is closed; `None` is for ever (`ZMQ_LINGER`). 5 s by default,
    /// zero for SUB and XSUB.
    17 "ZMQ_LINGER": set_linger, linger(value: Option<Duration>) => linger = value;
    /// First pause before reconnecting; `None` is never reconnect (`ZMQ_RECONNECT_IVL`). 100 ms by default.
    18 "ZMQ_RECONNECT_IVL": set_reconnect_interval, reconnect_interval(value: Option<Duration>) => reconnect_ivl = value;
    /// Longest queue of connections that the kernel has accepted and we have not (`ZMQ_BACKLOG`), 100 by default; for later binds.
    19 "ZMQ_BACKLOG": set_backlog, backlog(value: u32) => backlog = value;
    /// Longest pause before reconnecting, to which the first doubles; zero keeps the first (`ZMQ_RECONNECT_IVL_MAX`).
    21 "ZMQ_RECONNECT_IVL_MAX": set_reconnect_interval_max, reconnect_interval_max(value: Duration) => reconnect_ivl_max = value;
    /// Largest part that is accepted from a peer, in bytes; `None` is any (`ZMQ_MAXMSGSIZE`). A peer that sends a larger one
    /// is disconnected.
    22 "ZMQ_MAXMSGSIZE": set_max_message_size, max_message_size(value: Option<u64>) => max_msg_size = value;
    /// Most messages queued for each peer; 0 is any number (`ZMQ_SNDHWM`). 1000 by default.
    23 "ZMQ_SNDHWM": set_sndhwm, sndhwm(value: u32) => sndhwm = value;
    /// Most messages from each peer that wait to be received; 0 is any number (`ZMQ_RCVHWM`). 1000 by default.
    24 "ZMQ_RCVHWM": set_rcvhwm, rcvhwm(value: u32) => rcvhwm = value;
    /// How long a receive may wait; `None`, the default, is for ever (`ZMQ_RCVTIMEO`).
    27 "ZMQ_RCVTIMEO": set_recv_timeout, recv_timeout(value: Option<Duration>) => rcvtimeo = value;
    /// How long a send may wait; `None`, the default, is for ever (`ZMQ_SNDTIMEO`).
    28 "ZMQ_SNDTIMEO": set_send_timeout, send_timeout(value: Option<Duration>) => sndtimeo = value;
    /// Fail instead of dropping what cannot be routed, and wait instead of dropping where the peer's queue is full
    /// (ROUTER; `ZMQ_ROUTER_MANDATORY`). On by default.
    33 "ZMQ_ROUTER_MANDATORY": set_router_mandatory, router_mandatory(value: bool) => router_mandatory = value;
    /// The kernel's keep-alive probes; `None` leaves it to the system (`ZMQ_TCP_KEEPALIVE`); for later binds and connects.
    34 "ZMQ_TCP_KEEPALIVE": set_tcp_keepalive, tcp_keepalive(value: Option<bool>) => tcp_keepalive = value;
    /// How many unanswered probes end a connection; `None` leaves it to the system (`ZMQ_TCP_KEEPALIVE_CNT`).
    35 "ZMQ_TCP_KEEPALIVE_CNT": set_tcp_keepalive_count, tcp_keepalive_count(value: Option<u32>) => tcp_keepalive_cnt = value;
    /// Silence before the first probe, in whole seconds; `None` leaves it to the system (`ZMQ_TCP_KEEPALIVE_IDLE`).
    36 "ZMQ_TCP_KEEPALIVE_IDLE": set_tcp_keepalive_idle, tcp_keepalive_idle(value: Option<Duration>) => tcp_keepalive_idle = value.map(seconds);
    /// Pause between probes, in whole seconds; `None` leaves it to the system (`ZMQ_TCP_KEEPALIVE_INTVL`).
    37 "ZMQ_TCP_KEEPALIVE_INTVL": set_tcp_keepalive_interval, tcp_keepalive_interval(value: Option<Duration>) => tcp_keepalive_intvl = value.map(seconds);
    /// Queue only for peers whose connection is there (`ZMQ_IMMEDIATE`); for later connects.
    39 "ZMQ_IMMEDIATE": set_immediate, immediate(value: bool) => immediate = value;
    /// Report repeated subscriptions too (XPUB, PUB; `ZMQ_XPUB_VERBOSE`).
    40 "ZMQ_XPUB_VERBOSE": set_xpub_verbose, xpub_verbose(value: bool) => xpub_verbose = value;
    /// Speak raw TCP, as STREAM does (ROUTER, REP; `ZMQ_ROUTER_RAW`). Deprecated in favour of STREAM.
    41 "ZMQ_ROUTER_RAW": set_router_raw, router_raw(value: bool) => router_raw = value;
    /// Use IPv6 where there is a choice (`ZMQ_IPV6`); for later binds and connects.
    42 "ZMQ_IPV6": set_ipv6, ipv6(value: bool) => ipv6 = value;
    /// Send an empty message to each new peer (`ZMQ_PROBE_ROUTER`), so that a ROUTER can speak first.
    51 "ZMQ_PROBE_ROUTER": set_probe_router, probe_router(value: bool) => probe_router = value;
    /// Number requests and drop replies to others (REQ; `ZMQ_REQ_CORRELATE`).
    52 "ZMQ_REQ_CORRELATE": set_req_correlate, req_correlate(value: bool) => req_correlate = value;
    /// Allow a new request before the reply to the last (REQ; `ZMQ_REQ_RELAXED`).
    53 "ZMQ_REQ_RELAXED": set_req_relaxed, req_relaxed(value: bool) => req_relaxed = value;
    /// Keep only the newest message in each queue (`ZMQ_CONFLATE`); for later binds and connects.
    54 "ZMQ_CONFLATE": set_conflate, conflate(value: bool) => conflate = value;
    /// Let a new peer take over the routing id of an old one (ROUTER; `ZMQ_ROUTER_HANDOVER`).
    56 "ZMQ_ROUTER_HANDOVER": set_router_handover, router_handover(value: bool) => router_handover = value;
    /// Type of service of outgoing packets; 0 leaves it to the system (`ZMQ_TOS`); for later binds and connects.
    57 "ZMQ_TOS": set_tos, tos(value: u32) => tos = value;
    /// How long a handshake may take; `None` is for ever (`ZMQ_HANDSHAKE_IVL`). 10 s by default.
    66 "ZMQ_HANDSHAKE_IVL": set_handshake_interval, handshake_interval(value: Option<Duration>) => handshake_ivl = value;
    /// Wait instead of dropping at the high-water mark (XPUB, PUB; `ZMQ_XPUB_NODROP`).
    69 "ZMQ_XPUB_NODROP": set_xpub_nodrop, xpub_nodrop(value: bool) => xpub_nodrop = value;
    /// The application decides which subscriptions are entered (XPUB; `ZMQ_XPUB_MANUAL`).
    71 "ZMQ_XPUB_MANUAL": set_xpub_manual, xpub_manual(value: bool) => xpub_manual = value;
    /// Receive an empty message when a peer comes or goes (STREAM; `ZMQ_STREAM_NOTIFY`). On by default.
    73 "ZMQ_STREAM_NOTIFY": set_stream_notify, stream_notify(value: bool) => stream_notify = value;
    /// Deliver what does *not* match (PUB, XPUB, SUB; `ZMQ_INVERT_MATCHING`). Both ends must be told.
    74 "ZMQ_INVERT_MATCHING": set_invert_matching, invert_matching(value: bool) => invert_matching = value;
    /// How often to ask peers for a sign of life; `None` is never (`ZMQ_HEARTBEAT_IVL`). 10 s by default.
    75 "ZMQ_HEARTBEAT_IVL": set_heartbeat_interval, heartbeat_interval(value: Option<Duration>) => heartbeat_ivl = value;
    /// How long peers are told to wait for a sign of life from us, in steps of 100 ms; `None` tells them nothing
    /// (`ZMQ_HEARTBEAT_TTL`).
    76 "ZMQ_HEARTBEAT_TTL": set_heartbeat_ttl, heartbeat_ttl(value: Option<Duration>) => heartbeat_ttl = value;
    /// How long to wait for a sign of life; `None` is one interval (`ZMQ_HEARTBEAT_TIMEOUT`). 30 s by default.
    77 "ZMQ_HEARTBEAT_TIMEOUT": set_heartbeat_timeout, heartbeat_timeout(value: Option<Duration>) => heartbeat_timeout = value;
    /// Report repeated subscriptions and their ends, too (XPUB, PUB; `ZMQ_XPUB_VERBOSER`).
    78 "ZMQ_XPUB_VERBOSER": set_xpub_verboser, xpub_verboser(value: bool) => xpub_verboser = value;
    /// How long one attempt to connect may take; `None` leaves it to the system (`ZMQ_CONNECT_TIMEOUT`).
    79 "ZMQ_CONNECT_TIMEOUT": set_connect_timeout, connect_timeout(value: Option<Duration>) => connect_timeout = value;
    /// How long what was sent may stay unacknowledged before the kernel gives the connection up; `None` leaves it to the system
    /// (`ZMQ_TCP_MAXRT`, `TCP_USER_TIMEOUT`). A peer that reads nothing for so long counts as gone, too.
    80 "ZMQ_TCP_MAXRT": set_tcp_max_retransmission, tcp_max_retransmission(value: Option<Duration>) => tcp_maxrt = value;
    /// A listening descriptor, made by somebody else, that the next bind uses (`ZMQ_USE_FD`).
    89 "ZMQ_USE_FD": set_use_fd, use_fd(value: Option<RawFd>) => use_fd = value;
    /// Ask the ZAP handler about NULL peers even without a domain (`ZMQ_ZAP_ENFORCE_DOMAIN`).
    93 "ZMQ_ZAP_ENFORCE_DOMAIN": set_zap_enforce_domain, zap_enforce_domain(value: bool) => security.zap_enforce_domain = value;
    /// Which changes of its peers a ROUTER receives as empty messages (`ZMQ_ROUTER_NOTIFY`).
    97 "ZMQ_ROUTER_NOTIFY": set_router_notify, router_notify(value: RouterNotify) => router_notify = value;
    /// As [`set_xpub_manual`](Socket::set_xpub_manual), and the next message goes to the last subscriber only (XPUB;
    /// `ZMQ_XPUB_MANUAL_LAST_VALUE`).
    98 "ZMQ_XPUB_MANUAL_LAST_VALUE": set_xpub_manual_last_value, xpub_manual_last_value(value: bool) => xpub_manual_last_value = value;
    /// Most bytes read from a connection at once (`ZMQ_IN_BATCH_SIZE`); for later binds and connects.
    101 "ZMQ_IN_BATCH_SIZE": set_in_batch_size, in_batch_size(value: usize) => in_batch_size = value;
    /// Most bytes gathered for one write to a connection (`ZMQ_OUT_BATCH_SIZE`); for later binds and connects.
    102 "ZMQ_OUT_BATCH_SIZE": set_out_batch_size, out_batch_size(value: usize) => out_batch_size = value;
    /// Only a message's first part may be a subscription (PUB, XPUB, XSUB; `ZMQ_ONLY_FIRST_SUBSCRIBE`).
    108 "ZMQ_ONLY_FIRST_SUBSCRIBE": set_only_first_subscribe, only_first_subscribe(value: bool) => only_first_subscribe = value;
    /// The failures after which an endpoint is not dialled anew (`ZMQ_RECONNECT_STOP`).
    109 "ZMQ_RECONNECT_STOP": set_reconnect_stop, reconnect_stop(value: ReconnectStop) => reconnect_stop = value;
    /// `SO_PRIORITY` of outgoing packets; 0 leaves it to the system (`ZMQ_PRIORITY`); for later binds and connects.
    112 "ZMQ_PRIORITY": set_priority, priority(value: u32) => priority = value;
    /// How long the kernel polls the device for this socket, in microseconds; 0 leaves it to the system (`ZMQ_BUSY_POLL`).
    113 "ZMQ_BUSY_POLL": set_busy_poll, busy_poll(value: u32) => busy_poll = i32::try_from(value).unwrap_or(i32::MAX);
    /// Pass repeated ends of subscriptions on (XSUB; `ZMQ_XSUB_VERBOSE_UNSUBSCRIBE`).
    115 "ZMQ_XSUB_VERBOSE_UNSUBSCRIBE": set_xsub_verbose_unsubscribe, xsub_verbose_unsubscribe(value: bool) => xsub_verbose_unsubscribe = value;
    /// Only the silence of a peer that sends PINGs itself is death: another may be alive and have full queues. On by
    /// default for what may fill its peers' queues ([why](crate::guide::defaults)).
    10_075 "FERROZMQ_HEARTBEAT_LENIENT": set_heartbeat_lenient, heartbeat_lenient(value: bool) => heartbeat_lenient = value;
    /// Most bytes of a peer's handshake; one that says more is disconnected. 64 KiB by default; for later binds and connects, as
    /// all limits of what peers may cost are, but those of subscriptions.
    10_200 "FERROZMQ_MAX_HANDSHAKE_BYTES": set_max_handshake_bytes, max_handshake_bytes(value: usize) => limits.link.handshake_bytes = value;
    /// Most properties that a peer may tell in its handshake. 64 by default.
    10_201 "FERROZMQ_MAX_PROPERTIES": set_max_properties, max_properties(value: usize) => limits.link.properties = value;
    /// Longest value of such a property, in bytes. 32 KiB by default.
    10_202 "FERROZMQ_MAX_PROPERTY_BYTES": set_max_property_bytes, max_property_bytes(value: usize) => limits.link.property_bytes = value;
    /// Most handshakes in progress at one bound endpoint; of more, one at random is given up. 1,024 by default.
    10_203 "FERROZMQ_MAX_HANDSHAKES": set_max_handshakes, max_handshakes(value: u32) => limits.handshakes = value.max(1);
    /// Most accepted connections at a time; 65,536 by default. With more, a handshake in progress is given up, or the newcomer
    /// refused. Whatever the value, also `None`, it is never more than nine tenths of the descriptors that the process may have.
    10_204 "FERROZMQ_MAX_CONNECTIONS": set_max_connections, max_connections(value: Option<u64>) => limits.connections = value;
    /// Largest message accepted from a peer in bytes, all its parts together, and 64 more for each part where there are several;
    /// `None` for no limit. 256 MiB by default. A peer that sends a larger one is disconnected.
    10_205 "FERROZMQ_MAX_MULTIPART_BYTES": set_max_multipart_bytes, max_multipart_bytes(value: Option<u64>) => limits.link.message_bytes = value;
    /// Most parts of a message accepted from a peer, likewise. 65,536 by default.
    10_206 "FERROZMQ_MAX_PARTS": set_max_parts, max_parts(value: usize) => limits.link.parts = value;
    /// Bytes of a peer's unread messages beyond which that peer is not read, whatever [`set_rcvhwm`](Socket::set_rcvhwm) says;
    /// exceeded by one message or 64 KiB at most. `None` for no limit. 64 MiB by default.
    10_207 "FERROZMQ_MAX_UNREAD_BYTES": set_max_unread_bytes, max_unread_bytes(value: Option<u64>) => limits.unread_bytes = value;
    /// Bytes queued for one peer beyond which nothing more is queued for it, whatever [`set_sndhwm`](Socket::set_sndhwm) says: what
    /// happens then is what happens at the high-water mark. Exceeded by one message at most; `None` for no limit. 64 MiB by default.
    10_208 "FERROZMQ_MAX_UNSENT_BYTES": set_max_unsent_bytes, max_unsent_bytes(value: Option<u64>) => limits.unsent_bytes = value;
    /// Longest topic in bytes that a peer may subscribe to (PUB, XPUB); a peer that tries is disconnected. 64 KiB by default.
    10_209 "FERROZMQ_MAX_TOPIC_BYTES": set_max_topic_bytes, max_topic_bytes(value: usize) => limits.link.topic_bytes = value;
    /// Most topics that one peer may be subscribed to (PUB, XPUB); `None` for no limit. A million by default; a peer that
    /// wants more is disconnected. Heeded at once.
    10_210 "FERROZMQ_MAX_SUBSCRIPTIONS": set_max_subscriptions, max_subscriptions(value: Option<u64>) => limits.subscriptions = value;
    /// Most bytes that one peer's subscriptions may cost, each counted with 256 more than its topic (PUB, XPUB), likewise. 320 MiB by
    /// default.
    10_211 "FERROZMQ_MAX_SUBSCRIPTION_BYTES": set_max_subscription_bytes, max_subscription_bytes(value: Option<u64>) => limits.subscription_bytes = value;
}

/// Setters of options given as bytes, which the table checks.
macro_rules! byte_setters {
    ($(
        $(#[$doc:meta])*
        $number:literal $alias:literal $($other:literal)?: $set:ident, $build:ident;
    )*) => {
        impl Socket {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Invalid`](ErrorKind::Invalid) for a socket of another type, or a value of the wrong length or form;
            /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
            #[doc(alias = $alias)]
            $(#[doc(alias = $other)])?
            pub fn $set(&self, value: impl AsRef<[u8]>) -> Result<()> {
                self.set_raw($number, value.as_ref())
            }
        )*}

        impl<S> SocketBuilder<S> {$(
            $(#[$doc])*
            #[doc(alias = $alias)]
            $(#[doc(alias = $other)])?
            pub fn $build(self, value: impl AsRef<[u8]>) -> Self {
                let value = value.as_ref().to_vec();
                self.with(move |socket| socket.$set(value))
            }
        )*}

        /// The same of this list.
        #[cfg(test)]
        const BYTES: &[Listed] = &[$(($number, $alias, stringify!($set))),*];
    };
}

/// Setters of the two switches that make a socket the server of a mechanism.
macro_rules! servers {
    ($(
        $(#[$doc:meta])*
        $number:literal $alias:literal: $set:ident, $build:ident;
    )*) => {
        impl Socket {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
            #[doc(alias = $alias)]
            pub fn $set(&self, on: bool) -> Result<()> {
                self.set_raw($number, &i32::from(on).to_ne_bytes())
            }
        )*}

        impl<S> SocketBuilder<S> {$(
            $(#[$doc])*
            #[doc(alias = $alias)]
            pub fn $build(self, on: bool) -> Self {
                self.with(move |socket| socket.$set(on))
            }
        )*}

        /// The same of this list.
        #[cfg(test)]
        const SERVERS: &[Listed] = &[$(($number, $alias, stringify!($set))),*];
    };
}

servers! {
    /// Be the server side of PLAIN; off is no security (`ZMQ_PLAIN_SERVER`). Of the settings of mechanisms the last one decides.
    44 "ZMQ_PLAIN_SERVER": set_plain_server, plain_server;
    /// Be the server side of CURVE, whose secret key [`set_curve_secret_key`](Socket::set_curve_secret_key) gives; off is no
    /// security (`ZMQ_CURVE_SERVER`).
    47 "ZMQ_CURVE_SERVER": set_curve_server, curve_server;
}

byte_setters! {
    /// The routing id this socket announces to its peers, 1 to 255 bytes (`ZMQ_ROUTING_ID`, once `ZMQ_IDENTITY`); for
    /// later binds and connects.
    5 "ZMQ_ROUTING_ID" "ZMQ_IDENTITY": set_routing_id, routing_id;
    /// The user name of PLAIN, at most 255 bytes, whose client side this makes us (`ZMQ_PLAIN_USERNAME`).
    45 "ZMQ_PLAIN_USERNAME": set_plain_username, plain_username;
    /// The password of PLAIN, at most 255 bytes, whose client side this makes us (`ZMQ_PLAIN_PASSWORD`).
    46 "ZMQ_PLAIN_PASSWORD": set_plain_password, plain_password;
    /// Our public key of CURVE, 32 bytes or 40 characters of Z85 (`ZMQ_CURVE_PUBLICKEY`).
    48 "ZMQ_CURVE_PUBLICKEY": set_curve_public_key, curve_public_key;
    /// Our secret key of CURVE, 32 bytes or 40 characters of Z85 (`ZMQ_CURVE_SECRETKEY`).
    49 "ZMQ_CURVE_SECRETKEY": set_curve_secret_key, curve_secret_key;
    /// The server's public key of CURVE, 32 bytes or 40 characters of Z85, whose client side this makes us (`ZMQ_CURVE_SERVERKEY`).
    50 "ZMQ_CURVE_SERVERKEY": set_curve_server_key, curve_server_key;
    /// The domain of questions to the ZAP handler, 1 to 255 bytes (`ZMQ_ZAP_DOMAIN`).
    55 "ZMQ_ZAP_DOMAIN": set_zap_domain, zap_domain;
    /// The routing id by which the peer of the next connect is to be known (ROUTER, REP, STREAM; `ZMQ_CONNECT_ROUTING_ID`).
    61 "ZMQ_CONNECT_ROUTING_ID": set_connect_routing_id, connect_routing_id;
    /// `host:port` of the SOCKS5 proxy that TCP connects go through (`ZMQ_SOCKS_PROXY`); for later connects.
    68 "ZMQ_SOCKS_PROXY": set_socks_proxy, socks_proxy;
    /// The message sent to each new subscriber (XPUB, PUB; `ZMQ_XPUB_WELCOME_MSG`); empty for none.
    72 "ZMQ_XPUB_WELCOME_MSG": set_xpub_welcome_message, xpub_welcome_message;
    /// Name of the network device to use (`ZMQ_BINDTODEVICE`); for later binds and connects.
    92 "ZMQ_BINDTODEVICE": set_bind_to_device, bind_to_device;
    /// A property for peers to see, `X-name:value` (`ZMQ_METADATA`); can be set several times; for later binds and connects.
    95 "ZMQ_METADATA": add_metadata, metadata;
    /// User name at the SOCKS5 proxy; empty for no authentication (`ZMQ_SOCKS_USERNAME`).
    99 "ZMQ_SOCKS_USERNAME": set_socks_username, socks_username;
    /// Password at the SOCKS5 proxy (`ZMQ_SOCKS_PASSWORD`).
    100 "ZMQ_SOCKS_PASSWORD": set_socks_password, socks_password;
    /// The message sent to each new peer (`ZMQ_HELLO_MSG`); empty for none; for later binds and connects.
    110 "ZMQ_HELLO_MSG": set_hello_message, hello_message;
    /// The message this socket receives when a peer is gone (`ZMQ_DISCONNECT_MSG`); empty for none.
    111 "ZMQ_DISCONNECT_MSG": set_disconnect_message, disconnect_message;
    /// The message this socket receives when a connection is lost and dialled anew (`ZMQ_HICCUP_MSG`); empty for none.
    114 "ZMQ_HICCUP_MSG": set_hiccup_message, hiccup_message;
}

impl Socket {
    /// Be a CURVE server with these keys: the traffic is encrypted, and clients must know the public one. Who may come is for
    /// a ZAP handler to say; without one, everybody who knows it.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    ///
    /// ```
    /// use ferrozmq::{Context, KeyPair, Pull, Push};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let server_keys = KeyPair::generate()?;
    /// let server = Pull::new(&context)?;
    /// server.as_socket().secure_as_server(&server_keys)?;
    /// let endpoint = server.bind("tcp://127.0.0.1:*")?;
    ///
    /// let client = Push::new(&context)?;
    /// client.as_socket().secure_as_client(&KeyPair::generate()?, server_keys.public())?;
    /// client.connect(&endpoint)?;
    /// client.send("nobody in between can read this")?;
    /// assert_eq!(&server.recv()?[0], "nobody in between can read this");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ZMQ_CURVE_SERVER")]
    pub fn secure_as_server(&self, keys: &KeyPair) -> Result<()> {
        self.set_curve_secret_key(keys.secret())?;
        self.set_curve_server(true)
    }

    /// Be a CURVE client with these keys, of the server that has this public key (32 bytes, or 40 characters of Z85).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) key; [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    #[doc(alias = "ZMQ_CURVE_SERVERKEY")]
    pub fn secure_as_client(&self, keys: &KeyPair, server_key: impl AsRef<[u8]>) -> Result<()> {
        self.set_curve_public_key(keys.public())?;
        self.set_curve_secret_key(keys.secret())?;
        self.set_curve_server_key(server_key)
    }

    /// The networks, as address and prefix length, from which TCP peers are accepted; none for all (`ZMQ_TCP_ACCEPT_FILTER`);
    /// for later binds. Deprecated in libzmq in favour of ZAP.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    #[doc(alias = "ZMQ_TCP_ACCEPT_FILTER")]
    pub fn set_tcp_accept_filters(&self, networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Result<()> {
        self.change(38, |options| options.tcp_accept_filters = networks.into_iter().collect())
    }

    /// The processes, users and groups from which ipc peers are accepted: any one match is enough, none at all lets everybody in
    /// (`ZMQ_IPC_FILTER_PID`, `ZMQ_IPC_FILTER_UID`, `ZMQ_IPC_FILTER_GID`); for later binds. Deprecated in libzmq in favour of ZAP.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    #[doc(alias = "ZMQ_IPC_FILTER_PID")]
    #[doc(alias = "ZMQ_IPC_FILTER_UID")]
    #[doc(alias = "ZMQ_IPC_FILTER_GID")]
    pub fn set_ipc_accept_filters(&self, pids: &[i32], uids: &[u32], gids: &[u32]) -> Result<()> {
        self.change(58, |options| {
            options.ipc_filter_pid = pids.to_vec();
            options.ipc_filter_uid = uids.to_vec();
            options.ipc_filter_gid = gids.to_vec();
        })
    }

    /// All options as they are now.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    ///
    /// ```
    /// use ferrozmq::{Context, Push};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let push = Push::new(&Context::new())?;
    /// push.as_socket().set_sndhwm(10)?;
    /// assert_eq!(push.as_socket().options()?.sndhwm, 10);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "zmq_getsockopt")]
    pub fn options(&self) -> Result<Options> {
        Ok(self.state().enter()?.options.clone())
    }

    /// How many topics there are: those of this SUB or XSUB, or those that an XPUB's or PUB's peers want.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    #[doc(alias = "ZMQ_TOPICS_COUNT")]
    pub fn topics_count(&self) -> Result<usize> {
        Ok(self.state().enter()?.pattern.topics_count())
    }

    /// Changes the option with this number, typed, as the table allows.
    fn change(&self, number: i32, change: impl FnOnce(&mut Options)) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.change(state.kind(), number, change))
    }
}

/// Whole seconds, at least one.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1)
}

/// An option's number, its name in C, and its setter.
#[cfg(test)]
type Listed = (i32, &'static str, &'static str);

/// Every option that has a setter.
#[cfg(test)]
pub(crate) fn listed() -> impl Iterator<Item = Listed> {
    const WRITTEN_OUT: &[Listed] = &[
        (6, "ZMQ_SUBSCRIBE", "subscribe"),
        (7, "ZMQ_UNSUBSCRIBE", "unsubscribe"),
        (38, "ZMQ_TCP_ACCEPT_FILTER", "set_tcp_accept_filters"),
        (58, "ZMQ_IPC_FILTER_PID", "set_ipc_accept_filters"),
        (59, "ZMQ_IPC_FILTER_UID", "set_ipc_accept_filters"),
        (60, "ZMQ_IPC_FILTER_GID", "set_ipc_accept_filters"),
    ];
    [TYPED, BYTES, SERVERS, WRITTEN_OUT].into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrozmq_proto::option::{Kinds, Row, Status, TABLE};

    /// An old spelling, and what is kept for programs that read it back and does nothing.
    const WITHOUT: &[&str] = &[
        "rate",
        "recovery_ivl",
        "multicast_hops",
        "multicast_maxtpdu",
        "multicast_loop",
        "loopback_fastpath",
        "ipv4only",
    ];

    #[test]
    fn every_option_that_does_something_has_a_setter_under_its_c_name() {
        for (number, alias, _) in listed() {
            assert_eq!(Row::by_number(number).map(Row::c_name).as_deref(), Some(alias));
        }
        let settable = TABLE.iter().filter(|row| row.status() == Status::Works && row.writers != Kinds::NONE);
        let missing: Vec<&str> = settable
            .filter(|row| !listed().any(|(number, ..)| number == row.number) && !WITHOUT.contains(&row.name))
            .map(|row| row.name)
            .collect();
        assert_eq!(missing, [""; 0], "they have no setter");
    }
}
