//! Waiting for several sockets and descriptors at once.
//!
//! [`poll`] looks, and if nothing is ready takes the leases of all polled sockets and sleeps on
//! their connections and the descriptors together.

use crate::duty;
use crate::error::{Error, ErrorKind, Result};
use crate::socket::Socket;
use crate::socket::wait::{self, Patience, Prepared, Sleeper};
pub use crate::sys::poll::SignalMask;
use crate::sys::poll::{self as sys_poll, PollFd};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// What a socket or descriptor is ready for; the bits are libzmq's (`ZMQ_POLLIN` …).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Events(u8);

impl Events {
    /// Nothing.
    pub const NONE: Events = Events(0);
    /// A message can be received, a descriptor read.
    pub const READABLE: Events = Events(1);
    /// A message can be sent, a descriptor written.
    pub const WRITABLE: Events = Events(2);
    /// A descriptor is in an error state, or hung up.
    pub const ERROR: Events = Events(4);
    /// A descriptor has urgent data.
    pub const PRIORITY: Events = Events(8);

    /// Whether any of `other`'s bits is set.
    #[must_use]
    pub fn intersects(self, other: Events) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether reading will not wait.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.intersects(Events::READABLE)
    }

    /// Whether writing will not wait.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.intersects(Events::WRITABLE)
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// libzmq's bits.
    #[must_use]
    pub fn bits(self) -> i32 {
        self.0.into()
    }

    /// Those of libzmq's bits that mean something.
    #[must_use]
    pub fn from_bits(bits: i32) -> Events {
        Events((bits & 0xf) as u8)
    }
}

impl std::ops::BitOr for Events {
    type Output = Events;
    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

impl std::ops::BitAnd for Events {
    type Output = Events;
    fn bitand(self, other: Events) -> Events {
        Events(self.0 & other.0)
    }
}

/// One thing to poll, what for, and what came of it.
#[derive(Debug)]
pub struct PollItem<'a> {
    source: Source<'a>,
    wanted: Events,
    ready: Events,
    /// How often the socket had changed when it was looked at last.
    changes: u64,
}

