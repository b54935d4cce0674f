//! The other end of CURVE with real keys, which says in its boxes what an input says.
//!
//! Its handshake is right, unless the input changes bytes of it, before or after they are sealed. What it sends after that is right
//! as to boxes and counters, and anything inside: our end must take it exactly as it takes the same frames without encryption.

use crate::connection;
use crate::input::Input;
use bytes::BytesMut;
use ferrozmq_proto::mechanism::crypto::DEFAULT;
use ferrozmq_proto::mechanism::{Entropy, MechanismConfig, SecretKey};
use ferrozmq_proto::zmtp::framing::{Header, parse_header};
use ferrozmq_proto::zmtp::{Command, Link, LinkConfig, Received, Receiver, metadata};
use ferrozmq_proto::{PeerError, SocketType};
use std::sync::Arc;
use std::time::Instant;

/// Changes of an input; most change nothing.
struct Changes([[u8; 3]; 3]);

/// Our end, and what it has said.
struct Ours {
    link: Link,
    now: Instant,
    input: BytesMut,
}

/// The forger is a client.
///
/// # Panics
/// If our server takes what it should not.
pub fn against_server(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let config = config(&mut input, MechanismConfig::CurveServer { secret_key: key(2), public_key: None });
    let changes = Changes::new(&mut input);
    let mut ours = Ours::new(config.clone());
    let _ = client(&mut ours, &changes, &config, &mut input);
}

/// The forger is a server.
///
/// # Panics
/// If our client takes what it should not.
pub fn against_client(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mechanism = MechanismConfig::CurveClient {
        public_key: DEFAULT.public_key(&key(1)),
        secret_key: key(1),
        server_key: DEFAULT.public_key(&key(2)),
    };
    let config = config(&mut input, mechanism);
    let changes = Changes::new(&mut input);
    let mut ours = Ours::new(config.clone());
    let _ = server(&mut ours, &changes, &config, &mut input);
}

/// `None` as soon as our end has had enough.
fn client(ours: &mut Ours, changes: &Changes, config: &LinkConfig, input: &mut Input<'_>) -> Option<()> {
    let (short, public) = (key(3), |secret: u8| DEFAULT.public_key(&key(secret)));
    ours.feed(&connection::greeting("CURVE"))?;
    let mut hello = [&b"\x05HELLO\x01\0"[..], &[0; 72], &public(3), &1_u64.to_be_bytes()].concat();
    let plain = changes.before(0, vec![0; 64]);
    hello.extend(sealed(&plain, b"CurveZMQHELLO---", 1, &DEFAULT.shared_key(&public(2), &short)?));
    let welcome = ours.feed(&command(changes.after(0, hello)))?;
    let welcome = body(&welcome)?;
    let nonce = [b"WELCOME-", welcome.get(8..24)?].concat();
    let box_key = DEFAULT.shared_key(&public(2), &short)?;
    let plain = opened(welcome.get(24..)?, &nonce, &box_key).expect("our server seals what its client opens");
    let (theirs, cookie) = plain.split_first_chunk::<32>()?;
    let session = DEFAULT.shared_key(theirs, &short)?;

    let halves = changes.before(1, [public(3), public(2)].concat());
    let vouch_nonce = [7; 16];
    let vouch = sealed_with(
        &halves,
        &[b"VOUCH---", &vouch_nonce[..]].concat(),
        &DEFAULT.shared_key(theirs, &key(1))?,
    );
    let proof = [&public(1)[..], &vouch_nonce, &vouch, &properties(config)].concat();
    let proof = changes.before(2, proof);
    let mut initiate = [b"\x08INITIATE", cookie, &2_u64.to_be_bytes()].concat();
    initiate.extend(sealed(&proof, b"CurveZMQINITIATE", 2, &session));
    ours.feed(&command(changes.after(1, initiate)))?;
    talk(ours, b"CurveZMQMESSAGEC", 2, &session, config, input)
}

