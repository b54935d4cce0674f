//! CURVE (RFC 25, RFC 26): keys instead of passwords, and every byte after the greeting encrypted or worthless.
//!
//! ```text
//! HELLO     client ► server   C', and a box of zeros (C' → S): only who knows S can have sent it
//! WELCOME   client ◄ server   box (S → C'): S', and a cookie that only this connection takes back
//! INITIATE  client ► server   the cookie, and a box (C' → S'): C, a vouch, the client's properties
//! READY     client ◄ server   box (S' → C'): the server's properties
//! MESSAGE   both ways         box (C' ↔ S'): a flags byte and a frame's body
//! ```
//! C and S are the long-term keys, C' and S' live for one connection. The vouch, a box (C → S') of C' and S, proves that the
//! client has C and means this server. Handshakes are in `client.rs` and `server.rs`, what follows in
//! `traffic.rs`. Who may come in is the ZAP handler's business.

mod client;
mod server;
mod traffic;

pub(crate) use client::Client;
pub(crate) use server::Server;
pub(crate) use traffic::{Opener, Sealer};

use super::crypto::{CurveCrypto, NONCE_LEN, TAG_LEN, counted};
use super::{KEY_LEN, MechanismConfig, SecretKey};
use crate::PeerError;
use zeroize::Zeroizing;

/// Bytes of a HELLO's body.
const HELLO_LEN: usize = 200;
/// Where C', the nonce and the box are in it.
const HELLO_KEY: usize = 80;
const HELLO_NONCE: usize = 112;
const HELLO_BOX: usize = 120;
/// Bytes of a WELCOME's body.
const WELCOME_LEN: usize = 168;
/// Bytes of a cookie.
const COOKIE_LEN: usize = 96;
/// Bytes of an INITIATE's box before the properties: C, the vouch's nonce, the vouch.
const INITIATE_FIXED: usize = KEY_LEN + LONG_NONCE + VOUCH_LEN;
/// Bytes of a vouch.
const VOUCH_LEN: usize = 2 * KEY_LEN + TAG_LEN;
/// Bytes of a nonce that is a random number, and of one that is a counter.
const LONG_NONCE: usize = 16;
const SHORT_NONCE: usize = 8;

/// Randomness for one connection, from the kernel. Only CURVE needs any.
#[derive(Debug)]
pub struct Entropy(Option<Zeroizing<[u8; Entropy::LEN]>>);

impl Entropy {
    /// Bytes a connection needs: its secret key, and for servers a cookie's key and two nonces.
    const LEN: usize = 2 * KEY_LEN + 2 * LONG_NONCE;

    /// None, for a connection that needs none: with CURVE its handshake fails.
    pub const NONE: Entropy = Entropy(None);

    /// As much as a connection with this mechanism needs, from `fill`, which fills its argument with random bytes that nobody
    /// else ever gets. It is not called where none are needed.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn gather<E>(
        config: &MechanismConfig,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Entropy, E> {
        if !matches!(config, MechanismConfig::CurveClient { .. } | MechanismConfig::CurveServer { .. }) {
            return Ok(Entropy(None));
        }
        let mut bytes = Zeroizing::new([0; Entropy::LEN]);
        fill(&mut *bytes)?;
        Ok(Entropy(Some(bytes)))
    }

    /// The parts; once. `None` if there are none.
    fn spend(&mut self) -> Option<Spent> {
        let bytes = self.0.take()?;
        let (secret, rest) = bytes.split_first_chunk::<KEY_LEN>()?;
        let (cookie_key, rest) = rest.split_first_chunk::<KEY_LEN>()?;
        let (first, rest) = rest.split_first_chunk::<LONG_NONCE>()?;
        let second = rest.first_chunk::<LONG_NONCE>()?;
        Some(Spent {
            secret: SecretKey::new(*secret),
            cookie_key: SecretKey::new(*cookie_key),
            nonces: [*first, *second],
        })
    }
}

/// Entropy in use.
struct Spent {
    secret: SecretKey,
    cookie_key: SecretKey,
    nonces: [[u8; LONG_NONCE]; 2],
}

/// A nonce of 8 fixed characters and 16 random bytes.
fn random(prefix: &[u8; 8], random: &[u8; LONG_NONCE]) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// Appends `plain` in a box: tag, then ciphertext.
fn seal_box(
    crypto: &dyn CurveCrypto,
    plain: &[u8],
    nonce: &[u8; NONCE_LEN],
    key: &SecretKey,
    out: &mut Vec<u8>,
) {
    let start = out.len() + TAG_LEN;
    out.extend_from_slice(&[0; TAG_LEN]);
    out.extend_from_slice(plain);
    let tag = crypto.seal(&mut out[start..], nonce, key);
    out[start - TAG_LEN..start].copy_from_slice(&tag);
}

/// What is in a box.
fn open_box(
    crypto: &dyn CurveCrypto,
    sealed: &[u8],
    nonce: &[u8; NONCE_LEN],
    key: &SecretKey,
) -> Result<Zeroizing<Vec<u8>>, PeerError> {
    let (tag, data) = sealed.split_first_chunk::<TAG_LEN>().ok_or(PeerError::Cryptographic)?;
    let mut plain = Zeroizing::new(vec![0; data.len()]);
    if crypto.open_into(data, &mut plain, tag, nonce, key) {
        Ok(plain)
    } else {
        Err(PeerError::Cryptographic)
    }
}

/// The array of `N` bytes at `at`; zeros where there are none, which callers have excluded by the length.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}
