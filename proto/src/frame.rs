//! One part of a message.
//!
//! Up to [`Frame::INLINE_MAX`] bytes live inside the value; longer bodies are shared by reference. Only what was received and is
//! shorter than a kibibyte has an allocation of its own, which the next message of the same length uses again, and which a clone
//! copies. A frame does not know whether others follow it: that is the business of [`Message`](crate::Message).

use crate::copy::{self, copy_short};
use bytes::Bytes;
use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::MaybeUninit;

/// One part of a message: bytes of any content and length.
///
/// ```
/// use ferrozmq_proto::Frame;
/// let frame = Frame::from("hello");
/// assert_eq!(frame.as_bytes(), b"hello");
/// ```
#[derive(Clone)]
pub struct Frame {
    body: Body,
    /// Which connection this frame came from; 0 when it was made here.
    origin: u64,
}

#[derive(Clone)]
enum Body {
    Inline {
        len: u8,
        bytes: [u8; Frame::INLINE_MAX],
    },
    Own(Own),
    Shared(Bytes),
    /// Whoever owns the bytes wants to be told when they are no longer needed, and not before.
    Lent(Bytes),
}

/// An allocation of its own. Its address and length are where those of [`Bytes`] happen to be, so that whoever asks a frame for them
/// need only tell bodies that live inside from all others. Were they elsewhere, it would take a few instructions more.
#[derive(Clone)]
#[repr(C)]
struct Own {
    /// Bytes begin with something else.
    _unused: MaybeUninit<usize>,
    bytes: Box<[u8]>,
}

impl From<&[u8]> for Own {
    #[inline]
    fn from(bytes: &[u8]) -> Own {
        Own { _unused: MaybeUninit::uninit(), bytes: bytes.into() }
    }
}

impl Body {
    /// The body, unless it lives inside the value.
    #[inline]
    fn outside(&self) -> &[u8] {
        match self {
            Body::Inline { .. } => &[],
            Body::Own(own) => &own.bytes,
            Body::Shared(bytes) | Body::Lent(bytes) => bytes,
        }
    }
}

/// Bodies below this have an allocation of their own where that may be used again, in bytes.
const OWN_BELOW: usize = 1024;

const _: () = assert!(size_of::<Frame>() == 56, "the C surface keeps a frame in a 64-byte zmq_msg_t");

impl Frame {
    /// The longest body kept inside the value, in bytes.
    pub const INLINE_MAX: usize = 46;

    /// The longest body that is copied rather than handed over, so that both ends keep their memory, in bytes.
    const COPIED_MAX: usize = 256;

    /// An empty frame.
    #[must_use]
    pub const fn new() -> Frame {
        Frame { body: Body::Inline { len: 0, bytes: [0; Self::INLINE_MAX] }, origin: 0 }
    }

    /// A frame with a copy of `bytes`.
    #[must_use]
    #[inline]
    pub fn copy_from_slice(bytes: &[u8]) -> Frame {
        let mut frame = Frame::new();
        frame.set(bytes);
        frame
    }

    /// Makes this the frame of a copy of `source`, which connection `origin` delivered, in the allocation of a body of the same
    /// length, if it has one.
    #[inline(always)]
    pub(crate) fn set_received(&mut self, source: &[u8], origin: u64) {
        match &mut self.body {
            Body::Own(own) if own.bytes.len() == source.len() => copy_short(&mut own.bytes, source),
            _ => self.set_anew(source),
        }
        self.origin = origin;
    }

    /// Makes the body a copy of `source`, with an allocation of its own if it is a long one.
    #[cold]
    #[inline(never)]
    fn set_anew(&mut self, source: &[u8]) {
        match &mut self.body {
            body if source.len() > Self::INLINE_MAX => *body = Body::Own(source.into()),
            Body::Inline { .. } => self.set(source),
            body => *body = Frame::copy_from_slice(source).body,
        }
    }

