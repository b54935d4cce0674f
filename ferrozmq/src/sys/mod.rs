//! System calls: the only floor that talks to the kernel, and one of the few rooms where `unsafe`
//! is allowed.
//!
//! One file per kernel object or call. Everything here is a thin, safe shape around one call: no
//! policy, no retries beyond what the call's own contract needs, no knowledge of messages. `EINTR` is
//! surfaced wherever a caller may want to return it to an application.
//!
//! Not here: addresses, endpoints and socket options by name (that is [`crate::transport`]).

pub mod adopt;
pub mod cache;
pub mod clock;
pub mod cpu;
pub mod epoll;
pub mod eventfd;
pub mod fork;
pub mod futex;
pub mod ifaddrs;
pub mod io;
pub mod membarrier;
pub mod own;
pub mod poll;
pub mod random;
pub mod signals;
pub mod sockopt;
pub mod thread_number;
pub mod timerfd;

use rustix::time::Timespec;
use std::time::Duration;

/// Called before each system call whose order among threads matters: shows it to the model checker, which would
/// otherwise take two threads' calls for unrelated and try one order only. Nothing in a real build.
#[inline(always)]
pub(crate) fn visible() {
    #[cfg(loom)]
    {
        loom::lazy_static! {
            static ref KERNEL: loom::sync::atomic::AtomicUsize = loom::sync::atomic::AtomicUsize::new(0);
        }
        // Relaxed: the kernel's own ordering is not relied upon.
        KERNEL.fetch_add(1, loom::sync::atomic::Ordering::Relaxed);
    }
}

/// `duration` as the kernel wants it; durations beyond its range become its longest.
fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::atomic::AtomicU32;

    extern "C" fn ignore(_: libc::c_int) {}

    /// Sends signals to a thread running `wait` until it returns; whether it returned by interruption.
    fn is_interrupted(wait: impl FnOnce() -> bool + Send + 'static) -> bool {
        let thread = std::thread::spawn(wait);
        while !thread.is_finished() {
            // SAFETY: the thread is not joined yet, so its handle is valid; the handler does nothing.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR2) };
            std::thread::yield_now();
        }
        thread.join().unwrap()
    }

    /// What lets Ctrl-C end a blocking call, even where handlers ask for restarts, as most languages' do.
    #[test]
    fn signals_end_waits() {
        // SAFETY: installs a handler that does nothing, for a signal that no other test uses.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = ignore as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()), 0);
        }
        let interrupted =
            |result: io::Result<usize>| result.is_err_and(|error| error.kind() == io::ErrorKind::Interrupted);
        assert!(is_interrupted(move || {
            interrupted(epoll::Epoll::new().unwrap().wait(&mut epoll::Events::default(), None))
        }));
        assert!(is_interrupted(move || interrupted(poll::poll(&mut [], None))));
        assert!(is_interrupted(|| futex::wait(&AtomicU32::new(0), 0, None) == futex::Wait::Interrupted));
    }
}
