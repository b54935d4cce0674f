//! Signal handlers of the application.

use std::ffi::c_int;

/// The highest number that a signal has on Linux.
const LAST: c_int = 64;

/// Signals of a thread's own faults: they end no system call, whoever handles them.
const FAULTS: [c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];

/// Whether the process handles any signal, but for its own faults. A system call each: some microseconds in all.
///
/// Where it does not, an `EINTR` comes from no handler, but from the process having been stopped and continued, or traced, after
/// which some system calls do not go on by themselves (signal(7)).
pub fn are_handled() -> bool {
    (1..=LAST).filter(|signal| !FAULTS.contains(signal)).any(is_handled)
}

fn is_handled(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: reads the action into memory of its type.
    if unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) } != 0 {
        // One of libc's own signals.
        return false;
    }
    // SAFETY: the call succeeded, so it has written all of it.
    let action = unsafe { action.assume_init() };
    ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_seen() {
        extern "C" fn handler(_: c_int) {}
        assert!(!is_handled(libc::SIGURG));
        // SAFETY: a handler that does nothing, for a signal that nothing here sends.
        unsafe { libc::signal(libc::SIGURG, handler as *const () as libc::sighandler_t) };
        assert!(is_handled(libc::SIGURG) && are_handled());
    }
}
