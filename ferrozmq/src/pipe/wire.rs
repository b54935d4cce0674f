//! A pipe to another process: the queue in each direction, and whoever drives it.
//!
//! A [`WirePipe`] is shared by the socket, whose calls may read and write the connection on the
//! spot, and the I/O thread, which does it when the application is elsewhere. It outlives
//! connections: a connecting pipe keeps its queue while the I/O thread redials.
//!
//! Locks: `tx` and `rx` are never held together, and never across a system call that moves data
//! (arming and disarming a descriptor happens under them). Below them lie the mailbox's and the
//! desk's queues.

use crate::pipe::codec::{Opener, Sealer};
use crate::pipe::errand::{Desk, Errand};
use crate::pipe::ledger::SocketStats;
use crate::pipe::lock::{Lock, LockGuard};
use crate::pipe::pace::Beat;
use crate::pipe::rx::{End, Haul, Intake, Notice, Run, Rx, Sleep, Watch, pass_on};
use crate::pipe::signal::{Mailbox, Signal};
use crate::pipe::subscriptions::Subscriptions;
use crate::pipe::tx::{Control, Line, Tx};
use crate::pipe::wishes::Wishes;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sys::cache;
use crate::sys::epoll::Epoll;
use crate::sys::signals;
use crate::transport::Stream;
use bytes::{Bytes, BytesMut};
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::option::PeerLimits;
use ferrozmq_proto::zmtp::framing;
use ferrozmq_proto::{Frame, Message};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// Bodies this long are kept by reference instead of copied into the queue.
pub(crate) const SHARE_FROM: usize = 16 * 1024;
/// The same for a message that goes to several peers.
pub(crate) const FANOUT_SHARE_FROM: usize = 1024;

static NEXT_ID: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// Bytes of one peer's subscriptions that its socket has not read; beyond, the peer is not read either.
const UNREAD_SUBSCRIPTIONS_MAX: usize = 1 << 20;
/// A topic of so many bytes is told as it is, without another copy.
const LONG_TOPIC: usize = 4096;

/// A number no other pipe of this process has.
pub(crate) fn new_pipe_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// What came of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Everything is with the kernel, or will be by whoever is writing now.
    Done,
    /// The kernel takes no more for now.
    Blocked,
    /// There is no connection.
    Offline,
}

/// What came of leaving a write to the I/O thread.
pub(crate) enum Handed {
    /// It knows already.
    Over,
    /// It is to be woken.
    Waking(Arc<Desk>),
    /// The sender writes.
    Back,
}

/// What came of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// There are messages to take.
    Messages,
    /// Nothing whole has come.
    Nothing,
    /// Somebody else is reading.
    Busy,
    /// No more input will come over this connection.
    Ended,
}

impl Fill {
    /// What came of this fill and a later one.
    fn or(self, later: Fill) -> Fill {
        if self == Fill::Nothing { later } else { self }
    }
}

/// What came of one read.
struct Got {
    bytes: usize,
    /// There is more in user space already.
    rest: bool,
    interrupted: bool,
    fill: Fill,
}

/// A new connection's two halves, handed over at the end of the handshake.
pub(crate) struct Halves {
    pub(crate) stream: Arc<Stream>,
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
    /// What came behind the handshake.
    pub(crate) surplus: BytesMut,
    /// What the peer is sent before anything else (`ZMQ_HELLO_MSG`).
    pub(crate) hello: Option<Bytes>,
    /// Number of the connection, for the frames it delivers.
    pub(crate) origin: u64,
    /// Token of the connection in its I/O thread.
    pub(crate) token: u64,
    /// The set in which its input is watched.
    pub(crate) set: Arc<Epoll>,
}

