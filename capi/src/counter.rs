//! Atomic counters: a number that threads share.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use crate::table::{self, Object};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

/// What a counter's handle stands for.
struct Counter(AtomicI32);

impl Object for Counter {
    const KIND: u8 = 3;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

/// `zmq_atomic_counter_new(3)`: a counter at zero.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_new() -> *mut c_void {
    call::pointer(|| table::insert(Counter(AtomicI32::new(0))))
}

/// `zmq_atomic_counter_set(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_set(counter: *mut c_void, value: c_int) {
    call::or((), || {
        table::find::<Counter>(counter)?.0.store(value, Ordering::SeqCst);
        Ok(())
    });
}

/// `zmq_atomic_counter_inc(3)`: adds one; returns what it was before.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_inc(counter: *mut c_void) -> c_int {
    call::int(|| Ok(table::find::<Counter>(counter)?.0.fetch_add(1, Ordering::SeqCst)))
}

/// `zmq_atomic_counter_dec(3)`: takes one away; returns whether something is left.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_dec(counter: *mut c_void) -> c_int {
    call::int(|| Ok((table::find::<Counter>(counter)?.0.fetch_sub(1, Ordering::SeqCst) != 1).into()))
}

/// `zmq_atomic_counter_value(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_atomic_counter_value(counter: *mut c_void) -> c_int {
    call::int(|| Ok(table::find::<Counter>(counter)?.0.load(Ordering::SeqCst)))
}

/// `zmq_atomic_counter_destroy(3)`: frees the counter, and makes the pointer null.
///
/// # Safety
/// `counter` leads to a counter's pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_atomic_counter_destroy(counter: *mut *mut c_void) {
    call::or((), || {
        // SAFETY: the caller's promise is the same.
        let handle = unsafe { raw::value(counter) }?;
        drop(table::remove::<Counter>(*handle)?);
        *handle = std::ptr::null_mut();
        table::reclaim();
        Ok(())
    });
}
