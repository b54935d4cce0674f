//! Stopwatches, and a pause: what libzmq's performance tools need.

use crate::call;
use crate::errno::Errno;
use crate::table::{self, Object};
use std::ffi::{c_int, c_ulong, c_void};
use std::time::{Duration, Instant};

/// What a stopwatch's handle stands for.
struct Stopwatch(Instant);

impl Object for Stopwatch {
    const KIND: u8 = 4;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

impl Stopwatch {
    fn microseconds(&self) -> c_ulong {
        c_ulong::try_from(self.0.elapsed().as_micros()).unwrap_or(c_ulong::MAX)
    }
}

/// `zmq_stopwatch_start`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_start() -> *mut c_void {
    call::pointer(|| table::insert(Stopwatch(Instant::now())))
}

/// `zmq_stopwatch_intermediate`: microseconds since the start; the watch goes on.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_intermediate(watch: *mut c_void) -> c_ulong {
    call::or(0, || Ok(table::find::<Stopwatch>(watch)?.microseconds()))
}

/// `zmq_stopwatch_stop`: microseconds since the start; the watch is freed.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_stopwatch_stop(watch: *mut c_void) -> c_ulong {
    call::or(0, || {
        let elapsed = table::remove::<Stopwatch>(watch)?.microseconds();
        table::reclaim();
        Ok(elapsed)
    })
}

/// `zmq_sleep`: seconds.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_sleep(seconds: c_int) {
    std::thread::sleep(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
}
