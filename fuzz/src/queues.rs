//! The world of a pattern as lists in memory: pipes that are open or not, what arrived on them, what was sent to them.
//!
//! It checks what every pattern owes its pipes: none is written to that is over or was never there.

use ferrozmq_proto::Message;
use ferrozmq_proto::pattern::{Closing, Discarded, Dropped, PipeId, Pipes};
use std::collections::{BTreeMap, VecDeque};

/// The pipes.
#[derive(Debug)]
pub struct Queues {
    high_water_mark: usize,
    pipes: BTreeMap<u32, Pipe>,
    closed: Vec<u32>,
}

#[derive(Debug, Default)]
struct Pipe {
    arrived: VecDeque<Message>,
    sent: VecDeque<Message>,
    /// Nothing can be written any more.
    over: bool,
}

impl Queues {
    /// None yet; each will hold this many messages.
    #[must_use]
    pub fn new(high_water_mark: usize) -> Queues {
        Queues { high_water_mark, pipes: BTreeMap::new(), closed: Vec::new() }
    }

    /// A pipe begins.
    pub fn open(&mut self, pipe: u32) {
        self.pipes.insert(pipe, Pipe::default());
    }

    /// It is gone, with all that it holds.
    pub fn end(&mut self, pipe: u32) {
        self.pipes.remove(&pipe);
    }

    /// Nothing can be written to it any more.
    pub fn end_out(&mut self, pipe: u32) {
        if let Some(pipe) = self.pipes.get_mut(&pipe) {
            pipe.over = true;
        }
    }

    /// Whether there is this pipe.
    #[must_use]
    pub fn is_open(&self, pipe: u32) -> bool {
        self.pipes.contains_key(&pipe)
    }

    /// A message arrives.
    pub fn arrive(&mut self, pipe: u32, message: Message) {
        if let Some(pipe) = self.pipes.get_mut(&pipe) {
            pipe.arrived.push_back(message);
        }
    }

    /// Takes what was sent.
    pub fn drain(&mut self, pipe: u32) -> VecDeque<Message> {
        self.pipes.get_mut(&pipe).map(|pipe| std::mem::take(&mut pipe.sent)).unwrap_or_default()
    }

    /// The pipes whose end the pattern has asked for since the last call.
    pub fn closed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.closed)
    }

    fn push(&mut self, pipe: PipeId, message: Message) {
        let pipe = self.pipes.get_mut(&pipe.0).expect("a pattern writes to no pipe that is gone");
        assert!(!pipe.over, "a pattern writes to no pipe that is over");
        pipe.sent.push_back(message);
    }
}

impl Pipes for Queues {
    fn read(&mut self, pipe: PipeId, into: &mut Message) -> bool {
        let message = self.pipes.get_mut(&pipe.0).and_then(|pipe| pipe.arrived.pop_front());
        message.map(|message| *into = message).is_some()
    }

    fn room(&mut self, pipe: PipeId) -> bool {
        self.pipes.get(&pipe.0).is_some_and(|pipe| !pipe.over && pipe.sent.len() < self.high_water_mark)
    }

    fn write(&mut self, pipe: PipeId, message: &mut Message) {
        self.push(pipe, std::mem::take(message));
    }

    fn write_shared(&mut self, pipe: PipeId, message: &Message) {
        self.push(pipe, message.clone());
    }

    fn subscribe(&mut self, pipe: PipeId, _: &[u8], _: bool) {
        assert!(self.is_open(pipe.0), "a pattern tells nothing to a pipe that is gone");
    }

    fn upstream(&mut self, _: &[u8], _: bool) {}

    fn conflates(&mut self, _: PipeId) -> bool {
        false
    }

    fn close(&mut self, pipe: PipeId, _: Closing) {
        self.closed.push(pipe.0);
    }

    fn dropped(&mut self, _: Option<PipeId>, _: Dropped) {}

    fn discarded(&mut self, _: Option<PipeId>, _: Discarded) {}
}
