//! What a socket of the request–reply family says first to each peer.
//!
//! `ZMQ_PROBE_ROUTER`'s empty message goes out when a pipe is attached. It bypasses the pattern's state: it is no request, reply or
//! turn. `ZMQ_HELLO_MSG` is not here: it begins each connection, whatever the socket does meanwhile.

use super::pipe_set::PipeSet;
use super::{Entry, PatternOptions, PipeId, Pipes};
use crate::Message;

/// The first words.
#[derive(Debug, Default)]
pub(super) struct Salute {
    probe: bool,
    /// Pipes with a peer that has heard us.
    met: PipeSet,
}

impl Salute {
    pub fn configure(&mut self, options: &PatternOptions) {
        self.probe = options.probe_router;
    }

    /// A new pipe.
    pub fn attached<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.probe {
            pipes.write(pipe, &mut Message::new());
            pipes.tally(Entry::Added, 1);
        }
    }

    /// A handshake was finished.
    pub fn met(&mut self, pipe: PipeId) {
        self.met.insert(pipe);
    }

    /// A connecting pipe waits for its next peer; whether it had one before.
    pub fn lost(&mut self, pipe: PipeId) -> bool {
        self.met.remove(pipe)
    }

    pub fn detached(&mut self, pipe: PipeId) {
        self.met.remove(pipe);
    }
}
