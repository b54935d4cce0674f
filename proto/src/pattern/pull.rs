//! PULL: the receiving end of a pipeline (RFC 30).
//!
//! Collects messages from its peers in turn, never sends.

use super::fair::Fair;
use super::{Attach, Attached, Behaviour, PipeId, Pipes, Refusal};
use crate::Message;

/// State of a PULL socket.
#[derive(Debug, Default)]
pub struct Pull {
    inbox: Fair,
}

impl Behaviour for Pull {
    fn attach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.inbox.attach(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.inbox.detach(pipe);
    }

    #[inline]
    fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        self.inbox.recv(pipes).map(|(_, message)| message).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.inbox.has_input(pipes)
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }
}
