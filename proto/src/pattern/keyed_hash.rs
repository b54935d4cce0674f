//! A fast hash for byte strings that peers choose.
//!
//! Keyed with randomness that the caller brings, so that nobody outside can aim at collisions. It is not
//! cryptographic and its values mean nothing beyond this process.

use std::hash::{BuildHasher, Hasher};

/// The key of a hash; one for each table.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyedHash {
    key: [u64; 2],
}

impl KeyedHash {
    pub fn new(seed: u64) -> KeyedHash {
        KeyedHash { key: [mix(seed ^ 0x9e37_79b9_7f4a_7c15), mix(seed ^ 0xd1b5_4a32_d192_ed03)] }
    }

    /// The hash of `bytes`.
    #[inline]
    pub fn of(&self, bytes: &[u8]) -> u64 {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let mut state = self.key[1] ^ bytes.len() as u64;
        for block in blocks {
            state = self.absorb(state, block);
        }
        if !tail.is_empty() {
            let mut block = [0; 16];
            block[..tail.len()].copy_from_slice(tail);
            state = self.absorb(state, &block);
        }
        fold(state ^ self.key[0], 0x9fb2_1c65_1e98_df25)
    }

    #[inline]
    fn absorb(&self, state: u64, block: &[u8; 16]) -> u64 {
        let both = u128::from_le_bytes(*block);
        fold(both as u64 ^ self.key[0], (both >> 64) as u64 ^ state).wrapping_add(state.rotate_left(23))
    }
}

/// Both halves of the product, folded together.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Spreads a seed over all bits (the finalizer of SplitMix64).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl BuildHasher for KeyedHash {
    type Hasher = KeyedHasher;
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher { key: *self, state: 0 }
    }
}

/// [`KeyedHash`] as the standard library's maps want it.
#[derive(Debug)]
pub(super) struct KeyedHasher {
    key: KeyedHash,
    state: u64,
}

impl Hasher for KeyedHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.state = fold(self.state ^ self.key.of(bytes), self.key.key[1] | 1);
    }

    /// Only lengths come this way, and [`KeyedHash::of`] counts them itself.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn similar_strings_spread_and_keys_matter() {
        let hash = KeyedHash::new(7);
        let mut low = HashSet::new();
        for i in 0..65_536u32 {
            low.insert(hash.of(format!("md.{i}").as_bytes()) & 0xffff);
        }
        // A random function fills 1 - 1/e of the cells.
        assert!((40_000..43_000).contains(&low.len()), "{}", low.len());
        assert_ne!(hash.of(b"a"), hash.of(b"a\0"));
        assert_ne!(hash.of(b"a"), KeyedHash::new(8).of(b"a"));
    }
}
