//! A queue from one thread to one other, unbounded and growing by chunks. UNSAFE room: loom models in
//! `ring/models.rs`, ThreadSanitizer over `tests::two_threads_*`.
//!
//! What is queued lies close together, as a record of one cell or several: few bytes as they are, so that one line of the cache brings
//! several short messages from one processor to the other; everything else as an item, moved in and out.
//!
//! One release store publishes one record; neither side does a read-modify-write per record, and each
//! keeps a private copy of what it last saw of the other. Chunks are linked as they fill up and
//! freed as they empty; a few empty chunks are handed back to be filled again, so a queue in steady use
//! does not allocate, and a queue that was long for a while keeps no more than [`SPARES`] chunks besides the present one.
//! Nothing is allocated before the first push.
//!
//! Invariants, on which every `unsafe` block rests:
//! * Cell `n` is cell `n % CELLS` of chunk `n / CELLS`. Cells `read..published` belong to the consumer, all
//!   others to the producer.
//! * A record lies in one chunk. Its first two bytes are its [kind](Kind): how many bytes follow, or that an item does, at
//!   [`ITEM_AT`], or that the next record begins the next chunk; then the cells up to that are nobody's, and hold nothing. `published` is
//!   behind a record of the first two kinds, and `read` never inside of one.
//! * A chunk belongs to the list until the consumer, holding its successor, takes it out.
//! * The link to a chunk is written before the first record of that chunk is published.
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
use ferrozmq_proto::copy;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::{ptr, slice};

/// Bytes of a cell: a quarter of a line of the cache.
const CELL: usize = 16;

/// Cells of one chunk; a power of two. They are 4 KiB.
const CELLS: usize = if cfg!(loom) { 8 } else { 256 };

/// How many cells ahead of the present one both sides have memory fetched: it comes from the other core, which takes
/// longer than several records do.
const AHEAD: usize = 32;

/// Consumed records that are worth a report where there is no mark.
const UNLIMITED_BATCH: usize = if cfg!(loom) { 2 } else { 64 };

/// Chunks on their way back to the producer, at most: with a thousand short messages one side may run ahead of the other.
const SPARES: usize = if cfg!(loom) { 2 } else { 32 };

/// Where in its record an item lies: behind the kind, and aligned.
const ITEM_AT: usize = 8;

/// The most bytes that are queued as they are.
pub const BYTES_MAX: usize = if cfg!(loom) { 100 } else { 1023 };
const _: () = assert!(cells_of_bytes(BYTES_MAX) <= CELLS && BYTES_MAX < NEXT_CHUNK as usize);

/// What a record is: so many bytes, or one of these.
type Kind = u16;
const AN_ITEM: Kind = Kind::MAX;
const NEXT_CHUNK: Kind = Kind::MAX - 1;

/// Cells of a record of so many bytes.
const fn cells_of_bytes(len: usize) -> usize {
    (size_of::<Kind>() + len).div_ceil(CELL)
}

/// Cells of a record with a `T`.
const fn cells_of_item<T>() -> usize {
    let cells = (ITEM_AT + size_of::<T>()).div_ceil(CELL);
    assert!(align_of::<T>() <= ITEM_AT && cells <= CELLS, "items are small");
    cells
}

/// A new, empty queue: its sending and its receiving end.
pub fn ring<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared::new());
    let producer = Producer {
        chunk: ptr::null_mut(),
        end: 0,
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
        credit_batch: UNLIMITED_BATCH,
        credit_released: false,
        shared,
        not_sync: PhantomData,
    };
    (producer, consumer)
}

/// The end that records are pushed into.
pub struct Producer<T> {
    /// The chunk of the record pushed last; null before the first.
    chunk: *mut Chunk<T>,
    /// The cell behind it.
    end: usize,
    /// Records pushed, ever.
    pushed: usize,
    /// Records consumed, as last seen: never more than the truth.
    consumed: usize,
    /// The mark last told to the consumer.
    hwm: usize,
    /// Spare chunks used again, ever.
    reused: usize,
    shared: Arc<Shared<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T> Producer<T> {
    /// Appends `item` and publishes it. Does not look at the mark: ask [`room`](Self::room) first.
    #[inline]
    pub fn push(&mut self, item: T) {
        let cells = const { cells_of_item::<T>() };
        let place = self.claim(cells, AN_ITEM);
        // SAFETY: the record is long enough, aligned, and ours until it is published.
        unsafe { place.add(ITEM_AT).cast::<T>().write(item) };
        self.publish(cells);
    }

    /// The same for a copy of `bytes`, at most [`BYTES_MAX`].
    ///
    /// # Panics
    /// If they are more.
    #[inline(always)]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= BYTES_MAX, "too long for a record");
        let cells = cells_of_bytes(bytes.len());
        let place = self.claim(cells, bytes.len() as Kind);
        // SAFETY: the record is so long, and ours until it is published.
        let room = unsafe {
            slice::from_raw_parts_mut(place.add(size_of::<Kind>()).cast::<MaybeUninit<u8>>(), bytes.len())
        };
        copy::init_short(room, bytes);
        self.publish(cells);
    }

