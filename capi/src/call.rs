//! The frame around every function's body: errors become −1 and `errno`, and no panic leaves.
//!
//! A panic is a bug of ours. It costs the call, and the socket it happened in: that is closed, so that no call
//! works on what the panic may have left half done.

use crate::errno::Errno;
use crate::socket::SocketObject;
use crate::table;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a body gives.
pub(crate) type Outcome<T> = Result<T, Errno>;

/// Runs the body of a function that returns −1 on failure.
#[inline]
pub(crate) fn int(body: impl FnOnce() -> Outcome<c_int>) -> c_int {
    or(-1, body)
}

/// Runs the body of a function that returns null on failure.
#[inline]
pub(crate) fn pointer<T>(body: impl FnOnce() -> Outcome<*mut T>) -> *mut T {
    or(std::ptr::null_mut(), body)
}

/// Runs the body of a function that returns `failed` on failure.
#[inline]
pub(crate) fn or<T>(failed: T, body: impl FnOnce() -> Outcome<T>) -> T {
    let errno = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => return value,
        Ok(Err(errno)) => errno,
        Err(panic) => {
            // Its destructor is a stranger, too.
            std::mem::forget(panic);
            Errno::BROKEN
        }
    };
    errno.set();
    failed
}

/// Runs a body on the socket `handle`.
#[inline]
pub(crate) fn on_socket(handle: *mut c_void, body: impl FnOnce(&SocketObject) -> Outcome<c_int>) -> c_int {
    int(|| {
        let held = table::find::<SocketObject>(handle)?;
        match catch_unwind(AssertUnwindSafe(|| body(&held))) {
            Ok(outcome) => outcome,
            Err(panic) => {
                std::mem::forget(panic);
                held.socket.close();
                Err(Errno::BROKEN)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::zmq_errno;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(int(|| panic!("a test")), -1);
        assert_eq!(zmq_errno(), Errno::BROKEN.0);
        assert!(pointer::<u8>(|| panic!("a test")).is_null());
        assert_eq!(int(|| Ok(3)), 3);
    }
}
