//! What this library is, and what it has.

use std::ffi::{CStr, c_char, c_int};

/// The version of libzmq whose functions, options and answers these are. Bindings keep tables of released ones.
const VERSION: [c_int; 3] = [4, 3, 5];

/// `zmq_version(3)`.
///
/// # Safety
/// Each pointer is null or leads to an `int`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int) {
    for (pointer, number) in [major, minor, patch].into_iter().zip(VERSION) {
        // SAFETY: the caller's promise is the same. A null is skipped.
        let _ = unsafe { crate::raw::store(pointer, number) };
    }
}

/// `zmq_has(3)`: whether the library has a feature that not every libzmq has.
///
/// # Safety
/// `capability` leads to a string, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_has(capability: *const c_char) -> c_int {
    if capability.is_null() {
        return 0;
    }
    // SAFETY: not null; the rest is the caller's promise.
    let name = unsafe { CStr::from_ptr(capability) };
    // The others that libzmq may have: pgm, tipc, norm, gssapi, vmci, draft, WS, WSS, vsock.
    c_int::from([c"ipc", c"curve"].contains(&name))
}
