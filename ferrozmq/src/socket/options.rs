//! Options: read, set, and felt at once by what is alive.

use super::Socket;
use super::guard::Guard;
use super::handle::SocketState;
use crate::error::{Error, Result};
use crate::socket::wait::Patience;
use ferrozmq_proto::option::{Change, Live, OptionError, Options, Reading, Value};
use std::os::fd::RawFd;
use std::time::Duration;

impl SocketState {
    fn set_option(
        &self,
        set: impl FnOnce(&mut Options) -> std::result::Result<Change, OptionError>,
    ) -> Result<()> {
        let mut core = self.enter()?;
        match set(&mut core.options).map_err(Error::from_option)? {
            Change::Now => core.apply_options(),
            // Connections keep what they began with; a pattern has nothing that could wait for the next.
            Change::Later => core.configure_pattern(),
            Change::Subscribe(topic) => return core.subscribe(&topic),
            Change::Unsubscribe(topic) => return core.unsubscribe(&topic),
        }
        self.remember_timeouts(&core.options);
        Ok(())
    }

    fn read_option(&self, number: i32, capacity: Option<usize>) -> Result<Value> {
        let core = self.enter()?;
        let reading = core.options.read(self.kind(), number, capacity).map_err(Error::from_option)?;
        Ok(match reading {
            Reading::Value(value) => value,
            Reading::Ask(Live::RcvMore) => Value::Int(core.staging.has_input().into()),
            Reading::Ask(Live::LastEndpoint) => Value::Text(core.last_endpoint.clone()),
            Reading::Ask(Live::TopicsCount) => {
                Value::Int(core.pattern.topics_count().try_into().unwrap_or(i32::MAX))
            }
            Reading::Ask(Live::Events) => {
                drop(core);
                Value::Int(self.events()?.bits())
            }
            Reading::Ask(Live::Fd) => Value::Int(self.events_fd(core)?),
        })
    }

    /// The descriptor that is readable when the events may have changed. From now on the I/O thread reads for this
    /// socket whenever no call waits in it: what a lease's holder reads, no descriptor tells of.
    fn events_fd(&self, mut core: Guard<'_>) -> Result<RawFd> {
        let fd = self.mailbox.events_fd().descriptor();
        let fd = fd.map_err(|error| Error::os("creating an event descriptor", &error))?;
        if core.leases == 0 {
            self.lease.give_back();
        }
        core.announce();
        Ok(fd)
    }

    #[inline]
    pub(super) fn send_patience(&self) -> Patience {
        Patience::from_timeout(self.timeouts.send())
    }

    #[inline]
    pub(super) fn recv_patience(&self) -> Patience {
        Patience::from_timeout(self.timeouts.recv())
    }
}

/// Setters of options that are one value.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($field:ident: $kind:ty = |$value:ident| $convert:expr);)*) => {
        impl Socket {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`Invalid`](ErrorKind::Invalid) value, [`Terminated`](ErrorKind::Terminated),
            /// [`Closed`](ErrorKind::Closed).
            pub fn $name(&self, $value: $kind) -> Result<()> {
                self.state().set_option(|options| {
                    options.$field = $convert;
                    Ok(Change::Now)
                })
            }
        )*}
    };
}

