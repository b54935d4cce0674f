//! ZMTP 2.0 frames: the form messages have on the wire and in every pipe.
//!
//! The *pipe format* is a run of whole messages, each one or more frames of a flags byte (`MORE` 1,
//! `LONG` 2, `COMMAND` 4), a length of one byte or, with `LONG`, of eight in network order, and a body
//! (RFC 15 and 23). A message ends with the frame without `MORE`. Engine and patterns exchange nothing
//! else, whatever the wire speaks; with ZMTP 2.0 and 3.x under NULL it is the wire's own form.
//!
//! This is the hottest code of the crate: a message of one short part is encoded and decoded without
//! touching the heap or a reference count. It knows no limits and no commands; the
//! [`Receiver`](crate::zmtp::Receiver) checks what a peer sends before any of it gets here.

use crate::{Frame, Message, copy};
use bytes::{Buf, Bytes};
use std::ops::Range;

/// The longest frame header, in bytes: flags and an eight-byte length.
pub const HEADER_MAX: usize = 9;

/// The longest body, in bytes, whose length takes one byte.
pub(crate) const SHORT_MAX: usize = 255;

/// A body shorter than this, in bytes, is copied out of a chunk rather than keeping the chunk alive.
const COPIED_BELOW: usize = 1024;

/// A body below one `PINNING_SHARE`-th of its chunk is copied too: the rest of the chunk would be wasted.
const PINNING_SHARE: usize = 8;

/// The first byte of a frame; by default that of a message's last part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Another part of the same message follows.
    pub const MORE: u8 = 1;
    /// The length has eight bytes.
    pub const LONG: u8 = 2;
    /// The frame is a command, not a part of a message (ZMTP 3).
    pub const COMMAND: u8 = 4;

    pub(super) fn from_bits(bits: u8) -> Flags {
        Flags(bits)
    }

    /// Whether another part of the same message follows.
    #[must_use]
    #[inline]
    pub fn more(self) -> bool {
        self.0 & Self::MORE != 0
    }

    /// Whether the frame is a command.
    #[must_use]
    #[inline]
    pub fn command(self) -> bool {
        self.0 & Self::COMMAND != 0
    }
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed to tell.
    Incomplete,
    /// A frame begins here.
    Frame {
        /// Its flags.
        flags: Flags,
        /// Length of the header in bytes: 2 or [`HEADER_MAX`].
        header_len: usize,
        /// Length of the body in bytes, as announced.
        body_len: u64,
    },
    /// Reserved flags are set, a command claims that more follows, or the length has its top bit set.
    Malformed,
}

/// The header of a frame of `len` body bytes, and how many bytes of the array it takes.
#[must_use]
#[inline]
pub fn header(len: usize, more: bool) -> ([u8; HEADER_MAX], usize) {
    let mut bytes = [0; HEADER_MAX];
    bytes[0] = u8::from(more);
    if len <= SHORT_MAX {
        bytes[1] = len as u8;
        (bytes, 2)
    } else {
        bytes[0] |= Flags::LONG;
        bytes[1..].copy_from_slice(&(len as u64).to_be_bytes());
        (bytes, HEADER_MAX)
    }
}

/// Appends one part, header and body.
#[inline]
pub fn encode_small(part: &[u8], more: bool, out: &mut Vec<u8>) {
    let len = part.len();
    if len <= SHORT_MAX {
        out.reserve(2 + len);
        out.extend_from_slice(&[u8::from(more), len as u8]);
    } else {
        let (header, header_len) = header(len, more);
        out.reserve(header_len + len);
        out.extend_from_slice(&header);
    }
    copy::append(out, part);
}

/// Appends all parts of `message`.
#[inline]
pub fn encode(message: &Message, out: &mut Vec<u8>) {
    let mut part = message.first();
    for next in message.rest() {
        encode_small(part, true, out);
        part = next;
    }
    encode_small(part, false, out);
}

/// Reads the header at the start of `bytes`.
#[must_use]
#[inline]
pub fn parse_header(bytes: &[u8]) -> Header {
    const KNOWN: u8 = Flags::MORE | Flags::LONG | Flags::COMMAND;
    const COMMAND_AND_MORE: u8 = Flags::MORE | Flags::COMMAND;
    let Some(&flags) = bytes.first() else { return Header::Incomplete };
    if flags & !KNOWN != 0 || flags & COMMAND_AND_MORE == COMMAND_AND_MORE {
        return Header::Malformed;
    }
    if flags & Flags::LONG == 0 {
        match bytes.get(1) {
            Some(&len) => Header::Frame { flags: Flags(flags), header_len: 2, body_len: u64::from(len) },
            None => Header::Incomplete,
        }
    } else {
        match bytes.get(1..).and_then(<[u8]>::first_chunk::<8>) {
            Some(len) => long_header(flags, u64::from_be_bytes(*len)),
            None => Header::Incomplete,
        }
    }
}

