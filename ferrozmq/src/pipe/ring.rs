//! A queue from one thread to one other, unbounded and growing by chunks. UNSAFE room: loom models at
//! the end of this file, ThreadSanitizer over `tests::two_threads_*`.
//!
//! One release store publishes one item; neither side does a read-modify-write per item, and each
//! keeps a private copy of what it last saw of the other. Chunks are linked as they fill up and
//! freed as they empty; a few empty chunks are handed back to be filled again, so a queue in steady use
//! does not allocate, and a queue that was long for a while keeps no more than [`SPARES`] chunks besides the present one.
//! Nothing is allocated before the first push.
//!
//! A slot always holds some value. Either end may move its item in or out, or do it in place ([`Producer::push_with`],
//! [`Consumer::pop_with`]): then what the consumer leaves behind, an allocation for example, comes back to the producer with
//! the slot.
//!
//! Invariants, on which every `unsafe` block rests:
//! * Item `n` lives in slot `n % SLOTS` of chunk `n / SLOTS`. Slots `popped..published` belong to the consumer, all
//!   others to the producer.
//! * A chunk belongs to the list until the consumer, holding its successor, takes it out.
//! * The link to a chunk is written before the first item of that chunk is published.
//!
//! The high-water mark is the caller's: [`Producer::room`] answers from the consumed count, which the
//! consumer publishes now and then, never too high; so no more than the mark is ever queued. This
//! file wakes nobody: see [`crate::wake`].

use crate::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::sync::{Arc, Padded, UnsafeCell};
use crate::sys::cache;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

/// Items in one chunk; a power of two. 64 messages of 80 bytes are 5 KiB.
const SLOTS: usize = if cfg!(loom) { 2 } else { 64 };

/// How many items ahead of the present one both sides have memory fetched: it comes from the other core, which takes
/// longer than several items do.
const AHEAD: usize = 8;

/// Chunks on their way back to the producer, at most: with a thousand messages one side may run ahead of the other.
const SPARES: usize = if cfg!(loom) { 2 } else { 16 };

/// A new, empty queue: its sending and its receiving end.
pub fn ring<T: Default>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared::new());
    let producer = Producer {
        chunk: ptr::null_mut(),
        pushed: 0,
        consumed: 0,
        hwm: 0,
        reused: 0,
        shared: Arc::clone(&shared),
        not_sync: PhantomData,
    };
    let consumer = Consumer {
        reader: Reader::new(),
        published: 0,
        credited: 0,
        credit_batch: SLOTS,
        credit_released: false,
        shared,
        not_sync: PhantomData,
    };
    (producer, consumer)
}

