//! Cuts a stream of plain frames into runs of whole messages, and picks commands and subscriptions out.
//!
//! Whole messages stay where they are and leave as one shared slice, however many they are. Each
//! frame's header is read once, or once more per call while the frame is incomplete, so the work is linear in
//! the bytes even if they come one at a time. Only a message with a command between its parts (a PING, which
//! libzmq does send) is copied, into `held`; one with subscriptions among its parts is taken apart one part per
//! call ([`Sift`]), so that it never costs more than its own bytes and those of what remains of it.
//!
//! Limits are checked as soon as a header announces a frame, before its body is waited for. The scanner
//! does not know which ZMTP the wire speaks: [`Receiver`](crate::zmtp::Receiver) feeds it plain frames.

use super::command::Command;
use super::config::{Limits, LinkConfig};
use super::framing::{Flags, HEADER_MAX, Header, SHORT_MAX, parse_header};
use super::greeting::Version;
use super::receiver::Received;
use super::sift::{self, Sift};
use crate::{PeerError, SocketType, copy};
use bytes::{Buf, Bytes, BytesMut};

/// Room for a command's name and small fields beside a topic, in bytes.
const COMMAND_OVERHEAD: u64 = 16;

/// A topic from this length on stays where it was read, in bytes: what else was read with it, at most about as much, stays with
/// it, and it is not three times in memory when a socket takes it in.
const SHARED_FROM: usize = 64 * 1024;

/// Parts of a message that is scanned the fast way.
const SHORT_PARTS: usize = 8;

/// The state of one incoming stream.
#[derive(Debug)]
pub(super) struct Scanner {
    rules: Rules,
    /// Bytes of the input that are whole frames already looked at.
    scanned: usize,
    /// Bytes of the input, at most `scanned`, that are whole messages …
    boundary: usize,
    /// … and how many those are.
    count: usize,
    open: Open,
    /// Parts of the unfinished message that had to leave the input.
    held: BytesMut,
    /// A message that ended, on its way out.
    gathered: Gathered,
    wanted: usize,
}

/// What is allowed and what is looked for; fixed for a connection.
#[derive(Debug)]
struct Rules {
    max_body: u64,
    max_command: u64,
    max_topic: u64,
    max_parts: usize,
    max_message: u64,
    subscriptions: bool,
    only_first_subscribe: bool,
    pings: bool,
    /// A whole message of so few short parts may pass whatever they are.
    any_short: bool,
}

/// The unfinished message.
#[derive(Debug, Default)]
struct Open {
    parts: usize,
    bytes: u64,
    /// Parts that begin with 0 or 1 are subscriptions.
    sift: bool,
}

/// A message that did not stay where it was.
#[derive(Debug, Default)]
enum Gathered {
    #[default]
    Nothing,
    Message(Bytes),
    Sifted(Sift),
}

impl Gathered {
    fn next(&mut self) -> Option<Received> {
        let received = match self {
            Gathered::Nothing => return None,
            Gathered::Message(bytes) => Some(Received::Messages { bytes: std::mem::take(bytes), count: 1 }),
            Gathered::Sifted(sift) => {
                let received = sift.next();
                if received.is_some() {
                    return received;
                }
                None
            }
        };
        *self = Gathered::Nothing;
        received
    }
}

/// What a command means.
enum Meaning {
    Nothing,
    /// The last so many bytes of it are a topic.
    Topic {
        len: usize,
        wanted: bool,
    },
    Other(Received),
}

/// Why a scan stopped; everything before is scanned.
enum Stop {
    /// So many bytes are missing to the end of the frame.
    Wanting(usize),
    Failed(PeerError),
    /// A whole command of this many bytes of header and body.
    Command(usize, usize),
    /// A whole message of one part that is a subscription.
    Subscription(usize, usize),
    /// A message ended that cannot stay where it is.
    Gathered,
}

impl Scanner {
    pub(super) fn new(config: &LinkConfig, version: Version) -> Scanner {
        Scanner {
            rules: Rules::new(config, version),
            scanned: 0,
            boundary: 0,
            count: 0,
            open: Open::default(),
            held: BytesMut::new(),
            gathered: Gathered::Nothing,
            wanted: 2,
        }
    }

