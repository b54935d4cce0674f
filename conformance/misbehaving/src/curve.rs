//! CURVE's client by hand, each of its commands made so that it can be made wrongly.

use crate::peer::Peer;
use crate::wire;
use ferrozmq_proto::mechanism::SecretKey;
use ferrozmq_proto::mechanism::crypto::DEFAULT;
use std::io;

/// The secret keys of both long-term key pairs; they guard nothing.
pub const CLIENT_SECRET: [u8; 32] = [0x11; 32];
/// The victim's.
pub const SERVER_SECRET: [u8; 32] = [0x22; 32];
/// The client's connection key; always the same, which no honest client's is.
const SHORT_SECRET: [u8; 32] = [0x33; 32];

/// Lengths of the server's WELCOME.
const WELCOME_LEN: usize = 168;

/// The public key that belongs to a secret one.
#[must_use]
pub fn public_key(secret: [u8; 32]) -> [u8; 32] {
    DEFAULT.public_key(&SecretKey::new(secret))
}

/// A client's side of a connection.
#[derive(Clone, Debug)]
pub struct Session {
    key: SecretKey,
    /// The last counter that was used.
    pub counter: u64,
}

/// What is wrong with an INITIATE, if anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Initiate<'a> {
    /// The long-term key that is named, if it is not ours.
    pub claimed: Option<[u8; 32]>,
    /// The server that is vouched to, if it is not this one.
    pub meant: Option<[u8; 32]>,
    /// The connection key in the vouch, if it is not ours.
    pub vouched: Option<[u8; 32]>,
    /// The cookie, if it is not the one that came.
    pub cookie: Option<[u8; 96]>,
    /// Properties, if not those of a DEALER.
    pub properties: Option<&'a [u8]>,
}

/// The body of a HELLO to the server with this key, from the holder of `short`.
pub fn hello_to(server: [u8; 32], short: [u8; 32]) -> Vec<u8> {
    let key = shared(server, short).unwrap_or_default();
    let mut body = [&b"\x05HELLO\x01\0"[..], &[0; 72], &public_key(short), &1_u64.to_be_bytes()].concat();
    body.extend(sealed(&[0; 64], &counted(b"CurveZMQHELLO---", 1), &key));
    body
}

/// The frame of the right HELLO.
pub fn hello() -> Vec<u8> {
    wire::frame(wire::COMMAND, &hello_to(public_key(SERVER_SECRET), SHORT_SECRET))
}

/// Greets, says HELLO, and gives what came in WELCOME: S' and the cookie.
pub fn welcomed(peer: &mut Peer) -> io::Result<([u8; 32], [u8; 96])> {
    peer.say(&[wire::greeting("CURVE"), hello()].concat())?;
    peer.hear_greeting()?;
    let (_, body) = peer.hear()?;
    let key = shared(public_key(SERVER_SECRET), SHORT_SECRET).unwrap_or_default();
    let nonce = body.get(8..24).map(|random| [b"WELCOME-", random].concat());
    let plain =
        nonce.filter(|_| body.len() == WELCOME_LEN).and_then(|nonce| opened(&body[24..], &nonce, &key));
    let plain = plain.filter(|plain| plain.len() == 128).ok_or(io::Error::other("this is no WELCOME"))?;
    let (mut server, mut cookie) = ([0; 32], [0; 96]);
    server.copy_from_slice(&plain[..32]);
    cookie.copy_from_slice(&plain[32..]);
    Ok((server, cookie))
}

/// The frame of an INITIATE to the server that said `server` and `cookie`, with what is wrong about it.
pub fn initiate(server: [u8; 32], cookie: [u8; 96], wrong: Initiate<'_>) -> Vec<u8> {
    let halves =
        [wrong.vouched.unwrap_or(public_key(SHORT_SECRET)), wrong.meant.unwrap_or(public_key(SERVER_SECRET))]
            .concat();
    let vouch_nonce = [7; 16];
    let vouch_key = shared(server, CLIENT_SECRET).unwrap_or_default();
    let vouch = sealed(&halves, &[&b"VOUCH---"[..], &vouch_nonce].concat(), &vouch_key);
    let claimed = wrong.claimed.unwrap_or(public_key(CLIENT_SECRET));
    let usual = wire::property("Socket-Type", b"DEALER");
    let proof = [&claimed[..], &vouch_nonce, &vouch, wrong.properties.unwrap_or(&usual)].concat();
    let session = shared(server, SHORT_SECRET).unwrap_or_default();
    let mut body = [&b"\x08INITIATE"[..], &wrong.cookie.unwrap_or(cookie), &2_u64.to_be_bytes()].concat();
    body.extend(sealed(&proof, &counted(b"CurveZMQINITIATE", 2), &session));
    wire::frame(wire::COMMAND, &body)
}

/// Shakes hands; what follows can be sealed then.
pub fn be_ready(peer: &mut Peer) -> io::Result<Session> {
    let (server, cookie) = welcomed(peer)?;
    peer.say(&initiate(server, cookie, Initiate::default()))?;
    peer.hear()?;
    let key = shared(server, SHORT_SECRET).unwrap_or_default();
    let session = Session { key, counter: 2 };
    peer.session = Some(session.clone());
    Ok(session)
}

impl Session {
    /// The frame of the next MESSAGE: flags in the box, and a body.
    pub fn message(&mut self, flags: u8, body: &[u8]) -> Vec<u8> {
        self.counter += 1;
        self.message_numbered(self.counter, flags, body)
    }

    /// The frame of a MESSAGE with this counter.
    pub fn message_numbered(&self, counter: u64, flags: u8, body: &[u8]) -> Vec<u8> {
        self.boxed(counter, &[&[flags], body].concat())
    }

    /// The frame of a MESSAGE with this in its box.
    pub fn boxed(&self, counter: u64, content: &[u8]) -> Vec<u8> {
        let mut message = [&b"\x07MESSAGE"[..], &counter.to_be_bytes()].concat();
        message.extend(sealed(content, &counted(b"CurveZMQMESSAGEC", counter), &self.key));
        wire::frame(0, &message)
    }

    /// The frame of an encrypted PING.
    pub fn ping(&mut self, context: &[u8]) -> Vec<u8> {
        self.message(2, &[&b"\x04PING\0\0"[..], context].concat())
    }

    /// What is in the box of the server's MESSAGE.
    pub fn opened(&self, body: &[u8]) -> Option<Vec<u8>> {
        let counter = body.get(8..16)?;
        opened(body.get(16..)?, &[b"CurveZMQMESSAGES", counter].concat(), &self.key)
    }
}

fn shared(public: [u8; 32], secret: [u8; 32]) -> Option<SecretKey> {
    DEFAULT.shared_key(&public, &SecretKey::new(secret))
}

fn counted(prefix: &[u8; 16], counter: u64) -> Vec<u8> {
    [&prefix[..], &counter.to_be_bytes()].concat()
}

fn sealed(plain: &[u8], nonce: &[u8], key: &SecretKey) -> Vec<u8> {
    let mut data = plain.to_vec();
    let nonce = nonce.first_chunk().copied().unwrap_or([0; 24]);
    let tag = DEFAULT.seal(&mut data, &nonce, key);
    [&tag[..], &data].concat()
}

fn opened(sealed: &[u8], nonce: &[u8], key: &SecretKey) -> Option<Vec<u8>> {
    let (tag, data) = sealed.split_first_chunk()?;
    let mut data = data.to_vec();
    DEFAULT.open(&mut data, tag, nonce.first_chunk()?, key).then_some(data)
}
