//! Counts the bytes that are alive in Rust's heap, so that a target can bound them.
//!
//! The bound is on the peak, not on what is left: an allocation by announced instead of received
//! size is caught although it is freed again. libFuzzer's own memory is not counted, and a target
//! runs on one thread, so the counters see nothing but the code under test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that a target may hold whatever the input.
const ALLOWANCE: usize = 64 * 1024;
/// Bytes that a target may hold for each byte of input.
const PER_BYTE: usize = 3;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Runs `work`, which was given `input` bytes by a stranger.
///
/// # Panics
/// If it held more than 3 bytes for each of them and 64 KiB at any time.
pub fn bounded<T>(input: usize, work: impl FnOnce() -> T) -> T {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    let held = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(held <= PER_BYTE * input + ALLOWANCE, "{held} bytes held for {input} bytes of input");
    result
}

/// The system's allocator with two counters.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn grew(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
    PEAK.fetch_max(live, Ordering::Relaxed);
}

fn shrank(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed on to `System` unchanged; the counters are only numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promises about `layout` are those that `System` wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrank(layout.size());
        // SAFETY: `pointer` came from `System`, since every allocation here does.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be alive together while the bytes are moved.
        grew(size);
        // SAFETY: `pointer` came from `System`, and the caller promises the rest.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        shrank(layout.size());
        moved
    }
}
