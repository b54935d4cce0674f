//! `ppoll`: a few descriptors, once, with nanoseconds.
//!
//! Takes raw descriptor numbers, because applications hand theirs to us by number: a closed or
//! nonsensical one is reported (`POLLNVAL`), not trusted; a negative one is skipped.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// Input, or the end of input, is there.
pub const READABLE: i16 = libc::POLLIN;
/// Urgent input is there.
pub const PRIORITY: i16 = libc::POLLPRI;
/// Output would be accepted.
pub const WRITABLE: i16 = libc::POLLOUT;
/// An error is pending; only ever reported.
pub const ERROR: i16 = libc::POLLERR;
/// Both directions are over; only ever reported.
pub const HANG_UP: i16 = libc::POLLHUP;
/// No such descriptor; only ever reported.
pub const INVALID: i16 = libc::POLLNVAL;

/// One descriptor to watch, laid out as the kernel's `struct pollfd`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor's number.
    pub fd: RawFd,
    /// What to wait for: [`READABLE`], [`WRITABLE`], [`PRIORITY`].
    pub events: i16,
    /// What there is.
    pub revents: i16,
}

const _: () = assert!(size_of::<PollFd>() == size_of::<libc::pollfd>());

impl PollFd {
    /// Watches `fd` for `events`.
    pub fn new(fd: BorrowedFd<'_>, events: i16) -> Self {
        Self { fd: fd.as_raw_fd(), events, revents: 0 }
    }
}

/// The signals that are blocked during a wait, in place of the thread's own choice.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl SignalMask {
    /// Blocks exactly these signals; numbers that are no signals are skipped.
    #[must_use]
    pub fn blocking(signals: impl IntoIterator<Item = i32>) -> SignalMask {
        let mut set = std::mem::MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set.
        let mut set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        };
        for signal in signals {
            // SAFETY: the set is initialised and ours; a number that is no signal is refused.
            unsafe { libc::sigaddset(&raw mut set, signal) };
        }
        SignalMask(set)
    }

    /// Has the waits in `body` on this thread use the mask, from the moment they sleep until they return.
    pub fn during<T>(&self, body: impl FnOnce() -> T) -> T {
        struct Restore;
        impl Drop for Restore {
            fn drop(&mut self) {
                MASK.set(std::ptr::null());
            }
        }
        let restore = Restore;
        MASK.set(&raw const self.0);
        let result = body();
        drop(restore);
        result
    }
}

impl std::fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignalMask").finish_non_exhaustive()
    }
}

thread_local! {
    /// Null, or a set that lives as long as the call that put it here.
    static MASK: std::cell::Cell<*const libc::sigset_t> = const { std::cell::Cell::new(std::ptr::null()) };
}

/// Waits until a descriptor has news or `timeout` has passed (`None`: for ever); returns how many have.
/// `EINTR` is an error of kind `Interrupted`; `EINVAL` if there are more than `RLIMIT_NOFILE`.
pub fn poll(fds: &mut [PollFd], timeout: Option<Duration>) -> io::Result<usize> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or(libc::nfds_t::MAX);
    // SAFETY: `PollFd` has the layout of `pollfd`, the slice is `count` of them and exclusively ours, the
    // time (if any) outlives the call, and so does the signal mask (if any).
    let result = unsafe { libc::ppoll(fds.as_mut_ptr().cast(), count, timeout, MASK.get()) };
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::eventfd::EventFd;
    use std::os::fd::AsFd;
    use std::time::Instant;

    #[test]
    fn reports_what_there_is() {
        let fd = EventFd::new().unwrap();
        let mut fds =
            [PollFd::new(fd.as_fd(), READABLE | WRITABLE), PollFd { fd: -1, events: 1, revents: 7 }];
        assert_eq!(poll(&mut fds, None).unwrap(), 1);
        assert_eq!((fds[0].revents, fds[1].revents), (WRITABLE, 0));
        fd.signal();
        assert_eq!(poll(&mut fds, None).unwrap(), 1);
        assert_eq!(fds[0].revents, READABLE | WRITABLE);
    }

    #[test]
    fn nonsense_is_reported_as_such() {
        let mut fds = [PollFd { fd: i32::MAX, events: READABLE, revents: 0 }];
        assert_eq!(poll(&mut fds, None).unwrap(), 1);
        assert_eq!(fds[0].revents, INVALID);
    }

    #[test]
    fn timeouts_are_never_early() {
        let (start, timeout) = (Instant::now(), Duration::from_micros(250));
        assert_eq!(poll(&mut [], Some(timeout)).unwrap(), 0);
        assert!(start.elapsed() >= timeout);
    }
}
