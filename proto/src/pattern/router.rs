//! ROUTER: addresses each peer by its routing id (RFC 28).
//!
//! The first frame of what it sends names the peer, the first frame of what it receives tells who sent it. A message that
//! can be routed nowhere is dropped and counted, or refused with `ZMQ_ROUTER_MANDATORY`. Invariant: nothing is read from a
//! pipe before its peer has an id.
//!
//! Departures from libzmq: a peer with a routing id in use is disconnected (libzmq keeps it connected and mute); a
//! reconnecting peer that comes back under another id is routed by the new one, never by the old.

use super::fair::Fair;
use super::pipe_set::PipeSet;
use super::routes::Routes;
use super::salute::Salute;
use super::{
    Admission, Attach, Attached, Behaviour, Closing, Discarded, Dropped, Entry, PatternOptions, PipeId,
    Pipes, Refusal, RefusedPeer, discard_input,
};
use crate::{Frame, Message};
use bytes::Bytes;

/// State of a ROUTER socket.
#[derive(Debug)]
pub struct Router {
    routes: Routes,
    inbox: Fair,
    salute: Salute,
    /// Pipes to peers that we connected to.
    local: PipeSet,
    /// Pipes whose peer is there.
    connected: PipeSet,
    mandatory: bool,
    handover: bool,
    raw: bool,
    notify_connect: bool,
    notify_disconnect: bool,
    disconnect_msg: Bytes,
}

impl Router {
    pub(super) fn new(seed: u64) -> Router {
        Router {
            routes: Routes::new(seed),
            inbox: Fair::default(),
            salute: Salute::default(),
            local: PipeSet::default(),
            connected: PipeSet::default(),
            mandatory: false,
            handover: false,
            raw: false,
            notify_connect: false,
            notify_disconnect: false,
            disconnect_msg: Bytes::new(),
        }
    }

    pub(super) fn is_raw(&self) -> bool {
        self.raw
    }

    fn refuse<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, why: RefusedPeer) -> Attached {
        self.routes.remove(pipe);
        self.inbox.detach(pipe);
        pipes.close(pipe, Closing::Refused(why));
        Attached::Refused(why)
    }

    /// Puts the routing id of `pipe`'s peer in front; `false` if it has none.
    fn label(&self, pipe: PipeId, message: &mut Message) -> bool {
        let Some(id) = self.routes.id_of(pipe) else { return false };
        message.push_front(id.clone().with_origin(message.origin()));
        true
    }

    /// The next message with its sender's id in front.
    fn next<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        while let Some(pipe) = self.inbox.next(pipes, into) {
            if self.label(pipe, into) {
                return Some(pipe);
            }
            pipes.discarded(Some(pipe), Discarded::Refused);
        }
        None
    }

    /// Queues a message of our own as if it came from `pipe`.
    fn notify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, notice: Message) {
        let mut notice = notice.with_origin(pipes.origin(pipe));
        if self.label(pipe, &mut notice) {
            pipes.tally(Entry::Notice, 1);
            if !self.inbox.notify(pipe, notice) {
                pipes.discarded(Some(pipe), Discarded::Overflow);
            }
        }
    }

    /// Where a message for `id` goes; `Ok(None)` if it is to be dropped, for the reason noted.
    fn route<P: Pipes>(
        &self,
        pipes: &mut P,
        id: &[u8],
        how: Admission,
    ) -> Result<Result<PipeId, (Option<PipeId>, Dropped)>, Refusal> {
        let keep = how == Admission::IfRoom && self.mandatory;
        match self.routes.find(id) {
            None if keep => Err(Refusal::Unroutable),
            None => Ok(Err((None, Dropped::Unroutable))),
            Some(pipe) if pipes.room(pipe) => Ok(Ok(pipe)),
            Some(_) if keep => Err(Refusal::WouldBlock),
            Some(pipe) if self.mandatory && how == Admission::Committed => Ok(Ok(pipe)),
            Some(pipe) => Ok(Err((Some(pipe), Dropped::HighWaterMark))),
        }
    }

    /// Reads out a pipe whose peer is gone, so that a notice about it comes after its last message, and no message of its
    /// comes under its successor's name. `false` if too much waits to be received already.
    fn drain<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) -> bool {
        let mut message = Message::new();
        while self.inbox.held() < Fair::NOTICES_MAX {
            if !pipes.read(pipe, &mut message) {
                return true;
            }
            if self.label(pipe, &mut message) {
                self.inbox.put_ahead(pipe, std::mem::take(&mut message));
            } else {
                pipes.discarded(Some(pipe), Discarded::Refused);
            }
        }
        false
    }

    /// Whether it matters which of a pipe's messages are of the peer that was there before. Those of one that may come back under another
    /// name are taken out once: if some wait still, a peer that comes and goes would fill the memory of who does not receive.
    fn tells_peers_apart(&self, pipe: PipeId) -> bool {
        let may_be_renamed = self.routes.is_named_by_peer(pipe) && !self.inbox.has_ahead();
        self.notify_connect || self.notify_disconnect || may_be_renamed
    }

    fn report_lost<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if !self.connected.remove(pipe) {
            return;
        }
        if self.notify_disconnect {
            self.drain(pipes, pipe);
            self.notify(pipes, pipe, Message::new());
        }
        if !self.disconnect_msg.is_empty() && !self.local.contains(pipe) {
            self.notify(pipes, pipe, Message::from(self.disconnect_msg.clone()));
        }
    }
}

