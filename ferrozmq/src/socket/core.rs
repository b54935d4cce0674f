//! One socket's state, and the rules by which calls and signals change it.
//!
//! A [`Core`] is behind its socket's guard: a thread that holds it is *in* the socket. Signals from
//! other threads are read first thing in every call, so that a call always sees what came before it.

use super::dozer::Dozer;
use super::ends::{End, Ends, WireEnd};
use crate::error::{Error, Result};
use crate::io::owner::Owner;
use crate::pipe::conflates;
use crate::pipe::signal::{Mailbox, Signal};
use crate::pipe::wire::{Fill, WirePipe};
use crate::sys::epoll::{Epoll, Events};
use crate::{Message, SocketType};
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::option::Options;
use ferrozmq_proto::pattern::{Attach, Pattern, PatternOptions, PipeId, Pipes, Refusal};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::endpoints::BoundEndpoint;
use super::staging::Staging;
use super::stats::Gone;
use super::wait::Source;
use crate::spin::{self, Spinner};
use crate::sys::cpu;
use crate::sys::poll::PollFd;

/// Connections read per look at a set.
const SET_EVENTS: usize = 64;

/// After so many messages received by the pattern it is asked whether they all come from one pipe.
const ASK_EVERY: u64 = 8;

/// A receiver that finds fewer messages at a time than this lets some more gather.
const STREAMED_MIN: u64 = 256;

/// A socket's state.
#[repr(C)]
pub(crate) struct Core {
    // These two first: see `SocketState`.
    /// Taken when the socket closes.
    pub(super) owner: Option<Arc<Owner>>,
    pub(super) ends: Ends,
    pub(super) staging: Staging,
    pub(super) kind: SocketType,
    pub(super) pattern: Pattern,
    pub(super) options: Options,
    pub(super) endpoints: Vec<BoundEndpoint>,
    pub(super) last_endpoint: String,
    /// Peers whose handshake is done, by pipe.
    pub(super) ready: HashSet<u64>,
    /// Subscriptions of each peer, counted (PUB and XPUB).
    pub(super) subscribed: HashMap<u64, usize>,
    /// Peers that went and took messages along.
    pub(super) gone: Gone,
    /// Grows with every signal and every successful read.
    pub(super) changes: u64,
    /// Threads that wait behind the one that leads.
    pub(super) followers: usize,
    /// Threads that wait for input, and so keep the lease.
    pub(super) leases: usize,
    /// The lease's count of reads when a future last began to wait for input.
    pub(super) reads: u32,
    /// Buffers of the last wait, for the next.
    pub(super) fds: Vec<PollFd>,
    /// Taken while a thread spins for input.
    pub(super) spinner: Option<Spinner>,
    /// The same for a future on a single processor, and for a thread that waits for room.
    pub(super) way: Option<Spinner>,
    pub(super) room_spinner: Option<Spinner>,
    /// Messages received from and sent to its only peer, if that is in this process, when a thread last waited for input.
    waited_at: (u64, u64),
    pub(super) dozer: Dozer,
    /// The pipe of the last doze, for the next.
    pub(super) bed: Option<Arc<WirePipe>>,
    pub(super) sources: Vec<Source>,
}

impl Core {
    pub(super) fn new(kind: SocketType, options: Options, owner: Arc<Owner>, seed: u64) -> Core {
        let pattern = Pattern::new(kind, pattern_options(&options), seed);
        let mut ends = Ends::new();
        if matches!(kind, SocketType::Sub | SocketType::XSub) {
            ends.record_subscriptions(Arc::clone(&owner.subscriptions));
        }
        // A model must not depend on the clock.
        let cpus = if cfg!(loom) { 1 } else { cpu::usable() };
        let way = if cfg!(loom) { Duration::ZERO } else { spin::longest() };
        Core {
            kind,
            pattern,
            ends,
            options,
            endpoints: Vec::new(),
            last_endpoint: String::new(),
            staging: Staging::default(),
            owner: Some(owner),
            ready: HashSet::new(),
            subscribed: HashMap::new(),
            gone: Gone::default(),
            changes: 0,
            followers: 0,
            leases: 0,
            reads: 0,
            fds: Vec::new(),
            spinner: Some(Spinner::new(spin::longest(), cpus)),
            way: Some(Spinner::giving_way(way, cpus)),
            room_spinner: Some(Spinner::new(spin::longest(), cpus)),
            waited_at: (0, 0),
            dozer: Dozer::new(),
            bed: None,
            sources: Vec::new(),
        }
    }

