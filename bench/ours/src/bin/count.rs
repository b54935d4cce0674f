//! Counts the instructions of this library's blocking calls, under callgrind: see [`ferrozmq_bench::count`].

use ferrozmq_bench::count;
use ferrozmq_bench_ours::Ours;

fn main() -> std::process::ExitCode {
    count::run::<Ours>()
}

/// The C library's function as this program's std calls it, slowed down.
///
/// # Safety
/// As of the original: `time` is a place for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { count::clock_gettime(clock, time) }
}
