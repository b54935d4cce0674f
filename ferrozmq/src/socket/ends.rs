//! A socket's ends of its pipes, and the view of them that a pattern gets.
//!
//! [`Ends`] is used under the socket's guard only. As [`Pipes`](ferrozmq_proto::pattern::Pipes) it decodes input one message at a
//! time and notes which pipes were written, for the caller to flush afterwards.

mod pipes;

use crate::peer::PeerInfo;
use crate::pipe::broadcast::{Broadcast, Gathered};
use crate::pipe::errand::Desk;
use crate::pipe::inproc::InprocEnd;
use crate::pipe::ledger::SocketStats;
use crate::pipe::pace::{Beat, Tempo};
use crate::pipe::rx::Run;
use crate::pipe::subscriptions::Subscriptions;
use crate::pipe::wire::{FANOUT_SHARE_FROM, Handed, SHARE_FROM, Taken, WirePipe};
use crate::sync::Mutex;
use crate::sys::{cache, clock};
use ferrozmq_proto::loss::{Discarded, Discards, Drops};
use ferrozmq_proto::pattern::PipeId;
use ferrozmq_proto::zmtp::framing::Cursor;
use ferrozmq_proto::{Frame, Message};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Where memory is fetched from, in bytes ahead of what is read next: the line behind those of a short message.
const FETCHED_AHEAD: usize = 128;

/// One end of a pipe.
pub(super) enum End {
    Wire(WireEnd),
    Inproc(Box<InprocEnd>),
}

impl End {
    /// Messages that wait to be received and to be sent.
    pub(super) fn queued(&mut self) -> (usize, usize) {
        match self {
            End::Wire(end) => {
                let (waiting, queued) = end.pipe.queued_both();
                (waiting + end.undecoded(), queued)
            }
            End::Inproc(end) => end.queued(),
        }
    }

    /// What is counted in it, and waits in it.
    pub(super) fn books(&mut self) -> SocketStats {
        match self {
            End::Wire(end) => {
                let mut books = end.pipe.books();
                books.queued_in += end.undecoded();
                books.queued_in_bytes += end.undecoded_bytes();
                books.discarded.note(Discarded::Conflated, end.superseded);
                books
            }
            End::Inproc(end) => end.books(),
        }
    }
}

/// The socket's end of a pipe to another process.
#[repr(C)]
pub(super) struct WireEnd {
    // What every message needs, together; see `SocketState`.
    /// Runs taken from the pipe and not decoded yet; `cursor` is in the one before them.
    inbox: VecDeque<Run>,
    cursor: Cursor,
    /// The pipe waits until what was taken has been consumed.
    held_back: bool,
    conflate: bool,
    /// No more input will come after the inbox is empty.
    ended: bool,
    /// Written since it was last known to be flushed.
    dirty: bool,
    /// The present connection has been asked to end.
    hung_up: bool,
    /// Messages that may be written before asking the pipe again.
    credit: usize,
    pub(super) pipe: Arc<WirePipe>,
    pub(super) peer: Option<Arc<PeerInfo>>,
    /// Messages that were taken from the pipe, and gave way to newer ones.
    superseded: u64,
}

impl WireEnd {
    pub(super) fn new(pipe: Arc<WirePipe>, conflate: bool) -> WireEnd {
        WireEnd {
            pipe,
            inbox: VecDeque::new(),
            cursor: Cursor::default(),
            credit: 0,
            dirty: false,
            ended: false,
            held_back: false,
            hung_up: false,
            peer: None,
            conflate,
            superseded: 0,
        }
    }

    /// Queues a message of one part, a copy of `body`, if there is room and nothing to decide; else does nothing.
    #[inline(always)]
    fn append(&mut self, body: &[u8]) -> bool {
        if self.credit > 0 && body.len() < SHARE_FROM && self.pipe.append(body) {
            self.credit -= 1;
            return true;
        }
        false
    }

    /// Has the processor fetch what will be read soon. A thread that reads one message after the other from many peers has so
    /// many buffers that none is near, and no processor finds the pattern in it.
    #[inline(always)]
    fn fetch_ahead(&self) {
        cache::will_read(self.cursor.rest().get(FETCHED_AHEAD));
    }

