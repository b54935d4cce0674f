//! REQ: a request, then its reply, in lockstep (RFC 28).
//!
//! On the wire a request is an empty delimiter part in front of the body; with
//! `ZMQ_REQ_CORRELATE` a 4-byte number goes before it. Replies from others than the peer that got
//! the request, with another number, or without the delimiter, are dropped.

use super::simple::Dealer;
use super::{Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused};
use crate::{Frame, Message};

/// REQ's state.
#[derive(Debug, Default)]
pub(super) struct Req {
    pub(super) dealer: Dealer,
    /// A request is out and its reply has not been received.
    waiting: bool,
    /// The peer that got the request, while it is there.
    asked: Option<PipeId>,
    request_id: u32,
    ready: Option<Message>,
}

const RECEIVE_FIRST: &str = "a request is out: receive its reply before sending another, or set req_relaxed";
const SEND_FIRST: &str = "no request is out: send one before receiving a reply";

impl Req {
    pub(super) fn new(seed: u64) -> Req {
        Req { request_id: seed as u32, ..Req::default() }
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.asked.take_if(|asked| *asked == pipe);
    }

    pub(super) fn may_send(&self, options: &PatternOptions) -> Result<(), Refusal> {
        if self.waiting && !options.req_relaxed { Err(Refusal::WrongState(RECEIVE_FIRST)) } else { Ok(()) }
    }

    pub(super) fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        mut message: Message,
        options: &PatternOptions,
        force: bool,
    ) -> Result<(), Refused> {
        if let Err(why) = self.may_send(options) {
            return Err(Refused { message, why });
        }
        let nobody = if force { false } else { self.dealer.out.choose(pipes).is_none() };
        if nobody {
            return Err(Refused { message, why: Refusal::WouldBlock });
        }
        message.push_front(Frame::new());
        if options.req_correlate {
            self.request_id = self.request_id.wrapping_add(1);
            message.push_front(Frame::from(self.request_id.to_be_bytes()));
        }
        // Whatever has come until now answers an older request.
        self.ready = None;
        while self.dealer.inp.recv(pipes).is_some() {
            pipes.dropped(None, Dropped::Malformed);
        }
        let sent =
            if force { self.dealer.out.force(pipes, message) } else { self.dealer.out.send(pipes, message) };
        match sent {
            Ok(pipe) => {
                self.asked = Some(pipe);
                self.waiting = true;
                Ok(())
            }
            Err(message) => {
                Err(Refused { message: strip(message, options.req_correlate), why: Refusal::WouldBlock })
            }
        }
    }

    pub(super) fn recv<P: Pipes>(
        &mut self,
        pipes: &mut P,
        options: &PatternOptions,
    ) -> Result<Message, Refusal> {
        if !self.waiting {
            return Err(Refusal::WrongState(SEND_FIRST));
        }
        let reply =
            self.ready.take().or_else(|| self.next_reply(pipes, options)).ok_or(Refusal::WouldBlock)?;
        self.waiting = false;
        self.asked = None;
        Ok(reply)
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P, options: &PatternOptions) -> bool {
        if self.waiting && self.ready.is_none() {
            self.ready = self.next_reply(pipes, options);
        }
        self.waiting && self.ready.is_some()
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting
    }

    fn next_reply<P: Pipes>(&mut self, pipes: &mut P, options: &PatternOptions) -> Option<Message> {
        loop {
            let (pipe, message) = self.dealer.inp.inp.recv(pipes)?;
            let from_asked = self.asked.is_none_or(|asked| asked == pipe);
            match self.open(message, options).filter(|_| from_asked) {
                Some(reply) => return Some(reply),
                None => pipes.dropped(Some(pipe), Dropped::Malformed),
            }
        }
    }

    /// The body of a reply to the request that is out.
    fn open(&self, mut message: Message, options: &PatternOptions) -> Option<Message> {
        if options.req_correlate {
            let (id, rest) = message.split_first();
            if id != &self.request_id.to_be_bytes() {
                return None;
            }
            message = rest?;
        }
        let (delimiter, body) = message.split_first();
        if delimiter.is_empty() { body } else { None }
    }
}

/// Takes REQ's own parts off again.
fn strip(message: Message, correlate: bool) -> Message {
    let own = if correlate { 2 } else { 1 };
    message.split_at(own).map(|(_, body)| body).unwrap_or_default()
}
