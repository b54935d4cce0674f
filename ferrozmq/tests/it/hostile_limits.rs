//! The limits of what peers may cost, each moved by its option: the peer that exceeds it is disconnected, it alone, and the monitor says why.

use crate::peer::{RawPeer, SOON, command, frame, greeting, handshake, next_event};
use ferrozmq::{Context, EventKind, Monitor, Pull, Push, Socket, SocketType};
use std::io::Read;
use std::time::{Duration, Instant};

/// A bound socket of type `kind`, where it is bound, and its monitor.
fn bound(kind: SocketType, prepare: impl FnOnce(&Socket)) -> (Socket, String, Monitor) {
    let socket = Context::new().socket(kind).unwrap();
    socket.set_handshake_interval(Some(SOON)).unwrap();
    prepare(&socket);
    let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = socket.monitor().unwrap();
    (socket, endpoint, monitor)
}

/// The reason given with the next event of this kind.
fn reason(monitor: &Monitor, kind: EventKind) -> String {
    next_event(monitor, kind).reason.expect("a reason")
}

/// A message goes through from a peer that keeps to the limits.
fn serves(pull: &Socket, endpoint: &str) {
    let mut peer = RawPeer::ready(endpoint, "PUSH");
    peer.write(&frame(0, b"good"));
    assert_eq!(pull.recv_timeout(SOON).unwrap(), ferrozmq::Message::from("good"));
}

/// READY of a PUSH with `count` more properties, whose values are so many bytes long.
fn ready_with(count: usize, value: usize) -> Vec<u8> {
    let mut properties = b"\x0bSocket-Type\0\0\0\x04PUSH".to_vec();
    for number in 0..count {
        properties.extend_from_slice(format!("\x05X-{number:03}").as_bytes());
        properties.extend_from_slice(&(value as u32).to_be_bytes());
        properties.resize(properties.len() + value, b'v');
    }
    command("READY", &properties)
}

#[test]
fn t3_a_handshake_has_its_bytes() {
    let (pull, endpoint, monitor) =
        bound(SocketType::Pull, |pull| pull.set_max_handshake_bytes(100).unwrap());
    let mut peer = RawPeer::connect(&endpoint);
    peer.write(&greeting());
    peer.write(&ready_with(1, 80));
    peer.wait_closed();
    let text = reason(&monitor, EventKind::HandshakeFailedProtocol);
    assert!(text.contains("handshake"), "{text}");
    serves(&pull, &endpoint);
}

#[test]
fn t3_properties_have_their_number_and_length() {
    let prepare = |pull: &Socket| {
        pull.set_max_properties(3).unwrap();
        pull.set_max_property_bytes(20).unwrap();
    };
    let (pull, endpoint, monitor) = bound(SocketType::Pull, prepare);
    for (count, value, allowed) in [(2, 20, true), (3, 1, false), (1, 21, false)] {
        let mut peer = RawPeer::connect(&endpoint);
        peer.write(&greeting());
        peer.write(&ready_with(count, value));
        if allowed {
            peer.read_command(b"READY");
            next_event(&monitor, EventKind::HandshakeSucceeded);
        } else {
            peer.wait_closed();
            next_event(&monitor, EventKind::HandshakeFailedProtocol);
        }
    }
    serves(&pull, &endpoint);
}

#[test]
fn t5_handshakes_in_progress_have_their_number() {
    let (pull, endpoint, monitor) = bound(SocketType::Pull, |pull| pull.set_max_handshakes(3).unwrap());
    let silent: Vec<RawPeer> = (0..4).map(|_| RawPeer::connect(&endpoint)).collect();
    let text = reason(&monitor, EventKind::HandshakeFailedNoDetail);
    assert!(text.contains("max_handshakes"), "{text}");
    // Who has to go is drawn by lot, and one that is still being accepted may be: a peer that tries again comes in.
    let good = Context::new().socket(SocketType::Push).unwrap();
    good.connect(&endpoint).unwrap();
    good.send("good").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), ferrozmq::Message::from("good"));
    drop(silent);
}

#[test]
fn t5_connections_have_their_number() {
    let (pull, endpoint, monitor) =
        bound(SocketType::Pull, |pull| pull.set_max_connections(Some(3)).unwrap());
    let mut good: Vec<RawPeer> = (0..2).map(|_| RawPeer::ready(&endpoint, "PUSH")).collect();
    // Who says nothing makes place for who does.
    let mut silent = RawPeer::connect(&endpoint);
    good.push(RawPeer::ready(&endpoint, "PUSH"));
    silent.wait_closed();
    let mut refused = RawPeer::connect(&endpoint);
    refused.wait_closed();
    let text = reason(&monitor, EventKind::AcceptFailed);
    assert!(text.contains("max_connections"), "{text}");
    for peer in &mut good {
        peer.write(&frame(0, b"here"));
        pull.recv_timeout(SOON).unwrap();
    }
    while monitor.try_recv().is_some() {}
    drop(good);
    for _ in 0..3 {
        next_event(&monitor, EventKind::Disconnected);
    }
    serves(&pull, &endpoint);
}

