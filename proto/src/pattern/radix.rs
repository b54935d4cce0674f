//! A prefix index over topics that are stored elsewhere.
//!
//! A Patricia tree whose nodes hold no bytes: a node stands for the first `end` bytes of topic `source`, any topic
//! below it. A search follows single bytes blindly and compares once, with the deepest node's source; every node
//! passed on the way matches exactly as far as that comparison went.
//!
//! Invariant: below the root (`end` 0, never a topic itself) `end` grows on every path; a node without a topic has
//! at least two children; the source of a node is a topic at or below it. Nothing recurses.

use super::topics::TopicId;

const NONE: u32 = u32::MAX;
const ROOT: u32 = 0;

/// The tree.
#[derive(Debug)]
pub(super) struct Radix {
    nodes: Vec<Node>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Node {
    end: usize,
    source: TopicId,
    /// The topic that ends here, or `NONE`.
    topic: TopicId,
    /// By first byte, sorted.
    children: Box<[(u8, u32)]>,
}

impl Default for Radix {
    fn default() -> Radix {
        let root = Node { end: 0, source: NONE, topic: NONE, children: Box::default() };
        Radix { nodes: vec![root], free: Vec::new() }
    }
}

impl Radix {
    /// How many topics on one path are remembered while it is followed.
    const PASSED_MAX: usize = 8;

    /// Adds topic `id`, which is not empty and not in the tree; `text` gives a topic's bytes.
    pub fn insert<'t>(&mut self, text: &impl Fn(TopicId) -> &'t [u8], id: TopicId) {
        let topic = text(id);
        let common = match self.node(self.deepest(topic, usize::MAX)).source {
            NONE => 0,
            source => common_prefix(topic, text(source)),
        };
        let (above, below) = self.split_point(topic, common);
        let place = if self.node(above).end == common {
            above
        } else {
            // `above` ends before the topics part; a new node goes between it and the child on the way.
            let Some(below) = below else { return };
            let source = self.node(below).source;
            let middle = self.add(Node { end: common, source, topic: NONE, children: Box::default() });
            self.link(middle, text(source)[common], below);
            self.link(above, topic[self.node(above).end], middle);
            middle
        };
        if common == topic.len() {
            self.nodes[place as usize].topic = id;
        } else {
            let leaf = self.add(Node { end: topic.len(), source: id, topic: id, children: Box::default() });
            self.link(place, topic[common], leaf);
        }
    }

    /// Takes topic `id` out of the tree; `text` must still know it.
    pub fn remove<'t>(&mut self, text: &impl Fn(TopicId) -> &'t [u8], id: TopicId) {
        let topic = text(id);
        let mut path = vec![ROOT];
        let mut at = ROOT;
        while let Some(child) = self.child_towards(at, topic) {
            path.push(child);
            at = child;
        }
        if at == ROOT || self.node(at).topic != id {
            return;
        }
        self.nodes[at as usize].topic = NONE;
        self.shrink(topic, &mut path);
        for &at in path.iter().rev() {
            if self.node(at).source == id {
                self.nodes[at as usize].source = self.some_source(at);
            }
        }
    }

    /// Calls `found` for each topic that `bytes` begins with, shortest first, until it says `false`.
    pub fn matches<'t>(
        &self,
        text: &impl Fn(TopicId) -> &'t [u8],
        bytes: &[u8],
        mut found: impl FnMut(TopicId) -> bool,
    ) {
        let mut passed = [(0, NONE); Self::PASSED_MAX];
        let (mut count, mut at) = (0, ROOT);
        while let Some(child) = self.child_towards(at, bytes) {
            let node = self.node(child);
            if node.end > bytes.len() {
                break;
            }
            if node.topic != NONE {
                let Some(place) = passed.get_mut(count) else {
                    return self.matches_many(text, bytes, found);
                };
                *place = (node.end, node.topic);
                count += 1;
            }
            at = child;
        }
        if count == 0 {
            return;
        }
        let common = common_prefix(bytes, text(self.node(at).source));
        for (end, topic) in &passed[..count] {
            if *end > common || !found(*topic) {
                return;
            }
        }
    }

    /// The same for longer paths: goes the way twice instead of remembering it.
    #[cold]
    fn matches_many<'t>(
        &self,
        text: &impl Fn(TopicId) -> &'t [u8],
        bytes: &[u8],
        mut found: impl FnMut(TopicId) -> bool,
    ) {
        let deepest = self.deepest(bytes, bytes.len());
        let common = common_prefix(bytes, text(self.node(deepest).source));
        let mut at = ROOT;
        while let Some(child) = self.child_towards(at, bytes) {
            let node = self.node(child);
            if node.end > common || (node.topic != NONE && !found(node.topic)) {
                return;
            }
            at = child;
        }
    }

    /// The last node on the way of `bytes` that ends at `limit` or before, and any node below if `limit` allows.
    fn deepest(&self, bytes: &[u8], limit: usize) -> u32 {
        let mut at = ROOT;
        while let Some(child) = self.child_towards(at, bytes) {
            if self.node(child).end > limit {
                break;
            }
            at = child;
        }
        at
    }

    /// The last node on the way of `topic` that ends at `common` or before, and the next one on the way.
    fn split_point(&self, topic: &[u8], common: usize) -> (u32, Option<u32>) {
        let mut at = ROOT;
        loop {
            match self.child_towards(at, topic) {
                Some(child) if self.node(child).end <= common => at = child,
                below => return (at, below),
            }
        }
    }

    /// The child of `at` for the byte of `bytes` that comes after it.
    #[inline]
    fn child_towards(&self, at: u32, bytes: &[u8]) -> Option<u32> {
        let node = self.node(at);
        let byte = bytes.get(node.end)?;
        let place = node.children.binary_search_by_key(byte, |(byte, _)| *byte).ok()?;
        Some(node.children[place].1)
    }

    /// Mends the tree around the last node of `path`, which has just lost its topic; `path` loses the nodes that go.
    fn shrink(&mut self, topic: &[u8], path: &mut Vec<u32>) {
        while let [.., parent, at] = path[..] {
            let node = self.node(at);
            match (node.topic, &node.children[..]) {
                (NONE, []) => self.unlink(parent, topic),
                (NONE, &[(_, only)]) => {
                    let byte = topic[self.node(parent).end];
                    self.link(parent, byte, only);
                }
                _ => return,
            }
            self.nodes[at as usize].children = Box::default();
            self.free.push(at);
            path.pop();
        }
    }

    fn some_source(&self, at: u32) -> TopicId {
        let node = self.node(at);
        match node.children.first() {
            _ if node.topic != NONE => node.topic,
            Some((_, child)) => self.node(*child).source,
            None => NONE,
        }
    }

    fn link(&mut self, parent: u32, byte: u8, child: u32) {
        let children = &mut self.nodes[parent as usize].children;
        match children.binary_search_by_key(&byte, |(byte, _)| *byte) {
            Ok(place) => children[place].1 = child,
            Err(place) => {
                let mut more = std::mem::take(children).into_vec();
                more.reserve_exact(1);
                more.insert(place, (byte, child));
                *children = more.into_boxed_slice();
            }
        }
    }

    fn unlink(&mut self, parent: u32, topic: &[u8]) {
        let node = &mut self.nodes[parent as usize];
        if let Some(byte) = topic.get(node.end)
            && let Ok(place) = node.children.binary_search_by_key(byte, |(byte, _)| *byte)
        {
            let mut fewer = std::mem::take(&mut node.children).into_vec();
            fewer.remove(place);
            node.children = fewer.into_boxed_slice();
        }
    }

    fn add(&mut self, node: Node) -> u32 {
        match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = node;
                at
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    #[inline]
    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }
}