/// RFC 23 gives lengths 63 bits.
fn long_header(flags: u8, body_len: u64) -> Header {
    if body_len > i64::MAX as u64 {
        return Header::Malformed;
    }
    Header::Frame { flags: Flags(flags), header_len: HEADER_MAX, body_len }
}

/// Takes the first frame off a chunk of whole frames, and says whether more parts follow it.
///
/// `None` when the chunk is empty (or, which no [`Receiver`](crate::zmtp::Receiver) produces, ends
/// within a frame). Short bodies are copied, long ones share the chunk.
#[must_use]
#[inline]
pub fn decode_frame(chunk: &mut Bytes) -> Option<(Frame, bool)> {
    let whole = whole_frame(chunk)?;
    let frame = body_frame(chunk, whole.body_start..whole.end);
    chunk.advance(whole.end);
    Some((frame, whole.more))
}

/// Takes the first message off a chunk of whole messages; `None` when the chunk is empty.
///
/// [`Cursor`] is faster for many messages in one chunk.
#[must_use]
#[inline]
pub fn decode_message(chunk: &mut Bytes) -> Option<Message> {
    let mut cursor = Cursor::new(std::mem::take(chunk));
    let message = cursor.next_message();
    *chunk = cursor.into_rest();
    message
}

/// The longest prefix of whole messages in `bytes`: its length in bytes, and the number of messages.
///
/// After a disconnect it tells which message boundary lies at or before the last byte written.
#[must_use]
pub fn whole_messages(bytes: &[u8]) -> (usize, usize) {
    let (mut at, mut boundary, mut messages) = (0, 0, 0);
    while let Some(whole) = bytes.get(at..).and_then(whole_frame) {
        at += whole.end;
        if !whole.more {
            boundary = at;
            messages += 1;
        }
    }
    (boundary, messages)
}

/// Reads the messages of a chunk one after another.
///
/// Bodies kept inside a [`Frame`] never touch the chunk's reference count, unlike with
/// [`decode_message`].
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    chunk: Bytes,
    /// Invariant: at most the length of `chunk`, and at a frame boundary.
    at: usize,
    origin: u64,
}

impl Cursor {
    /// A cursor at the start of `chunk`, which holds whole messages in pipe format.
    #[must_use]
    #[inline]
    pub fn new(chunk: Bytes) -> Cursor {
        Cursor { chunk, at: 0, origin: 0 }
    }

    /// The same cursor; the frames it gives are marked as delivered by connection `origin`.
    #[must_use]
    #[inline]
    pub fn with_origin(self, origin: u64) -> Cursor {
        Cursor { origin, ..self }
    }

    /// The next message; `None` at the end.
    #[must_use]
    pub fn next_message(&mut self) -> Option<Message> {
        let mut message = Message::new();
        self.read_message(&mut message).then_some(message)
    }

    /// Puts the next message into `into`; `false` at the end.
    #[must_use]
    #[inline(always)]
    pub fn read_message(&mut self, into: &mut Message) -> bool {
        if let Some([0, len, rest @ ..]) = self.chunk.get(self.at..) {
            let len = usize::from(*len);
            if let Some(window) = rest.first_chunk()
                && into.set_from_window(window, len, self.origin)
            {
                self.at += 2 + len;
                return true;
            }
            if let Some(body) = rest.get(..len) {
                into.set_received(body, self.origin);
                self.at += 2 + len;
                return true;
            }
        }
        self.read_any_message(into)
    }

    /// The body of the next message if that is a single part; else nothing is taken.
    #[must_use]
    #[inline(always)]
    pub fn next_single(&mut self) -> Option<&[u8]> {
        if self.chunk.get(self.at) == Some(&Flags::LONG) {
            return self.next_long();
        }
        let [0, len, rest @ ..] = self.chunk.get(self.at..)? else { return None };
        let body = rest.get(..usize::from(*len))?;
        self.at += 2 + body.len();
        Some(body)
    }

    #[inline(never)]
    fn next_long(&mut self) -> Option<&[u8]> {
        let whole = whole_frame(self.chunk.get(self.at..)?).filter(|whole| !whole.more)?;
        let body = self.at + whole.body_start..self.at + whole.end;
        self.at = body.end;
        self.chunk.get(body)
    }

    /// Puts the next message into `into` if it is a single part of at most 255 bytes, and gives its length; else nothing is taken.
    #[must_use]
    #[inline(always)]
    pub fn read_short(&mut self, into: &mut Frame) -> Option<u8> {
        let [0, short, rest @ ..] = self.chunk.get(self.at..)? else { return None };
        let len = usize::from(*short);
        if !rest.first_chunk().is_some_and(|window| into.set_from_window(window, len, self.origin)) {
            into.set_received(rest.get(..len)?, self.origin);
        }
        let short = *short;
        self.at += 2 + len;
        Some(short)
    }

