//! Connecting to one endpoint, again and again.
//!
//! ```text
//!   Resolving ──► Dialing ──► Up (handshake, then messages)
//!       ▲            │             │
//!       └── Waiting ◄┴─────────────┘   at first a head start for the application, then back-off with jitter
//! ```
//!
//! A name is resolved anew for every round of attempts, off this thread; each of its addresses is
//! tried in turn. Unless `ZMQ_IMMEDIATE` is set, the dialer owns the endpoint's pipe, which keeps
//! its queue from one connection to the next.

use crate::io::connection::{Origin, Outcome, end_pipe};
use crate::io::events::{EventKind, Parties};
use crate::io::owner::Owner;
use crate::io::thread::{Due, Io, Order, Watched, new_token};
use crate::io::timer::{self, TimerKey};
use crate::pipe::signal::Signal;
use crate::pipe::wire::WirePipe;
use crate::sys::epoll::Interest;
use crate::sys::random;
use crate::transport::{Dial, DialAddress, IpcAddress, Progress, Socks5, Stream, StreamOptions, negotiate};
use bytes::Bytes;
use ferrozmq_proto::backoff::Backoff;
use ferrozmq_proto::loss::Dropped;
use ferrozmq_proto::option::{Options, ReconnectStop};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whom to connect to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A host, numeric or by name.
    Tcp { host: String, port: u16, source: Option<SocketAddr> },
    /// A socket file or abstract name.
    Ipc(IpcAddress),
}

/// How long a dialer lets the application go first: that connects, then asks for events or sends, and would come too late where the
/// connection has failed meanwhile. With libzmq it is as far by then, whose threads need longer for everything.
const HEAD_START: Duration = Duration::from_millis(1);

/// Everything about a dialer that does not change.
pub(crate) struct DialPlan {
    pub(crate) owner: Arc<Owner>,
    pub(crate) target: Target,
    /// The endpoint as the application wrote it.
    pub(crate) name: String,
    pub(crate) options: Arc<Options>,
    pub(crate) stream: StreamOptions,
    /// There from the beginning unless `ZMQ_IMMEDIATE`.
    pub(crate) pipe: Option<Arc<WirePipe>>,
    /// The routing id that a ROUTER gives this peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub(crate) routing_id: Option<Bytes>,
}

/// One connecting endpoint.
pub(super) struct Dialer {
    plan: DialPlan,
    backoff: Backoff,
    state: State,
    /// Where to connect from, if it matters.
    source: Option<SocketAddr>,
    /// Addresses still to be tried in this round, and why the last one failed.
    addresses: VecDeque<DialAddress>,
    last_error: Option<io::Error>,
    timer: Option<TimerKey>,
    /// The socket let go of it; it ends when its queue is empty.
    closing: bool,
    linger_timer: Option<TimerKey>,
    was_up: bool,
}

enum State {
    Resolving,
    Dialing { dial: Option<Dial>, token: u64 },
    Proxy { stream: Stream, socks: Box<Socks5>, token: u64 },
    Up { conn: u64 },
    Waiting,
    Stopped,
}

impl Dialer {
    pub(super) fn owner(&self) -> &Arc<Owner> {
        &self.plan.owner
    }

    pub(super) fn routing_id(&self) -> Option<Bytes> {
        self.plan.routing_id.clone()
    }

    fn queue_is_empty(&self) -> bool {
        self.plan.pipe.as_ref().is_none_or(|pipe| pipe.queued() == 0)
    }

    fn post(&self, kind: EventKind, value: u64, reason: Option<String>) {
        self.plan.owner.events.post(kind, value, Parties::dialed(&self.plan.name), reason);
    }
}

impl Io {
    pub(super) fn dial(&mut self, endpoint: u64, plan: DialPlan) {
        let _ = self.set_of(&plan.owner);
        let backoff = Backoff::new(plan.options.reconnect_ivl, plan.options.reconnect_ivl_max);
        let dialer = Dialer {
            plan,
            backoff,
            state: State::Waiting,
            source: None,
            addresses: VecDeque::new(),
            last_error: None,
            timer: Some(self.timers.add(timer::after(HEAD_START), Due::Dialer(endpoint))),
            closing: false,
            linger_timer: None,
            was_up: false,
        };
        self.dialers.insert(endpoint, dialer);
    }

