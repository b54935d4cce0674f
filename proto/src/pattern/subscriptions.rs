//! Which peers want which topics (PUB, XPUB).
//!
//! A peer either wants a topic or does not: asking twice changes nothing, and one cancellation ends it. RFC 29 and libzmq's
//! SUB count duplicates on the subscriber's side and cancel once, so counting here, too, would leave peers subscribed.
//!
//! Invariant: a peer and a topic that belong together know each other's place in their lists, so that every change costs
//! the shorter list at most, and a lost peer only its own topics.

use super::PipeId;
use super::topics::{TopicId, Topics};
use crate::{Frame, Message};

/// The subscriptions of all peers.
#[derive(Debug)]
pub(super) struct Subscriptions {
    topics: Topics<Members>,
    peers: Vec<Peer>,
}

/// What a removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// The peer had not asked for the topic.
    Nothing,
    /// Others want the topic still.
    OthersRemain,
    /// Nobody wants the topic any more.
    Last,
}

/// One peer's topics.
#[derive(Debug, Default)]
struct Peer {
    topics: Vec<Wish>,
    bytes: usize,
}

/// A topic in a peer's list, and the peer's place in the topic's list.
#[derive(Clone, Copy, Debug)]
struct Wish {
    topic: TopicId,
    place: u32,
}

/// A peer in a topic's list, and the topic's place in the peer's list.
#[derive(Clone, Copy, Debug)]
struct Member {
    pipe: PipeId,
    place: u32,
}

/// Mostly one, and then without a heap allocation.
#[derive(Debug)]
enum Members {
    One(Member),
    Many(Vec<Member>),
}

impl Members {
    #[inline]
    fn as_slice(&self) -> &[Member] {
        match self {
            Members::One(member) => std::slice::from_ref(member),
            Members::Many(members) => members,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Member] {
        match self {
            Members::One(member) => std::slice::from_mut(member),
            Members::Many(members) => members,
        }
    }

    fn push(&mut self, member: Member) {
        match self {
            Members::One(first) => *self = Members::Many(vec![*first, member]),
            Members::Many(members) => members.push(member),
        }
    }

    fn swap_remove(&mut self, place: usize) {
        match self {
            Members::One(_) => *self = Members::Many(Vec::new()),
            Members::Many(members) => {
                members.swap_remove(place);
            }
        }
    }
}

impl Subscriptions {
    /// What a subscription costs beside its topic's own length, in bytes, rounded up.
    pub const TOPIC_COST: usize = 256;

    pub fn new(seed: u64) -> Subscriptions {
        Subscriptions { topics: Topics::new(seed), peers: Vec::new() }
    }

    /// Number of distinct topics.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// The number of topics that `pipe` wants.
    pub fn count(&self, pipe: PipeId) -> usize {
        self.peers.get(pipe.0 as usize).map_or(0, |peer| peer.topics.len())
    }

    /// What `pipe`'s subscriptions cost, in bytes.
    pub fn bytes(&self, pipe: PipeId) -> usize {
        self.peers.get(pipe.0 as usize).map_or(0, |peer| peer.bytes)
    }

    /// Whether `pipe` wants `topic`.
    pub fn contains(&self, pipe: PipeId, topic: &[u8]) -> bool {
        self.topics.find(topic).is_some_and(|id| self.place_of(pipe, id).is_some())
    }

