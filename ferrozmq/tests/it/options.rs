//! Options through the public API, and what they do to living sockets.

use crate::ground::{MOMENT, SOON, endpoints, join, meet, number, numbered, wires};
use crate::progress::ByHand;
use ferrozmq::{Context, ErrorKind, EventKind, Events, Message, PeerInfo, PollItem, SocketType, poll};
use ferrozmq_proto::option::{Options, Profile, Reading, TABLE, Value};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const KINDS: [SocketType; 12] = {
    use SocketType::*;
    [Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, XPub, XSub, Stream]
};

/// Every row: a socket says what the table says, for every type; what was read can be set again.
#[test]
fn every_row_of_the_table_is_reached() {
    let context = Context::new();
    let all =
        KINDS.into_iter().flat_map(|kind| [Profile::Native, Profile::Libzmq].map(|profile| (kind, profile)));
    for (kind, profile) in all {
        let socket = context.socket_with_profile(kind, profile).unwrap();
        for row in TABLE {
            let told = socket.read_raw(row.number);
            let expected = Options::of(kind, profile).read(kind, row.number, None);
            match (&told, &expected) {
                (Ok(bytes), Ok(Reading::Value(value))) => {
                    assert_eq!(*bytes, value.to_c_bytes(), "{}", row.name);
                    let set = socket.set_raw(row.number, bytes);
                    // Some defaults say "not set" by a value that cannot be set, in libzmq too.
                    let settable = !matches!(value, Value::Text(_) | Value::Binary(_) | Value::Int(-1));
                    if row.writers.contains(kind) && settable {
                        set.unwrap_or_else(|error| panic!("{kind:?} {}: {error}", row.name));
                        assert_eq!(socket.read_raw(row.number).unwrap(), *bytes);
                    }
                }
                (_, Ok(Reading::Ask(_))) => {}
                (Err(error), Err(_)) => assert_eq!(error.errno(), 22, "{}", row.name),
                _ => panic!("{kind:?} {}: {told:?}", row.name),
            }
        }
        assert_eq!(socket.read_raw(9999).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(socket.set_raw(9999, &[0; 4]).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(socket.set_raw(23, &(-1_i32).to_ne_bytes()).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(socket.set_raw(23, &[0; 8]).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn conflating_keeps_only_the_newest() {
    for endpoint in endpoints("conflate") {
        for (sending, receiving) in [(true, true), (true, false), (false, true)] {
            let context = Context::new();
            let (pull, push) =
                (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
            pull.set_conflate(receiving).unwrap();
            push.set_conflate(sending).unwrap();
            push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
            meet(&pull, &push);
            for n in 0..900 {
                push.send(numbered(n)).unwrap();
            }
            let begin = Instant::now();
            let mut last = None;
            let mut received = 0;
            while last != Some(899) {
                assert!(begin.elapsed() < SOON, "{endpoint} {sending} {receiving}: {last:?}");
                if let Ok(message) = pull.recv_timeout(MOMENT) {
                    let n = number(&message);
                    assert!(last.is_none_or(|last| last < n), "{n} after {last:?}");
                    last = Some(n);
                    received += 1;
                }
            }
            if endpoint.starts_with("inproc") {
                assert_eq!(received, 1);
            }
            assert!(pull.try_recv().is_err());
        }
    }
}

#[test]
fn a_receive_after_a_poll_gives_the_newest_all_the_same() {
    for endpoint in endpoints("conflate-poll") {
        for (receiver, sender) in [
            (SocketType::Pull, SocketType::Push),
            (SocketType::Sub, SocketType::Pub),
            (SocketType::Dealer, SocketType::Dealer),
        ] {
            let context = Context::new();
            let (receiver, sender) = (context.socket(receiver).unwrap(), context.socket(sender).unwrap());
            receiver.set_conflate(true).unwrap();
            if receiver.socket_type() == SocketType::Sub {
                receiver.subscribe("").unwrap();
            }
            sender.connect(&receiver.bind(&endpoint).unwrap()).unwrap();
            meet(&receiver, &sender);
            sender.send(numbered(1)).unwrap();
            let readable = || {
                let mut items = [PollItem::socket(&receiver, Events::READABLE)];
                poll(&mut items, Some(SOON)).unwrap() == 1
            };
            assert!(readable());
            sender.send(numbered(2)).unwrap();
            // It is on its way: each poll may be too early for it, and none may keep it away.
            let begin = Instant::now();
            while receiver.stats().arrived < 2 {
                assert!(readable() && begin.elapsed() < SOON);
            }
            assert_eq!(number(&receiver.recv_timeout(SOON).unwrap()), 2);
            assert!(receiver.try_recv().is_err());
        }
    }
}

#[test]
fn conflate_never_blocks_the_sender_and_leaves_other_types_alone() {
    for endpoint in endpoints("conflate-types") {
        let context = Context::new();
        let (publisher, subscriber) =
            (context.socket(SocketType::Pub).unwrap(), context.socket(SocketType::Sub).unwrap());
        publisher.set_sndhwm(1).unwrap();
        subscriber.set_conflate(true).unwrap();
        subscriber.subscribe("").unwrap();
        subscriber.connect(&publisher.bind(&endpoint).unwrap()).unwrap();
        publisher.wait_for_peers(1, SOON).unwrap();
        publisher.send(numbered(0)).unwrap();
        assert_eq!(number(&subscriber.recv_timeout(SOON).unwrap()), 0);
        let (router, req) =
            (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Dealer).unwrap());
        router.set_conflate(true).unwrap();
        req.connect(&router.bind(&endpoint.replace("types", "router")).unwrap()).unwrap();
        for n in 0..50 {
            req.send(numbered(n)).unwrap();
        }
        for n in 0..50 {
            assert_eq!(number(&router.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn too_long_a_message_ends_its_connection() {
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        pull.set_max_message_size(Some(100)).unwrap();
        push.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
        push.set_linger(Some(Duration::ZERO)).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let monitor = pull.monitor().unwrap();
        push.send(vec![1; 100]).unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap().size(), 100);
        push.send(vec![1; 101]).unwrap();
        assert!(monitor.into_iter().any(|event| event.kind == EventKind::Disconnected));
        // The next connection is as good as new.
        pull.wait_for_peers(1, SOON).unwrap();
        let begin = Instant::now();
        while pull.recv_timeout(MOMENT).is_err() {
            push.try_send("good").unwrap();
            assert!(begin.elapsed() < SOON);
        }
    }
}

#[test]
fn a_silent_peer_is_dropped() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set_heartbeat_interval(Some(Duration::from_millis(20))).unwrap();
    pull.set_heartbeat_timeout(Some(Duration::from_millis(60))).unwrap();
    let monitor = pull.monitor().unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ByHand::connect(&endpoint, "PUSH");
    assert!(peer.frame().1.starts_with(b"\x04PING"));
    let begin = Instant::now();
    assert!(monitor.into_iter().any(|event| event.kind == EventKind::Disconnected));
    assert!(begin.elapsed() < SOON);
    let mut rest = Vec::new();
    let _ = peer.stream.read_to_end(&mut rest);
}

#[test]
fn the_time_to_live_that_a_ping_asks_for_is_heeded_without_own_heartbeats() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let monitor = pull.monitor().unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ByHand::connect(&endpoint, "PUSH");
    peer.command(b"\x04PING\0\x01");
    assert!(peer.frame().1.starts_with(b"\x04PONG"));
    assert!(
        std::iter::from_fn(|| monitor.recv_timeout(SOON)).any(|event| event.kind == EventKind::Disconnected)
    );
}

#[test]
fn a_peer_that_does_not_know_heartbeats_is_not_given_up() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set_heartbeat_interval(Some(Duration::from_millis(10))).unwrap();
    pull.set_heartbeat_timeout(Some(Duration::from_millis(30))).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut old = std::net::TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
    // ZMTP 2.0: the signature, revision 1, a PUSH, no identity.
    old.write_all(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0").unwrap();
    pull.wait_for_peers(1, SOON).unwrap();
    let monitor = pull.monitor().unwrap();
    let silent = ByHand::connect(&endpoint, "PUSH");
    // When the one that knows them is given up, the other would have been before.
    assert!(monitor.into_iter().any(|event| event.kind == EventKind::Disconnected));
    old.write_all(b"\0\x05hello").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("hello"));
    drop(silent);
}

/// A peer whose queue is full reads no PINGs; whether it is alive, only its own can tell.
#[test]
fn who_fills_queues_gives_up_only_peers_that_ping() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_heartbeat_interval(Some(Duration::from_millis(10))).unwrap();
    push.set_heartbeat_timeout(Some(Duration::from_millis(30))).unwrap();
    let monitor = push.monitor().unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let mut silent = ByHand::connect(&endpoint, "PULL");
    push.wait_for_peers(1, SOON).unwrap();
    for _ in 0..10 {
        assert!(silent.frame().1.starts_with(b"\x04PING"), "it is asked again and again");
    }
    silent.command(b"\x04PING\0\0");
    let begin = Instant::now();
    assert!(monitor.into_iter().any(|event| event.kind == EventKind::Disconnected));
    assert!(begin.elapsed() < SOON);
}

#[test]
fn peers_that_beat_stay_together() {
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        for socket in [&pull, &push] {
            socket.set_heartbeat_interval(Some(Duration::from_millis(10))).unwrap();
            socket.set_heartbeat_timeout(Some(Duration::from_secs(5))).unwrap();
        }
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        meet(&pull, &push);
        let monitor = push.monitor().unwrap();
        assert!(monitor.recv_timeout(MOMENT * 10).is_none());
        push.send("still here").unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("still here"));
    }
}

#[test]
fn the_last_endpoint_is_told() {
    for endpoint in endpoints("last") {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        assert_eq!(pull.last_endpoint(), "");
        let at = pull.bind(&endpoint).unwrap();
        assert_eq!(pull.last_endpoint(), at);
        assert!(!at.contains('*'));
        let mut c_string = at.clone().into_bytes();
        c_string.push(0);
        assert_eq!(pull.read_raw(32).unwrap(), c_string);
        push.connect(&at).unwrap();
        assert_eq!(push.last_endpoint(), at);
    }
}

#[test]
fn a_message_tells_who_sent_it() {
    for endpoint in wires() {
        let context = Context::new();
        let (router, dealer) =
            (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Dealer).unwrap());
        dealer.set_routing_id("me").unwrap();
        dealer.set_raw(95, b"X-colour:blue").unwrap();
        dealer.connect(&router.bind(&endpoint).unwrap()).unwrap();
        dealer.send("hello").unwrap();
        let message = router.recv_timeout(SOON).unwrap();
        let peer = PeerInfo::of(message.last()).expect("known");
        assert_eq!(peer.socket_type, Some(SocketType::Dealer));
        assert_eq!(peer.routing_id.as_ref(), b"me");
        assert_eq!(peer.property("X-colour").as_deref(), Some("blue"));
        assert_eq!(peer.property("Socket-Type").as_deref(), Some("DEALER"));
        assert_eq!(peer.property("nothing"), None);
        if endpoint.starts_with("tcp") {
            assert_eq!(peer.address, "127.0.0.1");
        }
        // After the peer has gone, too.
        drop(dealer);
        assert!(PeerInfo::of(message.last()).is_some());
        assert!(router.peer_of(&Message::from("made here")).is_none());
    }
}

#[test]
fn a_message_that_is_passed_on_within_the_process_tells_who_sent_it() {
    let context = Context::new();
    let [push, pull, on, end] = [SocketType::Push, SocketType::Pull, SocketType::Push, SocketType::Pull]
        .map(|kind| context.socket(kind).unwrap());
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    end.bind("inproc://end").unwrap();
    on.connect("inproc://end").unwrap();
    for body in ["first", "second", "third"] {
        push.send(body).unwrap();
        on.send(pull.recv_timeout(SOON).unwrap()).unwrap();
        let message = end.recv_timeout(SOON).unwrap();
        assert_eq!(message, Message::from(body));
        assert_eq!(PeerInfo::of(message.last()).expect(body).address, "127.0.0.1");
    }
    on.send("made here").unwrap();
    assert!(PeerInfo::of(end.recv_timeout(SOON).unwrap().last()).is_none());
}

#[test]
fn several_io_threads_and_affinity() {
    let context = Context::builder().io_threads(3).build();
    let pull = context.socket(SocketType::Pull).unwrap();
    let mut pushes = Vec::new();
    for mask in [1_u64, 2, 4, 0, 7] {
        pull.set_raw(4, &mask.to_ne_bytes()).unwrap();
        let at = pull.bind("tcp://127.0.0.1:*").unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.set_raw(4, &mask.to_ne_bytes()).unwrap();
        push.connect(&at).unwrap();
        pushes.push(push);
    }
    for round in 0..200 {
        for push in &pushes {
            push.send(numbered(round)).unwrap();
        }
        for _ in &pushes {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), round);
        }
    }
    pull.set_raw(4, &8_u64.to_ne_bytes()).unwrap();
    assert_eq!(pull.bind("tcp://127.0.0.1:*").unwrap_err().kind(), ErrorKind::NoIoThread);
}

