//! REQ: one request, then its reply, in lockstep (RFC 28).
//!
//! On the wire a request is an empty delimiter frame (after a request id, with `ZMQ_REQ_CORRELATE`) and the
//! application's parts. Invariant: the state changes only when a message is admitted or delivered,
//! never on a refusal. Replies from other peers than the one asked, to older requests, or without the
//! envelope are dropped.
//!
//! When the asked peer's pipe is gone for good, the socket goes on waiting and takes a reply from any pipe, as
//! libzmq does: a ROUTER that comes back over a new connection may still answer.

use super::balance::Balance;
use super::fair::Fair;
use super::salute::Salute;
use super::{
    Admission, Attach, Attached, Behaviour, Discarded, Dropped, PatternOptions, PipeId, Pipes, Refusal,
    discard_input,
};
use crate::{Frame, Message};

/// State of a REQ socket.
#[derive(Debug)]
pub struct Req {
    balance: Balance,
    inbox: Fair,
    salute: Salute,
    state: State,
    /// A reply that a poll has taken out already.
    reply: Option<Message>,
    correlate: bool,
    relaxed: bool,
    /// Of the last request sent.
    request_id: u32,
    source: Option<PipeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A request may be sent.
    Idle,
    /// A reply is due; from one pipe, or from any once that one is gone.
    Waiting { from: Option<PipeId> },
}

impl Req {
    /// Most leftover messages thrown away before one request is sent, so that a peer that floods cannot hold up the call.
    pub const STALE_REPLIES_MAX: usize = 1 << 12;

    pub(super) fn new(seed: u64) -> Req {
        Req {
            balance: Balance::default(),
            inbox: Fair::default(),
            salute: Salute::default(),
            state: State::Idle,
            reply: None,
            correlate: false,
            relaxed: false,
            request_id: seed as u32,
            source: None,
        }
    }

    /// The number of the request that waits for its reply.
    pub(super) fn open_request(&self) -> Option<u32> {
        (self.state != State::Idle).then_some(self.request_id)
    }

    /// Stops waiting for the reply to request `number`, if that is the one that waits: another may be sent. Says which pipe was
    /// asked, if it is known.
    pub(super) fn abandon_request(&mut self, number: u32) -> Option<Option<PipeId>> {
        let State::Waiting { from } = self.state else { return None };
        if number != self.request_id {
            return None;
        }
        self.state = State::Idle;
        Some(from)
    }

    fn check_may_send(&self) -> Result<(), Refusal> {
        match self.state {
            State::Waiting { .. } if !self.relaxed => Err(Refusal::WrongState(
                "a REQ socket must receive the reply before it sends again; req_relaxed lets it give the reply up",
            )),
            State::Idle | State::Waiting { .. } => Ok(()),
        }
    }

    /// Throws away what has arrived before the request: it cannot be the reply.
    fn drop_stale<P: Pipes>(&mut self, pipes: &mut P) {
        if self.reply.take().is_some() {
            pipes.discarded(self.source, Discarded::Unsolicited);
        }
        let mut stale = Message::new();
        for _ in 0..Self::STALE_REPLIES_MAX {
            let Some(pipe) = self.inbox.recv(pipes, &mut stale) else { return };
            pipes.discarded(Some(pipe), Discarded::Unsolicited);
        }
    }

    /// Whether `envelope` is that of the last request.
    fn is_mine(&self, envelope: &[Frame]) -> bool {
        match envelope {
            [] => !self.correlate,
            [id] => self.correlate && *id == self.request_id.to_ne_bytes()[..],
            _ => false,
        }
    }

    /// The next message that is the reply to the last request.
    fn next_reply<P: Pipes>(&mut self, pipes: &mut P, from: Option<PipeId>, into: &mut Message) -> bool {
        let mut envelope = Vec::new();
        while let Some((pipe, whole)) = self.inbox.next_enveloped(pipes, &mut envelope, into) {
            if whole && from.is_none_or(|from| from == pipe) && self.is_mine(&envelope) {
                self.source = Some(pipe);
                return true;
            }
            let why = if whole { Discarded::Unsolicited } else { Discarded::Malformed };
            pipes.discarded(Some(pipe), why);
            envelope.clear();
        }
        false
    }
}

