//! A pipe between two sockets of one context: a ring in each direction.
//!
//! Each end belongs to one socket and is used under that socket's guard, so each ring has one
//! producer and one consumer. A reader that found its ring empty says so in `starving`, a writer
//! that found it full in `stalled`; the other side looks at these words after every message, and
//! posts one signal when it finds one set. The heavy half of the barrier between the two is paid
//! by whoever is about to sleep ([`barrier`]).
//!
//! A pipe that keeps only the newest message (`ZMQ_CONFLATE`) has a cell per direction instead.
//!
//! Invariant: a ring's items are whole messages; what was pushed before an end was dropped can
//! still be read.

use crate::pipe::errand::{Desk, Errand};
use crate::pipe::ledger::SocketStats;
use crate::pipe::ring::{self, Consumer, Producer, Record};
use crate::pipe::signal::{Mailbox, Signal};
use crate::pipe::wire::new_pipe_id;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, Padded, barrier};
use bytes::Bytes;
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::{Frame, Message, SocketType};
use std::sync::{Arc, OnceLock};

/// One socket's end of the pipe.
pub(crate) struct InprocEnd {
    id: u64,
    side: usize,
    out: Producer<Message>,
    inp: Consumer<Message>,
    link: Arc<Link>,
    /// Only the newest message is kept (`ZMQ_CONFLATE`), here or at the other end.
    conflate: bool,
    /// Messages taken where only the newest is kept, and greetings sent.
    taken: u64,
    greetings: u64,
    /// Of the messages in the rings, those that others count. The short way counts none: where the rings are says how many took it.
    pushed_elsewhere: u64,
    popped_elsewhere: u64,
    /// Messages taken back before anybody had bound the name: of those sent here, and of those for here.
    withdrawn: Load,
    unheard: Load,
    /// The peer is gone: no more input will come than is there.
    pub(crate) ended: bool,
    pub(crate) routing_id: Bytes,
    pub(crate) peer_routing_id: Bytes,
}

/// So many messages, and the bytes of their bodies.
#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    messages: u64,
    bytes: u64,
}

struct Link {
    sides: [Side; 2],
    /// One end wants only the newest message: it waits in the receiving side's cell, not in the ring.
    conflate: AtomicBool,
}

struct Side {
    id: u64,
    /// Where this side is told of things; unset until somebody binds.
    told: OnceLock<Told>,
    /// What came before that.
    backlog: Mutex<Backlog>,
    /// This side's own marks; [`UNKNOWN`] until somebody binds.
    sndhwm: AtomicUsize,
    rcvhwm: AtomicUsize,
    /// The newest message for this side, of a pipe that keeps only that.
    cell: Mutex<Cell>,
    /// How many messages had come when this side's end was given up; [`NOT_YET`] before.
    heard: AtomicU64,
    starving: AtomicBool,
    stalled: AtomicBool,
    /// Bytes of the bodies of all messages pushed here, ever. Written by this side alone, in a cache line of its own: at the others the
    /// other side looks for every message.
    pushed_bytes: Padded<AtomicU64>,
}

/// Bytes of the newest message for this side, where only that is kept.
fn newest_bytes(side: &Side) -> usize {
    side.cell.lock().newest.as_ref().map_or(0, Message::size)
}

/// Whom a side's news are for.
pub(crate) enum Told {
    /// A socket.
    Socket(Arc<Mailbox>),
    /// A handshake that asks a socket something: the connection with this token, of the I/O thread at this desk.
    Handshake(Arc<Desk>, u64),
}

impl Told {
    fn post(&self, signal: Signal) {
        match self {
            Told::Socket(mailbox) => mailbox.post(signal),
            Told::Handshake(desk, token) => {
                // One that nobody answers any more has a deadline.
                if let Signal::Readable(_) = signal {
                    desk.leave(Errand::Answered(*token));
                }
            }
        }
    }
}

/// A queue of one message, and how many were ever put into it.
#[derive(Default)]
struct Cell {
    newest: Option<Message>,
    stored: u64,
}

const NOT_YET: u64 = u64::MAX;

/// For whoever binds the address.
#[derive(Default)]
struct Backlog {
    subscriptions: Vec<(Bytes, bool)>,
    /// The connecting end is gone already.
    ended: bool,
}

/// Bodies up to this length, in bytes, are copied into the ring and out of it.
const COPIED_MAX: usize = ring::BYTES_MAX;

/// Bytes of the bodies of a message that waits.
fn size(waiting: Record<'_, &Message>) -> usize {
    match waiting {
        Record::Bytes(body) => body.len(),
        Record::Item(message) => message.size(),
    }
}

