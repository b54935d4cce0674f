//! The table of handles: what a `void *` of a stranger stands for, if anything.
//!
//! A handle is an address in a range that is reserved for them, so that no foreign pointer can equal one. Whoever looks there
//! reads zeros: CZMQ does, because what it is given may be a socket of libzmq's or an object of its own with a tag in front.
//! Nothing is ever written there. A handle encodes a slot and the slot's generation; the slot's tag says which kind and generation lives
//! in it. A lookup is a subtraction, two loads and a comparison, without a lock. A handle that was closed stays
//! invalid until its slot has been used again for as many times as there are generations.
//!
//! Invariant: while a slot's tag is set its object is alive; an object is freed after its tag is gone and no
//! thread claims its handle ([`hazard`](crate::hazard)).

use crate::errno::Errno;
use crate::hazard::{self, Claim};
use crate::latch::{Latch, at_fork};
use ferrozmq::duty::{self, Duty};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ops::Deref;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Once};

/// Something that C holds a handle of.
pub(crate) trait Object: Send + Sync + 'static {
    /// Tells the kinds of objects apart; not zero.
    const KIND: u8;
    /// What a handle that does not stand for one is answered with.
    const BAD_HANDLE: Errno;
    /// Whether threads remember where they found one.
    const IS_NOTED: bool = false;
}

/// Handles are this far apart, in bytes.
pub(crate) const SPACING_BITS: u32 = 4;
/// There are at most 2 to the power of this many objects at a time.
const INDEX_BITS: u32 = 18;
/// Slots are made so many at a time.
const CHUNK: usize = 1024;
const CHUNKS: usize = (1 << INDEX_BITS) / CHUNK;
/// The reserved range has 2 to the power of this many bytes, or less where that is not to be had.
const RANGE_BITS: std::ops::RangeInclusive<u32> = SPACING_BITS + INDEX_BITS + 2..=32;
/// What is readable behind the last handle, in bytes: as much as an object may have that it is mistaken for.
const BEYOND: usize = 4096;
/// So many slots rest before the one that has rested longest is used again.
const RESTING: usize = 64;

/// A place for one object at a time. Never freed.
pub(crate) struct Slot {
    /// Kind and unit of the object in it, 0 if there is none.
    tag: AtomicU64,
    object: AtomicPtr<()>,
    generation: AtomicU32,
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            tag: AtomicU64::new(0),
            object: AtomicPtr::new(std::ptr::null_mut()),
            generation: AtomicU32::new(0),
        }
    }
}

/// Where handles begin.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// How many handles there can be, all generations together; 0 before the first object is made.
static UNITS: AtomicUsize = AtomicUsize::new(0);
static SLOTS: [AtomicPtr<[Slot; CHUNK]>; CHUNKS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; CHUNKS];
static BOOK: Latch<Book> = Latch::new(Book { free: VecDeque::new(), used: 0, retired: Vec::new() });

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
    if UNITS.load(Ordering::Acquire) == 0 {
        return Err(Errno::NO_MEMORY);
    }
    let index = reserve_slot().ok_or(Errno(libc::EMFILE))?;
    let slot = slot(index as usize).ok_or(Errno::NO_MEMORY)?;
    let generations = UNITS.load(Ordering::Relaxed) >> INDEX_BITS;
    let generation = slot.generation.load(Ordering::Relaxed) as usize % generations;
    let unit = generation << INDEX_BITS | index as usize;
    slot.object.store(Arc::into_raw(Arc::new(object)).cast_mut().cast(), Ordering::Relaxed);
    slot.tag.store(tag::<T>(unit), Ordering::Release);
    Ok(std::ptr::without_provenance_mut(BASE.load(Ordering::Relaxed) + (unit << SPACING_BITS)))
}

/// The object that `handle` stands for.
#[inline(always)]
pub(crate) fn find<T: Object>(handle: *mut c_void) -> Result<Held<T>, Errno> {
    if T::IS_NOTED
        && let Some((claim, slot)) = hazard::mine().claim_noted(handle.addr())
    {
        // The slot is right, but may have another generation by now.
        return match expected::<T>(handle) == slot.tag.load(Ordering::Acquire) {
            true => Ok(Held {
                object: slot.object.load(Ordering::Relaxed).cast_const().cast(),
                claim: Some(claim),
            }),
            false => Err(T::BAD_HANDLE),
        };
    }
    find_claimed(handle)
}

#[inline(never)]
fn find_claimed<T: Object>(handle: *mut c_void) -> Result<Held<T>, Errno> {
    let (slot, unit) = locate(handle).ok_or(T::BAD_HANDLE)?;
    let Some(claim) = hazard::claim(handle.addr()) else { return find_counted(handle) };
    if slot.tag.load(Ordering::Acquire) != tag::<T>(unit) {
        return Err(T::BAD_HANDLE);
    }
    if T::IS_NOTED {
        claim.note(slot);
    }
    let object = slot.object.load(Ordering::Relaxed).cast_const().cast();
    Ok(Held { object, claim: Some(claim) })
}

