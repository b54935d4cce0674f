//! An epoll set: many descriptors watched by one thread.
//!
//! Invariant for callers: a descriptor is deleted from every set *before* it is closed. A closed
//! descriptor's registration lives on while a duplicate (a fork's child) exists, and its number is
//! reused.
//!
//! Tokens are the caller's; this file gives them no meaning.

use super::own::Own;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Most events that one [`Epoll::wait`] reports; what is beyond comes with the next call.
pub const MAX_EVENTS: usize = 256;

/// What to be told about a descriptor. Errors and hang-ups are always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Input, or the end of input, is there.
    pub readable: bool,
    /// Output would be accepted.
    pub writable: bool,
    /// Report once, then stay silent until [`Epoll::modify`].
    pub oneshot: bool,
    /// Report changes only, not states.
    pub edge: bool,
}

impl Interest {
    /// Errors and hang-ups only.
    pub const NONE: Self = Self { readable: false, writable: false, oneshot: false, edge: false };
    /// Level-triggered input.
    pub const READABLE: Self = Self { readable: true, writable: false, oneshot: false, edge: false };
    /// Level-triggered output.
    pub const WRITABLE: Self = Self { readable: false, writable: true, oneshot: false, edge: false };

    /// The same, reported once.
    pub const fn oneshot(self) -> Self {
        Self { oneshot: true, ..self }
    }

    #[cfg(test)]
    /// The same, reported at changes only.
    pub const fn edge(self) -> Self {
        Self { edge: true, ..self }
    }

    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.readable);
        flags.set(EventFlags::OUT, self.writable);
        flags.set(EventFlags::ONESHOT, self.oneshot);
        flags.set(EventFlags::ET, self.edge);
        flags
    }
}

/// One descriptor's news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The caller's number for the descriptor.
    pub token: u64,
    /// Reading will not block: input, end of input, or an error to collect.
    pub readable: bool,
    /// Writing will not block: room, or an error to collect.
    pub writable: bool,
    /// Both directions are over (`EPOLLHUP`) or an error is pending (`EPOLLERR`). Reported whatever the
    /// interest, and again at every wait while level-triggered: delete the descriptor.
    pub closed: bool,
}

/// Room for what one wait reports.
pub struct Events(Vec<Event>);

impl Default for Events {
    fn default() -> Self {
        Self::with_capacity(MAX_EVENTS)
    }
}

impl Events {
    /// Room for up to `capacity` events a wait (at least one).
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity.clamp(1, MAX_EVENTS)))
    }

    /// What the last wait reported.
    pub fn iter(&self) -> impl Iterator<Item = Ready> + '_ {
        self.0.iter().map(ready)
    }

    #[cfg(test)]
    /// Whether the last wait reported nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn ready(event: &Event) -> Ready {
    let flags = event.flags;
    let data = event.data;
    let closed = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    Ready {
        token: data.u64(),
        readable: closed || flags.contains(EventFlags::IN),
        writable: closed || flags.contains(EventFlags::OUT),
        closed,
    }
}

/// An epoll instance, closed on drop and on exec.
#[derive(Debug)]
pub struct Epoll(Own);