/// The end that items are pushed into.
pub struct Producer<T: Default> {
    /// The chunk of the item pushed last; null before the first.
    chunk: *mut Chunk<T>,
    /// Items pushed, ever.
    pushed: usize,
    /// Items consumed, as last seen: never more than the truth.
    consumed: usize,
    /// The mark last told to the consumer.
    hwm: usize,
    /// Spare chunks used again, ever.
    reused: usize,
    shared: Arc<Shared<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Default> Producer<T> {
    /// Appends `item` and publishes it. Does not look at the mark: ask [`room`](Self::room) first.
    #[inline]
    pub fn push(&mut self, item: T) {
        self.push_with(|slot| *slot = item);
    }

    /// Has the processor fetch what the next push will write.
    #[inline]
    pub fn expect_push(&self) {
        cache::will_write(Some(&self.shared.tail.published));
        // SAFETY: null, or the chunk of the item pushed last, which the consumer does not hand back before its successor is there.
        let chunk = unsafe { self.chunk.as_ref() };
        cache::will_write(chunk.and_then(|chunk| chunk.slots.get(self.pushed % SLOTS)));
    }

    /// The same; `fill` makes the item, out of whatever the slot holds.
    #[inline(always)]
    pub fn push_with(&mut self, fill: impl FnOnce(&mut T)) {
        let slot = self.pushed % SLOTS;
        if slot == 0 {
            self.append_chunk();
        }
        // SAFETY: as below, where the chunk is concerned; nothing is read or written.
        cache::will_write(unsafe { (*self.chunk).slots.get(slot + AHEAD) });
        // SAFETY: `chunk` is the last of the list and was linked by this producer; it stays until the
        // consumer holds its successor, which only this producer can append. The slot is unpublished,
        // so it is ours.
        unsafe { (*self.chunk).slots[slot].with_mut(|cell| fill(&mut *cell)) };
        self.pushed = self.pushed.wrapping_add(1);
        self.shared.tail.published.store(self.pushed, Release);
    }

    /// Whether one more item keeps the queue within `hwm` items; 0 means no limit.
    ///
    /// The consumed count lags by less than half the mark while the consumer is at work, and is exact
    /// once it has found the queue empty: libzmq's low-water mark, (hwm + 1) / 2. The mark may differ
    /// from call to call.
    #[inline]
    pub fn room(&mut self, hwm: usize) -> bool {
        if hwm != self.hwm {
            self.hwm = hwm;
            self.shared.tail.hwm.store(hwm, Relaxed);
        }
        hwm == 0 || self.pushed.wrapping_sub(self.consumed) < hwm || self.len() < hwm
    }

    /// The number of queued items, or a few more: those consumed but not yet reported.
    pub fn len(&mut self) -> usize {
        // Relaxed: nothing is reached through this count; slots come back with their chunk.
        self.consumed = self.shared.head.credited.load(Relaxed);
        self.pushed.wrapping_sub(self.consumed)
    }

    /// The number of items pushed, ever.
    pub fn pushed(&self) -> usize {
        self.pushed
    }

    #[cfg(test)]
    /// Whether the consumer was dropped: nothing pushed from now on will be read.
    pub fn is_peer_gone(&self) -> bool {
        self.shared.head.gone.load(Acquire)
    }

    #[cold]
    fn append_chunk(&mut self) {
        let place = &self.shared.spares[self.reused % SPARES];
        // Acquire: the consumer's last reads of the chunk come before our writes.
        let mut chunk = place.load(Acquire);
        if chunk.is_null() {
            chunk = Chunk::allocate();
        } else {
            // Release: the consumer fills the place only after we have read it.
            place.store(ptr::null_mut(), Release);
            self.reused = self.reused.wrapping_add(1);
        }
        // SAFETY: the link is ours to write until an item behind it is published.
        unsafe { self.shared.link_after(self.chunk).with_mut(|link| *link = chunk) };
        self.chunk = chunk;
    }
}

impl<T: Default> Drop for Producer<T> {
    fn drop(&mut self) {
        self.shared.tail.gone.store(true, Release);
    }
}

// SAFETY: a producer only moves items in; `T: Send` lets them leave this thread.
unsafe impl<T: Default + Send> Send for Producer<T> {}

/// The end that items are popped from.
pub struct Consumer<T: Default> {
    reader: Reader<T>,
    /// Items published, as last seen.
    published: usize,
    /// Items consumed, as last reported.
    credited: usize,
    /// Consumed items that are worth a report.
    credit_batch: usize,
    credit_released: bool,
    shared: Arc<Shared<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Default> Consumer<T> {
    /// Takes the oldest item.
    ///
    /// Afterwards ask [`take_credit_released`](Self::take_credit_released) whether a producer that
    /// waits for room should hear of it.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.pop_with(std::mem::take)
    }

    /// The same; `take` has the item in its place, and may leave anything there.
    #[inline(always)]
    pub fn pop_with<R>(&mut self, take: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.pop_if(|item| Some(take(item)))
    }

    /// The same; where `take` gives nothing, the item stays the oldest.
    #[inline(always)]
    pub fn pop_if<R>(&mut self, take: impl FnOnce(&mut T) -> Option<R>) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        if self.published.wrapping_sub(self.reader.popped) > AHEAD {
            self.reader.prefetch();
        }
        // SAFETY: the item at `popped` is published, and was seen so with acquire.
        let taken = unsafe { self.reader.take(&self.shared, take) }?;
        if self.reader.popped.wrapping_sub(self.credited) >= self.credit_batch {
            self.report_consumed();
        }
        Some(taken)
    }

