//! CURVE's keys as C strings of Z85.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use ferrozmq::KeyPair;
use std::ffi::{CStr, c_char, c_int};

/// `zmq_curve_keypair(3)`: a new pair of keys.
///
/// # Safety
/// Both pointers are null or lead to memory for 41 characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_keypair(public: *mut c_char, secret: *mut c_char) -> c_int {
    call::int(|| {
        let pair = KeyPair::generate()?;
        // SAFETY: the caller's promise is the same.
        unsafe { copy_key(&pair.public_text(), public) }?;
        // SAFETY: likewise.
        unsafe { copy_key(&pair.secret_text(), secret) }?;
        Ok(0)
    })
}

/// `zmq_curve_public(3)`: the public key that belongs to a secret one.
///
/// # Safety
/// `public` is null or leads to memory for 41 characters, `secret` is null or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_public(public: *mut c_char, secret: *const c_char) -> c_int {
    call::int(|| {
        if secret.is_null() {
            return Err(Errno::FAULT);
        }
        // SAFETY: not null; the rest is the caller's promise.
        let secret = unsafe { CStr::from_ptr(secret) }.to_str().map_err(|_| Errno::INVALID)?;
        let pair = KeyPair::from_secret(secret)?;
        // SAFETY: the caller's promise is the same.
        unsafe { copy_key(&pair.public_text(), public) }?;
        Ok(0)
    })
}

/// Copies a key with its closing NUL.
///
/// # Safety
/// `to` is null or leads to memory for 41 characters.
unsafe fn copy_key(text: &str, to: *mut c_char) -> Result<(), Errno> {
    if to.is_null() {
        return Err(Errno::FAULT);
    }
    // SAFETY: not null, and there is room for the text and its NUL.
    unsafe {
        raw::copy_out(text.as_bytes(), to.cast(), text.len());
        raw::copy_out(&[0], to.add(text.len()).cast(), 1);
    }
    Ok(())
}
