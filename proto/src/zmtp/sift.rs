//! Takes a message apart that a PUB or XPUB socket got with subscriptions among its parts.
//!
//! Such parts are subscriptions by themselves; the others are one message after them, as in libzmq. One thing leaves per
//! call, so that a message of a million subscriptions costs its own bytes and no more. It checks no limits: the
//! [`Scanner`](super::scanner::Scanner) has, before the message was whole.

use super::framing::{Header, encode_small, parse_header};
use super::receiver::Received;
use bytes::Bytes;

/// A message being taken apart; an iterator in all but name, since its end means nothing special.
#[derive(Debug)]
pub(super) struct Sift {
    /// Whole frames of one message.
    message: Bytes,
    /// Where the next frame to look at begins.
    at: usize,
    /// Parts passed that are no subscriptions.
    others: usize,
}

impl Sift {
    pub(super) fn new(message: Bytes) -> Sift {
        Sift { message, at: 0, others: 0 }
    }

    /// The next subscription; after them all the message that the other parts make up, if there are any.
    pub(super) fn next(&mut self) -> Option<Received> {
        while let Some((body, end)) = part(&self.message, self.at) {
            self.at = end;
            if is_subscription(body) {
                return Some(subscription(body));
            }
            self.others += 1;
        }
        let others = std::mem::take(&mut self.others);
        (others > 0).then(|| Received::Messages { bytes: self.without_subscriptions(others), count: 1 })
    }

    fn without_subscriptions(&self, mut left: usize) -> Bytes {
        let mut bytes = Vec::with_capacity(self.message.len());
        let mut at = 0;
        while let Some((body, end)) = part(&self.message, at) {
            at = end;
            if !is_subscription(body) {
                left -= 1;
                encode_small(body, left > 0, &mut bytes);
            }
        }
        Bytes::from(bytes)
    }
}

/// The body of the frame at `at`, and where the next begins.
fn part(message: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = message.get(at..)?;
    let Header::Frame { header_len, body_len, .. } = parse_header(rest) else { return None };
    let end = header_len.checked_add(usize::try_from(body_len).ok()?)?;
    Some((rest.get(header_len..end)?, at + end))
}

pub(super) fn is_subscription(body: &[u8]) -> bool {
    matches!(body.first(), Some(0 | 1))
}

/// The subscription in a message's body: 1 or 0, and the topic.
fn subscription(body: &[u8]) -> Received {
    let (first, topic) = body.split_first().unwrap_or((&0, &[]));
    // Copied: a topic is kept for long, and must not keep what was read with it.
    Received::Subscription { topic: Bytes::copy_from_slice(topic), wanted: *first == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::zmtp::framing;

    fn sifted(parts: &[&[u8]]) -> (Vec<Received>, usize) {
        let mut bytes = Vec::new();
        framing::encode(&Message::from_parts(parts.iter().copied()).unwrap(), &mut bytes);
        let len = bytes.len();
        let mut sift = Sift::new(Bytes::from(bytes));
        let mut out = Vec::new();
        while let Some(received) = sift.next() {
            out.push(received);
        }
        assert_eq!(sift.next(), None, "the end stays the end");
        (out, len)
    }

    #[test]
    fn subscriptions_leave_one_by_one_and_the_rest_as_one_message() {
        let (got, _) = sifted(&[b"\x01a", b"one", b"\x00b", b"", b"\x01"]);
        let told = |topic: &'static [u8], wanted| Received::Subscription { topic: topic.into(), wanted };
        let rest = Received::Messages { bytes: Bytes::from_static(b"\x01\x03one\x00\x00"), count: 1 };
        assert_eq!(got, [told(b"a", true), told(b"b", false), told(b"", true), rest]);
    }

    #[test]
    fn nothing_is_left_of_a_message_of_subscriptions() {
        let (got, len) = sifted(&[&b"\x01"[..]; 1000]);
        assert_eq!((got.len(), len), (1000, 3000));
    }
}