    /// Whether there is nothing to pop now. Finding nothing reports all that was consumed.
    #[inline]
    pub fn is_empty(&mut self) -> bool {
        if self.reader.popped != self.published {
            return false;
        }
        self.refresh()
    }

    /// The number of items popped, ever.
    pub fn popped(&self) -> usize {
        self.reader.popped
    }

    /// The number of items pushed, ever, as far as can be seen from here.
    pub fn pushed(&self) -> usize {
        self.shared.tail.published.load(Relaxed)
    }

    /// The number of items that can be popped now.
    pub fn len(&self) -> usize {
        self.shared.tail.published.load(Relaxed).wrapping_sub(self.reader.popped)
    }

    /// The items that can be popped now, oldest first, as they lie there.
    pub fn waiting(&mut self) -> impl Iterator<Item = &T> {
        let end = self.shared.tail.published.load(Acquire);
        let (shared, mut at) = (&*self.shared, self.reader);
        std::iter::from_fn(move || {
            if at.popped == end {
                return None;
            }
            let slot = at.popped % SLOTS;
            if slot == 0 && !at.at_start {
                // SAFETY: an item behind the link is published, hence the link is, and no longer written.
                at.chunk = unsafe { shared.link_after(at.chunk).with(|link| *link) };
            }
            at.at_start = false;
            at.popped = at.popped.wrapping_add(1);
            // SAFETY: published, and seen so with acquire; nobody pops it while the iterator borrows this end, the only reader.
            Some(unsafe { (*at.chunk).slots[slot].with(|item| &*item) })
        })
    }

    /// Whether the producer has been told of consumed items since this was last asked.
    #[inline]
    pub fn take_credit_released(&mut self) -> bool {
        std::mem::take(&mut self.credit_released)
    }

    #[cfg(test)]
    /// Whether the producer was dropped. If so, [`pop`](Self::pop) from now on sees all it ever pushed.
    pub fn is_peer_gone(&self) -> bool {
        self.shared.tail.gone.load(Acquire)
    }

    /// Looks for newly published items; true if there are none.
    #[inline]
    fn refresh(&mut self) -> bool {
        self.published = self.shared.tail.published.load(Acquire);
        if self.reader.popped == self.published {
            if self.credited != self.published {
                self.report_consumed();
            }
            return true;
        }
        // On the line just fetched, hence free. Whatever the mark was: a batch too large for the mark
        // of today cannot starve the producer, because an empty queue reports too.
        let hwm = self.shared.tail.hwm.load(Relaxed);
        self.credit_batch = if hwm == 0 { SLOTS } else { hwm - hwm / 2 };
        false
    }

    fn report_consumed(&mut self) {
        self.credited = self.reader.popped;
        self.credit_released = true;
        self.shared.head.credited.store(self.credited, Relaxed);
    }
}

impl<T: Default> Drop for Consumer<T> {
    /// Drops what is queued now; what the producer pushes later goes when it goes.
    fn drop(&mut self) {
        self.shared.head.gone.store(true, Release);
        let end = self.shared.tail.published.load(Acquire);
        let mut leave = Leave { reader: &mut self.reader, shared: &self.shared };
        leave.drop_until(end);
    }
}

// SAFETY: a consumer only moves items out; `T: Send` lets them arrive in this thread.
unsafe impl<T: Default + Send> Send for Consumer<T> {}

/// Notes where reading stopped, even if the destructor of an item panics.
struct Leave<'a, T: Default> {
    reader: &'a mut Reader<T>,
    shared: &'a Shared<T>,
}

