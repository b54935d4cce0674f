//! PUSH, PULL, DEALER and PAIR: types without a protocol of their own (RFC 28, 30, 31).

use super::balance::Balance;
use super::fair::Fair;
use super::{Attached, PatternOptions, PipeId, Pipes, Refusal, Refused};
use crate::Message;

/// PUSH: deals messages to its peers.
#[derive(Debug, Default)]
pub(super) struct Push {
    pub(super) out: Balance,
}

/// PULL: takes messages from its peers in turn.
#[derive(Debug, Default)]
pub(super) struct Pull {
    pub(super) inp: Fair,
    pub(super) ready: Option<Message>,
}

impl Pull {
    #[inline]
    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Option<Message> {
        if self.ready.is_some() {
            return self.ready.take();
        }
        self.inp.recv(pipes).map(|(_, message)| message)
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.ready.is_none() {
            self.ready = self.recv(pipes);
        }
        self.ready.is_some()
    }
}

/// DEALER: both.
#[derive(Debug, Default)]
pub(super) struct Dealer {
    pub(super) out: Balance,
    pub(super) inp: Pull,
}

impl Dealer {
    pub(super) fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, options: &PatternOptions) {
        if options.probe_router {
            pipes.write(pipe, Message::new());
        }
        if let Some(hello) = &options.hello_msg {
            pipes.write(pipe, Message::from(hello.clone()));
        }
        self.out.attach(pipe);
        self.inp.inp.attach(pipe);
    }
}

/// PAIR: one peer, whoever came first.
#[derive(Debug, Default)]
pub(super) struct Pair {
    peer: Option<PipeId>,
    /// The peer that may still be written to.
    out: Option<PipeId>,
    ready: Option<Message>,
}

impl Pair {
    pub(super) fn attach(&mut self, pipe: PipeId) -> Attached {
        if self.peer.is_some() {
            return Attached::Refused("a PAIR socket talks with one peer only");
        }
        self.peer = Some(pipe);
        self.out = Some(pipe);
        Attached::Accepted
    }

    pub(super) fn detach_out(&mut self, pipe: PipeId) {
        self.out.take_if(|out| *out == pipe);
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.peer.take_if(|peer| *peer == pipe);
    }

    pub(super) fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: Message,
        force: bool,
    ) -> Result<(), Refused> {
        match self.out {
            Some(peer) if force || pipes.room(peer) => {
                pipes.write(peer, message);
                Ok(())
            }
            _ => Err(Refused { message, why: Refusal::WouldBlock }),
        }
    }

    pub(super) fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        self.out.is_some_and(|peer| pipes.room(peer))
    }

    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Option<Message> {
        self.ready.take().or_else(|| pipes.read(self.peer?))
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.ready.is_none() {
            self.ready = self.recv(pipes);
        }
        self.ready.is_some()
    }
}
