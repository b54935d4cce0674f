//! The frame around every function's body: errors become −1 and `errno`, and no panic leaves.
//!
//! A panic is a bug of ours. It costs the call, and the socket it happened in: that is closed, so that no call
//! works on what the panic may have left half done.

use crate::errno::Errno;
use crate::socket::SocketObject;
use crate::table;
use std::any::Any;
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
///
/// `body` is compiled once, and has all that it needs by value: what it only refers to would have to be in memory.
#[inline(always)]
pub(crate) fn on_socket(handle: *mut c_void, body: impl FnOnce(&SocketObject) -> Outcome<c_int>) -> c_int {
    let packed = catch_unwind(AssertUnwindSafe(move || {
        let held = match table::find_again::<SocketObject>(handle) {
            Some(held) => held,
            None => match table::find(handle) {
                Ok(held) => held,
                Err(errno) => return pack(Err(errno)),
            },
        };
        pack(body(&held))
    }));
    match packed.map(unpack) {
        Ok(Ok(value)) => value,
        Ok(Err(errno)) => fail(errno),
        Err(panic) => break_socket(handle, panic),
    }
}

/// An outcome in one register. As the two halves of a pair in memory it would be written in two pieces and read in one,
/// for which the processor waits longer than a message takes.
#[inline(always)]
fn pack(outcome: Outcome<c_int>) -> i64 {
    match outcome {
        Ok(value) => i64::from(value),
        Err(Errno(errno)) => FAILED | i64::from(errno),
    }
}

#[inline(always)]
fn unpack(packed: i64) -> Outcome<c_int> {
    if packed >= FAILED { Err(Errno((packed - FAILED) as c_int)) } else { Ok(packed as c_int) }
}

/// Beyond every `c_int`.
const FAILED: i64 = 1 << 32;

#[cold]
fn fail(errno: Errno) -> c_int {
    errno.set();
    -1
}

/// What a body that panicked has left half done is not to be worked on.
#[cold]
fn break_socket(handle: *mut c_void, panic: Box<dyn Any + Send>) -> c_int {
    // Its destructor is a stranger, too.
    std::mem::forget(panic);
    int(|| {
        table::find::<SocketObject>(handle)?.socket.close();
        Err(Errno::BROKEN)
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

    #[test]
    fn every_outcome_is_packed_and_unpacked() {
        for value in [c_int::MIN, -1, 0, 1, c_int::MAX] {
            assert_eq!(unpack(pack(Ok(value))), Ok(value));
        }
        for errno in [0, 1, libc::EAGAIN, Errno::BROKEN.0, c_int::MAX] {
            assert_eq!(unpack(pack(Err(Errno(errno)))), Err(Errno(errno)));
        }
    }
}
