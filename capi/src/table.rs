//! The table of handles: what a `void *` of a stranger stands for, if anything.
//!
//! A handle is an address in a range that is reserved for them, so that no foreign pointer can equal one. Whoever looks there
//! reads zeros: CZMQ does, because what it is given may be a socket of libzmq's or an object of its own with a tag in front.
//! Nothing is ever written there. The low bits of a handle name a slot, the others tell its generations apart; the slot's tag says which
//! handle, and of which kind, leads to it now. So a lookup is a load and a comparison, without a lock, whatever the pointer is. A handle
//! that was closed stays invalid until its slot has been used again for as many times as there are generations.
//!
//! Invariant: while a slot's tag is set its object is alive; an object is freed after its tag is gone and no
//! thread claims its handle ([`hazard`](crate::hazard)).

use crate::errno::Errno;
use crate::hazard::{self, Claim, Record};
use crate::latch::{Latch, at_fork};
use ferrozmq::duty::{self, Duty};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ops::Deref;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Once};

/// Something that C holds a handle of.
pub(crate) trait Object: Send + Sync + 'static {
    /// Tells the kinds of objects apart. It is 0 for the one that is looked up for every message: then a handle is its own tag.
    const KIND: u8;
    /// What a handle that does not stand for one is answered with.
    const BAD_HANDLE: Errno;
}

/// Handles are this far apart, in bytes.
const SPACING_BITS: u32 = 4;
/// There are fewer than 2 to the power of this many objects at a time.
const INDEX_BITS: u32 = 18;
/// Generations of handles are this far apart, in bytes; also where they begin is a multiple of this.
const GENERATION: usize = 1 << (INDEX_BITS + SPACING_BITS);
/// The reserved range has 2 to the power of this many bytes, or less where that is not to be had.
const RANGE_BITS: std::ops::RangeInclusive<u32> = SPACING_BITS + INDEX_BITS + 2..=32;
/// What is readable behind the last handle, in bytes: as much as an object may have that it is mistaken for.
const BEYOND: usize = 4096;
/// So many slots rest before the one that has rested longest is used again.
const RESTING: usize = 64;

/// A place for one object at a time.
struct Slot {
    /// Handle and kind of the object in it, 0 if there is none.
    tag: AtomicU64,
    object: AtomicPtr<()>,
    /// The record of the thread that looked here last, as far as it is known.
    user: AtomicPtr<Record>,
    generation: AtomicU32,
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            tag: AtomicU64::new(0),
            object: AtomicPtr::new(std::ptr::null_mut()),
            user: AtomicPtr::new(std::ptr::null_mut()),
            generation: AtomicU32::new(0),
        }
    }

    /// Whether `handle` leads to what lives here. Call with the book locked.
    fn is_at<T: Object>(&self, handle: *mut c_void) -> bool {
        let tag = self.tag.load(Ordering::Acquire);
        tag != 0 && tag == self::tag::<T>(handle)
    }

    /// What lives here, if `handle`, which is claimed, leads to it.
    #[inline(always)]
    fn held<T: Object>(&self, handle: *mut c_void, claim: Claim) -> Result<Held<T>, Errno> {
        if self.tag.load(Ordering::Acquire) != tag::<T>(handle) {
            return Err(T::BAD_HANDLE);
        }
        Ok(Held { object: self.object.load(Ordering::Relaxed).cast_const().cast(), claim: Some(claim) })
    }
}

/// Where handles begin; 0 before the first object is made.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// How many generations of handles there are.
static GENERATIONS: AtomicUsize = AtomicUsize::new(0);
/// All slots: memory that the system gives when it is first written. The first slot is never used, because one number that
/// is no handle has the tag 0.
static SLOTS: [Slot; 1 << INDEX_BITS] = [const { Slot::new() }; 1 << INDEX_BITS];
static BOOK: Latch<Book> = Latch::new(Book { free: VecDeque::new(), used: 1, retired: Vec::new() });

