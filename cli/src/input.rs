//! Where the messages to send come from: the command line, a file, or standard input.
//!
//! Standard input is read by a thread of its own, so that waiting for it can be ended; at most
//! [`AHEAD`] messages are read ahead. A source never blocks: it says [`Next::NotYet`] and rings later.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use ferrozmq::{Frame, Message};

use crate::escape::unescape;
use crate::failure::Failure;
use crate::flags::{FramingFlags, SendFlags};
use crate::records::{Framing, RECORD_MAX, Records};
use crate::template::Template;
use crate::wake::{self, Wake};

/// Messages read from standard input before they can be sent.
const AHEAD: usize = 256;

/// Messages to send.
pub struct Source {
    origin: Origin,
    /// Messages handed out so far.
    taken: u64,
    /// Hand out no more than this; `None` for no limit.
    limit: Option<u64>,
}

enum Origin {
    /// Nothing.
    Nothing,
    /// The same parts again and again.
    Parts(Vec<Part>),
    /// What the reading thread sends.
    Stream(Receiver<Result<Message, String>>),
}

enum Part {
    Fixed(Frame),
    Template(Template),
}

/// What a source has now.
#[derive(Debug)]
pub enum Next {
    /// A message.
    Message(Message),
    /// Nothing now; the bell will ring.
    NotYet,
    /// Nothing ever again.
    End,
}

impl Source {
    /// A source that has nothing.
    pub fn nothing() -> Source {
        Source { origin: Origin::Nothing, taken: 0, limit: None }
    }

    /// The source that the flags describe. Messages from the command line are given once, unless a
    /// count, an interval or `repeat` says otherwise; `count` limits every source.
    ///
    /// # Errors
    /// [`Failure::Usage`] for escapes and templates that make no sense; a file that cannot be read.
    pub fn open(
        send: &SendFlags,
        framing: &FramingFlags,
        count: Option<u64>,
        repeat: bool,
        wake: &Arc<Wake>,
    ) -> Result<Source, Failure> {
        let parts = parts_of(send)?;
        if parts.is_empty() {
            let stream = read_standard_input(send, framing, Arc::clone(wake))?;
            return Ok(Source { origin: Origin::Stream(stream), taken: 0, limit: count });
        }
        let endless = repeat || send.pace().is_some();
        let limit = if endless { count } else { Some(count.unwrap_or(1)) };
        Ok(Source { origin: Origin::Parts(parts), taken: 0, limit })
    }

    /// What there is to send now.
    ///
    /// # Errors
    /// Input that makes no sense.
    pub fn next(&mut self) -> Result<Next, Failure> {
        if self.limit.is_some_and(|limit| self.taken >= limit) {
            return Ok(Next::End);
        }
        let message = match &self.origin {
            Origin::Nothing => return Ok(Next::End),
            Origin::Parts(parts) => fill(parts, self.taken + 1),
            Origin::Stream(stream) => match stream.try_recv() {
                Ok(read) => read.map_err(Failure::Error)?,
                Err(TryRecvError::Empty) => return Ok(Next::NotYet),
                Err(TryRecvError::Disconnected) => {
                    self.origin = Origin::Nothing;
                    return Ok(Next::End);
                }
            },
        };
        self.taken += 1;
        Ok(Next::Message(message))
    }

    /// Whether a known number of messages is still to be handed out.
    pub fn is_owing(&self) -> bool {
        matches!(self.origin, Origin::Parts(_)) && self.limit.is_some_and(|limit| self.taken < limit)
    }
}

impl SendFlags {
    /// The time between two messages, if there is to be one.
    pub fn pace(&self) -> Option<std::time::Duration> {
        self.interval.or(self.rate)
    }

    /// How many peers to wait for: as told, or one; but none if somebody types, or paces for an
    /// audience that comes and goes.
    pub fn awaited_peers(&self) -> usize {
        let from_arguments = !self.parts.is_empty() || self.file.is_some() || self.eof;
        let unattended = from_arguments || !io::stdin().is_terminal();
        self.wait_peer.unwrap_or(usize::from(unattended && self.pace().is_none()))
    }
}

fn parts_of(send: &SendFlags) -> Result<Vec<Part>, Failure> {
    let mut parts = Vec::new();
    for argument in &send.parts {
        parts.push(part_of(argument.as_bytes(), send).map_err(Failure::Usage)?);
    }
    if send.eof || send.file.as_deref() == Some(Path::new("-")) {
        parts.push(Part::Fixed(whole(io::stdin().lock(), "standard input")?));
    } else if let Some(path) = &send.file {
        let file = File::open(path).map_err(|error| Failure::while_doing(error, path.display()))?;
        parts.push(Part::Fixed(whole(file, &path.display().to_string())?));
    }
    Ok(parts)
}

