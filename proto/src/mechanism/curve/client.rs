//! CURVE's client up to READY: HELLO, then INITIATE for who answers WELCOME with the right key.
//!
//! It asks nobody: that the server has the secret key of the public one it was told is all it wants to know.

use super::super::crypto::CurveCrypto;
use super::{
    COOKIE_LEN, Entropy, HELLO_BOX, HELLO_KEY, HELLO_LEN, KEY_LEN, LONG_NONCE, Opener, SHORT_NONCE, Sealer,
    SecretKey, TAG_LEN, WELCOME_LEN, counted, field, open_box, random, seal_box,
};
use crate::PeerError;
use crate::zmtp::command::{self, split_name};
use bytes::Bytes;
use zeroize::Zeroizing;

/// The shortest READY: name, nonce, an empty box.
const READY_MIN: usize = 6 + SHORT_NONCE + TAG_LEN;

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client {
    crypto: &'static dyn CurveCrypto,
    /// C and c, S.
    public: [u8; KEY_LEN],
    secret: SecretKey,
    server: [u8; KEY_LEN],
    /// C' and c'.
    short_public: [u8; KEY_LEN],
    short_secret: SecretKey,
    vouch_nonce: [u8; LONG_NONCE],
    /// The last counter that was sent.
    sent: u64,
    /// Whether a right WELCOME has come.
    welcomed: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    SendingHello { hello: SecretKey },
    AwaitingWelcome { hello: SecretKey },
    SendingInitiate { cookie: [u8; COOKIE_LEN], session: SecretKey, vouch: SecretKey },
    AwaitingReady { session: SecretKey },
    Ready { theirs: Bytes, traffic: (Sealer, Opener) },
    Done,
}

impl Client {
    /// `None` if there is no entropy, or the server's key is none.
    pub(crate) fn new(
        crypto: &'static dyn CurveCrypto,
        public: &[u8; KEY_LEN],
        secret: &SecretKey,
        server: &[u8; KEY_LEN],
        entropy: &mut Entropy,
    ) -> Option<Client> {
        let spent = entropy.spend()?;
        let hello = crypto.shared_key(server, &spent.secret)?;
        Some(Client {
            crypto,
            public: *public,
            secret: secret.clone(),
            server: *server,
            short_public: crypto.public_key(&spent.secret),
            short_secret: spent.secret,
            vouch_nonce: spent.nonces[0],
            sent: 0,
            welcomed: false,
            state: State::SendingHello { hello },
        })
    }

    pub(crate) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::SendingHello { hello } => {
                self.send_hello(&hello, out);
                State::AwaitingWelcome { hello }
            }
            State::SendingInitiate { cookie, session, vouch } => {
                self.send_initiate(&cookie, &session, &vouch, ours, out);
                State::AwaitingReady { session }
            }
            other => other,
        };
    }

    pub(crate) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        let (name, _) = split_name(body)?;
        self.state = match (name, std::mem::replace(&mut self.state, State::Done)) {
            (b"WELCOME", State::AwaitingWelcome { hello }) => {
                let next = self.handle_welcome(body, &hello)?;
                self.welcomed = true;
                next
            }
            (b"READY", State::AwaitingReady { session }) => self.handle_ready(body, session)?,
            _ => return Err(PeerError::UnexpectedCommand),
        };
        Ok(())
    }

    pub(crate) fn awaits(&self) -> &'static str {
        if self.welcomed { "READY" } else { "WELCOME" }
    }

    pub(crate) fn wants_command(&self) -> bool {
        matches!(self.state, State::AwaitingWelcome { .. } | State::AwaitingReady { .. })
    }

    /// The server's properties, and how messages are read and written from now on.
    pub(crate) fn finish(&mut self) -> Option<(Bytes, (Sealer, Opener))> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready { theirs, traffic } => Some((theirs, traffic)),
            other => {
                self.state = other;
                None
            }
        }
    }

    fn count(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    fn send_hello(&mut self, hello: &SecretKey, out: &mut Vec<u8>) {
        let counter = self.count();
        let mut body = Vec::with_capacity(HELLO_LEN);
        body.extend_from_slice(b"\x01\x00");
        body.resize(HELLO_KEY - 6, 0);
        body.extend_from_slice(&self.short_public);
        body.extend_from_slice(&counter.to_be_bytes());
        let nonce = counted(b"CurveZMQHELLO---", counter);
        seal_box(self.crypto, &[0; HELLO_LEN - HELLO_BOX - TAG_LEN], &nonce, hello, &mut body);
        command::frame(b"\x05HELLO", &[&body], out);
    }

    fn handle_welcome(&self, body: &[u8], hello: &SecretKey) -> Result<State, PeerError> {
        if body.len() != WELCOME_LEN {
            return Err(PeerError::MalformedWelcome);
        }
        let nonce = random(b"WELCOME-", &field(body, 8));
        let plain = open_box(self.crypto, body.get(8 + LONG_NONCE..).unwrap_or_default(), &nonce, hello)?;
        let short_server = field(&plain, 0);
        let shared = |secret| self.crypto.shared_key(&short_server, secret).ok_or(PeerError::Cryptographic);
        let session = shared(&self.short_secret)?;
        let vouch = shared(&self.secret)?;
        Ok(State::SendingInitiate { cookie: field(&plain, KEY_LEN), session, vouch })
    }

    fn send_initiate(
        &mut self,
        cookie: &[u8; COOKIE_LEN],
        session: &SecretKey,
        vouch: &SecretKey,
        ours: &[u8],
        out: &mut Vec<u8>,
    ) {
        let mut plain = Zeroizing::new(self.public.to_vec());
        plain.extend_from_slice(&self.vouch_nonce);
        let halves = [self.short_public, self.server].concat();
        seal_box(self.crypto, &halves, &random(b"VOUCH---", &self.vouch_nonce), vouch, &mut plain);
        plain.extend_from_slice(ours);
        let counter = self.count();
        let mut body = cookie.to_vec();
        body.extend_from_slice(&counter.to_be_bytes());
        seal_box(self.crypto, &plain, &counted(b"CurveZMQINITIATE", counter), session, &mut body);
        command::frame(b"\x08INITIATE", &[&body], out);
    }

    fn handle_ready(&self, body: &[u8], session: SecretKey) -> Result<State, PeerError> {
        if body.len() < READY_MIN {
            return Err(PeerError::MalformedReady);
        }
        let counter = u64::from_be_bytes(field(body, 6));
        let nonce = counted(b"CurveZMQREADY---", counter);
        let sealed = body.get(6 + SHORT_NONCE..).unwrap_or_default();
        let theirs = Bytes::copy_from_slice(&open_box(self.crypto, sealed, &nonce, &session)?);
        let sealer = Sealer::new(self.crypto, session.clone(), b"CurveZMQMESSAGEC", self.sent);
        let opener = Opener::new(self.crypto, session, b"CurveZMQMESSAGES", counter);
        Ok(State::Ready { theirs, traffic: (sealer, opener) })
    }
}