    /// Makes this the frame of a copy of `source`, in the allocation of a body of the same length, if it has one.
    #[inline(always)]
    pub fn copy_from(&mut self, source: &[u8]) {
        match &mut self.body {
            Body::Inline { len, bytes } if source.len() <= Self::INLINE_MAX => {
                *len = source.len() as u8;
                copy_short(&mut bytes[..source.len()], source);
                self.origin = 0;
            }
            _ if source.len() < OWN_BELOW => self.set_received(source, 0),
            _ => *self = Frame::copy_from_slice(source),
        }
    }

    /// Whether the body is short enough, and free, to be copied.
    #[must_use]
    #[inline]
    pub fn is_copyable(&self) -> bool {
        !self.is_lent() && self.len() < OWN_BELOW
    }

    /// Makes this an empty frame.
    #[inline]
    pub fn clear(&mut self) {
        match &mut self.body {
            Body::Inline { len, .. } => *len = 0,
            body => *body = Frame::new().body,
        }
        self.origin = 0;
    }

    /// Whether a body so long may have an allocation of its own.
    #[inline]
    pub(crate) fn may_own(len: usize) -> bool {
        (Self::INLINE_MAX + 1..OWN_BELOW).contains(&len)
    }

    /// Whether the body has an allocation of its own, which [`copy_from`](Self::copy_from) may use again.
    #[must_use]
    pub fn owns_memory(&self) -> bool {
        matches!(self.body, Body::Own(_))
    }

    /// Copies `bytes` into this empty frame. Made in its place, the value need not be read back while its bytes are on
    /// their way from the store to the cache, which would stall the processor.
    #[inline(always)]
    pub(crate) fn set(&mut self, source: &[u8]) {
        match &mut self.body {
            Body::Inline { len, bytes } if source.len() <= Self::INLINE_MAX => {
                *len = source.len() as u8;
                bytes[..source.len()].copy_from_slice(source);
            }
            body => *body = Body::Shared(copy::to_bytes(source)),
        }
    }

    /// A frame that refers to `bytes` however few they are, until it has been sent or dropped: for memory whose owner
    /// is told by the end of the reference when it is no longer needed.
    #[must_use]
    pub fn lent(bytes: Bytes) -> Frame {
        Frame { body: Body::Lent(bytes), origin: 0 }
    }

    /// Whether the body must be referred to, not copied, while it waits.
    #[must_use]
    #[inline]
    pub fn is_lent(&self) -> bool {
        matches!(self.body, Body::Lent(_))
    }

    /// Makes this the frame of the first `len` bytes of `window`; `false` if that is more than a window holds.
    ///
    /// Copies the window whole: a copy of fixed size is several times faster than one of `len` bytes.
    #[inline(always)]
    pub(crate) fn set_from_window(
        &mut self,
        window: &[u8; Self::INLINE_MAX],
        len: usize,
        origin: u64,
    ) -> bool {
        let fits = len <= Self::INLINE_MAX;
        if fits {
            match &mut self.body {
                Body::Inline { len: own, bytes } => (*own, *bytes) = (len as u8, *window),
                body => *body = Body::Inline { len: len as u8, bytes: *window },
            }
            self.origin = origin;
        }
        fits
    }

    /// Makes `into` a copy of this frame if that is cheaper than handing this one over.
    #[inline(always)]
    pub(crate) fn copy_to(&self, into: &mut Frame) -> bool {
        match &self.body {
            Body::Inline { len, bytes } => into.set_from_window(bytes, usize::from(*len), self.origin),
            Body::Own(own) if own.bytes.len() <= Self::COPIED_MAX => {
                into.set_received(&own.bytes, self.origin);
                true
            }
            Body::Own(_) | Body::Shared(_) | Body::Lent(_) => false,
        }
    }

