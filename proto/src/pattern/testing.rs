//! A world of queues for the tests of patterns.
//!
//! [`Queues`] plays the engine: bounded queues for pipes, and a record of what the pattern asked for.

use super::{Attach, Attached, Closing, Discarded, Dropped, Pattern, PatternOptions, PipeId, Pipes, Refusal};
use crate::{Message, SocketType};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Pipes made of queues; a pipe that nobody mentioned is empty and has room for [`Queues::hwm`] messages.
pub(super) struct Queues {
    pub hwm: usize,
    pub inbound: BTreeMap<u32, VecDeque<Message>>,
    pub outbound: BTreeMap<u32, VecDeque<Message>>,
    pub subscriptions: Vec<(u32, Vec<u8>, bool)>,
    /// The set as [`Pipes::upstream`] told it.
    pub wanted: BTreeSet<Vec<u8>>,
    /// Pipes that keep the newest message only.
    pub conflating: BTreeSet<u32>,
    pub closed: Vec<u32>,
    pub dropped: Vec<(Option<u32>, Dropped)>,
    pub discarded: Vec<(Option<u32>, Discarded)>,
}

impl Queues {
    pub fn new(hwm: usize) -> Queues {
        Queues {
            hwm,
            inbound: BTreeMap::new(),
            outbound: BTreeMap::new(),
            subscriptions: Vec::new(),
            wanted: BTreeSet::new(),
            conflating: BTreeSet::new(),
            closed: Vec::new(),
            dropped: Vec::new(),
            discarded: Vec::new(),
        }
    }

    /// All that was written to `pipe` since the last call.
    pub fn sent(&mut self, pipe: u32) -> Vec<Message> {
        self.outbound.remove(&pipe).unwrap_or_default().into()
    }

    /// The next message that arrived on `pipe`.
    pub fn take(&mut self, pipe: u32) -> Option<Message> {
        self.inbound.get_mut(&pipe)?.pop_front()
    }

    pub fn dropped(&mut self) -> Vec<(Option<u32>, Dropped)> {
        std::mem::take(&mut self.dropped)
    }

    pub fn discarded(&mut self) -> Vec<(Option<u32>, Discarded)> {
        std::mem::take(&mut self.discarded)
    }

    pub fn subscriptions(&mut self) -> Vec<(u32, Vec<u8>, bool)> {
        std::mem::take(&mut self.subscriptions)
    }
}

impl Pipes for Queues {
    fn read(&mut self, pipe: PipeId, into: &mut Message) -> bool {
        self.take(pipe.0).map(|message| *into = message).is_some()
    }
    fn room(&mut self, pipe: PipeId) -> bool {
        self.outbound.get(&pipe.0).map_or(0, VecDeque::len) < self.hwm
    }
    fn write(&mut self, pipe: PipeId, message: &mut Message) {
        self.write_shared(pipe, &std::mem::take(message));
    }
    fn write_shared(&mut self, pipe: PipeId, message: &Message) {
        self.outbound.entry(pipe.0).or_default().push_back(message.clone());
    }
    fn subscribe(&mut self, pipe: PipeId, topic: &[u8], wanted: bool) {
        self.subscriptions.push((pipe.0, topic.to_vec(), wanted));
    }
    fn upstream(&mut self, topic: &[u8], wanted: bool) {
        if wanted {
            self.wanted.insert(topic.to_vec());
        } else {
            self.wanted.remove(topic);
        }
    }
    fn conflates(&mut self, pipe: PipeId) -> bool {
        self.conflating.contains(&pipe.0)
    }
    fn close(&mut self, pipe: PipeId, _: Closing) {
        self.closed.push(pipe.0);
    }
    fn dropped(&mut self, pipe: Option<PipeId>, why: Dropped) {
        self.dropped.push((pipe.map(|pipe| pipe.0), why));
    }
    fn discarded(&mut self, pipe: Option<PipeId>, why: Discarded) {
        self.discarded.push((pipe.map(|pipe| pipe.0), why));
    }
}

/// A socket and its world.
pub(super) struct Rig {
    pub pattern: Pattern,
    pub pipes: Queues,
}