impl Epoll {
    /// A new empty set. `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Own::new(epoll::create(CreateFlags::CLOEXEC)?)))
    }

    /// Starts watching. `EEXIST` if it is watched already, `EPERM` if it cannot be, `ENOSPC`.
    pub fn add(&self, fd: impl AsFd, interest: Interest, token: u64) -> io::Result<()> {
        super::visible();
        Ok(epoll::add(&self.0, fd, EventData::new_u64(token), interest.flags())?)
    }

    /// Changes interest and token, and re-arms a oneshot. `ENOENT` if it is not watched.
    pub fn modify(&self, fd: impl AsFd, interest: Interest, token: u64) -> io::Result<()> {
        super::visible();
        Ok(epoll::modify(&self.0, fd, EventData::new_u64(token), interest.flags())?)
    }

    /// Stops watching. `ENOENT` if it is not watched.
    pub fn delete(&self, fd: impl AsFd) -> io::Result<()> {
        super::visible();
        Ok(epoll::delete(&self.0, fd)?)
    }

    /// Waits until something is ready or `timeout` has passed (`None`: for ever), and fills `events`
    /// (empty after a timeout). `EINTR` is an error of kind `Interrupted`.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        super::visible();
        events.0.clear();
        let result = match timeout {
            Some(timeout) if needs_nanoseconds(timeout) => self.wait_precisely(events, timeout),
            _ => self.wait_coarsely(events, timeout),
        };
        Ok(result?)
    }

    /// `epoll_pwait`: rounds up to milliseconds.
    fn wait_coarsely(&self, events: &mut Events, timeout: Option<Duration>) -> Result<usize, Errno> {
        // The old call takes 31 bits of milliseconds (24 days); nobody notices a wake-up then.
        let timeout = timeout.map(|t| super::timespec(t.min(LONGEST_COARSE_WAIT)));
        epoll::wait(&self.0, rustix::buffer::spare_capacity(&mut events.0), timeout.as_ref())
    }

    /// `epoll_pwait2` (Linux 5.11), or the coarse one where the kernel lacks or forbids it.
    fn wait_precisely(&self, events: &mut Events, timeout: Duration) -> Result<usize, Errno> {
        let timespec = libc::timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // SAFETY: the buffer is `capacity` uninitialised `epoll_event`s (rustix's `Event` has the kernel's
        // layout), the kernel writes at most that many, and the time outlives the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.0.as_raw_fd(),
                events.0.as_mut_ptr(),
                libc::c_long::try_from(events.0.capacity()).unwrap_or(1),
                &raw const timespec,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        match usize::try_from(result) {
            Ok(count) => {
                // SAFETY: the kernel reported that it initialised `count` (≤ capacity) events.
                unsafe { events.0.set_len(count) };
                Ok(count)
            }
            Err(_) => match Errno::from_io_error(&io::Error::last_os_error()) {
                Some(Errno::NOSYS | Errno::PERM) => {
                    PRECISE.store(false, Ordering::Relaxed);
                    self.wait_coarsely(events, Some(timeout))
                }
                errno => Err(errno.unwrap_or(Errno::IO)),
            },
        }
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this kernel has `epoll_pwait2`, as far as we know.
static PRECISE: AtomicBool = AtomicBool::new(true);

/// Waits longer than this do not care about fractions of a millisecond.
const PRECISE_BELOW: Duration = Duration::from_millis(100);

/// What fits the old call's `int` of milliseconds.
const LONGEST_COARSE_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

fn needs_nanoseconds(timeout: Duration) -> bool {
    timeout < PRECISE_BELOW
        && !timeout.subsec_nanos().is_multiple_of(1_000_000)
        && PRECISE.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::eventfd::EventFd;
    use std::time::Instant;

    #[test]
    fn reports_tokens_and_levels() {
        let (epoll, fd) = (Epoll::new().unwrap(), EventFd::new().unwrap());
        let mut events = Events::default();
        epoll.add(&fd, Interest::READABLE, u64::MAX - 1).unwrap();
        assert_eq!(epoll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        fd.signal();
        for _ in 0..2 {
            assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
            let ready = events.iter().next().unwrap();
            assert_eq!((ready.token, ready.readable, ready.closed), (u64::MAX - 1, true, false));
        }
        epoll.delete(&fd).unwrap();
        assert_eq!(epoll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        assert!(events.is_empty());
    }

    #[test]
    fn oneshot_is_silent_until_modified() {
        let (epoll, fd) = (Epoll::new().unwrap(), EventFd::new().unwrap());
        let mut events = Events::with_capacity(4);
        let once = Interest::READABLE.oneshot();
        epoll.add(&fd, once, 1).unwrap();
        fd.signal();
        assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
        assert_eq!(epoll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        epoll.modify(&fd, once, 2).unwrap();
        assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
        assert_eq!(events.iter().next().unwrap().token, 2);
    }

    #[test]
    fn edge_reports_changes_only() {
        let (epoll, fd) = (Epoll::new().unwrap(), EventFd::new().unwrap());
        let mut events = Events::default();
        epoll.add(&fd, Interest::READABLE.edge(), 1).unwrap();
        fd.signal();
        assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
        assert_eq!(epoll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        fd.signal();
        assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
    }

    #[test]
    fn timeouts_are_never_early() {
        let epoll = Epoll::new().unwrap();
        for timeout in [Duration::from_micros(300), Duration::from_millis(2)] {
            let start = Instant::now();
            assert_eq!(epoll.wait(&mut Events::default(), Some(timeout)).unwrap(), 0);
            assert!(start.elapsed() >= timeout);
        }
    }

    #[test]
    fn hang_up_is_reported_without_interest() {
        let epoll = Epoll::new().unwrap();
        let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
        epoll.add(&a, Interest::NONE, 5).unwrap();
        drop(b);
        let mut events = Events::default();
        assert_eq!(epoll.wait(&mut events, None).unwrap(), 1);
        assert!(events.iter().next().unwrap().closed);
    }
}