    /// Puts this frame into `into`. A copy where that leaves both their memory; else they change places, but nothing stays
    /// here that others have a share in.
    #[inline]
    pub(crate) fn hand_out(&mut self, into: &mut Frame) {
        match (&self.body, &into.body) {
            (Body::Inline { .. }, Body::Inline { .. }) => _ = self.copy_to(into),
            (Body::Own(from), Body::Own(to)) if from.bytes.len() == to.bytes.len() => _ = self.copy_to(into),
            (_, Body::Inline { .. } | Body::Own(_)) => std::mem::swap(self, into),
            (_, Body::Shared(_) | Body::Lent(_)) => *into = std::mem::take(self),
        }
    }

    /// A frame with a copy of `source`, which was received.
    #[inline]
    pub(crate) fn received(source: &[u8]) -> Frame {
        let mut frame = Frame::new();
        frame.set_received(source, 0);
        frame
    }

    /// A frame that shares `bytes`, which are more than [`INLINE_MAX`](Self::INLINE_MAX).
    #[inline]
    pub(crate) fn from_long(bytes: Bytes) -> Frame {
        debug_assert!(bytes.len() > Self::INLINE_MAX);
        Frame { body: Body::Shared(bytes), origin: 0 }
    }

    /// The body.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.body {
            Body::Inline { len, bytes } => &bytes[..usize::from(*len)],
            outside => outside.outside(),
        }
    }

    /// The body's address, for foreign code that fills a frame before it is sent. Whether memory behind a shared
    /// body may be written is for whoever made it to know.
    #[must_use]
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        match &mut self.body {
            Body::Inline { bytes, .. } => bytes.as_mut_ptr(),
            Body::Own(own) => own.bytes.as_mut_ptr(),
            Body::Shared(bytes) | Body::Lent(bytes) => bytes.as_ptr().cast_mut(),
        }
    }

    /// The body as text, if it is UTF-8.
    ///
    /// # Errors
    /// The position of the first byte that is not UTF-8.
    pub fn as_str(&self) -> Result<&str, std::str::Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }

    /// Length of the body in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.body {
            Body::Inline { len, .. } => usize::from(*len),
            outside => outside.outside().len(),
        }
    }

    /// Whether the body is empty.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body as shareable bytes; copies only a body of less than a kibibyte.
    #[must_use]
    pub fn to_shared(&self) -> Bytes {
        match &self.body {
            Body::Inline { .. } | Body::Own(_) => Bytes::copy_from_slice(self.as_bytes()),
            Body::Shared(bytes) | Body::Lent(bytes) => bytes.clone(),
        }
    }

    /// The body, if it is one that can be shared without copying it.
    #[must_use]
    #[inline]
    pub fn shared(&self) -> Option<&Bytes> {
        match &self.body {
            Body::Inline { .. } | Body::Own(_) => None,
            Body::Shared(bytes) | Body::Lent(bytes) => Some(bytes),
        }
    }

    /// The place inside the value where a short body is kept, and the body's length. What follows it there has no meaning.
    #[must_use]
    #[inline]
    pub fn inline(&self) -> Option<(&[u8; Self::INLINE_MAX], usize)> {
        match &self.body {
            Body::Inline { len, bytes } => Some((bytes, usize::from(*len))),
            Body::Own(_) | Body::Shared(_) | Body::Lent(_) => None,
        }
    }

    /// Identifies the connection that delivered this frame; 0 for a frame made here.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.origin
    }

    /// The same frame, marked as delivered by connection `origin`.
    #[must_use]
    #[inline]
    pub fn with_origin(mut self, origin: u64) -> Frame {
        self.origin = origin;
        self
    }
}

