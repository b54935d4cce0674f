//! Peers that stop, die, or come back all at once.

use crate::child::{argument, child, run_child, signal, start_child, stop};
use crate::ground::bind_again;
use crate::peer::{RawPeer, SOON, command, frame, handshake, resident_bytes};
use ferrozmq::{Context, Dealer, ErrorKind, EventKind, Frame, Message, Pub, Pull, Push, Router, Sub};
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

const BODY: usize = 1024;

/// The sequence number at the beginning of a message's last part.
fn number(message: &Message) -> u64 {
    let bytes = message.last().as_bytes();
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

fn numbered(n: u64) -> Message {
    let mut body = n.to_be_bytes().to_vec();
    body.resize(BODY, 7);
    Message::from(body)
}

/// In the child: receives `count` messages in order, and says so.
fn receive_in_order(endpoint: &str, count: u64) {
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    pull.as_socket().set_rcvhwm(10).unwrap();
    pull.connect(endpoint).unwrap();
    for n in 0..count {
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
    }
    println!("> all in order");
}

#[test]
fn f15_a_stopped_peer_blocks_a_push_and_loses_nothing() {
    const COUNT: u64 = 30_000;
    if child() {
        return receive_in_order(&argument(), COUNT);
    }
    let context = Context::new();
    let push = Push::new(&context).unwrap();
    push.as_socket().set_sndhwm(10).unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let peer = start_child("peers::f15_a_stopped_peer_blocks_a_push_and_loses_nothing", &endpoint);
    push.as_socket().wait_for_peers(1, SOON).unwrap();
    stop(&peer);
    let mut n = 0;
    while let Ok(()) = push.send_timeout(numbered(n), Duration::from_millis(200)) {
        n += 1;
        assert!(n < COUNT, "the kernel's buffers and twenty messages are not endless");
    }
    let error = push.try_send(numbered(n)).unwrap_err();
    assert_eq!(error.error().kind(), ErrorKind::WouldBlock);
    signal(&peer, libc::SIGCONT);
    for n in n..COUNT {
        push.send_timeout(numbered(n), SOON).unwrap();
    }
    let output = peer.wait_with_output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("> all in order"));
}

#[test]
fn f15_a_stopped_subscriber_costs_itself_only() {
    const COUNT: u64 = 30_000;
    if child() {
        let context = Context::new();
        let sub = Sub::new(&context).unwrap();
        sub.subscribe("").unwrap();
        sub.connect(&argument()).unwrap();
        let mut last = None;
        let mut gaps = 0;
        loop {
            let message = sub.recv_timeout(SOON).unwrap();
            let n = number(&message);
            assert!(last.is_none_or(|last| last < n), "order is kept");
            gaps += u64::from(last.is_some_and(|last| last + 1 < n));
            last = Some(n);
            if n == u64::MAX {
                return println!("> {gaps} gaps");
            }
        }
    }
    let context = Context::new();
    let publisher = Pub::new(&context).unwrap();
    publisher.as_socket().set_sndhwm(100).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = start_child("peers::f15_a_stopped_subscriber_costs_itself_only", &endpoint);
    let good = Sub::new(&context).unwrap();
    good.as_socket().set_rcvhwm(0).unwrap();
    good.subscribe("").unwrap();
    good.connect(&endpoint).unwrap();
    publisher.as_socket().wait_for_peers(2, SOON).unwrap();
    stop(&peer);
    for n in 0..COUNT {
        publisher.send(numbered(n)).unwrap();
        assert_eq!(number(&good.recv_timeout(SOON).unwrap()), n);
    }
    assert!(publisher.as_socket().stats().dropped.hwm > 0, "what the stopped one cannot take is dropped");
    signal(&peer, libc::SIGCONT);
    let mut output = BufReader::new(peer.stdout.take().unwrap());
    // It reads again; sooner or later the last word fits into its queue.
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while !line.contains("gaps") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0);
        }
        line
    });
    while !reader.is_finished() {
        publisher.send(numbered(u64::MAX)).unwrap();
        assert_eq!(number(&good.recv_timeout(SOON).unwrap()), u64::MAX);
    }
    assert!(!reader.join().unwrap().contains("> 0 gaps"));
    // How it ended does not matter: nobody reads the rest of what it says.
    peer.wait().unwrap();
}

