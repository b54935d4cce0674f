//! `zmq_timers`: callbacks after a time, run by the application's own loop.
//!
//! Callbacks run without a lock, so they may add, change and cancel timers, their own too.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use crate::table::{self, Object};
use ferrozmq::Timers;
use std::ffi::{c_int, c_long, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// libzmq's `zmq_timer_fn`.
pub type TimerFn = unsafe extern "C" fn(timer_id: c_int, argument: *mut c_void);

/// What the handle of a set of timers stands for.
struct TimersObject(Mutex<Timers<Callback>>);

impl Object for TimersObject {
    const KIND: u8 = 7;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

/// What a timer calls.
#[derive(Clone, Copy)]
struct Callback {
    function: TimerFn,
    argument: *mut c_void,
}

// SAFETY: it is called by the thread that executes the timers, which the caller chooses.
unsafe impl Send for Callback {}

impl TimersObject {
    fn timers(&self) -> MutexGuard<'_, Timers<Callback>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(interval: usize) -> Duration {
    Duration::from_millis(interval as u64)
}

/// `zmq_timers_new`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_new() -> *mut c_void {
    call::pointer(|| table::insert(TimersObject(Mutex::new(Timers::new()))))
}

/// `zmq_timers_destroy`: frees the timers, and makes the pointer null.
///
/// # Safety
/// `timers` leads to the timers' pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_timers_destroy(timers: *mut *mut c_void) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let handle = unsafe { raw::value(timers) }?;
        let object = table::remove::<TimersObject>(*handle)?;
        // A callback may destroy the timers that are being executed: the others are not called any more.
        *object.timers() = Timers::new();
        drop(object);
        *handle = std::ptr::null_mut();
        table::reclaim();
        Ok(0)
    })
}

/// `zmq_timers_add`: calls `function` every `interval` milliseconds; returns the timer's number.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_add(
    timers: *mut c_void,
    interval: usize,
    function: Option<TimerFn>,
    argument: *mut c_void,
) -> c_int {
    call::int(|| {
        let timers = table::find::<TimersObject>(timers)?;
        let callback = Callback { function: function.ok_or(Errno::FAULT)?, argument };
        Ok(timers.timers().add(Instant::now(), milliseconds(interval), callback))
    })
}

/// `zmq_timers_cancel`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_cancel(timers: *mut c_void, id: c_int) -> c_int {
    call::int(|| {
        table::find::<TimersObject>(timers)?.timers().cancel(id)?;
        Ok(0)
    })
}

/// `zmq_timers_set_interval`: another interval, which begins now.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_set_interval(timers: *mut c_void, id: c_int, interval: usize) -> c_int {
    call::int(|| {
        let timers = table::find::<TimersObject>(timers)?;
        timers.timers().set_interval(Instant::now(), id, milliseconds(interval))?;
        Ok(0)
    })
}

/// `zmq_timers_reset`: begins the interval anew.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_reset(timers: *mut c_void, id: c_int) -> c_int {
    call::int(|| {
        table::find::<TimersObject>(timers)?.timers().reset(Instant::now(), id)?;
        Ok(0)
    })
}

/// `zmq_timers_timeout`: milliseconds until the next timer goes off, −1 if there are none.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_timeout(timers: *mut c_void) -> c_long {
    call::or(-1, || {
        let timeout = table::find::<TimersObject>(timers)?.timers().timeout(Instant::now());
        // Rounded up: who waits for so long finds the timer due.
        let up = |left: Duration| left.as_nanos().div_ceil(1_000_000);
        Ok(timeout.map_or(-1, |left| c_long::try_from(up(left)).unwrap_or(c_long::MAX)))
    })
}

/// `zmq_timers_execute`: calls the functions of the timers that are due, each once.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_timers_execute(timers: *mut c_void) -> c_int {
    call::int(|| {
        // No claim: a callback is not inside a call of ours, and what it gives back need not wait for the others.
        let timers = table::share::<TimersObject>(timers)?;
        let now = Instant::now();
        let mut called = Vec::new();
        loop {
            let due = timers.timers().next_due(now);
            let Some((id, callback)) = due.filter(|(id, _)| !called.contains(id)) else { return Ok(0) };
            called.push(id);
            // SAFETY: the function and its argument are those of the caller, who executes it here.
            unsafe { (callback.function)(id, callback.argument) };
        }
    })
}
