//! Message parts that two processes can describe to each other without sending them.

use ferrozmq::{Frame, Message};
use serde_json::{Value, json};

/// The length of the repeating pattern: a prime, so that a shift by a power of two shows.
const PERIOD: usize = 251;

/// One part of a message.
#[derive(Clone, Debug)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes of the pattern that begins with `seed`.
    Pattern { size: usize, seed: usize },
}

impl Part {
    pub fn text(text: &str) -> Part {
        Part::Bytes(text.as_bytes().to_vec())
    }

    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Part::Bytes(bytes) => bytes.clone(),
            Part::Pattern { size, seed } => {
                let period: Vec<u8> = (0..PERIOD).map(|index| ((seed + index) % PERIOD) as u8).collect();
                let mut bytes = period.repeat(size / PERIOD + 1);
                bytes.truncate(*size);
                bytes
            }
        }
    }

    /// As the other process reads it.
    pub fn json(&self) -> Value {
        match self {
            Part::Bytes(bytes) => json!({ "hex": hex(bytes) }),
            Part::Pattern { size, seed } => json!({ "size": size, "seed": seed }),
        }
    }
}

/// These parts as a message of ours.
pub fn message(parts: &[Part]) -> Message {
    Message::from_parts(parts.iter().map(|part| Frame::from(part.bytes()))).expect("a message has a part")
}

/// Fails unless `received` has exactly these parts; says where they differ without printing megabytes.
pub fn assert_parts(received: &Message, parts: &[Part], context: &str) {
    let lengths = |message: &Message| message.iter().map(|frame| frame.len()).collect::<Vec<usize>>();
    let expected = message(parts);
    assert_eq!(lengths(received), lengths(&expected), "{context}: lengths of the parts of {received:?}");
    for (number, (got, wanted)) in received.iter().zip(expected.iter()).enumerate() {
        let differs = got.iter().zip(wanted.iter()).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{context}: part {number} differs from there on");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
