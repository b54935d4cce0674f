//! What happens while the application is elsewhere: sent messages leave, messages arrive, PINGs are answered.

use crate::ground::{MOMENT, SOON, join, number, numbered, wires};
use ferrozmq::{Context, SocketType};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Looks again and again, without entering the socket under test, until `done`.
fn eventually(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < SOON, "it never came");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_sent_leaves_without_another_call() {
    for endpoint in wires() {
        for burst in [1, 3, 10, 100, 1000, 20_000] {
            let context = Context::new();
            let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
            push.set_sndhwm(0).unwrap();
            for round in 0..20 {
                for n in 0..burst {
                    push.send(numbered(n)).unwrap();
                }
                for n in 0..burst {
                    let message =
                        pull.recv_timeout(SOON).unwrap_or_else(|e| panic!("{burst}, {round}, {n}: {e}"));
                    assert_eq!(number(&message), n);
                }
            }
        }
    }
}

/// To so many that the sender does not write for itself.
#[test]
fn what_was_published_to_many_leaves_without_another_call() {
    const PEERS: usize = 20;
    for endpoint in wires() {
        let context = Context::new();
        let publisher = context.socket(SocketType::Pub).unwrap();
        publisher.set_sndhwm(0).unwrap();
        let at = publisher.bind(&endpoint).unwrap();
        let subscribers: Vec<_> = (0..PEERS)
            .map(|_| {
                let subscriber = context.socket(SocketType::Sub).unwrap();
                subscriber.set_rcvhwm(0).unwrap();
                subscriber.subscribe("").unwrap();
                subscriber.connect(&at).unwrap();
                subscriber
            })
            .collect();
        publisher.wait_for_peers(PEERS, SOON).unwrap();
        for burst in [1, 2, 5, 100, 2000] {
            for _ in 0..5 {
                (0..burst).for_each(|n| publisher.send(numbered(n)).unwrap());
                for subscriber in &subscribers {
                    (0..burst).for_each(|n| assert_eq!(number(&subscriber.recv_timeout(SOON).unwrap()), n));
                }
            }
        }
    }
}

#[test]
fn large_messages_leave_without_another_call() {
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        for size in [0, 1, 255, 256, 16_383, 16_384, 300_000, 5_000_000, 40_000_000] {
            push.send(vec![7; size]).unwrap();
            assert_eq!(pull.recv_timeout(SOON).unwrap().size(), size);
        }
    }
}

#[test]
fn the_lease_comes_back_and_messages_are_queued_meanwhile() {
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        push.send(numbered(0)).unwrap();
        // This call took the lease; the application does not come back for a while.
        pull.recv_timeout(SOON).unwrap();
        for n in 0..100 {
            push.send(numbered(n)).unwrap();
        }
        eventually(|| pull.stats().queued_in == 100);
        for n in 0..100 {
            assert_eq!(number(&pull.try_recv().unwrap()), n);
        }
    }
}

#[test]
fn the_lease_comes_back_after_a_time_out_and_after_poll() {
    use ferrozmq::{Events, PollItem, poll};
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        assert!(pull.recv_timeout(MOMENT).is_err());
        push.send(numbered(0)).unwrap();
        eventually(|| pull.stats().queued_in == 1);
        pull.try_recv().unwrap();
        let mut items = [PollItem::socket(&pull, Events::READABLE)];
        assert_eq!(poll(&mut items, Some(MOMENT)).unwrap(), 0);
        push.send(numbered(1)).unwrap();
        eventually(|| pull.stats().queued_in == 1);
    }
}

/// A peer that speaks ZMTP 3.1 by hand, after its handshake as `kind`.
pub struct ByHand {
    pub stream: TcpStream,
}