impl Behaviour for Router {
    fn configure(&mut self, options: &PatternOptions) {
        self.salute.configure(options);
        self.mandatory = options.router_mandatory;
        self.handover = options.router_handover;
        self.raw = options.router_raw;
        let raw_notify = options.router_raw && options.stream_notify;
        self.notify_connect = raw_notify || options.router_notify.connect;
        self.notify_disconnect = raw_notify || options.router_notify.disconnect;
        self.disconnect_msg = options.disconnect_msg.clone().unwrap_or_default();
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, how: Attach) -> Attached {
        if let Err(why) = self.routes.attach(pipe, how.routing_id.as_deref()) {
            return self.refuse(pipes, pipe, why);
        }
        if how.local {
            self.local.insert(pipe);
        } else {
            self.local.remove(pipe);
        }
        // Else nothing may be read before the peer is there: its name, or the notice that it has come, is first.
        if self.routes.id_of(pipe).is_some() && !self.notify_connect {
            self.inbox.attach(pipe);
        }
        self.salute.attached(pipes, pipe);
        Attached::Accepted
    }

    fn identify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, routing_id: &[u8]) -> Attached {
        let announced = if self.raw { &[] } else { routing_id };
        match self.routes.announce(pipe, announced, self.handover) {
            Err(why) => return self.refuse(pipes, pipe, why),
            Ok(None) => {}
            Ok(Some(displaced)) => pipes.close(displaced, Closing::Displaced),
        }
        self.salute.met(pipe);
        self.inbox.attach(pipe);
        self.connected.insert(pipe);
        if self.notify_connect {
            self.notify(pipes, pipe, Message::new());
        }
        Attached::Accepted
    }

    fn routing_id_of(&self, pipe: PipeId) -> Option<&[u8]> {
        self.routes.id_of(pipe).map(Frame::as_bytes)
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.routes.close(pipe);
        if self.routes.id_of(pipe).is_none() {
            discard_input(pipes, pipe, Discarded::Refused);
        }
    }

    fn detach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.report_lost(pipes, pipe);
        self.routes.remove(pipe);
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
        self.local.remove(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.salute.lost(pipe);
        if self.tells_peers_apart(pipe) && self.drain(pipes, pipe) {
            self.inbox.detach(pipe);
        }
        self.report_lost(pipes, pipe);
    }

    #[inline(never)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        if message.rest().is_empty() {
            pipes.dropped(None, Dropped::Malformed);
            return Ok(());
        }
        let pipe = match self.route(pipes, message.first(), how)? {
            Err((pipe, why)) => {
                pipes.dropped(pipe, why);
                return Ok(());
            }
            Ok(pipe) => pipe,
        };
        message.pop_front();
        if self.raw && message.first().is_empty() {
            pipes.tally(Entry::Command, 1);
            pipes.close(pipe, Closing::Asked);
        } else {
            pipes.write(pipe, message);
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        self.route(pipes, first, Admission::IfRoom).map(|_| ())
    }

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        let taken = match self.inbox.take_ahead(into) {
            None => self.next(pipes, into),
            some => some,
        };
        taken.map(drop).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.inbox.has_ahead() {
            let mut message = Message::new();
            let Some(pipe) = self.next(pipes, &mut message) else { return false };
            self.inbox.put_ahead(pipe, message);
        }
        true
    }

    /// Always, as libzmq says; with `ZMQ_ROUTER_MANDATORY` if any peer has room.
    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        !self.mandatory || self.routes.open_pipes().any(|pipe| pipes.room(pipe))
    }

    fn has_room_for<P: Pipes>(&self, pipes: &mut P, routing_id: &[u8]) -> Result<bool, Refusal> {
        self.routes.find(routing_id).map(|pipe| pipes.room(pipe)).ok_or(Refusal::Unroutable)
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
}

