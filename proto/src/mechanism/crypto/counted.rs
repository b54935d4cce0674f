//! A key that encrypts one way of one connection, where nonces are sixteen fixed characters and a counter.
//!
//! XSalsa20 makes a key of the first sixteen bytes of a nonce before it does anything else, and these never change here. For a short
//! message that is a third of the work, so it is done once.

use super::{CurveCrypto, NONCE_LEN, SecretKey};

/// Bytes of a nonce before its counter.
pub const PREFIX_LEN: usize = NONCE_LEN - size_of::<u64>();

/// A key, what all its nonces begin with, and what a provider has made of the two.
#[derive(Debug)]
pub struct CountedKey {
    key: SecretKey,
    prefix: &'static [u8; PREFIX_LEN],
    subkey: Option<SecretKey>,
}

impl CountedKey {
    /// The key that `crypto` will use with nonces that begin with `prefix`.
    #[must_use]
    pub fn new(crypto: &dyn CurveCrypto, prefix: &'static [u8; PREFIX_LEN], key: SecretKey) -> CountedKey {
        CountedKey { subkey: crypto.subkey(prefix, &key), key, prefix }
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// What the provider made of key and prefix, if it made anything.
    #[must_use]
    pub fn subkey(&self) -> Option<&SecretKey> {
        self.subkey.as_ref()
    }

    /// The nonce with this counter.
    #[must_use]
    pub fn nonce(&self, counter: u64) -> [u8; NONCE_LEN] {
        counted(self.prefix, counter)
    }
}

/// A nonce of 16 fixed characters and a counter.
#[must_use]
pub fn counted(prefix: &[u8; PREFIX_LEN], counter: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[..PREFIX_LEN].copy_from_slice(prefix);
    nonce[PREFIX_LEN..].copy_from_slice(&counter.to_be_bytes());
    nonce
}
