//! PUB and XPUB: each message to every peer that subscribed to what it begins with (RFC 29).
//!
//! A peer's subscriptions are a set: libzmq's subscribers count duplicates on their side. XPUB hands
//! subscriptions on to the application as messages: 1 or 0, and the topic.

use super::active::ActiveSet;
use super::fair::Fair;
use super::prefixes::{self, Topics};
use super::{Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused};
use crate::{Frame, Message};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The state of a PUB or XPUB.
#[derive(Debug, Default)]
pub(super) struct XPub {
    /// Who subscribed to what, both ways.
    topics: Topics<Vec<PipeId>>,
    subscribers: HashMap<PipeId, BTreeSet<Bytes>>,
    out: ActiveSet,
    inp: Fair,
    /// Subscriptions for the application, and the peer each is from.
    notices: VecDeque<(Option<PipeId>, Message)>,
    ready: Option<Message>,
    /// Whose subscription was received last (`ZMQ_XPUB_MANUAL`).
    last: Option<PipeId>,
    /// The next message goes to that peer only (`ZMQ_XPUB_MANUAL_LAST_VALUE`).
    last_only: bool,
    /// Peers that the message being sent goes to, and the number of that message by peer.
    targets: Vec<PipeId>,
    marks: Vec<u64>,
    mark: u64,
}

/// Subscriptions kept for an application that does not receive them.
const NOTICES_MAX: usize = 1 << 20;