    /// Steps over an empty frame with others behind it, if that is next: the delimiter behind an envelope (RFC 28).
    #[inline]
    pub fn skip_delimiter(&mut self) -> bool {
        let found = self.chunk.get(self.at..).is_some_and(|rest| rest.starts_with(&[Flags::MORE, 0]));
        self.at += if found { 2 } else { 0 };
        found
    }

    /// The next frame and whether more parts follow it; `None` at the end.
    #[must_use]
    pub fn next_frame(&mut self) -> Option<(Frame, bool)> {
        let whole = whole_frame(self.chunk.get(self.at..)?)?;
        let frame = body_frame(&self.chunk, self.at + whole.body_start..self.at + whole.end);
        self.at += whole.end;
        Some((frame.with_origin(self.origin), whole.more))
    }

    /// Bytes not read yet.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.chunk.len() - self.at
    }

    /// At the end, lets go of the bytes: whoever made them may use their buffer again.
    #[inline]
    pub fn release_if_read(&mut self) {
        if self.remaining() == 0 {
            *self = Cursor::default();
        }
    }

    /// What was not read yet.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &[u8] {
        self.chunk.get(self.at..).unwrap_or_default()
    }

    /// The same, without the cursor.
    #[must_use]
    pub fn into_rest(mut self) -> Bytes {
        self.chunk.advance(self.at);
        self.chunk
    }

    fn read_any_message(&mut self, into: &mut Message) -> bool {
        if self.at == self.chunk.len() {
            // Whoever made the bytes may use their buffer again.
            *self = Cursor::default();
            return false;
        }
        let mut parts = 0;
        while let Some(more) = self.read_frame(into.remake(parts)) {
            parts += 1;
            if !more {
                break;
            }
        }
        into.shorten(parts);
        parts > 0
    }

    /// Puts the next frame into `into`, and says whether more parts follow; `None` at the end.
    #[inline]
    fn read_frame(&mut self, into: &mut Frame) -> Option<bool> {
        let rest = self.chunk.get(self.at..)?;
        let whole = whole_frame(rest)?;
        let body = &rest[whole.body_start..whole.end];
        let window = rest[whole.body_start..].first_chunk();
        if !window.is_some_and(|window| into.set_from_window(window, body.len(), self.origin)) {
            if body.len() < COPIED_BELOW {
                into.set_received(body, self.origin);
            } else {
                let range = self.at + whole.body_start..self.at + whole.end;
                *into = body_frame(&self.chunk, range).with_origin(self.origin);
            }
        }
        self.at += whole.end;
        Some(whole.more)
    }
}

/// Where a whole frame at the start of some bytes has its body.
struct WholeFrame {
    body_start: usize,
    end: usize,
    more: bool,
}

#[inline]
fn whole_frame(bytes: &[u8]) -> Option<WholeFrame> {
    let Header::Frame { flags, header_len, body_len } = parse_header(bytes) else { return None };
    let end = header_len.checked_add(usize::try_from(body_len).ok()?)?;
    (end <= bytes.len()).then_some(WholeFrame { body_start: header_len, end, more: flags.more() })
}

