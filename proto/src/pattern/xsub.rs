//! SUB and XSUB: what to receive, told to the peers and checked again here (RFC 29).
//!
//! Every subscription is told to every peer, repeated ones too, as libzmq does; a cancellation only
//! when it is the last of its topic. Peers that come later are told the set by the engine.

use super::active::ActiveSet;
use super::fair::Fair;
use super::prefixes::{self, Topics};
use super::{Dropped, PatternOptions, PipeId, Pipes};
use crate::Message;
use bytes::Bytes;

/// The state of a SUB or XSUB.
#[derive(Debug, Default)]
pub(super) struct XSub {
    topics: Topics<u32>,
    peers: ActiveSet,
    inp: Fair,
    ready: Option<Message>,
}

impl XSub {
    pub(super) fn attach(&mut self, pipe: PipeId) {
        self.peers.insert(pipe);
        self.inp.attach(pipe);
    }

    pub(super) fn readable(&mut self, pipe: PipeId) {
        self.inp.readable(pipe);
    }

    pub(super) fn detach_out(&mut self, pipe: PipeId) {
        self.peers.remove(pipe);
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.inp.detach(pipe);
    }

    pub(super) fn subscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8]) {
        let count = self.topics.entry(Bytes::copy_from_slice(topic)).or_default();
        *count = count.saturating_add(1);
        if *count == 1 {
            pipes.upstream(topic, true);
        }
        self.tell(pipes, topic, true);
    }

    pub(super) fn unsubscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8], verbose: bool) {
        let Some(count) = self.topics.get_mut(topic) else { return };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.topics.remove(topic);
            pipes.upstream(topic, false);
        }
        if last || verbose {
            self.tell(pipes, topic, false);
        }
    }

    fn tell<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8], wanted: bool) {
        for pipe in self.peers.iter() {
            pipes.subscribe(pipe, topic, wanted);
        }
    }

    /// XSUB: 1 or 0 and a topic is a subscription; any other message goes to all peers.
    pub(super) fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message, options: &PatternOptions) {
        match message.first().as_bytes() {
            [1, topic @ ..] if message.len() == 1 || !options.only_first_subscribe => {
                self.subscribe(pipes, topic)
            }
            [0, topic @ ..] if message.len() == 1 || !options.only_first_subscribe => {
                self.unsubscribe(pipes, topic, options.xsub_verbose_unsubscribe);
            }
            _ => {
                for pipe in self.peers.iter() {
                    if pipes.room(pipe) {
                        pipes.write_shared(pipe, &message);
                    } else {
                        pipes.dropped(Some(pipe), Dropped::HighWaterMark);
                    }
                }
            }
        }
    }

    /// The next message; with `filter`, the next that is subscribed to.
    #[inline]
    pub(super) fn recv<P: Pipes>(
        &mut self,
        pipes: &mut P,
        filter: bool,
        options: &PatternOptions,
    ) -> Option<Message> {
        if self.ready.is_some() {
            return self.ready.take();
        }
        loop {
            let (pipe, message) = self.inp.recv(pipes)?;
            let wanted =
                || prefixes::matching(&self.topics, message.first(), |_| true) != options.invert_matching;
            if !filter || wanted() {
                return Some(message);
            }
            pipes.dropped(Some(pipe), Dropped::Filtered);
        }
    }

    pub(super) fn can_recv<P: Pipes>(
        &mut self,
        pipes: &mut P,
        filter: bool,
        options: &PatternOptions,
    ) -> bool {
        if self.ready.is_none() {
            self.ready = self.recv(pipes, filter, options);
        }
        self.ready.is_some()
    }

    pub(super) fn topics_count(&self) -> usize {
        self.topics.len()
    }
}
