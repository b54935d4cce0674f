//! One connection as the I/O thread sees it: handshake, heartbeats, linger, and its end.
//!
//! ```text
//!   Handshake ──ready──► Online ──broken, or lingered──► Closing ──driver let go──► gone
//!       └───────────────── failed ──────────────────────────┘ └── lingered ──► Parting ─┘
//! ```
//!
//! While it is `Online` anybody may drive the connection through its pipe; this file only watches
//! over it. A dialed connection returns its pipe to the [dialer](crate::io::dialer) at its end; an
//! accepted one ends its pipe.

use crate::io::admission::{self, Failure};
use crate::io::dialer::Dialer;
use crate::io::events::{EventKind, Parties};
use crate::io::owner::{Owner, Seat};
use crate::io::parting::Parting;
use crate::io::thread::{Due, Io};
use crate::io::timer::{self, TimerKey};
use crate::peer::{self, PeerInfo};
use crate::pipe::codec::{Opener, Sealer};
use crate::pipe::conflates;
use crate::pipe::errand::Errand;
use crate::pipe::rx::End;
use crate::pipe::signal::Signal;
use crate::pipe::wire::{Fill, Halves, WirePipe};
use crate::sys::clock;
use crate::sys::epoll::Interest;
use crate::sys::random;
use crate::transport::Stream;
use crate::zap::{Access, Inquiry};
use crate::{PeerError, SocketType};
use bytes::{Bytes, BytesMut};
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::mechanism::{Entropy, Mechanism};
use ferrozmq_proto::option::{Options, Profile};
use ferrozmq_proto::zmtp::{Action, Heartbeat, HeartbeatConfig, Link, LinkConfig, Version};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One read of a handshake brings at most this many bytes.
const HANDSHAKE_READ: usize = 4096;
/// Bytes behind a handshake that wait until our side of it has left; then the peer has to wait.
const SURPLUS_MAX: usize = 128 << 10;

/// A connection.
pub(super) struct Conn {
    pub(super) owner: Arc<Owner>,
    pub(super) options: Arc<Options>,
    pub(super) stream: Arc<Stream>,
    /// The endpoint that accepted or dialed it.
    endpoint: u64,
    dialed: bool,
    local: String,
    remote: String,
    pipe: Option<Arc<WirePipe>>,
    pub(super) stage: Stage,
    pub(super) timer: Option<TimerKey>,
    /// The socket has closed it; it ends when its output is written.
    lingering: bool,
    pub(super) linger_timer: Option<TimerKey>,
    /// Its linger is over.
    lingered: bool,
    /// It ends of our own will and with all written: the peer is given time to notice.
    gently: bool,
    origin: u64,
    _seat: Option<Seat>,
}

pub(super) enum Stage {
    Handshake(Box<Handshake>),
    Online(Heartbeat),
    Closing(Outcome),
    Parting(Parting),
}

pub(super) struct Handshake {
    pub(super) link: Link,
    /// What was asked about the peer, and not answered yet.
    pub(super) inquiry: Option<Inquiry>,
    input: BytesMut,
    output: Vec<u8>,
    /// What the descriptor is watched for.
    interest: Interest,
}

/// How a connection ended, as far as its dialer cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    HandshakeFailed,
    /// The peer refused us with an ERROR command.
    Refused,
    Disconnected,
    /// By the application's word, as a STREAM socket's peer.
    Dismissed,
}

impl Conn {
    pub(super) fn pipe(&self) -> Option<&Arc<WirePipe>> {
        match self.stage {
            Stage::Online(_) => self.pipe.as_ref(),
            _ => None,
        }
    }

    pub(super) fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    pub(super) fn endpoint(&self) -> u64 {
        self.endpoint
    }

    pub(super) fn handshake(&mut self) -> Option<&mut Handshake> {
        match &mut self.stage {
            Stage::Handshake(handshake) => Some(handshake),
            _ => None,
        }
    }

    fn descriptor(&self) -> u64 {
        self.stream.as_raw_fd() as u64
    }

    fn post(&self, kind: EventKind, value: u64, reason: Option<String>) {
        let parties = Parties { local: &self.local, remote: &self.remote, dialed: self.dialed };
        self.owner.events.post(kind, value, parties, reason);
    }
}