/// A mark of a side that nobody has bound yet.
const UNKNOWN: usize = usize::MAX;

impl Side {
    fn new() -> Side {
        Side {
            id: new_pipe_id(),
            told: OnceLock::new(),
            backlog: Mutex::default(),
            sndhwm: AtomicUsize::new(UNKNOWN),
            rcvhwm: AtomicUsize::new(UNKNOWN),
            cell: Mutex::default(),
            heard: AtomicU64::new(NOT_YET),
            starving: AtomicBool::new(true),
            stalled: AtomicBool::new(false),
            pushed_bytes: Padded(AtomicU64::new(0)),
        }
    }

    fn set_hwm(&self, sndhwm: usize, rcvhwm: usize) {
        self.sndhwm.store(sndhwm, Ordering::Relaxed);
        self.rcvhwm.store(rcvhwm, Ordering::Relaxed);
    }

    fn post(&self, signal: Signal) {
        if let Some(told) = self.told.get() {
            told.post(signal);
        }
    }
}

/// What each socket brings to a pipe.
pub(crate) struct Party {
    pub(crate) kind: SocketType,
    pub(crate) sndhwm: usize,
    pub(crate) rcvhwm: usize,
    pub(crate) conflate: bool,
    pub(crate) routing_id: Bytes,
    /// What the other side is sent first.
    pub(crate) hello: Option<Bytes>,
}

/// libzmq adds the sender's and the receiver's marks; no mark on either side means none. Before
/// there is a receiver, the sender's holds alone.
fn joint_hwm(sndhwm: usize, rcvhwm: usize) -> usize {
    match (sndhwm, rcvhwm) {
        (0, _) | (_, 0) => 0,
        (out, UNKNOWN) => out,
        (out, inp) => out.saturating_add(inp),
    }
}

/// Makes a pipe: the connecting side's end, and the other's, which is not bound yet.
pub(crate) fn pair(connecting: &Party, told: Told) -> (InprocEnd, Unbound) {
    let (out_a, inp_b) = ring::ring();
    let (out_b, inp_a) = ring::ring();
    let conflate = AtomicBool::new(connecting.conflate);
    let link = Arc::new(Link { sides: [Side::new(), Side::new()], conflate });
    let _ = link.sides[0].told.set(told);
    link.sides[0].set_hwm(connecting.sndhwm, connecting.rcvhwm);
    let mut near = InprocEnd {
        id: link.sides[0].id,
        side: 0,
        out: out_a,
        inp: inp_a,
        link: Arc::clone(&link),
        conflate: connecting.conflate,
        taken: 0,
        greetings: 0,
        pushed_elsewhere: 0,
        popped_elsewhere: 0,
        withdrawn: Load::default(),
        unheard: Load::default(),
        ended: false,
        routing_id: connecting.routing_id.clone(),
        peer_routing_id: Bytes::new(),
    };
    let far = InprocEnd {
        id: link.sides[1].id,
        side: 1,
        out: out_b,
        inp: inp_b,
        link,
        conflate: connecting.conflate,
        taken: 0,
        greetings: 0,
        pushed_elsewhere: 0,
        popped_elsewhere: 0,
        withdrawn: Load::default(),
        unheard: Load::default(),
        ended: false,
        routing_id: Bytes::new(),
        peer_routing_id: connecting.routing_id.clone(),
    };
    near.say_hello(connecting);
    (near, Unbound { far })
}

/// The far end of a pipe whose address nobody has bound yet.
pub(crate) struct Unbound {
    far: InprocEnd,
}

impl Unbound {
    /// Takes back what was sent at the other end, if that is `near`.
    pub(crate) fn withdraw(&mut self, near: u64) -> Option<Load> {
        if self.far.far().id != near {
            return None;
        }
        let mut taken = Load::default();
        let mut message = Message::new();
        while self.far.take(&mut message) {
            taken.messages += 1;
            taken.bytes += message.size() as u64;
        }
        self.far.unheard.messages += taken.messages;
        self.far.unheard.bytes += taken.bytes;
        self.far.popped_elsewhere += taken.messages;
        Some(taken)
    }