#[test]
fn t5_raw_connections_are_counted_too() {
    let (stream, endpoint, _monitor) =
        bound(SocketType::Stream, |stream| stream.set_max_connections(Some(1)).unwrap());
    let mut first = RawPeer::connect(&endpoint);
    first.write(b"hello");
    // It is there; then what it said.
    let id = stream.recv_timeout(SOON).unwrap()[0].clone();
    assert_eq!(stream.recv_timeout(SOON).unwrap()[1].as_bytes(), b"hello");
    RawPeer::connect(&endpoint).wait_closed();
    let mut answer = ferrozmq::Message::from("still here");
    answer.push_front(id);
    stream.send(answer).unwrap();
    let mut room = [0; 10];
    first.stream.read_exact(&mut room).unwrap();
    assert_eq!(&room, b"still here");
}

#[test]
fn t8_a_message_has_its_bytes_and_parts() {
    let prepare = |pull: &Socket| {
        pull.set_max_multipart_bytes(Some(1000)).unwrap();
        pull.set_max_parts(5).unwrap();
    };
    let (pull, endpoint, monitor) = bound(SocketType::Pull, prepare);
    let part = frame(1, &[b'p'; 250]);
    let empty = frame(1, b"");
    let offences = [frame(0, &[b'l'; 1001]), [&part[..], &part, &part, &part].concat(), empty.repeat(6)];
    for offence in offences {
        let mut peer = RawPeer::ready(&endpoint, "PUSH");
        peer.write(&offence);
        peer.wait_closed();
        let text = reason(&monitor, EventKind::Disconnected);
        assert!(text.contains("size limit") || text.contains("too many parts or bytes"), "{text}");
    }
    let mut peer = RawPeer::ready(&endpoint, "PUSH");
    peer.write(&[&part[..], &empty, &empty, &empty, &frame(0, &[b'e'; 200])].concat());
    assert_eq!(pull.recv_timeout(SOON).unwrap().len(), 5);
    peer.write(&frame(0, &[b'w'; 1000]));
    assert_eq!(pull.recv_timeout(SOON).unwrap()[0].len(), 1000);
    serves(&pull, &endpoint);
}

#[test]
fn t8_unread_messages_have_their_bytes_and_the_peer_waits() {
    const LIMIT: u64 = 1 << 20;
    const BODY: usize = 100_000;
    let context = Context::new();
    let pull = Pull::builder(&context).rcvhwm(0).max_unread_bytes(Some(LIMIT)).build().unwrap();
    let pull = pull.as_socket();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = RawPeer::ready(&endpoint, "PUSH");
    let count = 300;
    let writer = std::thread::spawn(move || {
        let message = frame(0, &[b'u'; BODY]);
        (0..count).for_each(|_| peer.write(&message));
        peer
    });
    let begin = Instant::now();
    while (pull.stats().queued_in_bytes as u64) < LIMIT {
        assert!(begin.elapsed() < SOON);
        std::thread::yield_now();
    }
    // The writer has much more to say, and nobody reads it.
    let most = LIMIT as usize + 2 * BODY;
    for _ in 0..count {
        assert!(pull.stats().queued_in_bytes <= most, "{:?}", pull.stats());
        assert_eq!(pull.recv_timeout(SOON).unwrap()[0].len(), BODY);
    }
    let peer = writer.join().unwrap();
    serves(pull, &endpoint);
    drop(peer);
}

