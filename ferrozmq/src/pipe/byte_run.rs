//! A run of bytes that grows at its end, in the pipe format.
//!
//! Invariant: the buffer is initialised to its end, beyond the run too, so that a short part is added by one copy of
//! fixed size, which is several times faster than one of the part's own length. It knows how a frame's header looks and
//! nothing else of messages.

use ferrozmq_proto::Frame;
use ferrozmq_proto::copy::{self, copy_short};
use ferrozmq_proto::zmtp::framing;

/// Buffers that grew beyond this many bytes are given back when they run empty.
const KEEP_BYTES: usize = 512 * 1024;
/// The smallest buffer.
const GROW_MIN: usize = 256;
/// Header and body of a part that is kept inside its frame, as they are copied.
const WINDOW: usize = 2 + Frame::INLINE_MAX;

/// Bytes in the pipe format.
#[derive(Default)]
pub(super) struct ByteRun {
    buffer: Vec<u8>,
    len: usize,
}

impl ByteRun {
    /// Adds a part that is kept inside its frame, whose bytes are `window` up to `len`.
    #[inline(always)]
    pub(super) fn push_inline(&mut self, window: &[u8; Frame::INLINE_MAX], len: usize, more: bool) {
        let mut end = self.len;
        if self.buffer.len() - end < WINDOW {
            self.grow(WINDOW);
        }
        let Some(place) = self.buffer.get_mut(end..).and_then(<[u8]>::first_chunk_mut::<WINDOW>) else {
            return;
        };
        place[0] = u8::from(more);
        place[1] = len as u8;
        place[2..].copy_from_slice(window);
        end += 2 + len;
        self.len = end;
    }

    /// Adds a part of any length.
    #[inline]
    pub(super) fn push_copied(&mut self, part: &[u8], more: bool) {
        if let Ok(len) = u8::try_from(part.len()) {
            return self.push_short(part, len, more);
        }
        self.push_long(part, more);
    }

    /// Adds a part of at most 255 bytes.
    #[inline(always)]
    fn push_short(&mut self, part: &[u8], len: u8, more: bool) {
        let size = 2 + part.len();
        if self.buffer.len() - self.len < size {
            self.grow(size);
        }
        let Some(place) = self.buffer.get_mut(self.len..).and_then(|rest| rest.get_mut(..size)) else {
            return;
        };
        if let [flags, length, body @ ..] = place {
            (*flags, *length) = (u8::from(more), len);
            copy_short(body, part);
        }
        self.len += size;
    }

    fn push_long(&mut self, part: &[u8], more: bool) {
        let (header, len) = framing::header(part.len(), more);
        self.extend_from_slice(&header[..len]);
        self.extend_from_slice(part);
    }

    /// Adds bytes.
    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        if self.buffer.len() - self.len < bytes.len() {
            self.grow(bytes.len());
        }
        copy::append(&mut &mut self.buffer[self.len..self.len + bytes.len()], bytes);
        self.len += bytes.len();
    }

    /// Takes the first `count` bytes away.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.buffer.copy_within(count..self.len, 0);
        self.len -= count;
    }

    /// Forgets all bytes, and gives a large buffer back.
    pub(super) fn clear(&mut self) {
        if self.buffer.len() > KEEP_BYTES {
            self.buffer = Vec::new();
        }
        self.len = 0;
    }

    #[cold]
    fn grow(&mut self, by: usize) {
        let wanted = (self.len + by).next_power_of_two().max(GROW_MIN);
        self.buffer.resize(wanted, 0);
    }
}

impl std::ops::Deref for ByteRun {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}