/// How many bytes `a` and `b` have in common at their beginning.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let (a_blocks, _) = a.as_chunks::<16>();
    let (b_blocks, _) = b.as_chunks::<16>();
    let same = a_blocks.iter().zip(b_blocks).take_while(|(a, b)| a == b).count() * 16;
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    impl Radix {
        /// Bytes on the heap; a vector's pages beyond its length are never touched and do not count.
        pub fn heap_bytes(&self) -> usize {
            let children = |node: &Node| node.children.len() * size_of::<(u8, u32)>();
            self.nodes.len() * size_of::<Node>()
                + self.free.len() * size_of::<u32>()
                + self.nodes.iter().map(children).sum::<usize>()
        }

        fn check(&self, text: &impl Fn(TopicId) -> &'static [u8], present: &BTreeSet<TopicId>) {
            let (mut seen, mut nodes) = (BTreeSet::new(), 0);
            let mut waiting = vec![ROOT];
            while let Some(at) = waiting.pop() {
                let node = self.node(at);
                nodes += 1;
                if node.topic != NONE {
                    assert!(seen.insert(node.topic));
                    assert_eq!(text(node.topic).len(), node.end);
                }
                if at != ROOT {
                    assert!(node.topic != NONE || node.children.len() > 1, "a node without purpose");
                    assert!(present.contains(&node.source), "a source that is gone");
                }
                for (byte, child) in &node.children {
                    let below = self.node(*child);
                    assert!(below.end > node.end);
                    assert_eq!(text(below.source)[node.end], *byte);
                    assert!(text(below.source).starts_with(&text(node.source)[..node.end]));
                    waiting.push(*child);
                }
            }
            assert_eq!(seen, *present);
            assert_eq!(nodes, self.nodes.len() - self.free.len(), "a node was lost");
        }
    }

    #[test]
    fn long_paths_are_followed_to_their_end() {
        static LETTERS: [u8; 40] = [b'x'; 40];
        let text = |id: TopicId| -> &'static [u8] { &LETTERS[..id as usize] };
        let mut radix = Radix::default();
        for id in (1..=40).rev() {
            radix.insert(&text, id);
        }
        for length in [0, 1, 7, 8, 9, 30, 40] {
            let mut found = Vec::new();
            radix.matches(&text, &LETTERS[..length], |id| {
                found.push(id);
                id < 20
            });
            assert_eq!(found, (1..=length.min(20) as TopicId).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn finds_exactly_the_prefixes(
            moves in prop::collection::vec((any::<bool>(), 0usize..120), 0..120),
            probe in "[ab]{0,8}",
        ) {
            // All strings of a and b of one to six letters.
            static TOPICS: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
                (1..7u32)
                    .flat_map(|length| (0..1u32 << length).map(move |bits| (length, bits)))
                    .map(|(length, bits)| (0..length).map(|i| b'a' + (bits >> i & 1) as u8).collect())
                    .collect()
            });
            let text = |id: TopicId| -> &'static [u8] { TOPICS.get(id as usize).map_or(&[], |topic| topic) };
            let mut radix = Radix::default();
            let mut present = BTreeSet::new();
            for (add, which) in moves {
                let id = which as TopicId;
                if add && present.insert(id) {
                    radix.insert(&text, id);
                } else if !add && present.remove(&id) {
                    radix.remove(&text, id);
                }
                radix.check(&text, &present);
            }
            let mut found = Vec::new();
            radix.matches(&text, probe.as_bytes(), |id| { found.push(id); true });
            found.sort_unstable();
            let expected: Vec<TopicId> =
                present.into_iter().filter(|id| probe.as_bytes().starts_with(text(*id))).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
