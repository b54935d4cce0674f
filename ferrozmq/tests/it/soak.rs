//! Long streams, checked message by message: nothing lost, twice, out of order or torn, whatever the
//! sizes, pauses and hands that sockets pass through. `FERROZMQ_SOAK` is the number of messages.

use crate::ground::{SOON, endpoints};
use ferrozmq::{Context, Frame, Message, Socket, SocketType};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Messages in all, unless `FERROZMQ_SOAK` says otherwise.
const DEFAULT_MESSAGES: u64 = 200_000;

/// So many messages of all sorts are followed by so many of one short part, which gather.
const STRETCH: u64 = 4096;

fn messages() -> u64 {
    std::env::var("FERROZMQ_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_MESSAGES)
}

/// Numbers that look random and are the same on both sides (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// A size between 0 and 100 KB, most of them small.
    fn size(&mut self) -> usize {
        let below = match self.roll(200) {
            0 => 100_000,
            1..=4 => 20_000,
            5..=20 => 300,
            _ => 40,
        };
        self.roll(below) as usize
    }

    /// Now and then, a pause: the other side finds nothing, or everything full.
    fn pause(&mut self) {
        match self.roll(20_000) {
            // not settling: irregular pauses are what this exercises.
            0 => thread::sleep(Duration::from_millis(3)),
            // not settling: the same, shorter.
            1..=20 => thread::sleep(Duration::from_micros(50)),
            21..=200 => thread::yield_now(),
            _ => {}
        }
    }
}

/// Message `number` of stream `stream`: who it is, and parts whose sizes and bytes follow from that.
fn message(stream: u64, number: u64) -> Message {
    let mut dice = Dice(stream << 40 | number);
    let mut head = stream.to_le_bytes().to_vec();
    head.extend_from_slice(&number.to_le_bytes());
    let mut message = Message::from(head);
    let alone = number / STRETCH % 2 == 1;
    let parts = if alone {
        0
    } else if dice.roll(10) == 0 {
        dice.roll(5)
    } else {
        1
    };
    for _ in 0..parts {
        message.push_back(Frame::from(vec![dice.roll(256) as u8; dice.size()]));
    }
    message
}

/// Which stream, and which of its messages; the parts before it are an envelope.
fn check(received: &Message, envelope: usize, next: &mut [u64]) {
    let head = received[envelope].as_bytes();
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let (stream, number) = (word(0), word(8));
    let expected = &mut next[stream as usize];
    assert_eq!(number, *expected, "stream {stream}: lost, twice or out of order");
    *expected += 1;
    let whole = message(stream, number);
    assert_eq!(received.len(), whole.len() + envelope, "stream {stream}, message {number}: torn");
    assert!(received.iter().skip(envelope).eq(whole.iter()), "stream {stream}, message {number}: altered");
}

/// Sends a stream; the socket passes to a new thread a few times on the way, and what it has left at its end may take as long as it
/// takes: without marks, gigabytes wait.
fn send_stream(socket: Socket, stream: u64, count: u64) {
    socket.set_linger(None).unwrap();
    let mut dice = Dice(stream);
    let mut from = 0;
    while from < count {
        let to = (from + 1 + dice.roll(count / 4 + 1)).min(count);
        let socket = socket.clone();
        let hand = thread::spawn(move || {
            let mut dice = Dice(stream ^ from);
            for number in from..to {
                if dice.roll(50) == 0 {
                    send_by_parts(&socket, message(stream, number));
                } else {
                    socket.send_timeout(message(stream, number), SOON).unwrap();
                }
                dice.pause();
            }
        });
        hand.join().unwrap();
        from = to;
    }
}

fn send_by_parts(socket: &Socket, message: Message) {
    let mut left = message.len();
    for part in message {
        left -= 1;
        socket.send_part(part, left > 0, false).unwrap();
    }
}

/// Receives `total` messages; the socket passes to a new thread a few times on the way.
fn receive(socket: &Socket, envelope: usize, streams: usize, total: u64) {
    let mut next = vec![0; streams];
    let mut dice = Dice(7);
    let mut done = 0;
    while done < total {
        let now = (1 + dice.roll(total / 4 + 1)).min(total - done);
        let socket = socket.clone();
        let mut seen = next;
        let hand = thread::spawn(move || {
            let mut dice = Dice(done);
            for _ in 0..now {
                let received = match dice.roll(10) {
                    0 => socket.try_recv().or_else(|_| socket.recv_timeout(SOON)),
                    _ => socket.recv_timeout(SOON),
                };
                check(&received.unwrap(), envelope, &mut seen);
                dice.pause();
            }
            seen
        });
        next = hand.join().unwrap();
        done += now;
    }
}