#[test]
fn f1_killed_peers_leave_whole_messages() {
    if child() {
        let context = Context::new();
        let push = Push::new(&context).unwrap();
        push.connect(&argument()).unwrap();
        let mut n = 0;
        loop {
            push.send([numbered(n).into_iter().next().unwrap(), numbered(n).into_iter().next().unwrap()])
                .unwrap();
            n += 1;
        }
    }
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = pull.as_socket().monitor().unwrap();
    for round in 0..5 {
        let mut peer = start_child("peers::f1_killed_peers_leave_whole_messages", &endpoint);
        let mut expected = 0;
        let mut check = |message: Message| {
            assert_eq!(message.len(), 2);
            assert!(message.iter().all(|part| part.len() == BODY));
            assert_eq!(number(&message), expected);
            expected += 1;
        };
        for _ in 0..2000 + 137 * round {
            check(pull.recv_timeout(SOON).unwrap());
        }
        signal(&peer, libc::SIGKILL);
        peer.wait().unwrap();
        next_event_while(&monitor, || pull.try_recv().map(&mut check).is_ok());
        while pull.try_recv().map(&mut check).is_ok() {}
    }
}

/// Waits for the end of a connection while `drain` makes room.
fn next_event_while(monitor: &ferrozmq::Monitor, mut drain: impl FnMut() -> bool) {
    let start = Instant::now();
    loop {
        drain();
        match monitor.recv_timeout(Duration::from_millis(1)) {
            Some(event) if event.kind == EventKind::Disconnected => return,
            _ => assert!(start.elapsed() < SOON, "the end of the peer is not noticed"),
        }
    }
}

#[test]
fn f17_three_hundred_peers_come_back() {
    const PEERS: usize = 300;
    let context = Context::new();
    let router = Router::new(&context).unwrap();
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    let clients = Context::builder().max_sockets(PEERS).build();
    let dealers: Vec<_> = (0..PEERS)
        .map(|n| {
            let dealer = Dealer::new(&clients).unwrap();
            dealer.as_socket().set_linger(Some(Duration::ZERO)).unwrap();
            dealer.as_socket().set_reconnect_interval(Some(Duration::from_millis(20))).unwrap();
            dealer.as_socket().set_reconnect_interval_max(Duration::from_millis(200)).unwrap();
            dealer.as_socket().set_routing_id(format!("client {n}")).unwrap();
            dealer.connect(&endpoint).unwrap();
            dealer
        })
        .collect();
    router.as_socket().wait_for_peers(PEERS, SOON).unwrap();
    for round in 0..3_u64 {
        router.as_socket().unbind(&endpoint).unwrap();
        let start = Instant::now();
        while !router.as_socket().peers().is_empty() {
            assert!(start.elapsed() < SOON);
            std::thread::yield_now();
        }
        bind_again(router.as_socket(), &endpoint);
        router.as_socket().wait_for_peers(PEERS, SOON).unwrap();
        for dealer in &dealers {
            dealer.send(round.to_be_bytes().to_vec()).unwrap();
        }
        for _ in 0..PEERS {
            let message = router.recv_timeout(SOON).unwrap();
            assert_eq!(number(&message), round);
            router.send(message).unwrap();
        }
        for dealer in &dealers {
            assert_eq!(number(&dealer.recv_timeout(SOON).unwrap()), round);
        }
    }
}

