//! ROUTER and STREAM: each peer addressed by its routing id, the first part of every message
//! (RFC 28, `zmq_socket(3)`).
//!
//! A peer is known by the id it announced, by the one the application chose for it before
//! connecting, or by one made here: a zero byte and four more, counted from a random start, which no
//! peer can announce.
//!
//! Invariant: every route leads to an attached pipe whose output is open, and each such pipe has at
//! most one route.

use super::fair::Fair;
use super::{Attach, Attached, Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused};
use crate::{Frame, Message};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};

/// The state of a ROUTER or STREAM.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) inp: Fair,
    routes: HashMap<Bytes, PipeId>,
    ids: HashMap<PipeId, Bytes>,
    next_id: u32,
    /// STREAM, or a ROUTER made raw: bodies are bytes of a TCP connection.
    raw: bool,
    ready: Option<Message>,
    /// Notices of connects and disconnects.
    notices: VecDeque<Message>,
}

/// Notices kept for an application that does not receive them.
const NOTICES_MAX: usize = 65_536;

impl Router {
    pub(super) fn new(seed: u64, raw: bool) -> Router {
        Router {
            inp: Fair::default(),
            routes: HashMap::new(),
            ids: HashMap::new(),
            next_id: seed as u32,
            raw,
            ready: None,
            notices: VecDeque::new(),
        }
    }

    pub(super) fn attach<P: Pipes>(
        &mut self,
        pipes: &mut P,
        pipe: PipeId,
        how: Attach,
        options: &PatternOptions,
    ) -> Attached {
        if let Some(id) = how.routing_id {
            if self.routes.contains_key(&id) {
                return Attached::Refused("another peer has this routing id");
            }
            self.name(pipe, id);
        } else if self.raw || options.router_raw {
            let id = self.new_id();
            self.name(pipe, id);
            if options.stream_notify {
                self.notify(pipe);
            }
        }
        self.inp.attach(pipe);
        if options.probe_router && !self.raw {
            pipes.write(pipe, Message::new());
        }
        if let Some(hello) = &options.hello_msg {
            pipes.write(pipe, Message::from(hello.clone()));
        }
        Attached::Accepted
    }

    pub(super) fn identify<P: Pipes>(
        &mut self,
        pipes: &mut P,
        pipe: PipeId,
        announced: &[u8],
        options: &PatternOptions,
    ) -> Attached {
        if self.raw || options.router_raw {
            return Attached::Accepted;
        }
        let known = self.ids.get(&pipe).cloned();
        let keeps = known.as_ref().is_some_and(|id| announced.is_empty() || id.as_ref() == announced);
        if !keeps {
            let id = if announced.is_empty() { self.new_id() } else { Bytes::copy_from_slice(announced) };
            if known.is_some_and(|id| id.first() != Some(&0)) {
                // The application chose the name; the peer's own does not replace it.
            } else {
                if let Some(other) = self.routes.get(&id).copied().filter(|other| *other != pipe) {
                    if !options.router_handover {
                        return Attached::Refused("another peer has this routing id");
                    }
                    let stale = self.new_id();
                    self.unname(other);
                    self.name(other, stale);
                    pipes.close(other);
                }
                self.unname(pipe);
                self.name(pipe, id);
            }
        }
        if options.router_notify.connect {
            self.notify(pipe);
        }
        Attached::Accepted
    }

    pub(super) fn routing_id_of(&self, pipe: PipeId) -> Option<&[u8]> {
        self.ids.get(&pipe).map(AsRef::as_ref)
    }

    /// The route goes at once, so that a peer that comes back finds its name free; the name stays
    /// for the messages that are still to be read.
    pub(super) fn detach_out(&mut self, pipe: PipeId) {
        if let Some(id) = self.ids.get(&pipe) {
            if self.routes.get(id) == Some(&pipe) {
                self.routes.remove(id);
            }
        }
    }

