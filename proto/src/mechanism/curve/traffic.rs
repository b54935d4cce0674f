//! CURVE after READY: each frame, messages' parts and commands alike, in a MESSAGE of its own.
//!
//! ```text
//! flags 0 | length | 7 MESSAGE | counter (8) | tag (16) | box: flags (MORE 1, COMMAND 2), body
//! ```
//! As libzmq does, the outer frame is no command frame; either kind is taken. A plain frame's header has one byte or eight
//! before the place of the flags in the box, so that what is decrypted lies where the pipe format wants it: nothing is moved.
//! A counter is the last one's successor when sending, anything above the last when receiving, and moves only
//! when the box has opened.

use super::super::crypto::{CountedKey, CurveCrypto, TAG_LEN};
use super::{SHORT_NONCE, SecretKey};
use crate::zmtp::command::split_name;
use crate::zmtp::framing::{Flags, HEADER_MAX, Header, SHORT_MAX, header, parse_header};
use crate::{PeerError, copy};
use bytes::{Buf, BytesMut};

/// The name of the command.
const NAME: &[u8; 8] = b"\x07MESSAGE";
/// Where the tag is in a MESSAGE, and the box behind it.
const TAG: usize = NAME.len() + SHORT_NONCE;
const BOX: usize = TAG + TAG_LEN;
/// Bytes of a MESSAGE beside the body in it.
pub(crate) const OVERHEAD: usize = BOX + 1;

/// Flags inside the box.
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// A frame with a body of this many bytes is decrypted where it is if nothing waits before it.
const IN_PLACE_FROM: usize = 8 * 1024;

/// Encrypts what goes to the peer.
#[derive(Debug)]
pub(crate) struct Sealer {
    crypto: &'static dyn CurveCrypto,
    key: CountedKey,
    /// The last counter used.
    counter: u64,
}

impl Sealer {
    pub(super) fn new(
        crypto: &'static dyn CurveCrypto,
        key: SecretKey,
        prefix: &'static [u8; 16],
        counter: u64,
    ) -> Sealer {
        Sealer { crypto, key: CountedKey::new(crypto, prefix, key), counter }
    }

    /// Appends a frame, of a message or a command, encrypted.
    pub(crate) fn seal(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        // A counter never comes twice; that none is left takes centuries, and silence then.
        let Some(counter) = self.counter.checked_add(1) else { return };
        self.counter = counter;
        let (outer, outer_len) = header(OVERHEAD + body.len(), false);
        out.reserve(outer_len + OVERHEAD + body.len());
        out.extend_from_slice(&outer[..outer_len]);
        let start = out.len();
        let mut front = [0; OVERHEAD];
        front[..NAME.len()].copy_from_slice(NAME);
        front[NAME.len()..TAG].copy_from_slice(&counter.to_be_bytes());
        front[BOX] = (u8::from(flags.more()) * MORE) | (u8::from(flags.command()) * COMMAND);
        out.extend_from_slice(&front);
        copy::append(out, body);
        let tag = self.crypto.seal_counted(&mut out[start + BOX..], counter, &self.key);
        out[start + TAG..start + BOX].copy_from_slice(&tag);
    }
}

/// Decrypts what comes from the peer.
#[derive(Debug)]
pub(crate) struct Opener {
    crypto: &'static dyn CurveCrypto,
    key: CountedKey,
    /// The last counter seen.
    counter: u64,
}

impl Opener {
    pub(super) fn new(
        crypto: &'static dyn CurveCrypto,
        key: SecretKey,
        prefix: &'static [u8; 16],
        counter: u64,
    ) -> Opener {
        Opener { crypto, key: CountedKey::new(crypto, prefix, key), counter }
    }

    /// Moves the whole frames at the front of `input`, decrypted, to the end of `plain`, and says how many bytes the
    /// next one lacks. No frame may have more than `max_body` bytes of body.
    ///
    /// A large frame moves as it is, and alone: `plain` is then to be emptied before the next call.
    pub(crate) fn open(
        &mut self,
        input: &mut BytesMut,
        plain: &mut BytesMut,
        max_body: u64,
    ) -> Result<usize, PeerError> {
        let mut at = 0;
        let result = loop {
            let rest = input.get(at..).unwrap_or_default();
            match self.measure(rest, max_body) {
                Err(error) => break Err(error),
                Ok(Measured::Lacks(bytes)) => break Ok(bytes),
                Ok(Measured::Whole(outer_len, len)) if len - outer_len < IN_PLACE_FROM => {
                    let message = rest.get(outer_len..len).unwrap_or_default();
                    if let Err(error) = self.open_into(message, plain) {
                        break Err(error);
                    }
                    at += len;
                }
                // What comes before is to go first.
                Ok(Measured::Whole(..)) if at > 0 => break Ok(0),
                Ok(Measured::Whole(outer_len, len)) => {
                    return self.open_large(input, outer_len, len, plain).map(|()| 0);
                }
            }
        };
        input.advance(at);
        result
    }

    fn measure(&self, rest: &[u8], max_body: u64) -> Result<Measured, PeerError> {
        match parse_header(rest) {
            Header::Malformed => Err(PeerError::MalformedFrame),
            Header::Incomplete => {
                let long = rest.first().is_some_and(|flags| flags & Flags::LONG != 0);
                Ok(Measured::Lacks((if long { HEADER_MAX } else { 2 }).saturating_sub(rest.len())))
            }
            Header::Frame { header_len, body_len, .. } => {
                if body_len > max_body.saturating_add(OVERHEAD as u64) {
                    return Err(PeerError::FrameTooLarge);
                }
                let len = usize::try_from(body_len).map_or(usize::MAX, |len| len.saturating_add(header_len));
                match len.checked_sub(rest.len()) {
                    None | Some(0) => Ok(Measured::Whole(header_len, len)),
                    Some(lacks) => Ok(Measured::Lacks(lacks)),
                }
            }
        }
    }

