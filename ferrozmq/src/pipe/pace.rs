//! When to write: at once while the application pauses between messages, in batches while it does not.
//!
//! *Direct*: the sender writes each message now; the least latency. When several writes in a row
//! begin within [`Pace::EAGER`] of the end of the one before, the sender is outrunning the kernel,
//! and the pace becomes *streaming*: messages gather until there are [`Pace::batch`] bytes of them,
//! or the oldest is [`Pace::STALE`] old (the clock is read at every [`Pace::GLANCE`]th message only).
//! Whoever finds the sender absent (the backstop in the I/O thread, or a thread about to block)
//! writes what is left and makes the pace direct again.
//!
//! A sender that waited between two writes, for input say, is not outrunning anything: then no clock is read.
//!
//! Pure: time is an argument.

use std::time::{Duration, Instant};

/// The pace of one pipe's writes.
pub(crate) struct Pace {
    streaming: bool,
    /// Writes in a row that began right after the one before.
    eager: u8,
    last_write_end: Option<Instant>,
    /// When the first message now waiting was queued; known in streaming only.
    oldest: Option<Instant>,
    glance: u8,
    batch: usize,
    /// Something was written since the backstop last looked.
    wrote: bool,
    rested: bool,
}

impl Pace {
    /// A write that begins this soon after the last one ended counts as outrunning it.
    const EAGER: Duration = Duration::from_nanos(1500);
    /// So many eager writes in a row begin streaming.
    const EAGER_RUN: u8 = 3;
    /// While streaming, messages older than this are written by the next send that looks.
    const STALE: Duration = Duration::from_micros(20);
    /// While streaming, every so many messages look at the clock.
    const GLANCE: u8 = 16;
    /// Batches grow from here …
    const BATCH_MIN: usize = 32 * 1024;
    /// … to here, while they follow each other without a pause.
    const BATCH_MAX: usize = 256 * 1024;

    pub(crate) fn new() -> Pace {
        Pace {
            streaming: false,
            eager: 0,
            last_write_end: None,
            oldest: None,
            glance: 0,
            batch: Self::BATCH_MIN,
            wrote: false,
            rested: false,
        }
    }

    /// Whether the message just queued should be written now, with `waiting` bytes in all.
    #[inline]
    pub(crate) fn write_now(&mut self, waiting: usize, now: impl FnOnce() -> Instant) -> bool {
        if !self.streaming || waiting >= self.batch {
            return true;
        }
        self.glance = self.glance.wrapping_add(1);
        if self.glance % Self::GLANCE != 1 {
            return false;
        }
        let now = now();
        match self.oldest {
            None => {
                self.oldest = Some(now);
                false
            }
            Some(oldest) => now.saturating_duration_since(oldest) >= Self::STALE,
        }
    }

    /// The sender has waited since its last write.
    #[inline]
    pub(crate) fn rest(&mut self) {
        self.rested = true;
    }

    /// Whether the times of the next write matter.
    #[inline]
    pub(crate) fn needs_clock(&self) -> bool {
        !self.rested
    }

    /// A write begins; `now` is known if it [matters](Self::needs_clock).
    pub(crate) fn writing(&mut self, now: Option<Instant>) {
        let pause = self.last_write_end.zip(now).map(|(end, now)| now.saturating_duration_since(end));
        if pause.is_some_and(|pause| pause < Self::EAGER) {
            self.eager = self.eager.saturating_add(1);
            if self.eager >= Self::EAGER_RUN {
                self.streaming = true;
            }
        } else {
            self.eager = 0;
        }
    }

    /// A write of `bytes` ended.
    pub(crate) fn wrote(&mut self, bytes: usize, now: Option<Instant>) {
        self.last_write_end = now;
        self.rested = false;
        self.wrote = true;
        self.oldest = None;
        self.glance = 0;
        if self.streaming && bytes >= self.batch {
            self.batch = (self.batch * 2).min(Self::BATCH_MAX);
        }
    }

    /// Whether the sender has written since the backstop last asked.
    pub(crate) fn wrote_since_last_look(&mut self) -> bool {
        std::mem::take(&mut self.wrote)
    }

    /// The sender paused: the next message is written at once.
    pub(crate) fn pause(&mut self) {
        self.streaming = false;
        self.eager = 0;
        self.batch = Self::BATCH_MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pace: &mut Pace, begin: Instant, bytes: usize) -> Instant {
        pace.writing(Some(begin));
        let end = begin + Duration::from_micros(3);
        pace.wrote(bytes, Some(end));
        end
    }

    #[test]
    fn a_sender_that_pauses_is_never_delayed() {
        let mut pace = Pace::new();
        let mut now = Instant::now();
        for _ in 0..100 {
            assert!(pace.write_now(12, || now));
            now = write(&mut pace, now, 12) + Duration::from_micros(5);
        }
        assert!(!pace.streaming);
    }

    #[test]
    fn a_sender_that_outruns_the_kernel_streams_until_it_pauses() {
        let mut pace = Pace::new();
        let mut now = Instant::now();
        for _ in 0..20 {
            now = write(&mut pace, now, 12);
            pace.rest();
            assert!(!pace.needs_clock(), "a sender that waits in between");
            pace.writing(None);
            pace.wrote(12, None);
        }
        assert!(!pace.streaming);
        for _ in 0..5 {
            now = write(&mut pace, now, 12);
        }
        assert!(pace.streaming);
        assert!(!pace.write_now(12, || now));
        assert!(pace.write_now(Pace::BATCH_MIN, || now));
        let late = now + Pace::STALE;
        assert!((0..Pace::GLANCE).any(|_| pace.write_now(24, || late)), "old messages do not wait");
        pace.pause();
        assert!(pace.write_now(12, || now));
    }
}
