//! XSUB and SUB: subscribers (RFC 29).
//!
//! An XSUB sends its subscriptions as messages (byte 1 or 0, then the topic) and receives everything that arrives; a SUB
//! subscribes by option, cannot send, and filters once more what arrives.
//!
//! As libzmq: every subscription goes upstream, also a repeated one (XPUB_VERBOSE depends on it), but only the last
//! cancellation of a topic. Pipes attached later, and reconnected ones, are told the set by the engine, which hears of it
//! through [`Pipes::upstream`]. A SUBSCRIBE is a command of its own here: subscriptions among the parts of a longer message are
//! taken out of it, where libzmq tears the message apart.

use super::fair::Fair;
use super::fanout::Fanout;
use super::interest::Interest;
use super::subscriptions::split_requests;
use super::{
    Admission, Attach, Attached, Behaviour, Discarded, Dropped, Entry, PatternOptions, PipeId, Pipes, Refusal,
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
            pipes.upstream(topic, self.interest.has(topic));
            for pipe in self.fanout.pipes() {
                pipes.subscribe(*pipe, topic, wanted);
            }
        }
    }

    /// The next message from a pipe that passes the filter.
    #[inline]
    fn next<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        loop {
            let pipe = self.inbox.next(pipes, into)?;
            if !self.filtering || self.interest.wants(into.first()) != self.invert {
                return Some(pipe);
            }
            pipes.discarded(Some(pipe), Discarded::Filtered);
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

    #[inline(never)]
    fn send<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message, _: Admission) -> Result<(), Refusal> {
        if self.filtering {
            return Err(Refusal::NotSupported);
        }
        let only_first = self.only_first;
        if split_requests(message, only_first, |wanted, topic| self.change(pipes, topic, wanted)) {
            if self.fanout.pipes().is_empty() {
                pipes.dropped(None, Dropped::NoPeer);
            }
            self.fanout.mark_all();
            self.fanout.deliver(pipes, message, false);
        } else {
            pipes.tally(Entry::Command, 1);
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, _: &mut P, _: &Frame) -> Result<(), Refusal> {
        if self.filtering { Err(Refusal::NotSupported) } else { Ok(()) }
    }

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        match self.inbox.take_ahead(into) {
            None => self.next(pipes, into).map(drop).ok_or(Refusal::WouldBlock),
            Some(pipe) => {
                let XSub { inbox, interest, filtering, invert, .. } = self;
                let wanted = |newer: &Message| !*filtering || interest.wants(newer.first()) != *invert;
                inbox.renew(pipes, pipe, into, wanted);
                Ok(())
            }
        }
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.inbox.has_ahead() {
            let mut message = Message::new();
            let Some(pipe) = self.next(pipes, &mut message) else { return false };
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

    fn held(&self) -> usize {
        self.inbox.held()
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }

    fn only_inlet(&self) -> Option<PipeId> {
        let takes_all = !self.filtering || self.interest.wants(&[]) && !self.invert;
        self.inbox.only().filter(|_| takes_all)
    }
}

#[cfg(test)]
mod tests {
    use crate::SocketType;
    use crate::pattern::testing::Rig;
    use crate::pattern::{Discarded, Dropped, Refusal};

    fn told(rig: &mut Rig) -> Vec<(u32, String, bool)> {
        let text = |topic| String::from_utf8(topic).unwrap();
        rig.pipes.subscriptions().into_iter().map(|(pipe, topic, on)| (pipe, text(topic), on)).collect()
    }

    #[test]
    fn a_sub_filters_what_arrives() {
        let mut sub = Rig::new(SocketType::Sub, 9);
        let _ = sub.attach(1);
        sub.arrive(1, "nothing yet");
        assert_eq!(sub.recv(), Err(Refusal::WouldBlock));
        sub.subscribe("a").unwrap();
        for message in [["b", "a"], ["ab", "x"], ["", "a"]] {
            sub.arrive(1, message);
        }
        assert!(sub.can_recv());
        assert_eq!(sub.recv(), Ok(["ab", "x"].into()));
        assert!(!sub.can_recv());
        assert_eq!(sub.pipes.discarded(), [(Some(1), Discarded::Filtered); 3]);
        sub.subscribe("").unwrap();
        sub.arrive(1, "");
        assert_eq!(sub.recv(), Ok("".into()));
        assert_eq!(sub.send("x"), Err(Refusal::NotSupported));
        assert!(!sub.can_send());
    }

    #[test]
    fn inverted_filter() {
        let mut sub = Rig::with(SocketType::Sub, 9, |options| options.invert_matching = true);
        let _ = sub.attach(1);
        sub.subscribe("a").unwrap();
        sub.arrive(1, "ab");
        sub.arrive(1, "b");
        assert_eq!(sub.recv(), Ok("b".into()));
    }

    #[test]
    fn every_subscription_goes_upstream_but_only_the_last_cancellation() {
        let mut sub = Rig::new(SocketType::Sub, 9);
        sub.subscribe("early").unwrap();
        let _ = sub.attach(1);
        let _ = sub.attach(2);
        assert_eq!(told(&mut sub), [], "replaying is the engine's");
        sub.subscribe("a").unwrap();
        sub.subscribe("a").unwrap();
        assert_eq!(told(&mut sub).len(), 4);
        let wanted = |sub: &Rig| {
            sub.pipes.wanted.iter().map(|topic| topic.escape_ascii().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(wanted(&sub), ["a", "early"]);
        assert_eq!(sub.pattern.topics_count(), 2);
        let mut topics: Vec<&[u8]> = sub.pattern.topics().collect();
        topics.sort_unstable();
        assert_eq!(topics, [&b"a"[..], b"early"]);
        sub.unsubscribe("unknown").unwrap();
        sub.unsubscribe("a").unwrap();
        assert_eq!(told(&mut sub), []);
        sub.detach(1);
        sub.unsubscribe("a").unwrap();
        assert_eq!(told(&mut sub), [(2, "a".to_owned(), false)]);
        assert_eq!(wanted(&sub), ["early"]);
    }

    #[test]
    fn an_xsub_subscribes_by_message_and_sends_the_rest_to_all() {
        let mut xsub = Rig::new(SocketType::XSub, 1);
        let _ = xsub.attach(1);
        let _ = xsub.attach(2);
        xsub.send("\x01a").unwrap();
        assert_eq!(told(&mut xsub), [(1, "a".to_owned(), true), (2, "a".to_owned(), true)]);
        xsub.send("\x00unknown").unwrap();
        assert_eq!(told(&mut xsub), []);
        xsub.send(["user", "message"]).unwrap();
        xsub.send("dropped").unwrap();
        assert_eq!(xsub.pipes.sent(1), [["user", "message"].into()]);
        assert_eq!(
            xsub.pipes.dropped(),
            [(Some(1), Dropped::HighWaterMark), (Some(2), Dropped::HighWaterMark)]
        );
        xsub.arrive(1, "unfiltered");
        assert_eq!(xsub.recv(), Ok("unfiltered".into()));
        assert!(matches!(xsub.subscribe("a"), Err(Refusal::Invalid(_))));
        let mut verbose = Rig::with(SocketType::XSub, 1, |options| options.xsub_verbose_unsubscribe = true);
        let _ = verbose.attach(1);
        verbose.send("\x00unknown").unwrap();
        assert_eq!(told(&mut verbose), [(1, "unknown".to_owned(), false)]);
    }
}
