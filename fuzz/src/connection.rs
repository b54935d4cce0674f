//! One connection of ours with a fuzzer at the other end: what the engine does around a `Link` and its halves.
//!
//! [`run`] keeps nothing of what it received but a digest, so that the memory it holds is the protocol's. The digest does
//! not depend on how messages were gathered into runs: it is equal for two runs that received the same.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use ferrozmq_proto::mechanism::{Entropy, Verdict};
use ferrozmq_proto::zmtp::framing::{Cursor, Header, parse_header, whole_messages};
use ferrozmq_proto::zmtp::{Command, Limits, Link, LinkConfig, Received, Receiver, Sender};
use ferrozmq_proto::{PeerError, SocketType};

use crate::input::Input;
use crate::memory;

/// How a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The fault that ended it, if one did.
    pub fault: Option<PeerError>,
    /// The handshake succeeded.
    pub ready: bool,
    /// A digest of all that was received.
    pub received: u64,
    /// A digest of all that was sent.
    pub sent: u64,
    /// Bytes that wait for more.
    pub left: usize,
}

/// Runs the connection three times, with the bytes in one piece, one by one, and in pieces of `piece` bytes.
///
/// # Panics
/// If the outcomes differ, if one holds too much memory, or if something that was received is not what it claims to be.
pub fn check(config: LinkConfig, bytes: &[u8], piece: usize) {
    let config = Arc::new(config);
    let now = Instant::now();
    let outcomes = [bytes.len().max(1), 1, piece.max(1)].map(|piece| {
        let input = BytesMut::with_capacity(bytes.len());
        let outcome = memory::bounded(bytes.len(), || run(&config, now, input, bytes, piece));
        // Whether a fault comes before or after the ZAP handler's answer, and so our READY, is a matter of timing.
        let comparable = outcome.fault.is_none() || !config.zap;
        Outcome { sent: if comparable { outcome.sent } else { 0 }, ..outcome }
    });
    assert_eq!(outcomes[1], outcomes[0], "one byte at a time");
    assert_eq!(outcomes[2], outcomes[0], "{piece} bytes at a time");
}

/// A socket's configuration out of the next two bytes.
pub fn config(input: &mut Input<'_>) -> LinkConfig {
    let kind = SocketType::ALL[usize::from(input.byte()) % SocketType::ALL.len()];
    let switches = input.byte();
    let on = |bit: u8| switches & (1 << bit) != 0;
    let mut config = LinkConfig::new(kind);
    config.only_first_subscribe = on(0);
    config.zap = on(1);
    config.max_message_bytes = on(2).then_some(64);
    if on(3) {
        let small = Limits { handshake_bytes: 128, properties: 2, property_bytes: 16, ..Limits::default() };
        config.limits = Limits { parts: 4, message_bytes: Some(1000), topic_bytes: 32, ..small };
    }
    if on(4) {
        config.routing_id = Bytes::from_static(b"us");
    }
    config.handshake_timeout = on(5).then_some(Duration::from_secs(30));
    config
}

/// The greeting of a peer that speaks ZMTP 3.1 and this mechanism.
#[must_use]
pub fn greeting(mechanism: &str) -> Vec<u8> {
    let mut wire = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01".to_vec();
    wire.extend(mechanism.as_bytes());
    wire.resize(64, 0);
    wire
}

fn run(config: &Arc<LinkConfig>, now: Instant, mut input: BytesMut, bytes: &[u8], piece: usize) -> Outcome {
    let mut side = Side::new(config, now);
    let mut pieces = bytes.chunks(piece);
    // The first step is without bytes: our greeting goes out before the peer's has come.
    let mut next = Some(&[][..]);
    while let Some(bytes) = next {
        input.extend_from_slice(bytes);
        if let Err(fault) = side.step(now, &mut input) {
            assert_eq!(side.step(now, &mut input), Err(fault), "a fault stays the same");
            return Outcome { left: 0, ..side.outcome(Some(fault), 0) };
        }
        next = pieces.next();
    }
    assert!(side.events <= bytes.len() + 1, "more events than bytes");
    side.outcome(None, input.len())
}

