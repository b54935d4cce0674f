//! The options of security: which mechanism, which side of it, and its keys and credentials.
//!
//! As in libzmq nobody chooses the mechanism by name: of the options that belong to one, whichever was set last decides. Values
//! stay when another mechanism takes over, and count again when theirs does. [`Security::mechanism_config`] is
//! what a connection is told.

use crate::mechanism::{KEY_LEN, Mechanism, MechanismConfig, Role, SecretKey, SecretText, crypto};
use crate::z85;
use zeroize::Zeroizing;

use super::{Options, Wrong};

/// Length of a key as Z85, in characters.
pub(super) const KEY_TEXT_LEN: usize = 40;

/// What one socket demands of its peers, and how it proves itself to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Our side of it.
    pub role: Role,
    /// User name, if we are PLAIN's client.
    pub plain_username: String,
    /// Password, if we are PLAIN's client.
    pub plain_password: SecretText,
    /// Our public key, if we are CURVE's client.
    pub curve_public_key: [u8; KEY_LEN],
    /// Our secret key.
    pub curve_secret_key: SecretKey,
    /// The public key that belongs to it, which servers need in each handshake; kept since the secret one was set.
    pub curve_own_key: Option<[u8; KEY_LEN]>,
    /// The server's public key, if we are CURVE's client.
    pub curve_server_key: [u8; KEY_LEN],
    /// Domain of the questions to the ZAP handler (RFC 27).
    pub zap_domain: String,
    /// Whether an empty domain is one too: without it libzmq's old rules hold.
    pub zap_enforce_domain: bool,
}

impl Default for Security {
    fn default() -> Security {
        Security {
            mechanism: Mechanism::Null,
            role: Role::Client,
            plain_username: String::new(),
            plain_password: SecretText::default(),
            curve_public_key: [0; KEY_LEN],
            curve_secret_key: SecretKey::default(),
            curve_own_key: None,
            curve_server_key: [0; KEY_LEN],
            zap_domain: String::new(),
            zap_enforce_domain: false,
        }
    }
}

impl Security {
    /// What a connection is to speak.
    #[must_use]
    pub fn mechanism_config(&self) -> MechanismConfig {
        match (self.mechanism, self.role) {
            (Mechanism::Null, _) => MechanismConfig::Null,
            (Mechanism::Plain, Role::Server) => MechanismConfig::PlainServer,
            (Mechanism::Plain, Role::Client) => MechanismConfig::PlainClient {
                username: self.plain_username.clone(),
                password: self.plain_password.clone(),
            },
            (Mechanism::Curve, Role::Client) => MechanismConfig::CurveClient {
                public_key: self.curve_public_key,
                secret_key: self.curve_secret_key.clone(),
                server_key: self.curve_server_key,
            },
            (Mechanism::Curve, Role::Server) => MechanismConfig::CurveServer {
                secret_key: self.curve_secret_key.clone(),
                public_key: self.curve_own_key,
            },
        }
    }

    /// Whether we are the server of `mechanism`.
    pub(super) fn serves(&self, mechanism: Mechanism) -> bool {
        self.mechanism == mechanism && self.role == Role::Server
    }

    /// `ZMQ_PLAIN_SERVER` and `ZMQ_CURVE_SERVER`.
    pub(super) fn serve(&mut self, mechanism: Mechanism, wanted: bool) {
        (self.mechanism, self.role) =
            if wanted { (mechanism, Role::Server) } else { (Mechanism::Null, Role::Client) };
    }

    /// `ZMQ_PLAIN_USERNAME`; NULL ends PLAIN, and forgets nothing.
    pub(super) fn set_plain_username(&mut self, username: Option<&str>) {
        if let Some(username) = username {
            self.plain_username = username.to_owned();
        }
        self.be_plain_client(username.is_some());
    }

    /// `ZMQ_PLAIN_PASSWORD`, likewise.
    pub(super) fn set_plain_password(&mut self, password: Option<&str>) {
        if let Some(password) = password {
            self.plain_password = SecretText::new(password);
        }
        self.be_plain_client(password.is_some());
    }

    fn be_plain_client(&mut self, wanted: bool) {
        if wanted {
            (self.mechanism, self.role) = (Mechanism::Plain, Role::Client);
        } else {
            self.mechanism = Mechanism::Null;
        }
    }

    /// `ZMQ_CURVE_PUBLICKEY`.
    pub(super) fn set_curve_public_key(&mut self, key: [u8; KEY_LEN]) {
        self.curve_public_key = key;
        self.mechanism = Mechanism::Curve;
    }

    /// `ZMQ_CURVE_SECRETKEY`.
    pub(super) fn set_curve_secret_key(&mut self, key: [u8; KEY_LEN]) {
        self.curve_secret_key = SecretKey::new(key);
        self.curve_own_key = Some(crypto::DEFAULT.public_key(&self.curve_secret_key));
        self.mechanism = Mechanism::Curve;
    }

    /// `ZMQ_CURVE_SERVERKEY`, which only a client has.
    pub(super) fn set_curve_server_key(&mut self, key: [u8; KEY_LEN]) {
        self.curve_server_key = key;
        (self.mechanism, self.role) = (Mechanism::Curve, Role::Client);
    }
}

/// libzmq's number of the mechanism in use.
pub(super) fn mechanism_number(options: &Options) -> i32 {
    match options.security.mechanism {
        Mechanism::Null => 0,
        Mechanism::Plain => 1,
        Mechanism::Curve => 2,
    }
}

/// A key: 32 bytes, or 40 characters of Z85, after which C programs may have counted a NUL.
pub(super) fn key(bytes: &[u8]) -> Result<[u8; KEY_LEN], Wrong> {
    if let Ok(key) = bytes.try_into() {
        return Ok(key);
    }
    let length = bytes.len();
    let text = match (length, bytes) {
        (KEY_TEXT_LEN, text) => text,
        (_, [text @ .., 0]) if length == KEY_TEXT_LEN + 1 => text,
        _ => return Err(Wrong::Length(length)),
    };
    let malformed = |error: z85::Z85Error| Wrong::Malformed(error.to_string());
    let key = Zeroizing::new(z85::decode(text).map_err(malformed)?);
    key.as_slice().try_into().map_err(|_| Wrong::Length(length))
}

/// A key as Z85.
pub(super) fn key_text(key: &[u8; KEY_LEN]) -> String {
    z85::encode(key).unwrap_or_default()
}
