//! The parts that are sent and received together.
//!
//! A message has one part or more, and is delivered whole or not at all. The first part is stored
//! in the value itself, so a message of one short part never touches the heap.

mod conversions;

use crate::Frame;
use std::fmt;

pub use conversions::IntoMessage;

/// One or more [`Frame`]s that travel together.
///
/// ```
/// use ferrozmq_proto::Message;
/// let message = Message::from(["topic", "body"]);
/// assert_eq!(message.len(), 2);
/// assert_eq!(&message[1], "body");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Message {
    first: Frame,
    rest: Vec<Frame>,
}

impl Message {
    /// A message of one empty part.
    #[must_use]
    pub const fn new() -> Message {
        Message { first: Frame::new(), rest: Vec::new() }
    }

    /// Part number `index`, to be made anew; it may have any content. Parts are made in order.
    #[inline]
    pub(crate) fn remake(&mut self, index: usize) -> &mut Frame {
        let Some(place) = index.checked_sub(1) else { return &mut self.first };
        if place >= self.rest.len() {
            self.rest.push(Frame::new());
        }
        &mut self.rest[place]
    }

    /// The same with a copy of `body`, in the memory of the present one where that can be.
    #[inline]
    pub fn set_copied(&mut self, body: &[u8]) {
        self.keep_one();
        self.first.copy_from(body);
    }

    /// The same with a copy of `body`, which connection `origin` delivered.
    #[inline]
    pub(crate) fn set_received(&mut self, body: &[u8], origin: u64) {
        self.keep_one();
        self.first.set_received(body, origin);
    }

    /// Leaves one part of any content.
    #[inline(always)]
    fn keep_one(&mut self) {
        if !self.rest.is_empty() {
            self.keep_last();
        }
    }

    /// Leaves the last part that has memory of its own, which is most likely to be of use.
    #[inline(never)]
    fn keep_last(&mut self) {
        if let Some(kept) = self.rest.iter_mut().rev().find(|part| part.owns_memory()) {
            std::mem::swap(&mut self.first, kept);
        }
        self.rest.clear();
    }

    /// The same with the first `len` bytes of `window`; `false`, and nothing done, if that is more than it holds.
    #[inline(always)]
    pub(crate) fn set_from_window(
        &mut self,
        window: &[u8; Frame::INLINE_MAX],
        len: usize,
        origin: u64,
    ) -> bool {
        self.keep_one();
        self.first.set_from_window(window, len, origin)
    }

    /// Number of parts, at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a message always has a part")]
    #[inline]
    pub fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// The body of a message of one part that is short enough, and free, to be copied.
    #[must_use]
    #[inline]
    pub fn copyable(&self) -> Option<&[u8]> {
        (self.rest.is_empty() && self.first.is_copyable()).then(|| self.first.as_bytes())
    }