/// The body at `range` of `chunk`, copied unless that costs more than keeping the chunk alive.
#[inline]
fn body_frame(chunk: &Bytes, range: Range<usize>) -> Frame {
    if range.len() < COPIED_BELOW {
        Frame::received(&chunk[range])
    } else if range.len() < chunk.len() / PINNING_SHARE {
        Frame::from_long(copy::to_bytes(&chunk[range]))
    } else {
        Frame::from_long(chunk.slice(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(message: &Message) -> Vec<u8> {
        let mut out = Vec::new();
        encode(message, &mut out);
        out
    }

    #[test]
    fn headers_take_the_short_form_up_to_255_bytes() {
        assert_eq!(encoded(&Message::from("hi")), b"\x00\x02hi");
        assert_eq!(encoded(&Message::from(["a", ""])), b"\x01\x01a\x00\x00");
        assert_eq!(encoded(&Message::from(vec![7; 255]))[..2], [0, 255]);
        assert_eq!(encoded(&Message::from(vec![7; 256]))[..9], [2, 0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn every_flags_byte_is_read_or_refused() {
        for flags in 0..=255u8 {
            let bytes = [flags, 0, 0, 0, 0, 0, 0, 0, 5];
            let refused = flags > 7 || flags & 5 == 5;
            assert_eq!(parse_header(&bytes) == Header::Malformed, refused, "{flags}");
            if let Header::Frame { header_len, body_len, flags: read } = parse_header(&bytes) {
                let expected = if flags & Flags::LONG == 0 { (2, 0) } else { (9, 5) };
                assert_eq!((header_len, body_len), expected);
                assert_eq!((read.more(), read.command()), (flags & 1 != 0, flags & 4 != 0));
            }
        }
        assert_eq!(parse_header(&[2, 0x80, 0, 0, 0, 0, 0, 0, 0]), Header::Malformed);
        assert!(matches!(
            parse_header(&[2, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
            Header::Frame { body_len: 0x7fff_ffff_ffff_ffff, .. }
        ));
    }

    #[test]
    fn a_header_cut_short_is_incomplete() {
        for (bytes, len) in [(&b"\x00\x02"[..], 2), (b"\x02\0\0\0\0\0\0\x01\0", 9)] {
            for cut in 0..len {
                assert_eq!(parse_header(&bytes[..cut]), Header::Incomplete);
            }
            assert!(matches!(parse_header(bytes), Header::Frame { header_len, .. } if header_len == len));
        }
    }

    #[test]
    fn large_bodies_share_the_chunk_and_small_ones_do_not() {
        let chunk = Bytes::from(encoded(&Message::from(vec![1; 4000])));
        let range = chunk.as_ptr_range();
        let (frame, more) = decode_frame(&mut chunk.clone()).unwrap();
        assert!(!more && range.contains(&frame.as_bytes().as_ptr()));

        let mut bytes = encoded(&Message::from(vec![1; 1000]));
        encode(&Message::from(vec![2; 100_000]), &mut bytes);
        let mut chunk = Bytes::from(bytes);
        let range = chunk.as_ptr_range();
        let (frame, _) = decode_frame(&mut chunk).unwrap();
        assert!(!range.contains(&frame.as_bytes().as_ptr()));
        assert_eq!(frame.len(), 1000);
    }

    #[test]
    fn broken_chunks_end_early_without_panic() {
        let bytes = encoded(&Message::from(["a", "bc", "def"]));
        for cut in 0..bytes.len() {
            assert_eq!(whole_messages(&bytes[..cut]), (0, 0));
            let mut cursor = Cursor::new(Bytes::copy_from_slice(&bytes[..cut]));
            while cursor.next_message().is_some() {}
        }
        assert!(decode_message(&mut Bytes::from_static(b"\x02\xff\xff\xff\xff\xff\xff\xff\xff")).is_none());
        assert!(decode_frame(&mut Bytes::from_static(b"\x08\x01a")).is_none());
    }

    #[test]
    fn single_parts_of_any_length_are_lent_and_nothing_else_is() {
        let bodies = [0, 1, 255, 256, 70_000].map(|len| vec![7; len]);
        for body in bodies {
            let mut bytes = encoded(&Message::from(body.clone()));
            encode(&Message::from_parts([body.clone(), vec![1]]).unwrap(), &mut bytes);
            let mut cursor = Cursor::new(Bytes::from(bytes));
            assert_eq!(cursor.next_single(), Some(&body[..]));
            let rest = cursor.remaining();
            assert_eq!(cursor.next_single(), None, "the first of two parts");
            assert_eq!(cursor.remaining(), rest);
            assert_eq!(cursor.next_message().map(|message| message.len()), Some(2));
            assert_eq!(cursor.next_single(), None, "the end");
        }
        let mut broken = Cursor::new(Bytes::from_static(b"\x02\0\0\0\0\0\0\x01\0ab"));
        assert_eq!(broken.next_single(), None);
    }

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let part = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            proptest::collection::vec(any::<u8>(), 250..260),
            (1000usize..3000).prop_map(|len| vec![9; len]),
        ];
        let message =
            proptest::collection::vec(part, 1..5).prop_map(|parts| Message::from_parts(parts).unwrap());
        proptest::collection::vec(message, 0..6)
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(messages in messages()) {
            let mut bytes = Vec::new();
            for message in &messages {
                encode(message, &mut bytes);
            }
            prop_assert_eq!(whole_messages(&bytes), (bytes.len(), messages.len()));

            let mut cursor = Cursor::new(Bytes::from(bytes.clone()));
            let decoded: Vec<_> = std::iter::from_fn(|| cursor.next_message()).collect();
            prop_assert_eq!(&decoded, &messages);
            prop_assert_eq!(cursor.remaining(), 0);

            let mut chunk = Bytes::from(bytes);
            let decoded: Vec<_> = std::iter::from_fn(|| decode_message(&mut chunk)).collect();
            prop_assert_eq!(&decoded, &messages);
            prop_assert!(chunk.is_empty());
        }

        #[test]
        fn a_cut_lies_at_the_last_message_boundary(messages in messages(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            let mut boundaries = vec![0];
            for message in &messages {
                encode(message, &mut bytes);
                boundaries.push(bytes.len());
            }
            let cut = cut.index(bytes.len() + 1);
            let before = boundaries.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(whole_messages(&bytes[..cut]), (boundaries[before], before));
        }
    }
}