    /// Decrypts a MESSAGE to the end of `plain`.
    fn open_into(&mut self, message: &[u8], plain: &mut BytesMut) -> Result<(), PeerError> {
        let (counter, tag, sealed) = self.parse(message)?;
        let front = header_len(sealed.len() - 1) - 1;
        let start = plain.len();
        plain.resize(start + front + sealed.len(), 0);
        let frame = plain.get_mut(start..).unwrap_or_default();
        let opened = frame
            .get_mut(front..)
            .is_some_and(|out| self.crypto.open_counted_into(sealed, out, tag, counter, &self.key));
        if !opened {
            plain.truncate(start);
            return Err(PeerError::Cryptographic);
        }
        self.counter = counter;
        put_header(frame, front)
    }

    /// Decrypts the large frame at the front of `input` where it is, and moves it.
    fn open_large(
        &mut self,
        input: &mut BytesMut,
        outer_len: usize,
        len: usize,
        plain: &mut BytesMut,
    ) -> Result<(), PeerError> {
        if !plain.is_empty() {
            let message = input.get(outer_len..len).unwrap_or_default();
            self.open_into(message, plain)?;
            input.advance(len);
            return Ok(());
        }
        let (counter, tag, sealed) = self.parse(input.get(outer_len..len).unwrap_or_default())?;
        let (tag, front) = (*tag, header_len(sealed.len() - 1) - 1);
        let (nonce, key) = (self.key.nonce(counter), self.key.key());
        let start = outer_len + BOX;
        let opened =
            input.get_mut(start..len).is_some_and(|sealed| self.crypto.open(sealed, &tag, &nonce, key));
        if !opened {
            return Err(PeerError::Cryptographic);
        }
        self.counter = counter;
        let mut frame = input.split_to(len);
        frame.advance(start - front);
        put_header(&mut frame, front)?;
        *plain = frame;
        Ok(())
    }

    /// Counter, tag and box of a MESSAGE; the box has at least its flags.
    fn parse<'a>(&self, message: &'a [u8]) -> Result<(u64, &'a [u8; TAG_LEN], &'a [u8]), PeerError> {
        split_name(message)?;
        let rest = message.strip_prefix(NAME).ok_or(PeerError::UnexpectedCommand)?;
        let (counter, rest) = rest.split_first_chunk::<SHORT_NONCE>().ok_or(PeerError::MalformedMessage)?;
        let (tag, sealed) = rest.split_first_chunk::<TAG_LEN>().ok_or(PeerError::MalformedMessage)?;
        let counter = u64::from_be_bytes(*counter);
        if sealed.is_empty() {
            return Err(PeerError::MalformedMessage);
        }
        if counter <= self.counter {
            return Err(PeerError::InvalidSequence);
        }
        Ok((counter, tag, sealed))
    }
}

/// What is at the front of the input.
enum Measured {
    /// The frame there lacks this many bytes, as far as is known.
    Lacks(usize),
    /// A whole frame: length of its header, length of all of it.
    Whole(usize, usize),
}

/// Length of a plain frame's header.
fn header_len(body_len: usize) -> usize {
    if body_len <= SHORT_MAX { 2 } else { HEADER_MAX }
}

/// Puts a header in front of a body, where `front` bytes and the flags of the box are.
fn put_header(frame: &mut [u8], front: usize) -> Result<(), PeerError> {
    let flags = frame.get(front).copied().unwrap_or(0);
    let (mut header, header_len) = header(frame.len() - front - 1, flags & MORE != 0);
    if flags & COMMAND != 0 {
        header[0] |= Flags::COMMAND;
    }
    let place = frame.get_mut(..header_len).ok_or(PeerError::MalformedMessage)?;
    place.copy_from_slice(&header[..header_len]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::crypto::DEFAULT;

    const PREFIX: &[u8; 16] = b"CurveZMQMESSAGEC";

    fn sealer(counter: u64) -> Sealer {
        Sealer::new(DEFAULT, SecretKey::new([7; 32]), PREFIX, counter)
    }

    fn sealed(sealer: &mut Sealer) -> Vec<u8> {
        let mut out = Vec::new();
        sealer.seal(Flags::default(), b"x", &mut out);
        out
    }

    #[test]
    fn t15_a_counter_at_its_end_seals_and_opens_nothing() {
        let mut last = sealer(u64::MAX - 1);
        let message = sealed(&mut last);
        assert!(!message.is_empty());
        assert_eq!(sealed(&mut last), b"", "a counter never comes twice");
        let mut opener = Opener::new(DEFAULT, SecretKey::new([7; 32]), PREFIX, 5);
        let mut open = |message: &[u8]| {
            let mut plain = BytesMut::new();
            let result = opener.open(&mut BytesMut::from(message), &mut plain, 100);
            result.map(|_| plain.to_vec())
        };
        assert_eq!(open(&sealed(&mut sealer(4))), Err(PeerError::InvalidSequence));
        assert_eq!(open(&sealed(&mut sealer(9))), Ok(b"\0\x01x".to_vec()));
        assert_eq!(open(&message), Ok(b"\0\x01x".to_vec()));
        for counter in [0, 9, 10, u64::MAX - 1] {
            assert_eq!(open(&sealed(&mut sealer(counter))), Err(PeerError::InvalidSequence), "{counter}");
        }
    }
}