    /// `pipe` wants `topic`; whether nobody did before.
    pub fn add(&mut self, pipe: PipeId, topic: &[u8]) -> bool {
        let index = pipe.0 as usize;
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, Peer::default);
        }
        let member = Member { pipe, place: self.peers[index].topics.len() as u32 };
        let (id, place) = match self.topics.find(topic) {
            None => (self.topics.insert(topic, Members::One(member)), 0),
            Some(id) if self.place_of(pipe, id).is_some() => return false,
            Some(id) => {
                let Some(members) = self.topics.value_mut(id) else { return false };
                members.push(member);
                (id, members.as_slice().len() - 1)
            }
        };
        self.peers[index].topics.push(Wish { topic: id, place: place as u32 });
        self.peers[index].bytes += topic.len() + Self::TOPIC_COST;
        place == 0
    }

    /// `pipe` does not want `topic` any more.
    pub fn remove(&mut self, pipe: PipeId, topic: &[u8]) -> Removed {
        let Some(id) = self.topics.find(topic) else { return Removed::Nothing };
        let Some(place) = self.place_of(pipe, id) else { return Removed::Nothing };
        let Some(wish) = self.leave(id, place) else { return Removed::Nothing };
        let peer = &mut self.peers[pipe.0 as usize];
        peer.topics.swap_remove(wish);
        peer.bytes -= topic.len() + Self::TOPIC_COST;
        if let Some(moved) = peer.topics.get(wish).copied()
            && let Some(members) = self.topics.value_mut(moved.topic)
        {
            members.as_mut_slice()[moved.place as usize].place = wish as u32;
        }
        self.remove_if_unwanted(id)
    }

    /// Forgets `pipe`; `gone` hears of each topic it wanted, and whether nobody wants it any more.
    pub fn remove_pipe(&mut self, pipe: PipeId, mut gone: impl FnMut(&[u8], bool)) {
        let Some(peer) = self.peers.get_mut(pipe.0 as usize) else { return };
        for wish in std::mem::take(peer).topics {
            self.leave(wish.topic, wish.place as usize);
            let last = self.topics.value(wish.topic).is_some_and(|members| members.as_slice().is_empty());
            gone(self.topics.topic(wish.topic), last);
            self.remove_if_unwanted(wish.topic);
        }
    }

    /// Calls `found` with each peer that wants messages beginning with `bytes`; maybe more than once.
    #[inline]
    pub fn matches(&self, bytes: &[u8], mut found: impl FnMut(PipeId)) {
        self.topics.matches(bytes, |members| {
            for member in members.as_slice() {
                found(member.pipe);
            }
            true
        });
    }

    /// How many peers want everything.
    #[inline]
    pub fn unconditional(&self) -> usize {
        self.topics.root().map_or(0, |members| members.as_slice().len())
    }

    /// Where `pipe` is in the topic's list. Searches the shorter of both lists.
    fn place_of(&self, pipe: PipeId, id: TopicId) -> Option<usize> {
        let members = self.topics.value(id)?.as_slice();
        let wishes = &self.peers.get(pipe.0 as usize)?.topics;
        if members.len() <= wishes.len() {
            members.iter().position(|member| member.pipe == pipe)
        } else {
            wishes.iter().find(|wish| wish.topic == id).map(|wish| wish.place as usize)
        }
    }

    /// Takes the peer at `place` out of a topic's list; where the topic is in that peer's list.
    fn leave(&mut self, id: TopicId, place: usize) -> Option<usize> {
        let members = self.topics.value_mut(id)?;
        let wish = members.as_slice().get(place)?.place as usize;
        members.swap_remove(place);
        if let Some(moved) = members.as_slice().get(place) {
            self.peers[moved.pipe.0 as usize].topics[moved.place as usize].place = place as u32;
        }
        Some(wish)
    }

    fn remove_if_unwanted(&mut self, id: TopicId) -> Removed {
        if self.topics.value(id).is_some_and(|members| !members.as_slice().is_empty()) {
            return Removed::OthersRemain;
        }
        self.topics.remove(id);
        Removed::Last
    }
}

/// A subscription as a message part: a byte 1 (wanted) or 0 (not any more), then the topic (RFC 29).
pub(super) fn parse_request(part: &Frame) -> Option<(bool, &[u8])> {
    match part.as_bytes() {
        [1, topic @ ..] => Some((true, topic)),
        [0, topic @ ..] => Some((false, topic)),
        _ => None,
    }
}

/// The same, the other way round.
pub(super) fn request(wanted: bool, topic: &[u8]) -> Message {
    let mut part = Vec::with_capacity(topic.len() + 1);
    part.push(u8::from(wanted));
    part.extend_from_slice(topic);
    Message::from(part)
}

