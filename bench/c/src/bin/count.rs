//! Counts the instructions of the C functions of the library that `FERROZMQ_BENCH_LIBRARY` names, under callgrind: see
//! [`ferrozmq_bench::count`].

use ferrozmq_bench::count;

fn main() -> std::process::ExitCode {
    ferrozmq_bench_c::with_named(count::run::<ferrozmq_bench_c::CLibrary>)
}

/// The C library's function as this program and the library under measurement call it, slowed down.
///
/// # Safety
/// As of the original: `time` is a place for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { count::clock_gettime(clock, time) }
}
