//! A publisher that streams to several peers: what gathers for all of them at once keeps the order of each, and is nobody's secret.

use crate::ground::{SOON, number, numbered, wires};
use ferrozmq::{Context, Message, Socket, SocketType};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Messages of a stream: many times what may gather.
const STREAM: u64 = 60_000;
/// The number that ends it.
const END: u64 = u64::MAX;

fn publisher(context: &Context, sndhwm: u32) -> Socket {
    let publisher = context.socket(SocketType::XPub).unwrap();
    publisher.set_sndhwm(sndhwm).unwrap();
    publisher
}

fn subscriber(context: &Context, at: &str) -> Socket {
    let subscriber = context.socket(SocketType::Sub).unwrap();
    subscriber.subscribe("").unwrap();
    subscriber.connect(at).unwrap();
    subscriber
}

/// Receives up to the end, which came after `first` and all that follow it; how many those were.
fn follow(subscriber: Socket, lossless: bool) -> JoinHandle<u64> {
    thread::spawn(move || {
        let (mut received, mut before) = (0, None);
        loop {
            let message = subscriber.recv_timeout(SOON).unwrap();
            let number = number(&message);
            if number == END {
                return received;
            }
            let follows =
                before.is_none_or(|before| if lossless { number == before + 1 } else { number > before });
            assert!(follows, "{number} after {before:?}");
            before = Some(number);
            received += 1;
        }
    })
}

fn is_balanced(publisher: &Socket) -> bool {
    publisher.stats().missing_out() == 0
}

#[test]
fn a_stream_stays_in_order_whatever_comes_between() {
    for endpoint in wires() {
        let context = Context::new();
        let publisher = publisher(&context, 1000);
        publisher.set_xpub_nodrop(true).unwrap();
        let at = publisher.bind(&endpoint).unwrap();
        let mut followers: Vec<_> = (0..3).map(|_| follow(subscriber(&context, &at), true)).collect();
        publisher.wait_for_peers(3, SOON).unwrap();
        let mut added = 0;
        for count in 0..STREAM {
            let mut message = numbered(count);
            match count % 1009 {
                0 => assert_eq!(publisher.stats().sent, count),
                100 => message = Message::from_parts([vec![1; 3], count.to_le_bytes().to_vec()]).unwrap(),
                200 => message = Message::from_parts([vec![1; 5000], count.to_le_bytes().to_vec()]).unwrap(),
                300 => publisher.set_sndhwm(if count % 2 == 0 { 200 } else { 1000 }).unwrap(),
                400 => assert_eq!(publisher.peer_stats().len(), 3 + added),
                500 if added == 0 && count > STREAM / 3 => {
                    followers.push(follow(subscriber(&context, &at), true));
                    publisher.wait_for_peers(4, SOON).unwrap();
                    added = 1;
                }
                600 => drop(publisher.try_recv()),
                _ => {}
            }
            publisher.send_timeout(message, SOON).unwrap();
        }
        publisher.send_timeout(numbered(END), SOON).unwrap();
        let received: Vec<u64> = followers.into_iter().map(|follower| follower.join().unwrap()).collect();
        assert_eq!(received[..3], [STREAM; 3]);
        assert!((1..STREAM).contains(&received[3]));
        assert!(is_balanced(&publisher));
    }
}

/// The sender neither waits nor polls nor closes.
#[test]
fn the_end_of_a_stream_comes_without_another_call() {
    for endpoint in wires() {
        let context = Context::new();
        let publisher = publisher(&context, 0);
        let at = publisher.bind(&endpoint).unwrap();
        for _ in 0..5 {
            let followers: Vec<_> = (0..6).map(|_| follow(subscriber(&context, &at), true)).collect();
            publisher.wait_for_peers(6, SOON).unwrap();
            (0..STREAM / 4).for_each(|count| publisher.send(numbered(count)).unwrap());
            publisher.send(numbered(END)).unwrap();
            followers.into_iter().for_each(|follower| assert_eq!(follower.join().unwrap(), STREAM / 4));
            // The subscribers that went are noticed with the next call.
            let begin = Instant::now();
            while !publisher.peer_stats().is_empty() {
                assert!(begin.elapsed() < SOON, "they are gone");
                thread::yield_now();
            }
        }
    }
}

#[test]
fn what_is_dropped_for_those_who_do_not_read_is_counted_and_those_who_do_stay_in_order() {
    for endpoint in wires() {
        let context = Context::new();
        let publisher = publisher(&context, 20_000);
        let at = publisher.bind(&endpoint).unwrap();
        let deaf: Vec<Socket> = (0..2).map(|_| subscriber(&context, &at)).collect();
        let follower = follow(subscriber(&context, &at), false);
        publisher.wait_for_peers(3, SOON).unwrap();
        let mut sent = 0;
        let begin = Instant::now();
        while publisher.stats().dropped.hwm < 1000 {
            assert!(begin.elapsed() < SOON, "no queue is full");
            (sent..sent + 1000).for_each(|count| publisher.send(numbered(count)).unwrap());
            sent += 1000;
        }
        drop(deaf);
        // Who has followed has room again for the end.
        publisher.set_xpub_nodrop(true).unwrap();
        publisher.send_timeout(numbered(END), SOON).unwrap();
        let received = follower.join().unwrap();
        let begin = Instant::now();
        while !is_balanced(&publisher) {
            assert!(begin.elapsed() < SOON, "{:#?}", publisher.stats());
            thread::yield_now();
        }
        assert_eq!(publisher.stats().sent, sent + 1);
        assert!(received > 0 && received <= sent);
    }
}
