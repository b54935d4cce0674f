//! DEALER: spreads messages over its peers and collects theirs in turn (RFC 28).
//!
//! Knows no envelope: what the application sends is what the peer gets.

use super::balance::Balance;
use super::fair::Fair;
use super::salute::Salute;
use super::{
    Admission, Attach, Attached, Behaviour, Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused,
};
use crate::{Frame, Message};
use bytes::Bytes;

/// State of a DEALER socket.
#[derive(Debug, Default)]
pub struct Dealer {
    balance: Balance,
    inbox: Fair,
    salute: Salute,
    hiccup: Bytes,
}

impl Dealer {
    /// Puts all that `pipe` holds, then the notice that its peer was lost, before what comes next.
    fn report_hiccup<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.hiccup.is_empty() {
            return;
        }
        while let Some(message) = pipes.read(pipe) {
            self.inbox.put_ahead(pipe, message);
        }
        if !self.inbox.notify(pipe, Message::from(self.hiccup.clone())) {
            pipes.dropped(Some(pipe), Dropped::HighWaterMark);
        }
    }
}

impl Behaviour for Dealer {
    fn configure(&mut self, options: &PatternOptions) {
        self.salute.configure(options);
        self.hiccup = options.hiccup_msg.clone();
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.salute.attached(pipes, pipe);
        self.balance.attach(pipe);
        self.inbox.attach(pipe);
        Attached::Accepted
    }

    fn identify<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: &[u8]) -> Attached {
        self.salute.met(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn writable(&mut self, pipe: PipeId) {
        self.balance.writable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.balance.detach(pipe);
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.balance.detach(pipe);
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.salute.lost(pipes, pipe) {
            self.report_hiccup(pipes, pipe);
        }
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

    #[inline]
    fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        self.inbox.recv(pipes).map(|(_, message)| message).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.inbox.has_input(pipes)
    }

    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.balance.choose(pipes, Admission::IfRoom).is_some()
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }
}