    /// Reads the signals left by other threads.
    pub(super) fn read_signals(&mut self, mailbox: &Mailbox) {
        self.ends.ask_again();
        for signal in mailbox.take() {
            self.changes += 1;
            self.on_signal(signal);
        }
        self.finish_ended();
    }

    fn on_signal(&mut self, signal: Signal) {
        let cost = signal.subscription_cost();
        match signal {
            Signal::Attach { pipe, routing_id, dialed } => {
                let id = self.ends.add(End::Wire(WireEnd::new(pipe, conflates(self.kind, &self.options))));
                self.attach(id, Attach { routing_id, local: dialed });
            }
            Signal::AttachInproc(end) => {
                let routing_id = end.peer_routing_id.clone();
                let id = self.attach_inproc(*end, Attach { routing_id: None, local: false });
                self.identify(id, &routing_id);
            }
            Signal::InprocBound { pipe, routing_id } => {
                let Some(id) = self.ends.find(pipe) else { return };
                self.ready.insert(pipe);
                if let Some(End::Inproc(end)) = self.ends.end(id) {
                    end.bound();
                }
                self.identify(id, &routing_id);
                self.pattern.writable(id);
            }
            Signal::Identify { pipe, peer } => {
                let Some(id) = self.ends.find(pipe) else { return };
                self.ready.insert(pipe);
                let routing_id = peer.routing_id.clone();
                self.ends.set_peer(id, peer);
                self.identify(id, &routing_id);
                self.name_last_connection(id);
            }
            // Having been woken is all there is to do.
            Signal::Online => {}
            Signal::Readable(pipe) => {
                if let Some(id) = self.ends.find(pipe) {
                    self.pattern.readable(id);
                }
            }
            Signal::Writable(pipe) => {
                if let Some(id) = self.ends.find(pipe) {
                    self.pattern.writable(id);
                }
            }
            Signal::Subscription { pipe, topic, wanted } => {
                let Some(id) = self.ends.find(pipe) else { return };
                self.subscriptions_read(id, cost);
                self.on_subscription(pipe, id, &topic, wanted);
            }
            Signal::Subscriptions { pipe, wishes } => {
                let Some(id) = self.ends.find(pipe) else { return };
                self.subscriptions_read(id, cost);
                wishes.iter().for_each(|(topic, wanted)| self.on_subscription(pipe, id, topic, wanted));
            }
            Signal::Reconnecting(pipe) => {
                self.ready.remove(&pipe);
                if let Some(id) = self.ends.find(pipe) {
                    self.pattern.reconnecting(&mut self.ends, id);
                }
            }
            Signal::Ended(pipe) => self.on_ended(pipe),
        }
    }

    /// The pipe may bring more.
    fn subscriptions_read(&mut self, id: PipeId, cost: usize) {
        if let Some(end) = self.ends.wire(id) {
            end.pipe.subscriptions_read(cost);
        }
    }

    fn on_subscription(&mut self, pipe: u64, id: PipeId, topic: &[u8], wanted: bool) {
        let count = self.subscribed.entry(pipe).or_default();
        *count = if wanted { *count + 1 } else { count.saturating_sub(1) };
        self.pattern.subscription(&mut self.ends, id, topic, wanted);
    }

    fn on_ended(&mut self, pipe: u64) {
        self.ready.remove(&pipe);
        self.subscribed.remove(&pipe);
        let Some(id) = self.ends.find(pipe) else { return };
        self.pattern.detach_out(&mut self.ends, id);
        if !self.ends.has_input(id) {
            self.ends.finished.push(id);
            return;
        }
        // The pattern reads on until it finds the pipe empty: then it is finished.
        self.ends.set_ended(id);
        self.pattern.readable(id);
    }

    /// Detaches the pipes whose input is over and read.
    pub(super) fn finish_ended(&mut self) {
        while let Some(id) = self.ends.finished.pop() {
            if self.ends.end(id).is_some() {
                self.pattern.detach_out(&mut self.ends, id);
                self.pattern.detach(&mut self.ends, id);
                self.note_gone(id);
                self.ends.remove(id);
                self.bed = None;
            }
        }
    }