impl<T: Default> Leave<'_, T> {
    fn drop_until(&mut self, end: usize) {
        while self.reader.popped != end {
            // SAFETY: items before `end` are published, and were seen so with acquire.
            drop(unsafe { self.reader.take(self.shared, |item| Some(std::mem::take(item))) });
        }
    }
}

impl<T: Default> Drop for Leave<'_, T> {
    fn drop(&mut self) {
        // SAFETY: written once by the consumer, read once both ends are gone.
        self.shared.stopped.with_mut(|stopped| unsafe { *stopped = *self.reader });
    }
}

/// A position in the list, for the side that reads.
struct Reader<T: Default> {
    /// The chunk of the item popped last; null before the first.
    chunk: *mut Chunk<T>,
    /// Items popped, ever.
    popped: usize,
    /// The first item of the chunk was looked at and left there.
    at_start: bool,
    /// Chunks given back to the producer, ever.
    returned: usize,
}

impl<T: Default> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Default> Copy for Reader<T> {}

impl<T: Default> Reader<T> {
    fn new() -> Reader<T> {
        Reader { chunk: ptr::null_mut(), popped: 0, at_start: false, returned: 0 }
    }

    /// Fetches what will be read soon.
    #[inline(always)]
    fn prefetch(&self) {
        // SAFETY: null, or the chunk of the item popped last, which this side has not handed back.
        let chunk = unsafe { self.chunk.as_ref() };
        cache::will_read(chunk.and_then(|chunk| chunk.slots.get(self.popped % SLOTS + AHEAD)));
    }

    /// Gives the next item to `take`, and moves on if that gives something.
    ///
    /// # Safety
    /// The caller is the only reader, and has seen (acquire) that the item is published.
    #[inline(always)]
    unsafe fn take<R>(&mut self, shared: &Shared<T>, take: impl FnOnce(&mut T) -> Option<R>) -> Option<R> {
        let slot = self.popped % SLOTS;
        if slot == 0 && !self.at_start {
            // SAFETY: the item, hence the link to its chunk, is published.
            unsafe { self.advance(shared) };
        }
        // SAFETY: the slot is published and not popped, hence ours.
        let taken = unsafe { (*self.chunk).slots[slot].with_mut(|cell| take(&mut *cell)) }?;
        self.at_start = false;
        self.popped = self.popped.wrapping_add(1);
        Some(taken)
    }

    /// Goes to the next chunk and hands the emptied one back.
    ///
    /// # Safety
    /// The link to the next chunk is published, and every item of this chunk is popped.
    #[cold]
    unsafe fn advance(&mut self, shared: &Shared<T>) {
        let emptied = self.chunk;
        // SAFETY: the link is published, hence no longer written.
        self.chunk = unsafe { shared.link_after(emptied).with(|link| *link) };
        self.at_start = true;
        if emptied.is_null() {
            return;
        }
        let place = &shared.spares[self.returned % SPARES];
        if place.load(Acquire).is_null() {
            // Release: our reads of the chunk come before the producer's writes to it.
            place.store(emptied, Release);
            self.returned = self.returned.wrapping_add(1);
        } else {
            // SAFETY: it is out of the list, and what is left in it is nobody's.
            drop(unsafe { Box::from_raw(emptied) });
        }
    }
}

#[repr(align(64))]
struct Chunk<T> {
    slots: [UnsafeCell<T>; SLOTS],
    next: UnsafeCell<*mut Chunk<T>>,
}

impl<T: Default> Chunk<T> {
    fn allocate() -> *mut Chunk<T> {
        Box::into_raw(Box::new(Chunk {
            slots: std::array::from_fn(|_| UnsafeCell::new(T::default())),
            next: UnsafeCell::new(ptr::null_mut()),
        }))
    }
}

/// Written by the producer.
struct Tail {
    published: AtomicUsize,
    hwm: AtomicUsize,
    gone: AtomicBool,
}

/// Written by the consumer.
struct Head {
    credited: AtomicUsize,
    gone: AtomicBool,
}

