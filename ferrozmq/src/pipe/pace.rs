//! When to write: at once while the application pauses between messages, in batches while it does not.
//!
//! *Direct*: the sender writes each message now; the least latency. When several sends in a row
//! begin within [`Tempo::EAGER`] of the end of the one before, the sender is outrunning the kernel,
//! and the pace becomes *streaming*: messages gather until there are [`Pace::batch`] bytes of them,
//! or the oldest is [`Pace::STALE`] old (the clock is read at every [`Pace::GLANCE`]th message only).
//! Whoever finds the sender absent (the backstop in the I/O thread, or a thread about to block)
//! writes what is left and makes the pace direct again.
//!
//! The [`Tempo`] of sends is the socket's, the [`Pace`] of writes each pipe's: a publisher that writes to a hundred peers comes
//! back to each of them late, and outruns the kernel all the same. A sender that waited between two sends, for input
//! say, outruns nothing: then no clock is read.
//!
//! Pure: time is an argument.

use std::time::{Duration, Instant};

/// The tempo of one socket's sends.
#[derive(Default)]
pub(crate) struct Tempo {
    rested: bool,
    /// When the last send's writes ended, if the sender has not rested since.
    last_end: Option<Instant>,
}

impl Tempo {
    /// A send that begins this soon after the last one ended counts as outrunning the kernel.
    const EAGER: Duration = Duration::from_nanos(1500);

    /// The sender waits, or polls.
    #[inline]
    pub(crate) fn rest(&mut self) {
        *self = Tempo { rested: true, last_end: None };
    }

    /// A send begins to write; says whether it comes right after the one before.
    pub(crate) fn begin(&mut self, now: impl FnOnce() -> Instant) -> bool {
        self.last_end.is_some_and(|end| now().saturating_duration_since(end) < Self::EAGER)
    }

    /// It has written.
    pub(crate) fn end(&mut self, now: impl FnOnce() -> Instant) {
        // One send after a rest tells nothing of the next.
        self.last_end = (!std::mem::take(&mut self.rested)).then(now);
    }
}

/// The pace of one pipe's writes.
pub(crate) struct Pace {
    streaming: bool,
    /// Sends in a row that wrote here and came right after the one before.
    eager: u8,
    /// When the first message now waiting was queued; known in streaming only.
    oldest: Option<Instant>,
    glance: u8,
    batch: usize,
    /// Something was written since the backstop last looked.
    wrote: bool,
}

impl Pace {
    /// So many eager sends in a row begin streaming.
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
        Pace { streaming: false, eager: 0, oldest: None, glance: 0, batch: Self::BATCH_MIN, wrote: false }
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

    /// A send is about to write; `eager`: it comes right after the one before.
    pub(crate) fn sending(&mut self, eager: bool) {
        self.eager = if eager { self.eager.saturating_add(1) } else { 0 };
        self.streaming |= self.eager >= Self::EAGER_RUN;
    }

    /// `bytes` were written.
    pub(crate) fn wrote(&mut self, bytes: usize) {
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

    /// One send at `begin` that writes for three microseconds.
    fn send(tempo: &mut Tempo, pace: &mut Pace, begin: Instant, bytes: usize) -> Instant {
        pace.sending(tempo.begin(|| begin));
        pace.wrote(bytes);
        let end = begin + Duration::from_micros(3);
        tempo.end(|| end);
        end
    }

    #[test]
    fn a_sender_that_pauses_is_never_delayed() {
        let (mut tempo, mut pace) = (Tempo::default(), Pace::new());
        let mut now = Instant::now();
        for _ in 0..100 {
            assert!(pace.write_now(12, || now));
            now = send(&mut tempo, &mut pace, now, 12) + Duration::from_micros(5);
        }
        assert!(!pace.streaming);
    }

    #[test]
    fn a_sender_that_waits_in_between_reads_no_clock() {
        let (mut tempo, mut pace) = (Tempo::default(), Pace::new());
        for _ in 0..20 {
            tempo.rest();
            pace.sending(tempo.begin(|| unreachable!()));
            tempo.end(|| unreachable!());
        }
        assert!(!pace.streaming);
    }

    #[test]
    fn a_sender_that_outruns_the_kernel_streams_until_it_pauses() {
        let (mut tempo, mut pace) = (Tempo::default(), Pace::new());
        let mut now = Instant::now();
        for _ in 0..5 {
            now = send(&mut tempo, &mut pace, now, 12);
        }
        assert!(pace.streaming);
        assert!(!pace.write_now(12, || now));
        assert!(pace.write_now(Pace::BATCH_MIN, || now));
        let late = now + Pace::STALE;
        assert!((0..Pace::GLANCE).any(|_| pace.write_now(24, || late)), "old messages do not wait");
        pace.pause();
        assert!(pace.write_now(12, || now));
    }

    #[test]
    fn a_publisher_outruns_the_kernel_however_many_its_peers_are() {
        let mut tempo = Tempo::default();
        let mut paces: Vec<Pace> = (0..100).map(|_| Pace::new()).collect();
        let mut now = Instant::now();
        for _ in 0..5 {
            let eager = tempo.begin(|| now);
            for pace in &mut paces {
                pace.sending(eager);
                pace.wrote(12);
                now += Duration::from_micros(3);
            }
            tempo.end(|| now);
        }
        assert!(paces.iter().all(|pace| pace.streaming));
    }
}
