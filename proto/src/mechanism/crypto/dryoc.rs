//! The provider that ships: `dryoc`, pure Rust, with vector instructions where the machine has them.
//!
//! What fits into a few blocks of Salsa20 gains nothing from those, and `dryoc` takes no key that HSalsa20 has made already; there
//! the keystream is that of the crate `salsa20`, and the tag `dryoc`'s as before. Keystreams are overwritten after use.

use super::{CountedKey, CurveCrypto, KEY_LEN, NONCE_LEN, PREFIX_LEN, SecretKey, TAG_LEN};
use dryoc::classic::crypto_box::{
    crypto_box_beforenm, crypto_box_detached_afternm_inplace, crypto_box_open_detached_afternm,
    crypto_box_open_detached_afternm_inplace,
};
use dryoc::classic::crypto_core::{crypto_core_hsalsa20, crypto_scalarmult_base};
use dryoc::classic::crypto_onetimeauth::crypto_onetimeauth;
use salsa20::SalsaCore;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit, StreamCipherCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a block of keystream.
const BLOCK: usize = 64;
/// Blocks from which on those of the other crate, computed together, are faster, even with the key to be made first.
const FEW: usize = 3;
/// Bytes of keystream that become the tag's key.
const TAG_KEY: usize = 32;

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

    fn subkey(&self, prefix: &[u8; PREFIX_LEN], key: &SecretKey) -> Option<SecretKey> {
        let mut subkey = Zeroizing::new([0; KEY_LEN]);
        crypto_core_hsalsa20(&mut subkey, prefix, key.expose(), None);
        Some(SecretKey::new(*subkey))
    }

    fn seal_counted(&self, data: &mut [u8], counter: u64, key: &CountedKey) -> [u8; TAG_LEN] {
        let Some(stream) = Keystream::short(data.len(), counter, key) else {
            return self.seal(data, &key.nonce(counter), key.key());
        };
        data.iter_mut().zip(stream.rest()).for_each(|(byte, key)| *byte ^= key);
        stream.tag(data)
    }

    fn open_counted_into(
        &self,
        data: &[u8],
        out: &mut [u8],
        tag: &[u8; TAG_LEN],
        counter: u64,
        key: &CountedKey,
    ) -> bool {
        let Some(stream) = Keystream::short(data.len(), counter, key) else {
            return self.open_into(data, out, tag, &key.nonce(counter), key.key());
        };
        let mut right = stream.tag(data);
        let opened = data.len() == out.len() && equal(&right, tag);
        // Whoever has the right tag can pass a forgery off.
        wipe(&mut right);
        if opened {
            let bytes = data.iter().zip(stream.rest());
            out.iter_mut().zip(bytes).for_each(|(out, (byte, key))| *out = byte ^ key);
        }
        opened
    }
}

/// The first blocks of the keystream of one short message.
struct Keystream([u8; FEW * BLOCK]);

impl Keystream {
    /// The keystream for `len` bytes; `None` if they are not short.
    fn short(len: usize, counter: u64, key: &CountedKey) -> Option<Keystream> {
        let subkey = key.subkey()?;
        let mut stream = Keystream([0; FEW * BLOCK]);
        let blocks = stream.0.get_mut(..(TAG_KEY + len).next_multiple_of(BLOCK))?;
        let mut salsa = SalsaCore::<U10>::new(subkey.expose().into(), &counter.to_be_bytes().into());
        for block in blocks.as_chunks_mut::<BLOCK>().0 {
            salsa.write_keystream_block(block.into());
        }
        Some(stream)
    }

    /// The tag of these encrypted bytes.
    fn tag(&self, sealed: &[u8]) -> [u8; TAG_LEN] {
        let (mut tag, key) = ([0; TAG_LEN], self.0.first_chunk().expect("a keystream is longer than a key"));
        crypto_onetimeauth(&mut tag, sealed, key);
        tag
    }

    /// What the bytes of the message are to be combined with.
    fn rest(&self) -> &[u8] {
        &self.0[TAG_KEY..]
    }
}

impl Drop for Keystream {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites `bytes`, all at once: byte by byte, as `zeroize` does it, would cost as much as a block of keystream.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}

/// Whether the tags are equal, in a time that does not depend on it; in two steps, for the same reason.
fn equal(one: &[u8; TAG_LEN], other: &[u8; TAG_LEN]) -> bool {
    let halves = |tag: &[u8; TAG_LEN]| {
        let tag = u128::from_le_bytes(*tag);
        (tag as u64, (tag >> 64) as u64)
    };
    let ((one_low, one_high), (other_low, other_high)) = (halves(one), halves(other));
    (one_low.ct_eq(&other_low) & one_high.ct_eq(&other_high)).into()
}