/// Where a new connection comes from and belongs to.
pub(super) struct Origin {
    pub(super) owner: Arc<Owner>,
    pub(super) options: Arc<Options>,
    pub(super) endpoint: u64,
    pub(super) dialed: bool,
    pub(super) pipe: Option<Arc<WirePipe>>,
}

impl Io {
    /// Begins the handshake on a new stream, as the connection `token`.
    pub(super) fn adopt(&mut self, token: u64, stream: Stream, origin: Origin) -> io::Result<()> {
        let now = clock::now();
        let stream = Arc::new(stream);
        let Origin { owner, options, endpoint, dialed, pipe } = origin;
        self.handle.desk().epoll().add(stream.as_ref().as_fd(), Interest::READABLE, token)?;
        let raw = owner.kind == SocketType::Stream || options.router_raw;
        if raw {
            self.handshake_over(endpoint, token);
        }
        let config = Arc::new(link_config(owner.kind, &options, &owner.access, dialed));
        let entropy = Entropy::gather(&config.mechanism, random::fill)?;
        let link = Link::new(config, now, entropy);
        let handshake = Handshake {
            link,
            inquiry: None,
            input: BytesMut::new(),
            output: Vec::new(),
            interest: Interest::READABLE,
        };
        let conn = Conn {
            local: stream.local_endpoint(),
            remote: stream.remote_endpoint(),
            _seat: (!dialed).then(|| owner.accepted.take()),
            owner,
            options,
            stream,
            endpoint,
            dialed,
            pipe,
            stage: Stage::Handshake(Box::new(handshake)),
            timer: None,
            lingering: false,
            linger_timer: None,
            lingered: false,
            gently: false,
            origin: peer::new_connection(),
        };
        conn.post(if dialed { EventKind::Connected } else { EventKind::Accepted }, conn.descriptor(), None);
        self.conns.insert(token, conn);
        if raw {
            self.go_online_raw(token);
        } else {
            self.drive_handshake(token);
        }
        Ok(())
    }