    /// Gives the far end to the socket that bound the address.
    pub(crate) fn bind(mut self, binding: &Party, mailbox: &Arc<Mailbox>) {
        let link = Arc::clone(&self.far.link);
        let [near, far] = &link.sides;
        far.set_hwm(binding.sndhwm, binding.rcvhwm);
        if binding.conflate {
            link.conflate.store(true, Ordering::Release);
            self.far.conflate = true;
        }
        self.far.routing_id = binding.routing_id.clone();
        self.far.say_hello(binding);
        mailbox.post(Signal::AttachInproc(Box::new(self.far)));
        // Under the backlog's lock, so that a subscription is either in it or finds the mailbox.
        let mut backlog = far.backlog.lock();
        for (topic, wanted) in backlog.subscriptions.drain(..) {
            mailbox.post(Signal::Subscription { pipe: far.id, topic, wanted });
        }
        if backlog.ended {
            mailbox.post(Signal::Ended(far.id));
        }
        let _ = far.told.set(Told::Socket(Arc::clone(mailbox)));
        drop(backlog);
        near.post(Signal::InprocBound { pipe: near.id, routing_id: binding.routing_id.clone() });
    }
}

impl InprocEnd {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    fn near(&self) -> &Side {
        &self.link.sides[self.side]
    }

    fn far(&self) -> &Side {
        &self.link.sides[1 - self.side]
    }

    /// Whether it keeps the newest message only.
    pub(crate) fn conflates(&self) -> bool {
        self.conflate
    }

    /// Changes this side's marks; they hold from the next message on.
    pub(crate) fn set_hwm(&self, sndhwm: usize, rcvhwm: usize) {
        self.near().set_hwm(sndhwm, rcvhwm);
        // A peer that found the pipe full looks again.
        self.tell_of_room();
    }

    /// There may be room that was not there before: tells the peer if it waits for it.
    #[inline]
    fn tell_of_room(&self) {
        barrier::light();
        let far = self.far();
        // The load first: an exchange for every message would cost, and loom does not order an exchange
        // that changes nothing against a rival store.
        if far.stalled.load(Ordering::Relaxed) && far.stalled.swap(false, Ordering::AcqRel) {
            far.post(Signal::Writable(far.id));
        }
    }

    /// The address was bound: what the other side wants holds here too.
    pub(crate) fn bound(&mut self) {
        self.conflate = self.link.conflate.load(Ordering::Acquire);
    }

    /// Most messages that may wait in the outgoing ring; 0 for any number.
    #[inline]
    fn hwm(&self) -> usize {
        joint_hwm(self.near().sndhwm.load(Ordering::Relaxed), self.far().rcvhwm.load(Ordering::Relaxed))
    }

    /// Whether one more message may be pushed now.
    #[inline(never)]
    pub(crate) fn room(&mut self) -> bool {
        self.conflate || self.out.room(self.hwm())
    }

    /// Has the peer tell us when there is room. `false`: there is already.
    pub(crate) fn announce_stalled(&mut self) -> bool {
        self.near().stalled.store(true, Ordering::Relaxed);
        barrier::heavy();
        let full = !self.out.room(self.hwm());
        if !full {
            self.near().stalled.store(false, Ordering::Relaxed);
        }
        full
    }

    fn say_hello(&mut self, party: &Party) {
        if let Some(hello) = &party.hello {
            self.push(Message::from(hello.clone()));
            self.greetings += 1;
        }
    }

    /// Queues a message for the peer.
    #[inline(never)]
    pub(crate) fn push(&mut self, message: Message) {
        self.note_pushed(message.size());
        if self.conflate {
            let mut cell = self.far().cell.lock();
            let older = cell.newest.replace(message);
            cell.stored += 1;
            drop(cell);
            // Its owner may have something to say to it.
            drop(older);
        } else {
            self.out.push(message);
            self.pushed_elsewhere += 1;
        }
        self.tell_of_input();
    }

    /// Queues a copy of a message for the peer.
    pub(crate) fn push_copy(&mut self, message: &Message) {
        if !self.push_short(message) {
            self.push(message.clone());
        }
    }

    /// Queues a copy of a message that is cheaper to copy than to hand over; `false` of any other one.
    pub(crate) fn push_short(&mut self, message: &Message) -> bool {
        match message.copyable() {
            // The ring does not know where a message came from.
            Some(body) if !self.conflate && body.len() <= COPIED_MAX && message.origin() == 0 => {
                self.put(body);
                self.pushed_elsewhere += 1;
                true
            }
            _ => false,
        }
    }

    /// Has the processor fetch what a push will write.
    #[inline]
    pub(crate) fn expect_push(&self) {
        self.out.expect_push();
    }

