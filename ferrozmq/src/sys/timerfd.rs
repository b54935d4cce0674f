//! A timerfd: a one-shot alarm that can be waited for together with descriptors.
//!
//! Monotonic clock, nanoseconds. Arming replaces the earlier alarm.

use super::own::Own;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A non-blocking one-shot timer, closed on drop and on exec.
#[derive(Debug)]
pub struct TimerFd(Own);

impl TimerFd {
    /// A new one, disarmed. `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Own::new(timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?)))
    }

    /// Readable once, `after` from now; zero means at once.
    pub fn arm(&self, after: Duration) -> io::Result<()> {
        super::visible();
        // Zero would disarm.
        self.set(super::timespec(after.max(Duration::from_nanos(1))))
    }

    #[cfg(test)]
    /// No alarm, and not readable.
    pub fn disarm(&self) -> io::Result<()> {
        self.set(Timespec { tv_sec: 0, tv_nsec: 0 })
    }

    /// Whether the alarm is still to come.
    #[cfg(all(test, loom))]
    pub fn is_armed(&self) -> bool {
        let left = rustix::time::timerfd_gettime(&self.0).expect("a valid descriptor").it_value;
        left.tv_sec != 0 || left.tv_nsec != 0
    }

    /// Makes it unreadable; `true` if the alarm had gone off.
    pub fn drain(&self) -> bool {
        super::visible();
        let mut expirations = [0u8; 8];
        matches!(rustix::io::read(&self.0, &mut expirations), Ok(8))
    }

    fn set(&self, value: Timespec) -> io::Result<()> {
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{PollFd, READABLE, poll};

    fn is_readable(timer: &TimerFd, timeout: Option<Duration>) -> bool {
        poll(&mut [PollFd::new(timer.as_fd(), READABLE)], timeout).unwrap() == 1
    }

    #[test]
    fn goes_off_once() {
        let timer = TimerFd::new().unwrap();
        assert!(!is_readable(&timer, Some(Duration::ZERO)));
        for after in [Duration::ZERO, Duration::from_micros(200)] {
            timer.arm(after).unwrap();
            assert!(is_readable(&timer, None));
            assert!(timer.drain());
            assert!(!timer.drain());
        }
    }

    #[test]
    fn disarming_silences() {
        let timer = TimerFd::new().unwrap();
        timer.arm(Duration::ZERO).unwrap();
        assert!(is_readable(&timer, None));
        timer.disarm().unwrap();
        assert!(!is_readable(&timer, Some(Duration::ZERO)));
        timer.arm(Duration::MAX).unwrap();
        assert!(!timer.drain());
    }
}