    /// The longest body of a frame.
    pub(super) fn max_body(&self) -> u64 {
        self.rules.max_body
    }

    /// The longest body of any frame, command or not.
    pub(super) fn max_frame(&self) -> u64 {
        self.rules.max_body.max(self.rules.max_command)
    }

    /// Bytes missing to the end of the first incomplete frame.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The next thing in `input`, which must begin with what the last call left there.
    ///
    /// Whatever precedes a fault is delivered before the fault.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Received>, PeerError> {
        loop {
            if let Some(received) = self.gathered.next() {
                return Ok(Some(received));
            }
            let stop = self.scan(input);
            let run = self.take_run(input);
            match stop {
                Stop::Wanting(bytes) => {
                    self.wanted = bytes;
                    return Ok(run);
                }
                Stop::Gathered => {
                    self.take_gathered(input);
                    if run.is_some() {
                        return Ok(run);
                    }
                }
                // The run goes first; the next call finds the same frame again, and no run.
                Stop::Failed(_) | Stop::Command(..) | Stop::Subscription(..) if run.is_some() => {
                    return Ok(run);
                }
                Stop::Failed(error) => return Err(error),
                Stop::Command(header_len, len) => {
                    if let Some(received) = self.take_command(input, header_len, len)? {
                        return Ok(Some(received));
                    }
                }
                Stop::Subscription(header_len, len) => {
                    return Ok(Some(take_subscription(input, header_len, len)));
                }
            }
        }
    }

    /// The whole messages of a few short parts each at the start of `input`, and their number; `None` if there are none, or
    /// this is no time to pass them. The short way for what [`next`](Self::next) does in general.
    pub(super) fn short_run(&mut self, input: &mut BytesMut) -> Option<(Bytes, usize)> {
        if self.open.parts > 0 || !self.rules.any_short || !matches!(self.gathered, Gathered::Nothing) {
            return None;
        }
        self.scan_short(input);
        self.wanted = 2;
        self.take_messages(input)
    }

    /// Looks at whole frames until there are no more, or one is not simply a message's next part.
    fn scan(&mut self, input: &[u8]) -> Stop {
        loop {
            if self.open.parts == 0 && self.rules.any_short {
                self.scan_short(input);
            }
            let rest = input.get(self.scanned..).unwrap_or_default();
            let (flags, header_len, len) = match parse_header(rest) {
                Header::Incomplete => return Stop::Wanting(missing_header_bytes(rest)),
                Header::Malformed => return Stop::Failed(PeerError::MalformedFrame),
                Header::Frame { flags, header_len, body_len } => {
                    if let Err(error) = self.admit(flags, header_len, body_len) {
                        return Stop::Failed(error);
                    }
                    let Ok(len) = usize::try_from(body_len) else {
                        return Stop::Failed(PeerError::FrameTooLarge);
                    };
                    (flags, header_len, len)
                }
            };
            let total = header_len.saturating_add(len);
            let Some(frame) = rest.get(..total) else { return Stop::Wanting(total - rest.len()) };
            if flags.command() {
                return Stop::Command(header_len, len);
            }
            if self.rules.subscriptions
                && let Some(stop) = self.note_subscription(flags, header_len, frame)
            {
                return stop;
            }
            if self.add_part(flags, total) {
                return Stop::Gathered;
            }
        }
    }

    /// Scans past whole messages of a few short parts each: a few instructions apiece where small messages stream.
    fn scan_short(&mut self, input: &[u8]) {
        let (mut at, mut parts) = (self.scanned, 0);
        let (mut boundary, mut count) = (self.boundary, self.count);
        while let Some([flags @ (0 | Flags::MORE), len, rest @ ..]) = input.get(at..)
            && usize::from(*len) <= rest.len()
            && parts < SHORT_PARTS
        {
            at += 2 + usize::from(*len);
            parts += 1;
            if *flags == 0 {
                boundary = at;
                count += 1;
                parts = 0;
            }
        }
        if count > self.count {
            self.scanned = boundary;
        }
        (self.boundary, self.count) = (boundary, count);
    }

    /// Checks an announced frame against the limits.
    #[inline]
    fn admit(&self, flags: Flags, header_len: usize, body_len: u64) -> Result<(), PeerError> {
        let max = if flags.command() { self.rules.max_command } else { self.rules.max_body };
        if body_len > max {
            return Err(PeerError::FrameTooLarge);
        }
        if (flags.more() || self.open.parts > 0) && !flags.command() {
            let bytes = self.open.bytes.saturating_add(part_cost(header_len as u64 + body_len));
            if self.open.parts >= self.rules.max_parts || bytes > self.rules.max_message {
                return Err(PeerError::MessageTooLarge);
            }
        }
        Ok(())
    }

    /// Scans past a whole part; whether the message ended and cannot stay in place.
    #[inline]
    fn add_part(&mut self, flags: Flags, total: usize) -> bool {
        self.scanned += total;
        if flags.more() {
            self.open.parts += 1;
            self.open.bytes = self.open.bytes.saturating_add(part_cost(total as u64));
            return false;
        }
        if self.open.parts > 0 && (self.open.sift || !self.held.is_empty()) {
            return true;
        }
        self.open = Open::default();
        self.boundary = self.scanned;
        self.count += 1;
        false
    }

    /// PUB and XPUB: notes whether this part is a subscription; a message of nothing else stops the scan.
    fn note_subscription(&mut self, flags: Flags, header_len: usize, frame: &[u8]) -> Option<Stop> {
        let body = frame.get(header_len..).unwrap_or_default();
        if !sift::is_subscription(body) {
            return None;
        }
        let alone = self.open.parts == 0 && !flags.more();
        let sifted = self.open.sift || self.open.parts == 0 || !self.rules.only_first_subscribe;
        if sifted && body.len() as u64 - 1 > self.rules.max_topic {
            return Some(Stop::Failed(PeerError::FrameTooLarge));
        }
        self.open.sift = sifted && !alone;
        alone.then_some(Stop::Subscription(header_len, body.len()))
    }

    /// Takes the whole messages off the input.
    #[inline]
    fn take_run(&mut self, input: &mut BytesMut) -> Option<Received> {
        let (bytes, count) = self.take_messages(input)?;
        Some(Received::Messages { bytes, count })
    }

    #[inline]
    fn take_messages(&mut self, input: &mut BytesMut) -> Option<(Bytes, usize)> {
        if self.boundary == 0 {
            return None;
        }
        let bytes = input.split_to(self.boundary).freeze();
        self.scanned -= self.boundary;
        self.boundary = 0;
        Some((bytes, std::mem::take(&mut self.count)))
    }

    /// Moves the unfinished message's parts out of the way of what follows them in the input.
    fn hold(&mut self, input: &mut BytesMut) {
        let scanned = std::mem::take(&mut self.scanned);
        copy::append(&mut self.held, &input[..scanned]);
        input.advance(scanned);
    }

    /// Takes a command off the input, at whose `scanned` it begins; `None` for one that means nothing here.
    fn take_command(
        &mut self,
        input: &mut BytesMut,
        header_len: usize,
        len: usize,
    ) -> Result<Option<Received>, PeerError> {
        // Parsed before it is taken, so that a fault stays a fault however often it is asked for.
        let start = self.scanned + header_len;
        let body = input.get(start..start + len).unwrap_or_default();
        let meaning = match Command::parse(body)? {
            Some(command) => self.rules.meaning(command)?,
            None => Meaning::Nothing,
        };
        self.hold(input);
        let frame_len = header_len + len;
        let other = match meaning {
            Meaning::Topic { len, wanted } => {
                let topic = take_topic(input, frame_len, len);
                return Ok(Some(Received::Subscription { topic, wanted }));
            }
            Meaning::Other(received) => Some(received),
            Meaning::Nothing => None,
        };
        input.advance(frame_len);
        Ok(other)
    }

    /// Takes a message off the input whose parts are in several places or not all its own.
    fn take_gathered(&mut self, input: &mut BytesMut) {
        let message = if self.held.is_empty() {
            input.split_to(std::mem::take(&mut self.scanned)).freeze()
        } else {
            self.hold(input);
            std::mem::take(&mut self.held).freeze()
        };
        self.gathered = if std::mem::take(&mut self.open).sift {
            Gathered::Sifted(Sift::new(message))
        } else {
            Gathered::Message(message)
        };
    }
}

