//! CURVE with real keys and somebody in between, who changes bytes, repeats, drops and swaps commands and messages.
//!
//! The input is a list of offences, each of three bytes: against which of the things that are sent, what, and where. Whatever they are, only
//! what the other end has sent arrives, in its order, and never twice.
#![no_main]

use bytes::BytesMut;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::SocketType;
use ferrozmq_proto::mechanism::crypto::DEFAULT;
use ferrozmq_proto::mechanism::{Entropy, MechanismConfig, SecretKey};
use ferrozmq_proto::zmtp::{Link, LinkConfig, Received, Receiver};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use std::time::Instant;

/// Messages that are sent after the handshake.
const MESSAGES: u8 = 6;
/// Commands of the handshake before them.
const COMMANDS: u8 = 4;

fuzz_target!(|bytes: &[u8]| {
    let mut between = Between { offences: Vec::new() };
    let mut input = Input::new(bytes);
    while !input.is_empty() && between.offences.len() < 8 {
        between.offences.push([input.byte(), input.byte(), input.byte()]);
    }
    let _ = converse(&between);
});

/// Who sits on the line.
struct Between {
    offences: Vec<[u8; 3]>,
}

impl Between {
    /// What becomes of `bytes`, the thing numbered `number`.
    fn pass(&self, number: u8, bytes: Vec<u8>) -> Vec<u8> {
        let mut bytes = bytes;
        for [target, what, place] in &self.offences {
            if target % (COMMANDS + MESSAGES) != number || bytes.is_empty() {
                continue;
            }
            let place = usize::from(*place) * bytes.len() / 256;
            match what % 11 {
                bit @ 0..8 => bytes[place] ^= 1 << bit,
                8 => bytes.truncate(place),
                9 => bytes.extend_from_within(..),
                _ => bytes.clear(),
            }
        }
        bytes
    }
}

/// `None` as soon as one side has had enough.
fn converse(between: &Between) -> Option<()> {
    let key = |byte| SecretKey::new([byte; 32]);
    let client = MechanismConfig::CurveClient {
        public_key: DEFAULT.public_key(&key(1)),
        secret_key: key(1),
        server_key: DEFAULT.public_key(&key(2)),
    };
    let server = MechanismConfig::CurveServer { secret_key: key(2), public_key: None };
    let (mut client, mut server) = (Side::new(client, 3), Side::new(server, 4));
    let (from_client, from_server) = (client.feed(b"")?, server.feed(b"")?);
    // Greetings in three steps each; they are another target's.
    let (mut hello, mut answer) = (client.feed(&from_server)?, server.feed(&from_client)?);
    for _ in 0..2 {
        (hello, answer) = (client.feed(&answer)?, server.feed(&hello)?);
    }
    let welcome = server.feed(&between.pass(0, hello))?;
    let initiate = client.feed(&between.pass(1, welcome))?;
    let ready = server.feed(&between.pass(2, initiate))?;
    client.feed(&between.pass(3, ready))?;
    let (_, mut sender, _) = client.link.split()?;
    let (mut receiver, _, _) = server.link.split()?;
    let mut input = server.input;
    let mut next = 0;
    for number in 0..MESSAGES {
        let mut wire = Vec::new();
        sender.seal(&[0, 2, b'm', number], &mut wire);
        input.extend_from_slice(&between.pass(COMMANDS + number, wire));
        next = deliver(&mut receiver, &mut input, next)?;
    }
    Some(())
}

/// Receives what there is; every message is one of those sent, later than all before.
fn deliver(receiver: &mut Receiver, input: &mut BytesMut, mut next: u8) -> Option<u8> {
    while let Some(received) = receiver.receive(input).ok()? {
        let Received::Messages { bytes, .. } = received else { panic!("nobody sent {received:?}") };
        for message in bytes.chunks(4) {
            assert!(message.starts_with(&[0, 2, b'm']) && message[3] >= next, "nobody sent {message:?}");
            next = message[3] + 1;
        }
    }
    Some(next)
}

struct Side {
    link: Link,
    input: BytesMut,
    now: Instant,
}

impl Side {
    fn new(mechanism: MechanismConfig, random: u8) -> Side {
        let now = Instant::now();
        let entropy = Entropy::gather(&mechanism, |bytes| {
            bytes.fill(random);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(entropy) = entropy;
        let config = LinkConfig { mechanism, ..LinkConfig::new(SocketType::Pair) };
        Side { link: Link::new(Arc::new(config), now, entropy), input: BytesMut::new(), now }
    }

    fn feed(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.input.extend_from_slice(bytes);
        self.link.handle_bytes(self.now, &mut self.input).ok()?;
        let mut out = Vec::new();
        self.link.poll_transmit(&mut out);
        Some(out)
    }
}
