//! How a thread waits in a socket, or in several at once, and who wakes it.
//!
//! A thread that waits for input takes its sockets' leases and sleeps in the kernel on their
//! connections and wakers together, so that input wakes it without anybody in between. Output that
//! the kernel does not take is the I/O thread's; a thread that waits for room sleeps on the waker.
//!
//! The order that loses no wake-up: write out what is held back, take the lease, have inproc peers
//! post signals, announce the sleep, and only then look at the mailbox for the last time.
//!
//! A thread that waits for an answer of its only peer may sleep in the read itself ([`Dozer`](super::dozer::Dozer)).
//!
//! Several threads may wait in one socket. One of them leads: it sleeps in the kernel on the
//! descriptors. The others follow on a futex, and one of them takes over when the leader leaves.

use super::core::Core;
use super::ends::End;
use super::guard::Guard;
use super::handle::SocketState;
use super::refusal;
use crate::duty;
use crate::error::{Error, Result};
use crate::io::lease::Lease;
use crate::pipe::stragglers;
use crate::pipe::wire::{Fill, WirePipe};
use crate::spin;
use crate::sys::clock;
use crate::sys::epoll::Epoll;
use crate::sys::poll::{self, PollFd};
use crate::transport::Stream;
use crate::wake::{Ticket, Waited};
use ferrozmq_proto::pattern::PipeId;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// With less time left than this a doze, which the kernel's ticks end, might last too long.
const LONG: Duration = Duration::from_millis(50);

/// How long messages gather that come from this process, where each would cost the sender and the receiver a fetch of the
/// other's memory if it were received at once.
const GATHER: Duration = Duration::from_nanos(500);

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
    /// This long from when it [begins](Patience::begun): a call that need not wait reads no clock.
    AtMost(Duration),
    /// Until then.
    Until(Instant),
    /// For ever.
    Forever,
}

impl Patience {
    /// As long as an option of a time says: `None` is for ever.
    pub(crate) fn from_timeout(timeout: Option<Duration>) -> Patience {
        match timeout {
            Some(Duration::ZERO) => Patience::None,
            Some(timeout) => Patience::AtMost(timeout),
            None => Patience::Forever,
        }
    }

    /// The same patience, running from now if it was not running yet.
    pub(crate) fn begun(self) -> Patience {
        match self {
            Patience::AtMost(timeout) => {
                clock::now().checked_add(timeout).map_or(Patience::Forever, Patience::Until)
            }
            running => running,
        }
    }

    /// Whether the time has come.
    pub(crate) fn is_over(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// The same patience, but not longer than `limit` from now.
    pub(crate) fn at_most(self, limit: Duration) -> Patience {
        match (self.begun(), Patience::from_timeout(Some(limit)).begun()) {
            (Patience::Until(deadline), Patience::Until(soon)) => Patience::Until(deadline.min(soon)),
            (Patience::Forever, soon) => soon,
            (patience, _) => patience,
        }
    }

    /// How long a call may take for something that it could do without.
    pub(super) fn spare(self) -> Duration {
        self.left().unwrap_or(Duration::MAX)
    }

    fn left(self) -> Option<Duration> {
        match self {
            Patience::None => Some(Duration::ZERO),
            Patience::AtMost(timeout) => Some(timeout),
            Patience::Until(deadline) => Some(deadline.saturating_duration_since(clock::now())),
            Patience::Forever => None,
        }
    }
}

/// One descriptor of a wait, and what to do when it has something to tell.
pub(super) enum Source {
    Waker,
    /// The one connection of a socket.
    Input {
        slot: PipeId,
        pipe: u64,
        _stream: Arc<Stream>,
    },
    /// All connections of a socket in one I/O thread.
    Inputs(Arc<Epoll>),
}

impl Source {
    /// Reads what there is to read; true if there are messages.
    pub(super) fn read(&self, core: &mut Core) -> bool {
        match self {
            Source::Waker => false,
            Source::Input { slot, pipe, .. } => core.read_end(*slot, *pipe),
            Source::Inputs(set) => core.read_set(set),
        }
    }
}

/// The descriptors that tell of a socket's input, for who has its lease.
pub(super) fn each_input(core: &mut Core, lease: &Lease, mut visit: impl FnMut(PollFd, Source)) {
    if core.ends.wires() != 1 {
        return lease.each_set(|set| {
            visit(PollFd::new(set.as_fd(), poll::READABLE), Source::Inputs(Arc::clone(set)));
        });
    }
    let only = core.ends.iter_mut().find_map(|(slot, end)| match end {
        End::Wire(end) => Some((slot, end.pipe.id(), end.pipe.input_descriptor()?)),
        End::Inproc(_) => None,
    });
    if let Some((slot, pipe, (stream, fd))) = only {
        visit(raw_poll_fd(fd, poll::READABLE), Source::Input { slot, pipe, _stream: stream });
    }
}

/// A socket's part in a wait.
pub(crate) struct Sleeper<'a> {
    socket: &'a SocketState,
    /// Taken when the sleep is over. `None` from the start: another thread leads here.
    ticket: Option<Ticket>,
    leased: bool,
    sources: Vec<Source>,
    first: usize,
}

