//! PUSH: the sending end of a pipeline (RFC 30).
//!
//! Spreads messages over its peers, never receives; without a peer that has room, sending blocks.

use super::balance::Balance;
use super::{Admission, Attach, Attached, Behaviour, Dropped, PipeId, Pipes, Refusal, Refused};
use crate::{Frame, Message};

/// State of a PUSH socket.
#[derive(Debug, Default)]
pub struct Push {
    balance: Balance,
}

impl Behaviour for Push {
    fn attach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.balance.attach(pipe);
        Attached::Accepted
    }

    fn writable(&mut self, pipe: PipeId) {
        self.balance.writable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.balance.detach(pipe);
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.balance.detach(pipe);
    }

    #[inline]
    fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message, how: Admission) -> Result<(), Refused> {
        match self.balance.choose(pipes, how) {
            Some(pipe) => self.balance.write(pipes, pipe, message),
            None if how == Admission::Committed => pipes.dropped(None, Dropped::NoPeer),
            None => return Err(Refusal::WouldBlock.of(message)),
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, _: &Frame) -> Result<(), Refusal> {
        if self.can_send(pipes) { Ok(()) } else { Err(Refusal::WouldBlock) }
    }

    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.balance.choose(pipes, Admission::IfRoom).is_some()
    }
}
