//! When to write: at once while the application pauses between messages, in batches while it does not.
//!
//! *Direct*: the sender writes each message now; the least latency. When several sends in a row
//! begin within [`Tempo::EAGER`] of the end of the one before, the sender is outrunning the kernel. A short burst is written like
//! that all the same, for nobody but the I/O thread would write its end: each long pause earns the sender a share of its length
//! ([`Tempo::THRIFT`]) to spend on such writes. When that is spent
//! the pace becomes *streaming*: messages gather until there are [`Pace::batch`] bytes of them,
//! or the oldest has waited as long as the [`Beat`] allows (the clock is read now and then only: [`Pace::stride`]).
//! Whoever finds the sender absent (the backstop in the I/O thread, or a thread about to block)
//! writes what is left and makes the pace direct again.
//!
//! A sender that answers what it has received, and has more to answer in hand, is a third case: if it comes back at once, as
//! it did before, its answers go together ([`Tempo::is_brisk`]); else each is written when it is sent.
//!
//! The [`Tempo`] of sends is the socket's, the [`Pace`] of writes each pipe's: a publisher that writes to a hundred peers comes
//! back to each of them late, and outruns the kernel all the same. A sender that waited between two sends, for input
//! say, outruns nothing: then no clock is read.
//!
//! Pure: time is an argument.

use std::time::{Duration, Instant};

/// The tempo of one socket's sends.
pub(crate) struct Tempo {
    rested: bool,
    /// How long sends that outrun the kernel may still take to write, or to hand over.
    credit: Duration,
    /// The send that writes comes right after the one before.
    outruns: bool,
    began: Option<Instant>,
    /// When the last send's writes ended, if the sender has not rested since.
    last_end: Option<Instant>,
    /// How long it would have taken the last send that wrote to write to all peers.
    spent: Duration,
    /// When the last send ended that had more to answer, if the sender has not rested since.
    answered: Option<Instant>,
    /// Such a sender comes back at once.
    brisk: bool,
}

/// What a send that writes knows of the ones before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    /// It comes right after the one before, and bursts have had their share.
    pub(crate) eager: bool,
    /// How long messages may gather.
    pub(crate) patience: Duration,
}

impl Tempo {
    /// A send that begins this soon after the last one ended counts as outrunning the kernel.
    const EAGER: Duration = Duration::from_nanos(1500);
    /// … and this much later for each peer that it queued for in between.
    const EAGER_PER_PEER: Duration = Duration::from_nanos(100);
    /// Messages gather for this many times as long as it took to write the last ones to all peers, so that the system
    /// calls cost a publisher to many no larger share of its time than one to few.
    const SHARE: u32 = 3;
    /// Of a pause, a burst after it may take this part to be written message by message: so much processor time, at most, is the price of
    /// its messages' latency.
    const THRIFT: u32 = 16;
    /// Shorter pauses earn nothing. They are the times in which messages gathered, or in which those whom a write woke had the processor:
    /// a publisher would have itself interrupted, take that for a pause, and go on writing message by message.
    const EARNING: Duration = Duration::from_millis(1);
    /// Credit that a sender can save up: enough for some dozens of messages to one peer, and all that a stream that follows loses by it.
    const CREDIT_MAX: Duration = Duration::from_micros(250);

    pub(crate) fn new() -> Tempo {
        Tempo {
            rested: false,
            credit: Self::CREDIT_MAX,
            outruns: false,
            began: None,
            last_end: None,
            spent: Duration::ZERO,
            answered: None,
            brisk: false,
        }
    }

    /// The sender waits, or polls.
    #[inline]
    pub(crate) fn rest(&mut self) {
        *self = Tempo { rested: true, brisk: self.brisk, credit: self.credit, ..Tempo::new() };
    }

    /// A sender sends, or is about to wait: whether one with more to answer comes back at once, as it did last time.
    #[inline]
    pub(crate) fn is_brisk(&mut self, has_more: bool, now: impl FnOnce() -> Instant) -> bool {
        if !has_more && self.answered.is_none() {
            return false;
        }
        let now = now();
        if let Some(before) = self.answered {
            self.brisk = now.saturating_duration_since(before) < Self::EAGER;
        }
        self.answered = has_more.then_some(now);
        has_more && self.brisk
    }

