//! Which handle each thread is using, so that an object is not freed under it.
//!
//! A thread that looks a handle up writes it into its own [`Record`], and only then checks that the handle is
//! valid; whoever frees an object makes the handle invalid first, and then reads all records. Between the two
//! steps of each lies a barrier, which costs the lookup nothing: the thread that frees imposes it on all
//! others (`membarrier`). So a call pays two stores where counting references would pay two locked
//! instructions.
//!
//! A thread finds its record in a thread-local variable. In a shared library that is a call; so an object's slot remembers the record of
//! the thread that looked there last, which recognises it by a number that costs one instruction ([`Record::claim_if_mine`]).
//!
//! Invariant: a record's word is a handle exactly while a [`Claim`] of its thread exists; else it is the thread's number.

use ferrozmq::thread_number;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, compiler_fence, fence};

/// What one thread is using. Never freed; a thread that ends leaves its record to another.
pub(crate) struct Record {
    /// The handle that its thread claims; if it claims none, the thread's [number](thread_number), which is no handle's, or
    /// [`thread_number::NONE`] if the thread has ended.
    word: AtomicUsize,
    /// The thread has something to settle when it has no claim any more.
    owing: AtomicBool,
    taken: AtomicBool,
    /// Set before the record is published.
    next: *const Record,
}

// SAFETY: `next` is set before the record is published; all else is atomic.
unsafe impl Sync for Record {}

impl Record {
    const fn new(next: *const Record) -> Record {
        Record {
            word: AtomicUsize::new(thread_number::NONE),
            owing: AtomicBool::new(false),
            taken: AtomicBool::new(true),
            next,
        }
    }

    /// Claims `handle` if this is the calling thread's record, and it has no claim yet. Call only on one that was
    /// [recognisable](Claim::recognisable).
    #[inline(always)]
    pub(crate) fn claim_if_mine(&'static self, handle: usize) -> Option<Claim> {
        // Only the thread with this number writes its number here, and takes it back when it ends.
        if self.word.load(Ordering::Relaxed) != thread_number::of_this() {
            return None;
        }
        self.word.store(handle, Ordering::Relaxed);
        // Where the kernel imposes no barriers for us, no record is recognisable.
        compiler_fence(Ordering::SeqCst);
        Some(Claim { record: self })
    }

    /// Settles what the calling thread, whose record this is, owes.
    #[cold]
    fn settle(&self) {
        self.owing.store(false, Ordering::Relaxed);
        crate::lent::settle();
    }

    /// Whether the calling thread, whose record this is, has a claim.
    fn is_claiming(&self) -> bool {
        self.word.load(Ordering::Relaxed) != thread_number::of_this()
    }
}

/// The record of threads that have none yet; nobody writes it.
static NOBODY: Record = Record::new(std::ptr::null());

/// The newest record.
static RECORDS: AtomicPtr<Record> = AtomicPtr::new(std::ptr::null_mut());
/// Whether the kernel imposes barriers for us.
static EXPEDITED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static MINE: Cell<&'static Record> = const { Cell::new(&NOBODY) };
    /// Only here for its destructor.
    static RETURN: Return = const { Return };
}

/// A handle in use by this thread.
pub(crate) struct Claim {
    record: &'static Record,
}

impl Claim {
    /// The record of this claim, if its thread can be told from others by looking at it.
    #[inline]
    pub(crate) fn recognisable(&self) -> Option<&'static Record> {
        (thread_number::of_this() != thread_number::NONE && EXPEDITED.load(Ordering::Relaxed))
            .then_some(self.record)
    }
}

impl Drop for Claim {
    #[inline(always)]
    fn drop(&mut self) {
        self.record.word.store(thread_number::of_this(), Ordering::Release);
        if self.record.owing.load(Ordering::Relaxed) {
            self.record.settle();
        }
    }
}

/// A claim on no handle: for a call that holds references of its own.
pub(crate) const NOTHING: usize = 2;

const _: () = assert!(
    NOTHING != thread_number::NONE,
    "a record whose thread has no number is told from one that claims"
);

/// Whether this thread has a claim: a call of ours is on its stack.
pub(crate) fn is_busy() -> bool {
    claiming().is_some()
}

/// If this thread has a claim: at its end, debts are to be settled.
pub(crate) fn settle_later() {
    if let Some(record) = claiming() {
        record.owing.store(true, Ordering::Relaxed);
    }
}