/// A pipe between a socket here and one in another process.
pub(crate) struct WirePipe {
    id: u64,
    pub(super) desk: Arc<Desk>,
    mailbox: Arc<Mailbox>,
    pub(super) tx: Lock<Tx>,
    pub(super) rx: Lock<Rx>,
    /// Token of the present connection.
    pub(super) token: AtomicU64,
    /// Something came since the I/O thread last asked (heartbeats).
    seen: AtomicBool,
    /// Nothing has come since the socket last took something, and it will hear when something does: it need not lock to look. Known
    /// where nobody but the socket reads, which is where it looks in vain before each sleep, and where nothing waits for it to say that
    /// it has consumed what it took. Written under the lock of `rx`.
    dry: AtomicBool,
    /// Bytes of subscriptions that the socket has not read.
    unread_subscriptions: AtomicUsize,
    peer_ttl_ms: AtomicU64,
    ping_due: AtomicBool,
    /// Number of the endpoint that it comes from.
    endpoint: AtomicU64,
    /// What the socket's mailbox was told that this pipe costs after its end, in bytes.
    charged: AtomicUsize,
}

impl Drop for WirePipe {
    fn drop(&mut self) {
        self.mailbox.refund(self.charged.load(Ordering::Relaxed));
        self.mailbox.ledger().enter(&self.books().settled());
    }
}