#[cfg(test)]
mod tests {
    use crate::option::RouterNotify;
    use crate::pattern::testing::Rig;
    use crate::pattern::{Attach, Attached, Dropped, PipeId, Refusal, RefusedPeer};
    use crate::{Frame, Message, SocketType};
    use std::collections::{BTreeMap, BTreeSet};

    fn router() -> Rig {
        Rig::new(SocketType::Router, 1)
    }

    fn id_of(rig: &Rig, pipe: u32) -> Option<Vec<u8>> {
        rig.pattern.routing_id_of(PipeId(pipe)).map(<[u8]>::to_vec)
    }

    #[test]
    fn messages_are_labelled_and_routed() {
        let mut router = router();
        let _ = router.attach(1);
        router.arrive(1, "before the handshake");
        assert_eq!(router.recv(), Err(Refusal::WouldBlock));
        let _ = router.identify(1, "A");
        let _ = router.join(2, "");
        assert_eq!(router.recv(), Ok(["A", "before the handshake"].into()));
        router.arrive(2, ["", "x"]);
        assert!(router.can_recv());
        let message = router.recv().unwrap();
        assert_eq!((message[0].len(), message[0][0]), (5, 0));
        router.send(["A", "", "reply"]).unwrap();
        router.send(Message::from([message[0].clone(), "y".into()])).unwrap();
        assert_eq!(router.pipes.sent(1), [Message::from(["", "reply"])]);
        assert_eq!(router.pipes.sent(2), [Message::from("y")]);
    }

    #[test]
    fn what_cannot_be_routed_is_dropped_or_with_mandatory_refused() {
        let mut router = router();
        let _ = router.join(1, "A");
        router.send("id only").unwrap();
        router.send(["B", "x"]).unwrap();
        router.send(["A", "1"]).unwrap();
        router.send(["A", "2"]).unwrap();
        let full = (Some(1), Dropped::HighWaterMark);
        assert_eq!(router.pipes.dropped(), [(None, Dropped::Malformed), (None, Dropped::Unroutable), full]);
        assert!(router.can_send());

        let mut router = Rig::with(SocketType::Router, 1, |options| options.router_mandatory = true);
        assert!(!router.can_send());
        let _ = router.join(1, "A");
        assert!(router.can_send());
        assert_eq!(router.send(["B", "x"]), Err(Refusal::Unroutable));
        assert_eq!(router.may_start("B"), Err(Refusal::Unroutable));
        router.send(["A", "1"]).unwrap();
        assert_eq!(router.send(["A", "2"]), Err(Refusal::WouldBlock));
        assert_eq!(router.may_start("A"), Err(Refusal::WouldBlock));
        assert!(!router.can_send());
        assert_eq!(router.has_room_for("A"), Ok(false));
        assert_eq!(router.has_room_for("B"), Err(Refusal::Unroutable));
        router.commit(["A", "2"]);
        assert_eq!(router.pipes.sent(1).len(), 2);
        router.detach_out(1);
        assert_eq!(router.send(["A", "3"]), Err(Refusal::Unroutable));
    }

    #[test]
    fn a_routing_id_in_use_is_refused_or_handed_over() {
        let mut router = router();
        let _ = router.join(1, "A");
        assert_eq!(router.join(2, "A"), Attached::Refused(RefusedPeer::DuplicateRoutingId));
        assert_eq!(router.pipes.closed, [2]);
        router.arrive(2, "unheard");
        router.detach_out(2);
        assert_eq!(router.pipes.take(2), None, "refused peers leave nothing behind");
        router.detach(2);
        router.send(["A", "x"]).unwrap();
        assert_eq!(router.pipes.sent(1).len(), 1);
        // As soon as the old one is half gone, the id is free.
        router.detach_out(1);
        assert_eq!(router.join(3, "A"), Attached::Accepted);

        let mut router = Rig::with(SocketType::Router, 1, |options| options.router_handover = true);
        let _ = router.join(1, "A");
        router.arrive(1, "old");
        assert_eq!(router.join(2, "A"), Attached::Accepted);
        assert_eq!(router.pipes.closed, [1]);
        assert_eq!(router.recv().unwrap()[0].len(), 5, "the old peer's words are not the new one's");
        router.send(["A", "x"]).unwrap();
        assert_eq!((router.pipes.sent(1).len(), router.pipes.sent(2).len()), (0, 1));
        router.detach(1);
        router.send(["A", "x"]).unwrap();
        assert_eq!(router.pipes.sent(2).len(), 1);
    }

