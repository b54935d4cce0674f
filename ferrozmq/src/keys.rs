//! Pairs of CURVE keys, and their two ways of being written: 32 bytes, and 40 characters of Z85.
//!
//! Secret keys are not printed, and wiped when they are dropped.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::random;
use ferrozmq_proto::mechanism::crypto::DEFAULT;
use ferrozmq_proto::mechanism::{KEY_LEN, SecretKey};
use ferrozmq_proto::z85;
use zeroize::Zeroizing;

/// A public key of CURVE and the secret key that belongs to it (`zmq_curve_keypair(3)`).
///
/// ```
/// # fn main() -> ferrozmq::Result<()> {
/// let pair = ferrozmq::KeyPair::generate()?;
/// let again = ferrozmq::KeyPair::from_secret(&pair.secret_text())?;
/// assert_eq!(pair.public_text(), again.public_text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    public: [u8; KEY_LEN],
    secret: SecretKey,
}

impl KeyPair {
    /// A new pair; the kernel makes the secret.
    ///
    /// # Errors
    /// What the system says when it has no randomness to give.
    pub fn generate() -> Result<KeyPair> {
        let mut secret = Zeroizing::new([0; KEY_LEN]);
        random::fill(secret.as_mut()).map_err(|error| Error::os("making a key", &error))?;
        Ok(KeyPair::of(SecretKey::new(*secret)))
    }

    /// The pair of a secret key in Z85 (`zmq_curve_public(3)`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) unless it is 40 characters of Z85.
    pub fn from_secret(text: &str) -> Result<KeyPair> {
        Ok(KeyPair::of(SecretKey::new(*Zeroizing::new(key_from_text(text)?))))
    }

    fn of(secret: SecretKey) -> KeyPair {
        KeyPair { public: DEFAULT.public_key(&secret), secret }
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &[u8; KEY_LEN] {
        &self.public
    }

    /// The public key in Z85.
    #[must_use]
    pub fn public_text(&self) -> String {
        key_text(&self.public)
    }

    /// The secret key.
    #[must_use]
    pub fn secret(&self) -> &[u8; KEY_LEN] {
        self.secret.expose()
    }

    /// The secret key in Z85; wiped when it is dropped.
    #[must_use]
    pub fn secret_text(&self) -> Zeroizing<String> {
        Zeroizing::new(key_text(self.secret.expose()))
    }
}

/// A key in Z85.
pub(crate) fn key_text(key: &[u8; KEY_LEN]) -> String {
    // Only a length that is no multiple of four has none.
    z85::encode(key).unwrap_or_default()
}

/// The key that 40 characters of Z85 stand for.
pub(crate) fn key_from_text(text: &str) -> Result<[u8; KEY_LEN]> {
    let bytes = z85::decode(text).map(Zeroizing::new);
    let key = bytes.ok().and_then(|bytes| <[u8; KEY_LEN]>::try_from(bytes.as_slice()).ok());
    key.ok_or_else(|| Error::new(ErrorKind::Invalid, "a key of CURVE is 40 characters of Z85"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of `zmq_curve_keypair(3)`'s manual page belong together.
    #[test]
    fn a_public_key_follows_from_the_secret_one() {
        let pair = KeyPair::from_secret("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6").unwrap();
        assert_eq!(pair.public_text(), "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
        assert!(!format!("{pair:?}").contains("JTKVSB"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "short", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6JTKVS", &"\u{7f}".repeat(40)] {
            assert_eq!(KeyPair::from_secret(text).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_ne!(KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    }
}