struct Side {
    state: State,
    received: DefaultHasher,
    sent: DefaultHasher,
    events: usize,
    out: Vec<u8>,
}

enum State {
    Shaking(Box<Link>),
    Ready(Box<Receiver>, Sender),
    Lost,
}

impl Side {
    fn new(config: &Arc<LinkConfig>, now: Instant) -> Side {
        let entropy = Entropy::gather(&config.mechanism, |bytes| {
            bytes.fill(7);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(entropy) = entropy;
        Side {
            state: State::Shaking(Box::new(Link::new(config.clone(), now, entropy))),
            received: DefaultHasher::new(),
            sent: DefaultHasher::new(),
            events: 0,
            out: Vec::new(),
        }
    }

    fn outcome(&self, fault: Option<PeerError>, left: usize) -> Outcome {
        Outcome {
            fault,
            ready: matches!(self.state, State::Ready(..)),
            received: self.received.finish(),
            sent: self.sent.finish(),
            left,
        }
    }

    fn step(&mut self, now: Instant, input: &mut BytesMut) -> Result<(), PeerError> {
        if let State::Shaking(link) = &mut self.state {
            let result = shake(link, now, input, &mut self.out);
            self.flush();
            result?;
            self.split();
        }
        loop {
            let State::Ready(receiver, _) = &mut self.state else { return Ok(()) };
            // As the engine: the short way first.
            let short = receiver.receive_short(input);
            if let Some((bytes, count)) = short {
                self.events += 1;
                self.note(&Received::Messages { bytes, count });
                continue;
            }
            let Some(received) = receiver.receive(input)? else {
                assert!(receiver.wanted() > 0, "it waits for nothing");
                return Ok(());
            };
            self.events += 1;
            self.note(&received);
        }
    }

    fn split(&mut self) {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Shaking(link) if link.is_ready() => {
                let (receiver, sender, peer) = link.split().expect("a link that is ready splits");
                assert!(peer.routing_id.len() <= 255);
                self.received.write(format!("{peer:?}").as_bytes());
                self.state = State::Ready(Box::new(receiver), sender);
            }
            state => self.state = state,
        }
    }

    fn flush(&mut self) {
        self.sent.write(&self.out);
        self.out.clear();
    }

    fn note(&mut self, received: &Received) {
        match received {
            Received::Messages { bytes, count } => self.note_messages(bytes, *count),
            other => self.received.write(format!("{other:?}").as_bytes()),
        }
        let State::Ready(_, sender) = &mut self.state else { return };
        if let Received::Ping { context, .. } = received {
            sender.command(&Command::Pong { context }, &mut self.out);
        }
        self.flush();
    }

    /// A run holds as many whole messages as it says, without commands, and the fast decoder finds them all.
    fn note_messages(&mut self, bytes: &Bytes, count: usize) {
        assert!(count > 0);
        assert_eq!(whole_messages(bytes), (bytes.len(), count));
        self.received.write(bytes);
        let mut rest = &bytes[..];
        while let Header::Frame { flags, header_len, body_len } = parse_header(rest) {
            assert!(!flags.command(), "a command is no message");
            rest = &rest[header_len + body_len as usize..];
        }
        let mut cursor = Cursor::new(bytes.clone());
        let mut frames = 0;
        while let Some((_, more)) = cursor.next_frame() {
            frames += usize::from(!more);
        }
        assert_eq!((frames, cursor.remaining()), (count, 0));
    }
}

fn shake(link: &mut Link, now: Instant, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<(), PeerError> {
    let mut result = link.handle_bytes(now, input);
    link.poll_transmit(out);
    if result.is_ok() && link.poll_auth().is_some() {
        result = link.handle_auth(Verdict::Granted { user_id: Bytes::new(), properties: Vec::new() });
        result = result.and_then(|()| link.handle_bytes(now, input));
        link.poll_transmit(out);
    }
    result
}