    #[test]
    fn ids_of_ours_and_of_the_application_cannot_be_taken() {
        let mut router = Rig::with(SocketType::Router, 1, |options| options.router_handover = true);
        let _ = router.join(1, "");
        let auto = id_of(&router, 1).unwrap();
        let duplicate = Attached::Refused(RefusedPeer::DuplicateRoutingId);
        // Who asks for an id of ours, in use or free again, gets another.
        for pipe in [2, 3] {
            let _ = router.attach(pipe);
            let identified = router.pattern.identify(&mut router.pipes, PipeId(pipe), &auto);
            assert_eq!(identified, Attached::Accepted);
            assert_ne!(id_of(&router, pipe).unwrap(), auto);
            router.detach(1);
        }
        router.send(Message::from([Frame::from(auto.clone()), "for nobody".into()])).unwrap();
        assert_eq!(router.pipes.dropped(), [(None, Dropped::Unroutable)]);
        // The application sits on the next id that the counter would give.
        let next = u32::from_be_bytes(id_of(&router, 3).unwrap()[1..].try_into().unwrap()) + 1;
        let squatted = [&[0], &next.to_be_bytes()[..]].concat();
        let squatter = Attach { routing_id: Some(squatted.clone().into()), local: true };
        let _ = router.pattern.attach(&mut router.pipes, PipeId(9), squatter);
        let _ = router.join(4, "");
        assert_ne!(id_of(&router, 4).unwrap(), squatted);
        let named = Attach { routing_id: Some("mine".into()), local: true };
        assert_eq!(router.pattern.attach(&mut router.pipes, PipeId(5), named.clone()), Attached::Accepted);
        assert_eq!(router.identify(5, "its own"), Attached::Accepted);
        assert_eq!(id_of(&router, 5).unwrap(), b"mine");
        assert_eq!(router.join(6, "mine"), duplicate);
        assert_eq!(router.pattern.attach(&mut router.pipes, PipeId(7), named), duplicate);
        let long = Attached::Refused(RefusedPeer::InvalidRoutingId);
        assert_eq!(router.join(8, &"x".repeat(256)), long);
    }

    #[test]
    fn a_peer_that_returns_under_another_name_is_not_the_old_one() {
        let mut router = router();
        let _ = router.connect(1);
        let _ = router.identify(1, "A");
        router.reconnecting(1);
        let _ = router.identify(1, "B");
        router.send(["A", "x"]).unwrap();
        assert_eq!(router.pipes.sent(1), []);
        router.send(["B", "x"]).unwrap();
        assert_eq!(router.pipes.sent(1).len(), 1);
    }

    /// Whoever writes into the pipe does not wait for the socket to notice the new peer.
    #[test]
    fn a_peer_and_its_successor_on_one_pipe_keep_their_messages_apart() {
        let mut router = router();
        let _ = router.connect(1);
        let _ = router.identify(1, "A");
        router.arrive(1, "of A");
        router.reconnecting(1);
        router.arrive(1, "of B");
        assert_eq!(router.recv(), Ok(["A", "of A"].into()));
        assert_eq!(router.recv(), Err(Refusal::WouldBlock));
        let _ = router.identify(1, "B");
        assert_eq!(router.recv(), Ok(["B", "of B"].into()));
        // Who does not receive does not keep what comes with every connection.
        for _ in 0..3 {
            router.arrive(1, "more");
            router.reconnecting(1);
            let _ = router.identify(1, "B");
        }
        assert_eq!((router.pattern.held(), router.pipes.inbound[&1].len()), (1, 2));
        // One that the application named has its name before, but its notice comes first all the same.
        let notify = RouterNotify { connect: true, disconnect: false };
        let mut router = Rig::with(SocketType::Router, 9, |options| options.router_notify = notify);
        let named = Attach { routing_id: Some("mine".into()), local: true };
        let _ = router.pattern.attach(&mut router.pipes, PipeId(1), named);
        router.arrive(1, "early");
        assert_eq!(router.recv(), Err(Refusal::WouldBlock));
        let _ = router.identify(1, "");
        assert_eq!(router.recv(), Ok(["mine", ""].into()));
        assert_eq!(router.recv(), Ok(["mine", "early"].into()));
    }

