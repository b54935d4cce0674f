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
    Admission, Attach, Attached, Behaviour, Closing, Discarded, Dropped, Entry, PatternOptions, PipeId,
    Pipes, Refusal,
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
    max_subscriptions: u64,
    max_subscription_bytes: u64,
}

impl XPub {
    /// Most messages from peers that one send of a PUB throws away.
    pub const DISCARDED_MAX: usize = 64;

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

    /// Whether one more topic exceeds what one peer may cost.
    fn is_too_much(&self, pipe: PipeId, topic: &[u8]) -> bool {
        let table = if self.options.manual { &self.asked } else { &self.granted };
        let held = |count: fn(&Subscriptions, PipeId) -> usize| {
            count(&self.granted, pipe).max(count(&self.asked, pipe)) as u64
        };
        let cost = (topic.len() + Subscriptions::TOPIC_COST) as u64;
        let exceeds = held(Subscriptions::bytes) + cost > self.options.max_subscription_bytes
            || held(Subscriptions::count) >= self.options.max_subscriptions;
        exceeds && !table.contains(pipe, topic)
    }

    fn request<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, topic: &[u8], wanted: bool) {
        if !self.fanout.contains(pipe) {
            return;
        }
        if wanted && self.is_too_much(pipe, topic) {
            return pipes.close(pipe, Closing::TooManySubscriptions);
        }
        if !self.apply(pipe, topic, wanted) || !self.receives {
            return;
        }
        pipes.tally(Entry::Notice, 1);
        if !self.notices.push(pipe, request(wanted, topic)) {
            pipes.discarded(Some(pipe), Discarded::Overflow);
            pipes.close(pipe, Closing::TooManyRequests);
        }
    }

    /// How many peers want messages that begin with `topic`.
    pub(super) fn subscribers(&mut self, topic: &[u8]) -> usize {
        self.select(topic);
        self.fanout.marked()
    }

    /// Whether every peer wants every message.
    #[inline]
    fn all_want_all(&self) -> bool {
        self.granted.unconditional() == self.fanout.pipes().len() && !self.options.invert
    }

    /// Marks whom a message that begins with `first` goes to.
    #[inline]
    fn select(&mut self, first: &[u8]) {
        let all = self.all_want_all();
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
        } else if all {
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
    fn next_user<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        if self.inbox.has_ahead() {
            return self.inbox.take_ahead(into);
        }
        loop {
            let pipe = self.inbox.next(pipes, into)?;
            let only_first = self.options.only_first;
            let user = split_requests(into, only_first, |wanted, topic| {
                self.request(pipes, pipe, topic, wanted);
            });
            if user {
                return Some(pipe);
            }
            pipes.tally(Entry::Consumed, 1);
            if !self.notices.is_empty() {
                return None;
            }
        }
    }

    /// Throws away what peers sent to a PUB, so that it does not block their subscriptions.
    fn discard_input<P: Pipes>(&mut self, pipes: &mut P) {
        let mut message = Message::new();
        for _ in 0..Self::DISCARDED_MAX {
            let Some(pipe) = self.inbox.next(pipes, &mut message) else { return };
            pipes.discarded(Some(pipe), Discarded::Unsolicited);
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
            pipes.tally(Entry::Notice, 1);
            if !self.notices.push_own(request(false, &topic)) {
                pipes.discarded(None, Discarded::Overflow);
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
            welcome: options.xpub_welcome_msg.clone().unwrap_or_default(),
            max_subscriptions: options.max_subscriptions.unwrap_or(u64::MAX),
            max_subscription_bytes: options.max_subscription_bytes.unwrap_or(u64::MAX),
        };
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: Attach) -> Attached {
        self.fanout.attach(pipe);
        self.inbox.attach(pipe);
        if !self.options.welcome.is_empty() {
            pipes.write(pipe, &mut Message::from(self.options.welcome.clone()));
            pipes.tally(Entry::Added, 1);
        }
        Attached::Accepted
    }

    /// A new peer begins with an empty queue.
    fn identify<P: Pipes>(&mut self, _: &mut P, pipe: PipeId, _: &[u8]) -> Attached {
        self.fanout.writable(pipe);
        Attached::Accepted
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn writable(&mut self, pipe: PipeId) {
        self.fanout.writable(pipe);
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

    #[inline(never)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        if !self.receives {
            self.discard_input(pipes);
        }
        if self.fanout.pipes().is_empty() {
            pipes.dropped(None, Dropped::NoPeer);
            return Ok(());
        }
        self.select(message.first());
        if self.fanout.must_wait(pipes, self.options.nodrop, how) {
            return Err(Refusal::WouldBlock);
        }
        if self.options.last_value {
            self.subject = None;
        }
        if self.fanout.is_for_nobody() {
            pipes.dropped(None, Dropped::Unmatched);
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

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        if !self.receives {
            return Err(Refusal::NotSupported);
        }
        if let Some(notice) = self.next_notice() {
            *into = notice;
            return Ok(());
        }
        if let Some(pipe) = self.next_user(pipes, into) {
            self.source = Some(pipe);
            return Ok(());
        }
        *into = self.next_notice().ok_or(Refusal::WouldBlock)?;
        Ok(())
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.receives {
            return false;
        }
        let mut message = Message::new();
        if self.notices.is_empty()
            && !self.inbox.has_ahead()
            && let Some(pipe) = self.next_user(pipes, &mut message)
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

    fn sends_to_all(&self) -> bool {
        !self.options.last_value && self.all_want_all()
    }

    fn wants_input(&self) -> bool {
        self.receives
    }

    fn held(&self) -> usize {
        self.inbox.held() + self.notices.len()
    }

    fn last_source(&self) -> Option<PipeId> {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use crate::pattern::subscriptions::Subscriptions;
    use crate::pattern::testing::Rig;
    use crate::pattern::{Discarded, Dropped, PatternOptions, PipeId, Refusal};
    use crate::{Message, SocketType};

    fn xpub(hwm: usize, set: impl FnOnce(&mut PatternOptions)) -> Rig {
        let mut rig = Rig::with(SocketType::XPub, hwm, set);
        for pipe in [1, 2] {
            let _ = rig.attach(pipe);
        }
        rig
    }

    fn heard(rig: &mut Rig) -> Vec<String> {
        std::iter::from_fn(|| rig.recv().ok())
            .map(|message| match message[0].as_bytes() {
                [1, topic @ ..] => format!("+{}", topic.escape_ascii()),
                [0, topic @ ..] => format!("-{}", topic.escape_ascii()),
                _ => format!("{message:?}"),
            })
            .collect()
    }

    fn reached(rig: &mut Rig, message: &str) -> Vec<u32> {
        rig.send(message).unwrap();
        std::mem::take(&mut rig.pipes.outbound).into_keys().collect()
    }

    #[test]
    fn messages_go_to_those_who_want_them_once() {
        let mut rig = xpub(9, |_| {});
        rig.subscription(1, "a", true);
        rig.subscription(1, "ab", true);
        rig.subscription(2, "", true);
        rig.subscription(7, "a", true);
        assert_eq!(reached(&mut rig, "abc"), [1, 2]);
        assert_eq!(reached(&mut rig, "b"), [2]);
        rig.send("ab").unwrap();
        assert_eq!((rig.pipes.sent(1).len(), rig.pipes.sent(2).len()), (1, 1));
        rig.detach_out(2);
        assert_eq!(reached(&mut rig, "b"), []);
        assert_eq!(rig.pattern.topics_count(), 2);
        let mut rig = xpub(9, |options| options.invert_matching = true);
        rig.subscription(1, "a", true);
        assert_eq!(reached(&mut rig, "ab"), [2]);
        assert_eq!(reached(&mut rig, "b"), [1, 2]);
    }

    #[test]
    fn a_peer_with_too_many_subscriptions_is_disconnected_and_others_are_not() {
        for (manual, by_number) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut rig = xpub(9, |options| {
                options.xpub_manual = manual;
                if by_number {
                    options.max_subscriptions = Some(3);
                } else {
                    options.max_subscription_bytes = Some(3 * (Subscriptions::TOPIC_COST as u64 + 1));
                }
            });
            for topic in ["a", "b", "c", "a"] {
                rig.subscription(1, topic, true);
                rig.subscription(2, topic, true);
            }
            // What was cancelled leaves room.
            rig.subscription(1, "b", false);
            rig.subscription(1, "d", true);
            assert_eq!(rig.pipes.closed, []);
            rig.subscription(1, "e", true);
            assert_eq!(rig.pipes.closed, [1]);
            rig.detach_out(1);
            rig.subscription(1, "f", true);
            assert_eq!(rig.pattern.topics_count(), if manual { 0 } else { 3 });
        }
    }

    #[test]
    fn full_subscribers_lose_it_or_all_wait() {
        let mut rig = xpub(1, |_| {});
        for pipe in [1, 2] {
            rig.subscription(pipe, "", true);
        }
        rig.send("a").unwrap();
        assert_eq!(rig.pipes.sent(2).len(), 1);
        rig.send("b").unwrap();
        assert_eq!(rig.pipes.dropped(), [(Some(1), Dropped::HighWaterMark)]);
        assert_eq!(rig.pipes.sent(2), [Message::from("b")]);
        assert!(rig.can_send());

        let mut rig = xpub(1, |options| options.xpub_nodrop = true);
        for pipe in [1, 2] {
            rig.subscription(pipe, "a", true);
        }
        rig.send("a").unwrap();
        assert_eq!(rig.pipes.sent(2).len(), 1);
        assert_eq!(rig.send("a"), Err(Refusal::WouldBlock));
        assert_eq!(rig.may_start("a"), Err(Refusal::WouldBlock));
        assert_eq!(rig.pipes.sent(2), []);
        assert_eq!(rig.send("nobody wants this"), Ok(()));
        rig.commit(["a", "more"]);
        assert_eq!(rig.pipes.sent(1).len(), 2);
        assert_eq!(rig.pipes.dropped(), [(None, Dropped::Unmatched)]);
    }

    #[test]
    fn a_pub_hears_nothing() {
        let mut publisher = Rig::new(SocketType::Pub, 1);
        publisher.send("to nobody").unwrap();
        assert_eq!(publisher.pipes.dropped(), [(None, Dropped::NoPeer)]);
        let _ = publisher.attach(1);
        publisher.subscription(1, "a", true);
        assert_eq!(publisher.recv(), Err(Refusal::NotSupported));
        assert!(!publisher.can_recv() && !publisher.pattern.wants_input());
        assert!(matches!(publisher.subscribe("a"), Err(Refusal::Invalid(_))));
        publisher.arrive(1, "unheard");
        publisher.send("a").unwrap();
        assert_eq!(publisher.pipes.sent(1).len(), 1);
        assert_eq!(publisher.pipes.discarded(), [(Some(1), Discarded::Unsolicited)]);
    }

    #[test]
    fn subscriptions_are_heard_first_and_last_or_verbosely() {
        let steps = |rig: &mut Rig| {
            for (pipe, wanted) in [(1, true), (1, true), (2, true), (1, false), (2, false), (2, false)] {
                rig.subscription(pipe, "a", wanted);
            }
            heard(rig)
        };
        assert_eq!(steps(&mut xpub(1, |_| {})), ["+a", "-a", "-a"]);
        assert_eq!(
            steps(&mut xpub(1, |options| options.xpub_verbose = true)),
            ["+a", "+a", "+a", "-a", "-a"]
        );
        let mut verboser = xpub(1, |options| options.xpub_verboser = true);
        assert_eq!(steps(&mut verboser), ["+a", "+a", "+a", "-a", "-a", "-a"]);
    }

    #[test]
    fn lost_peers_cancel_their_subscriptions() {
        let wish = |rig: &mut Rig| {
            for (pipe, topic) in [(1, "b"), (1, "a"), (2, "a")] {
                rig.subscription(pipe, topic, true);
            }
            heard(rig);
            rig.detach(1);
            heard(rig)
        };
        assert_eq!(wish(&mut xpub(1, |_| {})), ["-b"]);
        assert_eq!(wish(&mut xpub(1, |options| options.xpub_verboser = true)), ["-a", "-b"]);
    }

    #[test]
    fn user_messages_and_subscriptions_as_messages_are_received() {
        let mut rig = xpub(1, |_| {});
        rig.arrive(1, ["user", "message"]);
        rig.arrive(2, "\x01a");
        rig.arrive(2, "\x01a");
        rig.arrive(2, "late");
        assert!(rig.can_recv());
        assert_eq!(rig.recv(), Ok(["user", "message"].into()));
        assert_eq!(rig.pattern.last_source(), Some(PipeId(1)));
        assert_eq!(heard(&mut rig), ["+a", "[\"late\"]"]);
        assert_eq!(reached(&mut rig, "a"), [2]);
    }

    #[test]
    fn the_application_grants_subscriptions_by_hand() {
        let mut rig = xpub(9, |options| options.xpub_manual = true);
        assert_eq!(rig.subscribe("nobody asked"), Ok(()));
        rig.subscription(1, "a", true);
        rig.subscription(1, "a", true);
        assert_eq!(reached(&mut rig, "a"), []);
        assert_eq!(rig.recv(), Ok("\x01a".into()));
        rig.subscribe("XA").unwrap();
        assert_eq!(reached(&mut rig, "XA"), [1]);
        assert_eq!(heard(&mut rig), ["+a"], "duplicates are heard, too");
        rig.subscription(1, "a", false);
        assert_eq!(rig.recv(), Ok("\0a".into()));
        rig.unsubscribe("XA").unwrap();
        assert_eq!(reached(&mut rig, "XA"), []);
        rig.subscription(2, "b", true);
        assert_eq!(heard(&mut rig), ["+b"]);
        rig.subscribe("B").unwrap();
        rig.subscription(2, "c", true);
        rig.detach(2);
        assert_eq!(heard(&mut rig), ["+c", "-b", "-c"], "what was asked for, not what was granted");
        assert_eq!(rig.pattern.topics_count(), 0);
        assert_eq!(rig.subscribe("late"), Ok(()));
        assert_eq!(rig.pattern.topics_count(), 0);
    }

    #[test]
    fn the_last_value_goes_to_the_one_who_just_subscribed() {
        let mut rig = xpub(9, |options| options.xpub_manual_last_value = true);
        for pipe in [1, 2] {
            rig.subscription(pipe, "a", true);
            rig.recv().unwrap();
            rig.subscribe("a").unwrap();
            assert_eq!(reached(&mut rig, "a"), [pipe]);
        }
        assert_eq!(reached(&mut rig, "a"), [1, 2]);
    }

    #[test]
    fn new_subscribers_are_welcomed() {
        let mut rig = xpub(9, |options| options.xpub_welcome_msg = Some("W".into()));
        assert_eq!(rig.pipes.sent(2), [Message::from("W")]);
    }
}