#[test]
fn without_io_threads_there_is_inproc_only() {
    let context = Context::builder().io_threads(0).build();
    let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, "inproc://only");
    assert_eq!(push.connect("tcp://127.0.0.1:1").unwrap_err().kind(), ErrorKind::NoIoThread);
    assert_eq!(pull.bind("tcp://127.0.0.1:*").unwrap_err().kind(), ErrorKind::NoIoThread);
    let receiver = std::thread::spawn(move || pull.recv_timeout(SOON).unwrap());
    push.send("x").unwrap();
    assert_eq!(receiver.join().unwrap(), Message::from("x"));
}

#[test]
fn a_peer_is_called_as_the_application_wants() {
    for immediate in [false, true] {
        let context = Context::new();
        let (one, other) =
            (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Router).unwrap());
        one.set_router_mandatory(true).unwrap();
        one.set_immediate(immediate).unwrap();
        let at = other.bind("tcp://127.0.0.1:*").unwrap();
        one.set_raw(61, b"friend").unwrap();
        one.connect(&at).unwrap();
        one.wait_for_peers(1, SOON).unwrap();
        one.send(["friend", "hello"]).unwrap();
        assert_eq!(other.recv_timeout(SOON).unwrap()[1].as_bytes(), b"hello");
    }
}

#[test]
fn more_sockets_than_allowed_are_refused() {
    let context = Context::builder().max_sockets(2).build();
    let one = context.socket(SocketType::Pair).unwrap();
    let _other = context.socket(SocketType::Pair).unwrap();
    assert_eq!(context.socket(SocketType::Pair).unwrap_err().kind(), ErrorKind::TooManySockets);
    drop(one);
    // Its I/O threads let go of it in their own time.
    let begin = Instant::now();
    while context.socket(SocketType::Pair).is_err() {
        assert!(begin.elapsed() < SOON);
    }
}
