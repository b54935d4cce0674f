//! Fair queueing: each message is taken from the next pipe that has one.
//!
//! Invariant: a pipe whose `read` said `None` is not asked again before
//! [`readable`](Fair::readable). What was taken out before the application asked for it (by a poll), and
//! what the socket itself has to say, waits in `ahead` and comes first.

use super::rota::Rota;
use super::{Discarded, PipeId, Pipes};
use crate::{Frame, Message};
use std::collections::VecDeque;

/// The pipes that messages are collected from.
#[derive(Debug, Default)]
pub(super) struct Fair {
    rota: Rota,
    ahead: VecDeque<(PipeId, Message)>,
    /// All that is or was ahead is one message, which a poll took out: nothing has to stay in order with it.
    polled: bool,
    last: Option<PipeId>,
}

impl Fair {
    /// Most messages of the socket's own that wait to be received; more are not made.
    pub const NOTICES_MAX: usize = 1 << 18;

    pub fn attach(&mut self, pipe: PipeId) {
        self.rota.attach(pipe);
    }

    pub fn detach(&mut self, pipe: PipeId) {
        self.rota.detach(pipe);
    }

    pub fn readable(&mut self, pipe: PipeId) {
        self.rota.activate(pipe);
    }

    /// The pipe, if there is but one, nothing is ahead of what it holds, and the last message came from it.
    pub fn only(&self) -> Option<PipeId> {
        self.rota.only().filter(|only| self.ahead.is_empty() && self.last == Some(*only))
    }

    /// Puts the next message, those put ahead first, into `into`; returns its pipe.
    #[inline(always)]
    pub fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        match self.take_ahead(into) {
            None => self.next(pipes, into),
            Some(pipe) => {
                self.renew(pipes, pipe, into, |_| true);
                Some(pipe)
            }
        }
    }

    /// A message that was put ahead of a pipe which keeps only the newest gives way to a newer one, if that is `wanted`.
    #[cold]
    pub fn renew<P: Pipes>(
        &mut self,
        pipes: &mut P,
        pipe: PipeId,
        message: &mut Message,
        wanted: impl FnOnce(&Message) -> bool,
    ) {
        if !self.polled {
            return;
        }
        let mut newer = Message::new();
        let has_newer = self.rota.is_active(pipe) && pipes.conflates(pipe) && pipes.read(pipe, &mut newer);
        if !has_newer {
            return;
        }
        if wanted(&newer) {
            *message = newer;
            pipes.discarded(Some(pipe), Discarded::Conflated);
        } else {
            pipes.discarded(Some(pipe), Discarded::Filtered);
        }
    }

    /// The same for the next message put ahead.
    #[inline(always)]
    pub fn take_ahead(&mut self, into: &mut Message) -> Option<PipeId> {
        if self.ahead.is_empty() {
            return None;
        }
        let (pipe, message) = self.ahead.pop_front()?;
        *into = message;
        self.last = Some(pipe);
        Some(pipe)
    }

    /// The same for the next message from a pipe.
    #[inline(always)]
    pub fn next<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        while let Some(pipe) = self.rota.current() {
            if pipes.read(pipe, into) {
                self.rota.advance();
                self.last = Some(pipe);
                return Some(pipe);
            }
            self.rota.rest();
        }
        None
    }

    /// The same, with the envelope taken off; says whether there was one.
    pub fn next_enveloped<P: Pipes>(
        &mut self,
        pipes: &mut P,
        envelope: &mut Vec<Frame>,
        into: &mut Message,
    ) -> Option<(PipeId, bool)> {
        while let Some(pipe) = self.rota.current() {
            if let Some(whole) = pipes.read_enveloped(pipe, envelope, into) {
                self.rota.advance();
                self.last = Some(pipe);
                return Some((pipe, whole));
            }
            self.rota.rest();
        }
        None
    }

    /// Whether [`recv`](Self::recv) would give a message; may take one out of its pipe.
    pub fn has_input<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.ahead.is_empty() {
            return true;
        }
        let mut message = Message::new();
        let Some(pipe) = self.next(pipes, &mut message) else { return false };
        self.put_ahead(pipe, message);
        true
    }

    /// Keeps a message that was taken out of `pipe` for the next receive.
    pub fn put_ahead(&mut self, pipe: PipeId, message: Message) {
        self.polled = self.ahead.is_empty();
        self.ahead.push_back((pipe, message));
    }

    /// Queues a message of the socket's own; `false` if too many wait already.
    #[must_use]
    pub fn notify(&mut self, pipe: PipeId, notice: Message) -> bool {
        let space = self.ahead.len() < Self::NOTICES_MAX;
        if space {
            self.polled = false;
            self.ahead.push_back((pipe, notice));
        }
        space
    }

    /// Messages that wait in `ahead`.
    pub fn held(&self) -> usize {
        self.ahead.len()
    }

    pub fn has_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The pipe of the last message given out.
    pub fn last(&self) -> Option<PipeId> {
        self.last
    }
}
