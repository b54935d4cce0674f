//! A time at which a socket's futures are woken.
//!
//! Futures with deadlines look at the clock themselves; an alarm only has them polled. It knows one time, the earliest that
//! anybody asked for: those who are woken and have time left ask again. So a socket that makes a thousand requests a second, each with a
//! time-out of a second, costs its I/O thread one timer a second.

use crate::pipe::signal::Mailbox;
use crate::sync::Mutex;
use std::sync::Arc;
use std::time::Instant;

/// One socket's alarm.
pub(crate) struct Alarm {
    mailbox: Arc<Mailbox>,
    /// The earliest time for which an I/O thread has a timer.
    armed: Mutex<Option<Instant>>,
}

impl Alarm {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Alarm {
        Alarm { mailbox, armed: Mutex::new(None) }
    }

    /// Futures are to be woken at `at`, or before. Says whether that takes a new timer.
    #[must_use]
    pub(crate) fn set(&self, at: Instant) -> bool {
        let mut armed = self.armed.lock();
        let is_new = armed.is_none_or(|armed| armed > at);
        if is_new {
            *armed = Some(at);
        }
        is_new
    }

    /// A timer has gone off (I/O thread).
    pub(crate) fn ring(&self) {
        // Before the wake: who is woken may set it again. A later timer may be under way; it will ring for nothing.
        *self.armed.lock() = None;
        self.mailbox.waker().wake();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::pipe::ledger::Ledger;
    use std::time::Duration;

    #[test]
    fn only_an_earlier_time_takes_a_timer() {
        let alarm = Alarm::new(Arc::new(Mailbox::new(Ledger::default())));
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        assert!(alarm.set(now + second));
        assert!(!alarm.set(now + second));
        assert!(!alarm.set(now + 2 * second));
        assert!(alarm.set(now));
        alarm.ring();
        assert!(alarm.set(now + 2 * second));
    }
}
