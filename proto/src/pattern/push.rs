//! PUSH: the sending end of a pipeline (RFC 30).
//!
//! Spreads messages over its peers, never receives; without a peer that has room, sending blocks.

use super::balance::Balance;
use super::{Admission, Attach, Attached, Behaviour, Dropped, PipeId, Pipes, Refusal};
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

    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.balance.choose(pipes, Admission::IfRoom).is_some()
    }

    fn only_outlet(&self) -> Option<PipeId> {
        self.balance.only()
    }
}

#[cfg(test)]
mod tests {
    use crate::pattern::testing::Rig;
    use crate::pattern::{Dropped, Refusal};
    use crate::{Message, SocketType};

    #[test]
    fn messages_go_round_and_skip_full_peers() {
        let mut push = Rig::new(SocketType::Push, 2);
        assert_eq!(push.send("early"), Err(Refusal::WouldBlock));
        for pipe in [7, 8, 9] {
            let _ = push.attach(pipe);
        }
        for body in ["a", "b", "c", "d", "e"] {
            push.send(body).unwrap();
        }
        assert_eq!(push.pipes.sent(7), ["a", "d"].map(Message::from));
        assert_eq!(push.pipes.sent(9), [Message::from("c")]);
        // 8 is full and does not count; 7 and 9 were emptied.
        for body in ["f", "g", "h"] {
            push.send(body).unwrap();
        }
        assert_eq!(push.drain(8), ["b", "e"].map(Message::from));
        assert_eq!(push.pipes.sent(9).len() + push.pipes.sent(7).len(), 3);
        assert_eq!(push.recv(), Err(Refusal::NotSupported));
        assert!(!push.pattern.wants_input());
    }

    #[test]
    fn mute_until_writable_and_parts_stay_together() {
        let mut push = Rig::new(SocketType::Push, 1);
        let _ = push.attach(1);
        let _ = push.attach(2);
        push.send(["a", "b"]).unwrap();
        push.send(["c", "d"]).unwrap();
        assert!(!push.can_send());
        assert_eq!(push.send(["e", "f"]), Err(Refusal::WouldBlock));
        assert_eq!(push.may_start("e"), Err(Refusal::WouldBlock));
        assert_eq!(push.drain(2), [Message::from(["c", "d"])]);
        assert!(push.can_send());
        push.send(["e", "f"]).unwrap();
        assert_eq!(push.pipes.sent(2), [Message::from(["e", "f"])]);
    }

    #[test]
    fn a_committed_message_exceeds_the_mark_or_is_counted() {
        let mut push = Rig::new(SocketType::Push, 1);
        let _ = push.attach(1);
        assert_eq!(push.may_start("a"), Ok(()));
        push.send("x").unwrap();
        push.commit(["a", "b"]);
        assert_eq!(push.pipes.sent(1).len(), 2);
        push.detach(1);
        push.commit(["c", "d"]);
        assert_eq!(push.pipes.dropped(), [(None, Dropped::NoPeer)]);
    }
}
