//! Connections that come, go and come back.

use crate::ground::{
    MOMENT, SOON, bind_again, endpoints, fill, fixed_ipc, free_endpoint, meet, number, numbered,
};
use ferrozmq::{Context, ErrorKind, EventKind, Message, Monitor, Socket, SocketType};
use std::time::{Duration, Instant};

/// A socket that redials soon.
fn eager(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    socket.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    socket
}

/// The next event of this kind; the others are passed over.
fn await_event(monitor: &Monitor, kind: EventKind) {
    let begin = Instant::now();
    while begin.elapsed() < SOON {
        match monitor.recv_timeout(SOON) {
            Some(event) if event.kind == kind => return,
            _ => {}
        }
    }
    panic!("no {kind:?}");
}

/// How many events of this kind have been posted until now.
fn count_events(monitor: &Monitor, kind: EventKind) -> usize {
    std::iter::from_fn(|| monitor.try_recv()).filter(|event| event.kind == kind).count()
}

fn bound_again(context: &Context, kind: SocketType, endpoint: &str) -> Socket {
    let socket = context.socket(kind).unwrap();
    bind_again(&socket, endpoint);
    socket
}

#[test]
fn either_may_come_first() {
    for endpoint in [free_endpoint(), fixed_ipc("first"), "inproc://first".to_owned()] {
        let context = Context::new();
        let push = eager(&context, SocketType::Push);
        push.connect(&endpoint).unwrap();
        push.send("early").unwrap();
        let pull = context.socket(SocketType::Pull).unwrap();
        pull.bind(&endpoint).unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("early"));
    }
}

/// `ZMQ_HELLO_MSG`
const HELLO_MSG: i32 = 110;

#[test]
fn each_connection_begins_with_hello() {
    for endpoint in endpoints("hello") {
        let context = Context::new();
        let router = context.socket(SocketType::Router).unwrap();
        router.set_raw(HELLO_MSG, b"welcome").unwrap();
        let endpoint = router.bind(&endpoint).unwrap();
        let dealer = eager(&context, SocketType::Dealer);
        dealer.set_routing_id("D").unwrap();
        dealer.set_raw(HELLO_MSG, b"hello").unwrap();
        dealer.connect(&endpoint).unwrap();
        // Whatever the other application does: it may sleep.
        assert_eq!(dealer.recv_timeout(SOON).unwrap(), Message::from("welcome"));
        assert_eq!(router.recv_timeout(SOON).unwrap(), Message::from(["D", "hello"]));
    }
    let context = Context::new();
    let dealer = eager(&context, SocketType::Dealer);
    dealer.set_raw(HELLO_MSG, b"hello").unwrap();
    let endpoint = free_endpoint();
    dealer.connect(&endpoint).unwrap();
    dealer.send("queued").unwrap();
    for round in 0..3 {
        let pair = bound_again(&context, SocketType::Dealer, &endpoint);
        assert_eq!(pair.recv_timeout(SOON).unwrap(), Message::from("hello"), "round {round}");
        if round == 0 {
            assert_eq!(pair.recv_timeout(SOON).unwrap(), Message::from("queued"));
        }
    }
}

#[test]
fn a_receive_begun_before_the_connection_ends_with_its_first_message() {
    for endpoint in [free_endpoint(), fixed_ipc("begun"), "inproc://begun".to_owned()] {
        let context = Context::new();
        let pull = eager(&context, SocketType::Pull);
        pull.connect(&endpoint).unwrap();
        let receiver = std::thread::spawn(move || pull.recv_timeout(SOON).unwrap());
        let push = context.socket(SocketType::Push).unwrap();
        push.bind(&endpoint).unwrap();
        push.wait_for_peers(1, SOON).unwrap();
        push.send("hello").unwrap();
        assert_eq!(receiver.join().unwrap(), Message::from("hello"));
    }
}

#[test]
fn a_receive_goes_on_over_reconnections() {
    for endpoint in [free_endpoint(), fixed_ipc("over")] {
        let context = Context::new();
        let pull = eager(&context, SocketType::Pull);
        pull.connect(&endpoint).unwrap();
        const ROUNDS: u64 = 20;
        let receiver = std::thread::spawn(move || {
            for n in 0..ROUNDS {
                assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
            }
        });
        for n in 0..ROUNDS {
            let push = bound_again(&context, SocketType::Push, &endpoint);
            push.wait_for_peers(1, SOON).unwrap();
            push.send(numbered(n)).unwrap();
        }
        receiver.join().unwrap();
    }
}

