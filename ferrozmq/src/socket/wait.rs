//! How a thread waits in a socket, or in several at once, and who wakes it.
//!
//! A thread that waits for input takes its sockets' leases and sleeps in the kernel on their
//! connections and wakers together, so that input wakes it without anybody in between. Output that
//! the kernel does not take is the I/O thread's; a thread that waits for room sleeps on the waker.
//!
//! The order that loses no wake-up: write out what is held back, take the lease, have inproc peers
//! post signals, announce the sleep, and only then look at the mailbox for the last time.
//!
//! Several threads may wait in one socket. Each notes how many changes it has seen; who leaves, or
//! goes back to sleep, wakes the others if they have not seen all.

use super::core::Core;
use super::ends::End;
use super::handle::SocketState;
use crate::error::{Error, Result};
use crate::sync::MutexGuard;
use crate::sys::epoll::Epoll;
use crate::sys::poll::{self, PollFd};
use crate::transport::Stream;
use crate::wake::Ticket;
use std::io;
use std::os::fd::{AsFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all.
    None,
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
            Some(timeout) => Instant::now().checked_add(timeout).map_or(Patience::Forever, Patience::Until),
            None => Patience::Forever,
        }
    }

    fn left(self) -> Option<Duration> {
        match self {
            Patience::None => Some(Duration::ZERO),
            Patience::Until(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
            Patience::Forever => None,
        }
    }
}

/// One descriptor of a wait, and what to do when it has something to tell.
enum Source {
    Waker,
    /// The one connection of a socket.
    Input { pipe: u64, _stream: Arc<Stream> },
    /// All connections of a socket in one I/O thread.
    Inputs(Arc<Epoll>),
}

/// A socket's part in a wait.
pub(crate) struct Sleeper<'a> {
    socket: &'a SocketState,
    ticket: Ticket,
    waiter: u64,
    leased: bool,
    sources: Vec<Source>,
    first: usize,
}

impl<'a> Sleeper<'a> {
    /// Prepares to sleep in `socket`; appends its descriptors to `fds`. `None`: something has
    /// changed already. Call with the socket's guard held, and let go of it before sleeping.
    pub(crate) fn prepare(
        socket: &'a SocketState,
        core: &mut Core,
        for_input: bool,
        fds: &mut Vec<PollFd>,
    ) -> Result<Option<Sleeper<'a>>> {
        core.ends.flush_all();
        let mut sleeper = Sleeper {
            socket,
            ticket: socket.mailbox.waker().prepare(),
            waiter: core.next_waiter,
            leased: false,
            sources: Vec::new(),
            first: fds.len(),
        };
        core.next_waiter += 1;
        core.waiters.push((sleeper.waiter, core.changes));
        let event = match socket.mailbox.waker().event_fd() {
            Ok(event) => event,
            Err(error) => {
                sleeper.leave(core);
                return Err(Error::os("creating an event descriptor", &error));
            }
        };
        fds.push(PollFd::new(event, poll::READABLE));
        sleeper.sources.push(Source::Waker);
        if for_input && core.pattern.wants_input() {
            sleeper.add_inputs(core, fds);
        }
        if core.announce() || socket.mailbox.pending() || socket.is_terminated() {
            fds.truncate(sleeper.first);
            sleeper.leave(core);
            return Ok(None);
        }
        Ok(Some(sleeper))
    }

    fn add_inputs(&mut self, core: &mut Core, fds: &mut Vec<PollFd>) {
        if core.ends.wires() == 0 {
            return;
        }
        self.socket.lease.acquire();
        self.leased = true;
        core.leases += 1;
        if core.ends.wires() == 1 {
            let only = core.ends.iter_mut().find_map(|(_, end)| match end {
                End::Wire(end) => Some(Arc::clone(&end.pipe)),
                End::Inproc(_) => None,
            });
            if let Some((pipe, (stream, fd))) = only.and_then(|pipe| Some((pipe.id(), pipe.input_descriptor()?))) {
                fds.push(raw_poll_fd(fd, poll::READABLE));
                self.sources.push(Source::Input { pipe, _stream: stream });
            }
            return;
        }
        self.socket.lease.each_set(|set| {
            fds.push(PollFd::new(set.as_fd(), poll::READABLE));
            self.sources.push(Source::Inputs(Arc::clone(set)));
        });
    }

    /// After the sleep: acts on what the descriptors told, with the socket's guard held again.
    pub(crate) fn wake(mut self, core: &mut Core, fds: &[PollFd]) {
        let told = fds.get(self.first..).unwrap_or_default();
        let mut event = false;
        for (source, fd) in std::mem::take(&mut self.sources).into_iter().zip(told) {
            let ready = fd.revents != 0;
            match source {
                Source::Waker => event = ready,
                Source::Input { pipe, .. } if ready => {
                    core.read_pipe(pipe);
                }
                Source::Inputs(set) if ready => {
                    core.read_set(&set);
                }
                _ => {}
            }
        }
        if event {
            self.socket.mailbox.waker().drain();
        }
        core.read_signals(&self.socket.mailbox);
        self.leave(core);
    }

    fn leave(&mut self, core: &mut Core) {
        self.socket.mailbox.waker().retire(&self.ticket);
        core.waiters.retain(|(waiter, _)| *waiter != self.waiter);
        if core.waiters.iter().any(|(_, seen)| *seen < core.changes) {
            // The baton: the others have not seen what woke this thread.
            core.waiters.iter_mut().for_each(|(_, seen)| *seen = core.changes);
            self.socket.mailbox.waker().wake();
        }
        if self.leased {
            core.leases -= 1;
            if core.leases == 0 {
                self.socket.lease.release();
            }
        }
    }
}

fn raw_poll_fd(fd: RawFd, events: i16) -> PollFd {
    PollFd { fd, events, revents: 0 }
}

/// Sleeps until a descriptor has something to tell; an interruption by a signal is an error.
pub(crate) fn sleep(fds: &mut [PollFd], patience: Patience) -> Result<bool> {
    match poll::poll(fds, patience.left()) {
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
        mut core: MutexGuard<'a, Core>,
        for_input: bool,
        patience: Patience,
    ) -> Result<MutexGuard<'a, Core>> {
        let mut fds = Vec::new();
        let Some(sleeper) = Sleeper::prepare(self, &mut core, for_input, &mut fds)? else {
            core.read_signals(&self.mailbox);
            self.check(&core)?;
            return Ok(core);
        };
        drop(core);
        let told = sleep(&mut fds, patience);
        let mut core = self.core.lock();
        let changes = core.changes;
        sleeper.wake(&mut core, &fds);
        self.check(&core)?;
        if !told? && core.changes == changes {
            return Err(Error::would_block());
        }
        Ok(core)
    }
}