    /// Puts the next message into `into`.
    #[inline(always)]
    fn read(&mut self, into: &mut Message) -> bool {
        self.fetch_ahead();
        let got = self.cursor.read_message(into);
        if got && !self.conflate && (!self.held_back || self.cursor.remaining() > 0) {
            return true;
        }
        self.read_slowly(got, into)
    }

    /// The same where there is more to do; `got`: a message is in `into` already.
    #[cold]
    fn read_slowly(&mut self, got: bool, into: &mut Message) -> bool {
        let got = got || self.load() && self.cursor.read_message(into);
        while self.conflate
            && got
            && (self.cursor.read_message(into) || self.load() && self.cursor.read_message(into))
        {
            self.superseded += 1;
        }
        self.tell_consumed();
        got
    }

    /// The same, with the envelope taken off; says whether there was one.
    fn read_enveloped(&mut self, envelope: &mut Vec<Frame>, into: &mut Message) -> Option<bool> {
        if self.cursor.remaining() == 0 && !self.load() {
            return None;
        }
        let bare = self.cursor.skip_delimiter();
        let got = self.cursor.read_message(into);
        self.cursor.release_if_read();
        self.tell_consumed();
        got.then(|| bare || into.take_envelope(envelope))
    }

    /// Lets reading go on if it waits until all that was taken has been consumed.
    #[inline(always)]
    fn tell_consumed(&mut self) {
        if self.held_back && self.cursor.remaining() == 0 && self.inbox.is_empty() {
            self.release();
        }
    }

    #[cold]
    fn release(&mut self) {
        self.held_back = false;
        self.pipe.consumed();
    }

    /// Puts the cursor, which is at its end, to the next run.
    fn load(&mut self) -> bool {
        if self.inbox.is_empty() {
            match self.pipe.take(&mut self.inbox) {
                Taken::Nothing => return false,
                Taken::Messages => {}
                Taken::AtTheMark => self.held_back = true,
            }
        }
        let Some(run) = self.inbox.pop_front() else { return false };
        self.cursor = Cursor::new(run.bytes).with_origin(run.origin);
        true
    }

    #[inline(always)]
    fn write(&mut self, message: &Message, envelope: Option<&[Frame]>, share_from: usize) -> Written {
        // What is long is counted by its bytes, too: the pipe has to be asked again.
        let long = message.iter().any(|part| part.len() >= SHARE_FROM);
        self.credit = if long { 0 } else { self.credit.saturating_sub(1) };
        match self.pipe.push(message, envelope, share_from) {
            Ok(true) => Written::FlushNow,
            Ok(false) if self.dirty => Written::Queued,
            Ok(false) => {
                self.dirty = true;
                Written::FlushLater
            }
            Err(_) => Written::Nowhere,
        }
    }

    pub(super) fn set_hwm(&mut self, sndhwm: usize, rcvhwm: usize) {
        self.pipe.set_hwm(sndhwm, rcvhwm);
        // It was granted under the old mark.
        self.credit = 0;
    }

    /// Messages that were taken from the pipe and not decoded yet.
    fn undecoded(&self) -> usize {
        let mut rest = self.cursor.clone();
        let begun = std::iter::from_fn(|| rest.next_message()).count();
        begun + self.inbox.iter().map(|run| run.count).sum::<usize>()
    }

    /// The same in bytes.
    fn undecoded_bytes(&self) -> usize {
        self.cursor.remaining() + self.inbox.iter().map(|run| run.bytes.len()).sum::<usize>()
    }

    fn room(&mut self) -> bool {
        if self.credit == 0 {
            self.credit = self.pipe.room();
            if self.credit == 0 {
                // What blocks or drops at the mark first does what it can to get below it.
                self.pipe.flush_and_arm();
                self.credit = self.pipe.room();
            }
        }
        self.credit > 0
    }
}

/// A message that goes to more peers than this is written by the I/O threads, unless messages follow each other so fast
/// that they gather: a system call for each peer would hold the sender up for longer than it takes to wake a thread.
const DIRECT_MAX: usize = 4;