    /// A send begins to write to so many `peers`.
    pub(crate) fn begin(&mut self, peers: usize, now: impl FnOnce() -> Instant) -> Beat {
        let Some(end) = self.last_end else {
            self.began = None;
            return Beat { eager: false, patience: Pace::STALE };
        };
        let began = now();
        self.began = Some(began);
        let per_peer = Self::EAGER_PER_PEER.saturating_mul(u32::try_from(peers).unwrap_or(u32::MAX));
        let pause = began.saturating_duration_since(end);
        self.outruns = pause < Self::EAGER + per_peer;
        if pause >= Self::EARNING {
            self.credit = self.credit.saturating_add(pause / Self::THRIFT).min(Self::CREDIT_MAX);
        }
        Beat { eager: self.outruns && self.credit.is_zero(), patience: self.patience() }
    }

    /// How long messages may gather.
    pub(crate) fn patience(&self) -> Duration {
        // Who writes to very many is still writing when the last one's time has come.
        let long = self.spent.saturating_mul(Self::SHARE).clamp(Pace::STALE, Pace::STALE_MAX);
        long.max(self.spent.saturating_mul(2))
    }

    /// It has written to `written` of the socket's `peers`, maybe to none because somebody else will.
    pub(crate) fn end(&mut self, written: usize, peers: usize, now: impl FnOnce() -> Instant) {
        let rested = std::mem::take(&mut self.rested);
        if rested && self.answered.is_none() {
            // One send after a rest tells nothing of the next.
            return;
        }
        let end = now();
        // What it took to write is not the sender's slowness.
        self.answered = self.answered.map(|_| end);
        if rested {
            return;
        }
        self.last_end = Some(end);
        let spent = self.began.map_or(Duration::ZERO, |began| end.saturating_duration_since(began));
        if self.outruns {
            // Also by having somebody else write: that is dearer still.
            self.credit = self.credit.saturating_sub(spent);
        }
        if written == 0 {
            return;
        }
        let share = |count: usize| u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        self.spent = (spent / share(written)).saturating_mul(share(peers));
    }
}

/// The pace of one pipe's writes.
pub(crate) struct Pace {
    streaming: bool,
    /// Sends in a row that wrote here and came right after the one before.
    eager: u8,
    /// When the first message now waiting was queued; known in streaming only.
    oldest: Option<Instant>,
    /// While streaming, messages older than this are written by the next send that looks.
    patience: Duration,
    /// While streaming, the clock is read at the first message that gathers, and then at each one that is so many further; how many will
    /// still come before the next reading, and when the last one was.
    stride: u8,
    unread: u8,
    glanced: Option<Instant>,
    batch: usize,
    /// Something was written since the backstop last looked.
    wrote: bool,
}

impl Pace {
    /// So many eager sends in a row begin streaming.
    const EAGER_RUN: u8 = 3;
    /// The shortest and the longest time for which messages gather while their sender is at it. After the longest the
    /// backstop writes them, which looks at least every half of that.
    const STALE: Duration = Duration::from_micros(20);
    const STALE_MAX: Duration = Duration::from_micros(1200);
    /// The stride at first, and the longest: with more, a sender that suddenly slows down would be late.
    const STRIDE: u8 = 16;
    const STRIDE_MAX: u8 = 64;
    /// A stride takes about this part of the patience.
    const STRIDE_PART: u32 = 8;
    /// Batches grow from here …
    pub(super) const BATCH_MIN: usize = 32 * 1024;
    /// … to here, while they follow each other without a pause.
    const BATCH_MAX: usize = 256 * 1024;

    pub(crate) fn new() -> Pace {
        Pace {
            streaming: false,
            eager: 0,
            oldest: None,
            patience: Self::STALE,
            stride: Self::STRIDE,
            unread: 0,
            glanced: None,
            batch: Self::BATCH_MIN,
            wrote: false,
        }
    }

    /// The pace of messages that gather already, for no longer than `patience`.
    pub(crate) fn gathering(patience: Duration) -> Pace {
        Pace { streaming: true, patience, ..Pace::new() }
    }

    /// Whether one more message may be queued behind `waiting` bytes, and wait for those that follow it at once; else all is to be
    /// written. A yes counts the message, of which every so many look at the clock; a no stays one for the same message.
    #[inline(always)]
    pub(crate) fn may_gather(&mut self, waiting: usize, now: impl FnOnce() -> Instant) -> bool {
        if !self.streaming || waiting >= self.batch {
            return false;
        }
        if self.unread == 0 && self.is_stale(now) {
            return false;
        }
        self.unread -= 1;
        true
    }