    /// Has the processor fetch what the next push will write.
    #[inline]
    pub fn expect_push(&self) {
        cache::will_write(Some(&self.shared.tail.published));
        // SAFETY: null, or the chunk of the record pushed last, which the consumer does not hand back before its successor is there.
        let chunk = unsafe { self.chunk.as_ref() };
        cache::will_write(chunk.and_then(|chunk| chunk.cells.get(self.end % CELLS)));
    }

    /// The place of the next record, whose kind is written.
    #[inline(always)]
    fn claim(&mut self, cells: usize, kind: Kind) -> *mut u8 {
        let mut at = self.end % CELLS;
        if at == 0 || at + cells > CELLS {
            self.append_chunk(at);
            at = 0;
        }
        // SAFETY: `chunk` is the last of the list and was linked by this producer; it stays until the
        // consumer holds its successor, which only this producer can append. The cells are unpublished, so they are ours; there are so
        // many left in the chunk, and each is aligned.
        unsafe {
            let chunk = &*self.chunk;
            cache::will_write(chunk.cells.get(at + AHEAD));
            let place = chunk.claim(at, cells);
            place.cast::<Kind>().write(kind);
            place
        }
    }

    #[inline(always)]
    fn publish(&mut self, cells: usize) {
        self.end = self.end.wrapping_add(cells);
        self.pushed = self.pushed.wrapping_add(1);
        self.shared.tail.pushed.store(self.pushed, Relaxed);
        self.shared.tail.published.store(self.end, Release);
    }

    /// Whether one more record keeps the queue within `hwm` records; 0 means no limit.
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

    /// The number of queued records, or a few more: those consumed but not yet reported.
    pub fn len(&mut self) -> usize {
        // Relaxed: nothing is reached through this count; cells come back with their chunk.
        self.consumed = self.shared.head.credited.load(Relaxed);
        self.pushed.wrapping_sub(self.consumed)
    }

    /// The number of records pushed, ever.
    pub fn pushed(&self) -> usize {
        self.pushed
    }

    #[cfg(test)]
    /// Whether the consumer was dropped: nothing pushed from now on will be read.
    pub fn is_peer_gone(&self) -> bool {
        self.shared.head.gone.load(Acquire)
    }

    /// Goes to a new chunk from cell `at` of the present one.
    #[cold]
    fn append_chunk(&mut self, at: usize) {
        if at > 0 {
            // SAFETY: as in `claim`; there is at least one cell left.
            unsafe { (*self.chunk).claim(at, 1).cast::<Kind>().write(NEXT_CHUNK) };
            self.end = self.end.wrapping_add(CELLS - at);
        }
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
        // SAFETY: the link is ours to write until a record behind it is published.
        unsafe { self.shared.link_after(self.chunk).with_mut(|link| *link = chunk) };
        self.chunk = chunk;
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.shared.tail.gone.store(true, Release);
    }
}

// SAFETY: a producer only moves items in; `T: Send` lets them leave this thread.
unsafe impl<T: Send> Send for Producer<T> {}

/// What was pushed.
pub enum Record<'a, T> {
    /// Bytes as they are.
    Bytes(&'a [u8]),
    /// Anything else.
    Item(T),
}

