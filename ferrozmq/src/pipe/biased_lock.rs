//! A lock that costs the thread that nearly always comes next to nothing: a socket's guard. UNSAFE room: loom models at the end,
//! ThreadSanitizer over whole sockets.
//!
//! Most sockets are used by one thread. That thread becomes the lock's *favourite*: it enters and leaves by plain stores and loads, where any
//! other lock pays an exchange, which is a quarter of what a short message costs its sender. Anybody else takes the lock beneath,
//! withdraws the favour, imposes a fence on the favourite ([`barrier::impose`]), and waits until it is outside.
//!
//! Invariants:
//! * A favourite has a word of its own in `inside`, for ever: one that has just ceased to be it may still come, in its own time, to say that it
//!   is inside, see that it must not, and say that it is outside. So no more threads than there are words are ever favoured.
//! * Whoever has the value is the favourite and inside, or has the lock beneath while nobody is favoured. Between the favourite's `store inside; load favourite` and the other's `store favourite; impose(); load inside`
//!   one of the two sees the other's store.
//! * The favour is given by the thread that gets it, while it has the lock beneath and has said that it is inside: from then on that is its right.
//!
//! A favour that is withdrawn costs a system call, and an interruption on every processor that this process has. One that was withdrawn
//! before it had saved more makes the next one take twice as many entries in a row; so a lock that threads share evenly soon is the lock
//! beneath.

use crate::pipe::lock::TinyLock;
use crate::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{FutexWord, UnsafeCell, barrier, hint};
#[cfg(not(loom))]
use crate::sys::thread_number;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// No thread has this number.
const NOBODY: usize = 0;

const OUTSIDE: u32 = 0;
const INSIDE: u32 = 1;

/// Looks at a favourite that is inside before a thread sleeps.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };

/// A favour of which so many entries were made has been worth its price.
const WORTH: u32 = 4096;

/// So many entries in a row make a thread the favourite, at first, and at most.
const FIRST_RUN: u32 = if cfg!(loom) { 1 } else { 16 };
const LONGEST_RUN: u32 = if cfg!(loom) { 1 } else { 1 << 24 };

/// The lock around what one thread usually enters. In models of that it is loom's own, as in [`lock`](crate::pipe::lock).
#[cfg(not(loom))]
pub(crate) use self::{BiasedGuard as LockGuard, BiasedLock as Lock};
#[cfg(loom)]
pub(crate) use crate::sync::{Mutex as Lock, MutexGuard as LockGuard};

/// How many threads can become favourites, one after the other; the lowest bits of a thread's number, which are zero, tell their words apart.
const WORDS: usize = 3;

/// Mutual exclusion, biased towards one thread. What every entry needs lies in front of the value.
#[repr(C)]
pub struct BiasedLock<T> {
    /// The number of the thread that needs no exchange, and which word is its own; or [`NOBODY`].
    favourite: AtomicUsize,
    /// Whether it is inside.
    inside: [FutexWord; WORDS],
    /// How often the favourite has entered; it alone counts.
    entries: AtomicU32,
    value: UnsafeCell<T>,
    beneath: TinyLock<Habit>,
}

// SAFETY: the lock lets one thread at a time reach the value, so it only travels: `T: Send` is enough.
unsafe impl<T: Send> Sync for BiasedLock<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for BiasedLock<T> {}

/// Who has entered lately.
struct Habit {
    last: usize,
    in_a_row: u32,
    /// Entries in a row that make a thread the favourite.
    run: u32,
    /// Whose each word is.
    known: [usize; WORDS],
}

impl Habit {
    const NEW: Habit = Habit { last: NOBODY, in_a_row: 0, run: FIRST_RUN, known: [NOBODY; WORDS] };

