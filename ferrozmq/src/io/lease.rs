//! Who watches a socket's connections for input: the I/O thread, or the application.
//!
//! A thread that waits for input takes its socket's [`Lease`]: the sets of the socket's connections
//! leave the I/O threads' own sets, and the application waits on them itself. The lease stays with
//! the socket when the call returns, so that a ping-pong pays nothing for it; the [`Ticker`] of an
//! I/O thread takes it back from a socket that has not been read for one [`TICK`].
//!
//! ```text
//!            acquire                release
//!   Io ───────────────► Active ◄──────────────► Resident
//!    ▲                            acquire           │
//!    └──────────────────────────────────────────────┘
//!                 tick, no read since the last one
//! ```
//!
//! Invariant: in state `Io` every set of the socket is armed in its I/O thread, so input is never
//! unwatched. In the other states an I/O thread that still gets an event leaves it alone. Both
//! sides may read a connection at the same time by mistake; its reader's role keeps that harmless.

use crate::pipe::errand::Desk;
use crate::sync::Mutex;
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::timerfd::TimerFd;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::time::Duration;

/// A socket that was not read for this long (and at most twice that) is watched by the I/O thread again.
pub(crate) const TICK: Duration = Duration::from_millis(1);

const IO: u32 = 0;
const RESIDENT: u32 = 1;
const ACTIVE: u32 = 2;

/// The connections of one socket in one I/O thread: a set inside that thread's set.
pub(crate) struct WatchSet {
    pub(crate) set: Arc<Epoll>,
    desk: Arc<Desk>,
    token: u64,
}

impl WatchSet {
    fn arm(&self, on: bool) {
        let interest = if on { Interest::READABLE } else { Interest::NONE };
        // Both sets live as long as this value, so this cannot fail for a reason to act on.
        let _ = self.desk.epoll().modify(self.set.as_ref(), interest, self.token);
    }
}

impl Drop for WatchSet {
    fn drop(&mut self) {
        let _ = self.desk.epoll().delete(self.set.as_ref());
    }
}

/// One socket's lease.
pub(crate) struct Lease {
    state: AtomicU32,
    /// Counts reads; a tick that finds it unchanged takes the lease back.
    epoch: AtomicU32,
    sets: Mutex<Vec<WatchSet>>,
    ticker: Arc<Ticker>,
}

impl Lease {
    pub(crate) fn new(ticker: Arc<Ticker>) -> Arc<Lease> {
        Arc::new(Lease {
            state: AtomicU32::new(IO),
            epoch: AtomicU32::new(0),
            sets: Mutex::new(Vec::new()),
            ticker,
        })
    }

    /// The set for connections in `desk`'s I/O thread; made at the first call, under `token`.
    pub(crate) fn set(
        &self,
        desk: &Arc<Desk>,
        token: impl FnOnce() -> u64,
    ) -> io::Result<(Arc<Epoll>, Option<u64>)> {
        let mut sets = self.sets.lock();
        if let Some(found) = sets.iter().find(|found| Arc::ptr_eq(&found.desk, desk)) {
            return Ok((Arc::clone(&found.set), None));
        }
        let set = Arc::new(Epoll::new()?);
        let token = token();
        let watched = self.state.load(Ordering::Acquire) == IO;
        let interest = if watched { Interest::READABLE } else { Interest::NONE };
        desk.epoll().add(set.as_ref(), interest, token)?;
        sets.push(WatchSet { set: Arc::clone(&set), desk: Arc::clone(desk), token });
        Ok((set, Some(token)))
    }

    /// All sets of the socket, to wait on.
    pub(crate) fn each_set(&self, mut visit: impl FnMut(&Arc<Epoll>)) {
        self.sets.lock().iter().for_each(|watch| visit(&watch.set));
    }

    /// Whether the application holds the lease.
    pub(crate) fn is_held(&self) -> bool {
        self.state.load(Ordering::Acquire) != IO
    }

    /// Takes the lease for a thread that is about to wait. Call with the socket's guard held.
    pub(crate) fn acquire(self: &Arc<Self>) {
        let resident = self.state.compare_exchange(RESIDENT, ACTIVE, Ordering::AcqRel, Ordering::Acquire);
        if matches!(resident, Ok(_) | Err(ACTIVE)) {
            return;
        }
        let sets = self.sets.lock();
        if self.state.swap(ACTIVE, Ordering::AcqRel) == IO {
            sets.iter().for_each(|set| set.arm(false));
            drop(sets);
            self.ticker.enlist(self);
        }
    }

    /// The last waiting thread returned: the lease stays, until a tick finds nobody reading.
    pub(crate) fn release(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
        self.state.store(RESIDENT, Ordering::Release);
        self.ticker.start();
    }

    /// A read that found messages without waiting renews the lease.
    pub(crate) fn renew(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the lease back at once.
    pub(crate) fn give_back(&self) {
        let sets = self.sets.lock();
        if self.state.compare_exchange(RESIDENT, IO, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            sets.iter().for_each(|set| set.arm(true));
        }
    }

    /// A tick: takes the lease back if nobody read since `seen`.
    fn tick(&self, seen: &mut u32) -> Ticked {
        match self.state.load(Ordering::Acquire) {
            IO => return Ticked::Returned,
            ACTIVE => return Ticked::Active,
            _ => {}
        }
        let epoch = self.epoch.load(Ordering::Relaxed);
        if epoch != *seen {
            *seen = epoch;
            return Ticked::Resident;
        }
        self.give_back();
        if self.is_held() { Ticked::Active } else { Ticked::Returned }
    }
}

enum Ticked {
    Active,
    Resident,
    Returned,
}

/// Takes leases back; one in each I/O thread.
pub(crate) struct Ticker {
    timer: TimerFd,
    running: AtomicBool,
    leased: Mutex<Vec<(Arc<Lease>, u32)>>,
}

impl Ticker {
    pub(crate) fn new() -> io::Result<Ticker> {
        Ok(Ticker { timer: TimerFd::new()?, running: AtomicBool::new(false), leased: Mutex::new(Vec::new()) })
    }

    pub(crate) fn timer(&self) -> &TimerFd {
        &self.timer
    }

    /// The I/O thread has ended: leases and ticker let go of each other.
    pub(crate) fn retire(&self) {
        let leased = std::mem::take(&mut *self.leased.lock());
        drop(leased);
    }

    fn enlist(&self, lease: &Arc<Lease>) {
        let epoch = lease.epoch.load(Ordering::Relaxed);
        let mut leased = self.leased.lock();
        if !leased.iter().any(|(known, _)| Arc::ptr_eq(known, lease)) {
            leased.push((Arc::clone(lease), epoch));
        }
    }

    /// Makes sure that a tick comes.
    fn start(&self) {
        // Pairs with the fence in `tick`: either it sees the lease resident, or we see it stopped.
        fence(Ordering::SeqCst);
        if !self.running.load(Ordering::Relaxed) && !self.running.swap(true, Ordering::AcqRel) {
            let _ = self.timer.arm(TICK);
        }
    }

    /// The timer fired (I/O thread). Ticks on while a socket has a lease and nobody in a call.
    pub(crate) fn tick(&self) {
        self.timer.drain();
        self.running.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
        let mut resident = false;
        self.leased.lock().retain_mut(|(lease, seen)| match lease.tick(seen) {
            Ticked::Returned => false,
            Ticked::Active => true,
            Ticked::Resident => {
                resident = true;
                true
            }
        });
        if resident {
            self.start();
        }
    }
}