    /// The descriptor of a connection has something to tell.
    pub(super) fn conn_event(&mut self, token: u64, readable: bool) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        match &mut conn.stage {
            Stage::Handshake(handshake) => {
                if readable && handshake.input.len() < SURPLUS_MAX {
                    let read = read_handshake(&conn.stream, &mut handshake.input);
                    if let Err(error) = read {
                        return self.handshake_failed(token, Failure::Io(error));
                    }
                }
                self.drive_handshake(token);
            }
            Stage::Online(_) => {
                if let Some(pipe) = conn.pipe.clone() {
                    pipe.output_ready();
                    self.end_if_lingered(token);
                }
            }
            Stage::Closing(_) => {}
            Stage::Parting(_) => self.parting_event(token),
        }
    }

    pub(super) fn drive_handshake(&mut self, token: u64) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Stage::Handshake(handshake) = &mut conn.stage else { return };
        let now = clock::now();
        #[cfg(test)]
        crate::fault::trip(crate::fault::SHAKING_HANDS, &handshake.input);
        let result = handshake.link.handle_bytes(now, &mut handshake.input).map_err(Failure::Peer);
        let question = handshake.link.poll_auth();
        let result = result.and_then(|()| question.map_or(Ok(()), |question| self.consult(token, &question)));
        self.continue_handshake(token, result);
    }

    /// Goes on after a step of the handshake; what it has to say is said even if it failed.
    pub(super) fn continue_handshake(&mut self, token: u64, result: Result<(), Failure>) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Stage::Handshake(handshake) = &mut conn.stage else { return };
        handshake.link.poll_transmit(&mut handshake.output);
        let sent = send_handshake(&conn.stream, &mut handshake.output);
        if let Err(failure) = result {
            return self.handshake_failed(token, failure);
        }
        if let Err(error) = sent {
            return self.handshake_failed(token, Failure::Io(error));
        }
        let blocked = !handshake.output.is_empty();
        let interest = Interest { readable: handshake.input.len() < SURPLUS_MAX, ..Interest::NONE };
        let interest = Interest { writable: blocked, ..interest };
        if interest != handshake.interest {
            handshake.interest = interest;
            let _ = self.handle.desk().epoll().modify(conn.stream.as_ref().as_fd(), interest, token);
        }
        let ready = handshake.link.is_ready() && !blocked;
        let deadline = handshake.link.poll_timeout();
        if ready {
            return self.go_online(token);
        }
        self.set_conn_timer(token, deadline);
    }

    fn set_conn_timer(&mut self, token: u64, deadline: Option<Instant>) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        if let Some(key) = conn.timer.take() {
            self.timers.cancel(key);
        }
        conn.timer = deadline.map(|at| self.timers.add(at, Due::Conn(token)));
    }

    fn go_online(&mut self, token: u64) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let endpoint = conn.endpoint;
        let placeholder = Stage::Closing(Outcome::HandshakeFailed);
        let Stage::Handshake(handshake) = std::mem::replace(&mut conn.stage, placeholder) else { return };
        let Some((receiver, sender, peer)) = handshake.link.split() else { return };
        let info = PeerInfo {
            connection: conn.origin,
            address: conn.stream.peer_address(),
            socket_type: peer.socket_type,
            routing_id: peer.routing_id,
            user_id: peer::user_id(&peer.properties),
            properties: peer.properties,
            descriptor: conn.stream.as_raw_fd(),
            mechanism: conn.options.security.mechanism.name(),
        };
        let sealer = Sealer::Zmtp(sender);
        let opener = Opener::Zmtp(Box::new(receiver));
        self.handshake_over(endpoint, token);
        self.hand_over(token, info, sealer, opener, handshake.input);
    }

    fn go_online_raw(&mut self, token: u64) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let info = PeerInfo {
            connection: conn.origin,
            address: conn.stream.peer_address(),
            socket_type: None,
            routing_id: Bytes::new(),
            user_id: None,
            properties: Vec::new(),
            descriptor: conn.stream.as_raw_fd(),
            mechanism: Mechanism::Null.name(),
        };
        self.hand_over(token, info, Sealer::Raw, Opener::Raw, BytesMut::new());
    }

    /// From here on anybody may drive the connection.
    fn hand_over(&mut self, token: u64, info: PeerInfo, sealer: Sealer, opener: Opener, surplus: BytesMut) {
        let Some(owner) = self.conns.get(&token).map(|conn| Arc::clone(&conn.owner)) else { return };
        let set = match self.set_of(&owner) {
            Ok(set) => set,
            Err(error) => return self.handshake_failed(token, Failure::Io(error)),
        };
        let Some(conn) = self.conns.get_mut(&token) else { return };
        if let Some(key) = conn.timer.take() {
            self.timers.cancel(key);
        }
        let now = clock::now();
        let heartbeat = Heartbeat::new(heartbeat_over(&conn.options, &sealer), now);
        let deadline = heartbeat.poll_timeout();
        conn.stage = Stage::Online(heartbeat);
        let epoll = self.handle.desk().epoll();
        let _ = epoll.modify(conn.stream.as_ref().as_fd(), Interest::NONE.oneshot(), token);
        let info = peer::remember(info);
        let routing_id = self.dialers.get(&conn.endpoint).and_then(Dialer::routing_id);
        let pipe = conn.pipe.get_or_insert_with(|| {
            let pipe = WirePipe::new(
                Arc::clone(self.handle.desk()),
                Arc::clone(&owner.mailbox),
                conn.options.sndhwm as usize,
                conn.options.rcvhwm as usize,
                conflates(owner.kind, &conn.options),
            );
            pipe.limit_bytes(&conn.options.limits);
            pipe.belongs_to(conn.endpoint);
            if owner.never_reads() {
                pipe.discard_input(Discarded::Unsolicited);
            }
            pipe.expect(token);
            let attach = Signal::Attach { pipe: Arc::clone(&pipe), routing_id, dialed: conn.dialed };
            owner.mailbox.post(attach);
            pipe
        });
        let pipe = Arc::clone(pipe);
        pipe.expect(token);
        owner.last_failure.lock().take();
        // The event first: who has seen the peer finds that it is told already.
        conn.post(EventKind::HandshakeSucceeded, 0, None);
        owner.mailbox.post(Signal::Identify { pipe: pipe.id(), peer: info });
        let halves = Halves {
            stream: Arc::clone(&conn.stream),
            sealer,
            opener,
            surplus,
            hello: owner.hello(&conn.options),
            origin: conn.origin,
            token,
            set,
        };
        let (endpoint, dialed) = (conn.endpoint, conn.dialed);
        self.pipes.insert(pipe.id(), Arc::clone(&pipe));
        pipe.go_online(halves, &owner.subscriptions);
        self.set_conn_timer(token, deadline);
        if dialed {
            self.dialer_up(endpoint, token);
        }
        self.end_if_lingered(token);
    }

    pub(super) fn handshake_failed(&mut self, token: u64, failure: Failure) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        conn.owner.mailbox.ledger().handshake_failed();
        let link = match &conn.stage {
            Stage::Handshake(handshake) => Some(&handshake.link),
            _ => None,
        };
        let (kind, value, reason) = failure.event(link, conn.dialed);
        *conn.owner.last_failure.lock() = Some(reason.clone());
        conn.post(kind, value, Some(reason));
        conn.post(EventKind::Disconnected, conn.descriptor(), None);
        // A peer that is told why should not lose the word because some of its own was not read.
        let gently = matches!(failure, Failure::Denied { .. });
        let refused = matches!(failure, Failure::Peer(PeerError::Refused));
        let outcome = if refused { Outcome::Refused } else { Outcome::HandshakeFailed };
        self.end(token, outcome, gently);
    }

    /// A driver found the connection broken, or the peer has closed it.
    pub(super) fn conn_broken(&mut self, token: u64) {
        self.conn_over(token, Errand::Broken(token));
    }

    /// The connection was taken out of this thread's set, and belongs there again.
    pub(super) fn conn_unwatched(&self, token: u64) {
        if let Some(Conn { stage: Stage::Online(_), pipe: Some(pipe), .. }) = self.conns.get(&token) {
            pipe.watch_output();
        }
    }

    /// The socket wants no more of the connection, maybe for a `fault` of the peer's.
    pub(super) fn conn_hung_up(&mut self, token: u64, fault: Option<&'static str>) {
        self.conn_over(token, Errand::HungUp(token, fault));
    }

    fn conn_over(&mut self, token: u64, why: Errand) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Stage::Online(_) = conn.stage else { return };
        let drained = conn.pipe.as_ref().map(|pipe| (pipe.drain(), pipe.end()));
        if let Some((Fill::Busy, _)) = drained {
            // An application thread is reading; once it is done, the rest is drained.
            return self.handle.desk().leave(why);
        }
        let end = drained.and_then(|(_, end)| end);
        let gently = end.is_none() && matches!(why, Errand::HungUp(..));
        let outcome =
            if let Errand::HungUp(_, None) = why { Outcome::Dismissed } else { Outcome::Disconnected };
        let reason = match (end, why) {
            (_, Errand::HungUp(_, Some(fault))) => Some(fault.to_owned()),
            (Some(End::Protocol(error)), _) => Some(error.to_string()),
            (Some(End::Failed(errno)), _) => Some(io::Error::from_raw_os_error(errno).to_string()),
            (Some(End::Closed) | None, _) => None,
        };
        if let Some(pipe) = &conn.pipe {
            if gently {
                pipe.part();
            }
            // Before anybody hears of it: what is sent from then on is kept for the next connection.
            pipe.go_offline();
        }
        conn.post(EventKind::Disconnected, conn.descriptor(), reason);
        self.end(token, outcome, gently);
    }

    fn tear_down(&mut self, token: u64, outcome: Outcome) {
        self.end(token, outcome, false);
    }

    fn end(&mut self, token: u64, outcome: Outcome, gently: bool) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        if let Stage::Parting(_) = conn.stage {
            if !gently {
                self.parted(token);
            }
            return;
        }
        conn.stage = Stage::Closing(outcome);
        conn.gently = gently;
        let epoll = self.handle.desk().epoll();
        let _ = epoll.delete(conn.stream.as_ref().as_fd());
        if gently {
            conn.stream.shutdown_output();
        } else {
            conn.stream.shutdown();
        }
        let endpoint = conn.endpoint;
        self.handshake_over(endpoint, token);
        self.conn_released(token);
    }

    /// Ends a handshake because there are too many.
    pub(super) fn crowd_out(&mut self, token: u64) {
        let text = "too many handshakes or connections at once (max_handshakes, max_connections)";
        let error = io::Error::new(io::ErrorKind::ConnectionAborted, text);
        self.handshake_failed(token, Failure::Io(error));
    }

    /// Ends a closing connection, unless somebody is still in a system call on it.
    pub(super) fn conn_released(&mut self, token: u64) {
        let Some(conn) = self.conns.get(&token) else { return };
        let Stage::Closing(outcome) = conn.stage else { return };
        if conn.pipe.as_ref().is_some_and(|pipe| !pipe.go_offline()) {
            return;
        }
        let Some(mut conn) = self.conns.remove(&token) else { return };
        self.cancel(&mut conn.timer);
        peer::forget(conn.origin);
        let pipe = conn.pipe.take();
        if let Some(pipe) = &pipe {
            self.pipes.remove(&pipe.id());
        }
        let returned = conn.dialed && self.dialer_down(conn.endpoint, outcome, pipe.as_ref());
        if let (false, Some(pipe)) = (returned, &pipe) {
            let why = if conn.lingered { Dropped::Linger } else { Dropped::Disconnected };
            end_pipe(&conn.owner, pipe, why);
        }
        if conn.gently {
            return self.begin_parting(token, conn);
        }
        self.cancel(&mut conn.linger_timer);
    }

    /// After a panic in a step of this connection: whatever its stage, it ends.
    pub(super) fn abandon_conn(&mut self, token: u64) {
        let Some(conn) = self.conns.get(&token) else { return };
        let reason = "a defect in ferrozmq: a step of this connection panicked";
        conn.post(EventKind::Disconnected, conn.descriptor(), Some(reason.to_owned()));
        let outcome = match conn.stage {
            Stage::Handshake(_) => Outcome::HandshakeFailed,
            Stage::Online(_) => Outcome::Disconnected,
            Stage::Closing(outcome) => outcome,
            Stage::Parting(_) => return self.parted(token),
        };
        self.tear_down(token, outcome);
    }

    pub(super) fn conn_due(&mut self, token: u64, now: Instant) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        conn.timer = None;
        match &mut conn.stage {
            Stage::Handshake(handshake) => {
                if let Err(error) = handshake.link.handle_timeout(now) {
                    return self.handshake_failed(token, Failure::Peer(error));
                }
                self.drive_handshake(token);
            }
            Stage::Online(_) => self.beat(token, now),
            Stage::Closing(_) => {}
            Stage::Parting(_) => self.parting_due(token, now),
        }
    }

    /// The peer wants to be missed if it falls silent.
    pub(super) fn conn_pinged(&mut self, token: u64) {
        self.beat(token, clock::now());
    }

    fn beat(&mut self, token: u64, now: Instant) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let (Stage::Online(heartbeat), Some(pipe)) = (&mut conn.stage, conn.pipe.clone()) else { return };
        if pipe.take_seen() || pipe.is_paused() {
            // A peer whose input we hold back cannot show signs of life.
            heartbeat.seen(now);
        }
        if let Some(ttl) = pipe.take_peer_ttl_ms() {
            heartbeat.ping_received(now, Duration::from_millis(ttl));
        }
        loop {
            match heartbeat.handle_timeout(now) {
                Action::None => break,
                Action::SendPing => {
                    pipe.ping(conn.options.heartbeat_ttl.unwrap_or_default());
                    heartbeat.ping_sent(now);
                }
                Action::CheckOnce => {
                    // The sign of life may lie unread in the kernel.
                    pipe.fill(true);
                    if pipe.take_seen() {
                        heartbeat.seen(now);
                    }
                }
                Action::Dead => {
                    let reason = PeerError::HeartbeatTimeout.to_string();
                    conn.post(EventKind::Disconnected, conn.descriptor(), Some(reason));
                    return self.tear_down(token, Outcome::Disconnected);
                }
            }
        }
        let deadline = match self.conns.get(&token).map(|conn| &conn.stage) {
            Some(Stage::Online(heartbeat)) => heartbeat.poll_timeout(),
            _ => return,
        };
        self.set_conn_timer(token, deadline);
    }

    /// The socket lets go of these connections: each ends when its output is written, or in `linger`.
    pub(super) fn linger_conns(&mut self, which: impl Fn(&Conn) -> bool, linger: Option<Duration>) {
        let tokens: Vec<u64> =
            self.conns.iter().filter(|(_, conn)| which(conn)).map(|(token, _)| *token).collect();
        for token in tokens {
            let Some(conn) = self.conns.get_mut(&token) else { continue };
            let handshaking = matches!(conn.stage, Stage::Handshake(_));
            if handshaking && conn.dialed && self.dialers.contains_key(&conn.endpoint) {
                // Its dialer lingers for it.
                continue;
            }
            conn.lingering = true;
            if handshaking || linger == Some(Duration::ZERO) {
                conn.lingered = true;
                self.tear_down(token, Outcome::Disconnected);
                continue;
            }
            if let (Some(linger), None) = (linger, conn.linger_timer) {
                conn.linger_timer = Some(self.timers.add(timer::after(linger), Due::LingerEnd(token)));
            }
            if let Some(pipe) = conn.pipe.clone() {
                pipe.flush_and_arm();
            }
            self.end_if_lingered(token);
        }
    }

    fn end_if_lingered(&mut self, token: u64) {
        let Some(conn) = self.conns.get(&token) else { return };
        let Some(pipe) = conn.pipe().filter(|pipe| conn.lingering && pipe.is_idle()) else { return };
        pipe.drain();
        pipe.part();
        let gently = !conn.stream.may_be_closed();
        // As in libzmq, what the socket itself ends is not announced as a disconnection.
        self.end(token, Outcome::Disconnected, gently);
    }

    /// Ends a lingering connection (or dialer) now.
    pub(super) fn linger_over(&mut self, token: u64) {
        self.dialer_linger_over(token);
        let Some(conn) = self.conns.get_mut(&token) else { return };
        conn.linger_timer = None;
        conn.lingered = true;
        conn.gently = false;
        if let Some(pipe) = conn.pipe() {
            // Closing with input unread resets the connection, which costs output on its way.
            pipe.drain();
        }
        if !matches!(conn.stage, Stage::Closing(_)) {
            self.tear_down(token, Outcome::Disconnected);
        }
    }

    /// Has connections that are already up end once their output is written: their dialer is going.
    pub(super) fn mark_lingering(&mut self, token: u64) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        conn.lingering = true;
        if let Stage::Handshake(_) = conn.stage {
            // There is nothing to be written once it is done.
            return self.linger_over(token);
        }
        self.end_if_lingered(token);
    }
}