#[test]
fn several_senders_one_receiver() {
    const SENDERS: u64 = 3;
    let each = messages() / SENDERS / 9;
    for (hwm, hint) in [(1000, "usual"), (3, "small"), (0, "none")] {
        for endpoint in endpoints(&format!("soak-{hint}")) {
            let context = Context::builder().io_threads(2).build();
            let pull = context.socket(SocketType::Pull).unwrap();
            pull.set_rcvhwm(hwm).unwrap();
            let at = pull.bind(&endpoint).unwrap();
            let senders: Vec<_> = (0..SENDERS)
                .map(|stream| {
                    let push = context.socket(SocketType::Push).unwrap();
                    push.set_sndhwm(hwm).unwrap();
                    push.connect(&at).unwrap();
                    thread::spawn(move || send_stream(push, stream, each))
                })
                .collect();
            receive(&pull, 0, SENDERS as usize, SENDERS * each);
            senders.into_iter().for_each(|sender| sender.join().unwrap());
        }
    }
}

#[test]
fn both_directions_at_once() {
    let count = messages() / 8;
    for endpoint in endpoints("soak-both") {
        let context = Context::new();
        let (one, other) =
            (context.socket(SocketType::Dealer).unwrap(), context.socket(SocketType::Dealer).unwrap());
        for socket in [&one, &other] {
            socket.set_sndhwm(20).unwrap();
            socket.set_rcvhwm(20).unwrap();
        }
        other.connect(&one.bind(&endpoint).unwrap()).unwrap();
        let mut threads = Vec::new();
        for socket in [one, other] {
            let receiving = socket.clone();
            threads.push(thread::spawn(move || send_stream(socket, 0, count)));
            threads.push(thread::spawn(move || receive(&receiving, 0, 1, count)));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn a_router_serves_several_peers() {
    const PEERS: u64 = 3;
    let each = messages() / PEERS / 12;
    for endpoint in endpoints("soak-router") {
        let context = Context::new();
        let router = context.socket(SocketType::Router).unwrap();
        router.set_router_mandatory(true).unwrap();
        let at = router.bind(&endpoint).unwrap();
        let mut threads = Vec::new();
        for stream in 0..PEERS {
            let dealer = context.socket(SocketType::Dealer).unwrap();
            dealer.connect(&at).unwrap();
            let receiving = dealer.clone();
            threads.push(thread::spawn(move || send_stream(dealer, stream, each)));
            threads.push(thread::spawn(move || {
                let mut next = vec![0; PEERS as usize];
                for _ in 0..each {
                    check(&receiving.recv_timeout(SOON).unwrap(), 0, &mut next);
                }
            }));
        }
        // Every message goes back to where it came from.
        let mut next = vec![0; PEERS as usize];
        for _ in 0..PEERS * each {
            let received = router.recv_timeout(SOON).unwrap();
            check(&received, 1, &mut next);
            router.send_timeout(received, SOON).unwrap();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn a_publisher_that_waits_loses_nothing() {
    let count = messages() / 12;
    for endpoint in endpoints("soak-pub") {
        let context = Context::new();
        let publisher = context.socket(SocketType::Pub).unwrap();
        publisher.set_xpub_nodrop(true).unwrap();
        publisher.set_sndhwm(100).unwrap();
        let at = publisher.bind(&endpoint).unwrap();
        let subscribers: Vec<_> = (0..2)
            .map(|_| {
                let subscriber = context.socket(SocketType::Sub).unwrap();
                subscriber.set_rcvhwm(100).unwrap();
                subscriber.subscribe("").unwrap();
                subscriber.connect(&at).unwrap();
                thread::spawn(move || receive(&subscriber, 0, 1, count))
            })
            .collect();
        publisher.wait_for_peers(2, SOON).unwrap();
        send_stream(publisher, 0, count);
        subscribers.into_iter().for_each(|subscriber| subscriber.join().unwrap());
    }
}

#[test]
fn request_and_reply_with_pauses() {
    let rounds = messages() / 60;
    for endpoint in endpoints("soak-rr") {
        let context = Context::new();
        let (rep, req) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Req).unwrap());
        req.connect(&rep.bind(&endpoint).unwrap()).unwrap();
        let (stop, stopped) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let mut dice = Dice(1);
            for _ in 0..rounds {
                let request = rep.recv_timeout(SOON).unwrap();
                dice.pause();
                rep.send_timeout(request, SOON).unwrap();
            }
            let _ = stopped.recv();
        });
        let mut dice = Dice(2);
        let mut next = [0];
        for number in 0..rounds {
            req.send_timeout(message(0, number), SOON).unwrap();
            dice.pause();
            check(&req.recv_timeout(SOON).unwrap(), 0, &mut next);
        }
        drop(stop);
        server.join().unwrap();
    }
}
