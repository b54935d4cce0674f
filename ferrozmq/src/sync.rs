//! The primitives of concurrency under one name, from the standard library or from loom.
//!
//! Everything above this file that other threads can see is built from these names, so that the
//! same source runs in production and, with `--cfg loom`, in a model checker that tries every
//! interleaving and every value a weakly ordered load may return. The invariant: nothing here adds
//! behaviour, except that locks ignore poison (a panic poisons the state it touched, by a flag of
//! its own, and never the whole process).
//!
//! Not here: system calls ([`crate::sys`]) and anything that knows of messages.

#[cfg(loom)]
pub use self::model::*;
#[cfg(not(loom))]
pub use self::real::*;

/// A value alone on its cache lines.
///
/// 128 bytes: x86 prefetches lines in pairs, and several ARM cores have lines that long.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Padded<T>(pub T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(not(loom))]
mod real {
    pub use std::sync::Arc;
    pub use std::sync::atomic;
    pub use std::{hint, thread};

    use std::sync::{MutexGuard, PoisonError};

    /// A mutual exclusion that a panic inside does not spoil for the threads after it.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// An unlocked mutex.
        pub const fn new(value: T) -> Mutex<T> {
            Mutex(std::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// A cell whose contents are reached by raw pointer, in the shape that loom can watch.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// A cell with `value`.
        #[inline]
        pub const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer that is only read through.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer that may be written through.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(loom)]
mod model {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::Arc;
    pub use loom::sync::atomic;
    pub use loom::{hint, thread};

    use loom::sync::MutexGuard;

    /// A mutual exclusion; loom's never meets poison, because a panic ends the model.
    #[derive(Debug)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// An unlocked mutex.
        pub fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a panic ends the model")
        }
    }
}