impl XPub {
    pub(super) fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, options: &PatternOptions) {
        self.out.insert(pipe);
        self.inp.attach(pipe);
        if let Some(welcome) = &options.xpub_welcome_msg {
            pipes.write(pipe, Message::from(welcome.clone()));
        }
    }

    pub(super) fn readable(&mut self, pipe: PipeId) {
        self.inp.readable(pipe);
    }

    pub(super) fn detach_out(&mut self, pipe: PipeId, tell: bool, options: &PatternOptions) {
        self.out.remove(pipe);
        self.last.take_if(|last| *last == pipe);
        for topic in self.subscribers.remove(&pipe).unwrap_or_default() {
            let gone = self.forget(pipe, &topic);
            if tell && (gone || options.xpub_verboser) {
                self.notice(None, &topic, false);
            }
        }
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.inp.detach(pipe);
    }

    /// A peer's SUBSCRIBE or CANCEL. `tell`: the application receives it (XPUB).
    pub(super) fn subscription(
        &mut self,
        pipe: PipeId,
        topic: &[u8],
        wanted: bool,
        tell: bool,
        options: &PatternOptions,
    ) {
        if options.xpub_manual {
            self.notice(Some(pipe), topic, wanted);
            return;
        }
        let news = if wanted { self.add(pipe, topic) } else { self.take(pipe, topic) };
        let told = match (news, wanted) {
            (News::Unknown, _) => false,
            (News::First | News::Last, _) => true,
            (News::Repeated, true) => options.xpub_verbose || options.xpub_verboser,
            (News::Repeated, false) => options.xpub_verboser,
        };
        if tell && told {
            self.notice(Some(pipe), topic, wanted);
        }
    }

    /// `ZMQ_SUBSCRIBE` and `ZMQ_UNSUBSCRIBE` with `ZMQ_XPUB_MANUAL`: for the peer received from last.
    pub(super) fn set_manually(
        &mut self,
        topic: &[u8],
        wanted: bool,
        options: &PatternOptions,
    ) -> Result<(), Refusal> {
        if !options.xpub_manual {
            return Err(Refusal::Invalid("only an XPUB with xpub_manual sets its peers' subscriptions"));
        }
        let Some(pipe) = self.last else { return Ok(()) };
        if wanted {
            self.add(pipe, topic);
        } else {
            self.take(pipe, topic);
        }
        self.last_only = options.xpub_manual_last_value;
        Ok(())
    }

    pub(super) fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: Message,
        options: &PatternOptions,
        force: bool,
    ) -> Result<(), Refused> {
        self.find_targets(message.first(), options);
        let targets = std::mem::take(&mut self.targets);
        let blocked = options.xpub_nodrop && !force && targets.iter().any(|pipe| !pipes.room(*pipe));
        if blocked {
            self.targets = targets;
            return Err(Refused { message, why: Refusal::WouldBlock });
        }
        match &targets[..] {
            [] => pipes.dropped(None, Dropped::NoPeer),
            [only] if force || pipes.room(*only) => pipes.write_shared(*only, &message),
            all => {
                for pipe in all {
                    if force || pipes.room(*pipe) {
                        pipes.write_shared(*pipe, &message);
                    } else {
                        pipes.dropped(Some(*pipe), Dropped::HighWaterMark);
                    }
                }
            }
        }
        if std::mem::take(&mut self.last_only) {
            self.last = None;
        }
        self.targets = targets;
        Ok(())
    }

    fn find_targets(&mut self, first: &Frame, options: &PatternOptions) {
        self.targets.clear();
        self.mark += 1;
        let (mark, marks, targets) = (self.mark, &mut self.marks, &mut self.targets);
        prefixes::matching(&self.topics, first, |pipes| {
            for pipe in pipes {
                let slot = pipe.0 as usize;
                if marks.len() <= slot {
                    marks.resize(slot + 1, 0);
                }
                if std::mem::replace(&mut marks[slot], mark) != mark {
                    targets.push(*pipe);
                }
            }
            false
        });
        if options.invert_matching {
            let matched = |pipe: &PipeId| self.marks.get(pipe.0 as usize) == Some(&mark);
            self.targets = self.out.iter().filter(|pipe| !matched(pipe)).collect();
        }
        if let (true, Some(last)) = (self.last_only, self.last) {
            self.targets.retain(|pipe| *pipe == last);
        }
    }

    /// The next subscription, or message of a peer (XPUB).
    pub(super) fn recv<P: Pipes>(&mut self, pipes: &mut P, options: &PatternOptions) -> Option<Message> {
        if let Some(message) = self.ready.take() {
            return Some(message);
        }
        if let Some((pipe, message)) = self.notices.pop_front() {
            if options.xpub_manual {
                self.last = pipe;
            }
            return Some(message);
        }
        self.inp.recv(pipes).map(|(_, message)| message)
    }

    pub(super) fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if self.ready.is_some() || !self.notices.is_empty() {
            return true;
        }
        self.ready = self.inp.recv(pipes).map(|(_, message)| message);
        self.ready.is_some()
    }

    /// Drops what peers of a PUB sent to it.
    pub(super) fn discard_input<P: Pipes>(&mut self, pipes: &mut P) {
        while let Some((pipe, _)) = self.inp.recv(pipes) {
            pipes.dropped(Some(pipe), Dropped::Filtered);
        }
    }

    pub(super) fn topics_count(&self) -> usize {
        self.topics.len()
    }

    fn add(&mut self, pipe: PipeId, topic: &[u8]) -> News {
        if !self.out.contains(pipe) {
            return News::Unknown;
        }
        let owned = Bytes::copy_from_slice(topic);
        let pipes = self.topics.entry(owned.clone()).or_default();
        let first = pipes.is_empty();
        if self.subscribers.entry(pipe).or_default().insert(owned) {
            pipes.push(pipe);
        }
        if first { News::First } else { News::Repeated }
    }

    fn take(&mut self, pipe: PipeId, topic: &[u8]) -> News {
        let had = self.subscribers.get_mut(&pipe).is_some_and(|topics| topics.remove(topic));
        match had && self.forget(pipe, topic) {
            true => News::Last,
            false if had => News::Repeated,
            false => News::Unknown,
        }
    }

    /// Takes the pipe from the topic; whether nobody is left there.
    fn forget(&mut self, pipe: PipeId, topic: &[u8]) -> bool {
        let Some(pipes) = self.topics.get_mut(topic) else { return false };
        pipes.retain(|other| *other != pipe);
        let empty = pipes.is_empty();
        if empty {
            self.topics.remove(topic);
        }
        empty
    }

    fn notice(&mut self, pipe: Option<PipeId>, topic: &[u8], wanted: bool) {
        if self.notices.len() < NOTICES_MAX {
            self.notices.push_back((pipe, subscription_message(topic, wanted)));
        }
    }
}

/// What a change meant for the topic as a whole.
enum News {
    /// The first peer came to it.
    First,
    /// The last peer left it.
    Last,
    /// Others have it too.
    Repeated,
    /// The peer was not subscribed to it.
    Unknown,
}

/// A subscription as a message: 1 or 0, and the topic.
pub(super) fn subscription_message(topic: &[u8], wanted: bool) -> Message {
    let mut bytes = Vec::with_capacity(1 + topic.len());
    bytes.push(wanted.into());
    bytes.extend_from_slice(topic);
    Message::from(bytes)
}