struct Shared<T: Default> {
    tail: Padded<Tail>,
    head: Padded<Head>,
    /// Emptied chunks on their way back to the producer, in turns: each side knows which place comes next.
    spares: Padded<[AtomicPtr<Chunk<T>>; SPARES]>,
    /// The link to the first chunk ever.
    first: UnsafeCell<*mut Chunk<T>>,
    /// Where the consumer was when it left.
    stopped: UnsafeCell<Reader<T>>,
}

// SAFETY: the cells are passed from thread to thread by the protocol at the top of this file.
unsafe impl<T: Default + Send> Sync for Shared<T> {}
// SAFETY: as above; whoever drops the last handle drops the items, for which `T: Send` is enough.
unsafe impl<T: Default + Send> Send for Shared<T> {}

impl<T: Default> Shared<T> {
    fn new() -> Shared<T> {
        Shared {
            tail: Padded(Tail {
                published: AtomicUsize::new(0),
                hwm: AtomicUsize::new(0),
                gone: AtomicBool::new(false),
            }),
            head: Padded(Head { credited: AtomicUsize::new(0), gone: AtomicBool::new(false) }),
            spares: Padded(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()))),
            first: UnsafeCell::new(ptr::null_mut()),
            stopped: UnsafeCell::new(Reader::new()),
        }
    }

    /// The link that leads to the successor of `chunk`; null stands before the first chunk.
    ///
    /// # Safety
    /// `chunk` is null, or in the list for as long as the link is used.
    unsafe fn link_after(&self, chunk: *mut Chunk<T>) -> &UnsafeCell<*mut Chunk<T>> {
        if chunk.is_null() {
            &self.first
        } else {
            // SAFETY: the caller's promise.
            unsafe { &(*chunk).next }
        }
    }
}

