//! The queue of a connection's outgoing messages: their bytes as they will stand on the wire.
//!
//! An [`Arena`] is a run of whole messages in the pipe format (plain ZMTP 2.0 frames) with a count
//! beside it. Short bodies are copied in; a long body is kept by reference, at the place in the
//! byte run where it belongs. A [`Batch`] is an arena on its way to the kernel: it knows how much
//! was taken, how many messages that completes, and what has to be sent again, whole, when the
//! connection dies under it.
//!
//! Invariant: an arena holds whole messages only, so its beginning and its end are message
//! boundaries. No locks and no system calls here.

use super::byte_run::ByteRun;
use bytes::Bytes;
use ferrozmq_proto::zmtp::framing::{self, Flags, Header};
use ferrozmq_proto::{Frame, Message};
use std::collections::VecDeque;
use std::io::IoSlice;

/// Whole messages in the pipe format.
#[derive(Default)]
pub(crate) struct Arena {
    bytes: ByteRun,
    /// Long bodies and the position in `bytes` where each belongs, in order.
    bodies: VecDeque<(usize, Bytes)>,
    body_bytes: usize,
    messages: usize,
}

impl Arena {
    /// Adds a message, in an envelope if there is one; parts of `share_from` bytes and more are kept by reference.
    #[inline(always)]
    pub(crate) fn push(&mut self, message: &Message, envelope: Option<&[Frame]>, share_from: usize) {
        self.messages += 1;
        if let Some(envelope) = envelope {
            envelope.iter().for_each(|part| self.push_part(part, true, share_from));
            self.push_part(&Frame::new(), true, share_from);
        }
        if let ([], Some((window, len))) = (message.rest(), message.first().inline()) {
            return self.bytes.push_inline(window, len, false);
        }
        self.push_parts(message, share_from);
    }

    /// Adds a message of one part, a copy of `body`.
    #[inline(always)]
    pub(crate) fn push_copied(&mut self, body: &[u8]) {
        self.messages += 1;
        self.bytes.push_copied(body, false);
    }

    fn push_parts(&mut self, message: &Message, share_from: usize) {
        let mut parts_left = message.len();
        for part in message.iter() {
            parts_left -= 1;
            self.push_part(part, parts_left > 0, share_from);
        }
    }

    #[inline]
    fn push_part(&mut self, part: &Frame, more: bool, share_from: usize) {
        if let Some((window, len)) = part.inline() {
            return self.bytes.push_inline(window, len, more);
        }
        match part.shared() {
            Some(body) if body.len() >= share_from || part.is_lent() && !body.is_empty() => {
                let (header, len) = framing::header(body.len(), more);
                self.bytes.extend_from_slice(&header[..len]);
                self.bodies.push_back((self.bytes.len(), body.clone()));
                self.body_bytes += body.len();
            }
            _ => self.bytes.push_copied(part, more),
        }
    }

    /// Adds a copy of `other`'s messages.
    pub(crate) fn extend(&mut self, other: &Arena) {
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.bodies.extend(other.bodies.iter().map(|(at, body)| (at + shift, body.clone())));
        self.body_bytes += other.body_bytes;
        self.messages += other.messages;
    }

    /// Number of messages.
    #[inline]
    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    /// Length on the wire in bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.body_bytes
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Puts `front`'s messages before this arena's.
    fn prepend(&mut self, mut front: Arena) {
        if front.is_empty() {
            return;
        }
        let shift = front.bytes.len();
        front.bytes.extend_from_slice(&self.bytes);
        front.bodies.extend(self.bodies.drain(..).map(|(at, body)| (at + shift, body)));
        front.body_bytes += self.body_bytes;
        front.messages += self.messages;
        *self = front;
    }

    /// Forgets all messages.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bodies.clear();
        self.body_bytes = 0;
        self.messages = 0;
    }
}

/// A place in an arena: behind `bytes` bytes of the run and `bodies` whole long bodies.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    bytes: usize,
    bodies: usize,
    /// Distance from the arena's beginning on the wire.
    offset: usize,
}

impl Place {
    /// Distance from the arena's beginning on the wire.
    pub(crate) fn offset(self) -> usize {
        self.offset
    }

    /// Steps over one frame; its flags, and the length of its body. `None` at the end.
    fn step(&mut self, arena: &Arena) -> Option<(Flags, usize)> {
        let Header::Frame { flags, header_len, body_len } = framing::parse_header(&arena.bytes[self.bytes..])
        else {
            return None;
        };
        let body_len = usize::try_from(body_len).ok()?;
        self.bytes += header_len;
        match arena.bodies.get(self.bodies) {
            Some((at, _)) if *at == self.bytes => self.bodies += 1,
            _ => self.bytes += body_len,
        }
        self.offset += header_len + body_len;
        Some((flags, body_len))
    }

