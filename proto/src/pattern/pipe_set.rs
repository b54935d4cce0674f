//! A set of pipes, one flag each.
//!
//! Pipe ids are small numbers, so a vector of flags is smaller and faster than a hash set.

use super::PipeId;

/// A set of pipes.
#[derive(Debug, Default)]
pub(super) struct PipeSet {
    member: Vec<bool>,
}

impl PipeSet {
    pub fn insert(&mut self, pipe: PipeId) {
        let index = pipe.0 as usize;
        if self.member.len() <= index {
            self.member.resize(index + 1, false);
        }
        self.member[index] = true;
    }

    /// Takes `pipe` out; whether it was in.
    pub fn remove(&mut self, pipe: PipeId) -> bool {
        self.member.get_mut(pipe.0 as usize).is_some_and(std::mem::take)
    }

    pub fn contains(&self, pipe: PipeId) -> bool {
        self.member.get(pipe.0 as usize).is_some_and(|member| *member)
    }
}