    /// Total length of all parts in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.iter().map(Frame::len).sum()
    }

    /// The first part.
    #[must_use]
    #[inline]
    pub fn first(&self) -> &Frame {
        &self.first
    }

    /// The parts after the first.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &[Frame] {
        &self.rest
    }

    /// The last part.
    #[must_use]
    pub fn last(&self) -> &Frame {
        self.rest.last().unwrap_or(&self.first)
    }

    /// Part number `index`, counted from 0.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<&Frame> {
        match index {
            0 => Some(&self.first),
            _ => self.rest.get(index - 1),
        }
    }

    /// The parts in order.
    pub fn iter(&self) -> Parts<'_> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// All parts; never none.
    #[must_use]
    pub fn into_parts(self) -> Vec<Frame> {
        let mut parts = self.rest;
        parts.insert(0, self.first);
        parts
    }

    /// Adds a part at the end.
    pub fn push_back(&mut self, part: impl Into<Frame>) {
        self.rest.push(part.into());
    }

    /// Adds a part in front of the others.
    pub fn push_front(&mut self, part: impl Into<Frame>) {
        let old = std::mem::replace(&mut self.first, part.into());
        self.rest.insert(0, old);
    }

    /// Takes the first part off; `None`, and nothing taken, if it is the only one.
    pub fn pop_front(&mut self) -> Option<Frame> {
        if self.rest.is_empty() {
            return None;
        }
        let second = self.rest.remove(0);
        Some(std::mem::replace(&mut self.first, second))
    }

    /// The first part and, if there are others, the message without it.
    #[must_use]
    pub fn split_first(mut self) -> (Frame, Option<Message>) {
        match self.pop_front() {
            None => (self.first, None),
            Some(first) => (first, Some(self)),
        }
    }

    /// Puts part number `index`, which there is, into `into`. What is left of it has no meaning, but its memory, or that of `into`, may
    /// be used again.
    #[inline]
    pub fn hand_out(&mut self, index: usize, into: &mut Frame) {
        let part = match index.checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) => self.rest.get_mut(place),
        };
        if let Some(part) = part {
            part.hand_out(into);
        }
    }

    /// Takes the last part off; of the only one an empty part is left.
    pub fn pop_back(&mut self) -> Frame {
        self.rest.pop().unwrap_or_else(|| std::mem::take(&mut self.first))
    }

    /// Leaves at most `len` parts, and at least one.
    #[inline]
    pub fn shorten(&mut self, len: usize) {
        self.rest.truncate(len.saturating_sub(1));
    }

    /// Makes this, which is a single empty part, a copy of `body`, in the memory of one of `spare` if that helps.
    #[inline]
    pub fn copy_from(&mut self, body: &[u8], spare: &mut Vec<Frame>) {
        if Frame::may_own(body.len()) {
            self.first = spare.pop().unwrap_or_default();
            self.first.copy_from(body);
        } else {
            self.first.set(body);
        }
    }

    /// Makes this an empty message. Parts whose memory may be used again go to the end of `spare`.
    pub fn strip(&mut self, spare: &mut Vec<Frame>) {
        if !self.rest.is_empty() {
            spare.extend(self.rest.drain(..).filter(Frame::owns_memory));
        }
        if self.first.owns_memory() {
            spare.push(std::mem::take(&mut self.first));
        } else {
            self.first.clear();
        }
    }

    /// Moves the first part to `first` and the others to the end of `rest`; an empty message stays.
    pub fn unpack(&mut self, first: &mut Frame, rest: &mut impl Extend<Frame>) {
        *first = std::mem::take(&mut self.first);
        rest.extend(self.rest.drain(..));
    }

    /// Takes off the envelope: the parts before the first empty one go to the end of `envelope`, the empty one goes, the
    /// others stay. `false`, and the message is of no use, if there is no empty part or nothing after it (RFC 28).
    pub fn take_envelope(&mut self, envelope: &mut Vec<Frame>) -> bool {
        // The last part is the body's, whatever it is.
        let hops = self.rest.len();
        let Some(delimiter) = self.iter().take(hops).position(Frame::is_empty) else { return false };
        if delimiter == 0 {
            self.pop_front();
            return true;
        }
        // All at once: one by one would cost the square of their number, which is the peer's choice.
        let mut taken = self.rest.drain(..=delimiter);
        envelope.push(std::mem::take(&mut self.first));
        envelope.extend(taken.by_ref().take(delimiter - 1));
        self.first = taken.nth(1).unwrap_or_default();
        true
    }

    /// Puts the message into an envelope: the parts of `envelope` and an empty one go before its own (RFC 28). Undone by
    /// [`take_envelope`](Self::take_envelope).
    pub fn put_in_envelope(&mut self, envelope: &[Frame]) {
        let body = std::mem::take(self);
        let parts = envelope.iter().cloned().chain([Frame::new()]).chain(body);
        *self = Message::from_parts(parts).unwrap_or_default();
    }

    /// The same message, every part marked as delivered by connection `origin`.
    #[must_use]
    #[inline]
    pub fn with_origin(mut self, origin: u64) -> Message {
        self.first = self.first.with_origin(origin);
        for part in &mut self.rest {
            *part = std::mem::take(part).with_origin(origin);
        }
        self
    }

    /// Identifies the connection that delivered this message; 0 for a message made here.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.last().origin()
    }
}