    pub(super) fn detach(&mut self, pipe: PipeId, options: &PatternOptions) {
        self.inp.detach(pipe);
        if options.router_notify.disconnect || self.raw && options.stream_notify {
            self.notify(pipe);
        }
        if let (Some(goodbye), Some(id)) = (&options.disconnect_msg, self.ids.get(&pipe)) {
            let parts = [Frame::from(id.clone()), Frame::from(goodbye.clone())];
            self.notices.push_back(Message::from(parts));
        }
        self.detach_out(pipe);
        self.ids.remove(&pipe);
    }

    /// Where a message that begins with `first` goes; `None`: it is dropped.
    fn route<P: Pipes>(
        &mut self,
        pipes: &mut P,
        first: &Frame,
        options: &PatternOptions,
        force: bool,
    ) -> Result<Option<PipeId>, Refusal> {
        let must = options.router_mandatory || self.raw;
        let Some(pipe) = self.routes.get(first.as_bytes()).copied() else {
            if must {
                return Err(Refusal::Unroutable);
            }
            pipes.dropped(None, Dropped::Unroutable);
            return Ok(None);
        };
        if force || pipes.room(pipe) {
            return Ok(Some(pipe));
        }
        if must {
            return Err(Refusal::WouldBlock);
        }
        pipes.dropped(Some(pipe), Dropped::HighWaterMark);
        Ok(None)
    }

    /// Whether a message that begins with `first` would be refused now.
    pub(super) fn may_send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        first: &Frame,
        options: &PatternOptions,
    ) -> Result<(), Refusal> {
        if !options.router_mandatory && !self.raw {
            return Ok(());
        }
        self.route(pipes, first, options, false).map(|_| ())
    }

    pub(super) fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: Message,
        options: &PatternOptions,
        force: bool,
    ) -> Result<(), Refused> {
        let pipe = match self.route(pipes, message.first(), options, force) {
            Ok(Some(pipe)) => pipe,
            Ok(None) => return Ok(()),
            Err(why) => return Err(Refused { message, why }),
        };
        // Without a body there is nothing to send, as in libzmq.
        let (_, Some(body)) = message.split_first() else { return Ok(()) };
        if self.raw || options.router_raw {
            if body.first().is_empty() {
                pipes.close(pipe);
                return Ok(());
            }
            pipes.write(pipe, Message::from(body.first().clone()));
            return Ok(());
        }
        pipes.write(pipe, body);
        Ok(())
    }

    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Option<Message> {
        if let Some(message) = self.ready.take().or_else(|| self.notices.pop_front()) {
            return Some(message);
        }
        let (pipe, mut message) = self.inp.recv(pipes)?;
        if !self.ids.contains_key(&pipe) {
            let id = self.new_id();
            self.name(pipe, id);
        }
        let id = self.ids.get(&pipe)?;
        message.push_front(Frame::copy_from_slice(id).with_origin(message.origin()));
        Some(message)
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.ready.is_none() {
            self.ready = self.recv(pipes);
        }
        self.ready.is_some()
    }

    /// With `ZMQ_ROUTER_MANDATORY`, whether any peer has room; else always.
    pub(super) fn can_send<P: Pipes>(&mut self, pipes: &mut P, options: &PatternOptions) -> bool {
        !options.router_mandatory || self.routes.values().any(|pipe| pipes.room(*pipe))
    }

    fn new_id(&mut self) -> Bytes {
        loop {
            let [a, b, c, d] = self.next_id.to_be_bytes();
            self.next_id = self.next_id.wrapping_add(1);
            let id = Bytes::copy_from_slice(&[0, a, b, c, d]);
            if !self.routes.contains_key(&id) {
                return id;
            }
        }
    }

    fn name(&mut self, pipe: PipeId, id: Bytes) {
        self.routes.insert(id.clone(), pipe);
        self.ids.insert(pipe, id);
    }

    fn unname(&mut self, pipe: PipeId) {
        self.detach_out(pipe);
        self.ids.remove(&pipe);
    }

    fn notify(&mut self, pipe: PipeId) {
        let Some(id) = self.ids.get(&pipe) else { return };
        if self.notices.len() < NOTICES_MAX {
            self.notices.push_back(Message::from([Frame::copy_from_slice(id), Frame::new()]));
        }
    }
}
