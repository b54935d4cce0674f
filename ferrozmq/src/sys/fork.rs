//! Noticing that this process is a fork's child, for the price of a load.
//!
//! A page that the kernel wipes in children holds the process's generation; a wiped page means a new
//! process. Where the kernel lacks that (before Linux 4.14), the process id is asked for each time.
//!
//! Invariant: within one process [`generation`] never changes; a child's differs from all of its
//! ancestors'. No locks: a child is born with other threads' locks held for ever. (The first call of all
//! sets the page up; make it before there is anything to share, as creating a context does.)

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// This process's generation. Remember it in whatever must not be touched after a fork.
#[inline]
pub fn generation() -> u64 {
    match MARK.get_or_init(Mark::new) {
        Mark::Wiped(word) => match word.load(Ordering::Relaxed) {
            0 => assign(word, 0),
            generation => generation,
        },
        Mark::ProcessId { pid, generation } => of_process(pid, generation),
    }
}

/// Whether this process is a descendant of the one whose [`generation`] was `born`.
#[inline]
pub fn in_child(born: u64) -> bool {
    // SAFETY: `NEVER` or the wiped page's word, which live as long as the process.
    let word = unsafe { &*PAGE.load(Ordering::Relaxed) };
    word.load(Ordering::Relaxed) != born && generation() != born
}

/// A value that each process makes for itself, because a fork's child may inherit it locked for ever.
pub struct PerProcess<T: 'static> {
    make: fn() -> T,
    made: AtomicPtr<Made<T>>,
}

struct Made<T> {
    born: u64,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// Made when it is used for the first time.
    pub const fn new(make: fn() -> T) -> Self {
        Self { make, made: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// This process's value.
    pub fn value(&'static self) -> &'static T {
        let now = generation();
        loop {
            let seen = self.made.load(Ordering::Acquire);
            // SAFETY: null, or a box that was given away below and is never freed, not even when a child replaces
            // its parent's.
            if let Some(made) = unsafe { seen.as_ref() }.filter(|made| made.born == now) {
                return &made.value;
            }
            let new = Box::into_raw(Box::new(Made { born: now, value: (self.make)() }));
            if self.made.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                // SAFETY: another thread was faster, and nobody has seen this one.
                drop(unsafe { Box::from_raw(new) });
            }
        }
    }
}

enum Mark {
    /// Zero in a process that has not been given a generation yet.
    Wiped(&'static AtomicU64),
    ProcessId {
        pid: AtomicU64,
        generation: AtomicU64,
    },
}

static MARK: OnceLock<Mark> = OnceLock::new();

/// The same as [`MARK`]'s page, once there is one: where the answer is nearly always found.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new((&raw const NEVER).cast_mut());

/// No process's generation.
static NEVER: AtomicU64 = AtomicU64::new(0);

/// Generations given out by this process and, by inheritance, by its ancestors before it was born.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Mark {
    fn new() -> Self {
        match wiped_word() {
            Some(word) => {
                PAGE.store(std::ptr::from_ref(word).cast_mut(), Ordering::Release);
                Self::Wiped(word)
            }
            None => Self::ProcessId { pid: AtomicU64::new(0), generation: AtomicU64::new(0) },
        }
    }
}

/// Gives this process a generation unless another of its threads was faster.
#[cold]
fn assign(word: &AtomicU64, seen: u64) -> u64 {
    let new = LAST.fetch_add(1, Ordering::SeqCst) + 1;
    match word.compare_exchange(seen, new, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => new,
        Err(current) => current,
    }
}

fn of_process(pid: &AtomicU64, generation: &AtomicU64) -> u64 {
    let now = u64::from(std::process::id());
    let (before, seen) = (pid.load(Ordering::Acquire), generation.load(Ordering::Acquire));
    if before == now {
        return seen;
    }
    let assigned = assign(generation, seen);
    pid.store(now, Ordering::Release);
    assigned
}

/// A word in a page of its own that children see as zero; it lives as long as the process.
fn wiped_word() -> Option<&'static AtomicU64> {
    // SAFETY: takes a number, returns a number.
    let length = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh private anonymous mapping at an address of the kernel's choice touches no memory of
    // ours; it is never unmapped.
    let page = unsafe { mmap_anonymous(std::ptr::null_mut(), length, access, MapFlags::PRIVATE) }.ok()?;
    // SAFETY: the range is exactly the mapping made above, and nothing refers to it yet.
    match unsafe { madvise(page, length, Advice::LinuxWipeOnFork) } {
        // SAFETY: the page is mapped for ever, zeroed (a valid AtomicU64), aligned, and only ever used as this
        // atomic; the kernel's wiping happens in another address space.
        Ok(()) => Some(unsafe { &*page.cast::<AtomicU64>() }),
        Err(_) => {
            // SAFETY: the mapping was made above and nothing refers to it. A failure leaks one page.
            let _ = unsafe { rustix::mm::munmap(page, length) };
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `check` in a forked child; whether it returned true there. The child calls nothing that
    /// allocates or locks.
    fn in_a_child(check: impl Fn() -> bool) -> bool {
        // SAFETY: between fork and _exit the child runs only atomics and `_exit`.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // SAFETY: ends the child at once, without running destructors it shares with its parent.
            unsafe { libc::_exit(i32::from(check())) };
        }
        let mut status = 0;
        // SAFETY: `pid` is our child and `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        libc::WEXITSTATUS(status) == 1
    }

    #[test]
    fn a_child_knows() {
        let born = generation();
        assert_eq!(generation(), born);
        assert!(!in_child(born));
        assert!(in_a_child(|| in_child(born) && generation() == generation()));
        assert!(!in_child(born));
    }

    #[test]
    fn a_child_has_its_own_value() {
        static VALUE: PerProcess<AtomicU64> = PerProcess::new(|| AtomicU64::new(7));
        VALUE.value().store(8, Ordering::Relaxed);
        assert_eq!(VALUE.value().load(Ordering::Relaxed), 8);
        // Allocates in the child, which glibc allows.
        assert!(in_a_child(|| VALUE.value().load(Ordering::Relaxed) == 7));
    }

    #[test]
    fn a_child_knows_without_the_page() {
        let (pid, number) = (AtomicU64::new(0), AtomicU64::new(0));
        let born = of_process(&pid, &number);
        assert_eq!(of_process(&pid, &number), born);
        assert!(in_a_child(|| of_process(&pid, &number) != born));
    }
}