/// The end that records are popped from.
pub struct Consumer<T> {
    reader: Reader<T>,
    /// The cell behind the last published record, as last seen.
    published: usize,
    /// Records consumed, as last reported.
    credited: usize,
    /// Consumed records that are worth a report.
    credit_batch: usize,
    credit_released: bool,
    shared: Arc<Shared<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T> Consumer<T> {
    /// Takes the oldest record and gives it to `act`.
    ///
    /// Afterwards ask [`take_credit_released`](Self::take_credit_released) whether a producer that
    /// waits for room should hear of it.
    #[inline(always)]
    pub fn pop_with<R>(&mut self, act: impl FnOnce(Record<'_, T>) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: the record is published, and was seen so with acquire; it is taken as what its kind says.
        let taken = unsafe {
            match self.next() {
                AN_ITEM => act(Record::Item(self.reader.take_item())),
                len => self.reader.take_bytes(len, |bytes| act(Record::Bytes(bytes))),
            }
        };
        self.count();
        Some(taken)
    }

    #[cfg(test)]
    /// The same where nothing but items is pushed.
    pub fn pop(&mut self) -> Option<T> {
        self.pop_with(|record| match record {
            Record::Item(item) => item,
            Record::Bytes(_) => unreachable!("bytes"),
        })
    }

    /// The same for bytes; an item stays the oldest record.
    #[inline(always)]
    pub fn pop_bytes<R>(&mut self, act: impl FnOnce(&[u8]) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: as above.
        let taken = unsafe {
            match self.next() {
                AN_ITEM => return None,
                len => self.reader.take_bytes(len, act),
            }
        };
        self.count();
        Some(taken)
    }

    /// The kind of the next record.
    ///
    /// # Safety
    /// It is published, and was seen so with acquire.
    #[inline(always)]
    unsafe fn next(&mut self) -> Kind {
        if self.published.wrapping_sub(self.reader.read) > AHEAD {
            self.reader.prefetch();
        }
        // SAFETY: the caller's promise; this is the only reader.
        unsafe { self.reader.next(&self.shared) }
    }

    /// A record was popped.
    #[inline(always)]
    fn count(&mut self) {
        if self.reader.popped.wrapping_sub(self.credited) >= self.credit_batch {
            self.report_consumed();
        }
    }

    /// Whether there is nothing to pop now. Finding nothing reports all that was consumed.
    #[inline]
    pub fn is_empty(&mut self) -> bool {
        if self.reader.read != self.published {
            return false;
        }
        self.refresh()
    }

    /// The number of records popped, ever.
    pub fn popped(&self) -> usize {
        self.reader.popped
    }

    /// The number of records pushed, ever, as far as can be seen from here.
    pub fn pushed(&self) -> usize {
        self.shared.tail.pushed.load(Relaxed)
    }

    /// The number of records that can be popped now, or one more that is being published.
    pub fn len(&self) -> usize {
        self.pushed().wrapping_sub(self.reader.popped)
    }

    /// The records that can be popped now, oldest first, as they lie there.
    pub fn waiting(&mut self) -> impl Iterator<Item = Record<'_, &T>> {
        let end = self.shared.tail.published.load(Acquire);
        let (shared, mut at) = (&*self.shared, self.reader);
        std::iter::from_fn(move || {
            if at.read == end {
                return None;
            }
            // SAFETY: published, and seen so with acquire; nobody pops it while the iterator borrows this end, the only reader.
            unsafe { Some(at.look(shared)) }
        })
    }

    /// Whether the producer has been told of consumed records since this was last asked.
    #[inline]
    pub fn take_credit_released(&mut self) -> bool {
        std::mem::take(&mut self.credit_released)
    }

    #[cfg(test)]
    /// Whether the producer was dropped. If so, whoever pops from now on sees all it ever pushed.
    pub fn is_peer_gone(&self) -> bool {
        self.shared.tail.gone.load(Acquire)
    }

    /// Looks for newly published records; true if there are none.
    #[inline]
    fn refresh(&mut self) -> bool {
        self.published = self.shared.tail.published.load(Acquire);
        if self.reader.read == self.published {
            if self.credited != self.reader.popped {
                self.report_consumed();
            }
            return true;
        }
        // On the line just fetched, hence free. Whatever the mark was: a batch too large for the mark
        // of today cannot starve the producer, because an empty queue reports too.
        let hwm = self.shared.tail.hwm.load(Relaxed);
        self.credit_batch = if hwm == 0 { UNLIMITED_BATCH } else { hwm - hwm / 2 };
        false
    }

    fn report_consumed(&mut self) {
        self.credited = self.reader.popped;
        self.credit_released = true;
        self.shared.head.credited.store(self.credited, Relaxed);
    }
}

impl<T> Drop for Consumer<T> {
    /// Drops what is queued now; what the producer pushes later goes when it goes.
    fn drop(&mut self) {
        self.shared.head.gone.store(true, Release);
        let end = self.shared.tail.published.load(Acquire);
        let leave = Leave { reader: &mut self.reader, shared: &self.shared };
        // SAFETY: records before `end` are published, and were seen so with acquire.
        unsafe { leave.reader.drop_until(end, leave.shared) };
    }
}

// SAFETY: a consumer only moves items out; `T: Send` lets them arrive in this thread.
unsafe impl<T: Send> Send for Consumer<T> {}

/// Notes where reading stopped, even if the destructor of an item panics.
struct Leave<'a, T> {
    reader: &'a mut Reader<T>,
    shared: &'a Shared<T>,
}