/// The connecting side's queue outlives the peer: nothing twice, nothing out of order, and nothing
/// lost but what the dead peer had.
#[test]
fn the_queue_is_kept_over_a_reconnection() {
    for endpoint in [free_endpoint(), fixed_ipc("kept")] {
        let context = Context::new();
        let push = eager(&context, SocketType::Push);
        let pull = context.socket(SocketType::Pull).unwrap();
        pull.set_rcvhwm(10).unwrap();
        pull.bind(&endpoint).unwrap();
        push.connect(&endpoint).unwrap();
        push.send(numbered(0)).unwrap();
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), 0);
        let monitor = push.monitor().unwrap();
        pull.close();
        drop(pull);
        await_event(&monitor, EventKind::Disconnected);
        // Nobody is there: these wait in the queue, whole.
        for n in 1..=500 {
            push.try_send(numbered(n)).unwrap();
        }
        let pull = bound_again(&context, SocketType::Pull, &endpoint);
        for n in 1..=500 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
        assert!(pull.recv_timeout(MOMENT).is_err());
    }
}

#[test]
fn a_peer_that_dies_under_load_costs_no_order_and_duplicates_nothing() {
    for endpoint in [free_endpoint(), fixed_ipc("load")] {
        for size in [8_usize, 3000, 200_000] {
            let context = Context::new();
            let push = eager(&context, SocketType::Push);
            push.set_sndhwm(50).unwrap();
            push.connect(&endpoint).unwrap();
            let total = 60_000_000 / (size as u64 + 20_000);
            let sender = std::thread::spawn(move || {
                for n in 0..total {
                    let mut body = n.to_le_bytes().to_vec();
                    body.resize(size, n as u8);
                    push.send_timeout(body, SOON).unwrap();
                }
            });
            let mut next = 0;
            let mut lost = 0;
            while next < total {
                let pull = bound_again(&context, SocketType::Pull, &endpoint);
                for _ in 0..total / 5 {
                    let Ok(message) = pull.recv_timeout(MOMENT * 10) else {
                        // The rest died with a peer, or the sender is held up too.
                        assert!(sender.is_finished() || next == 0, "{next} of {total}, {size} bytes");
                        break;
                    };
                    let body = message.first().as_bytes();
                    let n = u64::from_le_bytes(body[..8].try_into().unwrap());
                    assert!(n >= next, "{n} after {next}: out of order or twice");
                    assert_eq!(body.len(), size);
                    assert!(body[8..].iter().all(|byte| *byte == n as u8), "a torn message");
                    lost += n - next;
                    next = n + 1;
                    if next == total {
                        break;
                    }
                }
                // What is left in the kernel and in this socket is lost with it.
                if sender.is_finished() {
                    break;
                }
            }
            sender.join().unwrap();
            assert!(lost < total, "{lost} of {total}");
        }
    }
}

#[test]
fn a_receiver_gets_what_its_dead_peer_sent_before() {
    for at in [free_endpoint(), fixed_ipc("before")] {
        let context = Context::new();
        let push = context.socket(SocketType::Push).unwrap();
        push.bind(&at).unwrap();
        let pull = eager(&context, SocketType::Pull);
        pull.set_rcvhwm(1).unwrap();
        pull.connect(&at).unwrap();
        meet(&push, &pull);
        for n in 0..200 {
            push.send(numbered(n)).unwrap();
        }
        push.close();
        drop(push);
        let push = bound_again(&context, SocketType::Push, &at);
        let mut expected = 0;
        while expected < 200 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), expected);
            expected += 1;
        }
        push.wait_for_peers(1, SOON).unwrap();
        push.send(numbered(200)).unwrap();
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), 200);
    }
}

#[test]
fn a_subscriber_resubscribes_by_itself() {
    for endpoint in [free_endpoint(), fixed_ipc("resub")] {
        let context = Context::new();
        let subscriber = eager(&context, SocketType::Sub);
        subscriber.subscribe("a").unwrap();
        subscriber.connect(&endpoint).unwrap();
        for _ in 0..5 {
            let publisher = bound_again(&context, SocketType::Pub, &endpoint);
            publisher.wait_for_peers(1, SOON).unwrap();
            publisher.send("b").unwrap();
            publisher.send("a").unwrap();
            assert_eq!(subscriber.recv_timeout(SOON).unwrap(), Message::from("a"));
        }
    }
}

#[test]
fn a_router_knows_its_peer_again() {
    for endpoint in [free_endpoint(), fixed_ipc("router")] {
        let context = Context::new();
        let dealer = eager(&context, SocketType::Dealer);
        dealer.set_routing_id("d").unwrap();
        dealer.connect(&endpoint).unwrap();
        for _ in 0..5 {
            let router = bound_again(&context, SocketType::Router, &endpoint);
            router.set_router_mandatory(true).unwrap();
            router.wait_for_peers(1, SOON).unwrap();
            router.send(["d", "hello"]).unwrap();
            assert_eq!(dealer.recv_timeout(SOON).unwrap(), Message::from("hello"));
        }
    }
}

