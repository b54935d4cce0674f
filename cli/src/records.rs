//! A stream of bytes cut into messages: lines, NUL-terminated records, JSON lines or length prefixes.
//!
//! [`Records`] reads what [`Printer`](crate::output::Printer) writes with the same flags. A record longer
//! than [`RECORD_MAX`] is an error, and memory grows with what has arrived, never with what is announced.

use std::io::{self, BufRead, Read};

use ferrozmq::{Frame, Message};

use crate::escape::unescape;
use crate::json;

/// The longest record accepted, in bytes.
pub const RECORD_MAX: u64 = 1 << 30;

/// The most parts accepted in one length-prefixed message.
pub const PARTS_MAX: u32 = 1 << 20;

/// How messages follow each other in a stream of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Records that end in `end`.
    Text {
        /// What ends a record; never empty.
        end: Vec<u8>,
        /// What separates the parts of a message; without it, a record is one part.
        separator: Option<Vec<u8>>,
        /// Whether C escapes in a part are decoded.
        escapes: bool,
    },
    /// One JSON object a line; see [`json`].
    Json,
    /// A message is its number of parts, then for each part its length and its bytes; both numbers
    /// are 4 bytes, most significant first.
    LengthPrefix,
}

/// The messages of a stream.
pub struct Records<R> {
    stream: R,
    framing: Framing,
    /// Number of the record being read, from 1; for error messages.
    number: u64,
}

impl<R: BufRead> Records<R> {
    /// The messages of `stream`, cut as `framing` says.
    pub fn new(stream: R, framing: Framing) -> Records<R> {
        Records { stream, framing, number: 0 }
    }

    /// The next message, or `None` at the end of the stream.
    ///
    /// # Errors
    /// A sentence with the number of the record that makes no sense.
    pub fn next(&mut self) -> Result<Option<Message>, String> {
        self.number += 1;
        let result = match &self.framing {
            Framing::Text { end, separator, escapes } => read_record(&mut self.stream, end)
                .and_then(|record| record.map(|r| cut(&r, separator.as_deref(), *escapes)).transpose()),
            Framing::Json => read_json(&mut self.stream),
            Framing::LengthPrefix => read_prefixed(&mut self.stream),
        };
        result.map_err(|error| format!("message {} of the input: {error}", self.number))
    }
}

/// The message whose parts are in `record`.
fn cut(record: &[u8], separator: Option<&[u8]>, escapes: bool) -> Result<Message, String> {
    let decode = |part: &[u8]| -> Result<Frame, String> {
        if escapes { unescape(part).map(Frame::from) } else { Ok(Frame::from(part)) }
    };
    let mut parts = Vec::new();
    let mut rest = record;
    if let Some(separator) = separator.filter(|separator| !separator.is_empty()) {
        while let Some(at) = find(rest, separator) {
            parts.push(decode(&rest[..at])?);
            rest = &rest[at + separator.len()..];
        }
    }
    parts.push(decode(rest)?);
    Ok(Message::from_parts(parts).expect("one part was pushed"))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The bytes before the next `end`, or before the end of the stream if there are any.
fn read_record(stream: &mut impl BufRead, end: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let last = *end.last().expect("a record's end is never empty");
    let mut record = Vec::new();
    loop {
        let left = (RECORD_MAX + 1).saturating_sub(record.len() as u64);
        let got = stream.take(left).read_until(last, &mut record).map_err(|error| error.to_string())?;
        if record.ends_with(end) {
            record.truncate(record.len() - end.len());
            return Ok(Some(record));
        }
        if record.len() as u64 > RECORD_MAX {
            return Err(format!("it is longer than {RECORD_MAX} bytes"));
        }
        if got == 0 {
            return Ok(Some(record).filter(|record| !record.is_empty()));
        }
    }
}

/// The message on the next line that is not blank.
fn read_json(stream: &mut impl BufRead) -> Result<Option<Message>, String> {
    loop {
        match read_record(stream, b"\n")? {
            Some(line) if line.trim_ascii().is_empty() => {}
            Some(line) => return json::read(&line).map(Some),
            None => return Ok(None),
        }
    }
}

fn read_prefixed(stream: &mut impl BufRead) -> Result<Option<Message>, String> {
    if stream.fill_buf().map_err(|error| error.to_string())?.is_empty() {
        return Ok(None);
    }
    let parts = read_number(stream)?;
    if parts == 0 || parts > PARTS_MAX {
        return Err(format!("it announces {parts} parts; a message has 1 to {PARTS_MAX}"));
    }
    let mut frames = Vec::new();
    let mut total = 0;
    for _ in 0..parts {
        let length = u64::from(read_number(stream)?);
        total += length;
        if total > RECORD_MAX {
            return Err(format!("it is longer than {RECORD_MAX} bytes"));
        }
        let mut body = Vec::new();
        let got = stream.take(length).read_to_end(&mut body).map_err(|error| error.to_string())?;
        if (got as u64) < length {
            return Err(CUT_SHORT.into());
        }
        frames.push(Frame::from(body));
    }
    Ok(Message::from_parts(frames))
}

fn read_number(stream: &mut impl BufRead) -> Result<u32, String> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => CUT_SHORT.to_owned(),
        _ => error.to_string(),
    })?;
    Ok(u32::from_be_bytes(bytes))
}

