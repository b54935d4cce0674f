//! The cryptography that CURVE needs, behind one small trait: X25519 and XSalsa20-Poly1305, as NaCl's `crypto_box` joins them.
//!
//! No algorithm is written here. There are two providers, features of this crate, which prove each other right: `dryoc`, which
//! ships, and `crypto_box`. [`DEFAULT`] is what connections use. The trait exists for the second, and so that fuzzing can do
//! without real cryptography. Randomness is not a provider's business: see [`Entropy`](super::Entropy).

mod counted;
#[cfg(any(test, feature = "dryoc"))]
mod dryoc;
#[cfg(any(test, feature = "crypto_box"))]
mod rustcrypto;

#[cfg(test)]
mod tests;

use super::{KEY_LEN, SecretKey};
use std::fmt;

pub use counted::{CountedKey, PREFIX_LEN, counted};

/// Length of a nonce, in bytes.
pub const NONCE_LEN: usize = 24;

/// Length of the tag that proves who encrypted something, in bytes.
pub const TAG_LEN: usize = 16;

/// The provider that connections use unless told otherwise: `dryoc`, or `crypto_box` in a build without it.
#[cfg(feature = "dryoc")]
pub static DEFAULT: &dyn CurveCrypto = DRYOC;
/// The provider that connections use unless told otherwise: `crypto_box`, because this is a build without `dryoc`.
#[cfg(all(feature = "crypto_box", not(feature = "dryoc")))]
pub static DEFAULT: &dyn CurveCrypto = CRYPTO_BOX;
#[cfg(not(any(feature = "dryoc", feature = "crypto_box")))]
compile_error!("CURVE needs cryptography: enable the feature `dryoc` or `crypto_box`");

/// The provider `dryoc`: the fastest, with vector instructions where the machine has them.
#[cfg(any(test, feature = "dryoc"))]
pub static DRYOC: &dyn CurveCrypto = &dryoc::Dryoc;

/// The provider of RustCrypto's crates, audited, portable, and several times slower.
#[cfg(any(test, feature = "crypto_box"))]
pub static CRYPTO_BOX: &dyn CurveCrypto = &rustcrypto::RustCrypto;

/// What CURVE asks of cryptography.
pub trait CurveCrypto: fmt::Debug + Send + Sync {
    /// The public key that belongs to `secret`.
    fn public_key(&self, secret: &SecretKey) -> [u8; KEY_LEN];

    /// The key that two parties share, each having its own secret key and the other's public one; `None` for a public
    /// key of low order, with which everybody shares the same.
    fn shared_key(&self, public: &[u8; KEY_LEN], secret: &SecretKey) -> Option<SecretKey>;

    /// Encrypts `data` where it is, and gives its tag. A nonce is used once with each key.
    fn seal(&self, data: &mut [u8], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> [u8; TAG_LEN];

    /// Decrypts `data` where it is; `false`, with nothing changed, if the tag is not right.
    fn open(&self, data: &mut [u8], tag: &[u8; TAG_LEN], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> bool;

    /// Decrypts `data` into `out`, which is as long; `false`, with nothing written, if it is not or the tag is not right.
    fn open_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        nonce: &[u8; NONCE_LEN],
        key: &SecretKey,
    ) -> bool;

    /// What HSalsa20 makes of `key` and the first bytes of a nonce, if the provider can use it in
    /// [`seal_counted`](Self::seal_counted) and [`open_counted_into`](Self::open_counted_into) to be faster.
    fn subkey(&self, _prefix: &[u8; PREFIX_LEN], _key: &SecretKey) -> Option<SecretKey> {
        None
    }

    /// [`seal`](Self::seal) with the nonce that has this counter.
    fn seal_counted(&self, data: &mut [u8], counter: u64, key: &CountedKey) -> [u8; TAG_LEN] {
        self.seal(data, &key.nonce(counter), key.key())
    }

    /// [`open_into`](Self::open_into) with the nonce that has this counter.
    fn open_counted_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        counter: u64,
        key: &CountedKey,
    ) -> bool {
        self.open_into(data, out, tag, &key.nonce(counter), key.key())
    }
}
