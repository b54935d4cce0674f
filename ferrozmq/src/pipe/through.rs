//! A long message on its way through a pipe without a stop: written straight from its sender's memory.
//!
//! To copy such a message costs as much as to write it, and a queue of many copies lies in no cache. So a sender that could wait
//! anyway first tries to write what it has, and gives the kernel a moment to take it: about as long as copying takes
//! at worst. Only what is not wholly taken then is copied, and queued like any other message. Where such waits do not pay,
//! because the peer is slow, they become seldom ([`Tolerance`]), and messages gather up to the high-water mark.
//!
//! Where the wire has a form of its own (CURVE), that is made of the sender's memory, and written at once: one copy all the same.
//!
//! Where messages must be queued, a sender that could wait does the same when the queue has become long.
//!
//! Invariant: while a thread writes from a caller's memory it has the writer's role, and nothing is queued before its message.
//! Before it puts the role back, the line owns a copy of whatever the kernel has not taken.

use crate::pipe::errand::Errand;
use crate::pipe::tx::{Line, Tx};
use crate::pipe::wire::{Flush, Half, Role, WirePipe};
use crate::sync::atomic::Ordering;
use crate::sys::clock;
use crate::sys::poll::{self, PollFd};
use crate::transport::Stream;
use ferrozmq_proto::zmtp::framing;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages from this length on may make a queue long before the high-water mark ends it.
pub(crate) const EASE_FROM: usize = 256;

/// How long a sender waits for the kernel: this, and a nanosecond for each byte, which is what a copy into fresh memory costs.
const MOMENT: Duration = Duration::from_millis(1);

/// A message from this length on waits for all that was queued before, even where another thread is writing that. Copied meanwhile, it
/// would join the queue, and so would all that follow, each at three times the price.
const PATIENT_FROM: usize = 512 * 1024;
/// But no longer than this: a peer may be slow.
const PATIENT_MAX: Duration = Duration::from_millis(50);
/// How long it waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_micros(20);

/// Messages without a wait after one in vain: at first, and at most.
const FIRST_PAUSE: u32 = 1;
const LONGEST_PAUSE: u32 = 64;

/// Learns from waits for the kernel whether the next one will pay.
#[derive(Debug)]
pub(super) struct Tolerance {
    skip: u32,
    pause: u32,
}

impl Tolerance {
    pub(super) fn new() -> Tolerance {
        Tolerance { skip: 0, pause: FIRST_PAUSE }
    }

    /// Whether the next wait is worth trying. Counts as that wait.
    fn is_due(&mut self) -> bool {
        let due = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        due
    }