/// Likewise.
fn server(ours: &mut Ours, changes: &Changes, config: &LinkConfig, input: &mut Input<'_>) -> Option<()> {
    let (short, public) = (key(4), DEFAULT.public_key(&key(4)));
    let greeting = ours.feed(&connection::greeting("CURVE"))?;
    let hello = body(greeting.get(64..)?)?;
    let client = hello.get(80..)?.first_chunk::<32>()?;
    let box_key = DEFAULT.shared_key(client, &key(2))?;
    let nonce = [b"CurveZMQHELLO---", hello.get(112..120)?].concat();
    assert_eq!(opened(hello.get(120..)?, &nonce, &box_key).as_deref(), Some(&[0; 64][..]));
    let plain = changes.before(0, [&public[..], &[5; 96]].concat());
    let mut welcome = [&b"\x07WELCOME"[..], &[6; 16]].concat();
    welcome.extend(sealed_with(&plain, &[&b"WELCOME-"[..], &[6; 16]].concat(), &box_key));
    let initiate = ours.feed(&command(changes.after(0, welcome)))?;
    let initiate = body(&initiate)?;
    let session = DEFAULT.shared_key(client, &short)?;
    let nonce = [b"CurveZMQINITIATE", initiate.get(105..113)?].concat();
    // With a public key that the input has changed, ours has sealed it for somebody else.
    let _ = opened(initiate.get(113..)?, &nonce, &session)?;
    let mut ready = [&b"\x05READY"[..], &1_u64.to_be_bytes()].concat();
    ready.extend(sealed(&changes.before(1, properties(config)), b"CurveZMQREADY---", 1, &session));
    ours.feed(&command(changes.after(1, ready)))?;
    talk(ours, b"CurveZMQMESSAGES", 1, &session, config, input)
}

/// Frames of the input in boxes to our end, and as they are to another one that does not encrypt: both receive the same.
fn talk(
    ours: &mut Ours,
    prefix: &[u8; 16],
    mut counter: u64,
    session: &SecretKey,
    config: &LinkConfig,
    input: &mut Input<'_>,
) -> Option<()> {
    let (mut secret, mut plain) = (ours.receiver()?, plain_receiver(config)?);
    let (mut boxes, mut frames) = (ours.input.split(), BytesMut::new());
    while !input.is_empty() {
        let (flags, length, step) = (input.byte() & 3, usize::from(input.byte()), input.byte());
        let content = input.take(length);
        // MORE of a command is told from nothing else than MORE of a message, and is wrong: both ends must see it.
        let (header, more) = ((flags & 2) << 1, flags & 1);
        frames.extend_from_slice(&[header | more, content.len() as u8]);
        frames.extend_from_slice(content);
        counter += 1 + u64::from(step >> 5);
        let mut message = [&b"\x07MESSAGE"[..], &counter.to_be_bytes()].concat();
        message.extend(sealed(&[&[flags][..], content].concat(), prefix, counter, session));
        let mut boxed = command(message);
        boxed[0] &= 2;
        boxes.extend_from_slice(&boxed);
        let (one, other) = (all(&mut secret, &mut boxes), all(&mut plain, &mut frames));
        assert_eq!(one, other, "encrypted, and as it is");
        one.1?;
    }
    Some(())
}

/// All that can be received; joined, since runs may be cut in other places; and whether it goes on.
fn all(receiver: &mut Receiver, input: &mut BytesMut) -> (Vec<Received>, Option<()>) {
    let mut got: Vec<Received> = Vec::new();
    loop {
        match receiver.receive(input) {
            Ok(Some(Received::Messages { bytes, count })) => match got.last_mut() {
                Some(Received::Messages { bytes: before, count: sum }) => {
                    *before = [&before[..], &bytes].concat().into();
                    *sum += count;
                }
                _ => got.push(Received::Messages { bytes, count }),
            },
            Ok(Some(other)) => got.push(other),
            Ok(None) => return (got, Some(())),
            Err(_) => return (got, None),
        }
    }
}

/// What an end without encryption reads with, after a handshake.
fn plain_receiver(config: &LinkConfig) -> Option<Receiver> {
    let config = LinkConfig { mechanism: MechanismConfig::Null, ..config.clone() };
    let mut wire = connection::greeting("NULL");
    Command::Ready(&properties(&config)).encode(&mut wire);
    let mut ours = Ours::new(config);
    ours.feed(&wire)?;
    ours.receiver()
}