/// Takes the subscriptions out of a message and gives each to `heard`; what remains is for the user.
///
/// libzmq looks at every part, or with `ZMQ_ONLY_FIRST_SUBSCRIBE` at the later ones only if the first is a subscription.
pub(super) fn split_requests(
    message: &mut Message,
    only_first: bool,
    mut heard: impl FnMut(bool, &[u8]),
) -> bool {
    let first = parse_request(message.first()).is_some();
    let none = !first && (only_first || message.rest().iter().all(|part| parse_request(part).is_none()));
    if none {
        return true;
    }
    let parts = std::mem::take(message).into_iter();
    let user = Message::from_parts(parts.filter(|part| match parse_request(part) {
        None => true,
        Some((wanted, topic)) => {
            heard(wanted, topic);
            false
        }
    }));
    user.map(|user| *message = user).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::{Duration, Instant};

    proptest! {
        #[test]
        fn behaves_like_a_map_of_sets(
            moves in prop::collection::vec((0u8..12, 0u32..5, "[ab]{0,6}"), 0..400),
            probe in "[ab]{0,8}",
        ) {
            let mut subscriptions = Subscriptions::new(3);
            let mut model: BTreeMap<Vec<u8>, BTreeSet<u32>> = BTreeMap::new();
            for (kind, pipe, topic) in moves {
                let topic = topic.into_bytes();
                match kind {
                    0..6 => {
                        let first = model.get(&topic).is_none_or(BTreeSet::is_empty);
                        model.entry(topic.clone()).or_default().insert(pipe);
                        prop_assert_eq!(subscriptions.add(PipeId(pipe), &topic), first);
                    }
                    6..11 => {
                        let was = model.get_mut(&topic).is_some_and(|pipes| pipes.remove(&pipe));
                        let left = model.get(&topic).is_some_and(|pipes| !pipes.is_empty());
                        let expected = match (was, left) {
                            (false, _) => Removed::Nothing,
                            (true, true) => Removed::OthersRemain,
                            (true, false) => Removed::Last,
                        };
                        prop_assert_eq!(subscriptions.remove(PipeId(pipe), &topic), expected);
                    }
                    _ => {
                        let mut gone = BTreeMap::new();
                        subscriptions.remove_pipe(PipeId(pipe), |topic, last| { gone.insert(topic.to_vec(), last); });
                        for (topic, pipes) in &mut model {
                            if pipes.remove(&pipe) {
                                prop_assert_eq!(gone.remove(topic), Some(pipes.is_empty()));
                            }
                        }
                        prop_assert!(gone.is_empty());
                        prop_assert_eq!(subscriptions.bytes(PipeId(pipe)), 0);
                    }
                }
                model.retain(|_, pipes| !pipes.is_empty());
                prop_assert_eq!(subscriptions.len(), model.len());
            }
            let mut found = BTreeSet::new();
            subscriptions.matches(probe.as_bytes(), |pipe| { found.insert(pipe.0); });
            let expected: BTreeSet<u32> = model.into_iter()
                .filter(|(topic, _)| probe.as_bytes().starts_with(topic))
                .flat_map(|(_, pipes)| pipes)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    /// T34: what a message costs depends on its own length, and not on how many topics there are.
    #[test]
    fn t34_a_message_is_matched_as_fast_with_a_million_topics() {
        const MATCHES: usize = 20_000;
        let time_with = |topics: u32| {
            let mut subscriptions = Subscriptions::new(3);
            for number in 0..topics {
                // Of many lengths, and long ones share their beginnings.
                let topic = format!("{:x<width$}{number}", "", width = number as usize % 40);
                subscriptions.add(PipeId(number % 100), topic.as_bytes());
            }
            let begin = Instant::now();
            let mut found = 0;
            for number in 0..MATCHES {
                let message = format!("{:x<width$}{number} and a body", "", width = number % 40);
                subscriptions.matches(message.as_bytes(), |_| found += 1);
            }
            assert!(found > 0);
            begin.elapsed()
        };
        let best = |topics| (0..3).map(|_| time_with(topics)).min().unwrap();
        let (few, many) = (best(100), best(1_000_000));
        // Caches are colder; a look at each topic would take ten thousand times as long.
        assert!(many < few * 200 + Duration::from_millis(20), "{few:?} with few, {many:?} with many");
        println!("with a million topics {:?} for each message", many / MATCHES as u32);
    }

    /// T7: at most 300 bytes for a topic of 100 bytes, also with the prefix index.
    #[test]
    fn memory_is_linear_with_a_small_factor() {
        const TOPICS: usize = 100_000;
        let mut subscriptions = Subscriptions::new(3);
        for number in 0..TOPICS {
            let topic = format!("{:0>width$}", number * 7919, width = 96 + number % 9);
            assert!(subscriptions.add(PipeId(0), topic.as_bytes()));
        }
        let wishes = subscriptions.peers[0].topics.len() * size_of::<Wish>();
        let bytes = (subscriptions.topics.heap_bytes() + wishes) / TOPICS;
        // The allocator rounds each topic and each list up: at most 16 bytes twice.
        assert!(bytes + 32 <= 300, "{bytes}");
        subscriptions.remove_pipe(PipeId(0), |_, last| assert!(last));
        assert_eq!(subscriptions.len(), 0);
        assert!(subscriptions.topics.heap_bytes() < 1000);
    }

    #[test]
    fn requests_are_taken_out_of_messages() {
        let split = |parts: &[&str], only_first| {
            let mut heard = Vec::new();
            let mut message = Message::from_parts(parts.iter().copied()).unwrap();
            let hear = |wanted, topic: &[u8]| heard.push((wanted, topic.to_vec()));
            let user = split_requests(&mut message, only_first, hear).then_some(message);
            (heard, user)
        };
        let a = (true, b"a".to_vec());
        let b = (false, b"b".to_vec());
        let cases: [(&[&str], bool, &[_], Option<Message>); 6] = [
            (&["\x01a"], false, std::slice::from_ref(&a), None),
            (&["\x00b"], true, std::slice::from_ref(&b), None),
            (&["x", "\x01a"], true, &[], Some(["x", "\x01a"].into())),
            (&["x", "\x01a"], false, std::slice::from_ref(&a), Some("x".into())),
            (&["\x01a", "x", "\x00b"], true, &[a.clone(), b.clone()], Some("x".into())),
            (&["", "x"], false, &[], Some(["", "x"].into())),
        ];
        for (parts, only_first, heard, user) in cases {
            assert_eq!(split(parts, only_first), (heard.to_vec(), user), "{parts:?}");
        }
    }
}