    /// Queues a message of one part, a copy of `body`, if there is room and nothing to decide; else does nothing.
    #[inline]
    pub(crate) fn append(&mut self, body: &[u8]) -> bool {
        if self.conflate || body.len() > COPIED_MAX || !self.out.room(self.hwm()) {
            return false;
        }
        self.put(body);
        true
    }

    /// Queues a message of one part, a copy of `body`.
    #[inline(always)]
    fn put(&mut self, body: &[u8]) {
        self.note_pushed(body.len());
        self.out.push_bytes(body);
        self.tell_of_input();
    }

    /// Before the message is published: whoever has popped it has seen this.
    #[inline(always)]
    fn note_pushed(&self, bytes: usize) {
        let sum = &self.near().pushed_bytes;
        sum.store(sum.load(Ordering::Relaxed).wrapping_add(bytes as u64), Ordering::Relaxed);
    }

    /// There is a message that was not there before: tells the peer if it waits for one.
    #[inline(always)]
    fn tell_of_input(&self) {
        barrier::light();
        if self.far().starving.load(Ordering::Relaxed) {
            self.feed();
        }
    }

    #[cold]
    fn feed(&self) {
        let far = self.far();
        // The word stays until there is somebody to tell. Taken back without a signal, it could be the
        // announcement of a socket that has just bound and whose mailbox is not seen here yet.
        if far.told.get().is_some() && far.starving.swap(false, Ordering::AcqRel) {
            far.post(Signal::Readable(far.id));
        }
    }

    /// Puts the next message into `into`.
    #[inline(never)]
    pub(crate) fn pop(&mut self, into: &mut Message) -> bool {
        if self.conflate {
            let newest = self.newest();
            self.taken += u64::from(newest.is_some());
            self.tell_of_credit();
            return newest.map(|message| *into = message).is_some();
        }
        let got = self.take(into);
        self.popped_elsewhere += u64::from(got);
        got
    }

    /// The same where all messages are kept.
    #[inline(always)]
    pub(crate) fn take(&mut self, into: &mut Message) -> bool {
        let got = self.inp.pop_with(|record| match record {
            Record::Bytes(body) => into.set_copied(body),
            Record::Item(message) => *into = message,
        });
        self.tell_of_credit();
        got.is_some()
    }

    /// The same for a message of a single short part, whose length it gives; any other one stays where it is.
    #[inline(always)]
    pub(crate) fn take_part(&mut self, into: &mut Frame) -> Option<usize> {
        let len = self.inp.pop_bytes(|body| {
            into.copy_from(body);
            body.len()
        });
        self.tell_of_credit();
        len
    }

    /// The same, its body given to `act`.
    #[inline(always)]
    pub(crate) fn take_short<R>(&mut self, act: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let taken = self.inp.pop_bytes(act);
        self.tell_of_credit();
        taken
    }

    #[inline(always)]
    fn tell_of_credit(&mut self) {
        if self.inp.take_credit_released() {
            self.tell_of_room();
        }
    }

    /// The newest message; what was queued before both ends knew of each other is older.
    fn newest(&mut self) -> Option<Message> {
        let mut queued = None;
        let mut message = Message::new();
        while self.take(&mut message) {
            queued = Some(std::mem::take(&mut message));
            self.popped_elsewhere += 1;
        }
        self.near().cell.lock().newest.take().or(queued)
    }

    /// Whether there is something to read now.
    #[inline]
    pub(crate) fn has_input(&mut self) -> bool {
        !self.inp.is_empty() || self.conflate && self.near().cell.lock().newest.is_some()
    }

    /// Says that this end is empty and wants a signal. The caller pays one [`barrier::heavy`]
    /// for all its ends, and then looks at [`has_input`](Self::has_input) again.
    pub(crate) fn announce_starving(&self) {
        self.near().starving.store(true, Ordering::Relaxed);
    }

    /// Messages waiting to be read, and messages the peer has not read yet.
    pub(crate) fn queued(&mut self) -> (usize, usize) {
        let newest = |side: &Side| usize::from(self.conflate && side.cell.lock().newest.is_some());
        let (inward, outward) = (newest(self.near()), newest(self.far()));
        (self.inp.len() + inward, self.out.len() + outward)
    }

    /// Messages pushed here, and by the peer, ever.
    fn pushed(&self) -> (u64, u64) {
        let stored = |side: &Side| if self.conflate { side.cell.lock().stored } else { 0 };
        let (inward, outward) = (stored(self.near()), stored(self.far()));
        (self.out.pushed() as u64 + outward, self.inp.pushed() as u64 + inward)
    }

