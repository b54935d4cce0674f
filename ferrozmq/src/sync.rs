//! The primitives of concurrency under one name, from the standard library or from loom.
//!
//! Everything above this file that other threads can see is built from these names, so that the
//! same source runs in production and, with `--cfg loom`, in a model checker that tries every
//! interleaving and every value a weakly ordered load may return. The invariant: nothing here adds
//! behaviour, except that locks ignore poison (a panic poisons the state it touched, by a flag of
//! its own, and never the whole process).
//!
//! Four things of the kernel have a face here as well, [`barrier`], [`FutexWord`], [`Bell`] and [`poll`],
//! because a model needs stand-ins for them; the calls themselves are in [`crate::sys`].

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
    pub use crate::sys::eventfd::EventFd as Bell;
    pub use crate::sys::membarrier as barrier;
    pub use crate::sys::poll::poll;
    pub use std::hint;
    pub use std::sync::Arc;
    pub use std::sync::atomic;
    pub use std::thread::yield_now;

    use crate::sys::futex::{self, Wait};
    pub use std::sync::MutexGuard;
    use std::time::Instant;

    /// A mutual exclusion that a panic inside does not spoil for the threads after it.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// An unlocked mutex.
        pub const fn new(value: T) -> Mutex<T> {
            Mutex(std::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        #[cfg(not(tsan))]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        /// The same for ThreadSanitizer, which does not see what happens inside std, where a contended lock is taken.
        #[cfg(tsan)]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            use std::sync::TryLockError;
            loop {
                match self.0.try_lock() {
                    Ok(guard) => return guard,
                    Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                    Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                }
            }
        }
    }

    /// A word that threads of this process can sleep on.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct FutexWord(atomic::AtomicU32);

    impl FutexWord {
        /// A word nobody sleeps on.
        pub const fn new(value: u32) -> FutexWord {
            FutexWord(atomic::AtomicU32::new(value))
        }

        /// Sleeps while the word is `expected`, until `deadline` (`None`: for ever) or a signal. May
        /// return without cause.
        pub fn wait(&self, expected: u32, deadline: Option<Instant>) -> Wait {
            futex::wait(&self.0, expected, deadline)
        }

        /// Wakes at most `count` sleepers; a system call.
        pub fn wake(&self, count: u32) {
            futex::wake(&self.0, count);
        }
    }

    impl std::ops::Deref for FutexWord {
        type Target = atomic::AtomicU32;
        #[inline]
        fn deref(&self) -> &atomic::AtomicU32 {
            &self.0
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
    pub use loom::hint;
    pub use loom::sync::Arc;
    pub use loom::sync::atomic;
    pub use loom::thread::yield_now;

    use crate::sys::eventfd::EventFd;
    use crate::sys::futex::Wait;
    use crate::sys::poll::PollFd;
    use loom::sync::Condvar;
    pub use loom::sync::MutexGuard;
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd};
    use std::time::{Duration, Instant};

    /// A mutual exclusion; loom's never meets poison, because a panic ends the model.
    #[derive(Debug, Default)]
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

    /// No model is so long that a thread that will be woken looks this often.
    const LOOKS_MAX: usize = 1000;

    /// The kernel's `poll`, asked again and again while the model's other threads go on. There is no time: only a
    /// time-out of zero passes. Who waits for ever fails the model.
    pub fn poll(fds: &mut [PollFd], timeout: Option<Duration>) -> io::Result<usize> {
        for _ in 0..LOOKS_MAX {
            crate::sys::visible();
            let told = crate::sys::poll::poll(fds, Some(Duration::ZERO))?;
            if told > 0 || timeout == Some(Duration::ZERO) {
                return Ok(told);
            }
            loom::thread::yield_now();
        }
        panic!("a thread sleeps for ever on {fds:?}");
    }

    /// The asymmetric fence as its promise: sequentially consistent on both sides.
    pub mod barrier {
        use loom::sync::atomic::{Ordering, fence};

        /// The side that runs often.
        pub fn light() {
            fence(Ordering::SeqCst);
        }

        /// Whether it is cheap for the side that runs often.
        pub fn is_asymmetric() -> bool {
            true
        }

        /// The side that runs seldom.
        pub fn heavy() {
            fence(Ordering::SeqCst);
        }

        /// The side that runs often, where the other imposes its fence.
        pub fn none() {
            fence(Ordering::SeqCst);
        }

        /// The other.
        pub fn impose() {
            fence(Ordering::SeqCst);
        }
    }

    /// A futex as the kernel has it: the word is compared, and the thread queued, under one lock that
    /// a waker takes too. There is no time: a deadline never passes.
    #[derive(Debug)]
    pub struct FutexWord {
        word: atomic::AtomicU32,
        bucket: Mutex<()>,
        queue: Condvar,
    }

    impl FutexWord {
        /// A word nobody sleeps on.
        pub fn new(value: u32) -> FutexWord {
            FutexWord { word: atomic::AtomicU32::new(value), bucket: Mutex::new(()), queue: Condvar::new() }
        }

        /// Sleeps while the word is `expected`.
        pub fn wait(&self, expected: u32, _deadline: Option<Instant>) -> Wait {
            let bucket = self.bucket.lock();
            if self.word.load(atomic::Ordering::Relaxed) != expected {
                return Wait::Changed;
            }
            drop(self.queue.wait(bucket));
            Wait::Woken
        }

        /// Wakes at most `count` sleepers.
        pub fn wake(&self, count: u32) {
            let _bucket = self.bucket.lock();
            if count == 1 {
                self.queue.notify_one();
            } else {
                self.queue.notify_all();
            }
        }
    }

    impl std::ops::Deref for FutexWord {
        type Target = atomic::AtomicU32;
        fn deref(&self) -> &atomic::AtomicU32 {
            &self.word
        }
    }

    /// An eventfd, with a `poll` of its own because the kernel's would stop the whole model.
    #[derive(Debug)]
    pub struct Bell {
        rung: Mutex<bool>,
        queue: Condvar,
        /// The same for whoever looks at the descriptor without waiting.
        fd: EventFd,
    }

    impl Bell {
        /// A silent one.
        pub fn new() -> io::Result<Bell> {
            Ok(Bell { rung: Mutex::new(false), queue: Condvar::new(), fd: EventFd::new()? })
        }

        /// Makes it readable.
        pub fn signal(&self) {
            let mut rung = self.rung.lock();
            *rung = true;
            self.fd.signal();
            self.queue.notify_all();
        }

        /// Makes it unreadable; `true` if it was readable.
        pub fn drain(&self) -> bool {
            let mut rung = self.rung.lock();
            self.fd.drain();
            std::mem::take(&mut *rung)
        }

        /// Waits until it is readable.
        pub fn poll(&self) {
            let mut rung = self.rung.lock();
            while !*rung {
                rung = self.queue.wait(rung).expect("a panic ends the model");
            }
        }
    }
    impl AsFd for Bell {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.fd.as_fd()
        }
    }
}
