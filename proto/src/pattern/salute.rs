//! What a socket of the request–reply family says first to each peer.
//!
//! `ZMQ_PROBE_ROUTER`'s empty message goes out when a pipe is attached, `ZMQ_HELLO_MSG` before anything else on
//! each connection. Both bypass the pattern's state: they are not requests, replies or turns.

use super::pipe_set::PipeSet;
use super::{PatternOptions, PipeId, Pipes};
use crate::Message;
use bytes::Bytes;

/// The first words.
#[derive(Debug, Default)]
pub(super) struct Salute {
    probe: bool,
    hello: Bytes,
    /// Pipes with a peer that has heard us.
    met: PipeSet,
}

impl Salute {
    pub fn configure(&mut self, options: &PatternOptions) {
        self.probe = options.probe_router;
        self.hello = options.hello_msg.clone().unwrap_or_default();
    }

    /// A new pipe.
    pub fn attached<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.say_hello(pipes, pipe);
        if self.probe {
            pipes.write(pipe, &mut Message::new());
        }
    }

    /// A handshake was finished.
    pub fn met(&mut self, pipe: PipeId) {
        self.met.insert(pipe);
    }

    /// A connecting pipe waits for its next peer; whether it had one before.
    pub fn lost<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) -> bool {
        let had_peer = self.met.remove(pipe);
        if had_peer {
            self.say_hello(pipes, pipe);
        }
        had_peer
    }

    pub fn detached(&mut self, pipe: PipeId) {
        self.met.remove(pipe);
    }

    fn say_hello<P: Pipes>(&self, pipes: &mut P, pipe: PipeId) {
        if !self.hello.is_empty() {
            pipes.write(pipe, &mut Message::from(self.hello.clone()));
        }
    }
}