    fn start_round(&mut self, endpoint: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        dialer.last_error = None;
        let proxy = dialer.plan.stream.socks.as_ref().map(|socks| socks.address.clone());
        match (&dialer.plan.target, proxy) {
            (Target::Ipc(address), _) => {
                dialer.addresses = VecDeque::from([DialAddress::Ipc(address.clone())]);
                self.next_address(endpoint);
            }
            (Target::Tcp { host, port, source }, proxy) => {
                let (source, host, port) = match proxy.as_deref().map(split_proxy) {
                    None => (*source, host.clone(), *port),
                    Some(Some(proxy)) => proxy,
                    Some(None) => {
                        let text = "the SOCKS proxy is not host:port";
                        dialer.last_error = Some(io::Error::new(io::ErrorKind::InvalidInput, text));
                        return self.next_address(endpoint);
                    }
                };
                dialer.source = source;
                dialer.state = State::Resolving;
                let handle = Arc::clone(&self.handle);
                self.resolver.resolve(
                    &host,
                    port,
                    dialer.plan.options.ipv6,
                    Box::new(move |result| handle.order(Order::Resolved { endpoint, result })),
                );
            }
        }
    }

    pub(super) fn dial_resolved(&mut self, endpoint: u64, result: io::Result<Vec<SocketAddr>>) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        if !matches!(dialer.state, State::Resolving) {
            return;
        }
        let source = dialer.source;
        match result {
            Ok(list) => {
                dialer.addresses = list.into_iter().map(|peer| DialAddress::Tcp { source, peer }).collect();
            }
            Err(error) => {
                dialer.addresses.clear();
                dialer.last_error = Some(error);
            }
        }
        self.next_address(endpoint);
    }

    /// Tries the next address, or ends the round.
    fn next_address(&mut self, endpoint: u64) {
        loop {
            let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
            if let Some(key) = dialer.timer.take() {
                self.timers.cancel(key);
            }
            let Some(address) = dialer.addresses.pop_front() else { return self.round_failed(endpoint) };
            match Dial::start(&address, &dialer.plan.stream) {
                Ok(dial) => return self.watch_dial(endpoint, dial),
                Err(error) => {
                    // As libzmq does; its descriptor is gone already.
                    dialer.post(EventKind::Closed, 0, Some(error.to_string()));
                    dialer.last_error = Some(error);
                }
            }
        }
    }

    fn watch_dial(&mut self, endpoint: u64, dial: Dial) {
        let token = new_token();
        let added = self.handle.desk().epoll().add(&dial, Interest::WRITABLE, token);
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        if let Err(error) = added {
            dialer.last_error = Some(error);
            return self.next_address(endpoint);
        }
        if let Target::Tcp { .. } = dialer.plan.target {
            dialer.post(EventKind::ConnectDelayed, libc::EINPROGRESS as u64, None);
        }
        dialer.state = State::Dialing { dial: Some(dial), token };
        let timeout = dialer.plan.options.connect_timeout;
        dialer.timer = timeout.map(|timeout| self.timers.add(timer::after(timeout), Due::Dialer(endpoint)));
        self.watched.insert(token, Watched::Dialing(endpoint));
        self.dial_progress(endpoint);
    }

    /// The descriptor of a connection attempt has something to tell.
    pub(super) fn dial_progress(&mut self, endpoint: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        match &mut dialer.state {
            State::Dialing { dial, token } => {
                let token = *token;
                let Some(attempt) = dial.take() else { return };
                let fd = attempt.as_raw_fd() as u64;
                match attempt.finish() {
                    Ok(Progress::Pending(attempt)) => *dial = Some(attempt),
                    Ok(Progress::Connected(stream)) => self.connected(endpoint, token, stream),
                    Err(error) => {
                        dialer.last_error = Some(error);
                        dialer.post(EventKind::Closed, fd, None);
                        self.watched.remove(&token);
                        self.next_address(endpoint);
                    }
                }
            }
            State::Proxy { .. } => self.proxy_progress(endpoint),
            _ => {}
        }
    }

    fn connected(&mut self, endpoint: u64, token: u64, stream: Stream) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        match (&dialer.plan.stream.socks, &dialer.plan.target) {
            (Some(proxy), Target::Tcp { host, port, .. }) => {
                let socks = match Socks5::new(host, *port, proxy) {
                    Ok(socks) => Box::new(socks),
                    Err(error) => {
                        dialer.last_error = Some(error.into());
                        self.watched.remove(&token);
                        return self.round_failed(endpoint);
                    }
                };
                let _ = self.handle.desk().epoll().modify(stream.as_fd(), Interest::READABLE, token);
                dialer.state = State::Proxy { stream, socks, token };
                self.proxy_progress(endpoint);
            }
            _ => self.begin_handshake(endpoint, token, stream),
        }
    }

    fn proxy_progress(&mut self, endpoint: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        let State::Proxy { stream, socks, .. } = &mut dialer.state else { return };
        match negotiate(stream, socks) {
            Ok(false) => {}
            Ok(true) => {
                let State::Proxy { stream, token, .. } = std::mem::replace(&mut dialer.state, State::Waiting)
                else {
                    return;
                };
                self.begin_handshake(endpoint, token, stream);
            }
            Err(error) => {
                dialer.last_error = Some(error);
                let token = self.end_attempt(endpoint);
                self.watched.remove(&token);
                self.next_address(endpoint);
            }
        }
    }

    fn begin_handshake(&mut self, endpoint: u64, token: u64, stream: Stream) {
        self.watched.remove(&token);
        let _ = self.handle.desk().epoll().delete(stream.as_fd());
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        if let Some(key) = dialer.timer.take() {
            self.timers.cancel(key);
        }
        dialer.addresses.clear();
        // The state is set first: the handshake may end, and report here, before `adopt` returns.
        let token = new_token();
        dialer.state = State::Up { conn: token };
        let origin = Origin {
            owner: Arc::clone(&dialer.plan.owner),
            options: Arc::clone(&dialer.plan.options),
            endpoint,
            dialed: true,
            pipe: dialer.plan.pipe.clone(),
        };
        match self.contain(token, |io| io.adopt(token, stream, origin)) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                if let Some(dialer) = self.dialers.get_mut(&endpoint) {
                    dialer.last_error = Some(error);
                }
                self.round_failed(endpoint);
            }
            // Before there was a connection to report its end.
            None if matches!(self.dialers.get(&endpoint), Some(Dialer { state: State::Up { conn }, .. }) if *conn == token) =>
            {
                self.round_failed(endpoint);
            }
            None => {}
        }
    }

    /// After a panic in a step of this dialer: the attempt is over, another follows.
    pub(super) fn abandon_dialer(&mut self, endpoint: u64) {
        let token = self.end_attempt(endpoint);
        self.watched.remove(&token);
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        if let State::Up { .. } | State::Stopped = dialer.state {
            return;
        }
        dialer.last_error = Some(io::Error::other("a defect in ferrozmq: connecting panicked"));
        let mut timer = dialer.timer.take();
        self.cancel(&mut timer);
        self.round_failed(endpoint);
    }

    /// Drops the attempt in progress; returns its token.
    fn end_attempt(&mut self, endpoint: u64) -> u64 {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return 0 };
        match std::mem::replace(&mut dialer.state, State::Waiting) {
            State::Dialing { dial, token } => {
                if let Some(dial) = dial {
                    let _ = self.handle.desk().epoll().delete(&dial);
                    dialer.post(EventKind::Closed, dial.as_raw_fd() as u64, None);
                }
                token
            }
            State::Proxy { stream, token, .. } => {
                let _ = self.handle.desk().epoll().delete(stream.as_fd());
                dialer.post(EventKind::Closed, stream.as_raw_fd() as u64, None);
                token
            }
            other => {
                dialer.state = other;
                0
            }
        }
    }

    fn round_failed(&mut self, endpoint: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        let refused =
            dialer.last_error.as_ref().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        if refused && dialer.plan.options.reconnect_stop.contains(ReconnectStop::CONN_REFUSED) {
            dialer.state = State::Stopped;
            return;
        }
        if !self.wait_and_retry(endpoint) {
            self.give_up(endpoint);
        }
    }

    /// Waits for the next round; `false` if there is to be none.
    fn wait_and_retry(&mut self, endpoint: u64) -> bool {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return false };
        let Some(pause) = dialer.backoff.pause(random::number()) else { return false };
        let reason = dialer.last_error.take().map(|error| error.to_string());
        dialer.post(EventKind::ConnectRetried, pause.as_millis() as u64, reason);
        dialer.state = State::Waiting;
        dialer.timer = Some(self.timers.add(timer::after(pause), Due::Dialer(endpoint)));
        true
    }

    fn give_up(&mut self, endpoint: u64) {
        self.remove_dialer(endpoint);
    }

    pub(super) fn dialer_due(&mut self, endpoint: u64, _now: Instant) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        dialer.timer = None;
        match dialer.state {
            State::Waiting => self.start_round(endpoint),
            State::Dialing { .. } | State::Proxy { .. } => {
                dialer.last_error = Some(io::Error::from(io::ErrorKind::TimedOut));
                let token = self.end_attempt(endpoint);
                self.watched.remove(&token);
                self.next_address(endpoint);
            }
            State::Resolving | State::Up { .. } | State::Stopped => {}
        }
    }

    /// A connection of this dialer finished its handshake.
    pub(super) fn dialer_up(&mut self, endpoint: u64, conn: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        dialer.state = State::Up { conn };
        dialer.backoff.reset();
        if dialer.was_up {
            dialer.plan.owner.mailbox.ledger().reconnected();
        }
        dialer.was_up = true;
        if dialer.closing {
            self.mark_lingering(conn);
        }
    }

    /// A connection of this dialer ended. Says whether its pipe goes on.
    pub(super) fn dialer_down(
        &mut self,
        endpoint: u64,
        outcome: Outcome,
        pipe: Option<&Arc<WirePipe>>,
    ) -> bool {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return false };
        let keeps_pipe = dialer.plan.pipe.is_some();
        let stop = dialer.plan.options.reconnect_stop;
        let stopped = match outcome {
            Outcome::HandshakeFailed => stop.contains(ReconnectStop::HANDSHAKE_FAILED),
            // Like libzmq: who was refused for what it is would be refused again.
            Outcome::Refused => true,
            Outcome::Disconnected => stop.contains(ReconnectStop::AFTER_DISCONNECT),
            Outcome::Dismissed => false,
        };
        // As with libzmq, whom the application sends away is not called again.
        if outcome == Outcome::Dismissed || dialer.closing && dialer.queue_is_empty() {
            dialer.plan.pipe = None;
            self.remove_dialer(endpoint);
            return false;
        }
        if let (Outcome::Disconnected, true, Some(pipe)) = (outcome, keeps_pipe, pipe) {
            dialer.plan.owner.mailbox.post(Signal::Reconnecting(pipe.id()));
        }
        if stopped {
            dialer.state = State::Stopped;
        } else if !self.wait_and_retry(endpoint) {
            if let Some(dialer) = self.dialers.get_mut(&endpoint) {
                dialer.plan.pipe = None;
            }
            self.remove_dialer(endpoint);
            return false;
        }
        keeps_pipe
    }

    /// The socket lets go of a dialer: it ends when its queue is empty, or in `linger`.
    pub(super) fn linger_dialer(&mut self, endpoint: u64, linger: Option<Duration>) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        dialer.closing = true;
        let up = match dialer.state {
            State::Up { conn } => self.conns.contains_key(&conn),
            _ => false,
        };
        let done = linger == Some(Duration::ZERO) || dialer.queue_is_empty();
        if done && !up {
            return self.remove_dialer(endpoint);
        }
        if let (Some(linger), None) = (linger, dialer.linger_timer) {
            let key = self.timers.add(timer::after(linger), Due::LingerEnd(endpoint));
            dialer.linger_timer = Some(key);
        }
        if let (State::Up { conn }, true) = (&dialer.state, done) {
            let conn = *conn;
            self.mark_lingering(conn);
        }
    }

    pub(super) fn dialer_linger_over(&mut self, endpoint: u64) {
        let Some(dialer) = self.dialers.get_mut(&endpoint) else { return };
        dialer.linger_timer = None;
        if let State::Up { conn } = dialer.state {
            self.linger_over(conn);
        }
        self.remove_dialer(endpoint);
    }

    /// Ends a dialer, and its pipe unless a connection still has it.
    fn remove_dialer(&mut self, endpoint: u64) {
        let token = self.end_attempt(endpoint);
        self.watched.remove(&token);
        let Some(mut dialer) = self.dialers.remove(&endpoint) else { return };
        self.cancel(&mut dialer.timer);
        self.cancel(&mut dialer.linger_timer);
        let up = matches!(dialer.state, State::Up { conn } if self.conns.contains_key(&conn));
        if let (false, Some(pipe)) = (up, &dialer.plan.pipe) {
            let why = if dialer.closing { Dropped::Linger } else { Dropped::Disconnected };
            end_pipe(&dialer.plan.owner, pipe, why);
        }
    }
}

/// "host:port", with brackets around an IPv6 address, and before it perhaps the numeric address to connect from and
/// a semicolon.
fn split_proxy(text: &str) -> Option<(Option<SocketAddr>, String, u16)> {
    let (source, proxy) = match text.split_once(';') {
        Some((source, proxy)) => (Some(source.parse().ok()?), proxy),
        None => (None, text),
    };
    let (host, port) = proxy.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Some((source, host.to_owned(), port.parse().ok()?))
}