/// Peers that send something big and leave, to a receiver that does not receive: the memory they may fill is bounded, and
/// nothing is lost.
#[test]
fn t5_what_gone_peers_left_behind_holds_newcomers_back() {
    const NAME: &str = "peers::t5_what_gone_peers_left_behind_holds_newcomers_back";
    const BODY: usize = 4 << 20;
    /// So many fit into what a socket keeps of peers that are gone.
    const FIT: usize = (256 << 20) / BODY;
    if !child() {
        return run_child(NAME);
    }
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let monitor = pull.as_socket().monitor().unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let senders = Context::new();
    // All send the same memory, so that what grows is the receiver's.
    let body = Frame::from(vec![7; BODY]);
    let before = resident_bytes();
    let mut sent = 0;
    let mut let_in = true;
    while let_in {
        let push = Push::new(&senders).unwrap();
        push.connect(&endpoint).unwrap();
        push.send(body.clone()).unwrap();
        drop(push);
        sent += 1;
        // not settling: a peer that is held back causes no event.
        let pause = Duration::from_millis(500);
        let mut events = std::iter::from_fn(|| monitor.recv_timeout(pause));
        let_in = events.any(|event| event.kind == EventKind::Disconnected);
        assert!(sent < 2 * FIT, "they are let in for ever");
    }
    assert!(sent > FIT - 3, "only {sent} peers were let in");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < (FIT + 20) * BODY, "{} MiB more", grown >> 20);
    for _ in 0..sent {
        assert_eq!(pull.recv_timeout(SOON).unwrap().first().len(), BODY);
    }
    assert!(pull.try_recv().is_err());
}

#[test]
fn t22_a_routing_id_is_one_peers_only() {
    let context = Context::new();
    let router = Router::new(&context).unwrap();
    let endpoint = router.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = router.as_socket().monitor().unwrap();
    let identified = |id: &[u8]| {
        let property = |name: &str, value: &[u8]| {
            [&[name.len() as u8], name.as_bytes(), &(value.len() as u32).to_be_bytes(), value].concat()
        };
        let body = [property("Socket-Type", b"DEALER"), property("Identity", id)].concat();
        [handshake("DEALER")[..64].to_vec(), command("READY", &body)].concat()
    };
    let mut first = RawPeer::connect(&endpoint);
    first.write(&[identified(b"same"), frame(0, b"first")].concat());
    assert_eq!(router.recv_timeout(SOON).unwrap(), Message::from(["same", "first"]));
    let mut second = RawPeer::connect(&endpoint);
    second.write(&[identified(b"same"), frame(0, b"second")].concat());
    // Ids that begin with zero are reserved, but as libzmq does we do not mind …
    let mut third = RawPeer::connect(&endpoint);
    third.write(&[identified(b"\0another"), frame(0, b"third")].concat());
    let message = router.recv_timeout(SOON).unwrap();
    assert_eq!(message[1], "third");
    // Reading it, the router met the second as well.
    second.wait_closed();
    assert_eq!(message.first(), "\0another");
    let refused =
        std::iter::from_fn(|| monitor.try_recv()).find(|event| event.kind == EventKind::Disconnected);
    assert_eq!(refused.unwrap().reason.as_deref(), Some("another peer has this routing id"));
    assert_eq!(router.as_socket().stats().peers_refused, 1);
    router.send(["same", "answer"]).unwrap();
    first.read_command(b"answer");
    router.send(["\0another", "another"]).unwrap();
    third.read_command(b"another");
    // … unless they look like those that we give: who has one of them, and leaves, has no heir.
    let mut nameless = RawPeer::connect(&endpoint);
    nameless.write(&[identified(b""), frame(0, b"nameless")].concat());
    let given = router.recv_timeout(SOON).unwrap().first().clone();
    assert_eq!((given.len(), given[0]), (5, 0));
    drop(nameless);
    let mut heir = RawPeer::connect(&endpoint);
    heir.write(&[identified(&given), frame(0, b"heir")].concat());
    let message = router.recv_timeout(SOON).unwrap();
    assert_eq!(message[1], "heir");
    assert_ne!(*message.first(), given);
}
