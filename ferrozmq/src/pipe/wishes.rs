//! Subscriptions of one peer on their way to its socket: as many as one read has brought, one behind the other.
//!
//! Invariant: they cost their topics and five bytes each, which is less than they were on the wire. As signals of their own they
//! would cost many times that, and a peer could have us hold far more than it has sent.

/// Bytes beside a topic: whether it is wanted, and its length.
const OVERHEAD: usize = 1 + 4;

/// Subscriptions and cancellations in their order.
#[derive(Debug, Default)]
pub(crate) struct Wishes(Vec<u8>);

impl Wishes {
    /// None, with room for topics of these lengths.
    pub(super) fn with_room(topics: impl Iterator<Item = usize>) -> Wishes {
        Wishes(Vec::with_capacity(topics.map(|len| OVERHEAD + len).sum()))
    }

    /// Adds one.
    pub(super) fn push(&mut self, topic: &[u8], wanted: bool) {
        // No frame is so long, and a cut topic would be another one: it is left out.
        let Ok(len) = u32::try_from(topic.len()) else { return };
        self.0.push(u8::from(wanted));
        self.0.extend_from_slice(&len.to_ne_bytes());
        self.0.extend_from_slice(topic);
    }

    /// What they cost while they wait, in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.0.len()
    }

    /// Each topic, and whether it is wanted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (wanted, after) = rest.split_first()?;
            let (len, after) = after.split_first_chunk()?;
            let (topic, after) = after.split_at_checked(u32::from_ne_bytes(*len) as usize)?;
            rest = after;
            Some((topic, *wanted != 0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_comes_out_and_costs_little() {
        let wishes: [(&[u8], bool); 4] = [(b"a", true), (b"", true), (&[7; 300], false), (b"a", false)];
        let mut pushed = Wishes::with_room(wishes.iter().map(|(topic, _)| topic.len()));
        assert_eq!(pushed.iter().next(), None);
        let room = pushed.0.capacity();
        wishes.iter().for_each(|(topic, wanted)| pushed.push(topic, *wanted));
        assert!(pushed.iter().eq(wishes));
        assert_eq!((pushed.cost(), pushed.0.capacity()), (302 + 4 * OVERHEAD, room));
    }
}
