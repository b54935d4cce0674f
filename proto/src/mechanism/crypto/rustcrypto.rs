//! The second provider: the crates that RustCrypto's `crypto_box` is made of, which itself does not give the shared key out.
//!
//! Slower than the first, audited, and without a line in common with it: whatever one of them does wrong, the other one tells.

use super::{CurveCrypto, KEY_LEN, NONCE_LEN, SecretKey, TAG_LEN};
use crypto_secretbox::aead::generic_array::GenericArray;
use crypto_secretbox::{AeadInPlace, Kdf, KeyInit, XSalsa20Poly1305};
use curve25519_dalek::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The provider.
#[derive(Debug)]
pub(super) struct RustCrypto;

impl CurveCrypto for RustCrypto {
    fn public_key(&self, secret: &SecretKey) -> [u8; KEY_LEN] {
        MontgomeryPoint::mul_base_clamped(*secret.expose()).to_bytes()
    }

    fn shared_key(&self, public: &[u8; KEY_LEN], secret: &SecretKey) -> Option<SecretKey> {
        let shared = Zeroizing::new(MontgomeryPoint(*public).mul_clamped(*secret.expose()).to_bytes());
        if bool::from(shared.ct_eq(&[0; KEY_LEN])) {
            return None;
        }
        let key = XSalsa20Poly1305::kdf(GenericArray::from_slice(&*shared), &GenericArray::default());
        Some(SecretKey::new(*Zeroizing::new(<[u8; KEY_LEN]>::from(key))))
    }

    fn seal(&self, data: &mut [u8], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> [u8; TAG_LEN] {
        // It refuses only more bytes than a Salsa20 stream has, 2^70, which no memory holds; a tag of zeros opens nowhere.
        let tag = cipher(key).encrypt_in_place_detached(nonce.into(), b"", data);
        tag.map_or([0; TAG_LEN], Into::into)
    }

    fn open(&self, data: &mut [u8], tag: &[u8; TAG_LEN], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> bool {
        cipher(key).decrypt_in_place_detached(nonce.into(), b"", data, tag.into()).is_ok()
    }

    fn open_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        nonce: &[u8; NONCE_LEN],
        key: &SecretKey,
    ) -> bool {
        if data.len() != out.len() {
            return false;
        }
        // It decrypts in place only, and nothing may be written for a wrong tag.
        let mut plain = Zeroizing::new(data.to_vec());
        let opened = self.open(&mut plain, tag, nonce, key);
        if opened {
            out.copy_from_slice(&plain);
        }
        opened
    }
}

fn cipher(key: &SecretKey) -> XSalsa20Poly1305 {
    XSalsa20Poly1305::new(GenericArray::from_slice(key.expose()))
}
