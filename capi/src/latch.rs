//! A lock for a few instructions, which a fork's child finds open.
//!
//! `std`'s mutex would stay locked for ever in a child that was forked while another thread held it. This one
//! is taken around the fork ([`at_fork`]), so both processes go on with it open and its data whole. Nothing
//! that may wait, or that is not ours, runs under it.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

/// Data behind a spinning lock.
pub(crate) struct Latch<T> {
    taken: AtomicBool,
    data: UnsafeCell<T>,
}

// SAFETY: one thread at a time reaches the data, as with a mutex.
unsafe impl<T: Send> Sync for Latch<T> {}

impl<T> Latch<T> {
    pub(crate) const fn new(data: T) -> Latch<T> {
        Latch { taken: AtomicBool::new(false), data: UnsafeCell::new(data) }
    }

    pub(crate) fn lock(&self) -> LatchGuard<'_, T> {
        self.take();
        LatchGuard { latch: self }
    }

    /// Takes the lock without a guard: for the moment before a fork.
    pub(crate) fn take(&self) {
        while self.taken.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
    }

    /// Opens a lock taken by [`take`](Self::take).
    pub(crate) fn open(&self) {
        self.taken.store(false, Ordering::Release);
    }
}

/// Calls `before` in the thread that is about to fork, `after` in it afterwards, and `in_child` in the new process.
pub(crate) fn at_fork(before: extern "C" fn(), after: extern "C" fn(), in_child: extern "C" fn()) {
    // SAFETY: the functions live as long as the process: the library is never unloaded.
    let failed = unsafe { libc::pthread_atfork(Some(before), Some(after), Some(in_child)) };
    // ENOMEM: then a child has the problem that every lock has.
    let _ = failed;
}

/// The lock, held.
pub(crate) struct LatchGuard<'a, T> {
    latch: &'a Latch<T>,
}

impl<T> Deref for LatchGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one.
        unsafe { &*self.latch.data.get() }
    }
}

impl<T> DerefMut for LatchGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard is the only one.
        unsafe { &mut *self.latch.data.get() }
    }
}

impl<T> Drop for LatchGuard<'_, T> {
    fn drop(&mut self) {
        self.latch.open();
    }
}
