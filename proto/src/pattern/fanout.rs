//! Fan-out: one message to every peer that is to have it (PUB, XPUB, XSUB).
//!
//! A round of [`begin`](Fanout::begin), [`mark`](Fanout::mark) …, [`deliver`](Fanout::deliver) sends each message at
//! most once to each peer, however many subscriptions match. What a peer has no room for is dropped for that peer alone.
//! Invariant: a pipe whose `room` said `false` is not asked again before [`writable`](Fanout::writable), so that a slow
//! peer costs a fast publisher next to nothing.

use super::{Admission, Dropped, Entry, PipeId, Pipes};
use crate::Message;

const ABSENT: u32 = u32::MAX;
/// So many peers before its turn a peer is told to expect a message.
const EXPECTED_AHEAD: usize = 4;

/// The pipes that can be written to, and those marked in this round.
#[derive(Debug, Default)]
pub(super) struct Fanout {
    pipes: Vec<PipeId>,
    /// By pipe: its place in `pipes`, and the last round in which it was marked.
    places: Vec<Place>,
    marked: Vec<PipeId>,
    round: u64,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    slot: u32,
    /// `room` said `false`.
    full: bool,
    round: u64,
}

const NOWHERE: Place = Place { slot: ABSENT, full: false, round: 0 };

impl Fanout {
    pub fn attach(&mut self, pipe: PipeId) {
        let index = pipe.0 as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, NOWHERE);
        }
        if self.places[index].slot == ABSENT {
            self.places[index] = Place { slot: self.pipes.len() as u32, ..NOWHERE };
            self.pipes.push(pipe);
        }
    }

    pub fn detach(&mut self, pipe: PipeId) {
        if !self.contains(pipe) {
            return;
        }
        let slot = std::mem::replace(&mut self.places[pipe.0 as usize].slot, ABSENT);
        self.pipes.swap_remove(slot as usize);
        if let Some(moved) = self.pipes.get(slot as usize) {
            self.places[moved.0 as usize].slot = slot;
        }
    }

    pub fn contains(&self, pipe: PipeId) -> bool {
        self.places.get(pipe.0 as usize).is_some_and(|place| place.slot != ABSENT)
    }

    /// `pipe` may have room again.
    pub fn writable(&mut self, pipe: PipeId) {
        if let Some(place) = self.places.get_mut(pipe.0 as usize) {
            place.full = false;
        }
    }

    /// Every pipe.
    pub fn pipes(&self) -> &[PipeId] {
        &self.pipes
    }

    /// Begins a round with no pipe marked.
    #[inline]
    pub fn begin(&mut self) {
        self.round += 1;
        self.marked.clear();
    }

    /// Marks `pipe`; again does nothing.
    #[inline]
    pub fn mark(&mut self, pipe: PipeId) {
        if let Some(place) = self.places.get_mut(pipe.0 as usize)
            && place.slot != ABSENT
            && place.round != self.round
        {
            place.round = self.round;
            self.marked.push(pipe);
        }
    }

    /// Marks every pipe.
    pub fn mark_all(&mut self) {
        self.begin();
        self.marked.extend_from_slice(&self.pipes);
    }

    /// How many are marked.
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// Marks those that were not, and the others not (`ZMQ_INVERT_MATCHING`).
    pub fn invert(&mut self) {
        self.marked.clear();
        let (places, round) = (&self.places, self.round);
        let unmarked = |pipe: &&PipeId| places.get(pipe.0 as usize).is_some_and(|place| place.round != round);
        self.marked.extend(self.pipes.iter().filter(unmarked));
    }

    /// Whether this round's message must wait: nothing may be dropped, and a marked pipe is full.
    #[inline]
    pub fn must_wait<P: Pipes>(&mut self, pipes: &mut P, nodrop: bool, how: Admission) -> bool {
        let Fanout { marked, places, .. } = self;
        nodrop && how == Admission::IfRoom && !marked.iter().all(|pipe| has_room(places, pipes, *pipe))
    }

    /// Whether no pipe is marked.
    #[inline]
    pub fn is_for_nobody(&self) -> bool {
        self.marked.is_empty()
    }

    /// Writes `message` to each marked pipe that has room, or for a message that must go out to each.
    #[inline]
    pub fn deliver<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message, force: bool) {
        let Fanout { marked, places, .. } = self;
        let Some((last, others)) = marked.split_last() else { return };
        if !others.is_empty() {
            pipes.tally(Entry::Added, others.len());
        }
        for (turn, &pipe) in others.iter().enumerate() {
            if let Some(&soon) = others.get(turn + EXPECTED_AHEAD) {
                pipes.expect_write(soon);
            }
            if force || has_room(places, pipes, pipe) {
                pipes.write_shared(pipe, message);
            } else {
                pipes.dropped(Some(pipe), Dropped::HighWaterMark);
            }
        }
        if force || has_room(places, pipes, *last) {
            pipes.write(*last, message);
        } else {
            pipes.dropped(Some(*last), Dropped::HighWaterMark);
        }
    }
}

#[inline]
fn has_room<P: Pipes>(places: &mut [Place], pipes: &mut P, pipe: PipeId) -> bool {
    let Some(place) = places.get_mut(pipe.0 as usize) else { return false };
    if !place.full {
        place.full = !pipes.room(pipe);
    }
    !place.full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::testing::Queues;

    #[test]
    fn each_marked_pipe_gets_one_copy_and_inversion_gives_the_rest() {
        let mut fanout = Fanout::default();
        for pipe in [5, 1, 3] {
            fanout.attach(PipeId(pipe));
        }
        fanout.detach(PipeId(5));
        fanout.attach(PipeId(2));
        let mut pipes = Queues::new(1);
        fanout.begin();
        for pipe in [1, 1, 5, 3, 99, 1] {
            fanout.mark(PipeId(pipe));
        }
        fanout.deliver(&mut pipes, &mut "a".into(), false);
        assert_eq!(pipes.outbound.keys().copied().collect::<Vec<_>>(), [1, 3]);
        fanout.invert();
        assert!(!fanout.must_wait(&mut pipes, true, Admission::IfRoom));
        fanout.deliver(&mut pipes, &mut "b".into(), false);
        fanout.mark_all();
        assert!(fanout.must_wait(&mut pipes, true, Admission::IfRoom));
        assert!(!fanout.must_wait(&mut pipes, true, Admission::Committed));
        fanout.deliver(&mut pipes, &mut "c".into(), false);
        assert_eq!(pipes.dropped.len(), 3);
        assert_eq!(pipes.sent(2), [Message::from("b")]);
        fanout.deliver(&mut pipes, &mut "d".into(), false);
        assert_eq!(pipes.sent(2), [], "not asked before it is writable");
        fanout.writable(PipeId(2));
        fanout.deliver(&mut pipes, &mut "e".into(), false);
        assert_eq!(pipes.sent(2), [Message::from("e")]);
    }
}
