//! Z85 in and out of C strings.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use ferrozmq_proto::z85;
use std::ffi::{CStr, c_char};

/// `zmq_z85_encode(3)`: `size` bytes, a multiple of four, as text with a closing NUL. Returns `text`.
///
/// # Safety
/// `data` leads to `size` bytes, `text` to memory for `size * 5 / 4 + 1`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_encode(text: *mut c_char, data: *const u8, size: usize) -> *mut c_char {
    call::pointer(|| {
        if text.is_null() {
            return Err(Errno::FAULT);
        }
        // SAFETY: the caller's promise is the same.
        let bytes = unsafe { raw::bytes(data.cast(), size) }?;
        let mut encoded = z85::encode(bytes).map_err(|_| Errno::INVALID)?;
        encoded.push('\0');
        // SAFETY: the caller has room for the text and its NUL.
        unsafe { raw::copy_out(encoded.as_bytes(), text.cast(), encoded.len()) };
        Ok(text)
    })
}

/// `zmq_z85_decode(3)`: the bytes that a text stands for. Returns `data`.
///
/// # Safety
/// `text` leads to a string, `data` to memory for four fifths of its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_decode(data: *mut u8, text: *const c_char) -> *mut u8 {
    call::pointer(|| {
        if data.is_null() || text.is_null() {
            return Err(Errno::FAULT);
        }
        // SAFETY: not null; the rest is the caller's promise.
        let text = unsafe { CStr::from_ptr(text) };
        let decoded = z85::decode(text.to_bytes()).map_err(|_| Errno::INVALID)?;
        // SAFETY: the caller has room for the bytes.
        unsafe { raw::copy_out(&decoded, data.cast(), decoded.len()) };
        Ok(data)
    })
}
