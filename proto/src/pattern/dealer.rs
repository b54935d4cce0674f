//! DEALER: spreads messages over its peers and collects theirs in turn (RFC 28).
//!
//! Knows no envelope: what the application sends is what the peer gets.

use super::balance::Balance;
use super::fair::Fair;
use super::salute::Salute;
use super::{
    Admission, Attach, Attached, Behaviour, Discarded, Dropped, Entry, PatternOptions, PipeId, Pipes, Refusal,
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
        let mut message = Message::new();
        while pipes.read(pipe, &mut message) {
            self.inbox.put_ahead(pipe, std::mem::take(&mut message));
        }
        pipes.tally(Entry::Notice, 1);
        if !self.inbox.notify(pipe, Message::from(self.hiccup.clone())) {
            pipes.discarded(Some(pipe), Discarded::Overflow);
        }
    }
}

impl Behaviour for Dealer {
    fn configure(&mut self, options: &PatternOptions) {
        self.salute.configure(options);
        self.hiccup = options.hiccup_msg.clone().unwrap_or_default();
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
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.salute.lost(pipe) {
            self.report_hiccup(pipes, pipe);
        }
    }

    #[inline(always)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        match self.balance.choose(pipes, how) {
            Some(pipe) => self.balance.write(pipes, pipe, message),
            None if how == Admission::Committed => pipes.dropped(None, Dropped::NoPeer),
            None => return Err(Refusal::WouldBlock),
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, _: &Frame) -> Result<(), Refusal> {
        if self.can_send(pipes) { Ok(()) } else { Err(Refusal::WouldBlock) }
    }

    #[inline(always)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        self.inbox.recv(pipes, into).map(drop).ok_or(Refusal::WouldBlock)
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

    fn held(&self) -> usize {
        self.inbox.held()
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }

    fn only_outlet(&self) -> Option<PipeId> {
        self.balance.only()
    }

    fn only_inlet(&self) -> Option<PipeId> {
        self.inbox.only()
    }
}

#[cfg(test)]
mod tests {
    use crate::pattern::Refusal;
    use crate::pattern::testing::Rig;
    use crate::{Message, SocketType};

    #[test]
    fn spreads_out_and_collects() {
        let mut dealer = Rig::new(SocketType::Dealer, 1);
        let _ = dealer.join(1, "");
        let _ = dealer.join(2, "");
        dealer.send(["", "a"]).unwrap();
        dealer.send("b").unwrap();
        assert_eq!(dealer.send("c"), Err(Refusal::WouldBlock));
        assert_eq!(dealer.pipes.sent(1), [Message::from(["", "a"])]);
        assert_eq!(dealer.pipes.sent(2), [Message::from("b")]);
        dealer.arrive(2, ["", "x"]);
        dealer.arrive(1, "y");
        assert_eq!(dealer.recv(), Ok("y".into()));
        assert_eq!(dealer.recv(), Ok(["", "x"].into()));
    }

    #[test]
    fn first_words_and_hiccups() {
        let mut dealer = Rig::with(SocketType::Dealer, 9, |options| {
            options.probe_router = true;
            options.hiccup_msg = Some("hiccup".into());
        });
        let _ = dealer.connect(1);
        assert_eq!(dealer.pipes.sent(1), [Message::new()]);
        dealer.reconnecting(1);
        assert_eq!(dealer.recv(), Err(Refusal::WouldBlock), "nobody was there yet");
        let _ = dealer.identify(1, "");
        dealer.arrive(1, "last words");
        dealer.reconnecting(1);
        assert_eq!(dealer.recv(), Ok("last words".into()));
        assert_eq!(dealer.recv(), Ok("hiccup".into()));
    }
}
