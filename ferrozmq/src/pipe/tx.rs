//! The writing half of a pipe to another process.
//!
//! Messages wait in an [`Arena`]; whoever holds the *writer's role* carries them to the kernel. The
//! role is the [`Line`] itself: taken out of [`Tx`] under the lock, put back after the system call,
//! so the lock is never held across one. Who finds the role taken leaves `wanted` behind, and the
//! holder looks again before it lets go.
//!
//! `queued` counts whole messages until their last byte is with the kernel; the high-water mark is
//! compared with it, and nothing else is. Beside it there is a mark of bytes (`max_unsent_bytes`), exceeded by one message at most.

use crate::pipe::arena::{Arena, Batch, Place};
use crate::pipe::codec::Sealer;
use crate::pipe::pace::Pace;
use crate::pipe::through::{EASE_FROM, Tolerance};
use crate::pipe::wire::SHARE_FROM;
use crate::sys::clock;
use crate::transport::Stream;
use bytes::Bytes;
use ferrozmq_proto::loss::{Dropped, Drops};
use ferrozmq_proto::zmtp::Command;
use ferrozmq_proto::zmtp::framing::Flags;
use ferrozmq_proto::{Frame, Message};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A flush writes at most this many bytes before it leaves the rest to the I/O thread.
const FLUSH_MAX: usize = 1024 * 1024;
/// Messages are given another wire form until that has this many bytes: enough for a write, and near enough to the processor.
const SEAL_ENOUGH: usize = 64 * 1024;
/// Buffers that grew beyond this many bytes are given back when they are empty.
const WIRE_KEEP: usize = 512 * 1024;
/// Pieces of one gathering write.
const SLICES_MAX: usize = 64;

/// Answers to a peer's PINGs that wait at most, for a peer that asks and does not read.
const PONGS_MAX: usize = 16;

/// A command on its way to the peer, or the first message of a connection; never counted against the high-water mark.
pub(crate) enum Control {
    /// A whole message of one part, in the pipe format.
    Hello(Vec<u8>),
    Ping {
        ttl: Duration,
        context: Bytes,
    },
    Pong {
        context: Bytes,
    },
    Subscribe {
        topic: Bytes,
        wanted: bool,
    },
}

/// State of the writing half, behind the pipe's `tx` lock.
pub(crate) struct Tx {
    pub(super) arena: Arena,
    pub(super) line: Option<Box<Line>>,
    /// A line exists, here or in somebody's hands.
    pub(super) online: bool,
    pub(super) wanted: bool,
    /// The kernel takes no more for now; `armed`: the I/O thread will hear when it does.
    pub(super) blocked: bool,
    pub(super) armed: bool,
    /// The line is to be given up by whoever holds it.
    pub(super) orphaned: bool,
    pub(super) failed: bool,
    /// Nothing may be queued any more.
    pub(super) closed: bool,
    pub(super) control: VecDeque<Control>,
    pub(super) queued: usize,
    pub(super) hwm: usize,
    /// The mark of bytes beside that of messages.
    bytes_max: usize,
    /// Only the newest message is kept (`ZMQ_CONFLATE`).
    conflate: bool,
    /// The socket wants to hear when there is room.
    pub(super) room_wanted: bool,
    pub(super) pace: Pace,
    pub(super) backstopped: bool,
    /// The I/O thread has been told to write what waits here.
    pub(super) handed_over: bool,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    /// What was dropped here, and by whose will.
    pub(super) drops: Drops,
    pub(super) doubt: Doubt,
    /// Greetings among `sent`.
    pub(super) greetings: u64,
    /// `sent` when a sender last found no room.
    pub(super) sent_when_full: u64,
    /// Version of the subscriptions last replayed to the peer.
    pub(super) subscriptions: u64,
    /// Whether a sender's waits for the kernel pay.
    pub(super) tolerance: Tolerance,
}

