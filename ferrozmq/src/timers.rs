//! Timers for a loop of the application's own (`zmq_timers(3)`).
//!
//! A [`Timers`] runs nothing: it says how long to wait, and which timers are due. The clock is an argument.

use crate::error::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

/// Timers that go off again and again, each with a key of the caller's choice.
///
/// ```
/// use ferrozmq::Timers;
/// use std::time::{Duration, Instant};
/// let mut timers = Timers::new();
/// let now = Instant::now();
/// let id = timers.add(now, Duration::from_millis(10), "tick");
/// assert_eq!(timers.timeout(now), Some(Duration::from_millis(10)));
/// assert_eq!(timers.next_due(now + Duration::from_millis(10)), Some((id, "tick")));
/// ```
#[derive(Clone, Debug)]
pub struct Timers<K> {
    timers: Vec<Timer<K>>,
    last_id: i32,
}

#[derive(Clone, Debug)]
struct Timer<K> {
    id: i32,
    interval: Duration,
    due: Instant,
    key: K,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Timers::new()
    }
}

impl<K> Timers<K> {
    /// No timers.
    #[must_use]
    pub fn new() -> Timers<K> {
        Timers { timers: Vec::new(), last_id: 0 }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// Adds a timer that goes off `interval` after `now`, and then every `interval`. Returns its number, counted from 1.
    pub fn add(&mut self, now: Instant, interval: Duration, key: K) -> i32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.timers.push(Timer { id: self.last_id, interval, due: after(now, interval), key });
        self.last_id
    }

    /// Takes a timer away.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is none with this number.
    pub fn cancel(&mut self, id: i32) -> Result<()> {
        let index = self.timers.iter().position(|timer| timer.id == id).ok_or_else(absent)?;
        self.timers.remove(index);
        Ok(())
    }

    /// Gives a timer another interval, which begins `now`.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn set_interval(&mut self, now: Instant, id: i32, interval: Duration) -> Result<()> {
        self.timer(id)?.interval = interval;
        self.reset(now, id)
    }

    /// Begins a timer's interval anew.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn reset(&mut self, now: Instant, id: i32) -> Result<()> {
        let timer = self.timer(id)?;
        timer.due = after(now, timer.interval);
        Ok(())
    }

    /// How long it is until the next timer goes off; `None` if there are none.
    #[must_use]
    pub fn timeout(&self, now: Instant) -> Option<Duration> {
        self.timers.iter().map(|timer| timer.due.saturating_duration_since(now)).min()
    }

    fn timer(&mut self, id: i32) -> Result<&mut Timer<K>> {
        self.timers.iter_mut().find(|timer| timer.id == id).ok_or_else(absent)
    }
}

impl<K: Clone> Timers<K> {
    /// Of the timers that are due `now`, the one that has been for longest; its next interval begins now.
    pub fn next_due(&mut self, now: Instant) -> Option<(i32, K)> {
        let timer = self.timers.iter_mut().filter(|timer| timer.due <= now).min_by_key(|timer| timer.due)?;
        timer.due = after(now, timer.interval);
        Some((timer.id, timer.key.clone()))
    }
}

/// Far enough away is as good as never.
fn after(now: Instant, interval: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(interval).unwrap_or(now + FAR)
}

fn absent() -> Error {
    Error::new(ErrorKind::Invalid, "there is no timer with this number")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn timers_go_off_in_order_and_again() {
        let mut timers = Timers::new();
        let start = Instant::now();
        assert_eq!(timers.timeout(start), None);
        let slow = timers.add(start, 30 * MS, "slow");
        let fast = timers.add(start, 20 * MS, "fast");
        assert_eq!(timers.timeout(start), Some(20 * MS));
        assert_eq!(timers.next_due(start + 19 * MS), None);
        let late = start + 35 * MS;
        assert_eq!(timers.next_due(late), Some((fast, "fast")));
        assert_eq!(timers.next_due(late), Some((slow, "slow")));
        assert_eq!(timers.next_due(late), None, "both begin anew");
        assert_eq!(timers.timeout(late), Some(20 * MS));
    }

    #[test]
    fn timers_are_changed_and_cancelled() {
        let mut timers = Timers::new();
        let start = Instant::now();
        let id = timers.add(start, 10 * MS, ());
        assert_eq!(id, 1);
        timers.reset(start + 5 * MS, id).unwrap();
        assert_eq!(timers.timeout(start + 5 * MS), Some(10 * MS));
        timers.set_interval(start, id, 50 * MS).unwrap();
        assert_eq!(timers.timeout(start), Some(50 * MS));
        timers.set_interval(start, id, Duration::MAX).unwrap();
        assert!(timers.timeout(start).is_some());
        timers.cancel(id).unwrap();
        assert!(timers.cancel(id).is_err() && timers.reset(start, id).is_err());
        assert!(timers.is_empty());
    }
}
