//! The end: what a closed socket still delivers, what bounds it, and how termination interrupts.

use crate::ground::{
    MOMENT, SOON, drain, endpoints, fill, fixed_ipc, free_endpoint, join, number, numbered, parts, wires,
};
use ferrozmq::{Context, Error, ErrorKind, Events, PollItem, SocketType, poll};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Ends the context on a thread of its own; tells when that is done.
fn term(context: &Context) -> mpsc::Receiver<()> {
    let context = context.clone();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        context.term();
        let _ = done.send(());
    });
    ended
}

#[test]
fn what_was_sent_arrives_after_close_and_term() {
    for endpoint in endpoints("close") {
        let (receiving, sending) = (Context::new(), Context::new());
        let sending = if endpoint.starts_with("inproc") { receiving.clone() } else { sending };
        let (pull, push) =
            (receiving.socket(SocketType::Pull).unwrap(), sending.socket(SocketType::Push).unwrap());
        pull.set_rcvhwm(5).unwrap();
        push.set_sndhwm(0).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        if endpoint.starts_with("inproc") {
            pull.set_rcvhwm(0).unwrap();
        }
        for n in 0..10_000 {
            push.send(numbered(n)).unwrap();
        }
        push.close();
        let ended = (!endpoint.starts_with("inproc")).then(|| term(&sending));
        for n in 0..10_000 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
        if let Some(ended) = ended {
            ended.recv_timeout(SOON).unwrap();
        }
    }
}

#[test]
fn a_talkative_peer_does_not_cost_what_was_sent() {
    for endpoint in wires() {
        let (receiving, sending) = (Context::new(), Context::new());
        let (router, dealer) =
            (receiving.socket(SocketType::Router).unwrap(), sending.socket(SocketType::Dealer).unwrap());
        dealer.set_routing_id("d").unwrap();
        dealer.set_sndhwm(0).unwrap();
        dealer.connect(&router.bind(&endpoint).unwrap()).unwrap();
        router.wait_for_peers(1, SOON).unwrap();
        for n in 0..2000_u64 {
            dealer.send(parts(&[&n.to_le_bytes(), &[0; 1000]])).unwrap();
            router.send(parts(&[b"d", &[0; 100]])).unwrap();
        }
        dealer.close();
        let ended = term(&sending);
        for n in 0..2000_u64 {
            let message = router.recv_timeout(SOON).unwrap();
            assert_eq!(message[1].as_bytes(), n.to_le_bytes());
        }
        ended.recv_timeout(SOON).unwrap();
    }
}

/// A raw peer with room for little, which says something whenever it has read something. How the connection ends is
/// not its matter.
fn read_talking(mut peer: std::net::TcpStream) -> Vec<u8> {
    use std::io::{Read, Write};
    let (mut all, mut room) = (Vec::new(), [0; 4096]);
    while let Ok(got @ 1..) = peer.read(&mut room) {
        all.extend_from_slice(&room[..got]);
        let _ = peer.write_all(b"go on");
    }
    all
}

#[test]
fn an_answer_to_a_raw_peer_that_goes_on_talking_arrives_whole() {
    for by_empty_message in [true, false] {
        let context = Context::new();
        let server = context.socket(SocketType::Stream).unwrap();
        let at = server.bind("tcp://127.0.0.1:*").unwrap();
        let peer = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        peer.set_recv_buffer_size(8192).unwrap();
        let address: std::net::SocketAddr = at.strip_prefix("tcp://").unwrap().parse().unwrap();
        peer.connect(&address.into()).unwrap();
        std::io::Write::write_all(&mut &peer, b"question").unwrap();
        assert!(server.recv_timeout(SOON).unwrap().last().is_empty(), "the news of the connection");
        let question = server.recv_timeout(SOON).unwrap();
        // As much as the kernel takes for sure where the message that ends the connection does not wait for the rest.
        let answer = vec![7; if by_empty_message { 64 << 10 } else { 4 << 20 }];
        let name = question.first().as_bytes();
        server.send(parts(&[name, &answer])).unwrap();
        let reader = std::thread::spawn(move || read_talking(peer.into()));
        if by_empty_message {
            server.send(parts(&[name, b""])).unwrap();
        }
        server.close();
        assert!(reader.join().unwrap() == answer, "the answer was cut");
        term(&context).recv_timeout(SOON).unwrap();
    }
}

#[test]
fn a_peer_that_never_looks_holds_nobody_up_for_long() {
    for endpoint in wires() {
        let (receiving, sending) = (Context::new(), Context::new());
        let (dealer, router) =
            (receiving.socket(SocketType::Dealer).unwrap(), sending.socket(SocketType::Router).unwrap());
        dealer.set_rcvhwm(1).unwrap();
        dealer.set_routing_id("d").unwrap();
        dealer.connect(&router.bind(&endpoint).unwrap()).unwrap();
        router.wait_for_peers(1, SOON).unwrap();
        // More than it reads before it is told to stop.
        for n in 0..1000_u64 {
            router.send(parts(&[b"d", &n.to_le_bytes(), &[0; 50]])).unwrap();
        }
        router.close();
        let begin = Instant::now();
        term(&sending).recv_timeout(SOON).unwrap();
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        for n in 0..1000_u64 {
            assert_eq!(dealer.recv_timeout(SOON).unwrap()[0].as_bytes(), n.to_le_bytes());
        }
    }
}

