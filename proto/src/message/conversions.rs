//! What becomes a message (texts, bytes, arrays, tuples, collections of parts), and what a message becomes.
//!
//! Nothing here is on the way of a message that is received; of what is sent, only the short and copied is measured, and
//! therefore written into its place.

use super::Message;
use crate::Frame;
use bytes::Bytes;
use std::borrow::Cow;

/// Types that become a message of one part.
macro_rules! one_part {
    ($($part:ty),* $(,)?) => {$(
        impl From<$part> for Message {
            fn from(part: $part) -> Message {
                Message { first: part.into(), rest: Vec::new() }
            }
        }
    )*};
}

one_part!(Frame, Bytes, Vec<u8>, String, Box<[u8]>, Cow<'_, str>, &Frame, &Bytes);

/// A message of one part, which is a copy of the bytes.
impl From<&[u8]> for Message {
    #[inline(always)]
    fn from(part: &[u8]) -> Message {
        let mut message = Message::new();
        message.first.set(part);
        message
    }
}

/// A message of one part, which is a copy of the text.
impl From<&str> for Message {
    #[inline(always)]
    fn from(part: &str) -> Message {
        Message::from(part.as_bytes())
    }
}

impl<const N: usize> From<[u8; N]> for Message {
    fn from(part: [u8; N]) -> Message {
        Message::from(&part[..])
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(part: &[u8; N]) -> Message {
        Message::from(&part[..])
    }
}

/// The array's elements as parts; an empty array gives one empty part.
impl<T: Into<Frame>, const N: usize> From<[T; N]> for Message {
    fn from(parts: [T; N]) -> Message {
        parts.into_iter().collect()
    }
}

/// The vector's elements as parts; an empty vector gives one empty part.
macro_rules! vectors {
    ($($part:ty),* $(,)?) => {$(
        impl From<Vec<$part>> for Message {
            fn from(parts: Vec<$part>) -> Message {
                parts.into_iter().collect()
            }
        }
    )*};
}

vectors!(Frame, Bytes, Vec<u8>, String, &str);

/// The same message.
impl From<&Message> for Message {
    fn from(message: &Message) -> Message {
        message.clone()
    }
}

/// The items as parts; one empty part if there are none.
impl<T: Into<Frame>> FromIterator<T> for Message {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Message {
        Message::from_parts(parts).unwrap_or_default()
    }
}

/// Adds the items as parts at the end.
impl<T: Into<Frame>> Extend<T> for Message {
    fn extend<I: IntoIterator<Item = T>>(&mut self, parts: I) {
        self.rest.extend(parts.into_iter().map(Into::into));
    }
}

/// The parts, if there are `N` of them; else the message as it was.
///
/// ```
/// use ferrozmq_proto::{Frame, Message};
/// let [topic, body]: [Frame; 2] = Message::from(["weather", "21"]).try_into().unwrap();
/// assert_eq!((topic, body), ("weather".into(), "21".into()));
/// let message = Message::from("one part");
/// assert_eq!(<[Frame; 2]>::try_from(message.clone()), Err(message));
/// ```
impl<const N: usize> TryFrom<Message> for [Frame; N] {
    type Error = Message;

    fn try_from(message: Message) -> Result<[Frame; N], Message> {
        if message.len() != N {
            return Err(message);
        }
        message.into_parts().try_into().map_err(|parts: Vec<Frame>| parts.into())
    }
}

/// What can be sent as a message: whatever can be made into one.
///
/// It is made in its place, because a message is a value of 80 bytes: one that is moved as soon as it was written keeps
/// the processor waiting for its own stores, which costs more than sending it.
pub trait IntoMessage {
    /// Makes `message`, which is a single empty part, what this is as a message.
    fn put_into(self, message: &mut Message);

    /// The bytes of which it becomes a copy, for a sender that needs no message in between.
    #[inline]
    fn copied(&self) -> Option<&[u8]> {
        None
    }
}

/// Moved, or made elsewhere.
macro_rules! made {
    ($($({$($generic:tt)*})? $what:ty),* $(,)?) => {$(
        impl$(<$($generic)*>)? IntoMessage for $what {
            #[inline]
            fn put_into(self, message: &mut Message) {
                *message = self.into();
            }
        }
    )*};
}

made!(
    Message,
    Frame,
    Bytes,
    Vec<u8>,
    String,
    Box<[u8]>,
    Cow<'_, str>,
    &Message,
    &Frame,
    &Bytes,
    {T: Into<Frame>, const N: usize} [T; N],
    Vec<Frame>,
    Vec<Bytes>,
    Vec<Vec<u8>>,
    Vec<String>,
    Vec<&str>,
);

/// Copied.
macro_rules! copied {
    ($($({$($generic:tt)*})? $what:ty),* $(,)?) => {$(
        impl$(<$($generic)*>)? IntoMessage for $what {
            #[inline(always)]
            fn put_into(self, message: &mut Message) {
                message.first.set(self.as_ref());
            }

            #[inline(always)]
            fn copied(&self) -> Option<&[u8]> {
                Some(self.as_ref())
            }
        }
    )*};
}

copied!(&str, &[u8], {const N: usize} [u8; N], {const N: usize} &[u8; N]);

/// Tuples of anything that becomes a part.
macro_rules! tuples {
    ($($first:ident $($other:ident)*;)*) => {$(
        /// The tuple's elements as parts.
        impl<$first: Into<Frame>, $($other: Into<Frame>),*> From<($first, $($other,)*)> for Message {
            #[expect(non_snake_case, reason = "an element is named by its type")]
            fn from(($first, $($other,)*): ($first, $($other,)*)) -> Message {
                Message { first: $first.into(), rest: vec![$($other.into()),*] }
            }
        }

        impl<$first: Into<Frame>, $($other: Into<Frame>),*> IntoMessage for ($first, $($other,)*) {
            fn put_into(self, message: &mut Message) {
                *message = self.into();
            }
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_comes_out_as_parts() {
        let parts = |message: &Message| message.iter().map(|part| part.to_vec()).collect::<Vec<_>>();
        let three = [b"a".to_vec(), b"bc".to_vec(), b"".to_vec()];
        let frame = Frame::from("bc");
        let forms: [Message; 9] = [
            ("a", &frame, b"").into(),
            (String::from("a"), vec![b'b', b'c'], Bytes::new()).into(),
            ["a", "bc", ""].into(),
            [String::from("a"), "bc".into(), String::new()].into(),
            vec!["a", "bc", ""].into(),
            vec![Frame::from("a"), frame.clone(), Frame::new()].into(),
            three.to_vec().into(),
            three.clone().into(),
            ["a", "bc", ""].into_iter().collect(),
        ];
        for form in &forms {
            assert_eq!(parts(form), three);
            assert_eq!(form, &form.clone().into_parts().into());
        }
        for single in [
            Message::from("bc"),
            (&frame).into(),
            Cow::Borrowed("bc").into(),
            ("bc",).into(),
            [b'b', b'c'].into(),
        ] {
            assert_eq!(parts(&single), [b"bc".to_vec()]);
        }
        assert_eq!(parts(&Message::from([""; 0])), [b"".to_vec()], "a message always has a part");
        assert_eq!(parts(&Vec::<Frame>::new().into()), [b"".to_vec()]);
        let mut grown = Message::from("a");
        grown.extend(["bc", ""]);
        assert_eq!(parts(&grown), three);
        let mut put = Message::new();
        ("a", frame, "").put_into(&mut put);
        assert_eq!(parts(&put), three);
    }
}
