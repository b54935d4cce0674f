//! Strangers' pointers on their way to references: null and misaligned ones are errors.
//!
//! Whether a pointer that is neither leads to what its function's manual page asks for, only the caller knows.

use crate::errno::Errno;
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;

/// `len` bytes at `pointer`; null is allowed for no bytes.
///
/// # Safety
/// A pointer that is not null leads to `len` readable bytes, which nobody writes during `'a`.
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(pointer: *const c_void, len: usize) -> Result<&'a [u8], Errno> {
    // From 1 to `isize::MAX`, in one comparison.
    if len.wrapping_sub(1) < isize::MAX as usize && !pointer.is_null() {
        // SAFETY: not null, of a possible length; the rest is the caller's promise.
        return Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), len) });
    }
    unusual(pointer, len)
}

/// What becomes of no bytes, of null, and of an impossible length.
#[cold]
fn unusual<'a>(pointer: *const c_void, len: usize) -> Result<&'a [u8], Errno> {
    match len {
        0 => Ok(&[]),
        _ if pointer.is_null() => Err(Errno::FAULT),
        _ => Err(Errno::INVALID),
    }
}

/// Copies as much of `bytes` as fits into the `capacity` bytes at `to`.
///
/// # Safety
/// A `to` that is not null leads to `capacity` writable bytes.
#[inline]
pub(crate) unsafe fn copy_out(bytes: &[u8], to: *mut c_void, capacity: usize) {
    let count = bytes.len().min(capacity);
    if count > 0 && !to.is_null() {
        // SAFETY: `count` bytes are readable here and writable there; a stranger's buffer does not overlap our memory.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast(), count) }
    }
}

/// The `capacity` bytes at `to`, to be written; they may hold nothing yet. Null is for no bytes only.
///
/// # Safety
/// A `to` that is not null leads to `capacity` writable bytes, which nobody else uses during `'a`.
#[inline]
pub(crate) unsafe fn place<'a>(to: *mut c_void, capacity: usize) -> Result<&'a mut [MaybeUninit<u8>], Errno> {
    match (to.is_null(), capacity) {
        (true, 0) => Ok(&mut []),
        (true, _) => Err(Errno::FAULT),
        (false, _) => {
            // No object is larger, whatever the caller says.
            let capacity = capacity.min(isize::MAX as usize);
            // SAFETY: the caller's promise; the bytes need not be initialised.
            Ok(unsafe { std::slice::from_raw_parts_mut(to.cast(), capacity) })
        }
    }
}

/// The text at `pointer`. Null and what is not UTF-8 are invalid.
///
/// # Safety
/// A pointer that is not null leads to a string with a closing NUL, which nobody writes during `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a str, Errno> {
    if pointer.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: not null; the rest is the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_str().map_err(|_| Errno::INVALID)
}

/// `count` values at `pointer`; null is allowed for none.
///
/// # Safety
/// A pointer that is neither null nor misaligned leads to `count` values that are ours alone during `'a`.
pub(crate) unsafe fn values<'a, T>(pointer: *mut T, count: usize) -> Result<&'a mut [T], Errno> {
    if count == 0 {
        return Ok(&mut []);
    }
    if !is_usable(pointer) || isize::try_from(count.saturating_mul(size_of::<T>())).is_err() {
        return Err(Errno::FAULT);
    }
    // SAFETY: checked above; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

/// The value at `pointer`.
///
/// # Safety
/// A pointer that is neither null nor misaligned leads to a value that is ours alone during `'a`.
pub(crate) unsafe fn value<'a, T>(pointer: *mut T) -> Result<&'a mut T, Errno> {
    if !is_usable(pointer) {
        return Err(Errno::FAULT);
    }
    // SAFETY: checked above; the rest is the caller's promise.
    Ok(unsafe { &mut *pointer })
}

/// Writes `value` to `pointer`; null is an error.
///
/// # Safety
/// A pointer that is not null leads to memory for a `T`.
pub(crate) unsafe fn store<T>(pointer: *mut T, value: T) -> Result<(), Errno> {
    if pointer.is_null() {
        return Err(Errno::FAULT);
    }
    // SAFETY: not null; the rest is the caller's promise. Strangers do not always align.
    unsafe { pointer.write_unaligned(value) }
    Ok(())
}

fn is_usable<T>(pointer: *const T) -> bool {
    !pointer.is_null() && pointer.is_aligned()
}
