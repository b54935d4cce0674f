//! A socket behind all its handles, and the calls that send and receive.

use super::ask::Alarms;
use super::core::Core;
use super::ends::End;
use super::guard::{CoreLock, Guard};
use super::refusal;
use super::wait::Patience;
use crate::context::ContextState;
use crate::error::{Error, ErrorKind, Result};
use crate::io::events::{EventKind, MonitorEvent, Parties};
use crate::io::lease::Lease;
use crate::io::owner::Owner;
use crate::peer::PeerInfo;
use crate::pipe::signal::Mailbox;
use crate::pipe::through::EASE_FROM;
use crate::pipe::wire::SHARE_FROM;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sys::fork;
use crate::tasks::WakesDue;
use crate::{Events, Frame, IntoMessage, Message, SocketType};
use ferrozmq_proto::copy;
use ferrozmq_proto::option::{Options, Profile};
use ferrozmq_proto::pattern::{Closing, Pipes, Refusal};
use std::mem::MaybeUninit;
#[cfg(all(not(loom), target_pointer_width = "64"))]
use std::mem::offset_of;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// What all handles of a socket share.
#[repr(C, align(64))]
pub(crate) struct SocketState {
    // What every message needs, on as few lines of the cache as it takes: a thread may have many sockets, and that is what
    // its first look at each costs. The lock ends the first line but for the core's owner, which is behind it; its ends fill the second.
    /// The process it belongs to.
    born: u64,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) lease: Arc<Lease>,
    pub(super) kind: SocketType,
    /// The context was terminated: every call ends.
    pub(super) terminated: AtomicBool,
    pub(super) core: CoreLock,
    pub(super) timeouts: Timeouts,
    pub(super) context: Arc<ContextState>,
    number: u64,
    /// Made when a future first has a deadline.
    pub(super) alarms: OnceLock<Alarms>,
}

/// Where the second line begins, of the two that the comment above speaks of: at the ends' first field. A lock is 24 bytes and its value.
#[cfg(all(not(loom), target_pointer_width = "64"))]
const _: () = assert!(offset_of!(SocketState, core) + 24 + offset_of!(Core, ends) == 64);

/// The time-outs of calls, where they can be read without the guard.
#[derive(Default)]
pub(super) struct Timeouts {
    /// Microseconds plus one; 0 is for ever.
    send: AtomicU64,
    recv: AtomicU64,
}

impl Timeouts {
    #[inline]
    pub(super) fn send(&self) -> Option<Duration> {
        Self::decode(&self.send)
    }

    #[inline]
    pub(super) fn recv(&self) -> Option<Duration> {
        Self::decode(&self.recv)
    }

    #[inline]
    fn decode(word: &AtomicU64) -> Option<Duration> {
        word.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_micros)
    }

    fn encode(word: &AtomicU64, timeout: Option<Duration>) {
        let micros =
            timeout.map_or(0, |t| u64::try_from(t.as_micros()).unwrap_or(u64::MAX - 1).saturating_add(1));
        word.store(micros, Ordering::Relaxed);
    }
}

impl SocketState {
    pub(crate) fn new(
        kind: SocketType,
        options: Options,
        owner: Arc<Owner>,
        context: Arc<ContextState>,
        seed: u64,
    ) -> Arc<SocketState> {
        let (mailbox, lease) = (Arc::clone(&owner.mailbox), Arc::clone(&owner.lease));
        let state = SocketState {
            kind,
            core: CoreLock::new(Core::new(kind, options, owner, seed)),
            mailbox,
            lease,
            terminated: AtomicBool::new(false),
            context,
            born: fork::generation(),
            number: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            timeouts: Timeouts::default(),
            alarms: OnceLock::new(),
        };
        Arc::new(state)
    }

