//! Templates: text with fields in braces that are filled in anew for each message.
//!
//! Fields: `{n}` number of the message from 1, `{ts}` time (RFC 3339, UTC), `{unix}` and `{unix_ms}`
//! seconds and milliseconds since 1970, `{pid}`, `{rand:16}` that many random letters and digits;
//! `{{` and `}}` are braces. The random text is for test data, not for secrets.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// The longest random text, in characters.
const RANDOM_MAX: usize = 1 << 24;

/// A text with fields, understood.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Number,
    TimeStamp,
    Unix,
    UnixMillis,
    Pid,
    Random(usize),
}

impl Template {
    /// Understands `text`.
    ///
    /// # Errors
    /// A sentence naming the field that does not exist.
    pub fn parse(text: &[u8]) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            match (byte, tail.first()) {
                (b'{', Some(b'{')) | (b'}', Some(b'}')) => {
                    literal.push(byte);
                    rest = &tail[1..];
                }
                (b'{', _) => {
                    let end = tail
                        .iter()
                        .position(|b| *b == b'}')
                        .ok_or("a { without its }; write {{ for a brace")?;
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    pieces.push(field(&tail[..end])?);
                    rest = &tail[end + 1..];
                }
                (b'}', _) => return Err("a } without its {; write }} for a brace".into()),
                _ => literal.push(byte),
            }
        }
        pieces.push(Piece::Literal(literal));
        pieces.retain(|piece| *piece != Piece::Literal(Vec::new()));
        Ok(Template { pieces })
    }

    /// The text for message `number`.
    pub fn fill(&self, number: u64) -> Vec<u8> {
        let now = SystemTime::now();
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Number => out.extend_from_slice(number.to_string().as_bytes()),
                Piece::TimeStamp => out.extend_from_slice(time_stamp(now).as_bytes()),
                Piece::Unix => out.extend_from_slice(since_1970.as_secs().to_string().as_bytes()),
                Piece::UnixMillis => out.extend_from_slice(since_1970.as_millis().to_string().as_bytes()),
                Piece::Pid => out.extend_from_slice(std::process::id().to_string().as_bytes()),
                Piece::Random(length) => random_text(&mut out, *length),
            }
        }
        out
    }
}

/// `time` in RFC 3339, UTC, to the microsecond.
pub fn time_stamp(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}

fn field(name: &[u8]) -> Result<Piece, String> {
    let name = String::from_utf8_lossy(name);
    match name.as_ref() {
        "n" => Ok(Piece::Number),
        "ts" => Ok(Piece::TimeStamp),
        "unix" => Ok(Piece::Unix),
        "unix_ms" => Ok(Piece::UnixMillis),
        "pid" => Ok(Piece::Pid),
        _ => name
            .strip_prefix("rand:")
            .and_then(|length| length.parse().ok())
            .filter(|length| *length <= RANDOM_MAX)
            .map(Piece::Random)
            .ok_or_else(|| {
                format!("{{{name}}} is not a field; there are {{n}} {{ts}} {{unix}} {{unix_ms}} {{pid}} {{rand:16}}")
            }),
    }
}

fn random_text(out: &mut Vec<u8>, length: usize) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut left = length;
    let mut seed = RandomState::new().build_hasher().finish();
    while left > 0 {
        // splitmix64: ten characters of six bits from each step.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        for _ in 0..left.min(10) {
            out.push(ALPHABET[(bits & 63) as usize]);
            bits >>= 6;
        }
        left -= left.min(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in() {
        let filled =
            |text: &str| String::from_utf8(Template::parse(text.as_bytes()).unwrap().fill(7)).unwrap();
        assert_eq!(filled("no. {n} {{x}}"), "no. 7 {x}");
        assert_eq!(filled(""), "");
        assert_eq!(filled("{rand:25}").len(), 25);
        assert_ne!(filled("{rand:25}"), filled("{rand:25}"));
        assert!(filled("{ts}").ends_with('Z'));
        assert!(filled("{unix_ms}").len() >= 13);
    }

    #[test]
    fn wrong_fields_are_named() {
        for text in ["{", "}", "{x}", "{rand}", "{rand:-1}", "{rand:99999999999}"] {
            assert!(Template::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