/// Messages to all peers gather for all of them at once if each has room for so many.
const GATHERED_MIN: usize = 64;

/// A queue in front of all pipes, for as long as every message goes to each.
struct ToAll {
    broadcast: Arc<Broadcast>,
    /// The pipes, in the queue's order.
    pipes: Vec<PipeId>,
    /// For how many more messages each of them has room.
    room: usize,
}

/// What became of a message that was written to a pipe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// It is queued, and that is known already.
    Queued,
    /// It wants to be flushed at the end of this call.
    FlushNow,
    /// It is the first that may wait for the next flush.
    FlushLater,
    /// The pipe takes nothing any more.
    Nowhere,
}

/// All ends of one socket's pipes.
#[repr(C)]
pub(super) struct Ends {
    // What every message needs; see `SocketState`.
    slots: Vec<Option<End>>,
    /// The one pipe that every message goes to, and the one that every message comes from, for as long as no pipe comes
    /// or goes: then the pattern need not be asked.
    pub(super) outlet: Option<PipeId>,
    pub(super) inlet: Option<PipeId>,
    /// What was sent and received, but for the short way of inproc ends, which have that in their books.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// Where messages gather that go to every peer. Invariant: whatever else concerns a pipe's output [shares them out](Self::settle)
    /// first.
    to_all: Option<Box<ToAll>>,
    /// What was lost here of each slot's messages.
    losses: Vec<(Drops, Discards)>,
    free: Vec<u32>,
    by_id: HashMap<u64, PipeId>,
    /// The one of them, if there is but one.
    only: Option<PipeId>,
    wires: usize,
    /// Pipes that messages were just written to and that want a flush now.
    flush_now: Vec<PipeId>,
    /// Pipes that were written to and may hold back output.
    dirty: Vec<PipeId>,
    tempo: Tempo,
    /// The sender is about to wait for room: it outruns the kernel.
    stalled: bool,
    /// The pipe that the pattern read last.
    last_read: Option<PipeId>,
    /// Inproc ends that were found empty and have not asked for a signal.
    quiet: Vec<PipeId>,
    /// Pipes that linger after the socket let go of them, and that are still watched with the others.
    retired: HashMap<u64, Weak<WirePipe>>,
    /// Ends whose input is over and read.
    pub(super) finished: Vec<PipeId>,
    subscriptions: Option<Arc<Mutex<Subscriptions>>>,
    /// What else was counted here, and in inproc ends that are gone.
    pub(super) books: SocketStats,
}

/// What every message needs of it fills a line of the cache; see `SocketState`.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(std::mem::offset_of!(Ends, losses) == 64);

impl Ends {
    pub(super) fn new() -> Ends {
        Ends {
            slots: Vec::new(),
            losses: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            only: None,
            wires: 0,
            flush_now: Vec::new(),
            dirty: Vec::new(),
            tempo: Tempo::new(),
            stalled: false,
            last_read: None,
            outlet: None,
            inlet: None,
            to_all: None,
            quiet: Vec::new(),
            retired: HashMap::new(),
            finished: Vec::new(),
            subscriptions: None,
            sent: 0,
            received: 0,
            books: SocketStats::default(),
        }
    }

