//! Dialogues with scripted peers, and two links talking to each other.

mod between;
mod curve;
mod handshake;
mod hostile;
mod plain;
mod stream;
mod words;

use super::*;
use crate::mechanism::Entropy;
use crate::{Message, PeerError, SocketType};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Instant;

/// The first ten bytes of a versioned peer.
const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";

/// A peer's greeting of ZMTP 3.`minor`.
fn greeting(minor: u8, mechanism: &str) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([3, minor]);
    bytes.extend(mechanism.as_bytes());
    bytes.resize(64, 0);
    bytes
}

/// A command frame with these properties in READY.
fn ready(properties: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in properties {
        metadata::encode(name, value, &mut body);
    }
    let mut out = Vec::new();
    Command::Ready(&body).encode(&mut out);
    out
}

/// All that a simple peer of this type sends up to READY.
fn simple_peer(minor: u8, kind: SocketType) -> Vec<u8> {
    let mut bytes = greeting(minor, "NULL");
    bytes.extend(ready(&[("Socket-Type", kind.name().as_bytes())]));
    bytes
}

/// A type that may talk with `kind`.
fn partner(kind: SocketType) -> SocketType {
    SocketType::ALL.into_iter().find(|other| kind.accepts(*other)).expect("every type but STREAM has one")
}

/// One side of a connection, its input and output.
struct Side {
    link: Link,
    now: Instant,
    input: BytesMut,
    sent: Vec<u8>,
}

impl Side {
    fn new(config: LinkConfig) -> Side {
        Side::with_entropy(config, 0)
    }

    /// A side whose randomness is all this byte.
    fn with_entropy(config: LinkConfig, random: u8) -> Side {
        let now = Instant::now();
        let entropy = Entropy::gather(&config.mechanism, |bytes| {
            bytes.fill(random);
            Ok::<(), ()>(())
        });
        let link = Link::new(Arc::new(config), now, entropy.expect("filling does not fail"));
        let mut side = Side { link, now, input: BytesMut::new(), sent: Vec::new() };
        side.link.poll_transmit(&mut side.sent);
        side
    }

    /// The peer sends `bytes`; the answer is what goes back, including what was to be sent before.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, PeerError> {
        self.input.extend_from_slice(bytes);
        let result = self.link.handle_bytes(self.now, &mut self.input);
        self.link.poll_transmit(&mut self.sent);
        result.map(|()| std::mem::take(&mut self.sent))
    }

    fn split(self) -> (Receiver, Sender, Peer, BytesMut) {
        let (receiver, sender, peer) = self.link.split().expect("the link is ready");
        (receiver, sender, peer, self.input)
    }
}

/// A connection of `kind` that a simple peer of ZMTP 3.`minor` has made ready.
fn connected(config: LinkConfig, minor: u8) -> (Receiver, Sender, Peer, BytesMut) {
    let peer = partner(config.socket_type);
    let mut side = Side::new(config);
    side.feed(&simple_peer(minor, peer)).expect("a correct handshake");
    side.split()
}

/// All that can be received now.
fn drain(receiver: &mut Receiver, input: &mut BytesMut) -> Result<Vec<Received>, PeerError> {
    let mut all = Vec::new();
    while let Some(received) = receiver.receive(input)? {
        all.push(received);
    }
    Ok(all)
}

/// Runs joined and taken apart again, so that it does not matter how they were cut.
fn events(received: impl IntoIterator<Item = Received>) -> Vec<Event> {
    let mut events = Vec::new();
    for received in received {
        match received {
            Received::Messages { bytes, count } => {
                let mut cursor = framing::Cursor::new(bytes);
                let messages: Vec<_> = std::iter::from_fn(|| cursor.next_message()).collect();
                assert_eq!(messages.len(), count);
                assert_eq!(cursor.remaining(), 0);
                assert!(count > 0);
                events.extend(messages.into_iter().map(Event::Message));
            }
            other => events.push(Event::Other(other)),
        }
    }
    events
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Message(Message),
    Other(Received),
}

fn message(parts: &[&str]) -> Event {
    Event::Message(Message::from_parts(parts.iter().copied()).expect("at least one part"))
}

fn subscription(topic: &'static str, wanted: bool) -> Event {
    Event::Other(Received::Subscription { topic: Bytes::from_static(topic.as_bytes()), wanted })
}

fn ping(tenths: u64, context: &'static str) -> Event {
    let ttl = std::time::Duration::from_millis(100 * tenths);
    Event::Other(Received::Ping { ttl, context: Bytes::from_static(context.as_bytes()) })
}
