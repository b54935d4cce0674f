//! JSON lines: one message as one object on one line, the same schema out and in.
//!
//! ```json
//! {"t":"2026-11-22T10:00:00.123456Z","n":17,"frames":["text",{"b64":"AP8="}],"peer":"A","addr":"127.0.0.1:4711"}
//! ```
//!
//! `frames` is the message; every sender reads it back byte for byte, and nothing else of the line.
//! A part that is UTF-8 is a string, any other is base64 in `b64`. `t` is when we received it, `n` its
//! number, `peer` and `addr` whose it was; all four may be missing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ferrozmq::{Frame, Message};
use serde::{Deserialize, Serialize};

use crate::output::Details;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(borrow)]
    frames: Vec<Part<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    addr: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Part<'a> {
    Borrowed(&'a str),
    Text(String),
    Bytes { b64: String },
}

/// Appends the line for `message`, without the line feed.
pub fn write(out: &mut Vec<u8>, message: &Message, details: &Details) {
    let line = Line {
        t: Some(details.time_stamp()),
        n: Some(details.number),
        frames: message.iter().map(part_of).collect(),
        peer: details.peer_id(),
        addr: details.peer_address(),
    };
    // Strings, numbers and a Vec always have a JSON form.
    serde_json::to_writer(out, &line).expect("a line of strings and numbers has a JSON form");
}

fn part_of(frame: &Frame) -> Part<'_> {
    match frame.as_str() {
        Ok(text) => Part::Borrowed(text),
        Err(_) => Part::Bytes { b64: BASE64.encode(frame) },
    }
}

/// The message that a line describes.
///
/// # Errors
/// A sentence that says what is wrong with the line and what it should look like.
pub fn read(line: &[u8]) -> Result<Message, String> {
    let parsed: Line<'_> = serde_json::from_slice(line)
        .map_err(|error| format!("not a message in JSON ({error}); expected {EXAMPLE}"))?;
    let frames: Vec<Frame> = parsed.frames.into_iter().map(frame_of).collect::<Result<_, _>>()?;
    Message::from_parts(frames)
        .ok_or_else(|| "\"frames\" is empty; a message has at least one part".to_owned())
}

const EXAMPLE: &str = r#"{"frames":["text",{"b64":"AP8="}]}"#;

fn frame_of(part: Part<'_>) -> Result<Frame, String> {
    match part {
        Part::Borrowed(text) => Ok(Frame::from(text)),
        Part::Text(text) => Ok(Frame::from(text)),
        Part::Bytes { b64 } => {
            BASE64.decode(&b64).map(Frame::from).map_err(|error| format!("{b64:?} is not base64: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line_of(message: &Message) -> String {
        let mut out = Vec::new();
        write(&mut out, message, &Details::new(3));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_readable_and_bytes_are_base64() {
        let line = line_of(&Message::from([Frame::from("grüezi\n"), Frame::from(&[0, 255])]));
        assert!(line.contains(r#""n":3,"frames":["grüezi\n",{"b64":"AP8="}]"#), "{line}");
    }

    #[test]
    fn lines_that_are_no_message_are_explained() {
        for (line, complaint) in [
            ("hello", "expected {"),
            (r#"{"frames":[]}"#, "at least one part"),
            (r#"{"frames":[1]}"#, "expected {"),
            (r#"{"frames":[{"b64":"*"}]}"#, "not base64"),
            (r#"{"n":1}"#, "missing field `frames`"),
        ] {
            let error = read(line.as_bytes()).unwrap_err();
            assert!(error.contains(complaint), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_byte_for_byte(parts in prop::collection::vec(any::<Vec<u8>>(), 1..5)) {
            let message = Message::from_parts(parts).unwrap();
            let line = line_of(&message);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(read(line.as_bytes()).unwrap(), message);
        }

        #[test]
        fn any_text_is_read_back(text: String) {
            let message = Message::from(text);
            prop_assert_eq!(read(line_of(&message).as_bytes()).unwrap(), message);
        }

        #[test]
        fn any_line_gives_a_message_or_a_sentence(line: Vec<u8>) {
            let _ = read(&line);
        }
    }
}