#[test]
fn t8_unsent_messages_have_their_bytes() {
    const LIMIT: u64 = 1 << 20;
    for (body, hwm) in [(100_000, 0), (100_000, 1000), (1000, 0)] {
        let push = Push::builder(&Context::new()).sndhwm(hwm).max_unsent_bytes(Some(LIMIT)).build().unwrap();
        let push = push.as_socket();
        let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
        let mut peer = RawPeer::ready(&endpoint, "PULL");
        push.wait_for_peers(1, SOON).unwrap();
        let mut sent = 0;
        // The peer does not read: what the kernel does not take is queued.
        let mut last = Instant::now();
        while last.elapsed() < Duration::from_millis(100) {
            if push.try_send(vec![b'u'; body]).is_ok() {
                sent += 1;
                last = Instant::now();
            }
            let queued = push.stats().queued_out_bytes;
            assert!(queued <= LIMIT as usize + 2 * body + 16 * 1024, "{queued} bytes of {body} each");
        }
        assert!(push.stats().queued_out_bytes as u64 > LIMIT / 2);
        // When it reads, sending goes on, and all arrives.
        let reader = std::thread::spawn(move || {
            let (mut room, mut read) = (vec![0; 1 << 16], 0);
            loop {
                match peer.stream.read(&mut room).unwrap() {
                    0 => return read,
                    more => read += more,
                }
            }
        });
        (0..20).for_each(|_| push.send_timeout(vec![b'u'; body], SOON).unwrap());
        push.close();
        assert!(reader.join().unwrap() >= (sent + 20) * body);
    }
}

#[test]
fn t7_topics_have_their_length() {
    let (publisher, endpoint, monitor) =
        bound(SocketType::Pub, |publisher| publisher.set_max_topic_bytes(100).unwrap());
    let mut good = subscriber(&endpoint, b"good");
    for offence in [command("SUBSCRIBE", &[b't'; 101]), frame(0, &[&[1][..], &[b't'; 101]].concat())] {
        let mut peer = RawPeer::ready(&endpoint, "SUB");
        peer.write(&offence);
        peer.wait_closed();
        next_event(&monitor, EventKind::Disconnected);
    }
    assert!(hears(&publisher, &mut good));
}

#[test]
fn t7_subscriptions_have_their_number_and_bytes() {
    for by_number in [true, false] {
        let (publisher, endpoint, monitor) = bound(SocketType::Pub, |publisher| {
            if by_number {
                publisher.set_max_subscriptions(Some(5)).unwrap();
            } else {
                publisher.set_max_subscription_bytes(Some(5 * (256 + 2))).unwrap();
            }
        });
        let mut good = subscriber(&endpoint, b"good");
        let mut greedy = RawPeer::ready(&endpoint, "SUB");
        for number in 0..5_u16 {
            // Those it has already cost nothing more.
            greedy.write(&command("SUBSCRIBE", &number.to_be_bytes()).repeat(2));
        }
        assert!(hears(&publisher, &mut good));
        greedy.write(&command("SUBSCRIBE", b"XX"));
        // The publisher looks when it is called.
        let begin = Instant::now();
        let lost = loop {
            publisher.send("tick").unwrap();
            if let Some(event) = monitor.try_recv().filter(|event| event.kind == EventKind::Disconnected) {
                break event;
            }
            assert!(begin.elapsed() < SOON);
            std::thread::yield_now();
        };
        assert_eq!(lost.reason.as_deref(), Some("the peer has too many subscriptions"));
        greedy.wait_closed();
        assert!(hears(&publisher, &mut good));
    }
}

#[test]
fn r4_limits_are_read_back_and_refuse_nonsense() {
    let publisher = Context::new().socket(SocketType::Pub).unwrap();
    assert_eq!(publisher.options().unwrap().limits.subscriptions, Some(1_000_000));
    publisher.set_text("max_subscriptions", "-1").unwrap();
    assert_eq!(publisher.options().unwrap().limits.subscriptions, None);
    publisher.set_text("max_topic_bytes", "2k").unwrap();
    assert!([2000, 2048].contains(&publisher.options().unwrap().limits.link.topic_bytes));
    assert!(publisher.set_text("max_handshakes", "0").is_err());
    assert!(publisher.set_text("max_parts", "many").is_err());
    let pull = Context::new().socket(SocketType::Pull).unwrap();
    assert!(pull.set_max_subscriptions(Some(3)).is_err(), "a PULL has no subscribers");
}

/// A subscriber to this topic.
fn subscriber(endpoint: &str, topic: &[u8]) -> RawPeer {
    let mut peer = RawPeer::connect(endpoint);
    peer.write(&[handshake("SUB"), command("SUBSCRIBE", topic)].concat());
    peer.read_command(b"READY");
    peer
}

/// Whether the subscriber hears the publisher say `good`.
fn hears(publisher: &Socket, subscriber: &mut RawPeer) -> bool {
    subscriber.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let begin = Instant::now();
    while begin.elapsed() < SOON {
        publisher.send("good").unwrap();
        let mut room = [0; 4096];
        if let Ok(count @ 1..) = subscriber.stream.read(&mut room)
            && room[..count].windows(4).any(|window| window == b"good")
        {
            return true;
        }
    }
    false
}