#[test]
fn a_peer_that_comes_later_gets_everything() {
    let endpoint = free_endpoint();
    let sending = Context::new();
    let push = sending.socket(SocketType::Push).unwrap();
    push.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
    push.connect(&endpoint).unwrap();
    for n in 0..500 {
        push.send(numbered(n)).unwrap();
    }
    push.close();
    let ended = term(&sending);
    assert!(ended.recv_timeout(MOMENT).is_err(), "it must wait for the peer");
    let pull = Context::new().socket(SocketType::Pull).unwrap();
    pull.bind(&endpoint).unwrap();
    for n in 0..500 {
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
    }
    ended.recv_timeout(SOON).unwrap();
}

#[test]
fn an_inproc_peer_that_comes_later_gets_everything_and_then_the_end() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.connect("inproc://later").unwrap();
    for n in 0..500 {
        push.send(numbered(n)).unwrap();
    }
    push.close();
    let dealer = context.socket(SocketType::Dealer).unwrap();
    dealer.bind("inproc://later").unwrap();
    assert_eq!(drain(&dealer), 500);
    // Its peer is gone: nothing may be sent into the void.
    assert_eq!(dealer.try_send("void").unwrap_err().error().kind(), ErrorKind::WouldBlock);
}

#[test]
fn no_linger_drops_at_once() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.connect(&free_endpoint()).unwrap();
    push.send("never").unwrap();
    push.close();
    term(&context).recv_timeout(SOON).unwrap();
}

#[test]
fn a_context_that_is_not_blocky_does_not_linger() {
    let context = Context::builder().blocky(false).build();
    let push = context.socket(SocketType::Push).unwrap();
    push.connect(&free_endpoint()).unwrap();
    push.send("never").unwrap();
    push.close();
    term(&context).recv_timeout(SOON).unwrap();
}

