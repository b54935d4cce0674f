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

    #[inline(always)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        self.inbox.recv(pipes, into).map(drop).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.inbox.has_input(pipes)
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

    fn only_inlet(&self) -> Option<PipeId> {
        self.inbox.only()
    }
}

#[cfg(test)]
mod tests {
    use crate::pattern::testing::Rig;
    use crate::pattern::{PipeId, Refusal};
    use crate::{Message, SocketType};
    use std::time::{Duration, Instant};

    #[test]
    fn peers_take_turns_message_by_message() {
        let mut pull = Rig::new(SocketType::Pull, 10);
        for pipe in 0..3 {
            let _ = pull.attach(pipe);
        }
        for body in ["1", "2", "3"] {
            for pipe in 0..3 {
                pull.arrive(pipe, [body, "more"]);
            }
        }
        let mut order = Vec::new();
        while let Ok(message) = pull.recv() {
            assert_eq!(message.len(), 2);
            order.push((pull.pattern.last_source().unwrap().0, message[0].as_str().unwrap().to_owned()));
        }
        let expected = ["1", "2", "3"].map(|body| [0, 1, 2].map(|pipe| (pipe, body.to_owned())));
        assert_eq!(order, expected.concat());
        assert_eq!(pull.send("x"), Err(Refusal::NotSupported));
        assert!(!pull.can_send());
    }

    /// T34: peers that say nothing cost nothing, however many they are.
    #[test]
    fn t34_a_hundred_thousand_idle_peers_do_not_slow_the_one_that_talks() {
        const MESSAGES: u32 = 20_000;
        let time_with = |idle: u32| {
            let mut pull = Rig::new(SocketType::Pull, MESSAGES as usize);
            for pipe in 0..=idle {
                let _ = pull.attach(pipe);
            }
            // Each is found empty once.
            assert!(!pull.can_recv());
            (0..MESSAGES).for_each(|_| pull.arrive(idle / 2, "x"));
            let begin = Instant::now();
            (0..MESSAGES).for_each(|_| drop(pull.recv().unwrap()));
            begin.elapsed()
        };
        let best = |idle| (0..3).map(|_| time_with(idle)).min().unwrap();
        let (few, many) = (best(10), best(100_000));
        // A look at each peer for each message would take ten thousand times as long.
        assert!(many < few * 100 + Duration::from_millis(20), "{few:?} with few, {many:?} with many");
    }

    #[test]
    fn what_a_poll_took_out_gives_way_to_something_newer_where_only_that_is_kept() {
        let mut pull = Rig::new(SocketType::Pull, 10);
        for pipe in [1, 2] {
            let _ = pull.attach(pipe);
        }
        pull.pipes.conflating.insert(1);
        pull.arrive(1, "old");
        assert!(pull.can_recv());
        pull.arrive(1, "new");
        assert!(pull.can_recv());
        assert_eq!(pull.recv(), Ok(Message::from("new")));
        assert_eq!(pull.recv(), Err(Refusal::WouldBlock));
        pull.arrive(2, "one");
        assert!(pull.can_recv());
        pull.arrive(2, "two");
        assert_eq!((pull.recv(), pull.recv()), (Ok(Message::from("one")), Ok(Message::from("two"))));
    }

    #[test]
    fn a_poll_takes_one_out_and_the_next_receive_gives_it() {
        let mut pull = Rig::new(SocketType::Pull, 10);
        let _ = pull.attach(4);
        assert!(!pull.can_recv());
        pull.arrive(4, "a");
        assert!(pull.can_recv());
        assert!(pull.can_recv());
        pull.detach(4);
        assert_eq!(pull.recv(), Ok(Message::from("a")));
        assert_eq!(pull.pattern.last_source(), Some(PipeId(4)));
        assert_eq!(pull.recv(), Err(Refusal::WouldBlock));
    }
}