impl Rig {
    /// With default options and room for `hwm` messages in each pipe.
    pub fn new(kind: SocketType, hwm: usize) -> Rig {
        Rig::with(kind, hwm, |_| {})
    }

    pub fn with(kind: SocketType, hwm: usize, set: impl FnOnce(&mut PatternOptions)) -> Rig {
        let mut options = PatternOptions::default();
        set(&mut options);
        Rig { pattern: Pattern::new(kind, options, 0x0123_4567_89ab_cdef), pipes: Queues::new(hwm) }
    }

    pub fn attach(&mut self, pipe: u32) -> Attached {
        self.pattern.attach(&mut self.pipes, PipeId(pipe), Attach::default())
    }

    /// Attaches an accepted peer with the routing id `id`.
    pub fn join(&mut self, pipe: u32, id: &str) -> Attached {
        match self.attach(pipe) {
            Attached::Accepted => self.identify(pipe, id),
            refused => refused,
        }
    }

    /// Attaches a pipe that we connect.
    pub fn connect(&mut self, pipe: u32) -> Attached {
        self.pattern.attach(&mut self.pipes, PipeId(pipe), Attach { routing_id: None, local: true })
    }

    pub fn identify(&mut self, pipe: u32, id: &str) -> Attached {
        self.pattern.identify(&mut self.pipes, PipeId(pipe), id.as_bytes())
    }

    pub fn detach_out(&mut self, pipe: u32) {
        self.pattern.detach_out(&mut self.pipes, PipeId(pipe));
    }

    /// The pipe is gone with all it holds.
    pub fn detach(&mut self, pipe: u32) {
        self.pattern.detach(&mut self.pipes, PipeId(pipe));
        self.pipes.inbound.remove(&pipe);
        self.pipes.outbound.remove(&pipe);
    }

    pub fn reconnecting(&mut self, pipe: u32) {
        self.pattern.reconnecting(&mut self.pipes, PipeId(pipe));
    }

    /// A message arrives on `pipe`.
    pub fn arrive(&mut self, pipe: u32, message: impl Into<Message>) {
        self.pipes.inbound.entry(pipe).or_default().push_back(message.into());
        self.pattern.readable(PipeId(pipe));
    }

    /// The peer takes everything out of `pipe`.
    pub fn drain(&mut self, pipe: u32) -> Vec<Message> {
        let sent = self.pipes.sent(pipe);
        self.pattern.writable(PipeId(pipe));
        sent
    }

    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Refusal> {
        let message = message.into();
        let mut given = message.clone();
        self.pattern.send(&mut self.pipes, &mut given).inspect_err(|_| {
            assert_eq!(given, message, "a refused message is untouched");
        })
    }

    pub fn commit(&mut self, message: impl Into<Message>) {
        self.pattern.send_committed(&mut self.pipes, &mut message.into()).expect("committed");
    }

    pub fn may_start(&mut self, first: &str) -> Result<(), Refusal> {
        self.pattern.may_start_send(&mut self.pipes, &first.into())
    }

    pub fn recv(&mut self) -> Result<Message, Refusal> {
        let mut message = Message::new();
        self.pattern.recv(&mut self.pipes, &mut message).map(|()| message)
    }

    pub fn can_recv(&mut self) -> bool {
        self.pattern.can_recv(&mut self.pipes)
    }

    pub fn can_send(&mut self) -> bool {
        self.pattern.can_send(&mut self.pipes)
    }

    pub fn has_room_for(&mut self, routing_id: &str) -> Result<bool, Refusal> {
        self.pattern.has_room_for(&mut self.pipes, routing_id.as_bytes())
    }

    pub fn subscription(&mut self, pipe: u32, topic: &str, wanted: bool) {
        self.pattern.subscription(&mut self.pipes, PipeId(pipe), topic.as_bytes(), wanted);
    }

    pub fn subscribe(&mut self, topic: &str) -> Result<(), Refusal> {
        self.pattern.subscribe(&mut self.pipes, topic.as_bytes())
    }

    pub fn unsubscribe(&mut self, topic: &str) -> Result<(), Refusal> {
        self.pattern.unsubscribe(&mut self.pipes, topic.as_bytes())
    }
}
