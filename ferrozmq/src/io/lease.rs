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
//! Invariant: in state `Io` every set of the socket is armed in its I/O thread, and every connection in one, so input is never
//! unwatched. In the other states an I/O thread that still gets an event leaves it alone. Both
//! sides may read a connection at the same time by mistake; its reader's role keeps that harmless.

use crate::pipe::errand::Desk;
use crate::pipe::wire::WirePipe;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::{Mutex, barrier};
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::timerfd::TimerFd;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A socket that was not read for this long (and at most twice that) is watched by the I/O thread again. While all
/// sockets with a lease are read all the time, ticks become seldom: up to [`SELDOM`] times as long. No round number, or
/// ticks would come together with the messages of whoever sends at a round rate.
pub(crate) const TICK: Duration = if cfg!(loom) { NEVER } else { Duration::from_micros(700) };
/// In a model time stands still: the timer goes off when the model says so.
const NEVER: Duration = Duration::from_secs(3600);

/// A tick is two changes of threads, which a ping-pong on one processor feels.
const SELDOM: u32 = 8;

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
    /// A pipe whose connection is in no set.
    unwatched: Mutex<Weak<WirePipe>>,
    ticker: Arc<Ticker>,
}

impl Lease {
    pub(crate) fn new(ticker: Arc<Ticker>) -> Arc<Lease> {
        Arc::new(Lease {
            state: AtomicU32::new(IO),
            epoch: AtomicU32::new(0),
            sets: Mutex::new(Vec::new()),
            unwatched: Mutex::new(Weak::new()),
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

    /// All sets of the socket, to wait on; all its connections are in them.
    pub(crate) fn each_set(&self, mut visit: impl FnMut(&Arc<Epoll>)) {
        self.watch_all();
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

    /// The last waiting thread returned: the lease stays, until a tick finds nobody reading. Call with the socket's
    /// guard held.
    pub(crate) fn release(&self) {
        self.renew();
        self.state.store(RESIDENT, Ordering::Release);
        self.ticker.start();
    }

    /// A read that found messages without waiting renews the lease. Call with the socket's guard held: only who
    /// holds it writes the count, so it needs no exchange.
    #[inline]
    pub(crate) fn renew(&self) {
        self.epoch.store(self.epoch.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// A count of reads, to compare with an earlier one.
    pub(crate) fn reads(&self) -> u32 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// What takes this lease back.
    #[cfg(all(test, loom))]
    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.ticker
    }

    /// Remembers that the connection of `pipe`, the only one, is in no set. Call with the lease held for a thread that waits.
    pub(crate) fn keep_unwatched(&self, pipe: &Arc<WirePipe>) {
        let before = std::mem::replace(&mut *self.unwatched.lock(), Arc::downgrade(pipe));
        if let Some(before) = before.upgrade().filter(|before| !Arc::ptr_eq(before, pipe)) {
            before.watch();
        }
    }

    /// Puts back into its sets what was taken out.
    fn watch_all(&self) {
        let pipe = std::mem::take(&mut *self.unwatched.lock());
        if let Some(pipe) = pipe.upgrade() {
            pipe.watch();
        }
    }

    /// Gives the lease back at once.
    pub(crate) fn give_back(&self) {
        if self.hand_back() {
            self.watch_all();
        }
    }

    /// The same, but [`watch_all`](Self::watch_all) is still to be called; says whether.
    fn hand_back(&self) -> bool {
        let sets = self.sets.lock();
        let returned = self.state.compare_exchange(RESIDENT, IO, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if returned {
            sets.iter().for_each(|set| set.arm(true));
        }
        returned
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
        self.hand_back();
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
    /// The next tick comes after so many times [`TICK`].
    ticks: AtomicU32,
}

impl Ticker {
    pub(crate) fn new() -> io::Result<Ticker> {
        Ok(Ticker {
            timer: TimerFd::new()?,
            running: AtomicBool::new(false),
            leased: Mutex::new(Vec::new()),
            ticks: AtomicU32::new(1),
        })
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
            self.ticks.store(1, Ordering::Relaxed);
        }
    }

    /// Makes sure that a tick comes.
    fn start(&self) {
        // Pairs with the fence in `tick`: either it sees the lease resident, or we see it stopped.
        barrier::light();
        if !self.running.load(Ordering::Relaxed) && !self.running.swap(true, Ordering::AcqRel) {
            let _ = self.timer.arm(TICK * self.ticks.load(Ordering::Relaxed));
        }
    }

    /// The timer fired (I/O thread). Ticks on while a socket has a lease and nobody in a call.
    pub(crate) fn tick(&self) {
        self.timer.drain();
        // An exchange comes after the one in `start` that armed the timer. A plain store would do so only because the
        // kernel, which fired the timer, orders the two; on the word alone it might count as the earlier one.
        self.running.swap(false, Ordering::AcqRel);
        barrier::heavy();
        let (mut resident, mut returned) = (false, Vec::new());
        self.leased.lock().retain_mut(|(lease, seen)| match lease.tick(seen) {
            Ticked::Returned => {
                returned.push(Arc::clone(lease));
                false
            }
            Ticked::Active => true,
            Ticked::Resident => {
                resident = true;
                true
            }
        });
        returned.iter().for_each(|lease| lease.watch_all());
        let ticks =
            if returned.is_empty() { (self.ticks.load(Ordering::Relaxed) * 2).min(SELDOM) } else { 1 };
        self.ticks.store(ticks, Ordering::Relaxed);
        if resident {
            self.start();
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::pipe::models::{model, spawn};
    use crate::sys::epoll::Events;
    use crate::sys::eventfd::EventFd;

    impl Ticker {
        /// As the I/O thread when the timer goes off, which it may do at any moment once it is armed.
        pub(crate) fn tick_if_due(&self) {
            if self.is_due() {
                self.timer.disarm().expect("a valid timer");
                self.tick();
            }
        }

        fn is_due(&self) -> bool {
            crate::sys::visible();
            self.timer.is_armed()
        }
    }

    /// A lease with one set and one descriptor in it, which has input.
    struct Scene {
        lease: Arc<Lease>,
        desk: Arc<Desk>,
        input: EventFd,
        ticker: Arc<Ticker>,
    }

    impl Scene {
        fn new() -> Arc<Scene> {
            let ticker = Arc::new(Ticker::new().expect("a descriptor"));
            let scene = Scene {
                lease: Lease::new(Arc::clone(&ticker)),
                desk: Arc::new(Desk::new().expect("descriptors")),
                input: EventFd::new().expect("a descriptor"),
                ticker,
            };
            let (set, _) = scene.lease.set(&scene.desk, || 5).expect("a descriptor");
            set.add(&scene.input, Interest::READABLE, 1).expect("watchable");
            scene.input.signal();
            Arc::new(scene)
        }

        fn is_watched(&self) -> bool {
            let mut events = Events::with_capacity(4);
            self.desk.epoll().wait(&mut events, Some(Duration::ZERO)).is_ok_and(|told| told > 0)
        }

        /// What must hold when nobody is in the middle of anything; afterwards ticks take the lease back.
        fn check_at_rest(&self) {
            let state = self.lease.state.load(Ordering::Acquire);
            assert_ne!(state, ACTIVE, "nobody waits");
            assert_eq!(self.is_watched(), state == IO);
            for _ in 0..3 {
                if self.lease.is_held() {
                    assert!(self.ticker.is_due(), "a lease that nobody takes back");
                }
                self.ticker.tick_if_due();
            }
            assert!(!self.lease.is_held() && self.is_watched(), "input that nobody watches");
            assert!(self.ticker.leased.lock().is_empty(), "a lease that is kept alive");
        }
    }

    fn ticks(scene: &Arc<Scene>, count: usize) -> loom::thread::JoinHandle<()> {
        let scene = Arc::clone(scene);
        spawn(move || (0..count).for_each(|_| scene.ticker.tick_if_due()))
    }

    #[test]
    fn loom_lease_is_taken_back_while_a_thread_comes_and_goes() {
        model(4, || {
            let scene = Scene::new();
            let io = ticks(&scene, 3);
            for _ in 0..2 {
                scene.lease.acquire();
                assert!(!scene.is_watched(), "the I/O thread reads what is leased");
                scene.lease.release();
            }
            io.join().expect("no panic");
            scene.check_at_rest();
        });
    }

    #[test]
    fn loom_lease_is_given_back_while_ticks_come() {
        model(3, || {
            let scene = Scene::new();
            scene.lease.acquire();
            scene.lease.release();
            let io = ticks(&scene, 2);
            let closer = {
                let scene = Arc::clone(&scene);
                spawn(move || scene.lease.give_back())
            };
            scene.lease.renew();
            scene.lease.acquire();
            scene.lease.release();
            closer.join().expect("no panic");
            io.join().expect("no panic");
            scene.check_at_rest();
        });
    }

    /// A connection comes up in a second I/O thread while the lease changes hands.
    #[test]
    fn loom_lease_covers_a_set_that_is_added() {
        model(4, || {
            let scene = Scene::new();
            let io = ticks(&scene, 3);
            let adder = {
                let scene = Arc::clone(&scene);
                spawn(move || {
                    let desk = Arc::new(Desk::new().expect("descriptors"));
                    let (set, _) = scene.lease.set(&desk, || 6).expect("a descriptor");
                    let input = EventFd::new().expect("a descriptor");
                    input.signal();
                    set.add(&input, Interest::READABLE, 1).expect("watchable");
                    (desk, input)
                })
            };
            scene.lease.acquire();
            scene.lease.release();
            let (desk, _input) = adder.join().expect("no panic");
            io.join().expect("no panic");
            scene.check_at_rest();
            let mut events = Events::with_capacity(4);
            assert_eq!(desk.epoll().wait(&mut events, Some(Duration::ZERO)).expect("a set"), 1);
        });
    }

    /// Two sockets share a ticker.
    #[test]
    fn loom_lease_ticker_serves_two_leases() {
        model(3, || {
            let scene = Scene::new();
            let other = Lease::new(Arc::clone(&scene.ticker));
            let io = ticks(&scene, 2);
            let neighbour = {
                let other = Arc::clone(&other);
                spawn(move || {
                    other.acquire();
                    other.release();
                })
            };
            scene.lease.acquire();
            scene.lease.release();
            neighbour.join().expect("no panic");
            io.join().expect("no panic");
            for _ in 0..3 {
                if scene.lease.is_held() || other.is_held() {
                    assert!(scene.ticker.is_due(), "a lease that nobody takes back");
                    scene.ticker.tick_if_due();
                }
            }
            assert!(!other.is_held());
            scene.check_at_rest();
        });
    }
}
