//! Load balancing: each message goes to the next pipe with room (PUSH, DEALER, REQ).
//!
//! Invariant: a pipe whose `room` said `false` is not asked again before
//! [`writable`](Balance::writable). It never splits a message over pipes and never drops one.

use super::rota::Rota;
use super::{Admission, PipeId, Pipes};
use crate::{Frame, Message};

/// The pipes that messages are spread over.
#[derive(Debug, Default)]
pub(super) struct Balance {
    rota: Rota,
}

impl Balance {
    pub fn attach(&mut self, pipe: PipeId) {
        self.rota.attach(pipe);
    }

    pub fn detach(&mut self, pipe: PipeId) {
        self.rota.detach(pipe);
    }

    pub fn writable(&mut self, pipe: PipeId) {
        self.rota.activate(pipe);
    }

    /// The pipe that the next message goes to; `None` if there is none with room, or, for a message
    /// that was committed already, none at all.
    #[inline(always)]
    pub fn choose<P: Pipes>(&mut self, pipes: &mut P, admission: Admission) -> Option<PipeId> {
        while let Some(pipe) = self.rota.current() {
            if pipes.room(pipe) {
                return Some(pipe);
            }
            self.rota.rest();
        }
        match admission {
            Admission::IfRoom | Admission::OrDropped => None,
            Admission::Committed => self.rota.any(),
        }
    }

    /// The pipe, if there is but one.
    pub fn only(&self) -> Option<PipeId> {
        self.rota.only()
    }

    /// Writes to the pipe that [`choose`](Self::choose) gave, and passes the turn on.
    #[inline(always)]
    pub fn write<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, message: &mut Message) {
        pipes.write(pipe, message);
        self.rota.advance();
    }

    /// The same in an envelope.
    pub fn write_enveloped<P: Pipes>(
        &mut self,
        pipes: &mut P,
        pipe: PipeId,
        envelope: &[Frame],
        message: &mut Message,
    ) {
        pipes.write_enveloped(pipe, envelope, message);
        self.rota.advance();
    }
}