impl Tx {
    pub(super) fn new(hwm: usize, conflate: bool) -> Tx {
        Tx {
            arena: Arena::default(),
            line: None,
            online: false,
            wanted: false,
            blocked: false,
            armed: false,
            orphaned: false,
            failed: false,
            closed: false,
            control: VecDeque::new(),
            queued: 0,
            hwm: if conflate { 0 } else { hwm },
            bytes_max: usize::MAX,
            conflate,
            room_wanted: false,
            pace: Pace::new(),
            backstopped: false,
            handed_over: false,
            sent: 0,
            sent_bytes: 0,
            drops: Drops::default(),
            doubt: Doubt::default(),
            greetings: 0,
            sent_when_full: 0,
            subscriptions: 0,
            tolerance: Tolerance::new(),
        }
    }

    /// Changes the high-water mark; a pipe that keeps only the newest message has none.
    pub(super) fn set_hwm(&mut self, hwm: usize) {
        self.hwm = if self.conflate { 0 } else { hwm };
    }

    /// Changes the mark of bytes, likewise.
    pub(super) fn set_bytes_max(&mut self, bytes: usize) {
        // One message is let through in any case.
        self.bytes_max = if self.conflate { usize::MAX } else { bytes.max(1) };
    }

    /// Messages that may be queued now, if none of them has a part of [`SHARE_FROM`] bytes; after one that has it is to be asked again.
    #[inline]
    pub(super) fn room(&self) -> usize {
        let light = match self.bytes_max {
            usize::MAX => usize::MAX,
            most => most.saturating_sub(self.queued_bytes()).div_ceil(SHARE_FROM),
        };
        match (self.closed, self.hwm) {
            (true, _) => 0,
            (false, 0) => light,
            (false, hwm) => hwm.saturating_sub(self.queued).min(light),
        }
    }

    /// Whether so much has left that a waiting sender should hear of it. As in libzmq every half of the mark of messages
    /// tells: were it the queue that has to be half empty, one that a full peer keeps from moving could stay
    /// almost half empty for ever, with its sender asleep.
    pub(super) fn has_new_room(&self) -> bool {
        let half = self.hwm.div_ceil(2).max(1) as u64;
        self.hwm == 0 || self.queued <= self.hwm / 2 || self.sent / half != self.sent_when_full / half
    }

    /// Queues a message; says whether it should be written now.
    #[inline(always)]
    pub(super) fn push(&mut self, message: &Message, envelope: Option<&[Frame]>, share_from: usize) -> bool {
        if self.conflate {
            self.queued -= self.arena.messages();
            self.drops.note(Dropped::Conflated, self.arena.messages() as u64);
            self.arena.clear();
        }
        self.arena.push(message, envelope, share_from);
        self.queued += 1;
        let offline = !self.online || self.failed;
        if offline || (self.blocked && self.armed) {
            return false;
        }
        !self.pace.may_gather(self.arena.len(), clock::now)
    }

    /// Queues copies of messages that have gathered elsewhere; says whether they should be written now.
    pub(super) fn take_over(&mut self, gathered: &Arena) -> bool {
        self.arena.extend(gathered);
        self.queued += gathered.messages();
        self.pace.go_on_gathering();
        let offline = !self.online || self.failed;
        !(offline || self.blocked && self.armed)
    }

    /// The messages that may be queued now if messages gather here, and would gather elsewhere as well.
    pub(super) fn room_to_gather(&self) -> usize {
        let gathers = self.online && !self.failed && !self.conflate && self.pace.is_streaming();
        if gathers { self.room() } else { 0 }
    }

    /// Whether to queue it is all there is to do with a message of one part of `len` bytes that comes next.
    #[inline(always)]
    pub(super) fn may_append(&mut self, len: usize) -> bool {
        if self.closed || self.conflate {
            return false;
        }
        self.blocked && self.armed && (len < EASE_FROM || !self.is_deep())
            || self.backstopped && self.pace.may_gather(self.arena.len(), clock::now)
    }

    /// Queues a message of one part, a copy of `body`, for which [`may_append`](Self::may_append) has said so.
    #[inline(always)]
    pub(super) fn append(&mut self, body: &[u8]) {
        self.arena.push_copied(body);
        self.queued += 1;
    }

    /// Whether what is queued may wait for what the sender will add at once.
    pub(super) fn may_hold(&self) -> bool {
        let few = self.arena.len() < Pace::BATCH_MIN;
        self.online && !self.failed && !self.conflate && few && !self.pace.is_streaming()
    }

    /// Whether more waits for the kernel than it takes at once.
    pub(super) fn is_deep(&self) -> bool {
        self.blocked && self.arena.len() >= Line::WRITE_MAX
    }