impl Default for Frame {
    fn default() -> Frame {
        Frame::new()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl std::ops::Deref for Frame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Frame {
        if bytes.len() <= Self::INLINE_MAX {
            Frame::copy_from_slice(&bytes)
        } else {
            Frame { body: Body::Shared(bytes), origin: 0 }
        }
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Frame {
        Frame::from(Bytes::from(bytes))
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Frame {
        Frame::from(text.into_bytes())
    }
}

impl From<Box<[u8]>> for Frame {
    fn from(bytes: Box<[u8]>) -> Frame {
        Frame::from(Bytes::from(bytes))
    }
}

impl From<Cow<'_, str>> for Frame {
    fn from(text: Cow<'_, str>) -> Frame {
        match text {
            Cow::Borrowed(text) => Frame::from(text),
            Cow::Owned(text) => Frame::from(text),
        }
    }
}

impl From<&Frame> for Frame {
    fn from(frame: &Frame) -> Frame {
        frame.clone()
    }
}

impl From<&Bytes> for Frame {
    fn from(bytes: &Bytes) -> Frame {
        Frame::from(bytes.clone())
    }
}

impl From<&String> for Frame {
    fn from(text: &String) -> Frame {
        Frame::from(text.as_str())
    }
}

impl From<&Vec<u8>> for Frame {
    fn from(bytes: &Vec<u8>) -> Frame {
        Frame::copy_from_slice(bytes)
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Bytes {
        frame.to_shared()
    }
}

impl From<Frame> for Vec<u8> {
    fn from(frame: Frame) -> Vec<u8> {
        copy::to_vec(frame.as_bytes())
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Frame {
        Frame::copy_from_slice(text.as_bytes())
    }
}

impl From<&[u8]> for Frame {
    fn from(bytes: &[u8]) -> Frame {
        Frame::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    fn from(bytes: &[u8; N]) -> Frame {
        Frame::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Frame {
    fn from(bytes: [u8; N]) -> Frame {
        Frame::copy_from_slice(&bytes)
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Frame {}

/// As its bytes, so that a map by frames can be asked by slices.
impl Hash for Frame {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl Borrow<[u8]> for Frame {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialOrd for Frame {
    fn partial_cmp(&self, other: &Frame) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Frame {
    fn cmp(&self, other: &Frame) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Frame {
    fn eq(&self, other: &[u8; N]) -> bool {
        self.as_bytes() == other
    }
}

impl PartialEq<[u8]> for Frame {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_bytes() == other
    }
}

impl PartialEq<&[u8]> for Frame {
    fn eq(&self, other: &&[u8]) -> bool {
        self.as_bytes() == *other
    }
}

impl<const N: usize> PartialEq<&[u8; N]> for Frame {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self.as_bytes() == *other
    }
}

impl PartialEq<str> for Frame {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Frame {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        let bytes = self.as_bytes();
        write!(f, "\"{}\"", bytes[..bytes.len().min(SHOWN)].escape_ascii())?;
        if bytes.len() > SHOWN {
            write!(f, "… ({} bytes)", bytes.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_on_both_sides_of_the_inline_limit_are_kept() {
        for len in [0, 1, Frame::INLINE_MAX, Frame::INLINE_MAX + 1, 1000] {
            let body: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let copied = Frame::copy_from_slice(&body);
            assert_eq!(copied, Frame::from(body.clone()));
            assert_eq!(copied.as_bytes(), &body[..]);
            assert_eq!(copied.len(), len);
            assert_eq!(copied.shared().is_some(), len > Frame::INLINE_MAX);
        }
    }

    #[test]
    fn a_received_body_takes_the_place_of_any_other() {
        let bodies = [0, 1, Frame::INLINE_MAX, 47, 47, 200, 64, 255].map(|len| vec![len as u8; len]);
        for before in &bodies {
            for body in &bodies {
                for mut frame in [Frame::received(before), Frame::from(before.clone())] {
                    let clone = frame.clone();
                    frame.set_received(body, 7);
                    assert_eq!((frame.as_bytes(), frame.len(), frame.origin()), (&body[..], body.len(), 7));
                    assert_eq!((frame.to_shared(), &frame.clone()), (Bytes::from(body.clone()), &frame));
                    assert_eq!(clone.as_bytes(), before, "a clone is another frame");
                }
            }
        }
        let mut frame = Frame::received(&[1; 64]);
        let place = frame.as_mut_ptr();
        frame.set_received(&[2; 64], 0);
        assert_eq!(frame.as_mut_ptr(), place, "the same allocation");
    }
}
