//! Copying a few bytes: for the shortest two copies of fixed size, which may overlap, cost less than a call. Copying many: in pieces.

use bytes::{BufMut, Bytes};
use std::mem::MaybeUninit;

/// The most that is left to one call of `memcpy`, in bytes. What is longer, glibc copies with one instruction of the processor's (`rep
/// movsb`), which on AMD's Zen 3 and 4 takes up to forty times as long where the target's place in its page is less than 32 bytes
/// behind the source's (glibc's bug 30994): as a body's place behind its header is to that of a body whose allocation begins a page.
const PIECE: usize = 2048;

/// Adds a copy of `from` to `out`.
///
/// # Panics
/// If `out` cannot grow and has less room.
#[inline(always)]
pub fn append(out: &mut impl BufMut, from: &[u8]) {
    if from.len() <= PIECE {
        out.put_slice(from);
    } else {
        append_long(out, from);
    }
}

#[inline(never)]
fn append_long(out: &mut impl BufMut, from: &[u8]) {
    from.chunks(PIECE).for_each(|piece| out.put_slice(piece));
}

/// A copy of `from`.
pub fn to_vec(from: &[u8]) -> Vec<u8> {
    let mut copied = Vec::with_capacity(from.len());
    append(&mut copied, from);
    copied
}

/// A copy of `from` that can be shared.
pub fn to_bytes(from: &[u8]) -> Bytes {
    to_vec(from).into()
}

/// Copies `from` to `to`, which are equally long.
///
/// # Panics
/// If they are not.
#[inline(always)]
pub fn copy_short(to: &mut [u8], from: &[u8]) {
    match from.len() {
        4..=7 => copy_ends::<4>(to, from),
        8..=16 => copy_ends::<8>(to, from),
        17..=32 => copy_ends::<16>(to, from),
        33..=64 => copy_ends::<32>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// The same where `to` need not be initialised; it is afterwards. (One function for both, which makes its target's elements of bytes, takes
/// [`copy_short`] a dozen instructions more for each copy.)
///
/// # Panics
/// If they are not equally long.
#[inline(always)]
pub fn init_short(to: &mut [MaybeUninit<u8>], from: &[u8]) {
    match from.len() {
        4..=7 => init_ends::<4>(to, from),
        8..=16 => init_ends::<8>(to, from),
        17..=32 => init_ends::<16>(to, from),
        33..=64 => init_ends::<32>(to, from),
        _ => {
            assert!(to.len() == from.len());
            append(&mut &mut *to, from);
        }
    }
}

/// Copies the first and the last `N` bytes, which are all.
#[inline(always)]
fn init_ends<const N: usize>(to: &mut [MaybeUninit<u8>], from: &[u8]) {
    assert!(to.len() == from.len());
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = from.map(MaybeUninit::new);
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = from.map(MaybeUninit::new);
    }
}

/// Copies the first and the last `N` bytes, which are all.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    assert!(to.len() == from.len());
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole() {
        let from: Vec<u8> = (1..=100).collect();
        for len in 0..=from.len() {
            let mut to = vec![0; len];
            copy_short(&mut to, &from[..len]);
            assert_eq!(to, from[..len]);
        }
    }

    #[test]
    fn many_bytes_are_copied_whole() {
        let from: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, from.len()] {
            let mut to = vec![0; len];
            append(&mut to.as_mut_slice(), &from[..len]);
            assert_eq!(to, from[..len]);
            assert_eq!(to_bytes(&from[..len]), from[..len]);
            append(&mut to, &from);
            assert_eq!(to[len..], from);
        }
    }
}
