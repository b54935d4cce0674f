//! An eventfd: one bit between threads that can be waited for together with descriptors.
//!
//! Invariant: after [`EventFd::signal`] the descriptor is readable until somebody drains it; any
//! number of signals is one. Never blocks.

use super::own::Own;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// A non-blocking eventfd, closed on drop and on exec.
#[derive(Debug)]
pub struct EventFd(Own);

impl EventFd {
    /// A new one, not signalled. `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Own::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Makes it readable.
    pub fn signal(&self) {
        // The only failure possible on our own descriptor is EAGAIN: the counter is full, hence readable.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Makes it unreadable; `true` if it was readable.
    pub fn drain(&self) -> bool {
        let mut counter = [0u8; 8];
        matches!(rustix::io::read(&self.0, &mut counter), Ok(8))
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_signals_are_one() {
        let fd = EventFd::new().unwrap();
        assert!(!fd.drain());
        fd.signal();
        fd.signal();
        assert!(fd.drain());
        assert!(!fd.drain());
    }

    #[test]
    fn a_full_counter_does_not_block() {
        let fd = EventFd::new().unwrap();
        rustix::io::write(&fd, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        fd.signal();
        assert!(fd.drain());
    }
}