impl Message {
    /// A message of these parts; `None` if there are none.
    #[must_use]
    pub fn from_parts<T: Into<Frame>>(parts: impl IntoIterator<Item = T>) -> Option<Message> {
        let mut parts = parts.into_iter().map(Into::into);
        let first = parts.next()?;
        Some(Message { first, rest: parts.collect() })
    }
}

impl std::ops::Index<usize> for Message {
    type Output = Frame;

    /// Part number `index`.
    ///
    /// # Panics
    /// If there is no such part; use [`Message::part`] for what a peer decides.
    fn index(&self, index: usize) -> &Frame {
        self.part(index).expect("the message has no part with this number")
    }
}

/// A message's parts by reference, from [`Message::iter`].
pub type Parts<'a> = std::iter::Chain<std::iter::Once<&'a Frame>, std::slice::Iter<'a, Frame>>;

impl IntoIterator for Message {
    type Item = Frame;
    type IntoIter = std::iter::Chain<std::iter::Once<Frame>, std::vec::IntoIter<Frame>>;
    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

impl<'a> IntoIterator for &'a Message {
    type Item = &'a Frame;
    type IntoIter = Parts<'a>;
    fn into_iter(self) -> Parts<'a> {
        self.iter()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        let mut list = f.debug_list();
        list.entries(self.iter().take(SHOWN));
        if self.len() > SHOWN {
            list.entry(&format_args!("… ({} parts)", self.len()));
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_taken_off_and_put_back() {
        let message = Message::from(["a", "b", "", "c"]);
        let (mut body, mut envelope) = (message.clone(), Vec::new());
        assert!(body.take_envelope(&mut envelope));
        assert_eq!((envelope.len(), &body), (2, &Message::from("c")));
        body.put_in_envelope(&envelope);
        assert_eq!(body, message);
        for bare in [Message::from(["a", "b"]), Message::from(["a", ""]), Message::new()] {
            assert!(!bare.clone().take_envelope(&mut Vec::new()), "{bare:?}");
        }
        let (first, rest) = message.split_first();
        assert_eq!(first, "a");
        assert_eq!(rest.unwrap().len(), 3);
    }

    #[test]
    fn a_message_is_unpacked_and_empty_then() {
        let mut message = Message::from_parts(["a", "b", "c"].map(Frame::from)).unwrap();
        let (mut first, mut rest) = (Frame::from("before"), vec![Frame::from("x")]);
        message.unpack(&mut first, &mut rest);
        assert_eq!((first, rest), (Frame::from("a"), ["x", "b", "c"].map(Frame::from).to_vec()));
        assert_eq!(message, Message::new());
    }

    #[test]
    fn parts_are_handed_out_into_any_frame_and_memory_stays_in_use() {
        let long = || Frame::from(vec![7; 2000]);
        let bodies = || {
            [
                Frame::from("id"),
                Frame::received(&[1; 64]),
                Frame::received(&[2; 80]),
                long(),
                Frame::lent(b"x"[..].into()),
            ]
        };
        for part in bodies() {
            for mut into in bodies() {
                let mut message = Message::from(part.clone());
                message.hand_out(0, &mut into);
                assert_eq!((&into, into.is_lent()), (&part, part.is_lent()));
                assert!(
                    !message.first().is_lent() || message.first() != &part,
                    "lent for longer than it must be"
                );
            }
        }
        // A name and a body in turns, received into the same frame, as programs in C do: neither is allocated again and again.
        let mut into = Frame::received(&[3; 64]);
        let mut message = Message::from_parts([Frame::from("id"), Frame::received(&[1; 64])]).unwrap();
        message.hand_out(0, &mut into);
        assert_eq!(into, "id");
        message.hand_out(1, &mut into);
        assert_eq!(into, [1; 64]);
        message.set_copied(&[4; 64]);
        assert!(message.rest().is_empty() && message.first().owns_memory());
    }
}