#[derive(Debug)]
enum Source<'a> {
    Socket(&'a Socket),
    Descriptor(RawFd, std::marker::PhantomData<BorrowedFd<'a>>),
}

impl<'a> PollItem<'a> {
    /// Polls a socket.
    #[must_use]
    pub fn socket(socket: &'a Socket, wanted: Events) -> PollItem<'a> {
        PollItem { source: Source::Socket(socket), wanted, ready: Events::NONE, changes: 0 }
    }

    /// Polls a descriptor.
    #[must_use]
    pub fn fd(fd: BorrowedFd<'a>, wanted: Events) -> PollItem<'a> {
        let source = Source::Descriptor(fd.as_raw_fd(), std::marker::PhantomData);
        PollItem { source, wanted, ready: Events::NONE, changes: 0 }
    }

    /// Polls a descriptor by its number, whatever that is: a negative one is never ready, and one that is not open has
    /// an [error](Events::ERROR).
    #[must_use]
    pub fn raw_fd(fd: RawFd, wanted: Events) -> PollItem<'a> {
        let source = Source::Descriptor(fd, std::marker::PhantomData);
        PollItem { source, wanted, ready: Events::NONE, changes: 0 }
    }

    /// What the last [`poll`] found it ready for.
    #[must_use]
    pub fn ready(&self) -> Events {
        self.ready
    }
}

/// Waits until one of `items` is ready, at most `timeout` (`None`: for ever); returns how many are,
/// 0 after the time-out (`zmq_poll(3)`).
///
/// ```
/// use ferrozmq::{Context, Events, PollItem, SocketType, poll};
/// use std::time::Duration;
/// # fn main() -> ferrozmq::Result<()> {
/// let context = Context::new();
/// let socket = context.socket(SocketType::Pull)?;
/// socket.bind("inproc://polled")?;
/// let mut items = [PollItem::socket(&socket, Events::READABLE)];
/// assert_eq!(poll(&mut items, Some(Duration::from_millis(1)))?, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed),
/// [`Interrupted`](ErrorKind::Interrupted).
pub fn poll(items: &mut [PollItem<'_>], timeout: Option<Duration>) -> Result<usize> {
    let patience = Patience::from_timeout(timeout).begun();
    loop {
        let ready = look(items)?;
        if ready > 0 || patience == Patience::None || patience.is_over() {
            return Ok(ready);
        }
        duty::perform();
        rest(items, patience)?;
    }
}

/// The same with other signals blocked while it sleeps, as `ppoll(2)` does for descriptors alone: a signal that `mask`
/// lets through interrupts the sleep even if it came just before (`zmq_ppoll(3)`).
///
/// # Errors
/// As [`poll`].
pub fn poll_masked(
    items: &mut [PollItem<'_>],
    timeout: Option<Duration>,
    mask: &SignalMask,
) -> Result<usize> {
    mask.during(|| poll(items, timeout))
}

/// Looks at every item without waiting; returns how many are ready. At descriptors first: one may be `ZMQ_FD` of a socket
/// that is polled too, and asking the socket makes it quiet.
fn look(items: &mut [PollItem<'_>]) -> Result<usize> {
    look_at_descriptors(items)?;
    for item in items.iter_mut() {
        if let Source::Socket(socket) = &item.source {
            let (events, changes) = socket.state().events_and_changes()?;
            item.ready = events & item.wanted;
            item.changes = changes;
        }
    }
    Ok(items.iter().filter(|item| !item.ready.is_empty()).count())
}

fn look_at_descriptors(items: &mut [PollItem<'_>]) -> Result<()> {
    let descriptors = items.iter().filter_map(|item| match item.source {
        Source::Descriptor(fd, _) => Some(descriptor(fd, item.wanted)),
        Source::Socket(_) => None,
    });
    let mut fds: Vec<PollFd> = descriptors.collect();
    if fds.is_empty() {
        return Ok(());
    }
    sys_poll::poll(&mut fds, Some(Duration::ZERO)).map_err(poll_error)?;
    let items = items.iter_mut().filter(|item| matches!(item.source, Source::Descriptor(..)));
    for (item, fd) in items.zip(&fds) {
        item.ready = from_poll(fd.revents, item.wanted);
    }
    Ok(())
}

/// Sleeps until something may have changed.
fn rest(items: &[PollItem<'_>], patience: Patience) -> Result<()> {
    let mut fds = Vec::new();
    let mut sleepers: Vec<(&Socket, Sleeper<'_>)> = Vec::new();
    let mut changed = false;
    let mut follow = false;
    let mut failed = None;
    for item in items {
        match &item.source {
            Source::Descriptor(fd, _) => fds.push(descriptor(*fd, item.wanted)),
            Source::Socket(socket) => {
                if sleepers.iter().any(|(known, _)| std::sync::Arc::ptr_eq(known.state(), socket.state())) {
                    continue;
                }
                let prepared = prepare(socket, item, &mut fds);
                match prepared {
                    Ok(Prepared::Lead(sleeper)) => sleepers.push((socket, sleeper)),
                    Ok(Prepared::Changed) => changed = true,
                    Ok(Prepared::Follow) => follow = true,
                    // The sleeps announced so far must be taken back before the error is returned.
                    Err(error) => failed = Some(error),
                }
            }
        }
        if changed || failed.is_some() {
            break;
        }
    }
    let slept = match (changed, follow) {
        _ if failed.is_some() => Ok(false),
        (true, _) => Ok(false),
        // Another thread waits in one of the sockets: look again soon, it may be long.
        (false, true) => wait::sleep(&mut fds, patience.at_most(FOLLOW)),
        (false, false) => wait::sleep(&mut fds, patience),
    };
    for (socket, sleeper) in sleepers {
        let mut core = socket.state().lock();
        sleeper.wake(&mut core, &fds);
    }
    failed.map_or(slept.map(|_| ()), Err)
}

/// Prepares to sleep in `socket`, unless it has changed since it was looked at: then what has come may
/// be in the socket already, where no descriptor and no signal tells of it again.
fn prepare<'a>(socket: &'a Socket, item: &PollItem<'_>, fds: &mut Vec<PollFd>) -> Result<Prepared<'a>> {
    let mut core = socket.state().enter()?;
    if core.changes() != item.changes {
        return Ok(Prepared::Changed);
    }
    Sleeper::prepare(socket.state(), &mut core, item.wanted.is_readable(), fds)
}

/// How long a poll sleeps at most while another thread waits in one of its sockets.
const FOLLOW: Duration = Duration::from_millis(5);

fn descriptor(fd: RawFd, wanted: Events) -> PollFd {
    let mut events = 0;
    for (bit, event) in BITS {
        if wanted.intersects(bit) {
            events |= event;
        }
    }
    PollFd { fd, events, revents: 0 }
}

const BITS: [(Events, i16); 3] = [
    (Events::READABLE, sys_poll::READABLE),
    (Events::WRITABLE, sys_poll::WRITABLE),
    (Events::PRIORITY, sys_poll::PRIORITY),
];

fn from_poll(revents: i16, wanted: Events) -> Events {
    let mut ready = Events::NONE;
    for (bit, event) in BITS {
        if revents & event != 0 {
            ready = ready | bit;
        }
    }
    let ready = ready & wanted;
    let failed = sys_poll::ERROR | sys_poll::HANG_UP | sys_poll::INVALID;
    if revents & failed != 0 { ready | Events::ERROR } else { ready }
}

fn poll_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::Interrupted => Error::interrupted(),
        _ => Error::os("polling", &error),
    }
}

/// A set of sockets and descriptors that is polled again and again (`zmq_poller_new(3)`).
///
/// Each has a key of the caller's choice, which [`wait`](Self::wait) returns.
#[derive(Debug, Default)]
pub struct Poller<K> {
    sockets: Vec<(Socket, Events, K)>,
    descriptors: Vec<(RawFd, Events, K)>,
}

impl<K: Clone> Poller<K> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Poller<K> {
        Poller { sockets: Vec::new(), descriptors: Vec::new() }
    }

    /// Adds a socket.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is in the set already.
    pub fn add(&mut self, socket: &Socket, wanted: Events, key: K) -> Result<()> {
        if self.position(socket).is_some() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the socket is in the set already; modify it instead",
            ));
        }
        self.sockets.push((socket.clone(), wanted, key));
        Ok(())
    }

    /// Adds a descriptor, which must stay open while it is in the set.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is in the set already.
    pub fn add_fd(&mut self, fd: BorrowedFd<'_>, wanted: Events, key: K) -> Result<()> {
        if self.descriptors.iter().any(|(known, ..)| *known == fd.as_raw_fd()) {
            return Err(Error::new(ErrorKind::Invalid, "the descriptor is in the set already"));
        }
        self.descriptors.push((fd.as_raw_fd(), wanted, key));
        Ok(())
    }

    /// Changes what a socket is polled for.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not in the set.
    pub fn modify(&mut self, socket: &Socket, wanted: Events) -> Result<()> {
        let index = self.position(socket).ok_or_else(absent)?;
        self.sockets[index].1 = wanted;
        Ok(())
    }

    /// Takes a socket out of the set.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not in the set.
    pub fn remove(&mut self, socket: &Socket) -> Result<()> {
        let index = self.position(socket).ok_or_else(absent)?;
        self.sockets.remove(index);
        Ok(())
    }

    /// Takes a descriptor out of the set.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not in the set.
    pub fn remove_fd(&mut self, fd: BorrowedFd<'_>) -> Result<()> {
        let index =
            self.descriptors.iter().position(|(known, ..)| *known == fd.as_raw_fd()).ok_or_else(absent)?;
        self.descriptors.remove(index);
        Ok(())
    }

    /// Waits until something is ready, at most `timeout`; returns what is, with its key.
    ///
    /// # Errors
    /// As [`poll`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Vec<(K, Events)>> {
        let sockets = self.sockets.iter().map(|(socket, wanted, _)| PollItem::socket(socket, *wanted));
        let descriptors = self.descriptors.iter().map(|(fd, wanted, _)| PollItem {
            source: Source::Descriptor(*fd, std::marker::PhantomData),
            wanted: *wanted,
            ready: Events::NONE,
            changes: 0,
        });
        let mut items: Vec<PollItem<'_>> = sockets.chain(descriptors).collect();
        poll(&mut items, timeout)?;
        let keys =
            self.sockets.iter().map(|(.., key)| key).chain(self.descriptors.iter().map(|(.., key)| key));
        let ready = items.iter().zip(keys).filter(|(item, _)| !item.ready.is_empty());
        Ok(ready.map(|(item, key)| (key.clone(), item.ready)).collect())
    }

    fn position(&self, socket: &Socket) -> Option<usize> {
        self.sockets.iter().position(|(known, ..)| std::sync::Arc::ptr_eq(known.state(), socket.state()))
    }
}

fn absent() -> Error {
    Error::new(ErrorKind::Invalid, "it is not in the set; add it first")
}