/// What came of preparing to sleep.
pub(crate) enum Prepared<'a> {
    /// Something has changed already.
    Changed,
    /// Sleep on the descriptors, then call [`Sleeper::wake`].
    Lead(Sleeper<'a>),
    /// Another thread sleeps on the socket's descriptors.
    Follow,
}

impl<'a> Sleeper<'a> {
    /// Prepares to sleep in `socket`; appends its descriptors to `fds`. Call with the socket's guard
    /// held, and let go of it before sleeping.
    pub(crate) fn prepare(
        socket: &'a SocketState,
        core: &mut Core,
        for_input: bool,
        fds: &mut Vec<PollFd>,
    ) -> Result<Prepared<'a>> {
        Sleeper::write_out(core);
        let ticket = socket.mailbox.waker().prepare_poll().map_err(event_error)?;
        let Some(mut sleeper) = ticket.map(|ticket| Sleeper::lead(socket, ticket)) else {
            return Ok(Prepared::Follow);
        };
        sleeper.sources = std::mem::take(&mut core.sources);
        sleeper.first = fds.len();
        let event = socket.mailbox.waker().event_fd().map_err(event_error)?;
        fds.push(PollFd::new(event, poll::READABLE));
        sleeper.sources.push(Source::Waker);
        if for_input && core.pattern.wants_input() {
            sleeper.add_inputs(core, fds);
        }
        let found = if for_input { sleeper.spin(core) } else { socket.spin_for_room(core) };
        if found || sleeper.has_news(core) {
            fds.truncate(sleeper.first);
            sleeper.leave(core, false);
            sleeper.sources.clear();
            core.sources = std::mem::take(&mut sleeper.sources);
            return Ok(Prepared::Changed);
        }
        Ok(Prepared::Lead(sleeper))
    }

    /// Writes out what is held back: what comes before every sleep.
    fn write_out(core: &mut Core) {
        core.ends.flush_all();
        stragglers::flush();
    }

    /// The part of the thread that leads.
    fn lead(socket: &'a SocketState, ticket: Ticket) -> Sleeper<'a> {
        Sleeper { socket, ticket: Some(ticket), leased: false, sources: Vec::new(), first: 0 }
    }

    /// Takes the lease: while it sleeps, this thread is the one that reads.
    fn acquire(&mut self, core: &mut Core) {
        self.socket.lease.acquire();
        self.leased = true;
        core.leases += 1;
    }

    /// The last look before the sleep.
    fn has_news(&self, core: &mut Core) -> bool {
        core.announce() || self.socket.mailbox.pending() || self.socket.is_terminated() || duty::is_due()
    }

    /// Looks for input for as long as it pays, before going to sleep.
    fn spin(&self, core: &mut Core) -> bool {
        self.socket.spin(core, |core| self.sources.iter().any(|source| source.read(core)))
    }

    fn add_inputs(&mut self, core: &mut Core, fds: &mut Vec<PollFd>) {
        if core.ends.wires() == 0 {
            return;
        }
        self.acquire(core);
        each_input(core, &self.socket.lease, |fd, source| {
            fds.push(fd);
            self.sources.push(source);
        });
    }

    /// After the sleep: acts on what the descriptors told, with the socket's guard held again.
    pub(crate) fn wake(mut self, core: &mut Core, fds: &[PollFd]) {
        let told = fds.get(self.first..).unwrap_or_default();
        // First of all: a panic while reading must not leave a sleep behind that never ended.
        let event = told.first().is_some_and(|fd| fd.revents != 0);
        self.leave(core, event);
        let mut sources = std::mem::take(&mut self.sources);
        for (source, fd) in sources.drain(..).zip(told) {
            let ready = fd.revents != 0;
            match source {
                Source::Input { slot, pipe, .. } if ready => {
                    core.read_end(slot, pipe);
                }
                Source::Inputs(set) if ready => {
                    core.read_set(&set);
                }
                _ => {}
            }
        }
        core.sources = sources;
        if self.socket.mailbox.pending() {
            core.read_signals(&self.socket.mailbox);
        }
    }

    fn leave(&mut self, core: &mut Core, event: bool) {
        let waker = self.socket.mailbox.waker();
        if let Some(ticket) = self.ticket.take() {
            waker.after_poll(ticket, event);
        }
        if self.leased {
            core.leases -= 1;
            if core.leases == 0 {
                self.socket.lease.release();
                if self.socket.mailbox.events_fd().is_wanted() {
                    // Others watch the socket by its descriptor, who hear only of what the I/O thread reads.
                    self.socket.lease.give_back();
                    self.socket.mailbox.events_fd().raise();
                } else if waker.has_tasks() {
                    // As do futures.
                    self.socket.lease.give_back();
                }
            }
        }
        // The baton: a thread that follows takes over, or finds what this one found; and so does a future.
        if core.followers > 0 || waker.has_tasks() {
            waker.wake();
        }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        // Left over only after an error or a panic; without this nobody could ever lead again.
        if let Some(ticket) = self.ticket.take() {
            self.socket.mailbox.waker().cancel(ticket);
        }
    }
}