impl<T> Drop for Leave<'_, T> {
    fn drop(&mut self) {
        // SAFETY: written once by the consumer, read once both ends are gone.
        self.shared.stopped.with_mut(|stopped| unsafe { *stopped = *self.reader });
    }
}

/// A position in the list, for the side that reads.
struct Reader<T> {
    /// The chunk of the record popped last; null before the first.
    chunk: *mut Chunk<T>,
    /// The next cell.
    read: usize,
    /// Records popped, ever.
    popped: usize,
    /// The first record of the chunk was looked at and left there.
    at_start: bool,
    /// Chunks given back to the producer, ever.
    returned: usize,
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<T> {}

impl<T> Reader<T> {
    fn new() -> Reader<T> {
        Reader { chunk: ptr::null_mut(), read: 0, popped: 0, at_start: false, returned: 0 }
    }

    /// Fetches what will be read soon.
    #[inline(always)]
    fn prefetch(&self) {
        // SAFETY: null, or the chunk of the record popped last, which this side has not handed back.
        let chunk = unsafe { self.chunk.as_ref() };
        cache::will_read(chunk.and_then(|chunk| chunk.cells.get(self.read % CELLS + AHEAD)));
    }

    /// Goes to where the next record lies; its kind.
    ///
    /// # Safety
    /// The caller is the only reader, and has seen (acquire) that the record is published.
    #[inline(always)]
    unsafe fn next(&mut self, shared: &Shared<T>) -> Kind {
        if self.read.is_multiple_of(CELLS) && !self.at_start {
            // SAFETY: the record, hence the link to its chunk, is published.
            unsafe { self.advance(shared) };
        }
        // SAFETY: the cell is published and not read, hence ours.
        let kind = unsafe { self.kind() };
        if kind != NEXT_CHUNK {
            return kind;
        }
        // SAFETY: as above; the record is in the next chunk.
        unsafe {
            self.skip();
            self.advance(shared);
            self.kind()
        }
    }

    /// Goes to the next chunk's first cell.
    fn skip(&mut self) {
        self.read = self.read.wrapping_add(CELLS - self.read % CELLS);
    }

    /// The record that [`next`](Self::next) has found.
    ///
    /// # Safety
    /// There is one, of so many cells.
    #[inline(always)]
    unsafe fn place(&self, cells: usize) -> *mut u8 {
        // SAFETY: the chunk stays until this side, holding its successor, hands it back.
        unsafe { (*self.chunk).claim(self.read % CELLS, cells) }
    }

    /// The kind of the record at the next cell, in this chunk.
    ///
    /// # Safety
    /// As of [`place`](Self::place), for one cell, which was published as a record's first.
    #[inline(always)]
    unsafe fn kind(&self) -> Kind {
        // SAFETY: every record has a first cell, which begins with its kind.
        unsafe { self.place(1).cast::<Kind>().read() }
    }

    #[inline(always)]
    fn step(&mut self, cells: usize) {
        self.at_start = false;
        self.read = self.read.wrapping_add(cells);
        self.popped = self.popped.wrapping_add(1);
    }

    /// Takes the item that [`next`](Self::next) has found.
    ///
    /// # Safety
    /// It is one.
    #[inline(always)]
    unsafe fn take_item(&mut self) -> T {
        let cells = const { cells_of_item::<T>() };
        // SAFETY: the item was moved in, and is moved out here and nowhere else.
        let item = unsafe { self.place(cells).add(ITEM_AT).cast::<T>().read() };
        self.step(cells);
        item
    }

    /// Takes the `len` bytes that [`next`](Self::next) has found.
    ///
    /// # Safety
    /// They are so many.
    #[inline(always)]
    unsafe fn take_bytes<R>(&mut self, len: Kind, act: impl FnOnce(&[u8]) -> R) -> R {
        let cells = cells_of_bytes(usize::from(len));
        // SAFETY: all of them were written before the record was published, and nobody writes them until it is popped.
        let taken =
            act(unsafe { slice::from_raw_parts(self.place(cells).add(size_of::<Kind>()), usize::from(len)) });
        self.step(cells);
        taken
    }