    /// The writer's role, if a message may be written now before anything is queued.
    pub(super) fn take_clear_line(&mut self) -> Option<Box<Line>> {
        let clear = self.online
            && !(self.failed || self.orphaned || self.closed || self.conflate || self.blocked)
            && self.arena.is_empty()
            && self.control.is_empty();
        let line = self.line.take_if(|line| clear && line.sealer.passes_through() && !line.has_output())?;
        self.wanted = false;
        Some(line)
    }

    /// Queues a command. Of the PONGs that wait, the latest [`PONGS_MAX`] stay.
    pub(super) fn push_control(&mut self, control: Control) {
        let is_pong = |control: &Control| matches!(control, Control::Pong { .. });
        if is_pong(&control) && self.control.iter().filter(|waiting| is_pong(waiting)).count() >= PONGS_MAX {
            let oldest = self.control.iter().position(is_pong);
            oldest.and_then(|oldest| self.control.remove(oldest));
        }
        if let Control::Hello(_) = control {
            self.sent += 1;
            self.greetings += 1;
        }
        self.control.push_back(control);
        self.wanted = true;
    }

    /// Queues a PING, whose answer will tell what has arrived.
    pub(super) fn push_ping(&mut self, ttl: Duration) {
        let context = self.doubt.next_context();
        self.push_control(Control::Ping { ttl, context });
    }

    /// Notes that `count` messages are wholly with the kernel.
    pub(super) fn sent_messages(&mut self, count: usize) {
        // A closed pipe has given up all it had, even what somebody was writing.
        if !self.closed {
            self.sent += count as u64;
            self.queued -= count;
        }
    }

    /// Takes no more messages, and gives up what it has. That is to be dropped when the lock is open: its owners may have
    /// something to say to it.
    pub(super) fn close(&mut self, why: Dropped) -> Arena {
        self.closed = true;
        self.withdraw(why)
    }

    /// Gives up what it has, as [`close`](Self::close) does.
    pub(super) fn withdraw(&mut self, why: Dropped) -> Arena {
        self.drops.note(why, std::mem::take(&mut self.queued) as u64);
        std::mem::take(&mut self.arena)
    }

    /// A connection begins.
    pub(super) fn go_online(&mut self, line: Box<Line>) {
        self.online = true;
        self.line = Some(line);
        self.doubt.begin(self.sent);
    }

    /// Whether there is something that no writer has taken over.
    #[inline]
    pub(super) fn has_new(&self) -> bool {
        !self.arena.is_empty() || !self.control.is_empty()
    }

    /// Whether anything waits to be written; `true` while somebody is writing.
    pub(super) fn has_output(&self) -> bool {
        self.has_new()
            || match &self.line {
                Some(line) => line.has_output(),
                None => self.online,
            }
    }

    /// Bytes of messages that wait here; what somebody is writing just now is not among them.
    pub(super) fn queued_bytes(&self) -> usize {
        self.arena.len() + self.line.as_ref().map_or(0, |line| line.batch.untaken())
    }

    /// The writer's role is lost with whoever held it, and with it what was on its way into the connection.
    pub(super) fn lose_line(&mut self) {
        if !self.closed {
            self.drops.note(Dropped::Disconnected, (self.queued - self.arena.messages()) as u64);
            self.queued = self.arena.messages();
        }
        self.reset();
    }

    /// Gives up `line`: what it had not wholly sent returns to the arena. It is to be dropped when the lock is open.
    #[must_use]
    pub(super) fn retire(&mut self, mut line: Box<Line>) -> Box<Line> {
        if !self.closed {
            line.batch.give_back(&mut self.arena);
        }
        self.reset();
        line
    }

    /// There is no connection.
    fn reset(&mut self) {
        if self.online {
            self.doubt.end(self.sent);
        }
        self.control.clear();
        self.online = false;
        self.blocked = false;
        self.armed = false;
        self.failed = false;
        self.orphaned = false;
        self.pace = Pace::new();
    }
}

