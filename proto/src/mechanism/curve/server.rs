//! CURVE's server up to READY: what a client costs before it has proved anything is one scalar multiplication.
//!
//! The key pair of the connection is made after a HELLO that opens, and the cookie's key is gone with WELCOME: a cookie is taken
//! back by the connection that gave it, once. Three multiplications and the two public keys are all.

use super::super::crypto::CurveCrypto;
use super::super::{AuthRequest, Mechanism};
use super::{
    COOKIE_LEN, Entropy, HELLO_BOX, HELLO_KEY, HELLO_LEN, HELLO_NONCE, INITIATE_FIXED, KEY_LEN, LONG_NONCE,
    Opener, SHORT_NONCE, Sealer, SecretKey, TAG_LEN, counted, field, open_box, random, seal_box,
};
use crate::PeerError;
use crate::zmtp::command::{self, split_name};
use bytes::Bytes;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The shortest INITIATE: one without properties.
const INITIATE_MIN: usize = 9 + COOKIE_LEN + SHORT_NONCE + TAG_LEN + INITIATE_FIXED;

/// The server's side.
#[derive(Debug)]
pub(crate) struct Server {
    crypto: &'static dyn CurveCrypto,
    /// s, and S if it is known.
    secret: SecretKey,
    public: Option<[u8; KEY_LEN]>,
    zap: bool,
    entropy: Entropy,
    /// Whether a right HELLO has come.
    greeted: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitingHello,
    SendingWelcome { welcome: SecretKey, short_client: [u8; KEY_LEN] },
    AwaitingInitiate { cookie: [u8; COOKIE_LEN], short_client: [u8; KEY_LEN], short_secret: SecretKey },
    Asking { client: [u8; KEY_LEN], proved: Proved },
    Asked { proved: Proved },
    SendingReady { proved: Proved },
    Ready { theirs: Bytes, traffic: (Sealer, Opener) },
    Done,
}

/// What a right INITIATE brought.
#[derive(Debug)]
struct Proved {
    session: SecretKey,
    counter: u64,
    theirs: Bytes,
}

impl Server {
    pub(crate) fn new(
        crypto: &'static dyn CurveCrypto,
        secret: &SecretKey,
        public: Option<[u8; KEY_LEN]>,
        zap: bool,
        entropy: Entropy,
    ) -> Server {
        Server {
            crypto,
            secret: secret.clone(),
            public,
            zap,
            entropy,
            greeted: false,
            state: State::AwaitingHello,
        }
    }

