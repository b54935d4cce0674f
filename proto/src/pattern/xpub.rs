//! XPUB and PUB: publishers (RFC 29).
//!
//! A message goes to every peer with a subscription that it begins with; a peer without room loses it, or with
//! `ZMQ_XPUB_NODROP` nobody gets it yet. An XPUB also receives: its peers' subscriptions, as a byte 1 or 0 and the topic, and
//! whatever else they send. A PUB is the same without receiving.
//!
//! With `ZMQ_XPUB_MANUAL` requests only become messages, and the application subscribes for the peer whose request it
//! received last. Invariant: `granted` has only pipes that can be written to.

use super::fair::Fair;
use super::fanout::Fanout;
use super::notices::Notices;
use super::subscriptions::{Removed, Subscriptions, request, split_requests};
use super::{
    Admission, Attach, Attached, Behaviour, Dropped, PatternOptions, PipeId, Pipes, Refusal, Refused,
};
use crate::{Frame, Message};
use bytes::Bytes;

/// State of an XPUB or PUB socket.
#[derive(Debug)]
pub struct XPub {
    /// Whether the application can receive: an XPUB.
    receives: bool,
    fanout: Fanout,
    /// By these messages are sent.
    granted: Subscriptions,
    /// What peers asked for while the application decides.
    asked: Subscriptions,
    notices: Notices,
    inbox: Fair,
    /// Whose request was received last, for manual subscriptions.
    subject: Option<PipeId>,
    source: Option<PipeId>,
    options: Options,
}

/// The options, as they act together.
#[derive(Debug, Default)]
struct Options {
    all_subscriptions: bool,
    all_cancellations: bool,
    nodrop: bool,
    manual: bool,
    last_value: bool,
    invert: bool,
    only_first: bool,
    welcome: Bytes,
}

impl XPub {
    pub(super) fn new(receives: bool, seed: u64) -> XPub {
        XPub {
            receives,
            fanout: Fanout::default(),
            granted: Subscriptions::new(seed),
            asked: Subscriptions::new(seed),
            notices: Notices::default(),
            inbox: Fair::default(),
            subject: None,
            source: None,
            options: Options::default(),
        }
    }

    /// Takes a peer's request into account; whether the application is to hear of it.
    fn apply(&mut self, pipe: PipeId, topic: &[u8], wanted: bool) -> bool {
        let manual = self.options.manual;
        let table = if manual { &mut self.asked } else { &mut self.granted };
        let news = if wanted {
            table.add(pipe, topic) || self.options.all_subscriptions
        } else {
            table.remove(pipe, topic) != Removed::OthersRemain || self.options.all_cancellations
        };
        manual || news
    }

    fn request<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, topic: &[u8], wanted: bool) {
        if !self.fanout.contains(pipe) {
            return;
        }
        let held = self.granted.bytes(pipe).max(self.asked.bytes(pipe));
        if wanted && held + topic.len() + Subscriptions::TOPIC_COST > Subscriptions::BYTES_PER_PEER {
            return pipes.close(pipe);
        }
        if self.apply(pipe, topic, wanted)
            && self.receives
            && !self.notices.push(pipe, request(wanted, topic))
        {
            pipes.close(pipe);
        }
    }

    /// Marks whom a message that begins with `first` goes to.
    #[inline]
    fn select(&mut self, first: &[u8]) {
        let XPub { fanout, granted, .. } = self;
        if self.options.last_value
            && let Some(subject) = self.subject
        {
            fanout.begin();
            granted.matches(first, |pipe| {
                if pipe == subject {
                    fanout.mark(pipe);
                }
            });
        } else if granted.unconditional() == fanout.pipes().len() && !self.options.invert {
            return fanout.mark_all();
        } else {
            fanout.begin();
            granted.matches(first, |pipe| fanout.mark(pipe));
        }
        if self.options.invert {
            fanout.invert();
        }
    }

    /// The next message of a peer that is not a subscription.
    fn next_user<P: Pipes>(&mut self, pipes: &mut P) -> Option<(PipeId, Message)> {
        if self.inbox.has_ahead() {
            return self.inbox.take_ahead();
        }
        loop {
            let (pipe, message) = self.inbox.next(pipes)?;
            let only_first = self.options.only_first;
            let user = split_requests(message, only_first, |wanted, topic| {
                self.request(pipes, pipe, topic, wanted);
            });
            if let Some(message) = user {
                return Some((pipe, message));
            }
            if !self.notices.is_empty() {
                return None;
            }
        }
    }

    fn next_notice(&mut self) -> Option<Message> {
        let (pipe, message) = self.notices.pop()?;
        self.source = pipe;
        if self.options.manual {
            self.subject = pipe;
        }
        Some(message)
    }

    /// The peer at `pipe` cannot be sent to any more: its subscriptions end, and the application hears of it.
    fn revoke<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        let manual = self.options.manual;
        let every = manual || self.options.all_cancellations;
        let mut ended: Vec<Box<[u8]>> = Vec::new();
        let mut note = |topic: &[u8], last| {
            if self.receives && (every || last) {
                ended.push(topic.into());
            }
        };
        if manual {
            self.asked.remove_pipe(pipe, note);
            self.granted.remove_pipe(pipe, |_, _| {});
        } else {
            self.granted.remove_pipe(pipe, &mut note);
            self.asked.remove_pipe(pipe, |_, _| {});
        }
        ended.sort_unstable();
        for topic in ended {
            if !self.notices.push_own(request(false, &topic)) {
                pipes.dropped(None, Dropped::HighWaterMark);
            }
        }
        if self.subject == Some(pipe) {
            self.subject = None;
        }
        self.notices.orphan(pipe);
    }
}