/// What of that which was handed to the kernel may not have reached the peer.
///
/// A peer answers a PING after it has read all that was sent before it. Of what was sent later nobody knows, once the
/// connection is lost.
#[derive(Default)]
pub(super) struct Doubt {
    /// Messages that were in doubt when their connections were lost.
    pub(super) lost: u64,
    /// Messages sent, ever, up to which nothing is in doubt.
    certain: u64,
    /// The connection is ended by this side, with everything written.
    orderly: bool,
    contexts: u32,
    /// The PING whose answer is awaited, and the messages sent before it.
    pinged: Option<(u32, Instant, u64)>,
    /// Connections, ever.
    pub(super) connections: u64,
    /// How long the last answer took.
    pub(super) round_trip: Option<Duration>,
}

impl Doubt {
    fn begin(&mut self, sent: u64) {
        self.connections += 1;
        self.certain = sent;
        self.pinged = None;
        self.orderly = false;
        self.round_trip = None;
    }

    fn end(&mut self, sent: u64) {
        if !self.orderly {
            self.lost += sent - self.certain;
        }
        self.certain = sent;
    }

    /// This side ends the connection, and all is written.
    pub(super) fn part(&mut self) {
        self.orderly = true;
    }

    fn next_context(&mut self) -> Bytes {
        self.contexts = self.contexts.wrapping_add(1);
        Bytes::copy_from_slice(&self.contexts.to_be_bytes())
    }

    fn pinged(&mut self, context: &[u8], sent: u64) {
        if let (None, Ok(context)) = (self.pinged, context.try_into()) {
            self.pinged = Some((u32::from_be_bytes(context), clock::now(), sent));
        }
    }

    /// The peer has answered the PING with this context. (libzmq before 4.3 answers without one, and tells nothing.)
    pub(super) fn ponged(&mut self, context: &[u8]) {
        let Ok(context) = context.try_into().map(u32::from_be_bytes) else { return };
        let Some((awaited, at, sent)) = self.pinged else { return };
        if context == awaited {
            self.round_trip = Some(clock::now().saturating_duration_since(at));
        }
        // A later one than the awaited says as much about what was sent before it.
        if context >= awaited && context <= self.contexts {
            self.certain = sent;
            self.pinged = None;
        }
    }
}

/// A connection's writing side and what is on its way into it: the writer's role.
pub(crate) struct Line {
    stream: Arc<Stream>,
    sealer: Sealer,
    batch: Batch,
    /// Wire bytes made from commands, or from messages in other wire forms.
    wire: Vec<u8>,
    wire_taken: usize,
    /// The messages that `wire` holds in another wire form: where each ends there, and its length in the batch.
    sealed: VecDeque<(usize, usize)>,
}

impl Line {
    /// One system call writes at most this many bytes, so that a sender is not kept from its work.
    pub(super) const WRITE_MAX: usize = 256 * 1024;

    pub(super) fn new(stream: Arc<Stream>, sealer: Sealer) -> Line {
        Line {
            stream,
            sealer,
            batch: Batch::default(),
            wire: Vec::new(),
            wire_taken: 0,
            sealed: VecDeque::new(),
        }
    }

    pub(super) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    fn has_output(&self) -> bool {
        self.wire_taken < self.wire.len() || !self.batch.is_empty()
    }