/// Where to doze.
struct Bed {
    slot: PipeId,
    pipe: Arc<WirePipe>,
}

impl Bed {
    /// The only pipe, if a doze in it is likely to pay and keeps nothing else waiting for more than the few milliseconds it lasts.
    fn find(core: &mut Core, patience: Patience) -> Option<Bed> {
        // A model's kernel wakes nobody.
        if cfg!(loom) || !core.pattern.wants_input() {
            return None;
        }
        let (slot, End::Wire(end)) = core.ends.only()? else { return None };
        let lasts = patience.left().is_none_or(|left| left >= LONG);
        if !lasts || !core.dozer.is_due() {
            return None;
        }
        // The reference of the last doze, if that was here: making another would cost as much as a lock.
        let kept = core.bed.take().filter(|kept| Arc::ptr_eq(kept, &end.pipe));
        Some(Bed { slot, pipe: kept.unwrap_or_else(|| Arc::clone(&end.pipe)) })
    }
}

fn event_error(error: io::Error) -> Error {
    Error::os("creating an event descriptor", &error)
}

fn raw_poll_fd(fd: RawFd, events: i16) -> PollFd {
    PollFd { fd, events, revents: 0 }
}

/// Sleeps until a descriptor has something to tell; an interruption by a signal is an error.
pub(crate) fn sleep(fds: &mut [PollFd], patience: Patience) -> Result<bool> {
    match crate::sync::poll(fds, patience.left()) {
        Ok(told) => Ok(told > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::interrupted()),
        Err(error) => Err(Error::os("waiting for descriptors", &error)),
    }
}

