//! XSUB and SUB: subscribers (RFC 29).
//!
//! An XSUB sends its subscriptions as messages (byte 1 or 0, then the topic) and receives everything that arrives; a SUB
//! subscribes by option, cannot send, and filters once more what arrives.
//!
//! As libzmq: every subscription goes upstream, also a repeated one (XPUB_VERBOSE depends on it), but only the last
//! cancellation of a topic. Subscriptions reach pipes attached later, and reconnected ones, through
//! [`Pattern::topics`](super::Pattern::topics): replaying is the engine's.

use super::fair::Fair;
use super::fanout::Fanout;
use super::interest::Interest;
use super::subscriptions::split_requests;
use super::{
    Admission, Attach, Attached, Behaviour, Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused,
};
use crate::{Frame, Message};

/// State of an XSUB or SUB socket.
#[derive(Debug)]
pub struct XSub {
    /// Whether this is a SUB.
    filtering: bool,
    inbox: Fair,
    fanout: Fanout,
    interest: Interest,
    invert: bool,
    only_first: bool,
    verbose_unsubscribe: bool,
}

impl XSub {
    pub(super) fn new(filtering: bool, seed: u64) -> XSub {
        XSub {
            filtering,
            inbox: Fair::default(),
            fanout: Fanout::default(),
            interest: Interest::new(seed),
            invert: false,
            only_first: false,
            verbose_unsubscribe: false,
        }
    }

    /// The distinct topics that peers are to know.
    pub(super) fn topics(&self) -> impl Iterator<Item = &[u8]> {
        self.interest.topics()
    }

    fn change<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8], wanted: bool) {
        let tell = if wanted {
            self.interest.add(topic);
            true
        } else {
            self.interest.remove(topic) || self.verbose_unsubscribe
        };
        if tell {
            for pipe in self.fanout.pipes() {
                pipes.subscribe(*pipe, topic, wanted);
            }
        }
    }

    /// The next message from a pipe that passes the filter.
    #[inline]
    fn next<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        loop {
            let (pipe, message) = self.inbox.next(pipes)?;
            if !self.filtering || self.interest.wants(message.first()) != self.invert {
                return Some((pipe, message));
            }
            pipes.dropped(Some(pipe), Dropped::Filtered);
        }
    }
}

impl Behaviour for XSub {
    fn configure(&mut self, options: &PatternOptions) {
        self.invert = options.invert_matching;
        self.only_first = options.only_first_subscribe;
        self.verbose_unsubscribe = options.xsub_verbose_unsubscribe && !self.filtering;
    }

    fn attach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.inbox.attach(pipe);
        self.fanout.attach(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.fanout.detach(pipe);
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.inbox.detach(pipe);
    }

    fn set_topic<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8], wanted: bool) -> Result<(), Refusal> {
        if !self.filtering {
            return Err(Refusal::Invalid("an XSUB socket subscribes by sending a message"));
        }
        self.change(pipes, topic, wanted);
        Ok(())
    }

    fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message, _: Admission) -> Result<(), Refused> {
        if self.filtering {
            return Err(Refusal::NotSupported.of(message));
        }
        let only_first = self.only_first;
        let user = split_requests(message, only_first, |wanted, topic| self.change(pipes, topic, wanted));
        if let Some(message) = user {
            if self.fanout.pipes().is_empty() {
                pipes.dropped(None, Dropped::NoPeer);
            }
            self.fanout.mark_all();
            self.fanout.deliver(pipes, message, false);
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, _: &mut P, _: &Frame) -> Result<(), Refusal> {
        if self.filtering { Err(Refusal::NotSupported) } else { Ok(()) }
    }

    #[inline]
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

    fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool {
        !self.filtering
    }

    fn topics_count(&self) -> usize {
        self.interest.len()
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }
}
