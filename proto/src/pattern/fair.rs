//! Fair queueing: each peer that has messages has its turn.

use super::active::ActiveSet;
use super::{PipeId, Pipes};
use crate::Message;

/// The peers that messages are taken from.
#[derive(Debug, Default)]
pub(super) struct Fair {
    pipes: ActiveSet,
}

impl Fair {
    pub(super) fn attach(&mut self, pipe: PipeId) {
        self.pipes.insert(pipe);
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.pipes.remove(pipe);
    }

    /// There may be messages again.
    pub(super) fn readable(&mut self, pipe: PipeId) {
        self.pipes.activate(pipe);
    }

    /// The next message and where it came from.
    #[inline]
    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        while let Some(pipe) = self.pipes.current() {
            if let Some(message) = pipes.read(pipe) {
                self.pipes.advance();
                return Some((pipe, message));
            }
            self.pipes.deactivate_current();
        }
        None
    }
}
