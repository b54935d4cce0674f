//! Every interleaving of a ring's two threads, in chunks of two items.

use super::*;
use loom::thread;

/// Items in a chunk.
const SLOTS: usize = 2;

/// An item of half a chunk.
struct Fat<T>(T, #[expect(dead_code, reason = "to be long")] [usize; 5]);

fn fat<T>(item: T) -> Fat<T> {
    const { assert!(2 * cells_of_item::<Fat<T>>() == CELLS) };
    Fat(item, [0; 5])
}

/// Three preemptions find every known bug of such queues, and keep a model within seconds.
fn model(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

fn pop<T>(rx: &mut Consumer<Fat<T>>) -> Option<T> {
    rx.pop().map(|item| item.0)
}

fn pop_all<T>(rx: &mut Consumer<Fat<T>>, mut each: impl FnMut(T)) {
    loop {
        let last = rx.is_peer_gone();
        while let Some(item) = pop(rx) {
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
        let producer = thread::spawn(move || (0..2 * SLOTS + 1).for_each(|n| tx.push(fat(n))));
        let mut expected = 0;
        assert!(
            rx.waiting().zip(0..).all(|(waiting, n)| matches!(waiting, Record::Item(item) if item.0 == n))
        );
        pop_all(&mut rx, |n| {
            assert_eq!(n, expected);
            expected += 1;
        });
        assert_eq!(expected, 2 * SLOTS + 1);
        producer.join().expect("no panic");
    });
}

#[test]
fn loom_ring_leaves_the_end_of_a_chunk_to_nobody() {
    model(|| {
        let (mut tx, mut rx) = ring();
        // An item, and bytes behind which no other item fits into the chunk.
        tx.push(fat(0));
        let producer = thread::spawn(move || {
            tx.push_bytes(&[1; 20]);
            tx.push(fat(2));
            tx.push_bytes(&[3; 20]);
        });
        let mut expected = 0;
        while expected < 4 {
            let number = rx.pop_with(|record| match record {
                Record::Bytes(bytes) => bytes.len() / 20 * usize::from(bytes[19]),
                Record::Item(item) => item.0,
            });
            match number {
                Some(number) => {
                    assert_eq!(number, expected);
                    expected += 1;
                }
                None => thread::yield_now(),
            }
        }
        producer.join().expect("no panic");
    });
}

#[test]
fn loom_ring_reuses_a_chunk_only_after_it_was_read() {
    model(|| {
        let (mut tx, mut rx) = ring();
        // The first chunk is emptied while the producer is about to need its third.
        (0..SLOTS + 1).for_each(|n| tx.push(fat(Box::new(n))));
        let producer =
            thread::spawn(move || (SLOTS + 1..3 * SLOTS + 1).for_each(|n| tx.push(fat(Box::new(n)))));
        for expected in 0..SLOTS + 1 {
            assert_eq!(pop(&mut rx).as_deref(), Some(&expected));
        }
        producer.join().expect("no panic");
        for expected in SLOTS + 1..3 * SLOTS + 1 {
            assert_eq!(pop(&mut rx).as_deref(), Some(&expected));
        }
        assert!(pop(&mut rx).is_none());
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
                tx.push(fat(n));
            }
        });
        let mut expected = 0;
        while expected < 4 {
            assert!(rx.len() <= 2);
            match pop(&mut rx) {
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
        tx.push(fat(Arc::clone(&item)));
        let kept = Arc::clone(&item);
        let producer = thread::spawn(move || {
            (0..SLOTS + 1).for_each(|_| tx.push(fat(Arc::clone(&kept))));
            tx.is_peer_gone()
        });
        drop(pop(&mut rx));
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
            tx.push(fat(Arc::new(1)));
            tx.push(fat(Arc::new(2)));
            tx.push(fat(Arc::new(3)));
        });
        let mut sum = 0;
        pop_all(&mut rx, |n| sum += *n);
        assert_eq!(sum, 6);
        producer.join().expect("no panic");
    });
}
