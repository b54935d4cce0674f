//! Pipes that take turns.
//!
//! Invariant: the first `active` pipes of `order` are those worth asking now, `current` is one of
//! them (or 0 if there is none), and `slot[pipe]` is each pipe's place in `order`. The moves are
//! libzmq's, so that a program sees the same turns: a new or revived pipe goes to the end of the
//! active part, the last active pipe takes the place of one that leaves it.
//!
//! It does not know what the turn is for; [`balance`](super::balance) and [`fair`](super::fair) do.

use super::PipeId;

const ABSENT: u32 = u32::MAX;

/// Pipes in the order of their turns.
#[derive(Debug, Default)]
pub(super) struct Rota {
    order: Vec<PipeId>,
    slot: Vec<u32>,
    active: usize,
    current: usize,
}

impl Rota {
    /// Adds `pipe`, active.
    pub fn attach(&mut self, pipe: PipeId) {
        if self.position(pipe).is_some() {
            return self.activate(pipe);
        }
        let index = pipe.0 as usize;
        if self.slot.len() <= index {
            self.slot.resize(index + 1, ABSENT);
        }
        self.slot[index] = self.order.len() as u32;
        self.order.push(pipe);
        self.activate(pipe);
    }

    /// Forgets `pipe`.
    pub fn detach(&mut self, pipe: PipeId) {
        let Some(mut place) = self.position(pipe) else { return };
        if place < self.active {
            self.active -= 1;
            self.swap(place, self.active);
            place = self.active;
            if self.current == self.active {
                self.current = 0;
            }
        }
        self.swap(place, self.order.len() - 1);
        self.order.pop();
        self.slot[pipe.0 as usize] = ABSENT;
    }

    /// Puts `pipe` back among the active ones.
    pub fn activate(&mut self, pipe: PipeId) {
        if let Some(place) = self.position(pipe)
            && place >= self.active
        {
            self.swap(place, self.active);
            self.active += 1;
        }
    }

    /// Whether `pipe` is worth asking.
    pub fn is_active(&self, pipe: PipeId) -> bool {
        self.position(pipe).is_some_and(|place| place < self.active)
    }

    /// Whose turn it is; `None` if no pipe is active.
    #[inline(always)]
    pub fn current(&self) -> Option<PipeId> {
        if self.active == 0 { None } else { self.order.get(self.current).copied() }
    }

    /// The turn goes to the next active pipe.
    #[inline(always)]
    pub fn advance(&mut self) {
        self.current += 1;
        if self.current >= self.active {
            self.current = 0;
        }
    }

    /// The current pipe is not worth asking until [`activate`](Self::activate); the turn goes on.
    pub fn rest(&mut self) {
        if self.active == 0 {
            return;
        }
        self.active -= 1;
        self.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }

    /// The pipe, if there is but one, and it is active.
    pub fn only(&self) -> Option<PipeId> {
        self.order.first().copied().filter(|_| self.order.len() == 1 && self.active == 1)
    }

    /// Some pipe, active or not.
    pub fn any(&self) -> Option<PipeId> {
        self.order.first().copied()
    }

    fn position(&self, pipe: PipeId) -> Option<usize> {
        self.slot.get(pipe.0 as usize).filter(|slot| **slot != ABSENT).map(|slot| *slot as usize)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.order.swap(a, b);
        self.slot[self.order[a].0 as usize] = a as u32;
        self.slot[self.order[b].0 as usize] = b as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(rota: &Rota) {
        assert!(rota.active <= rota.order.len());
        assert!(rota.current < rota.active.max(1));
        for (place, pipe) in rota.order.iter().enumerate() {
            assert_eq!(rota.slot[pipe.0 as usize] as usize, place);
        }
        let present = rota.slot.iter().filter(|slot| **slot != ABSENT).count();
        assert_eq!(present, rota.order.len());
    }

    #[test]
    fn new_pipes_come_last_and_the_last_takes_the_place_of_one_that_leaves() {
        let mut rota = Rota::default();
        for pipe in 0..4 {
            rota.attach(PipeId(pipe));
        }
        rota.advance();
        rota.rest();
        assert_eq!(rota.order, [0, 3, 2, 1].map(PipeId));
        assert_eq!(rota.current(), Some(PipeId(3)));
        rota.attach(PipeId(9));
        assert_eq!(rota.order, [0, 3, 2, 9, 1].map(PipeId));
        rota.detach(PipeId(0));
        assert_eq!(rota.order, [9, 3, 2, 1].map(PipeId));
        check(&rota);
    }

    proptest! {
        #[test]
        fn any_order_of_moves_keeps_the_invariant(moves in prop::collection::vec((0u8..5, 0u32..6), 0..200)) {
            let mut rota = Rota::default();
            for (kind, pipe) in moves {
                match kind {
                    0 => rota.attach(PipeId(pipe)),
                    1 => rota.detach(PipeId(pipe)),
                    2 => rota.activate(PipeId(pipe)),
                    3 => rota.advance(),
                    _ => rota.rest(),
                }
                check(&rota);
            }
        }
    }
}
