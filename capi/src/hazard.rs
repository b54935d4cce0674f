//! Which handle each thread is using, so that an object is not freed under it.
//!
//! A thread that looks a handle up writes it into its own [`Record`], and only then checks that the handle is
//! valid; whoever frees an object makes the handle invalid first, and then reads all records. Between the two
//! steps of each lies a barrier, which costs the lookup nothing: the thread that frees imposes it on all
//! others (`membarrier`). So a call pays two stores where counting references would pay two locked
//! instructions.
//!
//! The record also remembers where its thread found the handles that it used last ([`Note`]).
//!
//! Invariant: a record's handle is not zero exactly while a [`Claim`] of its thread exists.

use crate::table::{SPACING_BITS, Slot};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, compiler_fence, fence};

/// What one thread is using. Never freed; a thread that ends leaves its record to another.
pub(crate) struct Record {
    handle: AtomicUsize,
    /// The thread has something to settle when it has no claim any more.
    owing: AtomicBool,
    taken: AtomicBool,
    /// Set before the record is published.
    next: *const Record,
    notes: [Note; NOTES],
}

// SAFETY: what is not atomic is touched only by the thread that has taken the record; `next` is set before it is published.
unsafe impl Sync for Record {}

/// A thread that uses no more sockets than this finds all of them without asking the table.
const NOTES: usize = 4;

/// Where a handle was found.
pub(crate) struct Note {
    handle: Cell<usize>,
    slot: Cell<*const Slot>,
}

impl Note {
    /// The note at `place` before anything was found: of a number that is never looked up there, whatever a stranger asks for.
    const fn none(place: usize) -> Note {
        Note { handle: Cell::new((place ^ 1) << SPACING_BITS), slot: Cell::new(std::ptr::null()) }
    }
}

impl Record {
    const fn new(next: *const Record) -> Record {
        Record {
            handle: AtomicUsize::new(0),
            owing: AtomicBool::new(false),
            taken: AtomicBool::new(true),
            next,
            notes: [Note::none(0), Note::none(1), Note::none(2), Note::none(3)],
        }
    }

    /// Where this thread may have found `handle` before.
    #[inline(always)]
    fn note(&self, handle: usize) -> &Note {
        &self.notes[handle >> SPACING_BITS & (NOTES - 1)]
    }

    /// Claims `handle` and gives the slot in which this thread found it before; `None` if it did not, or has a claim already.
    #[inline(always)]
    pub(crate) fn claim_noted(&'static self, handle: usize) -> Option<(Claim, &'static Slot)> {
        let note = self.note(handle);
        if note.handle.get() != handle || self.handle.load(Ordering::Relaxed) != 0 {
            return None;
        }
        self.handle.store(handle, Ordering::Relaxed);
        // Where the kernel imposes no barriers for us, nothing is noted.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: slots are never freed.
        Some((Claim { record: self }, unsafe { &*note.slot.get() }))
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
    /// Remembers that the claimed handle was found in `slot`.
    #[inline]
    pub(crate) fn note(&self, slot: &'static Slot) {
        if EXPEDITED.load(Ordering::Relaxed) {
            let handle = self.record.handle.load(Ordering::Relaxed);
            let note = self.record.note(handle);
            note.slot.set(slot);
            note.handle.set(handle);
        }
    }
}

impl Drop for Claim {
    #[inline(always)]
    fn drop(&mut self) {
        let record = self.record;
        record.handle.store(0, Ordering::Release);
        if record.owing.load(Ordering::Relaxed) {
            record.owing.store(false, Ordering::Relaxed);
            crate::lent::settle();
        }
    }
}

/// This thread's record, or [`NOBODY`].
#[inline(always)]
pub(crate) fn mine() -> &'static Record {
    MINE.get()
}

/// A claim on no handle: for a call that holds references of its own.
pub(crate) const NOTHING: usize = 1;

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
        record.owing.store(false, Ordering::Relaxed);
        crate::lent::settle();
    }
}

/// This thread's record, if it has a claim.
fn claiming() -> Option<&'static Record> {
    Some(MINE.get()).filter(|record| record.handle.load(Ordering::Relaxed) != 0)
}

/// Claims `handle`. `None` if this thread has a claim already (a call inside a call), or is ending.
#[inline]
pub(crate) fn claim(handle: usize) -> Option<Claim> {
    let mut record = MINE.get();
    if std::ptr::eq(record, &NOBODY) {
        record = adopt()?;
    }
    let word = &record.handle;
    if word.load(Ordering::Relaxed) != 0 {
        return None;
    }
    word.store(handle, Ordering::Relaxed);
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
    let mut record = RECORDS.load(Ordering::Acquire).cast_const();
    // SAFETY: records are never freed, and `next` never changes once they are in the list.
    while let Some(this) = unsafe { record.as_ref() } {
        if this.handle.load(Ordering::Acquire) == handle {
            return true;
        }
        record = this.next;
    }
    false
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
    MINE.set(record);
    Some(record)
}

fn find_free() -> Option<&'static Record> {
    let mut record = RECORDS.load(Ordering::Acquire).cast_const();
    // SAFETY: records are never freed, and `next` never changes once they are in the list.
    while let Some(this) = unsafe { record.as_ref() } {
        if !this.taken.swap(true, Ordering::AcqRel) {
            return Some(this);
        }
        record = this.next;
    }
    None
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

struct Return;

impl Drop for Return {
    fn drop(&mut self) {
        let record = MINE.replace(&NOBODY);
        if !std::ptr::eq(record, &NOBODY) {
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
        let count = || {
            let mut record = RECORDS.load(Ordering::Acquire).cast_const();
            let mut count = 0;
            // SAFETY: records are never freed.
            while let Some(this) = unsafe { record.as_ref() } {
                count += 1;
                record = this.next;
            }
            count
        };
        let run = || std::thread::spawn(|| drop(claim(0x99))).join().unwrap();
        (0..100).for_each(|_| run());
        assert!(count() < 50, "other tests run beside this one, but not so many");
    }
}