setters! {
    /// How long what was sent may linger after the socket is closed; `None` is for ever (`ZMQ_LINGER`).
    set_linger(linger: Option<Duration> = |value| value);
    /// Most messages queued for each peer; 0 is any number (`ZMQ_SNDHWM`).
    set_sndhwm(sndhwm: u32 = |value| value);
    /// Most messages from each peer that wait to be received; 0 is any number (`ZMQ_RCVHWM`).
    set_rcvhwm(rcvhwm: u32 = |value| value);
    /// How long a send may wait; `None` is for ever (`ZMQ_SNDTIMEO`).
    set_send_timeout(sndtimeo: Option<Duration> = |value| value);
    /// How long a receive may wait; `None` is for ever (`ZMQ_RCVTIMEO`).
    set_recv_timeout(rcvtimeo: Option<Duration> = |value| value);
    /// Queue only for peers whose connection is there (`ZMQ_IMMEDIATE`); for later connects.
    set_immediate(immediate: bool = |value| value);
    /// Keep only the newest message in each queue (`ZMQ_CONFLATE`); for later binds and connects.
    set_conflate(conflate: bool = |value| value);
    /// Use IPv6 where there is a choice (`ZMQ_IPV6`); for later binds and connects.
    set_ipv6(ipv6: bool = |value| value);
    /// Largest frame that is accepted, in bytes; `None` is any (`ZMQ_MAXMSGSIZE`).
    set_max_message_size(max_msg_size: Option<u64> = |value| value);
    /// First pause before reconnecting; `None` is never reconnect (`ZMQ_RECONNECT_IVL`).
    set_reconnect_interval(reconnect_ivl: Option<Duration> = |value| value);
    /// Longest pause before reconnecting; zero keeps the first (`ZMQ_RECONNECT_IVL_MAX`).
    set_reconnect_interval_max(reconnect_ivl_max: Duration = |value| value);
    /// How long a handshake may take; `None` is for ever (`ZMQ_HANDSHAKE_IVL`).
    set_handshake_interval(handshake_ivl: Option<Duration> = |value| value);
    /// How often to ask peers for a sign of life; `None` is never (`ZMQ_HEARTBEAT_IVL`).
    set_heartbeat_interval(heartbeat_ivl: Option<Duration> = |value| value);
    /// How long to wait for a sign of life; `None` is one interval (`ZMQ_HEARTBEAT_TIMEOUT`).
    set_heartbeat_timeout(heartbeat_timeout: Option<Duration> = |value| value);
    /// Fail instead of dropping what cannot be routed (`ZMQ_ROUTER_MANDATORY`).
    set_router_mandatory(router_mandatory: bool = |value| value);
    /// Let a new peer take over the routing id of an old one (`ZMQ_ROUTER_HANDOVER`).
    set_router_handover(router_handover: bool = |value| value);
    /// Number requests and drop replies to others (`ZMQ_REQ_CORRELATE`).
    set_req_correlate(req_correlate: bool = |value| value);
    /// Allow a new request before the reply to the last (`ZMQ_REQ_RELAXED`).
    set_req_relaxed(req_relaxed: bool = |value| value);
    /// Wait instead of dropping at the high-water mark (`ZMQ_XPUB_NODROP`).
    set_xpub_nodrop(xpub_nodrop: bool = |value| value);
    /// Report repeated subscriptions too (`ZMQ_XPUB_VERBOSE`).
    set_xpub_verbose(xpub_verbose: bool = |value| value);
}

impl Socket {
    /// The routing id this socket announces to its peers, 1 to 255 bytes (`ZMQ_ROUTING_ID`); for
    /// later binds and connects.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) length.
    pub fn set_routing_id(&self, routing_id: impl AsRef<[u8]>) -> Result<()> {
        const ZMQ_ROUTING_ID: i32 = 5;
        self.set_raw(ZMQ_ROUTING_ID, routing_id.as_ref())
    }

    /// Sets an option by its name and a value as people write it: `("sndhwm", "10")`,
    /// `("heartbeat_ivl", "1s")`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) name or value; [`NotSupported`](ErrorKind::NotSupported)
    /// where what the option is about is not built.
    pub fn set_text(&self, name: &str, value: &str) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set_text(state.kind(), name, value))
    }

    /// Sets an option by libzmq's number, from the bytes a C program would give (`zmq_setsockopt(3)`).
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn set_raw(&self, number: i32, value: &[u8]) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set(state.kind(), number, value))
    }

    /// Clears what can be cleared, as a C program does by a NULL pointer.
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn clear_raw(&self, number: i32) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set(state.kind(), number, None))
    }

    /// Reads an option by libzmq's number, as the bytes a C program would get (`zmq_getsockopt(3)`).
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn read_raw(&self, number: i32) -> Result<Vec<u8>> {
        self.state().read_option(number, None).map(|value| value.to_c_bytes())
    }

    /// Reads an option by libzmq's number into a buffer of `capacity` bytes. Numbers want a buffer of
    /// exactly their size, as in libzmq; others want one that is large enough.
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn read_value(&self, number: i32, capacity: usize) -> Result<Value> {
        self.state().read_option(number, Some(capacity))
    }

    /// Receives messages that begin with `topic` from now on (SUB; `ZMQ_SUBSCRIBE`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for other socket types.
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.state().enter()?.subscribe(topic.as_ref())
    }

    /// Takes back one subscription to `topic` (`ZMQ_UNSUBSCRIBE`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for other socket types.
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.state().enter()?.unsubscribe(topic.as_ref())
    }
}
