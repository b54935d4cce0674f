//! `-f FORMAT`: a line of output composed by the user.
//!
//! `%s` the payload (last part), `%S` its size in bytes, `%*` all parts, `%1 %2 …` one part, `%N` how many,
//! `%T` the topic (first part), `%n` number of the message, `%t` time, `%p` peer's routing id,
//! `%a` its address, `%%` a percent sign; C escapes such as `\n` and `\0` mean what they mean in C.
//! What is filled in is not escaped, and nothing is added at the end.

use ferrozmq::{Frame, Message};

use crate::escape::unescape;
use crate::output::Details;

/// A format, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Payload,
    PayloadSize,
    AllParts,
    Part(usize),
    PartCount,
    Topic,
    Number,
    Time,
    PeerId,
    PeerAddress,
}

impl Format {
    /// Understands `text`.
    ///
    /// # Errors
    /// A sentence naming what means nothing.
    pub fn parse(text: &str) -> Result<Format, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c != '%' {
                literal.push(c);
                continue;
            }
            let Some(letter) = rest.next() else {
                return Err("a % at the end; write %% for a percent sign".into());
            };
            if letter == '%' {
                literal.push('%');
                continue;
            }
            pieces.push(Piece::Literal(unescape(std::mem::take(&mut literal).as_bytes())?));
            let mut digits = String::new();
            while letter.is_ascii_digit() && rest.peek().is_some_and(char::is_ascii_digit) {
                digits.extend(rest.next());
            }
            pieces.push(directive(letter, &digits)?);
        }
        pieces.push(Piece::Literal(unescape(literal.as_bytes())?));
        Ok(Format { pieces })
    }

    /// Whether it says whose the message was, which costs a look-up.
    pub fn names_peer(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::PeerId | Piece::PeerAddress))
    }

    /// Appends the text for `message`, the parts of `%*` separated by `separator`.
    pub fn write(&self, out: &mut Vec<u8>, message: &Message, details: &Details, separator: &[u8]) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Payload => out.extend_from_slice(message.last()),
                Piece::PayloadSize => out.extend_from_slice(message.last().len().to_string().as_bytes()),
                Piece::AllParts => join(out, message.iter(), separator),
                Piece::Part(index) => {
                    out.extend_from_slice(message.part(*index).map_or(&[][..], Frame::as_bytes))
                }
                Piece::PartCount => out.extend_from_slice(message.len().to_string().as_bytes()),
                Piece::Topic => out.extend_from_slice(message.first()),
                Piece::Number => out.extend_from_slice(details.number.to_string().as_bytes()),
                Piece::Time => out.extend_from_slice(details.time_stamp().as_bytes()),
                Piece::PeerId => out.extend_from_slice(details.peer_id().unwrap_or_default().as_bytes()),
                Piece::PeerAddress => {
                    out.extend_from_slice(details.peer_address().unwrap_or_default().as_bytes())
                }
            }
        }
    }
}

/// Appends `frames` with `separator` between them.
pub fn join<'a>(out: &mut Vec<u8>, frames: impl Iterator<Item = &'a Frame>, separator: &[u8]) {
    for (index, frame) in frames.enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(frame);
    }
}

fn directive(letter: char, digits: &str) -> Result<Piece, String> {
    Ok(match letter {
        's' => Piece::Payload,
        'S' => Piece::PayloadSize,
        '*' => Piece::AllParts,
        'N' => Piece::PartCount,
        'T' => Piece::Topic,
        'n' => Piece::Number,
        't' => Piece::Time,
        'p' => Piece::PeerId,
        'a' => Piece::PeerAddress,
        '1'..='9' => {
            let index = format!("{letter}{digits}").parse::<usize>();
            Piece::Part(index.map_err(|_| "a part's number is too large")?.saturating_sub(1))
        }
        _ => return Err(format!("%{letter} means nothing; there are %s %S %* %1 %N %T %n %t %p %a %%")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(format: &str, message: &Message) -> String {
        let mut out = Vec::new();
        Format::parse(format).unwrap().write(&mut out, message, &Details::new(5), b"|");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn directives_are_filled_in() {
        let message = Message::from(["news", "a", "hello"]);
        assert_eq!(formatted(r"%n %T %s %S %N\n", &message), "5 news hello 5 3\n");
        assert_eq!(formatted("%2,%9,%12,%*,100%%", &message), "a,,,news|a|hello,100%");
        assert!(formatted("%t", &message).ends_with('Z'));
        assert_eq!(formatted("[%p%a]", &message), "[]");
    }

    #[test]
    fn what_means_nothing_is_named() {
        for text in ["%", "%q", r"\q", "%0", "%99999999999999999999999"] {
            assert!(Format::parse(text).is_err(), "{text}");
        }
    }
}