/// Whether this thread, inside a call, has debts to settle.
pub(crate) fn is_owing() -> bool {
    claiming().is_some_and(|record| record.owing.load(Ordering::Relaxed))
}

/// Settles them although the call goes on: where the engine holds no lock.
pub(crate) fn settle_now() {
    if let Some(record) = claiming().filter(|record| record.owing.load(Ordering::Relaxed)) {
        record.settle();
    }
}

/// This thread's record, if it has a claim.
fn claiming() -> Option<&'static Record> {
    Some(MINE.get()).filter(|record| !std::ptr::eq(*record, &NOBODY) && record.is_claiming())
}

/// Claims `handle`. `None` if this thread has a claim already (a call inside a call), or is ending.
#[inline]
pub(crate) fn claim(handle: usize) -> Option<Claim> {
    let mut record = MINE.get();
    if std::ptr::eq(record, &NOBODY) {
        record = adopt()?;
    }
    if record.is_claiming() {
        return None;
    }
    record.word.store(handle, Ordering::Relaxed);
    if EXPEDITED.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
    Some(Claim { record })
}

/// Call after handles were made invalid and before asking [`is_claimed`] about them.
pub(crate) fn barrier() {
    if EXPEDITED.load(Ordering::Relaxed) && membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
        return;
    }
    // Also for a child whose kernel forgot the registration; nobody else runs in it yet that has a claim.
    fence(Ordering::SeqCst);
}

/// Whether a thread uses `handle`.
pub(crate) fn is_claimed(handle: usize) -> bool {
    records().any(|record| record.word.load(Ordering::Acquire) == handle)
}

/// All records, the newest first.
fn records() -> impl Iterator<Item = &'static Record> {
    // SAFETY: null or a record, which is never freed; and `next` never changes once it is in the list.
    let follow = |record: *const Record| unsafe { record.as_ref() };
    std::iter::successors(follow(RECORDS.load(Ordering::Acquire)), move |record| follow(record.next))
}

/// Asks the kernel for cheap barriers. Call before the first handle is made.
pub(crate) fn register() {
    EXPEDITED.store(membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED), Ordering::SeqCst);
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Finds this thread a record.
#[cold]
fn adopt() -> Option<&'static Record> {
    // Makes sure that the record is given back; a thread whose destructors have run gets none.
    RETURN.try_with(|_| ()).ok()?;
    let record = find_free().unwrap_or_else(publish);
    record.word.store(thread_number::of_this(), Ordering::Relaxed);
    MINE.set(record);
    Some(record)
}

fn find_free() -> Option<&'static Record> {
    records().find(|record| !record.taken.swap(true, Ordering::AcqRel))
}

fn publish() -> &'static Record {
    let mut head = RECORDS.load(Ordering::Acquire);
    let record = Box::into_raw(Box::new(Record::new(head)));
    while let Err(newer) = RECORDS.compare_exchange(head, record, Ordering::AcqRel, Ordering::Acquire) {
        head = newer;
        // SAFETY: the record is not in the list yet.
        unsafe { (*record).next = head };
    }
    // SAFETY: it is never freed.
    unsafe { &*record }
}

/// In a fork's child: the records of threads that are not here any more are not to be taken for those of new ones, which may get
/// their numbers.
pub(crate) fn disown_others() {
    let mine = MINE.try_with(Cell::get).unwrap_or(&NOBODY);
    let others = records().filter(|record| !std::ptr::eq(*record, mine));
    others.for_each(|record| record.word.store(thread_number::NONE, Ordering::Relaxed));
}

struct Return;

impl Drop for Return {
    fn drop(&mut self) {
        let record = MINE.replace(&NOBODY);
        if !std::ptr::eq(record, &NOBODY) {
            record.word.store(thread_number::NONE, Ordering::Relaxed);
            record.taken.store(false, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_seen_by_others_and_taken_back() {
        let claimed = claim(0x77).expect("the first");
        assert!(claim(0x78).is_none(), "one at a time");
        assert!(std::thread::spawn(|| is_claimed(0x77)).join().unwrap());
        drop(claimed);
        assert!(!is_claimed(0x77));
    }

    #[test]
    fn records_of_ended_threads_are_used_again() {
        let count = || records().count();
        let run = || std::thread::spawn(|| drop(claim(0x99))).join().unwrap();
        (0..100).for_each(|_| run());
        assert!(count() < 50, "other tests run beside this one, but not so many");
    }
}