    /// Looks at the next record and steps over it, without handing anything back.
    ///
    /// # Safety
    /// As of [`next`](Self::next); and nobody pops the record while what is returned lives.
    unsafe fn look<'a>(&mut self, shared: &'a Shared<T>) -> Record<'a, &'a T> {
        // SAFETY: the caller's promise, as in the functions above.
        unsafe {
            if self.read.is_multiple_of(CELLS) && !self.at_start {
                self.chunk = shared.link_after(self.chunk).with(|link| *link);
            }
            match self.kind() {
                NEXT_CHUNK => {
                    self.skip();
                    self.at_start = false;
                    self.look(shared)
                }
                AN_ITEM => {
                    let cells = const { cells_of_item::<T>() };
                    let item = &*self.place(cells).add(ITEM_AT).cast::<T>();
                    self.step(cells);
                    Record::Item(item)
                }
                len => {
                    let cells = cells_of_bytes(usize::from(len));
                    let bytes = self.place(cells).add(size_of::<Kind>());
                    self.step(cells);
                    Record::Bytes(slice::from_raw_parts(bytes, usize::from(len)))
                }
            }
        }
    }

    /// Drops the records before cell `end`.
    ///
    /// # Safety
    /// As of [`next`](Self::next), for all of them.
    unsafe fn drop_until(&mut self, end: usize, shared: &Shared<T>) {
        while self.read != end {
            // SAFETY: the caller's promise. An item whose destructor panics is popped before it is dropped.
            unsafe {
                match self.next(shared) {
                    AN_ITEM => drop(self.take_item()),
                    len => self.take_bytes(len, |_| ()),
                }
            }
        }
    }

    /// Goes to the next chunk and hands the emptied one back.
    ///
    /// # Safety
    /// The link to the next chunk is published, and every record of this chunk is popped.
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
            // SAFETY: it is out of the list, and nothing is left in it.
            drop(unsafe { Box::from_raw(emptied) });
        }
    }
}

/// Cells, and what leads to the next ones. Whatever lies in the cells has been moved out before a chunk is freed.
#[repr(C, align(64))]
struct Chunk<T> {
    cells: [std::cell::UnsafeCell<Bytes>; CELLS],
    /// Whose the cells are, for models to see: nothing otherwise.
    owned: [UnsafeCell<()>; CELLS],
    next: UnsafeCell<*mut Chunk<T>>,
}

#[repr(C, align(16))]
struct Bytes([MaybeUninit<u8>; CELL]);

impl<T> Chunk<T> {
    fn allocate() -> *mut Chunk<T> {
        Box::into_raw(Box::new(Chunk {
            cells: [const { std::cell::UnsafeCell::new(Bytes([MaybeUninit::uninit(); CELL])) }; CELLS],
            owned: std::array::from_fn(|_| UnsafeCell::new(())),
            next: UnsafeCell::new(ptr::null_mut()),
        }))
    }

    /// So many cells from `at` on, to read and write.
    ///
    /// # Safety
    /// They are there, and the caller's alone.
    #[inline(always)]
    unsafe fn claim(&self, at: usize, cells: usize) -> *mut u8 {
        if cfg!(loom) {
            self.owned[at..at + cells].iter().for_each(|cell| cell.with_mut(|_| ()));
        }
        // SAFETY: `at` is in the array, over all of which the pointer may go; each cell lets its contents be changed.
        unsafe { std::cell::UnsafeCell::raw_get(self.cells.as_ptr().add(at)).cast() }
    }
}

/// Written by the producer.
struct Tail {
    published: AtomicUsize,
    pushed: AtomicUsize,
    hwm: AtomicUsize,
    gone: AtomicBool,
}

/// Written by the consumer.
struct Head {
    credited: AtomicUsize,
    gone: AtomicBool,
}

struct Shared<T> {
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
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; whoever drops the last handle drops the items, for which `T: Send` is enough.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    fn new() -> Shared<T> {
        Shared {
            tail: Padded(Tail {
                published: AtomicUsize::new(0),
                pushed: AtomicUsize::new(0),
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

impl<T> Drop for Shared<T> {
    /// Both ends are gone: drops the items that nobody read and the chunks.
    fn drop(&mut self) {
        let end = self.tail.published.load(Relaxed);
        // SAFETY: nobody else is here any more.
        let mut reader = self.stopped.with(|stopped| unsafe { *stopped });
        // SAFETY: every record before `end` is published; letting go of the last handle synchronized.
        unsafe { reader.drop_until(end, self) };
        let spares = self.spares.iter().map(|spare| spare.load(Relaxed));
        for chunk in spares.chain([reader.chunk]) {
            if !chunk.is_null() {
                // SAFETY: the last chunk of the list and the spare ones have no other owner.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