    /// Learns whether the kernel took everything while somebody waited.
    fn record(&mut self, took_all: bool) {
        if took_all {
            *self = Tolerance::new();
        } else {
            self.skip = self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// One sender's wait for the kernel, in several sleeps.
struct Wait<'a> {
    pipe: &'a WirePipe,
    most: Duration,
    /// For another thread, too.
    patient: bool,
    /// Begins with the first sleep; `Some(None)`: it is not to begin.
    deadline: Option<Option<Instant>>,
}

impl<'a> Wait<'a> {
    fn new(pipe: &'a WirePipe, len: usize, patience: Duration) -> Wait<'a> {
        let patient = len >= PATIENT_FROM;
        let moment = |len: usize| MOMENT.saturating_add(Duration::from_nanos(len as u64));
        let most = match patient {
            true => {
                moment(len.saturating_add(pipe.tx.lock().queued_bytes())).min(PATIENT_MAX).max(moment(len))
            }
            false => moment(len),
        };
        Wait { pipe, most: most.min(patience), patient, deadline: None }
    }

    /// Sleeps until `stream` takes output; `false` if it is not worth it, or takes too long.
    fn for_output(&mut self, stream: &Stream) -> bool {
        // An interruption by a signal ends the wait, not the send.
        self.left().is_some_and(|left| {
            crate::sync::poll(&mut [PollFd::new(stream.as_fd(), poll::WRITABLE)], Some(left)).unwrap_or(0) > 0
        })
    }

    /// Sleeps while another thread writes; `false` likewise.
    fn for_writer(&mut self) -> bool {
        self.patient
            && self.left().is_some_and(|left| crate::sync::poll(&mut [], Some(left.min(LOOK_AGAIN))).is_ok())
    }

    /// How long it may still last, and begins it. `None`: not at all.
    fn left(&mut self) -> Option<Duration> {
        let deadline = *self.deadline.get_or_insert_with(|| {
            let due = !self.most.is_zero() && self.pipe.tx.lock().tolerance.is_due();
            due.then(|| clock::now().checked_add(self.most)).flatten()
        });
        Some(deadline?.saturating_duration_since(clock::now())).filter(|left| !left.is_zero())
    }

    /// The end of the wait, if there was one.
    fn end(self, tx: &mut Tx, took_all: bool) {
        if let Some(Some(_)) = self.deadline {
            tx.tolerance.record(took_all);
        }
    }
}

/// A message of one part, in pieces, and how many of its bytes the kernel has.
struct Letter<'a> {
    header: &'a [u8],
    body: &'a [u8],
    taken: usize,
}

impl Letter<'_> {
    fn rest(&self) -> [IoSlice<'_>; 2] {
        let header = self.header.get(self.taken..).unwrap_or_default();
        let body = &self.body[self.taken.saturating_sub(self.header.len())..];
        [header, &body[..body.len().min(Line::WRITE_MAX)]].map(IoSlice::new)
    }

    fn is_taken(&self) -> bool {
        self.taken == self.header.len() + self.body.len()
    }

    /// Writes until the kernel has everything, or takes nothing for longer than `wait` allows; how many bytes it took.
    fn write(header: &[u8], body: &[u8], stream: &Stream, wait: &mut Wait<'_>) -> (usize, io::Result<()>) {
        let mut letter = Letter { header, body, taken: 0 };
        while !letter.is_taken() {
            match stream.send_vectored(&letter.rest()) {
                Ok(count) => letter.taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && wait.for_output(stream) => {}
                Err(error) => return (letter.taken, Err(error)),
            }
        }
        (letter.taken, Ok(()))
    }
}

impl Line {
    /// Writes a message of one part straight from its sender's memory, or what has just been made of it for the wire. How
    /// many bytes the kernel took, and whether they were all; of what it has not wholly taken a copy is here then.
    fn pass_through(&mut self, body: &[u8], wait: &mut Wait<'_>) -> (usize, io::Result<()>) {
        let (header, len) = framing::header(body.len(), false);
        let (taken, outcome) = match self.seal_alone(body) {
            None => Letter::write(&header[..len], body, self.stream(), wait),
            Some((wire, stream)) => Letter::write(&[], wire, stream, wait),
        };
        match outcome {
            Ok(()) => self.empty_wire(),
            Err(_) => self.keep(body, taken),
        }
        (taken, outcome)
    }
}

impl WirePipe {
    /// Sends a message of one part that stays the caller's: what the kernel does not take within `patience`, or sooner, is
    /// copied. `false`: the message is none that passes through this pipe now, and nothing is done.
    pub(crate) fn pass_through(&self, body: &[u8], patience: Duration) -> bool {
        let mut wait = Wait::new(self, body.len(), patience);
        self.clear(&mut wait);
        // Before the lock, so that it is dropped after it.
        let mut role = Role { pipe: self, held: None };
        let mut tx = self.tx.lock();
        let Some(mut line) = tx.take_clear_line() else {
            wait.end(&mut tx, false);
            return false;
        };
        role.held = Some(Half::Writing);
        tx.queued += 1;
        drop(tx);
        let (taken, outcome) = line.pass_through(body, &mut wait);
        let mut tx = self.tx.lock();
        tx.sent_bytes += taken as u64;
        tx.pace.wrote(taken);
        wait.end(&mut tx, outcome.is_ok());
        let result = match outcome {
            Ok(()) => {
                tx.sent_messages(1);
                tx.blocked = false;
                self.tell_of_room(&mut tx);
                Flush::Done
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tx.blocked = true;
                Flush::Blocked
            }
            Err(_) => {
                tx.failed = true;
                self.desk.leave(Errand::Broken(self.token.load(Ordering::Relaxed)));
                Flush::Offline
            }
        };
        let others = tx.wanted || !tx.arena.is_empty();
        let result = self.put_back(tx, line, result, role);
        match result {
            Flush::Done if others => {
                self.flush_and_arm();
            }
            Flush::Blocked => self.arm_output(),
            _ => {}
        }
        true
    }

    /// Before a message of `len` bytes is queued behind more than the kernel takes at once: lets it take those.
    pub(crate) fn ease(&self, len: usize, patience: Duration) {
        if !self.tx.lock().is_deep() {
            return;
        }
        let mut wait = Wait::new(self, len, patience);
        self.clear(&mut wait);
        let mut tx = self.tx.lock();
        let took_all = tx.arena.is_empty() && !tx.blocked;
        wait.end(&mut tx, took_all);
    }

    /// Writes what is queued, waiting for the kernel as long as that may pay.
    fn clear(&self, wait: &mut Wait<'_>) {
        loop {
            let tx = self.tx.lock();
            if !tx.online || tx.failed {
                return;
            }
            let blocked = tx.blocked;
            match tx.line.as_ref().map(|line| Arc::clone(line.stream())) {
                // Somebody is writing.
                None => {
                    drop(tx);
                    if !wait.for_writer() {
                        return;
                    }
                }
                Some(stream) if blocked => {
                    drop(tx);
                    if !wait.for_output(&stream) {
                        return self.arm_output();
                    }
                    self.flush();
                }
                Some(_) if tx.arena.is_empty() => return,
                Some(_) => {
                    drop(tx);
                    self.flush();
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn waits_in_vain_become_seldom_and_one_that_paid_brings_them_back() {
        let mut tolerance = Tolerance::new();
        let mut waits = 0;
        for _ in 0..1000 {
            if tolerance.is_due() {
                tolerance.record(false);
                waits += 1;
            }
        }
        assert!((15..=25).contains(&waits), "{waits}");
        while !tolerance.is_due() {}
        tolerance.record(true);
        assert!(tolerance.is_due() && tolerance.is_due());
    }

    #[test]
    fn a_letter_is_written_from_where_the_kernel_left_off() {
        let header = [2, 0, 0, 0, 0, 0, 0, 1, 4];
        let body: Vec<u8> = (0..=255).chain(0..4).collect();
        let whole = [&header[..], &body].concat();
        for taken in 0..=whole.len() {
            let letter = Letter { header: &header, body: &body, taken };
            let rest: Vec<u8> = letter.rest().iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(rest, whole[taken..]);
            assert_eq!(letter.is_taken(), rest.is_empty());
        }
    }
}
