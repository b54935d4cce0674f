//! Pairs of CURVE keys, and their two ways of being written: 32 bytes, and 40 characters of Z85.
//!
//! Secret keys are not printed, and wiped when they are dropped.

use crate::authenticator::read_file;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::random;
use ferrozmq_proto::access::Certificate;
use ferrozmq_proto::mechanism::crypto::DEFAULT;
use ferrozmq_proto::mechanism::{KEY_LEN, SecretKey, SecretText};
use ferrozmq_proto::z85;
use std::path::{Path, PathBuf};
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

    /// The keys in a certificate in CZMQ's format, as [`certificate`](Self::certificate) writes it: of this file, or, if it has only
    /// the public key, of the one beside it whose name ends in `_secret`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), if it has no secret key or another public one; what the system says, if it cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<KeyPair> {
        let path = path.as_ref();
        let certificate = read_certificate(path)?;
        let secret = match certificate.secret_key {
            Some(secret) => Some(secret),
            None => read_certificate(&secret_path(path))?.secret_key,
        };
        let wrong = |what: &str| Error::new(ErrorKind::Invalid, format!("{}: {what}", path.display()));
        let pair = KeyPair::of(secret.ok_or_else(|| wrong("the certificate has no secret key"))?);
        if pair.public != certificate.public_key {
            return Err(wrong("the public key does not belong to the secret one"));
        }
        Ok(pair)
    }

    /// The keys as a certificate in CZMQ's format, the secret one only `with_secret`; each line of `comment` begins it.
    #[must_use]
    pub fn certificate(&self, with_secret: bool, comment: &str) -> SecretText {
        let secret_key = with_secret.then(|| self.secret.clone());
        Certificate { public_key: self.public, secret_key, metadata: Vec::new() }.to_text(comment)
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
    pub fn secret_text(&self) -> SecretText {
        SecretText::new(&Zeroizing::new(key_text(self.secret.expose())))
    }
}

/// The public key, in Z85, in a certificate in CZMQ's format.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid), if it is none; what the system says, if it cannot be read.
pub fn load_public_key(path: impl AsRef<Path>) -> Result<String> {
    Ok(key_text(&read_certificate(path.as_ref())?.public_key))
}

/// Where the certificate with the secret key is that belongs to `path`.
fn secret_path(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push("_secret");
    path.into()
}

fn read_certificate(path: &Path) -> Result<Certificate> {
    let text = read_file(path).map_err(|error| Error::os(path.display(), &error))?;
    let parsed = Certificate::parse(&text);
    parsed.map_err(|error| Error::new(ErrorKind::Invalid, format!("{}: {error}", path.display())))
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
    fn only_the_secret_certificate_has_the_secret_key() {
        let pair = KeyPair::generate().unwrap();
        let (public, secret) = (pair.certificate(false, "ours"), pair.certificate(true, "ours"));
        assert!(secret.contains(pair.secret_text().expose()) && !public.contains("secret-key"));
        let folder = std::env::temp_dir().join(format!("ferrozmq-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("anna.cert");
        std::fs::write(&path, public.as_bytes()).unwrap();
        assert_eq!(load_public_key(&path).unwrap(), pair.public_text());
        assert_eq!(KeyPair::load(&path).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::write(secret_path(&path), secret.as_bytes()).unwrap();
        assert_eq!(KeyPair::load(&path).unwrap(), pair);
        assert_eq!(KeyPair::load(secret_path(&path)).unwrap(), pair);
        let other = KeyPair::generate().unwrap();
        std::fs::write(secret_path(&path), secret.replace(&*pair.secret_text(), &other.secret_text()))
            .unwrap();
        assert_eq!(KeyPair::load(&path).unwrap_err().kind(), ErrorKind::Invalid);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "short", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6JTKVS", &"\u{7f}".repeat(40)] {
            assert_eq!(KeyPair::from_secret(text).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_ne!(KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    }
}