/// Which slots are free, and what waits to be freed.
struct Book {
    free: VecDeque<u32>,
    used: u32,
    retired: Vec<Retired>,
}

/// An object without a handle, which some thread may still use.
struct Retired {
    handle: usize,
    index: u32,
    object: *mut (),
    free: unsafe fn(*mut ()),
}

// SAFETY: an `Arc` of an `Object`, which is `Send` and `Sync`.
unsafe impl Send for Retired {}

/// An object found by its handle; it lives as long as this.
pub(crate) struct Held<T> {
    object: *const T,
    /// This thread has claimed the handle; `None` in a call inside a call, where a reference is counted.
    claim: Option<Claim>,
}

impl<T> Deref for Held<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the handle was valid after it was claimed, so the object is not freed before the claim ends; or a reference is
        // ours.
        unsafe { &*self.object }
    }
}

impl<T> Drop for Held<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.claim.is_none() {
            release(self.object);
        }
    }
}

#[cold]
fn release<T>(object: *const T) {
    // SAFETY: the reference that `find_counted` took.
    drop(unsafe { Arc::from_raw(object) });
}

/// Makes a handle for `object`.
pub(crate) fn insert<T: Object>(object: T) -> Result<*mut c_void, Errno> {
    set_up();
    let base = BASE.load(Ordering::Acquire);
    if base == 0 {
        return Err(Errno::NO_MEMORY);
    }
    let index = reserve_slot().ok_or(Errno(libc::EMFILE))? as usize;
    let slot = &SLOTS[index];
    let generation = slot.generation.load(Ordering::Relaxed) as usize % GENERATIONS.load(Ordering::Relaxed);
    let handle = std::ptr::without_provenance_mut(base + generation * GENERATION + (index << SPACING_BITS));
    slot.object.store(Arc::into_raw(Arc::new(object)).cast_mut().cast(), Ordering::Relaxed);
    slot.tag.store(tag::<T>(handle), Ordering::Release);
    Ok(handle)
}

/// The object that `handle` stands for, if this thread was the last to ask for it; `None` says nothing. Null leads to the first slot, in
/// which nothing was ever found and so nobody is known.
#[inline(always)]
pub(crate) fn find_again<T: Object>(handle: *mut c_void) -> Option<Held<T>> {
    let slot = slot_of(handle);
    // SAFETY: null, or a record, which is never freed.
    let record = unsafe { slot.user.load(Ordering::Acquire).as_ref() }?;
    slot.held(handle, record.claim_if_mine(handle.addr())?).ok()
}

/// The object that `handle` stands for.
#[cold]
#[inline(never)]
pub(crate) fn find<T: Object>(handle: *mut c_void) -> Result<Held<T>, Errno> {
    let Some(claim) = hazard::claim(handle.addr()) else { return find_counted(handle) };
    let slot = slot_of(handle);
    if slot.tag.load(Ordering::Relaxed) == 0 {
        return Err(T::BAD_HANDLE);
    }
    let record = claim.recognisable();
    let found = slot.held(handle, claim)?;
    if let Some(record) = record {
        slot.user.store(std::ptr::from_ref(record).cast_mut(), Ordering::Release);
    }
    Ok(found)
}

#[cold]
fn find_counted<T: Object>(handle: *mut c_void) -> Result<Held<T>, Errno> {
    share(handle).map(|object| Held { object: Arc::into_raw(object), claim: None })
}

/// The object that `handle` stands for, without a claim: for a call that runs what is not ours.
pub(crate) fn share<T: Object>(handle: *mut c_void) -> Result<Arc<T>, Errno> {
    let slot = slot_of(handle);
    let _book = BOOK.lock();
    if !slot.is_at::<T>(handle) {
        return Err(T::BAD_HANDLE);
    }
    Ok(count_again(slot))
}