/// A configuration without ZAP; its limits are never those of the handshake.
fn config(input: &mut Input<'_>, mechanism: MechanismConfig) -> LinkConfig {
    let config = connection::config(input);
    LinkConfig { mechanism, zap: false, limits: ferrozmq_proto::zmtp::Limits::default(), ..config }
}

fn properties(config: &LinkConfig) -> Vec<u8> {
    let fits = |theirs: &SocketType| config.socket_type.accepts(*theirs);
    let theirs = SocketType::ALL.into_iter().find(fits).unwrap_or(SocketType::Pair);
    let mut properties = Vec::new();
    metadata::encode(metadata::SOCKET_TYPE, theirs.name().as_bytes(), &mut properties);
    properties
}

impl Changes {
    fn new(input: &mut Input<'_>) -> Changes {
        Changes(std::array::from_fn(|_| [input.byte(), input.byte(), input.byte()]))
    }

    /// The plaintext numbered `number` as it is to be sealed.
    fn before(&self, number: u8, plain: Vec<u8>) -> Vec<u8> {
        self.made(number, plain)
    }

    /// The command numbered `number` as it is to be sent.
    fn after(&self, number: u8, sealed: Vec<u8>) -> Vec<u8> {
        self.made(4 + number, sealed)
    }

    fn made(&self, number: u8, mut bytes: Vec<u8>) -> Vec<u8> {
        for [target, place, value] in &self.0 {
            // Targets 8 and above are nothing: most inputs leave the handshake alone.
            if *target != number + 1 || bytes.is_empty() {
                continue;
            }
            let place = usize::from(*place) % bytes.len();
            match value {
                0 => bytes.truncate(place),
                1 => bytes.extend_from_within(place..),
                value => bytes[place] ^= value,
            }
        }
        bytes
    }
}

impl Ours {
    fn new(config: LinkConfig) -> Ours {
        let now = Instant::now();
        let entropy = Entropy::gather(&config.mechanism, |bytes| {
            bytes.fill(9);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(entropy) = entropy;
        Ours { link: Link::new(Arc::new(config), now, entropy), now, input: BytesMut::new() }
    }

    fn feed(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.input.extend_from_slice(bytes);
        let result: Result<(), PeerError> = self.link.handle_bytes(self.now, &mut self.input);
        let mut out = Vec::new();
        self.link.poll_transmit(&mut out);
        result.ok()?;
        Some(out)
    }

    /// `None` if the handshake is not over.
    fn receiver(&mut self) -> Option<Receiver> {
        let unused = Link::new(Arc::new(LinkConfig::new(SocketType::Pair)), self.now, Entropy::NONE);
        std::mem::replace(&mut self.link, unused).split().map(|(receiver, _, _)| receiver)
    }
}

fn key(byte: u8) -> SecretKey {
    SecretKey::new([byte; 32])
}

fn command(body: Vec<u8>) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(short) => [&[4, short][..], &body].concat(),
        Err(_) => [&[6][..], &(body.len() as u64).to_be_bytes(), &body].concat(),
    }
}

/// The body of the one frame in `bytes`.
fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    match parse_header(bytes) {
        Header::Frame { header_len, body_len, .. } => {
            Some(bytes.get(header_len..header_len + body_len as usize)?.to_vec())
        }
        _ => None,
    }
}

fn sealed(plain: &[u8], prefix: &[u8; 16], counter: u64, key: &SecretKey) -> Vec<u8> {
    sealed_with(plain, &[&prefix[..], &counter.to_be_bytes()].concat(), key)
}

fn sealed_with(plain: &[u8], nonce: &[u8], key: &SecretKey) -> Vec<u8> {
    let mut data = plain.to_vec();
    let tag = DEFAULT.seal(&mut data, nonce.try_into().expect("24 bytes"), key);
    [&tag[..], &data].concat()
}

fn opened(sealed: &[u8], nonce: &[u8], key: &SecretKey) -> Option<Vec<u8>> {
    let (tag, data) = sealed.split_first_chunk::<16>()?;
    let mut data = data.to_vec();
    DEFAULT.open(&mut data, tag, nonce.try_into().ok()?, key).then_some(data)
}