#[cold]
fn find_counted<T: Object>(handle: *mut c_void) -> Result<Held<T>, Errno> {
    share(handle).map(|object| Held { object: Arc::into_raw(object), claim: None })
}

/// The object that `handle` stands for, without a claim: for a call that runs what is not ours.
pub(crate) fn share<T: Object>(handle: *mut c_void) -> Result<Arc<T>, Errno> {
    let (slot, unit) = locate(handle).ok_or(T::BAD_HANDLE)?;
    let _book = BOOK.lock();
    if slot.tag.load(Ordering::Acquire) != tag::<T>(unit) {
        return Err(T::BAD_HANDLE);
    }
    Ok(count_again(slot))
}

/// Makes `handle` invalid, and gives what it stood for. When that is dropped, call [`reclaim`].
pub(crate) fn remove<T: Object>(handle: *mut c_void) -> Result<Arc<T>, Errno> {
    let (slot, unit) = locate(handle).ok_or(T::BAD_HANDLE)?;
    let mut book = BOOK.lock();
    if slot.tag.load(Ordering::Acquire) != tag::<T>(unit) {
        return Err(T::BAD_HANDLE);
    }
    slot.tag.store(0, Ordering::SeqCst);
    let object = count_again(slot);
    book.retired.push(Retired {
        handle: handle.addr(),
        index: (unit & INDEX_MASK) as u32,
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
        if let Some(slot) = slot(retired.index as usize) {
            slot.generation.fetch_add(1, Ordering::Relaxed);
        }
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

const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

/// The tag of the slot of `handle`, one of our addresses, as long as it is valid.
#[inline(always)]
fn expected<T: Object>(handle: *mut c_void) -> u64 {
    tag::<T>(handle.addr().wrapping_sub(BASE.load(Ordering::Relaxed)) >> SPACING_BITS)
}

fn tag<T: Object>(unit: usize) -> u64 {
    const { assert!(T::KIND != 0) };
    u64::from(T::KIND) << 56 | unit as u64
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

/// The slot and the unit that `handle` encodes, if it is one of our addresses.
#[inline]
fn locate(handle: *mut c_void) -> Option<(&'static Slot, usize)> {
    let offset = handle.addr().wrapping_sub(BASE.load(Ordering::Relaxed));
    // What is not aligned becomes far too large.
    let unit = offset.rotate_right(SPACING_BITS);
    if unit >= UNITS.load(Ordering::Relaxed) {
        return None;
    }
    let index = unit & INDEX_MASK;
    let chunk = SLOTS[index / CHUNK].load(Ordering::Acquire);
    // SAFETY: null, or a chunk that is never freed.
    Some((unsafe { chunk.as_ref() }?.get(index % CHUNK)?, unit))
}

fn reserve_slot() -> Option<u32> {
    let mut book = BOOK.lock();
    if book.free.len() > RESTING || book.used as usize > INDEX_MASK {
        return book.free.pop_front();
    }
    book.used += 1;
    Some(book.used - 1)
}

/// Slot `index`, its chunk made if need be.
fn slot(index: usize) -> Option<&'static Slot> {
    let place = SLOTS.get(index / CHUNK)?;
    let mut chunk = place.load(Ordering::Acquire);
    if chunk.is_null() {
        let new = Box::into_raw(Box::new([const { Slot::new() }; CHUNK]));
        match place.compare_exchange(chunk, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => chunk = new,
            Err(other) => {
                // SAFETY: another thread was faster, and nobody has seen this one.
                drop(unsafe { Box::from_raw(new) });
                chunk = other;
            }
        }
    }
    // SAFETY: a chunk that was published is never freed.
    unsafe { &*chunk }.get(index % CHUNK)
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
                BASE.store(base, Ordering::SeqCst);
                return UNITS.store(1 << (bits - SPACING_BITS), Ordering::SeqCst);
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
    BOOK.open();
}

/// Addresses that nobody else will get, and where there are zeros that take no memory.
fn reserve_range(bytes: usize) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh mapping at an address of the kernel's choice touches no memory of ours; never unmapped.
    let range = unsafe { libc::mmap(std::ptr::null_mut(), bytes + BEYOND, libc::PROT_READ, flags, -1, 0) };
    (range != libc::MAP_FAILED).then(|| range.addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Apple(u32);
    struct Pear;

    impl Object for Apple {
        const KIND: u8 = 200;
        const BAD_HANDLE: Errno = Errno::FAULT;
        const IS_NOTED: bool = true;
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
