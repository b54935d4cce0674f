//! Cryptography that a fuzzer can do: nothing is encrypted, every tag is the same, and everybody shares one key.
//!
//! With it, the bytes of an input reach what lies behind CURVE's boxes.

use ferrozmq_proto::mechanism::SecretKey;
use ferrozmq_proto::mechanism::crypto::{CurveCrypto, NONCE_LEN, TAG_LEN};

/// The tag of everything.
pub const TAG: [u8; TAG_LEN] = [0xaa; TAG_LEN];

/// The provider.
#[derive(Debug)]
pub struct Mock;

impl CurveCrypto for Mock {
    fn public_key(&self, secret: &SecretKey) -> [u8; 32] {
        *secret.expose()
    }

    fn shared_key(&self, public: &[u8; 32], _: &SecretKey) -> Option<SecretKey> {
        (*public != [0; 32]).then(SecretKey::default)
    }

    fn seal(&self, _: &mut [u8], _: &[u8; NONCE_LEN], _: &SecretKey) -> [u8; TAG_LEN] {
        TAG
    }

    fn open(&self, _: &mut [u8], tag: &[u8; TAG_LEN], _: &[u8; NONCE_LEN], _: &SecretKey) -> bool {
        *tag == TAG
    }

    fn open_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        _: &[u8; NONCE_LEN],
        _: &SecretKey,
    ) -> bool {
        let right = *tag == TAG && data.len() == out.len();
        if right {
            out.copy_from_slice(data);
        }
        right
    }
}