impl ByHand {
    pub fn connect(endpoint: &str, kind: &str) -> ByHand {
        let stream = TcpStream::connect(endpoint.trim_start_matches("tcp://")).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut peer = ByHand { stream };
        let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
        greeting.extend_from_slice(b"NULL");
        greeting.resize(64, 0);
        peer.stream.write_all(&greeting).unwrap();
        let mut theirs = [0; 64];
        peer.stream.read_exact(&mut theirs).unwrap();
        let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
        ready.push(kind.len() as u8);
        ready.extend_from_slice(kind.as_bytes());
        peer.command(&ready);
        let (flags, body) = peer.frame();
        assert_eq!(flags, 4);
        assert!(body.starts_with(b"\x05READY"));
        peer
    }

    pub fn command(&mut self, body: &[u8]) {
        let mut frame = vec![4, body.len() as u8];
        frame.extend_from_slice(body);
        self.stream.write_all(&frame).unwrap();
    }

    pub fn message(&mut self, body: &[u8]) {
        let mut frame = vec![0, body.len() as u8];
        frame.extend_from_slice(body);
        self.stream.write_all(&frame).unwrap();
    }

    /// The next frame of up to 255 bytes: flags and body.
    pub fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 2];
        self.stream.read_exact(&mut header).unwrap();
        let mut body = vec![0; header[1].into()];
        self.stream.read_exact(&mut body).unwrap();
        (header[0], body)
    }
}

#[test]
fn a_ping_is_answered_while_the_application_is_away() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ByHand::connect(&endpoint, "PUSH");
    peer.command(b"\x04PING\0\0one");
    assert_eq!(peer.frame(), (4, b"\x04PONGone".to_vec()));
    peer.message(b"hello");
    pull.recv_timeout(SOON).unwrap();
    // The application holds the lease, and stays away.
    for _ in 0..20 {
        peer.command(b"\x04PING\0\0two");
        assert_eq!(peer.frame(), (4, b"\x04PONGtwo".to_vec()));
    }
    // It waits for something else for ever: input of the same socket is read by whoever waits.
    let waiting = pull.clone();
    let waiter = std::thread::spawn(move || waiting.recv_timeout(SOON).unwrap());
    for _ in 0..20 {
        peer.command(b"\x04PING\0\0three");
        assert_eq!(peer.frame(), (4, b"\x04PONGthree".to_vec()));
    }
    peer.message(b"bye");
    waiter.join().unwrap();
}

#[test]
fn a_sender_answers_pings_too() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ByHand::connect(&endpoint, "PULL");
    push.wait_for_peers(1, SOON).unwrap();
    for _ in 0..20 {
        peer.command(b"\x04PING\0\0x");
        assert_eq!(peer.frame(), (4, b"\x04PONGx".to_vec()));
        push.send("m").unwrap();
        assert_eq!(peer.frame(), (0, b"m".to_vec()));
    }
}

#[test]
fn a_reply_leaves_though_the_server_computes_for_ever_after() {
    let context = Context::new();
    let (rep, req) = join(&context, SocketType::Rep, SocketType::Req, "tcp://127.0.0.1:*");
    for n in 0..100 {
        req.send(numbered(n)).unwrap();
        let request = rep.recv_timeout(SOON).unwrap();
        rep.send(request).unwrap();
        assert_eq!(number(&req.recv_timeout(SOON).unwrap()), n);
    }
    assert_eq!(
        rep.recv_timeout(Duration::from_millis(1)).unwrap_err().kind(),
        ferrozmq::ErrorKind::WouldBlock
    );
}

#[test]
fn a_subscription_is_told_without_another_call() {
    for endpoint in wires() {
        let context = Context::new();
        let (publisher, subscriber) =
            (context.socket(SocketType::XPub).unwrap(), context.socket(SocketType::Sub).unwrap());
        subscriber.connect(&publisher.bind(&endpoint).unwrap()).unwrap();
        publisher.wait_for_peers(0, SOON).unwrap();
        for n in 0..50_u8 {
            subscriber.subscribe([n]).unwrap();
            assert_eq!(publisher.recv_timeout(SOON).unwrap().first().as_bytes(), [1, n]);
        }
        for n in 0..50_u8 {
            subscriber.unsubscribe([n]).unwrap();
            assert_eq!(publisher.recv_timeout(SOON).unwrap().first().as_bytes(), [0, n]);
        }
    }
}