impl SocketState {
    /// Waits until something may have changed. [`ErrorKind::WouldBlock`](crate::ErrorKind::WouldBlock)
    /// once the patience is over.
    pub(super) fn wait<'a>(
        &'a self,
        mut core: Guard<'a>,
        for_input: bool,
        patience: Patience,
    ) -> Result<Guard<'a>> {
        if duty::is_due() {
            drop(core);
            duty::perform();
            core = self.core.lock();
            self.check(&core)?;
            // Somebody may have used the socket meanwhile.
            return Ok(core);
        }
        if for_input && let Some(bed) = Bed::find(&mut core, patience) {
            return self.doze(core, bed, patience);
        }
        let mut fds = std::mem::take(&mut core.fds);
        fds.clear();
        match Sleeper::prepare(self, &mut core, for_input, &mut fds)? {
            Prepared::Changed => {
                core.fds = fds;
                if self.mailbox.pending() {
                    core.read_signals(&self.mailbox);
                }
                self.check(&core)?;
                Ok(core)
            }
            Prepared::Follow => self.follow(core, for_input, patience),
            Prepared::Lead(sleeper) => {
                drop(core);
                let told = sleep(&mut fds, patience);
                let mut core = self.core.lock();
                let changes = core.changes;
                sleeper.wake(&mut core, &fds);
                core.fds = fds;
                self.check(&core)?;
                if !told? && core.changes == changes {
                    return Err(refusal::waited(self.kind, for_input));
                }
                Ok(core)
            }
        }
    }

    /// Waits in the read of the only pipe, for a few milliseconds at most: the caller looks, and comes again.
    fn doze<'a>(&'a self, mut core: Guard<'a>, bed: Bed, patience: Patience) -> Result<Guard<'a>> {
        Sleeper::write_out(&mut core);
        let Some(ticket) = self.mailbox.waker().prepare_doze() else {
            return self.follow(core, true, patience);
        };
        let mut sleeper = Sleeper::lead(self, ticket);
        sleeper.acquire(&mut core);
        let found = self.spin(&mut core, |core| core.read_end(bed.slot, bed.pipe.id()));
        let mut filled = Ok(Fill::Nothing);
        if !found && !sleeper.has_news(&mut core) {
            if core.dozer.is_settled() && bed.pipe.unwatch() {
                self.lease.keep_unwatched(&bed.pipe);
            }
            drop(core);
            filled = bed.pipe.doze();
            core = self.core.lock();
            let fill = *filled.as_ref().unwrap_or(&Fill::Nothing);
            core.note_doze(bed.slot, bed.pipe, fill);
        }
        sleeper.leave(&mut core, false);
        if self.mailbox.pending() {
            core.read_signals(&self.mailbox);
        }
        self.check(&core)?;
        filled.map(|_| core).map_err(|_| Error::interrupted())
    }

    /// Looks for input for as long as it pays.
    pub(super) fn spin(&self, core: &mut Core, mut look: impl FnMut(&mut Core) -> bool) -> bool {
        let Some(mut spinner) = core.spinner.take() else { return false };
        let found = spinner.spin(|| self.mailbox.pending() || core.ends.quiet_has_input() || look(core));
        core.spinner = Some(spinner);
        if core.outruns_sender() && found {
            spin::pause(GATHER);
        }
        found
    }

    /// The same for room: a peer in this process that is at work makes some in less time than a sleep takes, and tells of it.
    fn spin_for_room(&self, core: &mut Core) -> bool {
        if core.ends.wires() > 0 {
            return false;
        }
        let Some(mut spinner) = core.room_spinner.take() else { return false };
        let found = spinner.spin(|| self.mailbox.pending());
        core.room_spinner = Some(spinner);
        found
    }

    /// Waits behind the thread that sleeps on the socket's descriptors.
    fn follow<'a>(&'a self, mut core: Guard<'a>, for_input: bool, patience: Patience) -> Result<Guard<'a>> {
        let ticket = self.mailbox.waker().prepare();
        // The leader asked inproc peers for signals when it came; they may have sent them since.
        if core.announce() || self.mailbox.pending() || self.is_terminated() {
            self.mailbox.waker().cancel(ticket);
            core.read_signals(&self.mailbox);
            self.check(&core)?;
            return Ok(core);
        }
        core.followers += 1;
        drop(core);
        let deadline = match patience.begun() {
            Patience::Until(deadline) => Some(deadline),
            Patience::Forever => None,
            Patience::None | Patience::AtMost(_) => Some(clock::now()),
        };
        let waited = self.mailbox.waker().wait_futex(ticket, deadline);
        let mut core = self.core.lock();
        core.followers -= 1;
        core.read_signals(&self.mailbox);
        self.check(&core)?;
        match waited {
            Waited::Woken => Ok(core),
            Waited::TimedOut => Err(refusal::waited(self.kind, for_input)),
            Waited::Interrupted => Err(Error::interrupted()),
        }
    }
}
