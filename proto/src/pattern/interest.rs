//! What a subscriber itself wants (SUB, XSUB), with how often it asked.
//!
//! Invariant: a topic is in the table exactly while it was asked for more often than cancelled.

use super::topics::Topics;

/// The topics wanted here.
#[derive(Debug)]
pub(super) struct Interest {
    topics: Topics<usize>,
}

impl Interest {
    pub fn new(seed: u64) -> Interest {
        Interest { topics: Topics::new(seed) }
    }

    /// Number of distinct topics.
    pub fn len(&self) -> usize {
        self.topics.len()
    }

    /// Whether `topic` itself is in the table.
    pub fn has(&self, topic: &[u8]) -> bool {
        self.topics.find(topic).is_some()
    }

    /// One wish more for `topic`.
    pub fn add(&mut self, topic: &[u8]) {
        match self.topics.find(topic) {
            None => {
                self.topics.insert(topic, 1);
            }
            Some(id) => {
                if let Some(count) = self.topics.value_mut(id) {
                    *count += 1;
                }
            }
        }
    }

    /// One wish less for `topic`; whether it was the last.
    pub fn remove(&mut self, topic: &[u8]) -> bool {
        let Some(id) = self.topics.find(topic) else { return false };
        let Some(count) = self.topics.value_mut(id) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.topics.remove(id);
        }
        last
    }

    /// Whether a message that begins with `bytes` is wanted.
    #[inline]
    pub fn wants(&self, bytes: &[u8]) -> bool {
        let mut wanted = false;
        self.topics.matches(bytes, |_| {
            wanted = true;
            false
        });
        wanted
    }

    /// Every distinct topic, in no particular order.
    pub fn topics(&self) -> impl Iterator<Item = &[u8]> {
        self.topics.iter()
    }
}