impl Behaviour for Req {
    fn configure(&mut self, options: &PatternOptions) {
        self.salute.configure(options);
        self.correlate = options.req_correlate;
        self.relaxed = options.req_relaxed;
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

    fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.balance.detach(pipe);
        let may_hold_the_reply = match self.state {
            State::Idle => false,
            State::Waiting { from } => from.is_none_or(|from| from == pipe),
        };
        if !may_hold_the_reply {
            discard_input(pipes, pipe, Discarded::Unsolicited);
        }
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
        if self.state == (State::Waiting { from: Some(pipe) }) {
            self.state = State::Waiting { from: None };
        }
    }

    fn reconnecting<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.salute.lost(pipe);
    }

    #[inline(never)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        self.check_may_send()?;
        let Some(pipe) = self.balance.choose(pipes, how) else {
            if how == Admission::IfRoom {
                return Err(Refusal::WouldBlock);
            }
            pipes.dropped(None, Dropped::NoPeer);
            self.state = State::Waiting { from: None };
            return Ok(());
        };
        self.drop_stale(pipes);
        self.request_id = self.request_id.wrapping_add(1);
        let id = [Frame::from(self.request_id.to_ne_bytes())];
        let envelope = if self.correlate { &id[..] } else { &[] };
        self.balance.write_enveloped(pipes, pipe, envelope, message);
        self.state = State::Waiting { from: Some(pipe) };
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, _: &Frame) -> Result<(), Refusal> {
        self.check_may_send()?;
        match self.balance.choose(pipes, Admission::IfRoom) {
            Some(_) => Ok(()),
            None => Err(Refusal::WouldBlock),
        }
    }

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        let State::Waiting { from } = self.state else {
            return Err(Refusal::WrongState("a REQ socket must send a request before it receives"));
        };
        match self.reply.take() {
            Some(reply) => *into = reply,
            None if self.next_reply(pipes, from, into) => {}
            None => return Err(Refusal::WouldBlock),
        }
        self.state = State::Idle;
        Ok(())
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        let State::Waiting { from } = self.state else { return false };
        if self.reply.is_none() {
            let mut reply = Message::new();
            self.reply = self.next_reply(pipes, from, &mut reply).then_some(reply);
        }
        self.reply.is_some()
    }

    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.check_may_send().is_ok() && self.balance.choose(pipes, Admission::IfRoom).is_some()
    }

    fn wants_input(&self) -> bool {
        self.state != State::Idle
    }

    fn held(&self) -> usize {
        usize::from(self.reply.is_some())
    }

    fn last_source(&self) -> Option<PipeId> {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::Req;
    use crate::pattern::testing::Rig;
    use crate::pattern::{Discarded, PipeId, Refusal};
    use crate::{Message, SocketType};

    fn wrong<T: std::fmt::Debug>(result: Result<T, Refusal>) -> bool {
        matches!(result, Err(Refusal::WrongState(_)))
    }

    #[test]
    fn lockstep_round_robin() {
        let mut req = Rig::new(SocketType::Req, 9);
        assert!(wrong(req.recv()));
        assert_eq!(req.send("early"), Err(Refusal::WouldBlock));
        assert!(wrong(req.recv()), "a refused send changes nothing");
        for pipe in [1, 2] {
            let _ = req.attach(pipe);
        }
        for pipe in [1, 2, 1] {
            assert!(!req.pattern.wants_input());
            req.send(["q", "r"]).unwrap();
            assert_eq!(req.pipes.sent(pipe), [Message::from(["", "q", "r"])]);
            assert!(wrong(req.send("again")));
            assert!(wrong(req.may_start("again")));
            assert!(!req.can_send());
            assert_eq!(req.recv(), Err(Refusal::WouldBlock));
            req.arrive(pipe, ["", "reply"]);
            assert!(req.can_recv());
            assert_eq!(req.recv(), Ok("reply".into()));
            assert!(!req.can_recv());
        }
    }

    #[test]
    fn what_is_not_the_reply_is_dropped() {
        let mut req = Rig::new(SocketType::Req, 9);
        for pipe in [1, 2] {
            let _ = req.attach(pipe);
        }
        req.arrive(1, ["", "before the request"]);
        req.send("q").unwrap();
        req.arrive(2, ["", "not asked"]);
        req.arrive(1, "no delimiter");
        req.arrive(1, "");
        req.arrive(1, ["x", "", "envelope"]);
        req.arrive(1, ["", "reply", ""]);
        assert_eq!(req.recv(), Ok(["reply", ""].into()));
        let (late, malformed) = (Discarded::Unsolicited, Discarded::Malformed);
        let mut discarded = req.pipes.discarded();
        discarded.sort_by_key(|(pipe, _)| *pipe);
        let of_1 = [late, malformed, malformed, late].map(|why| (Some(1), why));
        assert_eq!(discarded, [&of_1[..], &[(Some(2), late)]].concat());
    }

    #[test]
    fn correlated_and_relaxed() {
        let mut req = Rig::with(SocketType::Req, 9, |options| {
            options.req_correlate = true;
            options.req_relaxed = true;
        });
        let _ = req.attach(1);
        req.send("first").unwrap();
        req.send("second").unwrap();
        let sent = req.pipes.sent(1);
        let reply =
            |number: usize, body: &str| Message::from([sent[number][0].clone(), "".into(), body.into()]);
        assert_eq!(sent[0].len(), 3);
        assert_ne!(sent[0][0], sent[1][0]);
        req.arrive(1, reply(0, "late"));
        req.arrive(1, ["", "without id"]);
        req.arrive(1, Message::from(sent[1][0].clone()));
        req.arrive(1, reply(1, "right"));
        assert_eq!(req.recv(), Ok("right".into()));
        assert_eq!(req.pipes.discarded().len(), 3);
        assert!(wrong(req.recv()));
    }

    #[test]
    fn an_abandoned_request_makes_way_and_its_reply_comes_to_nothing() {
        let mut req = Rig::with(SocketType::Req, 9, |options| options.req_correlate = true);
        let _ = req.attach(1);
        assert_eq!(req.pattern.open_request(), None);
        req.send("first").unwrap();
        let first = req.pattern.open_request().unwrap();
        assert_eq!(req.pattern.abandon_request(first + 1), None, "not the one that waits");
        assert!(wrong(req.send("second")));
        assert_eq!(req.pattern.abandon_request(first), Some(Some(PipeId(1))));
        assert_eq!(req.pattern.abandon_request(first), None);
        req.send("second").unwrap();
        let sent = req.pipes.sent(1);
        req.arrive(1, Message::from([sent[0][0].clone(), "".into(), "late".into()]));
        req.arrive(1, Message::from([sent[1][0].clone(), "".into(), "right".into()]));
        assert_eq!(req.recv(), Ok("right".into()));
        assert_eq!(req.pattern.open_request(), None);
    }

    #[test]
    fn a_lost_peer_leaves_the_request_open() {
        let mut req = Rig::new(SocketType::Req, 9);
        let _ = req.attach(1);
        req.send("q").unwrap();
        req.detach(1);
        assert!(wrong(req.send("q")));
        assert_eq!(req.recv(), Err(Refusal::WouldBlock));
        let _ = req.attach(2);
        req.arrive(2, ["", "reply"]);
        assert_eq!(req.recv(), Ok("reply".into()));
    }

    #[test]
    fn what_a_stranger_leaves_behind_is_thrown_away() {
        let mut req = Rig::new(SocketType::Req, 9);
        for pipe in [1, 2] {
            let _ = req.attach(pipe);
        }
        req.send("q").unwrap();
        req.arrive(1, ["", "reply"]);
        req.arrive(2, ["", "not asked"]);
        req.detach_out(2);
        assert_eq!(req.pipes.discarded(), [(Some(2), Discarded::Unsolicited)]);
        req.detach_out(1);
        assert_eq!(req.recv(), Ok("reply".into()));
    }

    #[test]
    fn a_flood_of_stale_replies_does_not_hold_up_the_send() {
        let mut req = Rig::new(SocketType::Req, 9);
        let _ = req.attach(1);
        for _ in 0..Req::STALE_REPLIES_MAX + 5 {
            req.arrive(1, ["", "spam"]);
        }
        req.send("q").unwrap();
        assert_eq!(req.pipes.discarded().len(), Req::STALE_REPLIES_MAX);
    }
}