    /// `thread` has entered; if it is to be the favourite, which word is its own.
    #[inline]
    fn note(&mut self, thread: usize) -> Option<usize> {
        if self.last != thread {
            (self.last, self.in_a_row) = (thread, 0);
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row < self.run { None } else { self.word_of(thread) }
    }

    #[cold]
    fn word_of(&mut self, thread: usize) -> Option<usize> {
        if !thread.is_multiple_of(WORDS.next_power_of_two()) || !barrier::is_asymmetric() {
            return None;
        }
        let word = self.known.iter().position(|known| [thread, NOBODY].contains(known))?;
        self.known[word] = thread;
        Some(word)
    }

    /// A favour was withdrawn after so many entries.
    fn broken(&mut self, entries: u32) {
        self.run = if entries < WORTH { self.run.saturating_mul(2).min(LONGEST_RUN) } else { FIRST_RUN };
        self.last = NOBODY;
    }
}

impl<T> BiasedLock<T> {
    /// An unlocked lock around `value`.
    pub fn new(value: T) -> BiasedLock<T> {
        BiasedLock {
            favourite: AtomicUsize::new(NOBODY),
            inside: std::array::from_fn(|_| FutexWord::new(OUTSIDE)),
            entries: AtomicU32::new(0),
            value: UnsafeCell::new(value),
            beneath: TinyLock::new(Habit::NEW),
        }
    }

    /// Waits for the lock. Signals do not end the wait; a thread that has the lock already waits for ever.
    #[cfg(not(loom))]
    #[inline(always)]
    pub fn lock(&self) -> BiasedGuard<'_, T> {
        self.lock_as(thread_number::of_this())
    }

    #[inline(always)]
    fn lock_as(&self, thread: usize) -> BiasedGuard<'_, T> {
        let favour = self.enter_favoured(thread).or_else(|| self.enter_beneath(thread));
        BiasedGuard { lock: self, favour, value: PhantomData }
    }

    #[inline(always)]
    fn enter_favoured(&self, thread: usize) -> Option<&FutexWord> {
        let favourite = self.favourite.load(Relaxed);
        let inside = self.inside.get(favourite.wrapping_sub(thread))?;
        // Acquire: a thread may have the number of one that has ended, which was the last inside.
        if inside.load(Acquire) != OUTSIDE {
            return None;
        }
        inside.store(INSIDE, Relaxed);
        barrier::none();
        if self.favourite.load(Acquire) == favourite {
            self.entries.store(self.entries.load(Relaxed).wrapping_add(1), Relaxed);
            return Some(inside);
        }
        self.leave_favoured(inside);
        None
    }

    #[inline(always)]
    fn leave_favoured(&self, inside: &FutexWord) {
        inside.store(OUTSIDE, Release);
        barrier::none();
        if self.favourite.load(Relaxed) == NOBODY {
            tell_who_waits(inside);
        }
    }

    /// Takes the lock beneath, and leaves it locked; or becomes the favourite, and is inside.
    #[inline(never)]
    fn enter_beneath(&self, thread: usize) -> Option<&FutexWord> {
        let mut habit = self.beneath.lock();
        if self.favourite.load(Relaxed) != NOBODY {
            self.withdraw_favour(&mut habit);
        }
        let Some(word) = habit.note(thread) else {
            std::mem::forget(habit);
            return None;
        };
        let inside = &self.inside[word];
        self.entries.store(1, Relaxed);
        inside.store(INSIDE, Relaxed);
        self.favourite.store(thread + word, Relaxed);
        // Whoever has the lock beneath next sees all of this, and waits until the favourite is outside.
        Some(inside)
    }

    #[cold]
    fn withdraw_favour(&self, habit: &mut Habit) {
        let inside = &self.inside[self.favourite.load(Relaxed) % WORDS.next_power_of_two()];
        self.favourite.store(NOBODY, Relaxed);
        barrier::impose();
        for _ in 0..SPINS {
            if inside.load(Acquire) == OUTSIDE {
                break;
            }
            hint::spin_loop();
        }
        // The favourite that leaves from now on sees that there is none, and wakes.
        while inside.load(Acquire) != OUTSIDE {
            inside.wait(INSIDE, None);
        }
        habit.broken(self.entries.load(Relaxed));
    }
}

/// Whoever waits has the lock beneath, so it is one at most.
#[cold]
fn tell_who_waits(inside: &FutexWord) {
    inside.wake(1);
}

