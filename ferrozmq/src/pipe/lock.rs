//! A small lock: those of a pipe's halves, and the one beneath a socket's guard ([`biased_lock`](crate::pipe::biased_lock)). UNSAFE room: loom
//! models at the end.
//!
//! Locking is one compare-and-exchange; unlocking is a store and a load, no read-modify-write, where the kernel has
//! `membarrier` (else it adds a fence). About half the price of `std::sync::Mutex`. A thread that
//! meets a holder spins for a moment, then sleeps: the holder may have lost its processor.
//!
//! Not fair, and without poison: whoever panics while holding it leaves the contents as they are,
//! and marks what is broken by other means.

use crate::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{FutexWord, UnsafeCell, barrier, hint};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Attempts before a thread sleeps: a critical section or two on the other core.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };

const FREE: u32 = 0;
const HELD: u32 = 1;

/// The lock around each half of a pipe. In models of those it is loom's own: that has far
/// fewer steps, and the lock below has models of its own.
#[cfg(not(loom))]
pub(crate) use self::{TinyGuard as LockGuard, TinyLock as Lock};
#[cfg(loom)]
pub(crate) use crate::sync::{Mutex as Lock, MutexGuard as LockGuard};

/// Opens the lock where that is not left to the end of a scope: in the middle of the way of a short message, where the compiler is not to
/// make it a call.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn open<T>(guard: LockGuard<'_, T>) {
    let lock = guard.lock;
    std::mem::forget(guard);
    lock.unlock();
}
#[cfg(loom)]
pub(crate) fn open<T>(guard: LockGuard<'_, T>) {
    drop(guard);
}

/// Mutual exclusion at about 5 ns a pair. The value lies behind the lock, so that its beginning comes with it.
#[repr(C)]
pub struct TinyLock<T> {
    state: FutexWord,
    /// Threads asleep in `lock`, or about to be.
    sleepers: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the lock lets one thread at a time reach the value, so it only travels: `T: Send` is enough.
unsafe impl<T: Send> Sync for TinyLock<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for TinyLock<T> {}

impl<T> TinyLock<T> {
    /// An unlocked lock around `value`.
    pub fn new(value: T) -> TinyLock<T> {
        TinyLock { state: FutexWord::new(FREE), sleepers: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock. Signals do not end the wait.
    #[inline]
    pub fn lock(&self) -> TinyGuard<'_, T> {
        if !self.acquire() {
            self.lock_contended();
        }
        TinyGuard { lock: self, value: PhantomData }
    }

    /// Compare and exchange rather than exchange: the same price, and a loser that stores nothing can be
    /// told apart by loom, which does not order a plain store against a rival exchange.
    #[inline]
    fn acquire(&self) -> bool {
        self.state.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        for _ in 0..SPINS {
            hint::spin_loop();
            if self.state.load(Relaxed) == FREE && self.acquire() {
                return;
            }
        }
        // Announce, fence, look again, sleep. The holder stores FREE, fences, and looks for sleepers:
        // one of the two sees the other.
        self.sleepers.fetch_add(1, Relaxed);
        barrier::heavy();
        while !self.acquire() {
            self.state.wait(HELD, None);
        }
        self.sleepers.fetch_sub(1, Relaxed);
    }

    /// Opens it. Only for whoever has forgotten the guard.
    #[inline(always)]
    pub(super) fn unlock(&self) {
        self.state.store(FREE, Release);
        barrier::light();
        if self.sleepers.load(Relaxed) != 0 {
            self.wake_one();
        }
    }

    #[cold]
    fn wake_one(&self) {
        self.state.wake(1);
    }
}

impl<T> fmt::Debug for TinyLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TinyLock").field("held", &(self.state.load(Relaxed) == HELD)).finish_non_exhaustive()
    }
}

/// The right to use the value of a [`TinyLock`]; given back on drop.
#[must_use = "dropping the guard unlocks at once"]
pub struct TinyGuard<'a, T> {
    lock: &'a TinyLock<T>,
    /// Shared between threads only if `T` may be.
    value: PhantomData<&'a mut T>,
}

impl<T> Deref for TinyGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one, and is borrowed for as long as the reference lives.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for TinyGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one, and is borrowed mutably for as long as the reference lives.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for TinyGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.unlock();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn many_threads_exclude_each_other() {
        const ROUNDS: u64 = 50_000;
        barrier::register();
        let lock = TinyLock::new(0u64);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let lock = &lock;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let mut sum = lock.lock();
                        let seen = *sum;
                        // Now and then the holder loses its processor, so that others have to sleep.
                        if (round + thread).is_multiple_of(1024) {
                            std::thread::yield_now();
                        }
                        *sum = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 4 * ROUNDS);
    }

    #[test]
    fn a_panic_under_the_lock_leaves_it_usable() {
        let lock = TinyLock::new(0);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            *lock.lock() = 1;
            let _guard = lock.lock();
            panic!("under the lock");
        }));
        assert!(panic.is_err());
        assert_eq!(*lock.lock(), 1);
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_uncontended_pair() {
        const ROUNDS: u32 = 20_000_000;
        barrier::register();
        let (tiny, mutex) = (TinyLock::new(0u64), std::sync::Mutex::new(0u64));
        let pair = |f: &dyn Fn()| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
        };
        for _ in 0..3 {
            let tiny_ns = pair(&|| (0..ROUNDS).for_each(|_| *std::hint::black_box(&tiny).lock() += 1));
            let mutex_ns = pair(&|| {
                (0..ROUNDS).for_each(|_| *std::hint::black_box(&mutex).lock().expect("no poison") += 1);
            });
            println!("lock+unlock: tiny {tiny_ns:.1} ns, std {mutex_ns:.1} ns");
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::Arc;
    use loom::thread;

    fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(f);
    }

    fn count_to(threads: usize, rounds: usize) {
        let lock = Arc::new(TinyLock::new(0));
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let lock = Arc::clone(&lock);
                thread::spawn(move || (0..rounds).for_each(|_| *lock.lock() += 1))
            })
            .collect();
        (0..rounds).for_each(|_| *lock.lock() += 1);
        others.into_iter().for_each(|other| other.join().expect("no panic"));
        assert_eq!(*lock.lock(), threads * rounds);
    }

    #[test]
    fn loom_lock_excludes_and_wakes_two() {
        model(5, || count_to(2, 3));
    }

    #[test]
    fn loom_lock_excludes_and_wakes_three() {
        model(3, || count_to(3, 2));
    }
}