#[test]
fn unbinding_frees_the_address_and_disconnecting_ends_the_flow() {
    for endpoint in [free_endpoint(), fixed_ipc("unbind"), "inproc://unbind".to_owned()] {
        let context = Context::new();
        let (pull, push) = (context.socket(SocketType::Pull).unwrap(), eager(&context, SocketType::Push));
        pull.bind(&endpoint).unwrap();
        push.connect(&endpoint).unwrap();
        push.send(numbered(0)).unwrap();
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), 0);
        push.disconnect(&endpoint).unwrap();
        assert_eq!(push.try_send("x").unwrap_err().error().kind(), ErrorKind::WouldBlock);
        assert_eq!(push.disconnect(&endpoint).unwrap_err().kind(), ErrorKind::NotFound);
        pull.unbind(&endpoint).unwrap();
        assert_eq!(pull.unbind(&endpoint).unwrap_err().kind(), ErrorKind::NotFound);
        let other = bound_again(&context, SocketType::Pull, &endpoint);
        push.connect(&endpoint).unwrap();
        push.send(numbered(1)).unwrap();
        assert_eq!(number(&other.recv_timeout(SOON).unwrap()), 1);
    }
}

#[test]
fn what_was_sent_before_disconnecting_arrives() {
    for endpoint in endpoints("before") {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        let at = pull.bind(&endpoint).unwrap();
        push.connect(&at).unwrap();
        for n in 0..900 {
            push.send(numbered(n)).unwrap();
        }
        push.disconnect(&at).unwrap();
        for n in 0..900 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn reconnect_stop_after_refusal() {
    let context = Context::new();
    let push = eager(&context, SocketType::Push);
    push.set_text("reconnect_stop", "conn_refused").unwrap();
    let monitor = push.monitor().unwrap();
    push.connect(&free_endpoint()).unwrap();
    await_event(&monitor, EventKind::Closed);
    assert!(monitor.recv_timeout(MOMENT * 3).is_none());
    assert_eq!(fill(&push), 1000);
}

#[test]
fn reconnect_stop_after_a_disconnection() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let push = eager(&context, SocketType::Push);
    push.set_text("reconnect_stop", "after_disconnect").unwrap();
    let monitor = push.monitor().unwrap();
    let at = pull.bind("tcp://127.0.0.1:*").unwrap();
    push.connect(&at).unwrap();
    await_event(&monitor, EventKind::HandshakeSucceeded);
    drop(pull);
    await_event(&monitor, EventKind::Disconnected);
    assert!(monitor.recv_timeout(MOMENT * 3).is_none());
}

#[test]
fn without_an_interval_there_is_one_attempt() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_reconnect_interval(None).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    let monitor = push.monitor().unwrap();
    push.connect(&free_endpoint()).unwrap();
    await_event(&monitor, EventKind::Closed);
    assert!(monitor.recv_timeout(MOMENT * 3).is_none());
}

#[test]
fn pauses_grow_up_to_the_maximum() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
    push.set_reconnect_interval_max(Duration::from_millis(40)).unwrap();
    let monitor = push.monitor().unwrap();
    push.connect(&free_endpoint()).unwrap();
    let retries = monitor.into_iter().filter(|event| event.kind == EventKind::ConnectRetried);
    let pauses: Vec<u64> = retries.take(6).map(|event| event.value).collect();
    assert!(pauses.iter().all(|pause| *pause <= 40), "{pauses:?}");
    assert!(pauses.iter().any(|pause| *pause > 10), "{pauses:?}");
}

/// Whoever accepts and hangs up is no peer that was there: the pauses go on growing, and do not begin anew.
#[test]
fn pauses_grow_while_handshakes_fail() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    // It ends with the test program, having hung up on everybody.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.set_reconnect_interval(Some(Duration::from_millis(2))).unwrap();
    push.set_reconnect_interval_max(Duration::from_millis(200)).unwrap();
    let monitor = push.monitor().unwrap();
    push.connect(&endpoint).unwrap();
    let retries = monitor.into_iter().filter(|event| event.kind == EventKind::ConnectRetried);
    let pauses: Vec<u64> = retries.take(6).map(|event| event.value).collect();
    // Before the last of them the interval has doubled five times.
    assert!(pauses.last() >= Some(&64), "{pauses:?}");
}