/// The right to use the value of a [`BiasedLock`]; given back on drop, by the thread that got it.
#[must_use = "dropping the guard unlocks at once"]
pub struct BiasedGuard<'a, T> {
    lock: &'a BiasedLock<T>,
    /// The favourite has said here that it is inside; anybody else has the lock beneath.
    favour: Option<&'a FutexWord>,
    /// Not for other threads.
    value: PhantomData<*mut T>,
}

impl<T> Deref for BiasedGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one, and is borrowed for as long as the reference lives.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for BiasedGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one, and is borrowed mutably for as long as the reference lives.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for BiasedGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.favour {
            Some(inside) => self.lock.leave_favoured(inside),
            None => self.lock.beneath.unlock(),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_always_comes_is_favoured_until_another_one_comes() {
        barrier::register();
        let lock = BiasedLock::new(0);
        let favoured = || lock.favourite.load(Relaxed) & !3 == thread_number::of_this();
        let possible = barrier::is_asymmetric() && thread_number::of_this() != thread_number::NONE;
        (1..FIRST_RUN).for_each(|_| *lock.lock() += 1);
        assert!(!favoured());
        let mut guard = lock.lock();
        *guard += 1;
        assert_eq!(favoured(), possible);
        assert!(lock.enter_favoured(thread_number::of_this()).is_none(), "nobody enters twice");
        drop(guard);
        (0..FIRST_RUN).for_each(|_| *lock.lock() += 1);
        std::thread::scope(|scope| scope.spawn(|| *lock.lock() += 1).join().unwrap());
        assert!(!favoured());
        (0..FIRST_RUN).for_each(|_| *lock.lock() += 1);
        assert!(!favoured(), "the second time it takes longer");
        (0..FIRST_RUN).for_each(|_| *lock.lock() += 1);
        assert_eq!(favoured(), possible);
        assert_eq!(*lock.lock(), 4 * FIRST_RUN + 1);
    }

    #[test]
    fn threads_exclude_each_other_whoever_is_favoured() {
        const ROUNDS: u64 = 200_000;
        barrier::register();
        let lock = BiasedLock::new(0u64);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let lock = &lock;
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let mut sum = lock.lock();
                        let seen = *sum;
                        // Long runs of one thread, so that favours are given, and holders that lose their processor, so that others sleep.
                        if (round + thread).is_multiple_of(4096) {
                            std::thread::yield_now();
                        }
                        *sum = seen + 1;
                        drop(sum);
                        if (round / 10_000) % 4 != thread {
                            std::thread::yield_now();
                        }
                        // A favour is forgotten how often it was withdrawn, so that there are many.
                        if round.is_multiple_of(1000) {
                            lock.beneath.lock().run = FIRST_RUN;
                        }
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 4 * ROUNDS);
    }

    #[test]
    fn a_panic_under_the_lock_leaves_it_usable() {
        barrier::register();
        let lock = BiasedLock::new(0);
        for _ in 0..3 * FIRST_RUN {
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let mut guard = lock.lock();
                *guard += 1;
                panic!("under the lock");
            }));
            assert!(panic.is_err());
        }
        assert_eq!(*lock.lock(), 3 * FIRST_RUN);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::Arc;
    use loom::thread;

    /// Each of the threads is favoured after its first entry.
    fn count_to(preemptions: usize, threads: usize, rounds: usize) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(move || {
            let lock = Arc::new(BiasedLock::new(0));
            let enter = move |lock: &BiasedLock<usize>, thread| {
                for _ in 0..rounds {
                    *lock.lock_as(thread) += 1;
                }
            };
            let others: Vec<_> = (1..threads)
                .map(|number| {
                    let lock = Arc::clone(&lock);
                    thread::spawn(move || enter(&lock, 16 * (number + 1)))
                })
                .collect();
            enter(&lock, 16);
            others.into_iter().for_each(|other| other.join().expect("no panic"));
            assert_eq!(*lock.lock_as(16), threads * rounds);
        });
    }

    #[test]
    fn loom_biased_lock_excludes_and_wakes_two() {
        count_to(3, 2, 3);
    }

    #[test]
    fn loom_biased_lock_excludes_and_wakes_three() {
        count_to(2, 3, 2);
    }
}
