//! Passwords: their hashes, which are kept, and the check, which takes as long for users that nobody knows.
//!
//! Argon2id by `dryoc`; a build without it makes no hashes and takes no password for right.

use crate::error::{Error, ErrorKind, Result};

#[cfg(feature = "dryoc")]
use dryoc::classic::crypto_pwhash::{crypto_pwhash_str, crypto_pwhash_str_verify};
#[cfg(feature = "dryoc")]
use std::sync::OnceLock;

/// Passes over the memory, and its bytes: what OWASP recommends at least, some 20 ms.
#[cfg(feature = "dryoc")]
const PASSES: u64 = 2;
#[cfg(feature = "dryoc")]
const MEMORY: usize = 19 << 20;
/// Longest password that PLAIN can carry, in bytes (RFC 24).
const PASSWORD_MAX: usize = 255;

/// The hash of a password for a table of PLAIN's users (see [`AccessRules::plain_users`](super::AccessRules::plain_users)): each
/// time another one. Takes some 20 ms and 19 MiB of memory.
///
/// ```
/// # fn main() -> ferrozmq::Result<()> {
/// let line = format!("anna:{}", ferrozmq::hash_password("open sesame")?);
/// assert!(line.starts_with("anna:$argon2id$"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) for more than 255 bytes; [`NotSupported`](ErrorKind::NotSupported) in a build without `dryoc`.
pub fn hash_password(password: &str) -> Result<String> {
    if password.len() > PASSWORD_MAX {
        return Err(Error::new(ErrorKind::Invalid, "a password of PLAIN has at most 255 bytes"));
    }
    hash(password.as_bytes())
}

#[cfg(feature = "dryoc")]
fn hash(password: &[u8]) -> Result<String> {
    let hashed = crypto_pwhash_str(password, PASSES, MEMORY);
    hashed.map_err(|error| Error::new(ErrorKind::Io, format!("hashing a password: {error}")))
}

#[cfg(not(feature = "dryoc"))]
fn hash(_: &[u8]) -> Result<String> {
    Err(Error::new(
        ErrorKind::NotSupported,
        "passwords are hashed by the feature dryoc, without which this was built",
    ))
}

/// Whether `password` has this hash; never without one, but not sooner.
#[cfg(feature = "dryoc")]
pub(super) fn is_right(hash: Option<&str>, password: &[u8]) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let nobodys = || NOBODYS.get_or_init(|| self::hash(b"").unwrap_or_default()).as_str();
    let right = crypto_pwhash_str_verify(hash.unwrap_or_else(nobodys), password).is_ok();
    right && hash.is_some()
}

#[cfg(not(feature = "dryoc"))]
pub(super) fn is_right(_: Option<&str>, _: &[u8]) -> bool {
    false
}

#[cfg(all(test, feature = "dryoc"))]
mod tests {
    use super::*;

    /// The second one is that of the reference program: `echo -n sesame | argon2 somesalt -id -t 2 -k 64 -p 1 -l 32 -e`.
    #[test]
    fn a_password_has_its_hash_and_no_other() {
        let own = hash_password("sesame").unwrap();
        assert_ne!(own, hash_password("sesame").unwrap());
        assert!(is_right(Some(&own), b"sesame"));
        for wrong in [&b""[..], b"sesam", b"sesame\0", b"Sesame"] {
            assert!(!is_right(Some(&own), wrong));
        }
        assert!(!is_right(None, b"") && !is_right(Some("$argon2id$nonsense"), b"sesame"));
        assert!(hash_password(&"x".repeat(256)).is_err());
    }
}
