//! PAIR: exactly one peer, both ways (RFC 31).
//!
//! Invariant: at most one pipe; every other is refused and closed until the first is detached.

use super::fair::Fair;
use super::{
    Admission, Attach, Attached, Behaviour, Closing, Discarded, Dropped, PipeId, Pipes, Refusal, RefusedPeer,
    discard_input,
};
use crate::{Frame, Message};

/// State of a PAIR socket.
#[derive(Debug, Default)]
pub struct Pair {
    peer: Option<PipeId>,
    /// Whether the peer can be written to.
    open: bool,
    inbox: Fair,
}

impl Pair {
    fn outlet(&self) -> Option<PipeId> {
        self.peer.filter(|_| self.open)
    }
}

impl Behaviour for Pair {
    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: Attach) -> Attached {
        if self.peer.is_some_and(|peer| peer != pipe) {
            pipes.close(pipe, Closing::Refused(RefusedPeer::SecondPeer));
            return Attached::Refused(RefusedPeer::SecondPeer);
        }
        self.peer = Some(pipe);
        self.open = true;
        self.inbox.attach(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.peer == Some(pipe) {
            self.open = false;
        } else {
            discard_input(pipes, pipe, Discarded::Refused);
        }
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        if self.peer == Some(pipe) {
            self.peer = None;
            self.open = false;
            self.inbox.detach(pipe);
        }
    }

    #[inline(always)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        match self.outlet() {
            Some(pipe) if how == Admission::Committed || pipes.room(pipe) => pipes.write(pipe, message),
            None if how == Admission::Committed => pipes.dropped(self.peer, Dropped::NoPeer),
            Some(_) | None => return Err(Refusal::WouldBlock),
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
        self.outlet().is_some_and(|pipe| pipes.room(pipe))
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
        self.outlet()
    }

    fn only_inlet(&self) -> Option<PipeId> {
        self.inbox.only()
    }
}

#[cfg(test)]
mod tests {
    use crate::SocketType;
    use crate::pattern::testing::Rig;
    use crate::pattern::{Attached, Refusal, RefusedPeer};

    #[test]
    fn the_first_peer_stays_the_only_one_until_it_is_gone() {
        let mut pair = Rig::new(SocketType::Pair, 1);
        assert_eq!(pair.send("a"), Err(Refusal::WouldBlock));
        assert_eq!(pair.attach(1), Attached::Accepted);
        assert_eq!(pair.attach(2), Attached::Refused(RefusedPeer::SecondPeer));
        assert_eq!(pair.pipes.closed, [2]);
        pair.arrive(2, "from a stranger");
        pair.detach_out(2);
        assert_eq!(pair.pipes.take(2), None, "refused peers leave nothing behind");
        pair.detach(2);
        assert_eq!(pair.recv(), Err(Refusal::WouldBlock));
        pair.send("a").unwrap();
        assert_eq!(pair.send("b"), Err(Refusal::WouldBlock));
        pair.arrive(1, "c");
        pair.detach_out(1);
        assert!(!pair.can_send());
        assert!(pair.can_recv());
        pair.detach(1);
        assert_eq!(pair.recv().unwrap(), "c".into());
        assert_eq!(pair.attach(3), Attached::Accepted);
        pair.send("d").unwrap();
        assert_eq!(pair.pipes.sent(3).len(), 1);
    }
}