impl Behaviour for XPub {
    fn configure(&mut self, options: &PatternOptions) {
        self.options = Options {
            all_subscriptions: options.xpub_verbose || options.xpub_verboser,
            all_cancellations: options.xpub_verboser,
            nodrop: options.xpub_nodrop,
            manual: options.xpub_manual || options.xpub_manual_last_value,
            last_value: options.xpub_manual_last_value,
            invert: options.invert_matching,
            only_first: options.only_first_subscribe,
            welcome: options.xpub_welcome_msg.clone(),
        };
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.fanout.attach(pipe);
        if self.receives {
            self.inbox.attach(pipe);
        }
        if !self.options.welcome.is_empty() {
            pipes.write(pipe, Message::from(self.options.welcome.clone()));
        }
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        if self.fanout.contains(pipe) {
            self.fanout.detach(pipe);
            self.revoke(pipes, pipe);
        }
    }

    fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) {
        self.inbox.detach(pipe);
    }

    fn subscription<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, topic: &[u8], wanted: bool) {
        self.request(pipes, pipe, topic, wanted);
    }

    fn set_topic<P: Pipes>(&mut self, _: &mut P, topic: &[u8], wanted: bool) -> Result<(), Refusal> {
        if !self.options.manual {
            return Err(Refusal::Invalid("a publisher subscribes for its peers only with ZMQ_XPUB_MANUAL"));
        }
        if let Some(subject) = self.subject {
            if wanted {
                self.granted.add(subject, topic);
            } else {
                self.granted.remove(subject, topic);
            }
        }
        Ok(())
    }

    #[inline]
    fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message, how: Admission) -> Result<(), Refused> {
        if self.fanout.pipes().is_empty() {
            pipes.dropped(None, Dropped::NoPeer);
            return Ok(());
        }
        self.select(message.first());
        if self.fanout.must_wait(pipes, self.options.nodrop, how) {
            return Err(Refusal::WouldBlock.of(message));
        }
        if self.options.last_value {
            self.subject = None;
        }
        self.fanout.deliver(pipes, message, self.options.nodrop);
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        if self.options.nodrop {
            self.select(first);
            if self.fanout.must_wait(pipes, true, Admission::IfRoom) {
                return Err(Refusal::WouldBlock);
            }
        }
        Ok(())
    }

    fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        if !self.receives {
            return Err(Refusal::NotSupported);
        }
        if let Some(notice) = self.next_notice() {
            return Ok(notice);
        }
        if let Some((pipe, message)) = self.next_user(pipes) {
            self.source = Some(pipe);
            return Ok(message);
        }
        self.next_notice().ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.receives {
            return false;
        }
        if self.notices.is_empty()
            && !self.inbox.has_ahead()
            && let Some((pipe, message)) = self.next_user(pipes)
        {
            self.inbox.put_ahead(pipe, message);
        }
        !self.notices.is_empty() || self.inbox.has_ahead()
    }

    fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool {
        true
    }

    fn topics_count(&self) -> usize {
        self.granted.len()
    }

    fn wants_input(&self) -> bool {
        self.receives
    }

    fn last_source(&self) -> Option<PipeId> {
        self.source
    }
}