#[test]
fn every_type_comes_back_to_a_server_that_was_away() {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
    let context = Context::new();
    for (server, client) in [
        (Rep, Req),
        (Req, Rep),
        (Router, Dealer),
        (Dealer, Router),
        (Pub, Sub),
        (Sub, Pub),
        (XPub, XSub),
        (XSub, XPub),
        (Pull, Push),
        (Push, Pull),
        (Pair, Pair),
    ] {
        let client = eager(&context, client);
        let monitor = client.monitor().unwrap();
        let endpoint = free_endpoint();
        client.connect(&endpoint).unwrap();
        for _ in 0..3 {
            let server = bound_again(&context, server, &endpoint);
            await_event(&monitor, EventKind::HandshakeSucceeded);
            drop(server);
            await_event(&monitor, EventKind::Disconnected);
        }
    }
}

/// One who connects and says nothing is no peer yet, and is given nothing.
#[test]
fn a_bare_connection_swallows_no_messages() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let bare = std::net::TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.connect(&endpoint).unwrap();
    meet(&push, &pull);
    for n in 0..100 {
        push.send(numbered(n)).unwrap();
    }
    for n in 0..100 {
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
    }
    drop(bare);
}

#[test]
fn names_are_resolved() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), eager(&context, SocketType::Push));
    let at = pull.bind("tcp://127.0.0.1:*").unwrap();
    push.connect(&at.replace("127.0.0.1", "localhost")).unwrap();
    push.send("by name").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("by name"));
    let lost = eager(&context, SocketType::Push);
    let monitor = lost.monitor().unwrap();
    lost.connect("tcp://no-such-host.invalid:1").unwrap();
    await_event(&monitor, EventKind::ConnectRetried);
}

#[test]
fn immediate_drops_its_peer_with_the_connection() {
    let context = Context::new();
    let push = eager(&context, SocketType::Push);
    push.set_immediate(true).unwrap();
    let endpoint = free_endpoint();
    push.connect(&endpoint).unwrap();
    for round in 0..5 {
        let pull = bound_again(&context, SocketType::Pull, &endpoint);
        push.send_timeout(numbered(round), SOON).unwrap();
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), round);
        let monitor = push.monitor().unwrap();
        drop(pull);
        await_event(&monitor, EventKind::Disconnected);
        let begin = Instant::now();
        while push.try_send("nobody").is_ok() {
            assert!(begin.elapsed() < SOON);
        }
        assert_eq!(count_events(&monitor, EventKind::HandshakeSucceeded), 0);
    }
}

#[test]
fn a_second_connect_to_the_same_endpoint_is_ignored_where_libzmq_ignores_it() {
    let context = Context::new();
    let (router, dealer) =
        (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Dealer).unwrap());
    let at = router.bind("tcp://127.0.0.1:*").unwrap();
    dealer.connect(&at).unwrap();
    dealer.connect(&at).unwrap();
    dealer.wait_for_peers(1, SOON).unwrap();
    assert!(router.wait_for_peers(2, MOMENT).is_err());
}

#[test]
fn a_request_is_answered_after_its_server_came_back() {
    let context = Context::new();
    let req = eager(&context, SocketType::Req);
    let endpoint = free_endpoint();
    req.connect(&endpoint).unwrap();
    let monitor = req.monitor().unwrap();
    for n in 0..5 {
        if n > 0 {
            // What goes to a dying server dies with it.
            await_event(&monitor, EventKind::Disconnected);
        }
        req.send(numbered(n)).unwrap();
        let rep = bound_again(&context, SocketType::Rep, &endpoint);
        let request = rep.recv_timeout(SOON).unwrap();
        rep.send(request).unwrap();
        assert_eq!(number(&req.recv_timeout(SOON).unwrap()), n);
    }
}

#[test]
fn a_stream_socket_does_not_call_again_whom_it_sent_away() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let context = Context::new();
    let stream = eager(&context, SocketType::Stream);
    let monitor = stream.monitor().unwrap();
    let dial = || stream.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    dial();
    let (peer, _) = listener.accept().unwrap();
    stream.recv_timeout(SOON).unwrap();
    // The peer closes: it is called again.
    drop(peer);
    let (mut peer, _) = listener.accept().unwrap();
    assert!(stream.recv_timeout(SOON).unwrap()[1].is_empty(), "it has gone");
    let again = stream.recv_timeout(SOON).unwrap().pop_front().unwrap();
    stream.send(Message::from([again, "".into()])).unwrap();
    assert_eq!(std::io::Read::read(&mut peer, &mut [0]).unwrap(), 0, "it is sent away");
    (0..2).for_each(|_| await_event(&monitor, EventKind::Disconnected));
    listener.set_nonblocking(true).unwrap();
    // not settling: nothing is to happen
    std::thread::sleep(MOMENT);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(count_events(&monitor, EventKind::ConnectRetried), 0);
}
