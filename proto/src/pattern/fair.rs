//! Fair queueing: each message is taken from the next pipe that has one.
//!
//! Invariant: a pipe whose `read` said `None` is not asked again before
//! [`readable`](Fair::readable). What was taken out before the application asked for it (by a poll), and
//! what the socket itself has to say, waits in `ahead` and comes first.

use super::rota::Rota;
use super::{PipeId, Pipes};
use crate::Message;
use std::collections::VecDeque;

/// The pipes that messages are collected from.
#[derive(Debug, Default)]
pub(super) struct Fair {
    rota: Rota,
    ahead: VecDeque<(PipeId, Message)>,
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

    /// The next message, those put ahead first.
    #[inline]
    pub fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        match self.take_ahead() {
            None => self.next(pipes),
            some => some,
        }
    }

    /// The next message put ahead.
    #[inline]
    pub fn take_ahead(&mut self) -> Option<(PipeId, Message)> {
        if self.ahead.is_empty() {
            return None;
        }
        let taken = self.ahead.pop_front()?;
        self.last = Some(taken.0);
        Some(taken)
    }

    /// The next message from a pipe.
    #[inline]
    pub fn next<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        while let Some(pipe) = self.rota.current() {
            if let Some(message) = pipes.read(pipe) {
                self.rota.advance();
                self.last = Some(pipe);
                return Some((pipe, message));
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
        let Some((pipe, message)) = self.next(pipes) else { return false };
        self.put_ahead(pipe, message);
        true
    }

    /// Keeps a message that was taken out of `pipe` for the next receive.
    pub fn put_ahead(&mut self, pipe: PipeId, message: Message) {
        self.ahead.push_back((pipe, message));
    }

    /// Queues a message of the socket's own; `false` if too many wait already.
    #[must_use]
    pub fn notify(&mut self, pipe: PipeId, notice: Message) -> bool {
        let space = self.ahead.len() < Self::NOTICES_MAX;
        if space {
            self.ahead.push_back((pipe, notice));
        }
        space
    }

    pub fn has_ahead(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The pipe of the last message given out.
    pub fn last(&self) -> Option<PipeId> {
        self.last
    }
}