    pub(super) fn attach(&mut self, id: PipeId, how: Attach) {
        // A refused peer has been asked to go.
        let _ = self.pattern.attach(&mut self.ends, id, how);
        self.ends.flush_written();
    }

    pub(super) fn attach_inproc(&mut self, end: crate::pipe::inproc::InprocEnd, how: Attach) -> PipeId {
        let pipe = end.id();
        // The address may have been bound under other marks.
        end.set_hwm(self.options.sndhwm as usize, self.options.rcvhwm as usize);
        if !how.local {
            self.ready.insert(pipe);
        }
        if let Some(owner) = &self.owner {
            // Unlike a connection's, an inproc pipe's subscriptions are replayed here.
            owner.subscriptions.lock().topics().for_each(|topic| end.subscribe(topic, true));
        }
        let id = self.ends.add(End::Inproc(Box::new(end)));
        self.attach(id, how);
        self.pattern.readable(id);
        id
    }

    pub(super) fn identify(&mut self, id: PipeId, routing_id: &[u8]) {
        let _ = self.pattern.identify(&mut self.ends, id, routing_id);
        self.ends.flush_written();
    }

    /// A raw socket has no routing id of its own; reading the option gives its newest connection's, as in libzmq.
    fn name_last_connection(&mut self, id: PipeId) {
        if self.kind == SocketType::Stream
            && let Some(routing_id) = self.pattern.routing_id_of(id)
        {
            self.options.routing_id = bytes::Bytes::copy_from_slice(routing_id);
        }
    }

    /// Hands a message to the pattern; what must be written now is written.
    #[inline(always)]
    pub(super) fn try_send(&mut self, message: &mut Message) -> std::result::Result<(), Refusal> {
        if let Some(body) = message.copyable()
            && self.ends.may_copy(message.first())
            && self.ends.append(body)
        {
            return Ok(());
        }
        let result = self.pattern.send(&mut self.ends, message);
        self.ends.flush_written();
        self.ends.sent += u64::from(result.is_ok());
        if self.ends.outlet.is_none() && self.ends.may_append() {
            self.ends.outlet = self.pattern.only_outlet();
            if self.pattern.sends_to_all() {
                self.ends.gather_for_all();
            }
        }
        result
    }

    /// Sends a message of one long part that stays the caller's, if every message goes to the same peer and this one need not be
    /// queued before it is written; else does nothing.
    pub(super) fn pass_through(&mut self, body: &[u8], patience: Duration) -> bool {
        let Some(outlet) = self.only_outlet() else { return false };
        let passed = self.ends.pass_through(outlet, body, patience);
        self.ends.sent += u64::from(passed);
        passed
    }

    /// Before a message is queued behind many bytes: has those written, as far as that takes no longer than it pays.
    pub(super) fn ease(&mut self, len: usize, patience: Duration) {
        if let Some(outlet) = self.only_outlet() {
            self.ends.ease(outlet, len, patience);
        }
    }

    fn only_outlet(&self) -> Option<PipeId> {
        self.ends.outlet.or_else(|| self.pattern.only_outlet())
    }

    /// Sends for a proxy, as [`Pattern::send_or_drop`] says.
    pub(super) fn try_pass_on(&mut self, message: &mut Message) -> std::result::Result<(), Refusal> {
        let result = self.pattern.send_or_drop(&mut self.ends, message);
        self.ends.flush_written();
        self.ends.sent += u64::from(result.is_ok());
        result
    }

    /// Completes a message whose first part was accepted.
    pub(super) fn send_committed(&mut self, message: &mut Message) -> std::result::Result<(), Refusal> {
        let result = self.pattern.send_committed(&mut self.ends, message);
        self.ends.flush_written();
        self.ends.sent += u64::from(result.is_ok());
        result
    }

    pub(super) fn may_start_send(&mut self, first: &crate::Frame) -> std::result::Result<(), Refusal> {
        self.pattern.may_start_send(&mut self.ends, first)
    }