    /// Whether it has nothing to write, and nothing to tidy up behind what it has written.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.wire.is_empty() && self.batch.is_empty()
    }

    /// Takes over what waits in `tx`, and says whether there is anything to write.
    pub(super) fn load(&mut self, tx: &mut Tx) -> bool {
        if self.wire_taken < self.wire.len() {
            return true;
        }
        self.empty_wire();
        if self.batch.is_empty() && !tx.arena.is_empty() {
            self.batch.load(&mut tx.arena);
        }
        // Commands go between messages only.
        if !tx.control.is_empty() && self.batch.at_boundary() {
            while let Some(control) = tx.control.pop_front() {
                if let Control::Ping { context, .. } = &control {
                    tx.doubt.pinged(context, tx.sent);
                }
                self.encode(&control);
            }
        }
        if self.wire.is_empty() && !self.sealer.is_plain() {
            tx.sent_messages(self.seal());
        }
        self.has_output()
    }

    fn encode(&mut self, control: &Control) {
        let command = match control {
            Control::Hello(message) => return self.sealer.seal(message, &mut self.wire),
            Control::Ping { ttl, context } => Command::Ping { ttl: *ttl, context },
            Control::Pong { context } => Command::Pong { context },
            Control::Subscribe { topic, wanted: true } => Command::Subscribe(topic),
            Control::Subscribe { topic, wanted: false } => Command::Cancel(topic),
        };
        self.sealer.command(&command, &mut self.wire);
    }

    /// Makes the wire forms of the next messages; their plain forms stay in the batch until their last wire bytes
    /// are taken. Returns how many messages without any wire form (a STREAM's empty body) were passed over.
    fn seal(&mut self) -> usize {
        if self.batch.is_empty() {
            return 0;
        }
        let mut next = self.batch.next_unsent();
        while self.wire.len() < SEAL_ENOUGH {
            let Some(len) = self.seal_message(&mut next) else { break };
            self.sealed.push_back((self.wire.len(), len));
        }
        self.settle()
    }

    /// Makes the wire form of the message at `at`, which moves behind it; its length in the batch.
    fn seal_message(&mut self, at: &mut Place) -> Option<usize> {
        let start = at.offset();
        loop {
            let (flags, body) = self.batch.frame_at(at)?;
            self.sealer.seal_frame(flags, body, &mut self.wire);
            if !flags.more() {
                return Some(at.offset() - start);
            }
        }
    }

    /// Makes the wire form of a message of one part, if it has one of its own; nothing else is here to be written.
    pub(super) fn seal_alone(&mut self, body: &[u8]) -> Option<(&[u8], &Arc<Stream>)> {
        if self.sealer.is_plain() {
            return None;
        }
        self.empty_wire();
        self.sealer.seal_frame(Flags::default(), body, &mut self.wire);
        Some((&self.wire, &self.stream))
    }

    /// What the wire held is taken.
    pub(super) fn empty_wire(&mut self) {
        self.wire.clear();
        if self.wire.capacity() > WIRE_KEEP {
            self.wire = Vec::new();
        }
        self.wire_taken = 0;
    }

    /// Lets go of the messages whose wire forms are taken; says how many.
    fn settle(&mut self) -> usize {
        let mut done = 0;
        while let Some((end, len)) = self.sealed.front().copied() {
            if end > self.wire_taken {
                break;
            }
            self.sealed.pop_front();
            done += self.batch.advance(len);
        }
        done
    }

    /// Keeps a copy of a message of one part, of whose wire form the kernel has taken so many bytes; nothing else is here to be
    /// written.
    pub(super) fn keep(&mut self, body: &[u8], taken: usize) {
        let mut arena = Arena::default();
        arena.push(&Message::from(Bytes::copy_from_slice(body)), None, 0);
        self.batch.load(&mut arena);
        if self.sealer.is_plain() {
            self.batch.advance(taken);
        } else {
            self.sealed.push_back((self.wire.len(), self.batch.untaken()));
            self.wire_written(taken);
        }
    }

    /// One write; returns the bytes taken and the messages completed. `stop_at_boundary`: commands wait.
    pub(super) fn write(&mut self, stop_at_boundary: bool) -> io::Result<(usize, usize)> {
        if self.wire_taken < self.wire.len() {
            let taken = self.stream.send(&self.wire[self.wire_taken..])?;
            return Ok((taken, self.wire_written(taken)));
        }
        let budget = match (stop_at_boundary, self.batch.to_boundary()) {
            (true, rest) if rest > 0 => rest.min(Line::WRITE_MAX),
            _ => Line::WRITE_MAX,
        };
        #[cfg(test)]
        self.batch
            .only_slice(budget)
            .iter()
            .for_each(|piece| crate::fault::trip(crate::fault::WRITING, piece));
        let taken = match self.batch.only_slice(budget) {
            Some(piece) => self.stream.send(piece)?,
            None => {
                let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(SLICES_MAX);
                self.batch.slices(budget, SLICES_MAX, &mut slices);
                self.stream.send_vectored(&slices)?
            }
        };
        Ok((taken, self.batch.advance(taken)))
    }

    fn wire_written(&mut self, taken: usize) -> usize {
        self.wire_taken += taken;
        self.settle()
    }

    /// Whether a flush that has written `bytes` should leave the rest to the I/O thread.
    pub(super) fn is_enough(bytes: usize) -> bool {
        bytes >= FLUSH_MAX
    }
}