fn part_of(text: &[u8], send: &SendFlags) -> Result<Part, String> {
    let bytes = if send.escape { unescape(text)? } else { text.to_vec() };
    if send.template {
        Template::parse(&bytes).map(Part::Template)
    } else {
        Ok(Part::Fixed(Frame::from(bytes)))
    }
}

fn whole(stream: impl Read, name: &str) -> Result<Frame, Failure> {
    let mut content = Vec::new();
    let read = stream.take(RECORD_MAX + 1).read_to_end(&mut content);
    match read.map_err(|error| Failure::while_doing(error, name))? as u64 {
        0..=RECORD_MAX => Ok(Frame::from(content)),
        _ => Err(Failure::Error(format!("{name} is longer than {RECORD_MAX} bytes"))),
    }
}

fn fill(parts: &[Part], number: u64) -> Message {
    let frames = parts.iter().map(|part| match part {
        Part::Fixed(frame) => frame.clone(),
        Part::Template(template) => Frame::from(template.fill(number)),
    });
    Message::from_parts(frames).expect("a source of parts has at least one")
}

type Read1 = Result<Message, String>;

fn read_standard_input(
    send: &SendFlags,
    framing: &FramingFlags,
    wake: Arc<Wake>,
) -> Result<Receiver<Read1>, Failure> {
    let mut records = Records::new(BufReader::new(io::stdin()), framing.on_input(send.escape)?);
    let template = send.template;
    let (sender, receiver) = sync_channel(AHEAD);
    wake::spawn("input", move || {
        let rung = Ring { sender: Some(sender), wake };
        for number in 1.. {
            let read = match records.next() {
                Ok(None) => break,
                Ok(Some(message)) if template => refill(&message, number),
                Ok(Some(message)) => Ok(message),
                Err(error) => Err(error),
            };
            if !rung.give(read) {
                break;
            }
        }
    })?;
    Ok(receiver)
}

fn refill(message: &Message, number: u64) -> Read1 {
    let parts: Vec<Part> =
        message.iter().map(|frame| Template::parse(frame).map(Part::Template)).collect::<Result<_, _>>()?;
    Ok(fill(&parts, number))
}

/// The giving end of a stream; rings for each message and once more when it is gone.
struct Ring {
    sender: Option<SyncSender<Read1>>,
    wake: Arc<Wake>,
}

impl Ring {
    /// Whether anybody wants more.
    fn give(&self, read: Read1) -> bool {
        let wanted = read.is_ok() && self.sender.is_some();
        let sent = self.sender.as_ref().is_some_and(|sender| sender.send(read).is_ok());
        self.wake.raise();
        sent && wanted
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.sender = None; // first the news, then the bell
        self.wake.raise();
    }
}

impl FramingFlags {
    /// How the flags cut input into messages.
    ///
    /// # Errors
    /// [`Failure::Usage`] for escapes that make no sense.
    pub fn on_input(&self, escapes: bool) -> Result<Framing, Failure> {
        if self.json {
            return Ok(Framing::Json);
        }
        if self.length_prefix {
            return Ok(Framing::LengthPrefix);
        }
        let end = self.end()?.filter(|end| !end.is_empty()).unwrap_or_else(|| b"\n".to_vec());
        Ok(Framing::Text { end, separator: self.separator()?, escapes })
    }

    /// What ends a message, if a flag says so.
    ///
    /// # Errors
    /// [`Failure::Usage`] for escapes that make no sense.
    pub fn end(&self) -> Result<Option<Vec<u8>>, Failure> {
        if self.null {
            return Ok(Some(vec![0]));
        }
        let end = self.delim.as_ref().map(|text| unescape(text.as_bytes()));
        end.transpose().map_err(|error| Failure::Usage(format!("--delim: {error}")))
    }

    /// What separates parts, if a flag says so.
    ///
    /// # Errors
    /// [`Failure::Usage`] for escapes that make no sense.
    pub fn separator(&self) -> Result<Option<Vec<u8>>, Failure> {
        let separator = self.frame_sep.as_ref().map(|text| unescape(text.as_bytes()));
        separator.transpose().map_err(|error| Failure::Usage(format!("--frame-sep: {error}")))
    }
}