    /// Puts the next message, if there is one in user space, into `into`.
    #[inline(always)]
    pub(super) fn try_recv(&mut self, into: &mut Message) -> std::result::Result<(), Refusal> {
        if self.ends.take_next(into) {
            return Ok(());
        }
        match self.pattern.recv(&mut self.ends, into) {
            Ok(()) => {
                self.ends.received += 1;
                if self.ends.received.is_multiple_of(ASK_EVERY) {
                    self.ends.inlet = self.pattern.only_inlet();
                }
                Ok(())
            }
            Err(Refusal::WouldBlock) => self.recv_again(into),
            Err(refusal) => Err(refusal),
        }
    }

    #[cold]
    fn recv_again(&mut self, into: &mut Message) -> std::result::Result<(), Refusal> {
        self.finish_ended();
        let awake = self.ends.wake_quiet();
        if awake.is_empty() {
            return Err(Refusal::WouldBlock);
        }
        self.changes += 1;
        awake.into_iter().for_each(|pipe| self.pattern.readable(pipe));
        self.pattern.recv(&mut self.ends, into)?;
        self.ends.received += 1;
        Ok(())
    }

    /// Has inproc peers post signals from now on; `true` if some have written meanwhile.
    pub(super) fn announce(&mut self) -> bool {
        let awake = self.ends.announce_quiet();
        awake.iter().for_each(|pipe| self.pattern.readable(*pipe));
        self.changes += u64::from(!awake.is_empty());
        !awake.is_empty()
    }

    /// Reads the connections in `set` that have input, on this thread.
    pub(super) fn read_set(&mut self, set: &Epoll) -> bool {
        let mut events = Events::with_capacity(SET_EVENTS);
        let _ = set.wait(&mut events, Some(Duration::ZERO));
        let mut got = false;
        for event in events.iter() {
            got |= self.read_pipe(event.token);
        }
        got
    }

    /// Reads one connection on this thread.
    pub(super) fn read_pipe(&mut self, pipe: u64) -> bool {
        let Some(slot) = self.ends.find(pipe) else {
            if let Some(lingering) = self.ends.retired(pipe) {
                lingering.fill(false);
            }
            return false;
        };
        self.read_end(slot, pipe)
    }

    /// The same for a pipe whose slot is known, if the slot is still its.
    pub(super) fn read_end(&mut self, id: PipeId, pipe: u64) -> bool {
        let Some(end) = self.ends.wire(id).filter(|end| end.pipe.id() == pipe) else { return false };
        let fill = end.pipe.fill(false);
        self.note(id, fill)
    }

    /// Acts on what came of a fill; true if there are messages.
    fn note(&mut self, id: PipeId, fill: Fill) -> bool {
        match fill {
            Fill::Messages => {
                self.changes += 1;
                self.pattern.readable(id);
                true
            }
            // The I/O thread; until it has read, the descriptor says again and again that there is input.
            Fill::Busy => {
                crate::sync::yield_now();
                false
            }
            Fill::Nothing | Fill::Ended => false,
        }
    }

    /// After a doze in `pipe`, which had that slot: what came of it, and whether the next one will pay.
    pub(super) fn note_doze(&mut self, id: PipeId, pipe: Arc<WirePipe>, fill: Fill) {
        let there = self.ends.wire(id).is_some_and(|end| Arc::ptr_eq(&end.pipe, &pipe));
        let answered = there && self.note(id, fill);
        self.dozer.record(answered);
        if there {
            self.bed = Some(pipe);
        }
    }

    /// A thread waits for input: whether messages stream in from its only peer, in this process, few at a time, to a receiver that is
    /// faster than their sender.
    pub(super) fn outruns_sender(&mut self) -> bool {
        let Some((_, End::Inproc(end))) = self.ends.only() else { return false };
        let now = end.moved();
        let (received, sent) = (now.0.wrapping_sub(self.waited_at.0), now.1.wrapping_sub(self.waited_at.1));
        self.waited_at = now;
        sent == 0 && (2..STREAMED_MIN).contains(&received)
    }