    /// Steps over one whole message; `false` at the end.
    fn step_message(&mut self, arena: &Arena) -> bool {
        loop {
            match self.step(arena) {
                Some((flags, _)) if flags.more() => {}
                Some(_) => return true,
                None => return false,
            }
        }
    }
}

/// An arena on its way to the kernel.
#[derive(Default)]
pub(crate) struct Batch {
    arena: Arena,
    /// Bytes the kernel has taken.
    taken: usize,
    /// Where `taken` lies: in `bytes`, and how far into the next long body.
    at: Place,
    in_body: usize,
    /// The last message boundary at or before `taken`, and the messages before it.
    boundary: Place,
    completed: usize,
}

impl Batch {
    /// Takes all of `arena`, which gets this batch's empty buffer in exchange.
    ///
    /// Call only when [`is_empty`](Self::is_empty).
    pub(crate) fn load(&mut self, arena: &mut Arena) {
        debug_assert!(self.is_empty());
        self.reset();
        std::mem::swap(&mut self.arena, arena);
    }

    fn reset(&mut self) {
        self.arena.clear();
        self.taken = 0;
        self.at = Place::default();
        self.in_body = 0;
        self.boundary = Place::default();
        self.completed = 0;
    }

    /// Whether the kernel has taken everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.arena.len()
    }

    /// Bytes the kernel has not taken.
    pub(crate) fn untaken(&self) -> usize {
        self.arena.len() - self.taken
    }

    /// Messages whose last byte the kernel has not taken yet.
    pub(crate) fn unsent(&self) -> usize {
        self.arena.messages - self.completed
    }

    /// Whether the next byte begins a message.
    pub(crate) fn at_boundary(&self) -> bool {
        self.is_empty() || self.boundary.offset == self.taken
    }

    /// Bytes up to the end of the message that is partly taken; 0 at a boundary.
    pub(crate) fn to_boundary(&self) -> usize {
        if self.at_boundary() {
            return 0;
        }
        let mut end = self.boundary;
        end.step_message(&self.arena);
        end.offset.saturating_sub(self.taken)
    }

    /// What to write next where it is one piece, at most `budget` bytes of it; `None` where long bodies
    /// are to come.
    pub(crate) fn only_slice(&self, budget: usize) -> Option<&[u8]> {
        let more = self.arena.bodies.len() > self.at.bodies;
        let rest = self.arena.bytes.get(self.at.bytes..).filter(|_| !more)?;
        Some(&rest[..rest.len().min(budget)])
    }

    /// What to write next, at most `budget` bytes in at most `slots` pieces.
    pub(crate) fn slices<'a>(&'a self, budget: usize, slots: usize, out: &mut Vec<IoSlice<'a>>) {
        let mut left = budget;
        let mut bytes = self.at.bytes;
        let mut body = self.at.bodies;
        let mut skip = self.in_body;
        while left > 0 && out.len() < slots {
            let next = self.arena.bodies.get(body);
            let run_end = next.map_or(self.arena.bytes.len(), |(at, _)| *at);
            let piece: &[u8] = if bytes < run_end {
                let piece = &self.arena.bytes[bytes..run_end.min(bytes + left)];
                bytes += piece.len();
                piece
            } else if let Some((_, long)) = next {
                let piece = &long[skip..long.len().min(skip.saturating_add(left))];
                skip += piece.len();
                if skip == long.len() {
                    body += 1;
                    skip = 0;
                }
                piece
            } else {
                return;
            };
            left -= piece.len();
            if !piece.is_empty() {
                out.push(IoSlice::new(piece));
            }
        }
    }

    /// Notes that the kernel took `count` more bytes; returns how many messages that completed.
    pub(crate) fn advance(&mut self, count: usize) -> usize {
        self.taken += count;
        if self.is_empty() {
            let done = self.unsent();
            self.completed = self.arena.messages;
            // Whoever lent them hears of it now, not when the next message is sent.
            self.arena.bodies.clear();
            return done;
        }
        self.move_place(count);
        let before = self.completed;
        loop {
            let mut next = self.boundary;
            if !next.step_message(&self.arena) || next.offset > self.taken {
                return self.completed - before;
            }
            self.boundary = next;
            self.completed += 1;
        }
    }

    fn move_place(&mut self, mut count: usize) {
        while count > 0 {
            let next = self.arena.bodies.get(self.at.bodies);
            let run_end = next.map_or(self.arena.bytes.len(), |(at, _)| *at);
            if self.at.bytes < run_end {
                let step = count.min(run_end - self.at.bytes);
                self.at.bytes += step;
                count -= step;
            } else if let Some((_, long)) = next {
                let step = count.min(long.len() - self.in_body);
                self.in_body += step;
                count -= step;
                if self.in_body == long.len() {
                    self.at.bodies += 1;
                    self.in_body = 0;
                }
            } else {
                return;
            }
        }
    }

    /// After the connection died: puts every message that was not wholly taken back in front of `arena`.
    pub(crate) fn give_back(&mut self, arena: &mut Arena) {
        if self.is_empty() {
            self.reset();
            return;
        }
        let from = self.boundary;
        let mut rest = std::mem::take(&mut self.arena);
        rest.bytes.drop_front(from.bytes);
        rest.bodies.drain(..from.bodies);
        for (at, _) in &mut rest.bodies {
            *at -= from.bytes;
        }
        rest.body_bytes = rest.bodies.iter().map(|(_, body)| body.len()).sum();
        rest.messages -= self.completed;
        self.reset();
        arena.prepend(rest);
    }

    /// Where the first message lies that is not wholly taken; for [`frame_at`](Self::frame_at).
    pub(crate) fn next_unsent(&self) -> Place {
        self.boundary
    }

    /// The frame at `at`, which moves behind it: its flags and its body. For wire forms that are not the pipe format.
    pub(crate) fn frame_at(&self, at: &mut Place) -> Option<(Flags, &[u8])> {
        let long = at.bodies;
        let (flags, body_len) = at.step(&self.arena)?;
        let body = match self.arena.bodies.get(long) {
            Some((_, body)) if at.bodies > long => body,
            _ => &self.arena.bytes[at.bytes - body_len..at.bytes],
        };
        Some((flags, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message> {
        let long = vec![7_u8; 5000];
        vec![
            Message::from("a"),
            Message::from_parts([Frame::from("b"), Frame::from(long.clone()), Frame::new()]).unwrap(),
            Message::from(vec![1_u8; 300]),
            Message::from(long),
            Message::new(),
        ]
    }

    fn arena(messages: &[Message]) -> Arena {
        let mut arena = Arena::default();
        for message in messages {
            arena.push(message, None, 1000);
        }
        arena
    }

    fn drain(batch: &mut Batch, step: usize) -> Vec<u8> {
        let mut wire = Vec::new();
        while !batch.is_empty() {
            let mut slices = Vec::new();
            batch.slices(step, 4, &mut slices);
            let taken: usize = slices.iter().map(|slice| slice.len()).sum();
            assert!(taken > 0 && taken <= step);
            for slice in &slices {
                wire.extend_from_slice(slice);
            }
            batch.advance(taken);
        }
        wire
    }

    fn plain(messages: &[Message]) -> Vec<u8> {
        let mut out = Vec::new();
        messages.iter().for_each(|message| framing::encode(message, &mut out));
        out
    }

    #[test]
    fn any_write_size_gives_the_same_bytes() {
        let messages = messages();
        for step in [1, 2, 3, 7, 100, 4999, 100_000] {
            let mut batch = Batch::default();
            batch.load(&mut arena(&messages));
            assert_eq!(drain(&mut batch, step), plain(&messages), "step {step}");
            assert_eq!(batch.unsent(), 0);
        }
    }

    #[test]
    fn a_cut_at_any_byte_keeps_exactly_the_messages_not_wholly_taken() {
        let messages = messages();
        let total = plain(&messages).len();
        for cut in 0..=total {
            let mut batch = Batch::default();
            batch.load(&mut arena(&messages));
            let done = batch.advance(cut);
            let ends: Vec<usize> = (1..=messages.len()).map(|n| plain(&messages[..n]).len()).collect();
            assert_eq!(done, ends.iter().filter(|end| **end <= cut).count(), "cut {cut}");
            assert_eq!(batch.at_boundary(), cut == 0 || ends.contains(&cut));
            let next_end = ends.iter().find(|end| **end >= cut).copied().unwrap_or(total);
            if !batch.at_boundary() {
                assert_eq!(batch.to_boundary(), next_end - cut);
            }
            let later = [Message::from("later")];
            let mut rest = arena(&later);
            batch.give_back(&mut rest);
            assert_eq!(rest.messages(), messages.len() - done + 1);
            let mut again = Batch::default();
            again.load(&mut rest);
            let expected = [plain(&messages[done..]), plain(&later)].concat();
            assert_eq!(drain(&mut again, 64), expected);
        }
    }

    #[test]
    fn frames_come_out_one_by_one_for_other_wire_forms() {
        let messages = messages();
        let mut batch = Batch::default();
        batch.load(&mut arena(&messages));
        let mut next = batch.next_unsent();
        for message in &messages {
            let (before, mut parts_left) = (next.offset(), message.len());
            for part in message.iter() {
                parts_left -= 1;
                let (flags, body) = batch.frame_at(&mut next).expect("a frame");
                assert_eq!((flags.more(), body), (parts_left > 0, &part[..]));
            }
            assert_eq!(next.offset() - before, plain(std::slice::from_ref(message)).len());
        }
        assert!(batch.frame_at(&mut next).is_none());
        assert_eq!(batch.advance(next.offset()), messages.len());
        assert!(batch.is_empty());
    }
}