impl WirePipe {
    pub(crate) fn new(
        desk: Arc<Desk>,
        mailbox: Arc<Mailbox>,
        sndhwm: usize,
        rcvhwm: usize,
        conflate: bool,
    ) -> Arc<WirePipe> {
        Arc::new(WirePipe {
            id: new_pipe_id(),
            desk,
            mailbox,
            tx: Lock::new(Tx::new(sndhwm, conflate)),
            rx: Lock::new(Rx::new(rcvhwm, conflate)),
            token: AtomicU64::new(0),
            seen: AtomicBool::new(false),
            dry: AtomicBool::new(false),
            unread_subscriptions: AtomicUsize::new(0),
            peer_ttl_ms: AtomicU64::new(0),
            ping_due: AtomicBool::new(false),
            endpoint: AtomicU64::new(0),
            charged: AtomicUsize::new(0),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Number of the endpoint that was connected, or to which the peer came.
    pub(crate) fn endpoint(&self) -> u64 {
        self.endpoint.load(Ordering::Relaxed)
    }

    /// Notes the number of its endpoint.
    pub(crate) fn belongs_to(&self, endpoint: u64) {
        self.endpoint.store(endpoint, Ordering::Relaxed);
    }

    /// Changes the high-water marks; they hold from the next message on.
    pub(crate) fn set_hwm(&self, sndhwm: usize, rcvhwm: usize) {
        let mut tx = self.tx.lock();
        tx.set_hwm(sndhwm);
        if tx.room_wanted && tx.room() > 0 {
            tx.room_wanted = false;
            self.mailbox.post(Signal::Writable(self.id));
        }
        drop(tx);
        let mut rx = self.rx.lock();
        rx.set_hwm(rcvhwm);
        self.read_on(rx);
    }

    /// How many bytes may be queued in each direction, beside the high-water marks; `None` for any number.
    pub(crate) fn limit_bytes(&self, limits: &PeerLimits) {
        let bytes =
            |limit: Option<u64>| limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        self.tx.lock().set_bytes_max(bytes(limits.unsent_bytes));
        self.rx.lock().set_bytes_max(bytes(limits.unread_bytes));
    }

    // ---- The socket's side: writing ----

    /// How many messages may be queued now. With none, the socket will get a `Writable` signal.
    pub(crate) fn room(&self) -> usize {
        let mut tx = self.tx.lock();
        let room = tx.room();
        tx.room_wanted = room == 0;
        tx.sent_when_full = tx.sent;
        room
    }

    /// Has the processor fetch what a push will write.
    #[inline]
    pub(crate) fn expect_push(&self) {
        cache::will_write(Some(&self.tx));
    }

    /// Queues a message; says whether the caller should flush now. A closed pipe takes nothing and says so.
    #[inline(always)]
    pub(crate) fn push(
        self: &Arc<Self>,
        message: &Message,
        envelope: Option<&[Frame]>,
        share_from: usize,
    ) -> Result<bool, Closed> {
        let mut tx = self.tx.lock();
        if tx.closed {
            return Err(Closed);
        }
        let now = tx.push(message, envelope, share_from);
        if !now && tx.online && !tx.failed {
            self.leave_for_later(&mut tx);
        }
        Ok(now)
    }

    pub(super) fn arm(&self, tx: &mut Tx) {
        if tx.armed {
            return;
        }
        if let Some(line) = &tx.line {
            tx.armed = true;
            self.desk.arm_output(line.stream().as_ref().as_fd(), self.token.load(Ordering::Relaxed));
        }
    }

    /// Tells the peer about a subscription, unless the replay of `version` or a later one does.
    pub(crate) fn subscribe(&self, topic: Bytes, wanted: bool, version: u64) {
        let mut tx = self.tx.lock();
        if tx.online && tx.subscriptions < version {
            tx.subscriptions = version;
            tx.push_control(Control::Subscribe { topic, wanted });
            drop(tx);
            self.flush_and_arm();
        }
    }

    /// Writes what is queued, as far as the kernel takes it.
    pub(crate) fn flush(&self) -> Flush {
        self.flush_by(None)
    }

    /// The same; for a send, `beat` is what it knows of the ones before.
    fn flush_by(&self, beat: Option<Beat>) -> Flush {
        // Before the lock, so that it is dropped after it.
        let mut role = Role { pipe: self, held: None };
        let mut tx = self.tx.lock();
        let Some(mut line) = tx.line.take() else {
            tx.wanted = true;
            return if tx.online { Flush::Done } else { Flush::Offline };
        };
        if tx.failed {
            tx.line = Some(line);
            return Flush::Offline;
        }
        role.held = Some(Half::Writing);
        if let Some(beat) = beat {
            tx.pace.sending(beat);
        }
        let mut written = 0;
        loop {
            tx.wanted = false;
            if tx.orphaned || line.is_spent() && !tx.has_new() || !line.load(&mut tx) {
                tx.blocked = false;
                return self.put_back(tx, line, Flush::Done, role);
            }
            let commands_wait = !tx.control.is_empty();
            drop(tx);
            let result = line.write(commands_wait);
            tx = self.tx.lock();
            match result {
                Ok((bytes, messages)) => {
                    written += bytes;
                    tx.sent_messages(messages);
                    tx.sent_bytes += bytes as u64;
                    tx.pace.wrote(bytes);
                    self.tell_of_room(&mut tx);
                    if Line::is_enough(written) {
                        tx.blocked = true;
                        return self.put_back(tx, line, Flush::Blocked, role);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tx.blocked = true;
                    return self.put_back(tx, line, Flush::Blocked, role);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    tx.failed = true;
                    self.desk.leave(Errand::Broken(self.token.load(Ordering::Relaxed)));
                    return self.put_back(tx, line, Flush::Offline, role);
                }
            }
        }
    }

    pub(super) fn put_back(
        &self,
        mut tx: LockGuard<'_, Tx>,
        line: Box<Line>,
        result: Flush,
        mut role: Role<'_>,
    ) -> Flush {
        role.held = None;
        if tx.orphaned {
            // Read while the connection cannot be replaced by another.
            let token = self.token.load(Ordering::Relaxed);
            let line = tx.retire(line);
            drop(tx);
            drop(line);
            self.desk.leave(Errand::Released(token));
            return Flush::Offline;
        }
        tx.line = Some(line);
        result
    }

    pub(super) fn tell_of_room(&self, tx: &mut Tx) {
        if tx.room_wanted && tx.has_new_room() {
            tx.room_wanted = false;
            self.mailbox.post(Signal::Writable(self.id));
        }
    }

    /// Flushes, and has the I/O thread write the rest when the kernel takes it.
    pub(crate) fn flush_and_arm(&self) -> Flush {
        self.arm_if_blocked(self.flush_by(None))
    }

    /// The same at the end of a send.
    pub(crate) fn flush_sent(&self, beat: Beat) {
        self.arm_if_blocked(self.flush_by(Some(beat)));
    }

    /// Leaves the writing at the end of a send to the I/O thread, unless the sender outruns the kernel: then its own
    /// writes keep it from filling queues faster than they are emptied.
    pub(crate) fn hand_over(self: &Arc<Self>, beat: Beat) -> Handed {
        let mut tx = self.tx.lock();
        tx.pace.sending(beat);
        if tx.pace.is_streaming() {
            return Handed::Back;
        }
        if std::mem::replace(&mut tx.handed_over, true) {
            return Handed::Over;
        }
        drop(tx);
        if self.desk.hand_over(Arc::clone(self)) {
            Handed::Waking(Arc::clone(&self.desk))
        } else {
            Handed::Over
        }
    }

    /// Writes what a sender has [handed over](Self::hand_over).
    pub(crate) fn flush_handed_over(&self) {
        self.tx.lock().handed_over = false;
        self.flush_and_arm();
    }

    fn arm_if_blocked(&self, result: Flush) -> Flush {
        if result == Flush::Blocked {
            self.arm_output();
        }
        result
    }

    /// Has the I/O thread write what the kernel did not take.
    pub(crate) fn arm_output(&self) {
        let mut tx = self.tx.lock();
        if tx.blocked {
            self.arm(&mut tx);
        }
    }

    /// Ends the connection, for the peer's `fault` if it is one. What is queued goes to the kernel if it takes it now.
    pub(crate) fn hang_up(&self, fault: Option<&'static str>) {
        self.flush();
        self.desk.leave(Errand::HungUp(self.token.load(Ordering::Relaxed), fault));
    }

    /// Messages not yet with the kernel.
    pub(crate) fn queued(&self) -> usize {
        self.tx.lock().queued
    }

    /// Whether nothing waits to be written and nobody is writing.
    pub(crate) fn is_idle(&self) -> bool {
        !self.tx.lock().has_output()
    }

    /// Drops the messages that wait for a connection, for the reason `why`. While there is one, drops nothing.
    pub(crate) fn withdraw_queued(&self, why: Dropped) {
        let mut tx = self.tx.lock();
        if tx.online {
            return;
        }
        let messages = tx.withdraw(why);
        self.tell_of_room(&mut tx);
        drop(tx);
        drop(messages);
    }

    /// Takes no more messages, and drops those it has.
    pub(crate) fn close(&self, why: Dropped) {
        let messages = self.tx.lock().close(why);
        drop(messages);
    }

    /// This side ends the connection, and all is written: what the kernel has is not in doubt.
    pub(crate) fn part(&self) {
        self.tx.lock().doubt.part();
    }

    // ---- The socket's side: reading ----

    /// Everything that has arrived; the socket has consumed all it took before. With nothing, the
    /// socket will get a `Readable` signal.
    #[inline]
    pub(crate) fn take(&self, into: &mut VecDeque<Run>) -> Taken {
        if self.dry.load(Ordering::Relaxed) { Taken::Nothing } else { self.take_some(into) }
    }

    fn take_some(&self, into: &mut VecDeque<Run>) -> Taken {
        let mut rx = self.rx.lock();
        rx.held = 0;
        rx.held_bytes = 0;
        if rx.runs.is_empty() {
            rx.input_wanted = true;
            self.read_on(rx);
            return Taken::Nothing;
        }
        rx.held = std::mem::take(&mut rx.waiting);
        rx.held_bytes = std::mem::take(&mut rx.waiting_bytes);
        pass_on(&mut rx.runs, into);
        if rx.may_run_dry() {
            rx.input_wanted = true;
            self.dry.store(true, Ordering::Relaxed);
        }
        let fill = rx.resume_if_due();
        let taken = if rx.paused { Taken::AtTheMark } else { Taken::Messages };
        drop(rx);
        self.fill_if(fill);
        taken
    }

    /// The socket has consumed all it took, which had been [`Taken::AtTheMark`]: reading goes on even
    /// if the application never receives again.
    pub(crate) fn consumed(&self) {
        let mut rx = self.rx.lock();
        rx.held = 0;
        rx.held_bytes = 0;
        self.read_on(rx);
    }

    /// The socket never reads, or lets go of the pipe: from now on input is read and dropped, so that
    /// commands and the end of the connection are seen, and closing it does not reset it, which would
    /// cost what was sent.
    pub(crate) fn discard_input(&self, why: Discarded) {
        let fill = self.rx.lock().discard_all(why);
        self.watch();
        self.fill_if(fill);
    }

    /// Stops reading. Whether it may go on depends on what the socket has consumed, of which it tells when it looks next: so it must.
    fn stop_reading(&self, rx: &mut Rx) {
        self.dry.store(false, Ordering::Relaxed);
        rx.pause();
    }

    /// Resumes reading if there is room again.
    fn read_on(&self, mut rx: LockGuard<'_, Rx>) {
        let fill = rx.resume_if_due();
        drop(rx);
        self.fill_if(fill);
    }

    /// Opens what is in user space already, and waits for no descriptor.
    fn fill_if(&self, due: bool) {
        if due {
            self.fill(true);
        }
    }

    /// The peer is gone for good: what it left unread burdens the socket's mailbox until it is read.
    pub(crate) fn charge(&self) {
        let cost = self.rx.lock().cost();
        self.mailbox.refund(self.charged.swap(cost, Ordering::Relaxed));
        self.mailbox.charge(cost);
    }

    /// Whether messages wait to be taken.
    pub(crate) fn has_input(&self) -> bool {
        self.rx.lock().waiting > 0
    }

    /// The connection, if there is one now.
    pub(crate) fn stream(&self) -> Option<Arc<Stream>> {
        let rx = self.rx.lock();
        rx.watch.as_ref().map(|watch| Arc::clone(&watch.stream))
    }

    /// The descriptor to wait on for input, if nothing keeps this pipe from reading.
    pub(crate) fn input_descriptor(&self) -> Option<(Arc<Stream>, RawFd)> {
        let rx = self.rx.lock();
        if !rx.online || rx.paused || rx.orphaned {
            return None;
        }
        let watch = rx.watch.as_ref()?;
        Some((Arc::clone(&watch.stream), watch.stream.as_raw_fd()))
    }

    /// Reads what has come. `notify`: the socket is to be told by signal (the caller is not in it).
    pub(crate) fn fill(&self, notify: bool) -> Fill {
        let mut all = Fill::Nothing;
        loop {
            let mut rx = self.rx.lock();
            if rx.is_full() || rx.end.is_some() {
                self.stop_reading(&mut rx);
                return if rx.end.is_some() { all.or(Fill::Ended) } else { all };
            }
            let limit = rx.read_limit();
            let Some(intake) = rx.intake.take() else { return all.or(rx.when_taken()) };
            drop(rx);
            let got = self.read(intake, limit, notify, Sleep::Never);
            all = all.or(got.fill);
            if !got.rest {
                return all;
            }
        }
    }

    /// Sleeps in the read itself until something comes, for a few milliseconds at most. Nothing else wakes it: for a caller
    /// who expects input from nowhere else, and soon. `Interrupted` if a signal handler ran.
    pub(crate) fn doze(&self) -> io::Result<Fill> {
        let mut rx = self.rx.lock();
        if rx.is_full() || rx.end.is_some() {
            self.stop_reading(&mut rx);
            return Ok(Fill::Nothing);
        }
        let limit = rx.read_limit();
        let Some(intake) = rx.intake.take() else { return Ok(rx.when_taken()) };
        drop(rx);
        let got = self.read(intake, limit, false, Sleep::Doze);
        match got.fill {
            // Else the process was stopped and continued, of which a caller need not hear.
            Fill::Nothing if got.interrupted && signals::are_handled() => {
                Err(io::ErrorKind::Interrupted.into())
            }
            fill if got.rest => Ok(fill.or(self.fill(false))),
            fill => Ok(fill),
        }
    }

    /// Reads with the reader's role.
    fn read(&self, mut intake: Box<Intake>, limit: usize, notify: bool, sleep: Sleep) -> Got {
        let mut role = Role { pipe: self, held: Some(Half::Reading) };
        intake.fill(limit, sleep);
        let Haul { bytes, rest, interrupted, .. } = intake.haul;
        let fill = self.account(intake, notify);
        role.held = None;
        Got { bytes, rest, interrupted, fill }
    }

    /// Reads on to the end of the stream, whatever the high-water mark: the connection is over, and
    /// what the peer sent before is not lost. Bounded by what the kernel holds, and by what a peer may subscribe to.
    pub(crate) fn drain(&self) -> Fill {
        const DRAIN_MAX: usize = 16 * 1024 * 1024;
        let mut total = 0;
        loop {
            let mut rx = self.rx.lock();
            if rx.end.is_some() || rx.flooded || total > DRAIN_MAX {
                return Fill::Ended;
            }
            let Some(intake) = rx.intake.take() else { return rx.when_taken() };
            drop(rx);
            let got = self.read(intake, usize::MAX, true, Sleep::Never);
            total += got.bytes;
            if got.bytes == 0 && !got.rest {
                return got.fill;
            }
        }
    }

    fn account(&self, mut intake: Box<Intake>, notify: bool) -> Fill {
        let end = intake.haul.end;
        if !intake.haul.notices.is_empty() {
            self.act_on(std::mem::take(&mut intake.haul.notices));
        }
        if intake.haul.bytes > 0 {
            self.seen.store(true, Ordering::Relaxed);
        }
        // Read while the connection cannot be replaced by another.
        let token = self.token.load(Ordering::Relaxed);
        let mut rx = self.rx.lock();
        rx.flooded = self.is_flooded();
        if rx.flooded {
            self.stop_reading(&mut rx);
        }
        let messages = rx.store(&mut intake);
        let mut tell = false;
        if messages {
            self.dry.store(false, Ordering::Relaxed);
            tell = notify && rx.input_wanted;
            rx.input_wanted = false;
        }
        let released = rx.orphaned;
        if released {
            rx.online = false;
            rx.orphaned = false;
        } else {
            rx.intake = Some(intake);
        }
        drop(rx);
        if tell {
            self.mailbox.post(Signal::Readable(self.id));
        }
        if released {
            self.desk.leave(Errand::Released(token));
        } else if end.is_some() {
            self.desk.leave(Errand::Broken(token));
        }
        match (messages, end) {
            (false, None) => Fill::Nothing,
            (false, Some(_)) => Fill::Ended,
            _ => Fill::Messages,
        }
    }

    /// Whether the peer subscribes faster than the socket reads.
    fn is_flooded(&self) -> bool {
        match self.unread_subscriptions.load(Ordering::Acquire) {
            0 => false,
            unread => unread > UNREAD_SUBSCRIPTIONS_MAX || self.mailbox.is_flooded(),
        }
    }

    /// The socket has read subscriptions that cost so many bytes.
    pub(crate) fn subscriptions_read(&self, cost: usize) {
        if self.unread_subscriptions.fetch_sub(cost, Ordering::AcqRel) == cost {
            // All are read. Whoever saw more of them has noted the flood under this lock, or will look again.
            let mut rx = self.rx.lock();
            if std::mem::take(&mut rx.flooded) {
                self.read_on(rx);
            }
        }
    }

    fn act_on(&self, notices: Vec<Notice>) {
        let mut pong = false;
        let topics = notices.iter().filter_map(|notice| match notice {
            Notice::Subscription { topic, .. } if topic.len() < LONG_TOPIC => Some(topic.len()),
            _ => None,
        });
        let mut wishes = Wishes::with_room(topics);
        for notice in notices {
            match notice {
                Notice::Subscription { topic, wanted } if topic.len() < LONG_TOPIC => {
                    wishes.push(&topic, wanted);
                }
                Notice::Subscription { topic, wanted } => {
                    self.tell_wishes(std::mem::take(&mut wishes));
                    self.tell(Signal::Subscription { pipe: self.id, topic, wanted });
                }
                Notice::Ping { ttl, context } => {
                    self.peer_ttl_ms.store(ttl.as_millis() as u64, Ordering::Relaxed);
                    self.ping_due.store(true, Ordering::Relaxed);
                    if !ttl.is_zero() {
                        // Its silence must be noticed even if this side sends no PINGs.
                        self.desk.leave(Errand::Pinged(self.token.load(Ordering::Relaxed)));
                    }
                    self.tx.lock().push_control(Control::Pong { context });
                    pong = true;
                }
                Notice::Pong { context } => self.tx.lock().doubt.ponged(&context),
            }
        }
        self.tell_wishes(wishes);
        if pong {
            self.flush_and_arm();
        }
    }

    fn tell_wishes(&self, wishes: Wishes) {
        if wishes.cost() > 0 {
            self.tell(Signal::Subscriptions { pipe: self.id, wishes });
        }
    }

    fn tell(&self, subscriptions: Signal) {
        self.unread_subscriptions.fetch_add(subscriptions.subscription_cost(), Ordering::AcqRel);
        self.mailbox.post(subscriptions);
    }

    // ---- The I/O thread's side ----

    /// The connection `token` is about to be ready: a socket that hears of it may hang up at once.
    pub(crate) fn expect(&self, token: u64) {
        self.token.store(token, Ordering::Relaxed);
    }

    /// A connection is ready: from now on anybody may drive it.
    pub(crate) fn go_online(&self, halves: Halves, subscriptions: &Mutex<Subscriptions>) {
        let Halves { stream, sealer, opener, surplus, hello, origin, token, set } = halves;
        self.expect(token);
        self.seen.store(true, Ordering::Relaxed);
        self.peer_ttl_ms.store(0, Ordering::Relaxed);
        {
            // Both locks: a change is replayed here, or told by the socket, never both or neither.
            let wanted = subscriptions.lock();
            let mut tx = self.tx.lock();
            tx.subscriptions = wanted.version();
            tx.go_online(Box::new(Line::new(Arc::clone(&stream), sealer)));
            if let Some(hello) = hello {
                let mut message = Vec::with_capacity(framing::HEADER_MAX + hello.len());
                framing::encode_small(&hello, false, &mut message);
                tx.push_control(Control::Hello(message));
            }
            for topic in wanted.topics() {
                tx.push_control(Control::Subscribe { topic: topic.clone(), wanted: true });
            }
        }
        {
            let mut rx = self.rx.lock();
            rx.online = true;
            rx.end = None;
            rx.paused = false;
            rx.flooded = false;
            // What came behind the handshake, should the pipe be too full to look at it now.
            rx.rest = true;
            rx.unwatched = false;
            rx.intake = Some(Box::new(Intake::new(Arc::clone(&stream), opener, surplus, origin)));
            rx.watch = Some(Watch { set, stream, token: self.id });
            rx.begin_watch();
        }
        // What came behind the handshake is in user space, where no descriptor tells of it.
        self.fill(true);
        self.mailbox.post(Signal::Online);
        self.flush_and_arm();
    }

    /// Takes the connection away from whoever drives it. `false`: somebody is in a system call and
    /// will leave [`Errand::Released`]; call again then.
    pub(crate) fn go_offline(&self) -> bool {
        let mut free = true;
        {
            let mut rx = self.rx.lock();
            rx.pause();
            if rx.online && rx.intake.take().is_none() {
                rx.orphaned = true;
                free = false;
            } else {
                rx.online = false;
                rx.watch = None;
            }
        }
        let mut tx = self.tx.lock();
        match tx.line.take() {
            Some(line) => {
                let line = tx.retire(line);
                drop(tx);
                drop(line);
            }
            None if tx.online => {
                tx.orphaned = true;
                free = false;
            }
            None => {}
        }
        free
    }

    /// Why input ended, if it did.
    pub(crate) fn end(&self) -> Option<End> {
        self.rx.lock().end
    }

    /// Whether reading is held back by the high-water mark.
    pub(crate) fn is_paused(&self) -> bool {
        self.rx.lock().paused
    }

    /// Whether something came since the last call.
    pub(crate) fn take_seen(&self) -> bool {
        self.seen.swap(false, Ordering::Relaxed)
    }

    /// The time-to-live the peer's PING asked for, if one came since the last call; in milliseconds.
    pub(crate) fn take_peer_ttl_ms(&self) -> Option<u64> {
        self.ping_due.swap(false, Ordering::Relaxed).then(|| self.peer_ttl_ms.load(Ordering::Relaxed))
    }

    /// Sends a PING.
    pub(crate) fn ping(&self, ttl: Duration) {
        self.tx.lock().push_ping(ttl);
        self.flush_and_arm();
    }

    /// The kernel takes output again.
    pub(crate) fn output_ready(&self) {
        {
            let mut tx = self.tx.lock();
            tx.armed = false;
        }
        self.flush_and_arm();
    }

    /// What has been counted over all its connections, and what waits in it now, the socket's share excepted.
    pub(crate) fn books(&self) -> SocketStats {
        let mut books = SocketStats::default();
        {
            let tx = self.tx.lock();
            books.added = tx.greetings;
            books.left = tx.sent;
            books.left_bytes = tx.sent_bytes;
            books.in_doubt = tx.doubt.lost;
            books.dropped = tx.drops;
            books.queued_out = tx.queued;
            books.queued_out_bytes = tx.queued_bytes();
        }
        let rx = self.rx.lock();
        books.arrived = rx.received;
        books.arrived_bytes = rx.received_bytes;
        books.discarded = rx.discards;
        books.queued_in = rx.waiting;
        books.queued_in_bytes = rx.waiting_bytes;
        books
    }

    /// Connections, ever, and how long the present peer took to answer the last PING.
    pub(crate) fn liveness(&self) -> (u64, Option<Duration>) {
        let tx = self.tx.lock();
        (tx.doubt.connections, tx.doubt.round_trip)
    }

    /// Messages that the socket has not taken yet, and messages to be sent.
    pub(crate) fn queued_both(&self) -> (usize, usize) {
        let queued = self.tx.lock().queued;
        let rx = self.rx.lock();
        (rx.waiting, queued)
    }
}

/// The pipe takes no more messages.
pub(crate) struct Closed;

/// What came of taking messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There are none.
    Nothing,
    /// There are some.
    Messages,
    /// There are some, and so many that reading stops until they are consumed.
    AtTheMark,
}

/// A half of a connection while its driver has it out of its lock.
///
/// A panic meanwhile is a bug of ours. It takes the half down with it, and would leave everybody
/// waiting for its return; so it ends the connection.
pub(super) struct Role<'a> {
    pub(super) pipe: &'a WirePipe,
    pub(super) held: Option<Half>,
}

pub(super) enum Half {
    Reading,
    Writing,
}

impl Drop for Role<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(half) = self.held.take() {
            self.pipe.lose(&half);
        }
    }
}

impl WirePipe {
    #[cold]
    fn lose(&self, half: &Half) {
        let token = self.token.load(Ordering::Relaxed);
        match half {
            Half::Reading => self.rx.lock().lose_intake(),
            Half::Writing => self.tx.lock().lose_line(),
        }
        self.desk.leave(Errand::Broken(token));
        // If it was being closed already, that is what the closing waits for.
        self.desk.leave(Errand::Released(token));
    }
}