    /// So many messages sent here were taken back ([`Unbound::withdraw`]).
    pub(crate) fn note_withdrawn(&mut self, taken: Load) {
        self.withdrawn.messages += taken.messages;
        self.withdrawn.bytes += taken.bytes;
    }

    /// Whether what waits here is what its socket was told to send, and nothing else.
    pub(crate) fn may_withdraw(&self) -> bool {
        self.greetings == 0 && !self.conflate
    }

    /// Messages that have gone through here, ever: in, and out.
    pub(crate) fn moved(&self) -> (u64, u64) {
        (self.inp.popped() as u64, self.out.pushed() as u64)
    }

    /// What has been counted, and waits here, with what was sent and received by the short way, which nobody else counts. What was
    /// pushed is with the peer, unless nobody has bound the name.
    pub(crate) fn books(&mut self) -> SocketStats {
        let (queued_in, unread) = self.queued();
        let (pushed, arrived) = self.pushed();
        let arrived = arrived - self.unheard.messages;
        let queued_out = if self.far().told.get().is_none() { unread } else { 0 };
        let pushed_bytes = |side: &Side| side.pushed_bytes.load(Ordering::Relaxed);
        let sent_bytes = pushed_bytes(self.near()) - self.withdrawn.bytes;
        let arrived_bytes = pushed_bytes(self.far()) - self.unheard.bytes;
        let (queued_in_bytes, unread_bytes) = match self.conflate {
            true => (newest_bytes(self.near()), newest_bytes(self.far()) as u64),
            false => (self.inp.waiting().map(size).sum(), sent_bytes),
        };
        let queued_out_bytes = if queued_out > 0 { unread_bytes } else { 0 };
        let mut books = SocketStats {
            sent: self.out.pushed() as u64 - self.pushed_elsewhere,
            received: self.inp.popped() as u64 - self.popped_elsewhere,
            added: self.greetings,
            left: pushed - self.withdrawn.messages - queued_out as u64,
            left_bytes: sent_bytes - queued_out_bytes,
            queued_out,
            queued_out_bytes: queued_out_bytes as usize,
            arrived,
            arrived_bytes,
            queued_in,
            queued_in_bytes,
            ..SocketStats::default()
        };
        books.dropped.note(Dropped::Withdrawn, self.withdrawn.messages);
        if self.conflate {
            books.discarded.note(Discarded::Conflated, arrived.saturating_sub(self.taken + queued_in as u64));
        }
        books
    }

    /// The socket lets go of this end: what has been counted, with all that remains in it accounted for.
    pub(crate) fn settle(&mut self) -> SocketStats {
        // One end after the other: what is pushed while the other end goes is the receiver's or the sender's to
        // account for, never nobody's.
        let link = Arc::clone(&self.link);
        let _turn = link.sides[0].backlog.lock();
        let mut books = self.books();
        books.discarded.note(Discarded::Closed, std::mem::take(&mut books.queued_in) as u64);
        books.queued_in_bytes = 0;
        self.near().heard.store(books.arrived, Ordering::Relaxed);
        // Whoever binds the name may still receive them.
        books.in_doubt = std::mem::take(&mut books.queued_out) as u64;
        books.left += books.in_doubt;
        books.left_bytes += std::mem::take(&mut books.queued_out_bytes) as u64;
        let heard = self.far().heard.load(Ordering::Relaxed);
        if heard != NOT_YET {
            let unheard = books.left.saturating_sub(heard);
            books.left -= unheard;
            books.dropped.note(Dropped::Disconnected, unheard);
        }
        books
    }

    /// Tells the peer about a subscription.
    pub(crate) fn subscribe(&self, topic: &[u8], wanted: bool) {
        let far = self.far();
        let topic = Bytes::copy_from_slice(topic);
        let mut backlog = far.backlog.lock();
        if far.told.get().is_some() {
            drop(backlog);
            far.post(Signal::Subscription { pipe: far.id, topic, wanted });
        } else {
            backlog.subscriptions.push((topic, wanted));
        }
    }
}

impl Drop for InprocEnd {
    fn drop(&mut self) {
        let far = self.far();
        let mut backlog = far.backlog.lock();
        let Some(told) = far.told.get() else {
            backlog.ended = true;
            return;
        };
        drop(backlog);
        match (self.near().told.get(), told) {
            // Strangers can cause any number of handshakes: one that is over leaves nothing behind to be noticed.
            (Some(Told::Handshake(..)), Told::Socket(mailbox)) => mailbox.post_withdrawn(far.id),
            _ => told.post(Signal::Ended(far.id)),
        }
    }
}