/// Makes `handle` invalid, and gives what it stood for. When that is dropped, call [`reclaim`].
pub(crate) fn remove<T: Object>(handle: *mut c_void) -> Result<Arc<T>, Errno> {
    let slot = slot_of(handle);
    let mut book = BOOK.lock();
    if !slot.is_at::<T>(handle) {
        return Err(T::BAD_HANDLE);
    }
    slot.tag.store(0, Ordering::SeqCst);
    let object = count_again(slot);
    book.retired.push(Retired {
        handle: handle.addr(),
        index: index_of(handle) as u32,
        // It stays in the slot, too: a thread that has checked the tag may not have read it yet.
        object: slot.object.load(Ordering::Relaxed),
        free: |object| {
            // SAFETY: made by `Arc::into_raw` of an `Arc<T>` in `insert`; retired once, freed once.
            drop(unsafe { Arc::from_raw(object.cast_const().cast::<T>()) });
        },
    });
    Ok(object)
}

/// Frees the objects without a handle that no thread uses any more.
pub(crate) fn reclaim() {
    let candidates = std::mem::take(&mut BOOK.lock().retired);
    if candidates.is_empty() {
        return;
    }
    hazard::barrier();
    let (used, unused): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|retired| hazard::is_claimed(retired.handle));
    for retired in &unused {
        SLOTS[retired.index as usize].generation.fetch_add(1, Ordering::Relaxed);
    }
    {
        let mut book = BOOK.lock();
        book.retired.extend(used);
        book.free.extend(unused.iter().map(|retired| retired.index));
    }
    for retired in unused {
        // SAFETY: its tag is gone and nobody claims it: this was the table's own reference, given up here.
        unsafe { (retired.free)(retired.object) };
    }
}

/// What the slot of `handle` is marked with as long as the handle is valid. No two handles of a kind share one, and none has 0, which is
/// an empty slot's: that is null's, which leads to the first slot, and that is never used.
#[inline(always)]
fn tag<T: Object>(handle: *mut c_void) -> u64 {
    u64::from(T::KIND) << 56 ^ handle.addr() as u64
}

#[inline(always)]
fn index_of(handle: *mut c_void) -> usize {
    handle.addr() >> SPACING_BITS & ((1 << INDEX_BITS) - 1)
}

/// The slot to which `handle` leads, if it leads anywhere.
#[inline(always)]
fn slot_of(handle: *mut c_void) -> &'static Slot {
    &SLOTS[index_of(handle)]
}

/// Another reference to the object in `slot`. Call with the book locked and the tag checked.
fn count_again<T: Object>(slot: &Slot) -> Arc<T> {
    let object = slot.object.load(Ordering::Relaxed).cast_const().cast::<T>();
    // SAFETY: the tag says that a `T` lives here, and it is not retired while the book is locked.
    unsafe {
        Arc::increment_strong_count(object);
        Arc::from_raw(object)
    }
}

fn reserve_slot() -> Option<u32> {
    let mut book = BOOK.lock();
    if book.free.len() > RESTING || book.used as usize >= SLOTS.len() {
        return book.free.pop_front();
    }
    book.used += 1;
    Some(book.used - 1)
}

/// Before the first object: the range of handles, the barriers, the lock around forks.
fn set_up() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        hazard::register();
        duty::set(Duty { is_due: hazard::is_owing, perform: hazard::settle_now });
        at_fork(before_fork, after_fork, in_child);
        for bits in RANGE_BITS.rev() {
            if let Some(base) = reserve_range(1 << bits) {
                GENERATIONS.store((1 << bits) / GENERATION, Ordering::SeqCst);
                return BASE.store(base, Ordering::SeqCst);
            }
        }
    });
}

extern "C" fn before_fork() {
    BOOK.take();
}

extern "C" fn after_fork() {
    BOOK.open();
}

extern "C" fn in_child() {
    // Whether a child inherits the registration is for its kernel to know.
    hazard::register();
    hazard::disown_others();
    BOOK.open();
}