    /// Its number in this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    pub(super) fn remember_timeouts(&self, options: &Options) {
        Timeouts::encode(&self.timeouts.send, options.sndtimeo);
        Timeouts::encode(&self.timeouts.recv, options.rcvtimeo);
    }

    /// Whether the socket can be read and written without waiting. Reads what is the caller's to read.
    pub(crate) fn events(&self) -> Result<Events> {
        self.events_and_changes().map(|(events, _)| events)
    }

    /// The same, and how often the socket has changed: as long as that stays, the answer holds.
    pub(crate) fn events_and_changes(&self) -> Result<(Events, u64)> {
        if !self.is_inherited() {
            self.mailbox.events_fd().quiet();
        }
        let mut core = self.enter()?;
        core.ends.flush_all();
        Ok((self.events_in(&mut core), core.changes()))
    }

    /// Whether a message would be taken now.
    pub(crate) fn has_room(&self) -> Result<bool> {
        Ok(self.enter()?.can_send())
    }

    /// Writes what is held back for a better occasion.
    pub(crate) fn flush(&self) -> Result<()> {
        self.enter()?.ends.flush_all();
        Ok(())
    }

    pub(crate) fn events_in(&self, core: &mut Core) -> Events {
        let mut events = Events::NONE;
        if core.can_recv() || self.read_leased(core) && core.can_recv() || core.announce() && core.can_recv()
        {
            events = events | Events::READABLE;
        }
        if core.can_send() {
            events = events | Events::WRITABLE;
        }
        events
    }

    pub(super) fn peers(&self) -> Vec<Arc<PeerInfo>> {
        let Ok(mut core) = self.enter() else { return Vec::new() };
        let ready = core.ready.clone();
        let ends = core.ends.iter_mut();
        let wires = ends.filter_map(|(_, end)| match end {
            End::Wire(end) if ready.contains(&end.pipe.id()) => end.peer.clone(),
            _ => None,
        });
        wires.collect()
    }

    pub(super) fn disconnect_peer(&self, connection: u64) -> Result<()> {
        let mut core = self.enter()?;
        let found = core.ends.iter_mut().find_map(|(id, end)| match end {
            End::Wire(end) => (end.peer.as_ref()?.connection == connection).then(|| (id, end.pipe.id())),
            End::Inproc(_) => None,
        });
        match found {
            Some((id, pipe)) if core.ready.contains(&pipe) => {
                core.ends.close(id, Closing::Asked);
                Ok(())
            }
            _ => {
                let text =
                    format!("no peer has connection number {connection}; peers() lists those that are there");
                Err(Error::new(ErrorKind::NotFound, text))
            }
        }
    }

    pub(crate) fn context(&self) -> &Arc<ContextState> {
        &self.context
    }

    /// What is queued for each peer, as events.
    pub(crate) fn queues(&self) -> Result<Vec<MonitorEvent>> {
        let mut core = self.enter()?;
        let events = core.ends.iter_mut().map(|(_, end)| {
            let (inward, outward) = end.queued();
            let stream = match end {
                End::Wire(end) => end.pipe.stream(),
                End::Inproc(_) => None,
            };
            let (local, remote) = stream
                .map_or_else(Default::default, |stream| (stream.local_endpoint(), stream.remote_endpoint()));
            let parties = Parties { local: &local, remote: &remote, dialed: false };
            MonitorEvent {
                second_value: Some(inward as u64),
                ..MonitorEvent::new(EventKind::PipesStats, outward as u64, parties)
            }
        });
        Ok(events.collect())
    }

    /// Why the last handshake failed, unless another one has succeeded since.
    pub(super) fn handshake_failure(&self) -> Option<String> {
        if self.is_inherited() {
            return None;
        }
        self.core.lock().owner.as_ref()?.last_failure.lock().clone()
    }

    /// The options as they are now.
    pub(crate) fn options(&self) -> Options {
        self.core.lock().options.clone()
    }

    /// Enters the socket: its guard, with all signals read.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Guard<'_>> {
        if self.is_inherited() {
            return Err(Error::inherited(ErrorKind::Closed));
        }
        let core = self.core.lock();
        if self.mailbox.pending() || self.is_terminated() || core.owner.is_none() {
            return self.enter_with_news(core);
        }
        Ok(core)
    }

    #[cold]
    fn enter_with_news<'a>(&'a self, mut core: Guard<'a>) -> Result<Guard<'a>> {
        if self.mailbox.pending() {
            core.read_signals(&self.mailbox);
        }
        self.check(&core)?;
        Ok(core)
    }

    /// Whether this is a fork's child, and the socket its parent's: no lock of it may be taken.
    #[inline(always)]
    pub(super) fn is_inherited(&self) -> bool {
        fork::in_child(self.born)
    }

    /// The guard, whatever the socket's state. Only for a thread that has entered before.
    pub(crate) fn lock(&self) -> Guard<'_> {
        self.core.lock()
    }

    /// Whether the socket may be used at all.
    #[inline]
    pub(super) fn check(&self, core: &Core) -> Result<()> {
        if core.owner.is_none() {
            return Err(Error::closed());
        }
        if self.is_terminated() {
            return Err(Error::terminated());
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire)
    }

    /// Ends every call in this socket, now and later.
    pub(crate) fn terminate(&self) {
        let _due = WakesDue;
        self.terminated.store(true, Ordering::Release);
        self.mailbox.waker().wake_unconditionally();
        self.mailbox.events_fd().raise();
    }

    /// Sends; after an error `message` is as it was.
    pub(super) fn send(&self, message: &mut Message, patience: Patience) -> Result<()> {
        let mut core = self.enter()?;
        if message.first().len() >= EASE_FROM {
            core.ease(message.first().len(), patience.spare());
        }
        match self.try_send(&mut core, message) {
            Ok(()) => Ok(()),
            Err(refusal) => self.send_later(core, message, refusal, patience),
        }
    }

    #[inline]
    fn try_send(&self, core: &mut Core, message: &mut Message) -> std::result::Result<(), Refusal> {
        let sent = core.try_send(message);
        self.listen_on(core);
        sent
    }

    /// A send may have looked for input, too: a REQ throws away what came before its request. A loop that now waits for
    /// the descriptor of this socket, without having asked for its events again, must hear of the reply.
    #[inline]
    fn listen_on(&self, core: &mut Core) {
        if core.ends.has_quiet() && self.mailbox.events_fd().is_wanted() && core.announce() {
            self.mailbox.events_fd().raise();
        }
    }

    /// Sends what a proxy passes on. A proxy would end with the first client that did not wait for its answer if that were
    /// an error; with libzmq's defaults it does, as libzmq's.
    pub(crate) fn pass_on(&self, message: &mut Message) -> Result<()> {
        let mut core = self.enter()?;
        if core.options.profile == Profile::Libzmq || self.kind != SocketType::Router {
            drop(core);
            return self.send(message, self.send_patience());
        }
        core.try_pass_on(message).map_err(Error::from_refusal)
    }

    /// Sends a copy of `body` as a message of one part. Here and below: how long it may wait is asked if it has to.
    #[inline]
    pub(crate) fn send_copied(&self, body: &[u8], patience: impl FnOnce() -> Patience) -> Result<()> {
        let mut core = self.enter()?;
        if core.ends.append(body) { Ok(()) } else { self.send_made(core, body, patience()) }
    }

    #[inline(never)]
    fn send_made<'a>(&'a self, mut core: Guard<'a>, body: &[u8], patience: Patience) -> Result<()> {
        if body.len() >= SHARE_FROM && core.pass_through(body, patience.spare()) {
            return Ok(());
        }
        if body.len() >= EASE_FROM {
            core.ease(body.len(), patience.spare());
        }
        let mut message = Message::new();
        if matches!(self.kind, SocketType::Pub | SocketType::XPub) {
            // Peers in this process will share it.
            body.put_into(&mut message);
        } else {
            core.staging.copy_whole(body, &mut message);
        }
        match self.try_send(&mut core, &mut message) {
            Ok(()) => {
                core.staging.keep(&mut message);
                Ok(())
            }
            Err(refusal) => self.send_later(core, &mut message, refusal, patience),
        }
    }

    #[cold]
    fn send_later<'a>(
        &'a self,
        mut core: Guard<'a>,
        message: &mut Message,
        mut refusal: Refusal,
        patience: Patience,
    ) -> Result<()> {
        let mut patience = patience.begun();
        loop {
            if refusal != Refusal::WouldBlock {
                return Err(refusal::sending(self.kind, refusal, Some(message.first())));
            }
            if !self.has_news(&mut core) {
                if patience == Patience::None {
                    return Err(refusal::sending(self.kind, refusal, Some(message.first())));
                }
                core = self.wait_to_send(core, &mut patience)?;
            }
            match self.try_send(&mut core, message) {
                Ok(()) => return Ok(()),
                Err(again) => refusal = again,
            }
        }
    }

    /// Receives; after an error `into` is of no use.
    #[inline]
    pub(super) fn recv(&self, into: &mut Message, patience: impl FnOnce() -> Patience) -> Result<()> {
        let mut core = self.enter()?;
        if core.ends.take_next(into) {
            self.lease.renew();
            return Ok(());
        }
        self.recv_in(core, into, patience(), |_| false).map(drop)
    }

    /// Receives with the guard held already, and keeps it; nothing once `enough` says so. After an error `into` is of no use.
    #[inline(never)]
    fn recv_in<'a>(
        &'a self,
        mut core: Guard<'a>,
        into: &mut Message,
        mut patience: Patience,
        enough: fn(&Core) -> bool,
    ) -> Result<Guard<'a>> {
        loop {
            if enough(&core) {
                return Ok(core);
            }
            match core.try_recv(into) {
                Ok(()) => {
                    self.lease.renew();
                    return Ok(core);
                }
                Err(Refusal::WouldBlock) => {}
                Err(refusal) => return Err(refusal::receiving(self.kind, refusal)),
            }
            patience = patience.begun();
            core = match patience {
                Patience::None => self.look(core)?,
                patience => self.wait(core, true, patience)?,
            };
        }
    }

    /// Looks for input without waiting; an error if there is none.
    fn look<'a>(&'a self, mut core: Guard<'a>) -> Result<Guard<'a>> {
        self.mailbox.events_fd().quiet();
        core.ends.flush_all();
        if core.announce() || self.read_leased(&mut core) {
            return Ok(core);
        }
        if self.mailbox.pending() {
            core.read_signals(&self.mailbox);
            self.check(&core)?;
            return Ok(core);
        }
        Err(refusal::receiving(self.kind, Refusal::WouldBlock))
    }

    /// While this side has the lease, nobody else reads: a call that does not wait must.
    pub(super) fn read_leased(&self, core: &mut Core) -> bool {
        if !self.lease.is_held() || !core.pattern.wants_input() {
            return false;
        }
        let mut sets = Vec::new();
        self.lease.each_set(|set| sets.push(Arc::clone(set)));
        let mut got = false;
        for set in sets {
            got |= core.read_set(&set);
        }
        if got {
            // What was read is in user space, where a thread that sleeps on the descriptors cannot see it, and this
            // call may leave some of it there.
            self.mailbox.waker().wake();
        }
        got
    }

    /// Sends a part; after an error it is as it was, else nothing is left of it.
    pub(super) fn send_part(&self, part: &mut Frame, more: bool, patience: Patience) -> Result<()> {
        self.send_part_in(self.enter()?, part, more, patience)
    }

    fn send_part_in<'a>(
        &'a self,
        mut core: Guard<'a>,
        part: &mut Frame,
        more: bool,
        patience: Patience,
    ) -> Result<()> {
        // A raw connection's message ends with its second part, whatever follows.
        let more = more && core.pattern.parts_limit() != Some(core.staging.parts() + 1);
        if more || core.staging.has_output() {
            return self.stage(core, part, more, patience);
        }
        if part.is_copyable() && core.ends.may_copy(part) && core.ends.append(part) {
            part.clear();
            return Ok(());
        }
        if part.len() >= EASE_FROM {
            core.ease(part.len(), patience.spare());
        }
        let mut message = Message::from(std::mem::take(part));
        let sent = match self.try_send(&mut core, &mut message) {
            Ok(()) => Ok(()),
            Err(refusal) => self.send_later(core, &mut message, refusal, patience),
        };
        sent.inspect_err(|_| *part = message.split_first().0)
    }

    /// The same with a copy of `part`.
    #[inline(always)]
    pub(super) fn send_part_copied(
        &self,
        part: &[u8],
        more: bool,
        patience: impl FnOnce() -> Patience,
    ) -> Result<()> {
        let mut core = self.enter()?;
        if more || core.staging.has_output() {
            return self.stage_copied(core, part, more, patience());
        }
        if core.ends.append(part) { Ok(()) } else { self.send_made(core, part, patience()) }
    }

    #[inline(never)]
    fn stage_copied<'a>(
        &'a self,
        mut core: Guard<'a>,
        part: &[u8],
        more: bool,
        patience: Patience,
    ) -> Result<()> {
        let mut part = core.staging.copy(part);
        self.send_part_in(core, &mut part, more, patience)
    }

    fn stage<'a>(
        &'a self,
        mut core: Guard<'a>,
        part: &mut Frame,
        more: bool,
        patience: Patience,
    ) -> Result<()> {
        if !core.staging.has_output() {
            core = self.start_message(core, part, patience)?;
        }
        if more {
            core.staging.add(std::mem::take(part));
            return Ok(());
        }
        let mut message = core.staging.complete(std::mem::take(part));
        let sent = core.send_committed(&mut message);
        self.listen_on(&mut core);
        match sent {
            Ok(()) => {
                core.staging.reuse(message);
                Ok(())
            }
            Err(refusal) => {
                *part = core.staging.uncomplete(message);
                Err(refusal::sending(self.kind, refusal, Some(part)))
            }
        }
    }

    /// Before a call that does not wait says that it would have to: a loop that waits for the descriptor of this socket
    /// must hear of what comes from now on, so this quiets it, and looks whether something has come before.
    fn has_news(&self, core: &mut Core) -> bool {
        if !self.mailbox.events_fd().is_wanted() {
            return false;
        }
        self.mailbox.events_fd().quiet();
        let pending = self.mailbox.pending();
        if pending {
            core.read_signals(&self.mailbox);
        }
        pending
    }

    /// Waits until a message that begins with `first` would be accepted.
    fn start_message<'a>(
        &'a self,
        mut core: Guard<'a>,
        first: &Frame,
        patience: Patience,
    ) -> Result<Guard<'a>> {
        let mut patience = patience.begun();
        loop {
            match core.may_start_send(first) {
                Ok(()) => return Ok(core),
                Err(Refusal::WouldBlock) if self.has_news(&mut core) => continue,
                Err(Refusal::WouldBlock) if patience != Patience::None => {}
                Err(refusal) => return Err(refusal::sending(self.kind, refusal, Some(first))),
            }
            core = self.wait_to_send(core, &mut patience)?;
        }
    }

    /// Waits for room. A pipe tells of it when it is half empty; at the end of its time a send looks once more, so that
    /// it never says that there is no room where there is some.
    fn wait_to_send<'a>(&'a self, mut core: Guard<'a>, patience: &mut Patience) -> Result<Guard<'a>> {
        core.ends.stall();
        match self.wait(core, false, *patience) {
            Err(error) if error.is_would_block() => {
                *patience = Patience::None;
                self.enter()
            }
            result => result,
        }
    }

    /// Receives a part into `into`; `then` is told its length, and whether others of the same message follow, on each way by itself, so
    /// that the most frequent one need not find out what it knows. After an error `into` is as it was.
    #[inline(always)]
    pub(super) fn recv_part<R>(
        &self,
        into: &mut Frame,
        patience: impl FnOnce() -> Patience,
        then: impl FnOnce(usize, bool) -> R,
    ) -> Result<R> {
        let mut core = self.enter()?;
        if core.staging.has_input() {
            let more = core.staging.next(into);
            drop(core);
            return Ok(then(into.len(), more));
        }
        if let Some(len) = core.ends.take_part(into) {
            self.lease.renew();
            drop(core);
            return Ok(then(len, false));
        }
        let more = self.recv_staged(core, into, patience())?;
        Ok(then(into.len(), more))
    }

    /// The same where a message has to be taken apart.
    #[inline(never)]
    fn recv_staged<'a>(&'a self, mut core: Guard<'a>, into: &mut Frame, patience: Patience) -> Result<bool> {
        let mut message = core.staging.place();
        // Another thread may have begun a message while this one was waiting.
        let mut core = self.recv_in(core, &mut message, patience, |core| core.staging.has_input())?;
        if core.staging.has_input() {
            return Ok(core.staging.next(into));
        }
        Ok(core.staging.begin(message, into))
    }

    /// Receives a part and copies what fits into `into`; its length, and whether others of the same message follow.
    #[inline(always)]
    pub(super) fn recv_part_copied(
        &self,
        into: &mut [MaybeUninit<u8>],
        patience: impl FnOnce() -> Patience,
    ) -> Result<(usize, bool)> {
        let mut core = self.enter()?;
        let mut part = Frame::new();
        if core.staging.has_input() {
            let more = core.staging.next(&mut part);
            return Ok((copy_fitting(&part, into), more));
        }
        if let Some(len) = core.ends.take_single(|body| copy_fitting(body, into)) {
            self.lease.renew();
            return Ok((len, false));
        }
        let more = self.recv_staged(core, &mut part, patience())?;
        Ok((copy_fitting(&part, into), more))
    }

    /// Waits until `done` says so; for facts that signals change.
    pub(super) fn wait_until(
        &self,
        patience: Patience,
        mut done: impl FnMut(&mut Core) -> bool,
    ) -> Result<()> {
        let mut core = self.enter()?;
        while !done(&mut core) {
            // Input is left to the I/O thread: this wait reads nothing that a receive should see.
            core = self.wait(core, false, patience)?;
        }
        Ok(())
    }
}

/// Copies as much of `body` as fits into `into`; returns its whole length.
#[inline(always)]
fn copy_fitting(body: &[u8], into: &mut [MaybeUninit<u8>]) -> usize {
    let len = body.len().min(into.len());
    copy::append(&mut &mut into[..len], &body[..len]);
    body.len()
}
