//! REP: a request, then its reply, in lockstep (RFC 28).
//!
//! What stands before a request's body up to the first empty part is its envelope: it is kept, and
//! put in front of the reply, which goes back to where the request came from. Requests without that
//! empty part are dropped.

use super::fair::Fair;
use super::{Dropped, PipeId, Pipes, Refusal, Refused};
use crate::{Frame, Message};

/// REP's state.
#[derive(Debug, Default)]
pub(super) struct Rep {
    pub(super) inp: Fair,
    ready: Option<(PipeId, Vec<Frame>, Message)>,
    /// The envelope that the reply owes.
    owed: Option<Vec<Frame>>,
    /// Where the reply goes, while that peer is there.
    asker: Option<PipeId>,
}

const RECEIVE_FIRST: &str = "no request was received: receive one before sending a reply";
const SEND_FIRST: &str = "a request was received: send its reply before receiving another";

impl Rep {
    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.asker.take_if(|asker| *asker == pipe);
        self.ready.take_if(|(from, ..)| *from == pipe);
    }

    pub(super) fn detach_out(&mut self, pipe: PipeId) {
        self.asker.take_if(|asker| *asker == pipe);
    }

    pub(super) fn owes_reply(&self) -> bool {
        self.owed.is_some()
    }

    pub(super) fn may_send(&self) -> Result<(), Refusal> {
        if self.owed.is_some() { Ok(()) } else { Err(Refusal::WrongState(RECEIVE_FIRST)) }
    }

    pub(super) fn send<P: Pipes>(&mut self, pipes: &mut P, mut message: Message) -> Result<(), Refused> {
        let Some(envelope) = self.owed.take() else {
            return Err(Refused { message, why: Refusal::WrongState(RECEIVE_FIRST) });
        };
        match self.asker.take() {
            Some(asker) if pipes.room(asker) => {
                message.prepend(envelope);
                pipes.write(asker, message);
            }
            Some(asker) => pipes.dropped(Some(asker), Dropped::HighWaterMark),
            None => pipes.dropped(None, Dropped::Disconnected),
        }
        Ok(())
    }

    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        if self.owed.is_some() {
            return Err(Refusal::WrongState(SEND_FIRST));
        }
        let request = self.ready.take().or_else(|| self.next_request(pipes));
        let (pipe, envelope, body) = request.ok_or(Refusal::WouldBlock)?;
        self.asker = Some(pipe);
        self.owed = Some(envelope);
        Ok(body)
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.owed.is_some() {
            return false;
        }
        if self.ready.is_none() {
            self.ready = self.next_request(pipes);
        }
        self.ready.is_some()
    }

    fn next_request<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Vec<Frame>, Message)> {
        loop {
            let (pipe, message) = self.inp.recv(pipes)?;
            let delimiter = message.iter().position(|part| part.is_empty());
            match delimiter.and_then(|at| message.split_at(at + 1)) {
                Some((envelope, body)) => return Some((pipe, envelope, body)),
                None => pipes.dropped(Some(pipe), Dropped::Malformed),
            }
        }
    }
}