const CUT_SHORT: &str = "the input ends in the middle of it";

/// Appends `message` as [`Framing::LengthPrefix`] has it.
///
/// # Errors
/// A sentence, if a part is 4 GiB or longer or there are too many.
pub fn write_prefixed(out: &mut Vec<u8>, message: &Message) -> Result<(), String> {
    let number = |n: usize| u32::try_from(n).map(u32::to_be_bytes);
    let parts = number(message.len()).map_err(|_| "too many parts for a length prefix")?;
    out.extend_from_slice(&parts);
    for frame in message.iter() {
        let length = number(frame.len()).map_err(|_| "a part is too long for a length prefix")?;
        out.extend_from_slice(&length);
        out.extend_from_slice(frame);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], framing: Framing) -> Result<Vec<Message>, String> {
        let mut records = Records::new(bytes, framing);
        let mut messages = Vec::new();
        while let Some(message) = records.next()? {
            messages.push(message);
        }
        Ok(messages)
    }

    fn text(end: &str, separator: Option<&str>, escapes: bool) -> Framing {
        Framing::Text { end: end.into(), separator: separator.map(Into::into), escapes }
    }

    #[test]
    fn records_end_where_they_are_told() {
        let one = |s: &str| Message::from(s);
        assert_eq!(all(b"a\n\nb", text("\n", None, false)).unwrap(), [one("a"), one(""), one("b")]);
        assert_eq!(all(b"a\nb\0c\0", text("\0", None, false)).unwrap(), [one("a\nb"), one("c")]);
        assert_eq!(all(b"a--b-c--", text("--", None, false)).unwrap(), [one("a"), one("b-c")]);
        assert_eq!(all(b"", text("\n", None, false)).unwrap(), []);
        assert_eq!(all(b"t\tb\\t\n", text("\n", Some("\t"), true)).unwrap(), [Message::from(["t", "b\t"])]);
        assert_eq!(all(b"\t\n", text("\n", Some("\t"), false)).unwrap(), [Message::from(["", ""])]);
        let error = all(b"ok\n\\q\n", text("\n", None, true)).unwrap_err();
        assert!(error.starts_with("message 2 of the input"), "{error}");
    }

    #[test]
    fn length_prefixes_that_lie_are_errors() {
        for bytes in
            [&[0, 0, 0, 0][..], &[0, 0, 0, 1, 255, 255, 255, 255], &[0, 0], &[0, 0, 0, 1, 0, 0, 0, 2, 7]]
        {
            assert!(all(bytes, Framing::LengthPrefix).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn length_prefixed_messages_are_read_back(list in prop::collection::vec(
            prop::collection::vec(any::<Vec<u8>>(), 1..4), 0..4)) {
            let messages: Vec<_> = list.into_iter().filter_map(Message::from_parts).collect();
            let mut bytes = Vec::new();
            for message in &messages {
                write_prefixed(&mut bytes, message).unwrap();
            }
            prop_assert_eq!(all(&bytes, Framing::LengthPrefix).unwrap(), messages);
        }

        #[test]
        fn any_input_ends(bytes: Vec<u8>) {
            let _ = all(&bytes, Framing::LengthPrefix);
            let _ = all(&bytes, Framing::Json);
            let _ = all(&bytes, text("ab", Some("b"), true));
        }
    }
}
