//! The ring between two threads, and alone; every place in a chunk.

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

/// Items in a chunk, of those that take one cell.
const SLOTS: usize = CELLS;

fn lying<T>(rx: &mut Consumer<T>) -> impl Iterator<Item = &T> {
    rx.waiting().map(|record| match record {
        Record::Item(item) => item,
        Record::Bytes(_) => panic!("bytes"),
    })
}

#[test]
fn items_come_out_once_and_in_order() {
    let (mut tx, mut rx) = ring();
    let (mut next_in, mut next_out) = (0u64, 0u64);
    // Bursts of every length up to several chunks, each drained to a varying depth.
    for burst in 0..3 * SLOTS as u64 {
        for _ in 0..burst {
            tx.push(next_in);
            next_in += 1;
        }
        for _ in 0..(burst * 7) % (next_in - next_out + 1) {
            assert_eq!(rx.pop(), Some(next_out));
            next_out += 1;
        }
        assert_eq!(rx.len() as u64, next_in - next_out);
        assert!(lying(&mut rx).copied().eq(next_out..next_in));
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
        tx.shared.spares.iter().map(|spare| spare.load(Relaxed)).filter(|spare| !spare.is_null()).collect()
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

/// Bytes of every length and items among them, which all want another place at the end of a chunk.
#[test]
fn bytes_and_items_come_out_once_and_in_order() {
    let (mut tx, mut rx) = ring::<[u64; 9]>();
    let body = |n: usize| vec![n as u8; n * 7 % (BYTES_MAX + 1)];
    let (mut next_in, mut next_out) = (0, 0);
    for burst in (0..400).step_by(3) {
        for _ in 0..burst {
            match next_in % 5 {
                4 => tx.push([next_in as u64; 9]),
                _ => tx.push_bytes(&body(next_in)),
            }
            next_in += 1;
        }
        let mut waiting = next_out;
        for record in rx.waiting() {
            match record {
                Record::Item(item) => assert!(waiting % 5 == 4 && *item == [waiting as u64; 9]),
                Record::Bytes(bytes) => assert!(waiting % 5 < 4 && bytes == body(waiting)),
            }
            waiting += 1;
        }
        assert_eq!(waiting, next_in);
        for _ in 0..(burst * 7) % (next_in - next_out + 1) {
            if next_out % 5 == 4 {
                assert_eq!(rx.pop_bytes(<[u8]>::len), None, "it stays");
                assert_eq!(rx.pop(), Some([next_out as u64; 9]));
            } else {
                assert_eq!(rx.pop_bytes(|bytes| bytes == body(next_out)), Some(true));
            }
            next_out += 1;
        }
        assert_eq!(rx.len(), next_in - next_out);
    }
    assert_eq!((tx.pushed(), rx.popped()), (next_in, next_out));
}

#[test]
#[should_panic(expected = "too long for a record")]
fn too_many_bytes_are_refused() {
    ring::<u8>().0.push_bytes(&[0; BYTES_MAX + 1]);
}

#[test]
fn two_threads_pass_bytes_between_items() {
    const RECORDS: u64 = if cfg!(debug_assertions) { 300_000 } else { 3_000_000 };
    let (mut tx, mut rx) = ring::<Box<u64>>();
    let producer = std::thread::spawn(move || {
        for n in 0..RECORDS {
            while !tx.room(1000) {
                std::thread::yield_now();
            }
            match n % 8 {
                0 => tx.push(Box::new(n)),
                k => tx.push_bytes(&[n as u8; 200][..(n % 25 * k) as usize]),
            }
        }
    });
    let mut expected = 0;
    while expected < RECORDS {
        let n = expected;
        let is_right = |record: Record<'_, Box<u64>>| match record {
            Record::Item(item) => *item == n,
            Record::Bytes(bytes) => {
                bytes.len() as u64 == n % 25 * (n % 8) && bytes.iter().all(|byte| *byte == n as u8)
            }
        };
        match rx.pop_with(is_right) {
            Some(right) => assert!(right, "{n}"),
            None => {
                std::thread::yield_now();
                continue;
            }
        }
        expected += 1;
    }
    producer.join().expect("the producer ends");
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
            assert!(lying(&mut rx).zip(expected..).take(1000).all(|(item, n)| **item == n));
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
    fn run<T: Send + 'static>(what: &str, hwm: usize, item: fn(u64) -> T) {
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
    fn alone<T>(what: &str, depth: u64, item: fn(u64) -> T) {
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