    pub(crate) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::SendingWelcome { welcome, short_client } => self.send_welcome(&welcome, short_client, out),
            State::SendingReady { proved } => self.send_ready(proved, ours, out),
            other => other,
        };
    }

    pub(crate) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        let (name, _) = split_name(body)?;
        self.state = match (name, std::mem::replace(&mut self.state, State::Done)) {
            (b"HELLO", State::AwaitingHello) => {
                let next = self.handle_hello(body)?;
                self.greeted = true;
                next
            }
            (b"INITIATE", State::AwaitingInitiate { cookie, short_client, short_secret }) => {
                self.handle_initiate(body, &cookie, &short_client, &short_secret)?
            }
            _ => return Err(PeerError::UnexpectedCommand),
        };
        Ok(())
    }

    pub(crate) fn poll_auth(&mut self) -> Option<AuthRequest> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Asking { client, proved } => {
                self.state = State::Asked { proved };
                let credentials = vec![Bytes::copy_from_slice(&client)];
                Some(AuthRequest { mechanism: Mechanism::Curve, credentials })
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    pub(crate) fn handle_grant(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::Asked { proved } => State::SendingReady { proved },
            other => other,
        };
    }

    pub(crate) fn awaits(&self) -> &'static str {
        match self.state {
            State::Asking { .. } | State::Asked { .. } => "answer from access control",
            _ if self.greeted => "INITIATE",
            _ => "HELLO",
        }
    }

    pub(crate) fn wants_command(&self) -> bool {
        matches!(self.state, State::AwaitingHello | State::AwaitingInitiate { .. })
    }

    /// The client's properties, and how messages are read and written from now on.
    pub(crate) fn finish(&mut self) -> Option<(Bytes, (Sealer, Opener))> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Ready { theirs, traffic } => Some((theirs, traffic)),
            other => {
                self.state = other;
                None
            }
        }
    }

    fn handle_hello(&self, body: &[u8]) -> Result<State, PeerError> {
        // The padding is not looked at, as in libzmq.
        if body.len() != HELLO_LEN || body.get(6..8) != Some(b"\x01\x00") {
            return Err(PeerError::MalformedHello);
        }
        let short_client = field(body, HELLO_KEY);
        let welcome = self.crypto.shared_key(&short_client, &self.secret).ok_or(PeerError::Cryptographic)?;
        let nonce = counted(b"CurveZMQHELLO---", u64::from_be_bytes(field(body, HELLO_NONCE)));
        let plain = open_box(self.crypto, body.get(HELLO_BOX..).unwrap_or_default(), &nonce, &welcome)?;
        if plain.iter().any(|byte| *byte != 0) {
            return Err(PeerError::Cryptographic);
        }
        Ok(State::SendingWelcome { welcome, short_client })
    }

    fn send_welcome(&mut self, welcome: &SecretKey, short_client: [u8; KEY_LEN], out: &mut Vec<u8>) -> State {
        // Without entropy there is no answer, and the connection ends with its time.
        let Some(spent) = self.entropy.spend() else { return State::Done };
        let [cookie_nonce, welcome_nonce] = spent.nonces;
        let mut cookie = Vec::with_capacity(COOKIE_LEN);
        cookie.extend_from_slice(&cookie_nonce);
        let keys = Zeroizing::new([short_client, *spent.secret.expose()].concat());
        seal_box(self.crypto, &keys, &random(b"COOKIE--", &cookie_nonce), &spent.cookie_key, &mut cookie);
        let plain = [&self.crypto.public_key(&spent.secret)[..], &cookie].concat();
        let mut body = welcome_nonce.to_vec();
        seal_box(self.crypto, &plain, &random(b"WELCOME-", &welcome_nonce), welcome, &mut body);
        command::frame(b"\x07WELCOME", &[&body], out);
        State::AwaitingInitiate { cookie: field(&cookie, 0), short_client, short_secret: spent.secret }
    }

    fn handle_initiate(
        &self,
        body: &[u8],
        cookie: &[u8; COOKIE_LEN],
        short_client: &[u8; KEY_LEN],
        short_secret: &SecretKey,
    ) -> Result<State, PeerError> {
        if body.len() < INITIATE_MIN {
            return Err(PeerError::MalformedInitiate);
        }
        let theirs: [u8; COOKIE_LEN] = field(body, 9);
        if !bool::from(theirs.ct_eq(cookie)) {
            return Err(PeerError::Cryptographic);
        }
        let shared = |public| self.crypto.shared_key(public, short_secret).ok_or(PeerError::Cryptographic);
        let session = shared(short_client)?;
        let counter = u64::from_be_bytes(field(body, 9 + COOKIE_LEN));
        let sealed = body.get(9 + COOKIE_LEN + SHORT_NONCE..).unwrap_or_default();
        let plain = open_box(self.crypto, sealed, &counted(b"CurveZMQINITIATE", counter), &session)?;
        let client = field(&plain, 0);
        self.check_vouch(&plain, short_client, &shared(&client)?)?;
        let theirs = Bytes::copy_from_slice(plain.get(INITIATE_FIXED..).unwrap_or_default());
        let proved = Proved { session, counter, theirs };
        Ok(if self.zap { State::Asking { client, proved } } else { State::SendingReady { proved } })
    }

    /// Both halves count: libzmq looks at the first only, and a server could pass a client's INITIATE on as its own.
    fn check_vouch(
        &self,
        plain: &[u8],
        short_client: &[u8; KEY_LEN],
        vouch: &SecretKey,
    ) -> Result<(), PeerError> {
        let nonce = random(b"VOUCH---", &field(plain, KEY_LEN));
        let sealed = plain.get(KEY_LEN + LONG_NONCE..INITIATE_FIXED).unwrap_or_default();
        let halves = open_box(self.crypto, sealed, &nonce, vouch)?;
        let public = self.public.unwrap_or_else(|| self.crypto.public_key(&self.secret));
        let expected = [*short_client, public].concat();
        if bool::from(halves.ct_eq(&expected)) { Ok(()) } else { Err(PeerError::KeyExchange) }
    }

    fn send_ready(&self, proved: Proved, ours: &[u8], out: &mut Vec<u8>) -> State {
        const COUNTER: u64 = 1;
        let mut body = COUNTER.to_be_bytes().to_vec();
        seal_box(self.crypto, ours, &counted(b"CurveZMQREADY---", COUNTER), &proved.session, &mut body);
        command::frame(b"\x05READY", &[&body], out);
        let sealer = Sealer::new(self.crypto, proved.session.clone(), b"CurveZMQMESSAGES", COUNTER);
        let opener = Opener::new(self.crypto, proved.session, b"CurveZMQMESSAGEC", proved.counter);
        State::Ready { theirs: proved.theirs, traffic: (sealer, opener) }
    }
}
