//! CURVE's keys. The mechanism is not built yet, and so these say.

use crate::call;
use crate::errno::Errno;
use std::ffi::{c_char, c_int};

/// `zmq_curve_keypair(3)`: not supported.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_curve_keypair(_public: *mut c_char, _secret: *mut c_char) -> c_int {
    call::int(|| Err(Errno::NOT_SUPPORTED))
}

/// `zmq_curve_public(3)`: not supported.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_curve_public(_public: *mut c_char, _secret: *const c_char) -> c_int {
    call::int(|| Err(Errno::NOT_SUPPORTED))
}
