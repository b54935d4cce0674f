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
    Admission, Attach, Attached, Behaviour, Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused,
    RefusedPeer,
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
        pipes.close(pipe);
        Attached::Refused(why)
    }

    fn label(&self, pipe: PipeId, mut message: Message) -> Option<Message> {
        let id = self.routes.id_of(pipe)?.clone().with_origin(message.origin());
        message.push_front(id);
        Some(message)
    }

    /// The next message with its sender's id in front.
    fn next<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        while let Some((pipe, message)) = self.inbox.next(pipes) {
            match self.label(pipe, message) {
                Some(labelled) => return Some((pipe, labelled)),
                None => pipes.dropped(Some(pipe), Dropped::Unroutable),
            }
        }
        None
    }

    /// Queues a message of our own as if it came from `pipe`.
    fn notify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, body: Message) {
        let Some(notice) = self.label(pipe, body) else { return };
        if !self.inbox.notify(pipe, notice) {
            pipes.dropped(Some(pipe), Dropped::HighWaterMark);
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
            Some(pipe) if self.mandatory => Ok(Ok(pipe)),
            Some(pipe) => Ok(Err((Some(pipe), Dropped::HighWaterMark))),
        }
    }

    /// Reads out a pipe whose peer is gone, so that a notice about it comes after its last message.
    fn drain<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        while let Some(message) = pipes.read(pipe) {
            match self.label(pipe, message) {
                Some(labelled) => self.inbox.put_ahead(pipe, labelled),
                None => pipes.dropped(Some(pipe), Dropped::Unroutable),
            }
        }
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
        self.notify_connect = raw_notify || options.router_notify & PatternOptions::NOTIFY_CONNECT != 0;
        self.notify_disconnect = raw_notify || options.router_notify & PatternOptions::NOTIFY_DISCONNECT != 0;
        self.disconnect_msg = options.disconnect_msg.clone();
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
        if self.routes.id_of(pipe).is_some() {
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
            Ok(Some(displaced)) => pipes.close(displaced),
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

    fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.routes.close(pipe);
    }

    fn detach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.report_lost(pipes, pipe);
        self.routes.remove(pipe);
        self.inbox.detach(pipe);
        self.salute.detached(pipe);
        self.local.remove(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.salute.lost(pipes, pipe);
        self.report_lost(pipes, pipe);
    }

    fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message, how: Admission) -> Result<(), Refused> {
        if message.rest().is_empty() {
            pipes.dropped(None, Dropped::Malformed);
            return Ok(());
        }
        let pipe = match self.route(pipes, message.first(), how) {
            Err(why) => return Err(why.of(message)),
            Ok(Err((pipe, why))) => {
                pipes.dropped(pipe, why);
                return Ok(());
            }
            Ok(Ok(pipe)) => pipe,
        };
        if let (_, Some(body)) = message.split_first() {
            if self.raw && body.first().is_empty() {
                pipes.close(pipe);
            } else {
                pipes.write(pipe, body);
            }
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        self.route(pipes, first, Admission::IfRoom).map(|_| ())
    }

    fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        let taken = match self.inbox.take_ahead() {
            None => self.next(pipes),
            some => some,
        };
        taken.map(|(_, message)| message).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.inbox.has_ahead() {
            let Some((pipe, message)) = self.next(pipes) else { return false };
            self.inbox.put_ahead(pipe, message);
        }
        true
    }

    /// Always, as libzmq says; with `ZMQ_ROUTER_MANDATORY` if any peer has room.
    fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        !self.mandatory || self.routes.open_pipes().any(|pipe| pipes.room(pipe))
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }
}