    pub(super) fn add(&mut self, end: End) -> PipeId {
        self.ask_again();
        let id = match &end {
            End::Wire(end) => {
                self.wires += 1;
                end.pipe.id()
            }
            End::Inproc(end) => end.id(),
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.losses.push(Default::default());
            (self.slots.len() - 1) as u32
        });
        self.slots[slot as usize] = Some(end);
        self.losses[slot as usize] = Default::default();
        self.by_id.insert(id, PipeId(slot));
        self.find_only();
        PipeId(slot)
    }

    pub(super) fn remove(&mut self, pipe: PipeId) -> Option<End> {
        self.ask_again();
        let mut end = self.slots.get_mut(pipe.0 as usize)?.take()?;
        let id = match &mut end {
            End::Wire(end) => {
                self.wires -= 1;
                self.books.discarded.note(Discarded::Closed, end.undecoded() as u64);
                self.books.discarded.note(Discarded::Conflated, end.superseded);
                end.pipe.discard_input(Discarded::Closed);
                self.retired.retain(|_, pipe| pipe.strong_count() > 0);
                self.retired.insert(end.pipe.id(), Arc::downgrade(&end.pipe));
                end.pipe.id()
            }
            End::Inproc(end) => {
                self.books += &end.settle();
                end.id()
            }
        };
        self.by_id.remove(&id);
        self.find_only();
        self.free.push(pipe.0);
        self.dirty.retain(|other| *other != pipe);
        self.quiet.retain(|other| *other != pipe);
        Some(end)
    }

    /// A pipe that the socket has let go of, if it is still there.
    pub(super) fn retired(&self, id: u64) -> Option<Arc<WirePipe>> {
        self.retired.get(&id)?.upgrade()
    }

    pub(super) fn find(&self, id: u64) -> Option<PipeId> {
        self.by_id.get(&id).copied()
    }

    #[inline]
    pub(super) fn end(&mut self, pipe: PipeId) -> Option<&mut End> {
        self.settle();
        self.slots.get_mut(pipe.0 as usize)?.as_mut()
    }

    pub(super) fn wire(&mut self, pipe: PipeId) -> Option<&mut WireEnd> {
        match self.end(pipe)? {
            End::Wire(end) => Some(end),
            End::Inproc(_) => None,
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PipeId, &mut End)> {
        self.settle();
        let slots = self.slots.iter_mut().enumerate();
        slots.filter_map(|(slot, end)| Some((PipeId(slot as u32), end.as_mut()?)))
    }

    /// What was lost here of that which was meant for `pipe` or came from it.
    pub(super) fn losses_of(&self, pipe: PipeId) -> (Drops, Discards) {
        self.losses.get(pipe.0 as usize).copied().unwrap_or_default()
    }

    /// Pipes to other processes.
    pub(super) fn pipes(&mut self) -> impl Iterator<Item = Arc<WirePipe>> {
        self.settle();
        self.slots.iter().filter_map(|end| match end {
            Some(End::Wire(end)) => Some(Arc::clone(&end.pipe)),
            _ => None,
        })
    }

    /// Pipes that linger after the socket let go of them.
    pub(super) fn lingering(&self) -> impl Iterator<Item = Weak<WirePipe>> {
        self.retired.values().cloned()
    }

    /// What was counted here, and in the pipes that there are, and what waits in them.
    pub(super) fn all_books(&mut self) -> SocketStats {
        let mut all = self.books.clone();
        all.sent += self.sent;
        all.received += self.received;
        for (_, end) in self.iter_mut() {
            all += &end.books();
        }
        all
    }

    /// The socket is closed: what was counted here, from now on nowhere.
    pub(super) fn close_books(&mut self) -> SocketStats {
        let mut all = std::mem::take(&mut self.books);
        all.sent += std::mem::take(&mut self.sent);
        all.received += std::mem::take(&mut self.received);
        all
    }

    /// The one end, if there is only one.
    pub(super) fn only(&mut self) -> Option<(PipeId, &mut End)> {
        let slot = self.only?;
        Some((slot, self.end(slot)?))
    }

    fn find_only(&mut self) {
        let mut slots = self.by_id.values();
        self.only = slots.next().copied().filter(|_| slots.next().is_none());
    }

    /// Ends that lead to other processes.
    pub(super) fn wires(&self) -> usize {
        self.wires
    }

    /// Who sends to whom may have changed: the pattern is to be asked.
    pub(super) fn ask_again(&mut self) {
        self.outlet = None;
        self.inlet = None;
        self.settle();
    }

    /// Messages to all peers gather for all of them at once from now on, if they gather in every pipe already.
    pub(super) fn gather_for_all(&mut self) {
        let peers = self.wires;
        if self.to_all.is_some() || peers == 0 || self.by_id.len() != peers || self.dirty.len() != peers {
            return;
        }
        let mut room = usize::MAX;
        let mut gathering = Vec::with_capacity(peers);
        for pipe in &self.dirty {
            let Some(Some(End::Wire(end))) = self.slots.get(pipe.0 as usize) else { return };
            if end.credit < GATHERED_MIN {
                return;
            }
            room = room.min(end.pipe.room_to_gather());
            if room < GATHERED_MIN {
                return;
            }
            gathering.push(Arc::clone(&end.pipe));
        }
        let Some(broadcast) = Broadcast::new(gathering, self.tempo.patience()) else { return };
        let pipes = self.dirty.clone();
        for pipe in &pipes {
            // What gathers uses up the room that the pipe has granted.
            if let Some(Some(End::Wire(end))) = self.slots.get_mut(pipe.0 as usize) {
                end.credit = 0;
            }
        }
        self.to_all = Some(Box::new(ToAll { broadcast, pipes, room }));
    }

    /// Sends a message of one part, a copy of `body`, to all peers, if messages to all gather; else does nothing.
    fn append_to_all(&mut self, body: &[u8]) -> bool {
        let Some(all) = &mut self.to_all else { return false };
        if all.room == 0 || body.len() >= FANOUT_SHARE_FROM {
            return false;
        }
        let gathered = all.broadcast.append(body);
        if gathered == Gathered::Refused {
            return false;
        }
        all.room -= 1;
        self.sent += 1;
        self.books.added += all.pipes.len() as u64 - 1;
        if gathered == Gathered::Due {
            self.write_to_all();
        }
        true
    }

    /// Writes what has gathered for all peers.
    fn write_to_all(&mut self) {
        let Ends { to_all: Some(all), flush_now, tempo, .. } = self else { return };
        all.broadcast.share_out(Some(tempo.patience()), |number| flush_now.extend(all.pipes.get(number)));
        self.flush_written();
    }

    /// Gives each pipe what has gathered for all of them.
    #[inline]
    fn settle(&mut self) {
        if self.to_all.is_some() {
            self.share_out();
        }
    }

    #[cold]
    fn share_out(&mut self) {
        let Some(all) = self.to_all.take() else { return };
        let mut left: Vec<PipeId> = Vec::new();
        all.broadcast.share_out(None, |number| left.extend(all.pipes.get(number)));
        for pipe in left {
            if let Some(Some(End::Wire(end))) = self.slots.get(pipe.0 as usize) {
                end.pipe.leave();
            }
        }
    }

    /// Whether [`append`](Self::append) may do something: messages gather in some pipe, or all peers are in this process.
    #[inline]
    pub(super) fn may_append(&self) -> bool {
        !self.dirty.is_empty() || self.wires == 0
    }

    /// Whether a copy of its body is all that a peer needs of `part`: one in this process may ask where it came from.
    #[inline(always)]
    pub(super) fn may_copy(&self, part: &Frame) -> bool {
        part.origin() == 0 || self.wires > 0
    }

    /// Sends a message of one part, a copy of `body`, if there is nothing to decide about it; else does nothing.
    #[inline(always)]
    pub(super) fn append(&mut self, body: &[u8]) -> bool {
        let Some(pipe) = self.outlet else { return self.append_to_all(body) };
        match self.slots.get_mut(pipe.0 as usize) {
            Some(Some(End::Wire(end))) => {
                let sent = end.append(body);
                if sent {
                    self.sent += 1;
                }
                sent
            }
            Some(Some(End::Inproc(end))) => end.append(body),
            _ => false,
        }
    }

    /// Sends a message of one long part that stays the caller's, if `pipe` takes it so; else does nothing.
    pub(super) fn pass_through(&mut self, pipe: PipeId, body: &[u8], patience: Duration) -> bool {
        let Some(end) = self.wire(pipe).filter(|_| body.len() >= SHARE_FROM) else { return false };
        let passed = end.room() && end.pipe.pass_through(body, patience);
        if passed {
            end.credit = 0;
        }
        passed
    }

    /// Has what is queued in `pipe` written before a message of `len` bytes joins it, if that is much and `patience` lasts.
    pub(super) fn ease(&mut self, pipe: PipeId, len: usize, patience: Duration) {
        if let Some(end) = self.wire(pipe) {
            end.pipe.ease(len, patience);
        }
    }

    /// The one end that messages come from, if there is nothing to decide about those it has.
    #[inline(always)]
    fn open_inlet(&mut self) -> Option<&mut End> {
        let end = self.slots.get_mut(self.inlet?.0 as usize)?.as_mut()?;
        let keeps_all = match end {
            End::Wire(end) => !end.conflate,
            End::Inproc(end) => !end.conflates(),
        };
        keeps_all.then_some(end)
    }

    /// Receives a message into `into` if there is nothing to decide about it; else does nothing.
    #[inline(always)]
    pub(super) fn take_next(&mut self, into: &mut Message) -> bool {
        match self.open_inlet() {
            Some(End::Wire(end)) => {
                end.fetch_ahead();
                let got = end.cursor.read_message(into);
                end.tell_consumed();
                self.received += u64::from(got);
                got
            }
            Some(End::Inproc(end)) => end.take(into),
            None => false,
        }
    }

    /// The same for one of a single part, whose body is given to `act`; an inproc peer's only if it is short.
    #[inline(always)]
    pub(super) fn take_single<R>(&mut self, act: impl FnOnce(&[u8]) -> R) -> Option<R> {
        match self.open_inlet()? {
            End::Wire(end) => {
                end.fetch_ahead();
                let taken = end.cursor.next_single().map(act)?;
                end.tell_consumed();
                self.received += 1;
                Some(taken)
            }
            End::Inproc(end) => end.take_short(act),
        }
    }

    /// The same, put into `into`; its length.
    #[inline(always)]
    pub(super) fn take_part(&mut self, into: &mut Frame) -> Option<usize> {
        match self.open_inlet()? {
            End::Wire(end) => {
                end.fetch_ahead();
                let len = end.cursor.read_short(into)?;
                end.tell_consumed();
                self.received += 1;
                Some(usize::from(len))
            }
            End::Inproc(end) => end.take_part(into),
        }
    }

    /// Whether the one end that messages come from has some.
    pub(super) fn has_next(&mut self) -> bool {
        match self.open_inlet() {
            Some(End::Wire(end)) => end.cursor.remaining() > 0,
            Some(End::Inproc(end)) => end.has_input(),
            None => false,
        }
    }

    /// Writes what must not wait: after every send.
    #[inline]
    pub(super) fn flush_written(&mut self) {
        if !self.flush_now.is_empty() {
            self.flush_listed();
        }
    }

    fn flush_listed(&mut self) {
        let has_more = self.has_more_to_answer();
        if self.tempo.is_brisk(has_more, clock::now) {
            self.hold_listed();
        }
        let listed = self.flush_now.len();
        if listed == 0 {
            return;
        }
        let beat = self.tempo.begin(listed, clock::now);
        if listed > DIRECT_MAX {
            self.hand_over_listed(beat);
        }
        let written = self.flush_now.len();
        while let Some(pipe) = self.flush_now.pop() {
            if let Some(End::Wire(end)) = self.slots.get_mut(pipe.0 as usize).and_then(Option::as_mut) {
                end.pipe.flush_sent(beat);
            }
        }
        self.tempo.end(written, self.wires, clock::now);
    }

    /// Leaves to the I/O threads what they are to write, and the rest in the list.
    #[cold]
    fn hand_over_listed(&mut self, beat: Beat) {
        let mut asleep: Vec<Arc<Desk>> = Vec::new();
        let slots = &self.slots;
        self.flush_now.retain(|pipe| {
            let Some(Some(End::Wire(end))) = slots.get(pipe.0 as usize) else { return false };
            match end.pipe.hand_over(beat) {
                Handed::Over => false,
                Handed::Waking(desk) => {
                    asleep.push(desk);
                    false
                }
                Handed::Back => true,
            }
        });
        // At the end, so that no thread that wakes up takes the processor from this one before it is done.
        asleep.iter().for_each(|desk| desk.wake());
    }

    /// Whether the peer whose message was received last has sent more that is in the socket's hands.
    fn has_more_to_answer(&self) -> bool {
        let last = self.inlet.or(self.last_read);
        let end = last.and_then(|pipe| self.slots.get(pipe.0 as usize));
        matches!(end, Some(Some(End::Wire(end))) if end.undecoded_bytes() > 0)
    }

    /// Leaves what was just written to be flushed with what will be written next.
    fn hold_listed(&mut self) {
        let (slots, dirty) = (&mut self.slots, &mut self.dirty);
        self.flush_now.retain(|pipe| {
            let Some(Some(End::Wire(end))) = slots.get_mut(pipe.0 as usize) else { return true };
            let held = end.pipe.hold();
            if held && !std::mem::replace(&mut end.dirty, true) {
                dirty.push(*pipe);
            }
            !held
        });
    }

    /// Before a send waits for room: messages go on gathering as before.
    pub(super) fn stall(&mut self) {
        self.stalled = true;
    }

    /// Writes everything held back: before the thread blocks or polls.
    pub(super) fn flush_all(&mut self) {
        self.settle();
        self.flush_written();
        let pauses = !std::mem::take(&mut self.stalled);
        if pauses {
            self.tempo.is_brisk(false, clock::now);
            self.tempo.rest();
        }
        while let Some(pipe) = self.dirty.pop() {
            if let Some(End::Wire(end)) = self.slots.get_mut(pipe.0 as usize).and_then(Option::as_mut) {
                end.dirty = false;
                if pauses {
                    end.pipe.pause();
                }
                end.pipe.flush_and_arm();
            }
        }
    }

    /// Whether inproc ends were found empty whose peers have not been asked to tell when they write.
    #[inline]
    pub(super) fn has_quiet(&self) -> bool {
        !self.quiet.is_empty()
    }

    /// Whether an inproc end that was found empty has input again.
    pub(super) fn quiet_has_input(&mut self) -> bool {
        let slots = &mut self.slots;
        self.quiet.iter().any(|pipe| match slots.get_mut(pipe.0 as usize).and_then(Option::as_mut) {
            Some(End::Inproc(end)) => end.has_input(),
            _ => false,
        })
    }

    /// Inproc ends that have input again since they were found empty.
    pub(super) fn wake_quiet(&mut self) -> Vec<PipeId> {
        let mut awake = Vec::new();
        let slots = &mut self.slots;
        self.quiet.retain(|pipe| match slots.get_mut(pipe.0 as usize).and_then(Option::as_mut) {
            Some(End::Inproc(end)) => {
                let has_input = end.has_input();
                if has_input {
                    awake.push(*pipe);
                }
                !has_input
            }
            _ => false,
        });
        awake
    }

    /// Has the peers of all quiet inproc ends post a signal; returns those that have input after all.
    pub(super) fn announce_quiet(&mut self) -> Vec<PipeId> {
        if self.quiet.is_empty() {
            return Vec::new();
        }
        for pipe in &self.quiet {
            if let Some(Some(End::Inproc(end))) = self.slots.get(pipe.0 as usize) {
                end.announce_starving();
            }
        }
        crate::sync::barrier::heavy();
        let awake = self.wake_quiet();
        self.quiet.clear();
        awake
    }

    /// Whether there are messages to read from `pipe` in user space.
    pub(super) fn has_input(&mut self, pipe: PipeId) -> bool {
        match self.end(pipe) {
            Some(End::Wire(end)) => {
                !end.inbox.is_empty() || end.cursor.remaining() > 0 || end.pipe.has_input()
            }
            Some(End::Inproc(end)) => end.has_input(),
            None => false,
        }
    }

    /// No more input will come over `pipe` than is there now.
    pub(super) fn set_ended(&mut self, pipe: PipeId) {
        match self.end(pipe) {
            Some(End::Wire(end)) => end.ended = true,
            Some(End::Inproc(end)) => end.ended = true,
            None => {}
        }
    }

    pub(super) fn record_subscriptions(&mut self, log: Arc<Mutex<Subscriptions>>) {
        self.subscriptions = Some(log);
    }

    pub(super) fn set_peer(&mut self, pipe: PipeId, peer: Arc<PeerInfo>) {
        if let Some(end) = self.wire(pipe) {
            end.peer = Some(peer);
            end.hung_up = false;
        }
    }
}