    /// Whether the oldest message that waits has waited long enough; if not, so many messages need not ask again.
    #[cold]
    fn is_stale(&mut self, now: impl FnOnce() -> Instant) -> bool {
        let now = now();
        let oldest = *self.oldest.get_or_insert(now);
        if let Some(before) = self.glanced.replace(now) {
            let (took, due) = (now.saturating_duration_since(before), self.patience / Self::STRIDE_PART);
            if took > due {
                self.stride = (self.stride / 2).max(1);
            } else if took < due / 2 {
                self.stride = (self.stride * 2).min(Self::STRIDE_MAX);
            }
        }
        if now.saturating_duration_since(oldest) >= self.patience {
            // Asked again of the same message, the time in between tells nothing.
            self.glanced = None;
            return true;
        }
        self.unread = self.stride;
        false
    }

    /// A send is about to write.
    pub(crate) fn sending(&mut self, beat: Beat) {
        self.eager = if beat.eager { self.eager.saturating_add(1) } else { 0 };
        self.patience = beat.patience;
        self.streaming |= self.eager >= Self::EAGER_RUN;
    }

    /// Whether messages gather because their sender outruns the kernel.
    pub(crate) fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// `bytes` were written.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.wrote = true;
        self.oldest = None;
        self.glanced = None;
        self.unread = 0;
        if self.streaming && bytes >= self.batch {
            self.batch = (self.batch * 2).min(Self::BATCH_MAX);
        }
    }

    /// What had gathered is on its way; what comes gathers for no longer than `patience`.
    pub(crate) fn gathered(&mut self, patience: Duration) {
        self.wrote(0);
        self.patience = patience;
    }

    /// Messages have gathered before they came here, so they go on gathering here.
    pub(crate) fn go_on_gathering(&mut self) {
        self.streaming = true;
    }

    /// The backstop looks at what a sender has left: whether that may be left to the sender for now.
    pub(crate) fn may_be_left(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if std::mem::take(&mut self.wrote) {
            // The sender is at it; it writes what it queues.
            return true;
        }
        let age = self.oldest.map(|oldest| now().saturating_duration_since(oldest));
        let due = age.is_none_or(|age| age >= self.patience);
        if due {
            self.pause();
        }
        !due && age.is_some_and(|age| age < Self::STALE_MAX)
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
        pace.sending(tempo.begin(1, || begin));
        pace.wrote(bytes);
        let end = begin + Duration::from_micros(3);
        tempo.end(1, 1, || end);
        end
    }

    #[test]
    fn a_sender_that_pauses_is_never_delayed() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        let mut now = Instant::now();
        for _ in 0..100 {
            assert!(!pace.may_gather(12, || now));
            now = send(&mut tempo, &mut pace, now, 12) + Duration::from_micros(5);
        }
        assert!(!pace.streaming);
    }

    #[test]
    fn the_backstop_leaves_messages_to_their_sender_until_they_are_old() {
        let mut pace = Pace::new();
        let now = Instant::now();
        let in_us = |us| now + Duration::from_micros(us);
        (0..3).for_each(|_| pace.sending(Beat { eager: true, patience: Duration::from_millis(1) }));
        assert!(pace.may_gather(12, || now));
        assert!(pace.may_be_left(|| in_us(900)) && pace.streaming);
        assert!(
            !pace.may_be_left(|| in_us(1000)) && !pace.streaming,
            "the sender has not looked: it is gone"
        );
        (0..3).for_each(|_| pace.sending(Beat { eager: true, patience: Duration::from_millis(9) }));
        pace.wrote(12);
        assert!(pace.may_be_left(|| unreachable!()), "it has just written");
        assert!(pace.may_gather(12, || now));
        assert!(!pace.may_be_left(|| in_us(1200)) && pace.streaming, "it writes to many; the backstop helps");
    }

    #[test]
    fn a_sender_that_waits_in_between_reads_no_clock() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        for _ in 0..20 {
            tempo.rest();
            pace.sending(tempo.begin(1, || unreachable!()));
            tempo.end(1, 1, || unreachable!());
        }
        assert!(!pace.streaming);
    }

    /// As many sends, each right after the one before, as it takes until messages gather.
    fn outrun(tempo: &mut Tempo, pace: &mut Pace, mut now: Instant) -> (usize, Instant) {
        for count in 0..1000 {
            if pace.streaming {
                return (count, now);
            }
            now = send(tempo, pace, now, 12);
        }
        panic!("never");
    }

    #[test]
    fn short_bursts_are_written_as_far_as_the_pauses_before_pay_for_them() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        let (first, mut now) = outrun(&mut tempo, &mut pace, Instant::now());
        assert!((60..120).contains(&first), "a quarter of a millisecond: {first}");
        for (pause_ms, least) in [(1, 20), (3, 60), (3000, 80)] {
            pace.pause();
            let (count, end) = outrun(&mut tempo, &mut pace, now + Duration::from_millis(pause_ms));
            assert!((least..120).contains(&count), "after {pause_ms} ms: {count}");
            now = end;
        }
        pace.pause();
        let (count, _) = outrun(&mut tempo, &mut pace, now + Duration::from_micros(20));
        assert!(count < 6, "hardly a pause: {count}");
    }

    #[test]
    fn a_publisher_that_hands_its_writes_over_streams_as_well() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        let mut now = Instant::now();
        for _ in 0..1000 {
            pace.sending(tempo.begin(8, || now));
            now += Duration::from_micros(1);
            tempo.end(0, 8, || now);
        }
        assert!(pace.streaming);
    }

    #[test]
    fn a_stream_earns_nothing_while_messages_gather_or_others_have_the_processor() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        let (_, mut now) = outrun(&mut tempo, &mut pace, Instant::now());
        for _ in 0..100 {
            now = send(&mut tempo, &mut pace, now + Duration::from_micros(100), Pace::BATCH_MIN);
        }
        pace.pause();
        let (count, _) = outrun(&mut tempo, &mut pace, now);
        assert!(count < 6, "it streams again at once: {count}");
    }

    #[test]
    fn a_sender_that_outruns_the_kernel_streams_until_it_pauses() {
        let (mut tempo, mut pace) = (Tempo::new(), Pace::new());
        let (_, now) = outrun(&mut tempo, &mut pace, Instant::now());
        assert!(pace.may_gather(12, || now));
        assert!(!pace.may_gather(Pace::BATCH_MIN, || now));
        let late = now + Pace::STALE_MAX;
        assert!((0..=Pace::STRIDE).any(|_| !pace.may_gather(24, || late)), "old messages do not wait");
        pace.pause();
        assert!(!pace.may_gather(12, || now));
    }

    #[test]
    fn the_faster_a_sender_the_seldomer_it_reads_the_clock_and_never_is_it_late() {
        for (every_ns, most_readings) in [(20, 30), (100, 110), (1_000, 1_100), (100_000, 2_000)] {
            let mut pace = Pace::gathering(Duration::from_micros(20));
            let start = Instant::now();
            let (readings, mut waiting, mut worst) = (std::cell::Cell::new(0), 0, Duration::ZERO);
            let mut oldest = start;
            for number in 0..1000u32 {
                let now = start + Duration::from_nanos(every_ns) * number;
                let read = || {
                    readings.set(readings.get() + 1);
                    now
                };
                if waiting == 0 {
                    oldest = now;
                }
                waiting += 12;
                if !pace.may_gather(waiting, read) {
                    assert!(!pace.may_gather(waiting, || now), "a no stays one");
                    // The backstop sees to those that came before the pace is known.
                    worst = if number < 100 { Duration::ZERO } else { worst.max(now - oldest) };
                    pace.wrote(waiting);
                    waiting = 0;
                }
            }
            assert!(readings.get() <= most_readings, "{readings:?} for one message in {every_ns} ns");
            let late = Duration::from_micros(24) + Duration::from_nanos(every_ns);
            assert!(worst <= late, "{worst:?} for one message in {every_ns} ns");
        }
    }

    #[test]
    fn answers_go_together_as_long_as_they_follow_each_other_at_once() {
        let mut tempo = Tempo::new();
        let mut now = Instant::now();
        assert!(!tempo.is_brisk(false, || unreachable!("there is nothing to learn")));
        assert!(!tempo.is_brisk(true, || now), "nothing is known of it");
        for _ in 0..3 {
            now += Duration::from_nanos(300);
            assert!(tempo.is_brisk(true, || now));
            tempo.rest();
            now += Duration::from_millis(1);
            assert!(tempo.is_brisk(true, || now), "a rest is not slowness");
        }
        now += Duration::from_micros(50);
        assert!(!tempo.is_brisk(false, || now), "the last answer goes, however late it is");
        assert!(!tempo.is_brisk(true, || now), "but it has been late");
    }

    #[test]
    fn a_publisher_outruns_the_kernel_however_many_its_peers_are() {
        let mut tempo = Tempo::new();
        let mut paces: Vec<Pace> = (0..100).map(|_| Pace::new()).collect();
        let mut now = Instant::now();
        for _ in 0..6 {
            let beat = tempo.begin(paces.len(), || now);
            for pace in &mut paces {
                pace.sending(beat);
                pace.wrote(12);
                now += Duration::from_micros(3);
            }
            tempo.end(paces.len(), paces.len(), || now);
        }
        assert!(paces.iter().all(|pace| pace.streaming));
    }
}
