//! REP: takes one request, then answers it, in lockstep (RFC 28).
//!
//! The envelope of a request, all frames up to the first empty one, is kept and put before the reply, which
//! goes back to where the request came from, or nowhere. Invariant: a reply never reaches anyone but the asker,
//! also when the asker's pipe id is used anew. A message without delimiter or without a part after it is dropped.
//!
//! Departure from libzmq: two peers with the same routing id are both served; nobody is routed by name here.

use super::fair::Fair;
use super::pipe_set::PipeSet;
use super::salute::Salute;
use super::{
    Admission, Attach, Attached, Behaviour, Discarded, Dropped, PatternOptions, PipeId, Pipes, Refusal,
};
use crate::{Frame, Message};

/// State of a REP socket.
#[derive(Debug, Default)]
pub struct Rep {
    inbox: Fair,
    salute: Salute,
    /// Pipes that can be written to.
    open: PipeSet,
    /// A request that a poll has taken out already.
    request: Option<(Asker, Message)>,
    /// Whom the next reply is for.
    owed: Option<Asker>,
    source: Option<PipeId>,
}

/// Where a reply goes.
#[derive(Debug)]
struct Asker {
    /// `None` once its connection is gone.
    pipe: Option<PipeId>,
    /// The frames before the delimiter.
    envelope: Vec<Frame>,
}

impl Asker {
    fn forget(&mut self, gone: PipeId) {
        if self.pipe == Some(gone) {
            self.pipe = None;
        }
    }
}

impl Rep {
    fn next_request<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<Asker> {
        let mut envelope = Vec::new();
        while let Some((pipe, whole)) = self.inbox.next_enveloped(pipes, &mut envelope, into) {
            if whole {
                self.source = Some(pipe);
                let back = Some(pipe).filter(|pipe| self.open.contains(*pipe));
                return Some(Asker { pipe: back, envelope });
            }
            pipes.discarded(Some(pipe), Discarded::Malformed);
            envelope.clear();
        }
        None
    }

    /// Nothing can be written to `pipe` any more.
    fn forget(&mut self, pipe: PipeId) {
        self.open.remove(pipe);
        for asker in self.owed.iter_mut().chain(self.request.iter_mut().map(|(asker, _)| asker)) {
            asker.forget(pipe);
        }
    }
}

impl Behaviour for Rep {
    fn configure(&mut self, options: &PatternOptions) {
        self.salute.configure(options);
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.salute.attached(pipes, pipe);
        self.inbox.attach(pipe);
        self.open.insert(pipe);
        Attached::Accepted
    }

    fn identify<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: &[u8]) -> Attached {
        self.salute.met(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.forget(pipe);
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.salute.lost(pipe);
    }

    #[inline(never)]
    fn send<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message, _: Admission) -> Result<(), Refusal> {
        let asker = self.owed.take().ok_or(NO_REQUEST)?;
        match asker.pipe {
            None => pipes.dropped(None, Dropped::Disconnected),
            Some(pipe) if pipes.room(pipe) => pipes.write_enveloped(pipe, &asker.envelope, message),
            Some(pipe) => pipes.dropped(Some(pipe), Dropped::HighWaterMark),
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, _: &mut P, _: &Frame) -> Result<(), Refusal> {
        self.owed.as_ref().map(|_| ()).ok_or(NO_REQUEST)
    }

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        if self.owed.is_some() {
            return Err(Refusal::WrongState("a REP socket must send its reply before it receives again"));
        }
        let asker = match self.request.take() {
            None => self.next_request(pipes, into).ok_or(Refusal::WouldBlock)?,
            Some((asker, body)) => {
                *into = body;
                asker
            }
        };
        self.owed = Some(asker);
        Ok(())
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.owed.is_some() {
            return false;
        }
        if self.request.is_none() {
            let mut request = Message::new();
            self.request = self.next_request(pipes, &mut request).map(|asker| (asker, request));
        }
        self.request.is_some()
    }

    fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool {
        self.owed.is_some()
    }

    fn wants_input(&self) -> bool {
        self.owed.is_none()
    }

    fn held(&self) -> usize {
        usize::from(self.request.is_some())
    }

    fn last_source(&self) -> Option<PipeId> {
        self.source
    }
}

const NO_REQUEST: Refusal = Refusal::WrongState("a REP socket must receive a request before it replies");

#[cfg(test)]
mod tests {
    use crate::pattern::testing::Rig;
    use crate::pattern::{Discarded, Dropped, Refusal};
    use crate::{Frame, Message, SocketType};

