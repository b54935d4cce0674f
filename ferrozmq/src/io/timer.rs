//! What an I/O thread has to do at a certain time.

use crate::sys::clock;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Stands for every later time: further away than a process lives.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The time `delay` from now, whatever an application calls a delay.
pub(crate) fn after(delay: Duration) -> Instant {
    clock::now() + delay.min(FAR)
}

/// Names a timer, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(Instant, u64);

/// Deadlines in order, each with what is due then.
pub(crate) struct Timers<T> {
    queue: BTreeMap<TimerKey, T>,
    next: u64,
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Timers<T> {
        Timers { queue: BTreeMap::new(), next: 0 }
    }

    /// Has `due` come back from [`pop`](Self::pop) at `at` or later.
    pub(crate) fn add(&mut self, at: Instant, due: T) -> TimerKey {
        self.next += 1;
        let key = TimerKey(at, self.next);
        self.queue.insert(key, due);
        key
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.queue.remove(&key);
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(key, _)| key.0)
    }

    /// The earliest thing that is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        let entry = self.queue.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_delay_has_an_end() {
        assert!(after(Duration::MAX) > Instant::now());
    }

    #[test]
    fn timers_fire_in_order_and_cancelled_ones_never() {
        let now = Instant::now();
        let mut timers = Timers::new();
        timers.add(now + Duration::from_secs(2), "late");
        let gone = timers.add(now, "cancelled");
        timers.add(now, "first");
        timers.add(now, "second");
        timers.cancel(gone);
        assert_eq!(timers.pop(now), Some("first"));
        assert_eq!(timers.pop(now), Some("second"));
        assert_eq!(timers.pop(now), None);
        assert_eq!(timers.next(), Some(now + Duration::from_secs(2)));
    }
}
