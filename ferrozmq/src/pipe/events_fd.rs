//! `ZMQ_FD`: a descriptor that is readable when a socket's events may have changed.
//!
//! Loops that are not ours watch it, level- or edge-triggered, and then ask the socket for its events. It is an
//! eventfd of its own: the waker's is readable only while a thread of ours sleeps on it.
//!
//! Invariant: whoever changes something, raises it afterwards; whoever looks, quiets it before. So it is
//! readable whenever something has changed that nobody has looked at. It may be readable without a change.

use crate::sys::eventfd::EventFd;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The descriptor of one socket, if somebody has asked for it.
#[derive(Default)]
pub(crate) struct EventsFd {
    made: OnceLock<Made>,
}

struct Made {
    fd: EventFd,
    /// Saves the system call that would make readable what is.
    raised: AtomicBool,
}

impl EventsFd {
    /// The descriptor; made, and readable, at the first call.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub(crate) fn descriptor(&self) -> io::Result<RawFd> {
        if self.made.get().is_none() {
            let made = Made { fd: EventFd::new()?, raised: AtomicBool::new(false) };
            let _ = self.made.set(made);
            self.raise();
        }
        Ok(self.made.get().map_or(-1, |made| made.fd.as_fd().as_raw_fd()))
    }

    /// Whether somebody has asked for it.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.made.get().is_some()
    }

    /// Makes it readable. Call it after what has changed is there to be seen.
    #[inline]
    pub(crate) fn raise(&self) {
        if let Some(made) = self.made.get()
            && !made.raised.swap(true, Ordering::AcqRel)
        {
            made.fd.signal();
        }
    }

    /// Makes it unreadable. Call it before looking.
    #[inline]
    pub(crate) fn quiet(&self) {
        if let Some(made) = self.made.get()
            && made.raised.load(Ordering::Relaxed)
        {
            made.fd.drain();
            // An exchange, so that it follows a `raise` that found it raised, and sees what that one has changed.
            made.raised.swap(false, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{self, PollFd};
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    fn is_readable(fd: RawFd, timeout: Duration) -> bool {
        let mut fds = [PollFd { fd, events: poll::READABLE, revents: 0 }];
        poll::poll(&mut fds, Some(timeout)).is_ok_and(|ready| ready > 0)
    }

    #[test]
    fn it_is_readable_from_raise_to_quiet() {
        let events = EventsFd::default();
        events.raise();
        events.quiet();
        assert!(!events.is_wanted());
        let fd = events.descriptor().unwrap();
        assert!(is_readable(fd, Duration::ZERO), "whoever asks looks first");
        events.quiet();
        assert!(!is_readable(fd, Duration::ZERO));
        events.raise();
        events.raise();
        assert!(is_readable(fd, Duration::ZERO));
        assert_eq!(events.descriptor().unwrap(), fd);
    }

    #[test]
    fn no_change_goes_unseen() {
        const CHANGES: u64 = 200_000;
        let shared = Arc::new((EventsFd::default(), AtomicU64::new(0)));
        let fd = shared.0.descriptor().unwrap();
        let changer = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for change in 1..=CHANGES {
                    shared.1.store(change, Ordering::Relaxed);
                    shared.0.raise();
                }
            })
        };
        loop {
            assert!(is_readable(fd, Duration::from_secs(20)), "a change that nobody told");
            shared.0.quiet();
            if shared.1.load(Ordering::Relaxed) == CHANGES {
                break;
            }
        }
        changer.join().unwrap();
    }
}