/// The pipe's peer is gone for good: what was queued for it is dropped, and counted.
pub(super) fn end_pipe(owner: &Owner, pipe: &WirePipe, why: Dropped) {
    pipe.close(why);
    pipe.charge();
    if pipe.has_input() {
        owner.mailbox.post(Signal::Ended(pipe.id()));
    } else {
        owner.mailbox.post_ended_empty(pipe.id());
    }
}

fn read_handshake(stream: &Stream, input: &mut BytesMut) -> io::Result<()> {
    // By way of the stack: a peer that says little costs little.
    let mut room = [0; HANDSHAKE_READ];
    match stream.recv(&mut room) {
        Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        Ok(got) => {
            input.extend_from_slice(room.get(..got).unwrap_or_default());
            Ok(())
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn send_handshake(stream: &Stream, output: &mut Vec<u8>) -> io::Result<()> {
    while !output.is_empty() {
        match stream.send(output) {
            Ok(taken) => drop(output.drain(..taken)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn heartbeat_config(options: &Options) -> HeartbeatConfig {
    HeartbeatConfig {
        interval: options.heartbeat_ivl,
        ttl: options.heartbeat_ttl.unwrap_or_default(),
        timeout: options.heartbeat_patience(),
        lenient: options.heartbeat_lenient,
    }
}

/// The heartbeat of a connection. A peer that does not know PING gets none, so that its silence means nothing. One that speaks ZMTP
/// 3.0 may or may not know it (libzmq 4.2 did, and 4.1 did not), which those who have our own defaults need not guess.
fn heartbeat_over(options: &Options, sealer: &Sealer) -> HeartbeatConfig {
    match sealer {
        Sealer::Zmtp(sender) if sender.version() >= Version::V31 => heartbeat_config(options),
        Sealer::Zmtp(sender) if sender.version() == Version::V30 => {
            let lenient = options.heartbeat_lenient || options.profile == Profile::Native;
            HeartbeatConfig { lenient, ..heartbeat_config(options) }
        }
        Sealer::Zmtp(_) | Sealer::Raw => HeartbeatConfig::default(),
    }
}

fn link_config(kind: SocketType, options: &Options, access: &Access, dialed: bool) -> LinkConfig {
    LinkConfig {
        routing_id: options.routing_id.clone(),
        metadata: options.metadata.clone(),
        mechanism: options.security.mechanism_config(),
        zap: admission::must_ask(&options.security, access, dialed),
        max_message_bytes: options.max_msg_size,
        handshake_timeout: options.handshake_ivl,
        heartbeat: heartbeat_config(options),
        only_first_subscribe: options.only_first_subscribe,
        limits: options.limits.link,
        ..LinkConfig::new(kind)
    }
}
