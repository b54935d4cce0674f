//! Topics in order, and those that a message begins with.
//!
//! Among topics in byte order, the longest one that a message begins with is its predecessor or
//! shares more with it than any shorter one; so the search goes from predecessor to predecessor, each
//! time with a shorter message. No recursion; memory and removal are linear in the topics' bytes.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A map from topics.
pub(super) type Topics<V> = BTreeMap<Bytes, V>;

/// Calls `visit` for each topic that `text` begins with, longest first, until it returns `true`;
/// says whether it did.
pub(super) fn matching<V>(topics: &Topics<V>, text: &[u8], mut visit: impl FnMut(&V) -> bool) -> bool {
    let mut text = text;
    let mut strict = false;
    loop {
        let bound = if strict { Bound::Excluded(text) } else { Bound::Included(text) };
        let Some((topic, value)) = topics.range::<[u8], _>((Bound::Unbounded, bound)).next_back() else {
            return false;
        };
        let common = topic.iter().zip(text).take_while(|(a, b)| a == b).count();
        text = &text[..common];
        strict = common == topic.len();
        if strict && visit(value) {
            return true;
        }
        if strict && text.is_empty() {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_exactly_the_prefixes(
            topics in proptest::collection::btree_set(proptest::collection::vec(0_u8..3, 0..6), 0..40),
            text in proptest::collection::vec(0_u8..3, 0..10),
        ) {
            let map: Topics<Vec<u8>> = topics.iter().map(|t| (Bytes::from(t.clone()), t.clone())).collect();
            let mut found = Vec::new();
            matching(&map, &text, |topic| { found.push(topic.clone()); false });
            let mut expected: Vec<_> = topics.into_iter().filter(|topic| text.starts_with(topic)).collect();
            expected.reverse();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_long_topic_needs_no_stack() {
        let long = Bytes::from(vec![b'a'; 1 << 20]);
        let map: Topics<()> = [(long.clone(), ())].into();
        assert!(matching(&map, &long, |()| true));
        assert!(!matching(&map, &long[1..], |()| true));
    }
}