    fn wrong<T: std::fmt::Debug>(result: Result<T, Refusal>) -> bool {
        matches!(result, Err(Refusal::WrongState(_)))
    }

    #[test]
    fn replies_go_back_through_the_envelope() {
        let mut rep = Rig::new(SocketType::Rep, 9);
        for pipe in [1, 2] {
            let _ = rep.join(pipe, "same");
        }
        assert!(wrong(rep.send("early")));
        assert_eq!(rep.recv(), Err(Refusal::WouldBlock));
        rep.arrive(1, ["", "q1"]);
        rep.arrive(2, ["hop a", "hop b", "", "q2", "", "q3"]);
        assert!(rep.can_recv());
        assert_eq!(rep.recv(), Ok("q1".into()));
        assert!(wrong(rep.recv()));
        assert!(!rep.can_recv() && !rep.pattern.wants_input() && rep.can_send());
        rep.send("r1").unwrap();
        assert_eq!(rep.recv(), Ok(["q2", "", "q3"].into()));
        rep.send(["r2", "more"]).unwrap();
        assert_eq!(rep.pipes.sent(1), [Message::from(["", "r1"])]);
        assert_eq!(rep.pipes.sent(2), [Message::from(["hop a", "hop b", "", "r2", "more"])]);
        assert!(!rep.can_send());
    }

    /// T24: what a peer puts before its request costs no more than its parts.
    #[test]
    fn t24_a_million_hops_are_kept_and_a_million_without_an_end_are_dropped() {
        const HOPS: usize = 1_000_000;
        let hops = || (0..HOPS).map(|_| Frame::copy_from_slice(b"h"));
        let mut rep = Rig::new(SocketType::Rep, 9);
        let _ = rep.join(1, "");
        let endless = Message::from_parts(hops()).unwrap();
        rep.arrive(1, endless);
        let whole = Message::from_parts(hops().chain([Frame::new(), Frame::copy_from_slice(b"q")])).unwrap();
        rep.arrive(1, whole);
        assert_eq!(rep.recv(), Ok("q".into()));
        rep.send("r").unwrap();
        let reply = rep.pipes.sent(1).pop().unwrap();
        assert_eq!(reply.len(), HOPS + 2);
        assert!(reply.iter().take(HOPS).all(|hop| hop == "h") && reply[HOPS].is_empty());
        assert_eq!(&reply[HOPS + 1], "r");
    }

    #[test]
    fn malformed_requests_are_dropped() {
        let mut rep = Rig::new(SocketType::Rep, 9);
        let _ = rep.attach(1);
        rep.arrive(1, "no delimiter");
        rep.arrive(1, "");
        rep.arrive(1, ["a", "b", ""]);
        assert!(!rep.can_recv());
        assert_eq!(rep.pipes.discarded(), [(Some(1), Discarded::Malformed); 3]);
        let hops = (0..100_000).map(|_| "hop").chain(["", "q"]);
        rep.arrive(1, Message::from_parts(hops).unwrap());
        assert_eq!(rep.recv(), Ok("q".into()));
        rep.send("r").unwrap();
        assert_eq!(rep.pipes.sent(1)[0].len(), 100_002);
    }

    #[test]
    fn a_reply_reaches_the_asker_or_nobody() {
        for lost_after_recv in [true, false] {
            let mut rep = Rig::new(SocketType::Rep, 9);
            let _ = rep.attach(1);
            rep.arrive(1, ["", "q"]);
            assert!(rep.can_recv());
            if lost_after_recv {
                assert_eq!(rep.recv(), Ok("q".into()));
            }
            rep.detach(1);
            let _ = rep.attach(1); // the id is used anew
            if !lost_after_recv {
                assert_eq!(rep.recv(), Ok("q".into()));
            }
            rep.send("r").unwrap();
            assert_eq!(rep.pipes.sent(1), []);
            assert_eq!(rep.pipes.dropped(), [(None, Dropped::Disconnected)]);
        }
    }

    #[test]
    fn a_full_asker_loses_its_reply() {
        let mut rep = Rig::new(SocketType::Rep, 0);
        let _ = rep.attach(1);
        rep.arrive(1, ["", "q"]);
        rep.recv().unwrap();
        rep.send("r").unwrap();
        assert_eq!(rep.pipes.dropped(), [(Some(1), Dropped::HighWaterMark)]);
    }
}
