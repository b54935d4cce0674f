//! What must not be seen: secret keys and passwords.
//!
//! Invariant: their bytes are overwritten when they are dropped, never printed, and compared in constant time. It does not keep
//! them out of swap or of core files.

use std::fmt;
use std::ops::Deref;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The length of every key of CURVE, in bytes.
pub const KEY_LEN: usize = 32;

/// A secret key of CURVE, or a key made from one.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; KEY_LEN]>);

impl SecretKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_LEN]) -> SecretKey {
        SecretKey(Zeroizing::new(bytes))
    }

    /// Its bytes, for whoever computes with them.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl Default for SecretKey {
    fn default() -> SecretKey {
        SecretKey::new([0; KEY_LEN])
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &SecretKey) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A password, or a key as text.
#[derive(Clone, Default)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// A copy of `text`.
    #[must_use]
    pub fn new(text: &str) -> SecretText {
        SecretText(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn of(text: Zeroizing<String>) -> SecretText {
        SecretText(text)
    }

    /// Its text, for whoever sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &SecretText) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;
    use crate::mechanism::crypto::DEFAULT;
    use crate::mechanism::{Entropy, MechanismConfig};
    use crate::option::Options;
    use crate::zmtp::{Link, LinkConfig};
    use bytes::BytesMut;
    use std::sync::Arc;
    use std::time::Instant;

    #[test]
    fn secrets_are_compared_but_not_printed() {
        let key = SecretKey::new([0x5a; KEY_LEN]);
        assert_eq!(key, key.clone());
        assert_ne!(key, SecretKey::default());
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
        let password = SecretText::new("open sesame");
        assert_eq!(password, SecretText::new("open sesame"));
        assert_ne!(password, SecretText::default());
        assert_eq!(format!("{password:?}"), "SecretText(..)");
    }

    /// Whatever holds a secret and can be printed, for a log or in a panic, leaves it out.
    #[test]
    fn t19_nothing_that_holds_a_secret_prints_it() {
        let mut options = Options::new(SocketType::Dealer);
        options.security.curve_secret_key = SecretKey::new([0x5a; KEY_LEN]);
        options.security.plain_password = SecretText::new("open sesame");
        let mechanisms = [
            MechanismConfig::PlainClient {
                username: "ali".to_owned(),
                password: SecretText::new("open sesame"),
            },
            MechanismConfig::CurveClient {
                public_key: [1; KEY_LEN],
                secret_key: SecretKey::new([0x5a; KEY_LEN]),
                server_key: DEFAULT.public_key(&SecretKey::new([3; KEY_LEN])),
            },
            MechanismConfig::CurveServer { secret_key: SecretKey::new([0x5a; KEY_LEN]), public_key: None },
        ];
        let mut printed = vec![format!("{options:?}")];
        for mechanism in mechanisms {
            let config = LinkConfig { mechanism, ..LinkConfig::new(SocketType::Dealer) };
            printed.push(format!("{config:?}"));
            let entropy = Entropy::gather(&config.mechanism, |bytes| {
                bytes.fill(0x5a);
                Ok::<(), std::convert::Infallible>(())
            });
            let Ok(entropy) = entropy;
            printed.push(format!("{entropy:?}"));
            let mut link = Link::new(Arc::new(config), Instant::now(), entropy);
            printed.push(format!("{link:?}"));
            // After the greetings the secrets are at work.
            let name = link.poll_transmit(&mut Vec::new());
            assert!(name);
            for mechanism in ["PLAIN", "CURVE"] {
                let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01".to_vec();
                greeting.extend_from_slice(mechanism.as_bytes());
                greeting.resize(64, 0);
                let _ = link.handle_bytes(Instant::now(), &mut BytesMut::from(&greeting[..]));
                printed.push(format!("{link:?}"));
            }
        }
        for text in printed {
            // 0x5a as a list's element, as hexadecimal, and as text.
            for secret in ["sesame", "90, 90, 90", "5a5a5a", "ZZZ"] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
        }
    }
}
