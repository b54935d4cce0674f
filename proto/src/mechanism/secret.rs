//! What must not be seen: secret keys and passwords.
//!
//! Invariant: their bytes are overwritten when they are dropped, never printed, and compared in constant time. It does not keep
//! them out of swap or of core files.

use std::fmt;
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

/// A password.
#[derive(Clone, Default)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The password `text`.
    #[must_use]
    pub fn new(text: &str) -> SecretText {
        SecretText(Zeroizing::new(text.to_owned()))
    }

    /// Its text, for whoever sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
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
}
