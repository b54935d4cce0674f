//! ZMTP 1.0 frames (RFC 13): a length that counts the flags byte, the flags, a body.
//!
//! The length takes one byte up to 254, and otherwise nine, the first of them 255. `MORE` is the only flag;
//! there are no commands. Only libzmq 2.x and its contemporaries speak it, so this is not a fast path:
//! [`transcode`] rewrites what arrives as the pipe format, [`encode_frame`] what leaves.

use super::framing::{self, Flags, Header};
use crate::{PeerError, copy};
use bytes::{Buf, BytesMut};

/// Lengths from this one on take nine bytes.
const LONG_LENGTH: usize = 255;

/// Reads the header at the start of `bytes`; a header is 2 or 10 bytes long.
pub(super) fn parse_header(bytes: &[u8]) -> Header {
    let (flags, length, header_len) = match bytes {
        [0xff, rest @ ..] => match rest.first_chunk::<9>() {
            Some([length @ .., flags]) => (*flags, u64::from_be_bytes(*length), 10),
            None => return Header::Incomplete,
        },
        [length, flags, ..] => (*flags, u64::from(*length), 2),
        _ => return Header::Incomplete,
    };
    // RFC 13 wants the other flags zero; what is not ZMTP at all (HTTP, TLS) is often found out here.
    match length.checked_sub(1) {
        Some(body_len) if flags & !Flags::MORE == 0 && body_len <= i64::MAX as u64 => {
            Header::Frame { flags: Flags::from_bits(flags), header_len, body_len }
        }
        _ => Header::Malformed,
    }
}

/// Appends one part, header and body.
pub(super) fn encode_frame(body: &[u8], more: bool, out: &mut Vec<u8>) {
    let length = body.len() + 1;
    if length < LONG_LENGTH {
        out.push(length as u8);
    } else {
        out.push(0xff);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
    out.push(u8::from(more));
    copy::append(out, body);
}

/// Moves all whole frames of `input` to the end of `plain`, in pipe format, and tells how many bytes are
/// missing to the next whole frame.
///
/// # Errors
/// The first frame left in `input` is malformed or longer than `max_body`; those before it were moved.
pub(super) fn transcode(
    input: &mut BytesMut,
    plain: &mut BytesMut,
    max_body: u64,
) -> Result<usize, PeerError> {
    loop {
        match parse_header(input) {
            Header::Incomplete => return Ok(missing_header_bytes(input)),
            Header::Malformed => return Err(PeerError::MalformedFrame),
            Header::Frame { body_len, .. } if body_len > max_body => return Err(PeerError::FrameTooLarge),
            Header::Frame { flags, header_len, body_len } => {
                let body_len = usize::try_from(body_len).map_err(|_| PeerError::FrameTooLarge)?;
                let total = header_len.saturating_add(body_len);
                let Some(body) = input.get(header_len..total) else { return Ok(total - input.len()) };
                let (header, plain_header_len) = framing::header(body_len, flags.more());
                plain.extend_from_slice(&header[..plain_header_len]);
                copy::append(plain, body);
                input.advance(total);
            }
        }
    }
}

fn missing_header_bytes(bytes: &[u8]) -> usize {
    let header_len: usize = if bytes.first() == Some(&0xff) { 10 } else { 2 };
    header_len.saturating_sub(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_rewritten_in_both_directions() {
        for (len, header) in [
            (0, &b"\x01\x00"[..]),
            (1, b"\x02\x00"),
            (253, b"\xfe\x00"),
            (254, b"\xff\0\0\0\0\0\0\0\xff\x00"),
            (300, b"\xff\0\0\0\0\0\0\x01\x2d\x00"), // as libzmq 4.3.5 sends it
        ] {
            let body = vec![7; len];
            let mut wire = Vec::new();
            encode_frame(&body, false, &mut wire);
            assert_eq!(&wire[..header.len()], header, "{len}");

            let mut expected = Vec::new();
            framing::encode_small(&body, false, &mut expected);
            let mut plain = BytesMut::new();
            for cut in 0..wire.len() {
                let missing = transcode(&mut BytesMut::from(&wire[..cut]), &mut plain, u64::MAX).unwrap();
                assert!(missing > 0 && missing <= wire.len() - cut && plain.is_empty());
            }
            assert_eq!(transcode(&mut BytesMut::from(&wire[..]), &mut plain, u64::MAX), Ok(2));
            assert_eq!(plain, expected);
        }
    }

    #[test]
    fn impossible_frames_are_refused() {
        let malformed: [&[u8]; 4] =
            [b"\0\0", b"\x02\x02a", b"GET / HTTP/1.1", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"];
        for bytes in malformed {
            assert_eq!(parse_header(bytes), Header::Malformed, "{bytes:?}");
        }
        let mut input = BytesMut::from(&b"\x04\x00abc\x05\x00abcd"[..]);
        let mut plain = BytesMut::new();
        assert_eq!(transcode(&mut input, &mut plain, 3), Err(PeerError::FrameTooLarge));
        assert_eq!(&plain[..], b"\x00\x03abc");
    }
}