    /// Grows whenever there may be something new to receive, or room to send.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn can_recv(&mut self) -> bool {
        if self.staging.has_input() || self.ends.has_next() {
            return true;
        }
        // The pattern may take a message out of its pipe, which then comes before those in it.
        self.ends.inlet = None;
        if self.pattern.can_recv(&mut self.ends) {
            return true;
        }
        self.finish_ended();
        let awake = self.ends.wake_quiet();
        awake.iter().for_each(|pipe| self.pattern.readable(*pipe));
        self.changes += u64::from(!awake.is_empty());
        !awake.is_empty() && self.pattern.can_recv(&mut self.ends)
    }

    pub(super) fn can_send(&mut self) -> bool {
        self.staging.has_output() || self.pattern.can_send(&mut self.ends)
    }

    pub(super) fn has_room_for(&mut self, routing_id: &[u8]) -> Result<bool> {
        self.pattern.has_room_for(&mut self.ends, routing_id).map_err(Error::from_refusal)
    }

    pub(super) fn subscribe(&mut self, topic: &[u8]) -> Result<()> {
        self.ends.ask_again();
        self.pattern.subscribe(&mut self.ends, topic).map_err(Error::from_refusal)
    }

    pub(super) fn unsubscribe(&mut self, topic: &[u8]) -> Result<()> {
        self.ends.ask_again();
        self.pattern.unsubscribe(&mut self.ends, topic).map_err(Error::from_refusal)
    }

    /// Peers that are there: whose handshake is done, or who have subscribed.
    pub(super) fn ready_peers(&self) -> usize {
        match self.kind {
            SocketType::Pub | SocketType::XPub => {
                self.subscribed.values().filter(|count| **count > 0).count()
            }
            _ => self.ready.len(),
        }
    }

    /// New option values that concern the pattern.
    pub(super) fn configure_pattern(&mut self) {
        self.ends.ask_again();
        self.pattern.configure(&pattern_options(&self.options));
    }

    /// New option values that concern live pipes and the pattern.
    pub(super) fn apply_options(&mut self) {
        self.configure_pattern();
        let (sndhwm, rcvhwm) = (self.options.sndhwm as usize, self.options.rcvhwm as usize);
        for (_, end) in self.ends.iter_mut() {
            match end {
                End::Wire(end) => end.set_hwm(sndhwm, rcvhwm),
                End::Inproc(end) => end.set_hwm(sndhwm, rcvhwm),
            }
        }
        // There may be room now where there was none.
        let all: Vec<PipeId> = self.ends.iter_mut().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.pattern.writable(id));
    }

    /// Lets go of a pipe whose endpoint is withdrawn; its queue lingers in the I/O thread.
    pub(super) fn retire(&mut self, id: PipeId) {
        self.ends.finished.push(id);
        self.finish_ended();
    }

    /// Lets go of all pipes, and of what was taken out of them.
    pub(super) fn close_ends(&mut self) {
        let all: Vec<PipeId> = self.ends.iter_mut().map(|(id, _)| id).collect();
        all.into_iter().for_each(|id| self.retire(id));
        self.ends.books.discarded.note(Discarded::Closed, self.pattern.held() as u64);
    }

    /// A message whose last part was not sent never will be.
    pub(super) fn abandon_unfinished(&mut self) {
        if self.staging.has_output() {
            self.staging.abandon();
            self.ends.sent += 1;
            self.ends.dropped(None, Dropped::Unfinished);
        }
    }

    pub(super) fn owner(&self) -> Result<&Arc<Owner>> {
        self.owner.as_ref().ok_or_else(Error::closed)
    }
}

/// The options that the pattern acts on.
pub(super) fn pattern_options(options: &Options) -> PatternOptions {
    PatternOptions {
        router_mandatory: options.router_mandatory,
        router_handover: options.router_handover,
        router_raw: options.router_raw,
        router_notify: options.router_notify,
        probe_router: options.probe_router,
        req_correlate: options.req_correlate,
        req_relaxed: options.req_relaxed,
        xpub_verbose: options.xpub_verbose,
        xpub_verboser: options.xpub_verboser,
        xpub_nodrop: options.xpub_nodrop,
        xpub_manual: options.xpub_manual,
        xpub_manual_last_value: options.xpub_manual_last_value,
        xpub_welcome_msg: options.xpub_welcome_msg.clone(),
        invert_matching: options.invert_matching,
        only_first_subscribe: options.only_first_subscribe,
        xsub_verbose_unsubscribe: options.xsub_verbose_unsubscribe,
        stream_notify: options.stream_notify,
        disconnect_msg: options.disconnect_msg.clone(),
        hiccup_msg: options.hiccup_msg.clone(),
        max_subscriptions: options.limits.subscriptions,
        max_subscription_bytes: options.limits.subscription_bytes,
    }
}