/// Addresses that nobody else will get, from a multiple of [`GENERATION`] on, where there are zeros that take no memory.
fn reserve_range(bytes: usize) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh mapping at an address of the kernel's choice touches no memory of ours; never unmapped.
    let range = unsafe {
        libc::mmap(std::ptr::null_mut(), bytes + GENERATION + BEYOND, libc::PROT_READ, flags, -1, 0)
    };
    (range != libc::MAP_FAILED).then(|| range.addr().next_multiple_of(GENERATION))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Apple(u32);
    struct Pear;

    impl Object for Apple {
        const KIND: u8 = 200;
        const BAD_HANDLE: Errno = Errno::FAULT;
    }

    impl Object for Pear {
        const KIND: u8 = 201;
        const BAD_HANDLE: Errno = Errno::NOT_A_SOCKET;
    }

    #[test]
    fn handles_stand_for_one_object_until_they_are_closed() {
        let handle = insert(Apple(7)).unwrap();
        assert_eq!(find::<Apple>(handle).map(|apple| apple.0), Ok(7));
        assert_eq!(find::<Pear>(handle).map(|_| ()), Err(Errno::NOT_A_SOCKET));
        let outer = find::<Apple>(handle).unwrap();
        assert!(find::<Apple>(handle).is_ok_and(|inner| inner.claim.is_none()), "inside another call");
        assert_eq!(remove::<Apple>(handle).unwrap().0, 7);
        reclaim();
        assert_eq!(outer.0, 7, "claimed");
        drop(outer);
        reclaim();
        assert_eq!(find::<Apple>(handle).map(|_| ()), Err(Errno::FAULT));
        assert_eq!(remove::<Apple>(handle).map(|_| ()), Err(Errno::FAULT));
    }

    #[test]
    fn strange_pointers_stand_for_nothing() {
        let handle = insert(Pear).unwrap();
        let near = |step: isize| handle.wrapping_byte_offset(step);
        let local = 0_u64;
        let strange = [
            std::ptr::null_mut(),
            near(1),
            near(-1),
            near(8),
            near(1 << 40),
            near(-(1 << 40)),
            std::ptr::from_ref(&local).cast_mut().cast(),
            std::ptr::without_provenance_mut(usize::MAX),
            // Has the tag of a slot in which nothing is.
            std::ptr::without_provenance_mut(usize::from(Pear::KIND) << 56),
            // Has the bits of the tag, and leads to the same slot.
            handle.map_addr(|addr| addr | usize::from(Pear::KIND) << 56),
            std::ptr::without_provenance_mut(1),
        ];
        for pointer in strange {
            assert_eq!(find::<Pear>(pointer).map(|_| ()), Err(Errno::NOT_A_SOCKET), "{pointer:?}");
        }
        drop(remove::<Pear>(handle));
        reclaim();
    }

    #[test]
    fn a_closed_handle_stays_closed_for_long() {
        let first = insert(Pear).unwrap();
        drop(remove::<Pear>(first));
        reclaim();
        for _ in 0..10_000 {
            let handle = insert(Pear).unwrap();
            assert_ne!(handle, first);
            drop(remove::<Pear>(handle));
            reclaim();
            assert!(find::<Pear>(first).is_err());
        }
    }

    #[test]
    fn threads_close_what_others_use() {
        for _ in 0..50 {
            let handle = insert(Apple(9)).unwrap().addr();
            let start = Arc::new(std::sync::Barrier::new(4));
            let users: Vec<_> = (0..3)
                .map(|_| {
                    let start = Arc::clone(&start);
                    std::thread::spawn(move || {
                        start.wait();
                        while let Ok(apple) = find::<Apple>(std::ptr::without_provenance_mut(handle)) {
                            assert_eq!(apple.0, 9);
                        }
                    })
                })
                .collect();
            start.wait();
            drop(remove::<Apple>(std::ptr::without_provenance_mut(handle)).unwrap());
            reclaim();
            users.into_iter().for_each(|user| user.join().unwrap());
        }
        reclaim();
    }
}
