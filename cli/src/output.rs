//! Messages on standard output, in the form the user asked for.
//!
//! Output is collected until [`Printer::flush`], which the loops call whenever they are about to wait: a
//! pipe reader sees each message at once, and a burst costs few system calls. Nothing but messages is
//! ever written here; what the command has to say goes to standard error.

use std::io::{self, Write};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ferrozmq::Message;

use crate::escape::{escape_into, hex};
use crate::failure::Failure;
use crate::format::{Format, join};
use crate::json;
use crate::peer::Peer;
use crate::records::write_prefixed;
use crate::template::time_stamp;

/// How a message looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text with C escapes, parts separated by tabs.
    Text,
    /// Each part in double quotes, with C escapes, separated by spaces.
    Quoted,
    /// What is not printable ASCII as a dot.
    Ascii,
    /// Hexadecimal.
    Hex,
    /// Base64.
    Base64,
    /// The bytes.
    Raw,
    /// One JSON object a line.
    Json,
    /// See [`Framing::LengthPrefix`](crate::records::Framing::LengthPrefix).
    LengthPrefix,
    /// As the user composed it.
    Format(Format),
}

/// Everything about the look of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// How a part looks.
    pub style: Style,
    /// What goes between parts, if not the style's own separator.
    pub separator: Option<Vec<u8>>,
    /// What goes after a message, if not the style's own end.
    pub end: Option<Vec<u8>>,
}

/// What is known about a received message besides its parts.
#[derive(Debug)]
pub struct Details {
    /// Which message it is, from 1.
    pub number: u64,
    time: SystemTime,
    peer: Option<Peer>,
}

impl Details {
    /// Message `number`, received now.
    pub fn new(number: u64) -> Details {
        Details { number, time: SystemTime::now(), peer: None }
    }

    /// The same, from `peer`.
    pub fn from_peer(number: u64, peer: Option<Peer>) -> Details {
        Details { peer, ..Details::new(number) }
    }

    /// When it was received, in RFC 3339.
    pub fn time_stamp(&self) -> String {
        time_stamp(self.time)
    }

    /// The peer's routing id, in the form that `--to` takes.
    pub fn peer_id(&self) -> Option<String> {
        self.peer.as_ref().and_then(Peer::id_text)
    }

    /// The peer's address.
    pub fn peer_address(&self) -> Option<String> {
        self.peer.as_ref().and_then(Peer::address_text)
    }
}

/// Writes messages.
pub struct Printer<W = io::Stdout> {
    look: Look,
    pending: Vec<u8>,
    out: W,
}

/// Output is written when this much has been collected, in bytes.
const PENDING_MAX: usize = 64 * 1024;

impl Printer {
    /// A printer to standard output.
    pub fn to_stdout(look: Look) -> Printer {
        Printer::new(look, io::stdout())
    }
}

impl<W: Write> Printer<W> {
    /// A printer to `out`.
    pub fn new(look: Look, out: W) -> Printer<W> {
        Printer { look, pending: Vec::new(), out }
    }

    /// Whether the look says whose a message was, which costs a look-up.
    pub fn names_peer(&self) -> bool {
        match &self.look.style {
            Style::Json => true,
            Style::Format(format) => format.names_peer(),
            _ => false,
        }
    }

    /// Writes one message.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn print(&mut self, message: &Message, details: &Details) -> Result<(), Failure> {
        self.look.write(&mut self.pending, message, details).map_err(Failure::Error)?;
        if self.pending.len() >= PENDING_MAX { self.flush() } else { Ok(()) }
    }

    /// Hands everything printed so far to the reader.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(&self.pending).and_then(|()| self.out.flush());
        self.pending.clear();
        written.map_err(|error| Failure::from_output(&error))
    }
}

impl Look {
    fn write(&self, out: &mut Vec<u8>, message: &Message, details: &Details) -> Result<(), String> {
        let separator = self.separator.as_deref().unwrap_or(match self.style {
            Style::Text | Style::Ascii | Style::Format(_) => b"\t",
            Style::Quoted | Style::Hex | Style::Base64 => b" ",
            Style::Raw | Style::Json | Style::LengthPrefix => b"",
        });
        match &self.style {
            Style::Raw => join(out, message.iter(), separator),
            Style::Json => json::write(out, message, details),
            Style::LengthPrefix => write_prefixed(out, message)?,
            Style::Format(format) => format.write(out, message, details, separator),
            Style::Text | Style::Quoted | Style::Ascii | Style::Hex | Style::Base64 => {
                for (index, frame) in message.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(separator);
                    }
                    self.write_part(out, frame);
                }
            }
        }
        out.extend_from_slice(self.end.as_deref().unwrap_or(match self.style {
            Style::Raw | Style::LengthPrefix | Style::Format(_) => b"",
            _ => b"\n",
        }));
        Ok(())
    }

    fn write_part(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        match self.style {
            Style::Quoted => {
                out.push(b'"');
                escape_into(out, bytes, &['"']);
                out.push(b'"');
            }
            Style::Ascii => out.extend(bytes.iter().map(|b| if (32..127).contains(b) { *b } else { b'.' })),
            Style::Hex => out.extend_from_slice(hex(bytes).as_bytes()),
            Style::Base64 => out.extend_from_slice(BASE64.encode(bytes).as_bytes()),
            _ => escape_into(out, bytes, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Framing, Records};
    use ferrozmq::Frame;
    use proptest::prelude::*;

    fn printed(style: Style, message: &Message) -> Vec<u8> {
        let mut out = Vec::new();
        let mut printer = Printer::new(Look { style, separator: None, end: None }, &mut out);
        printer.print(message, &Details::new(1)).unwrap();
        printer.flush().unwrap();
        drop(printer);
        out
    }

    #[test]
    fn each_style_has_its_look() {
        let message = Message::from([Frame::from("topic"), Frame::from(b"a\n\xff\"")]);
        let cases = [
            (Style::Text, &b"topic\ta\\n\\xff\"\n"[..]),
            (Style::Quoted, b"\"topic\" \"a\\n\\xff\\\"\"\n"),
            (Style::Ascii, b"topic\ta..\"\n"),
            (Style::Hex, b"746f706963 610aff22\n"),
            (Style::Base64, b"dG9waWM= YQr/Ig==\n"),
            (Style::Raw, b"topica\n\xff\""),
            (Style::Format(Format::parse("%T=%S;").unwrap()), b"topic=4;"),
        ];
        for (style, expected) in cases {
            assert_eq!(printed(style.clone(), &message), expected, "{style:?}");
        }
    }

    #[test]
    fn separators_and_ends_can_be_chosen() {
        let look = Look { style: Style::Raw, separator: Some(b"|".to_vec()), end: Some(b"\0".to_vec()) };
        let mut out = Vec::new();
        look.write(&mut out, &Message::from(["a", "b"]), &Details::new(1)).unwrap();
        assert_eq!(out, b"a|b\0");
    }

    proptest! {
        #[test]
        fn text_is_read_back_with_escapes(parts in prop::collection::vec(any::<Vec<u8>>(), 1..4)) {
            let message = Message::from_parts(parts).unwrap();
            let line = printed(Style::Text, &message);
            let framing = Framing::Text { end: b"\n".to_vec(), separator: Some(b"\t".to_vec()), escapes: true };
            prop_assert_eq!(Records::new(&line[..], framing).next().unwrap(), Some(message));
        }
    }
}