impl<T: Default> Drop for Shared<T> {
    /// Both ends are gone: drops the items that nobody read and the chunks.
    fn drop(&mut self) {
        let end = self.tail.published.load(Relaxed);
        // SAFETY: nobody else is here any more.
        let mut reader = self.stopped.with(|stopped| unsafe { *stopped });
        while reader.popped != end {
            // SAFETY: every item before `end` is published; letting go of the last handle synchronized.
            drop(unsafe { reader.take(self, |item| Some(std::mem::take(item))) });
        }
        let spares = self.spares.iter().map(|spare| spare.load(Relaxed));
        for chunk in spares.chain([reader.chunk]) {
            if !chunk.is_null() {
                // SAFETY: the last chunk of the list and the spare ones have no other owner.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    #[derive(Clone, Default)]
    struct Drops(std::sync::Arc<AtomicUsize>);

    impl Drops {
        fn item(&self) -> Counted {
            Counted { drops: self.clone(), panics: false }
        }

        fn count(&self) -> usize {
            self.0.load(Relaxed)
        }
    }

    struct Counted {
        drops: Drops,
        panics: bool,
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.drops.0.fetch_add(1, Relaxed);
            assert!(!self.panics, "destructor asked to panic");
        }
    }

    #[test]
    fn items_come_out_once_and_in_order() {
        let (mut tx, mut rx) = ring();
        let (mut next_in, mut next_out) = (0u64, 0u64);
        // Bursts of every length up to several chunks, each drained to a varying depth.
        for burst in 0..5 * SLOTS as u64 {
            for _ in 0..burst {
                tx.push(next_in);
                next_in += 1;
            }
            for _ in 0..(burst * 7) % (next_in - next_out + 1) {
                assert_eq!(rx.pop(), Some(next_out));
                next_out += 1;
            }
            assert_eq!(rx.len() as u64, next_in - next_out);
            assert!(rx.waiting().copied().eq(next_out..next_in));
        }
        while let Some(item) = rx.pop() {
            assert_eq!(item, next_out);
            next_out += 1;
        }
        assert_eq!(next_in, next_out);
        assert_eq!(tx.len(), 0);
    }

    #[test]
    fn nothing_is_allocated_before_the_first_push_and_few_chunks_stay_after_a_burst() {
        let (mut tx, mut rx) = ring();
        let spares = |tx: &Producer<usize>| -> Vec<_> {
            tx.shared
                .spares
                .iter()
                .map(|spare| spare.load(Relaxed))
                .filter(|spare| !spare.is_null())
                .collect()
        };
        assert!(tx.chunk.is_null() && spares(&tx).is_empty());
        for n in 0..100 * SLOTS {
            tx.push(n);
        }
        while rx.pop().is_some() {}
        assert_eq!(rx.reader.chunk, tx.chunk, "the list is one chunk");
        let mut kept = spares(&tx);
        assert_eq!(kept.len(), SPARES);
        kept.push(tx.chunk);
        for n in 0..3 * SPARES * SLOTS {
            tx.push(n);
            assert_eq!(rx.pop(), Some(n));
            assert!(kept.contains(&tx.chunk), "the spare chunks are filled again");
        }
    }

    #[test]
    fn never_more_than_the_mark_is_queued_and_room_returns() {
        for hwm in [1, 2, 3, 10, 1000] {
            let (mut tx, mut rx) = ring();
            for round in 0..10 {
                let mut queued = rx.len();
                while tx.room(hwm) {
                    tx.push(round);
                    queued += 1;
                }
                assert_eq!(queued, hwm);
                // Room returns when (hwm + 1) / 2 were taken, and is announced.
                assert!(!rx.is_empty() && !rx.take_credit_released());
                for taken in 1..=hwm.div_ceil(2) {
                    assert!(!tx.room(hwm), "{taken} of {hwm}");
                    rx.pop().expect("queued");
                }
                assert!(rx.take_credit_released());
                assert!(tx.room(hwm));
            }
        }
    }

    #[test]
    fn a_mark_lowered_under_way_cannot_stall_the_producer() {
        let (mut tx, mut rx) = ring();
        assert!(tx.room(1000));
        for n in 0..10 {
            tx.push(n);
        }
        assert!(!tx.room(5));
        while rx.pop().is_some() {}
        assert!(rx.take_credit_released());
        assert!(tx.room(5));
        assert!(tx.room(0), "zero is no limit");
    }

    #[test]
    fn what_nobody_read_is_dropped_once_whoever_goes_first() {
        for pushed in [0, 1, SLOTS - 1, SLOTS, SLOTS + 1, 5 * SLOTS + 3] {
            for popped in [0, 1, SLOTS, 2 * SLOTS].into_iter().filter(|n| *n <= pushed) {
                for consumer_first in [false, true] {
                    let drops = Drops::default();
                    let (mut tx, mut rx) = ring();
                    (0..pushed).for_each(|_| tx.push(Some(drops.item())));
                    (0..popped).for_each(|_| drop(rx.pop()));
                    assert_eq!(drops.count(), popped);
                    if consumer_first {
                        drop(rx);
                        assert_eq!(drops.count(), pushed, "the leaving consumer drops what is queued");
                        assert!(tx.is_peer_gone());
                        tx.push(Some(drops.item()));
                        drop(tx);
                        assert_eq!(drops.count(), pushed + 1);
                    } else {
                        drop(tx);
                        assert!(rx.is_peer_gone());
                        assert_eq!(rx.len(), pushed - popped);
                        drop(rx);
                        assert_eq!(drops.count(), pushed);
                    }
                }
            }
        }
    }

    #[test]
    fn a_panicking_destructor_drops_nothing_twice() {
        let drops = Drops::default();
        let (mut tx, rx) = ring();
        for n in 0..3 * SLOTS {
            let mut item = drops.item();
            item.panics = n == SLOTS;
            tx.push(Some(item));
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err());
        drop(tx);
        assert_eq!(drops.count(), 3 * SLOTS);
    }

    #[test]
    fn what_the_consumer_leaves_comes_back_with_the_slot() {
        let (mut tx, mut rx) = ring::<Vec<u8>>();
        let mut allocated = 0;
        for n in 0..10 * SLOTS {
            tx.push_with(|slot| {
                allocated += usize::from(slot.capacity() == 0);
                slot.clear();
                slot.push(n as u8);
            });
            assert_eq!(rx.pop_if(|_| None::<()>), None, "looked at and left");
            assert_eq!(rx.len(), 1);
            assert_eq!(rx.pop_with(|item| item[0]), Some(n as u8));
        }
        assert!(allocated <= 2 * SLOTS, "{allocated}");
    }

    #[test]
    fn two_threads_keep_order_and_the_mark() {
        const ITEMS: u64 = if cfg!(debug_assertions) { 300_000 } else { 3_000_000 };
        for hwm in [1, 7, 1000, 0] {
            let (mut tx, mut rx) = ring();
            let items = if hwm == 1 { ITEMS / 10 } else { ITEMS };
            let producer = std::thread::spawn(move || {
                for n in 0..items {
                    while !tx.room(hwm) {
                        std::thread::yield_now();
                    }
                    tx.push(Box::new(n));
                }
            });
            let mut expected = 0;
            loop {
                let last = rx.is_peer_gone();
                assert!(hwm == 0 || rx.len() <= hwm);
                assert!(rx.waiting().zip(expected..).take(1000).all(|(item, n)| **item == n));
                while let Some(item) = rx.pop() {
                    assert_eq!(*item, expected);
                    expected += 1;
                }
                if last {
                    break;
                }
                std::thread::yield_now();
            }
            assert_eq!(expected, items);
            producer.join().expect("the producer ends");
        }
    }

    #[test]
    fn two_threads_may_leave_in_any_order() {
        let drops = Drops::default();
        let mut made = 0;
        for round in 0..300 {
            let (mut tx, mut rx) = ring();
            let items: Vec<_> = (0..3 * SLOTS + round % 7).map(|_| drops.item()).collect();
            made += items.len();
            let producer = std::thread::spawn(move || items.into_iter().for_each(|item| tx.push(Some(item))));
            for _ in 0..round {
                drop(rx.pop());
            }
            drop(rx);
            producer.join().expect("the producer ends");
        }
        assert_eq!(drops.count(), made);
    }

    /// `cargo test -p ferrozmq --release --lib -- --ignored --nocapture measure`
    #[test]
    #[ignore = "a measurement"]
    fn measure_items_per_second() {
        /// Spins for a moment, then lets others run: the machine may be shared.
        fn wait(ready: &mut impl FnMut() -> bool) {
            while !(0..1000).any(|_| {
                ready() || {
                    std::hint::spin_loop();
                    false
                }
            }) {
                std::thread::yield_now();
            }
        }
        fn run<T: Default + Send + 'static>(what: &str, hwm: usize, item: fn(u64) -> T) {
            const ITEMS: u64 = 20_000_000;
            let mut rates: Vec<f64> = (0..5)
                .map(|_| {
                    let (mut tx, mut rx) = ring();
                    let start = Instant::now();
                    let producer = std::thread::spawn(move || {
                        for n in 0..ITEMS {
                            wait(&mut || tx.room(hwm));
                            tx.push(item(n));
                        }
                    });
                    for _ in 0..ITEMS {
                        wait(&mut || !rx.is_empty());
                        std::hint::black_box(&rx.pop());
                    }
                    producer.join().expect("the producer ends");
                    ITEMS as f64 / start.elapsed().as_secs_f64() / 1e6
                })
                .collect();
            rates.sort_by(f64::total_cmp);
            println!("{what}, mark {hwm}: {rates:.0?} M/s");
        }
        fn alone<T: Default>(what: &str, depth: u64, item: fn(u64) -> T) {
            const ITEMS: u64 = 20_000_000;
            let (mut tx, mut rx) = ring();
            let start = Instant::now();
            for _ in 0..ITEMS / depth {
                (0..depth).for_each(|n| tx.push(item(n)));
                (0..depth).for_each(|_| drop(std::hint::black_box(rx.pop())));
            }
            let ns = start.elapsed().as_secs_f64() * 1e9 / ITEMS as f64;
            println!("{what}, one thread, {depth} deep: {ns:.1} ns per push and pop");
        }
        for depth in [1, 50, 1000, 100_000] {
            alone("u64", depth, |n| n);
            alone("80 bytes", depth, |n| [n; 10]);
        }
        for hwm in [0, 1000, 2000, 10_000] {
            run("u64", hwm, |n| n);
            run("80 bytes", hwm, |n| [n; 10]);
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::thread;

    /// Three preemptions find every known bug of such queues, and keep a model within seconds.
    fn model(f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(f);
    }

    fn pop_all<T: Default>(rx: &mut Consumer<T>, mut each: impl FnMut(T)) {
        loop {
            let last = rx.is_peer_gone();
            while let Some(item) = rx.pop() {
                each(item);
            }
            if last {
                return;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn loom_ring_hands_over_chunks_in_order() {
        model(|| {
            let (mut tx, mut rx) = ring();
            let producer = thread::spawn(move || (0..2 * SLOTS + 1).for_each(|n| tx.push(n)));
            let mut expected = 0;
            assert!(rx.waiting().zip(0..).all(|(item, n)| *item == n));
            pop_all(&mut rx, |n| {
                assert_eq!(n, expected);
                expected += 1;
            });
            assert_eq!(expected, 2 * SLOTS + 1);
            producer.join().expect("no panic");
        });
    }

    #[test]
    fn loom_ring_reuses_a_chunk_only_after_it_was_read() {
        model(|| {
            let (mut tx, mut rx) = ring();
            // The first chunk is emptied while the producer is about to need its third.
            (0..SLOTS + 1).for_each(|n| tx.push(Box::new(n)));
            let producer =
                thread::spawn(move || (SLOTS + 1..3 * SLOTS + 1).for_each(|n| tx.push(Box::new(n))));
            for expected in 0..SLOTS + 1 {
                assert_eq!(rx.pop().as_deref(), Some(&expected));
            }
            producer.join().expect("no panic");
            for expected in SLOTS + 1..3 * SLOTS + 1 {
                assert_eq!(rx.pop().as_deref(), Some(&expected));
            }
            assert!(rx.pop().is_none());
        });
    }

    #[test]
    fn loom_ring_never_holds_more_than_the_mark() {
        model(|| {
            let (mut tx, mut rx) = ring();
            let producer = thread::spawn(move || {
                for n in 0..4 {
                    while !tx.room(2) {
                        thread::yield_now();
                    }
                    tx.push(n);
                }
            });
            let mut expected = 0;
            while expected < 4 {
                assert!(rx.len() <= 2);
                match rx.pop() {
                    Some(n) => {
                        assert_eq!(n, expected);
                        expected += 1;
                    }
                    None => thread::yield_now(),
                }
            }
            producer.join().expect("no panic");
        });
    }

    #[test]
    fn loom_ring_drops_everything_once_when_the_consumer_leaves() {
        model(|| {
            let item = Arc::new(());
            let (mut tx, mut rx) = ring();
            tx.push(Arc::clone(&item));
            let kept = Arc::clone(&item);
            let producer = thread::spawn(move || {
                (0..SLOTS + 1).for_each(|_| tx.push(Arc::clone(&kept)));
                tx.is_peer_gone()
            });
            drop(rx.pop());
            drop(rx);
            producer.join().expect("no panic");
            assert_eq!(Arc::strong_count(&item), 1);
        });
    }

    #[test]
    fn loom_ring_is_drained_after_the_producer_left() {
        model(|| {
            let (mut tx, mut rx) = ring();
            let producer = thread::spawn(move || {
                tx.push(Arc::new(1));
                tx.push(Arc::new(2));
                tx.push(Arc::new(3));
            });
            let mut sum = 0;
            pop_all(&mut rx, |n| sum += *n);
            assert_eq!(sum, 6);
            producer.join().expect("no panic");
        });
    }
}
