//! Sleeping on a word of memory, between the threads of one process.
//!
//! Wake-ups may be spurious: callers re-check their condition. Signals end a wait, with or without a
//! deadline.

use super::clock;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags};
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Somebody called [`wake`], or nobody did and it is spurious.
    Woken,
    /// The word did not hold the expected value, so there was no sleep.
    Changed,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran.
    Interrupted,
}

/// Sleeps while `word` holds `expected`, until `deadline` (`None`: for ever).
pub fn wait(word: &AtomicU32, expected: u32, deadline: Option<Instant>) -> Wait {
    loop {
        let timeout = match deadline {
            // An untimed wait is restarted by the kernel after SA_RESTART handlers, a timed one is not; only
            // the timed one lets Ctrl-C end a blocking call in every language.
            None => FAR,
            Some(deadline) => deadline.saturating_duration_since(clock::now()).min(FAR),
        };
        match futex::wait(word, Flags::PRIVATE, expected, Some(&super::timespec(timeout))) {
            Ok(()) => return Wait::Woken,
            Err(Errno::AGAIN) => return Wait::Changed,
            Err(Errno::INTR) => return Wait::Interrupted,
            Err(Errno::TIMEDOUT) if timeout < FAR => return Wait::TimedOut,
            Err(Errno::TIMEDOUT) => {}
            // Nothing else can happen to a valid word and time; a spurious wake-up is always allowed.
            Err(_) => return Wait::Woken,
        }
    }
}

/// Wakes up to `count` sleepers; returns how many.
pub fn wake(word: &AtomicU32, count: u32) -> usize {
    // The kernel takes a signed count.
    futex::wake(word, Flags::PRIVATE, count.min(i32::MAX.cast_unsigned())).unwrap_or(0)
}

/// As good as for ever, and within every kernel's range.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn changed_words_do_not_sleep() {
        assert_eq!(wait(&AtomicU32::new(1), 0, None), Wait::Changed);
    }

    #[test]
    fn deadlines_end_a_wait() {
        let word = AtomicU32::new(0);
        let deadline = Instant::now() + Duration::from_millis(1);
        while wait(&word, 0, Some(deadline)) != Wait::TimedOut {}
        assert!(Instant::now() >= deadline);
        assert_eq!(wait(&word, 0, Some(deadline)), Wait::TimedOut);
    }

    #[test]
    fn wake_ends_a_wait() {
        let word = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while word.load(Ordering::Acquire) == 0 {
                    wait(&word, 0, None);
                }
            });
            word.store(1, Ordering::Release);
            wake(&word, u32::MAX);
        });
    }
}
