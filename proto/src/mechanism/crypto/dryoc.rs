//! The provider that ships: `dryoc`, pure Rust, with vector instructions where the machine has them.

use super::{CurveCrypto, KEY_LEN, NONCE_LEN, SecretKey, TAG_LEN};
use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::crypto_scalarmult_base;
use zeroize::Zeroizing;

/// The provider.
#[derive(Debug)]
pub(super) struct Dryoc;

impl CurveCrypto for Dryoc {
    fn public_key(&self, secret: &SecretKey) -> [u8; KEY_LEN] {
        let mut public = [0; KEY_LEN];
        crypto_scalarmult_base(&mut public, secret.expose());
        public
    }

    fn shared_key(&self, public: &[u8; KEY_LEN], secret: &SecretKey) -> Option<SecretKey> {
        let key = Zeroizing::new(crypto_box_beforenm(public, secret.expose()).ok()?);
        Some(SecretKey::new(*key))
    }

    fn seal(&self, data: &mut [u8], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> [u8; TAG_LEN] {
        let mut tag = [0; TAG_LEN];
        crypto_box_detached_afternm_inplace(data, &mut tag, nonce, key.expose());
        tag
    }

    fn open(&self, data: &mut [u8], tag: &[u8; TAG_LEN], nonce: &[u8; NONCE_LEN], key: &SecretKey) -> bool {
        crypto_box_open_detached_afternm_inplace(data, tag, nonce, key.expose()).is_ok()
    }

    fn open_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        nonce: &[u8; NONCE_LEN],
        key: &SecretKey,
    ) -> bool {
        data.len() == out.len()
            && crypto_box_open_detached_afternm(out, data, tag, nonce, key.expose()).is_ok()
    }
}
