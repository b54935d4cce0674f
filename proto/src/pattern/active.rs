//! Pipes in an order of turns, the active ones in front.
//!
//! Load balancing and fair queueing both go round the active pipes. A pipe that has nothing to
//! offer leaves the front until the engine says that it has again. Every operation takes constant
//! time, whatever the number of pipes.

use super::PipeId;

/// Not in the set.
const ABSENT: u32 = u32::MAX;

/// A set of pipes with a turn.
#[derive(Debug, Default)]
pub(super) struct ActiveSet {
    order: Vec<PipeId>,
    /// Where each pipe stands in `order`, by its number.
    place: Vec<u32>,
    active: usize,
    current: usize,
}

impl ActiveSet {
    /// Adds a pipe behind the last active one.
    pub(super) fn insert(&mut self, pipe: PipeId) {
        if self.index(pipe).is_some() {
            return self.activate(pipe);
        }
        let slot = pipe.0 as usize;
        if self.place.len() <= slot {
            self.place.resize(slot + 1, ABSENT);
        }
        self.place[slot] = self.order.len() as u32;
        self.order.push(pipe);
        self.activate(pipe);
    }

    /// Takes a pipe out.
    pub(super) fn remove(&mut self, pipe: PipeId) {
        let Some(mut index) = self.index(pipe) else { return };
        if index < self.active {
            self.active -= 1;
            self.swap(index, self.active);
            if self.current == self.active {
                self.current = 0;
            }
            index = self.active;
        }
        let last = self.order.len() - 1;
        self.swap(index, last);
        self.order.pop();
        self.place[pipe.0 as usize] = ABSENT;
    }

    /// Brings a pipe to the end of the active ones.
    pub(super) fn activate(&mut self, pipe: PipeId) {
        let Some(index) = self.index(pipe) else { return };
        if index >= self.active {
            self.swap(index, self.active);
            self.active += 1;
        }
    }

    /// The pipe whose turn it is.
    #[inline]
    pub(super) fn current(&self) -> Option<PipeId> {
        if self.active == 0 { None } else { self.order.get(self.current).copied() }
    }

    /// The turn goes to the next active pipe.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.current += 1;
        if self.current >= self.active {
            self.current = 0;
        }
    }

    /// The pipe whose turn it is has nothing to offer.
    pub(super) fn deactivate_current(&mut self) {
        if self.active == 0 {
            return;
        }
        self.active -= 1;
        self.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }

    /// All pipes, active or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = PipeId> + '_ {
        self.order.iter().copied()
    }

    pub(super) fn contains(&self, pipe: PipeId) -> bool {
        self.index(pipe).is_some()
    }

    fn index(&self, pipe: PipeId) -> Option<usize> {
        let place = *self.place.get(pipe.0 as usize)?;
        (place != ABSENT).then_some(place as usize)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.order.swap(a, b);
        self.place[self.order[a].0 as usize] = a as u32;
        self.place[self.order[b].0 as usize] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_go_round_the_active_pipes() {
        let mut set = ActiveSet::default();
        (0..3).for_each(|n| set.insert(PipeId(n)));
        let mut turns = Vec::new();
        for _ in 0..4 {
            turns.extend(set.current().map(|pipe| pipe.0));
            set.advance();
        }
        assert_eq!(turns, [0, 1, 2, 0]);
        set.deactivate_current();
        assert_ne!(set.current(), Some(PipeId(1)));
        set.remove(PipeId(0));
        assert_eq!(set.current(), Some(PipeId(2)));
        set.activate(PipeId(1));
        set.remove(PipeId(2));
        assert_eq!(set.current(), Some(PipeId(1)));
        set.deactivate_current();
        assert_eq!(set.current(), None);
        assert_eq!(set.iter().collect::<Vec<_>>(), [PipeId(1)]);
    }
}