impl Rules {
    fn new(config: &LinkConfig, version: Version) -> Rules {
        let limits = &config.limits;
        let subscriptions = matches!(config.socket_type, SocketType::Pub | SocketType::XPub);
        let max_command = if subscriptions { limits.topic_bytes } else { limits.handshake_bytes } as u64;
        let max_message = limits.message_bytes.unwrap_or(u64::MAX);
        let max_body = config.max_message_bytes.unwrap_or(u64::MAX).min(max_message);
        Rules {
            any_short: !subscriptions
                && max_body >= SHORT_MAX as u64
                && limits.parts >= SHORT_PARTS
                && max_message >= SHORT_PARTS as u64 * part_cost((HEADER_MAX + SHORT_MAX) as u64),
            max_body,
            max_command: max_command.saturating_add(COMMAND_OVERHEAD),
            max_topic: limits.topic_bytes as u64,
            max_parts: limits.parts,
            max_message,
            subscriptions,
            only_first_subscribe: config.only_first_subscribe,
            pings: version >= Version::V30,
        }
    }

    /// What a command means after READY. As in libzmq, a repeated READY, and a command that this socket or version
    /// has no use for, means nothing.
    fn meaning(&self, command: Command<'_>) -> Result<Meaning, PeerError> {
        Ok(match command {
            Command::Subscribe(topic) | Command::Cancel(topic) if self.subscriptions => {
                if topic.len() as u64 > self.max_topic {
                    return Err(PeerError::FrameTooLarge);
                }
                Meaning::Topic { len: topic.len(), wanted: matches!(command, Command::Subscribe(_)) }
            }
            Command::Ping { ttl, context } if self.pings => {
                Meaning::Other(Received::Ping { ttl, context: Bytes::copy_from_slice(context) })
            }
            Command::Pong { context } if self.pings => {
                Meaning::Other(Received::Pong { context: Bytes::copy_from_slice(context) })
            }
            Command::Error(reason) if self.pings => {
                Meaning::Other(Received::Error { reason: Bytes::copy_from_slice(reason) })
            }
            Command::Subscribe(_)
            | Command::Cancel(_)
            | Command::Ping { .. }
            | Command::Pong { .. }
            | Command::Error(_)
            | Command::Ready(_) => Meaning::Nothing,
        })
    }
}

/// What one frame of a message of several parts counts for.
fn part_cost(frame_bytes: u64) -> u64 {
    frame_bytes.saturating_add(Limits::PART_OVERHEAD)
}

fn missing_header_bytes(bytes: &[u8]) -> usize {
    let long = bytes.first().is_some_and(|flags| flags & Flags::LONG != 0);
    (if long { HEADER_MAX } else { 2 }) - bytes.len()
}

fn take_subscription(input: &mut BytesMut, header_len: usize, len: usize) -> Received {
    let wanted = input.get(header_len) == Some(&1);
    Received::Subscription { topic: take_topic(input, header_len + len, len - 1), wanted }
}

/// Takes a frame off the input whose last `topic_len` bytes are a topic.
fn take_topic(input: &mut BytesMut, frame_len: usize, topic_len: usize) -> Bytes {
    let begin = frame_len - topic_len;
    if topic_len >= SHARED_FROM {
        return input.split_to(frame_len).freeze().slice(begin..);
    }
    // Copied: it is kept for long, and must not keep what was read with it.
    let topic = Bytes::copy_from_slice(&input[begin..frame_len]);
    input.advance(frame_len);
    topic
}