    #[test]
    fn notices_of_peers_that_come_and_go() {
        let mut router = Rig::with(SocketType::Router, 9, |options| {
            options.router_notify = RouterNotify { connect: true, disconnect: true };
            options.disconnect_msg = Some("gone".into());
        });
        let _ = router.join(1, "A");
        router.arrive(1, "x");
        assert_eq!(router.recv(), Ok(["A", ""].into()));
        router.detach(1);
        assert_eq!(router.recv(), Ok(["A", "x"].into()));
        assert_eq!(router.recv(), Ok(["A", ""].into()));
        assert_eq!(router.recv(), Ok(["A", "gone"].into()));
        assert_eq!(router.recv(), Err(Refusal::WouldBlock));
    }

    #[test]
    fn raw_peers_have_ids_of_ours_and_close_on_empty_messages() {
        let mut router = Rig::with(SocketType::Router, 9, |options| options.router_raw = true);
        assert_eq!(router.pattern.parts_limit(), Some(2));
        let _ = router.join(1, "ignored");
        let hello = router.recv().unwrap();
        assert_eq!((hello[0].len(), hello[1].len()), (5, 0));
        router.send(Message::from([hello[0].clone(), "".into()])).unwrap();
        assert_eq!(router.pipes.closed, [1]);
    }

    /// T22: a million peers come, rename, half leave and leave in random order; nobody gets another's message.
    #[test]
    fn a_million_random_arrivals_never_misroute() {
        for handover in [false, true] {
            let mut model = Model::new(handover);
            let mut random = 0x9e37_79b9_7f4a_7c15_u64;
            for _ in 0..500_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x1405_7b7e_f767_814f);
                model.step(random >> 60, (random >> 40) as u32 % 12, (random >> 20) % 8);
            }
        }
    }

    /// A ROUTER, and beside it what it should know: who has which id, and who can be written to.
    struct Model {
        rig: Rig,
        owner: BTreeMap<Vec<u8>, u32>,
        open: BTreeSet<u32>,
    }

    impl Model {
        fn new(handover: bool) -> Model {
            let rig = Rig::with(SocketType::Router, 9, |options| options.router_handover = handover);
            Model { rig, owner: BTreeMap::new(), open: BTreeSet::new() }
        }

        fn step(&mut self, kind: u64, pipe: u32, name: u64) {
            let id = if name == 0 { String::new() } else { format!("peer {name}") };
            match kind {
                0..4 => {
                    self.rig.detach(pipe);
                    let _ = self.rig.attach(pipe);
                    self.forget(pipe);
                    self.open.insert(pipe);
                }
                4..10 => self.identify(pipe, &id),
                10..12 => {
                    self.rig.detach_out(pipe);
                    self.forget(pipe);
                }
                12..14 => {
                    self.rig.detach(pipe);
                    self.forget(pipe);
                }
                _ => {
                    self.rig.send([id.as_str(), "x"]).unwrap();
                    let reached: Vec<u32> =
                        std::mem::take(&mut self.rig.pipes.outbound).into_keys().collect();
                    let expected: Vec<u32> = self.owner.get(id.as_bytes()).copied().into_iter().collect();
                    assert_eq!(reached, expected, "for {id:?}");
                }
            }
        }

        fn identify(&mut self, pipe: u32, id: &str) {
            self.rig.pipes.closed.clear();
            let verdict = self.rig.identify(pipe, id);
            let closed = self.rig.pipes.closed.clone();
            self.owner.retain(|_, owner| *owner != pipe && !closed.contains(owner));
            self.open.retain(|open| !closed.contains(open));
            if verdict == Attached::Accepted && self.open.contains(&pipe) {
                let id = id_of(&self.rig, pipe).expect("an accepted peer has an id");
                assert_eq!(self.owner.insert(id, pipe), None);
            }
        }

        fn forget(&mut self, pipe: u32) {
            self.open.remove(&pipe);
            self.owner.retain(|_, owner| *owner != pipe);
        }
    }
}