#[test]
fn a_finite_linger_bounds_termination() {
    for queued_in_connection in [false, true] {
        let context = Context::new();
        let push = context.socket(SocketType::Push).unwrap();
        push.set_linger(Some(Duration::from_millis(150))).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let other = Context::new();
        let pull = other.socket(SocketType::Pull).unwrap();
        if queued_in_connection {
            pull.set_rcvhwm(1).unwrap();
            push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
            push.wait_for_peers(1, SOON).unwrap();
            while push.send_timeout(vec![0; 1 << 20], MOMENT).is_ok() {}
        } else {
            push.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
            fill(&push);
        }
        push.close();
        let begin = Instant::now();
        term(&context).recv_timeout(SOON).unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(140), "{:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
}

#[test]
fn with_nothing_to_say_a_silent_listener_holds_nobody_up() {
    // It accepts connections, but never shakes hands.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    let monitor = push.monitor().unwrap();
    push.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let connected = monitor.into_iter().find(|event| event.kind == ferrozmq::EventKind::Connected);
    assert!(connected.is_some());
    push.close();
    let begin = Instant::now();
    term(&context).recv_timeout(SOON).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn immense_lingers_and_time_outs_are_for_ever() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    push.set_linger(Some(Duration::MAX)).unwrap();
    push.set_send_timeout(Some(Duration::MAX)).unwrap();
    pull.set_recv_timeout(Some(Duration::MAX)).unwrap();
    push.set_reconnect_interval_max(Duration::MAX).unwrap();
    push.set_handshake_interval(Some(Duration::MAX)).unwrap();
    push.set_heartbeat_interval(Some(Duration::MAX)).unwrap();
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    push.send("x").unwrap();
    pull.recv().unwrap();
    assert!(pull.monitor().unwrap().try_recv().is_none());
    push.close();
    pull.close();
    term(&context).recv_timeout(SOON).unwrap();
}

#[test]
fn term_waits_until_sockets_are_closed() {
    for bind in [None, Some("tcp://127.0.0.1:*"), Some("inproc://held")] {
        let context = Context::new();
        let socket = context.socket(SocketType::Pull).unwrap();
        if let Some(endpoint) = bind {
            socket.bind(endpoint).unwrap();
        }
        let ended = term(&context);
        assert!(ended.recv_timeout(MOMENT).is_err());
        assert_eq!(socket.recv().unwrap_err().kind(), ErrorKind::Terminated);
        assert!(ended.recv_timeout(MOMENT).is_err());
        drop(socket);
        ended.recv_timeout(SOON).unwrap();
    }
}

/// A call that waits, and fails in the end.
type Call = Box<dyn FnOnce() -> Error + Send>;

/// Starts each kind of call that waits, on a thread of its own, and collects how they end.
fn waiting_calls(context: &Context, endpoint: &str) -> (mpsc::Receiver<(&'static str, Error)>, usize) {
    let (ends, ended) = mpsc::channel();
    let mut calls: Vec<(&'static str, Call)> = Vec::new();
    let (pull, push) = join(context, SocketType::Pull, SocketType::Push, endpoint);
    let again = pull.clone();
    calls.push(("recv", Box::new(move || pull.recv().unwrap_err())));
    calls.push(("second recv", Box::new(move || again.recv().unwrap_err())));
    push.set_sndhwm(1).unwrap();
    let lonely = context.socket(SocketType::Push).unwrap();
    let polled = context.socket(SocketType::Pull).unwrap();
    polled.bind(&endpoint.replace("inproc://", "inproc://polled-")).unwrap();
    calls.push(("send", Box::new(move || lonely.send("x").unwrap_err().into())));
    let other = push;
    calls.push((
        "poll",
        Box::new(move || {
            let mut items =
                [PollItem::socket(&polled, Events::READABLE), PollItem::socket(&other, Events::READABLE)];
            poll(&mut items, None).unwrap_err()
        }),
    ));
    let alone = context.socket(SocketType::Rep).unwrap();
    calls.push(("wait_for_peers", Box::new(move || alone.wait_for_peers(1, SOON).unwrap_err())));
    let count = calls.len();
    for (name, call) in calls {
        let ends = ends.clone();
        std::thread::spawn(move || {
            let error = call();
            let _ = ends.send((name, error));
        });
    }
    (ended, count)
}

#[test]
fn shutdown_interrupts_every_call() {
    for endpoint in endpoints("shutdown") {
        for pause in [Duration::ZERO, Duration::from_millis(5), MOMENT] {
            let context = Context::new();
            let (ended, count) = waiting_calls(&context, &endpoint);
            // Whether the calls have begun to wait or not makes no difference; try both.
            assert!(ended.recv_timeout(pause).is_err());
            let begin = Instant::now();
            context.shutdown();
            for _ in 0..count {
                let (name, error) = ended.recv_timeout(SOON).expect("a call did not return");
                assert_eq!(error.kind(), ErrorKind::Terminated, "{name}: {error}");
            }
            assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
            assert_eq!(context.socket(SocketType::Pair).unwrap_err().kind(), ErrorKind::Terminated);
            term(&context).recv_timeout(SOON).unwrap();
        }
    }
}

#[test]
fn calls_after_close_say_so() {
    let context = Context::new();
    for endpoint in endpoints("after") {
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let (pull_too, push_too) = (pull.clone(), push.clone());
        pull.close();
        push.close();
        pull.close();
        assert_eq!(pull_too.recv().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(pull_too.try_recv().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(push_too.send("x").unwrap_err().error().kind(), ErrorKind::Closed);
        assert_eq!(push_too.send_part("x", true, true).unwrap_err().1.kind(), ErrorKind::Closed);
        assert_eq!(push_too.bind("inproc://y").unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(push_too.connect("tcp://127.0.0.1:9").unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(push_too.events().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(push_too.set_sndhwm(1).unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(push_too.monitor().map(|_| ()).unwrap_err().kind(), ErrorKind::Closed);
        let _ = (pull_too.stats(), pull_too.peers(), pull_too.last_endpoint());
    }
    term(&context).recv_timeout(SOON).unwrap();
}

#[test]
fn a_closed_peer_frees_its_endpoint() {
    // An address of its own: at the usual one the kernel may give the port to another test as soon as it is free.
    let tcp = free_endpoint().replace("127.0.0.1", "127.0.0.9");
    for endpoint in [tcp, fixed_ipc("free"), "inproc://free".to_owned()] {
        let context = Context::new();
        for round in 0..5 {
            let pull = context.socket(SocketType::Pull).unwrap();
            let monitor = pull.monitor().unwrap();
            pull.bind(&endpoint).unwrap_or_else(|error| panic!("round {round}: {error}"));
            pull.close();
            // The last event is posted when everything of the socket is gone.
            drop(pull);
            assert!(monitor.into_iter().count() >= 1);
        }
    }
}

#[test]
fn what_a_closed_peer_sent_is_received_to_the_last() {
    for endpoint in endpoints("rest") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        pull.set_rcvhwm(3).unwrap();
        push.set_sndhwm(0).unwrap();
        if endpoint.starts_with("inproc") {
            pull.set_rcvhwm(0).unwrap();
        }
        for n in 0..3000 {
            push.send(numbered(n)).unwrap();
        }
        push.close();
        for n in 0..3000 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
        assert_eq!(pull.recv_timeout(MOMENT).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
