//! High-water marks: how much is queued, who waits, and who drops.

use crate::ground::{MOMENT, SOON, drain, endpoints, fill, free_endpoint, join, number, numbered, wires};
use ferrozmq::{Context, ErrorKind, Message, SocketType};
use std::time::{Duration, Instant};

#[test]
fn an_inproc_pipe_holds_the_sum_of_both_marks() {
    for (sndhwm, rcvhwm) in [(3, 4), (1, 1), (100, 1), (1, 100)] {
        let context = Context::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        pull.set_rcvhwm(rcvhwm).unwrap();
        push.set_sndhwm(sndhwm).unwrap();
        pull.bind("inproc://sum").unwrap();
        push.connect("inproc://sum").unwrap();
        for _ in 0..3 {
            assert_eq!(fill(&push), u64::from(sndhwm + rcvhwm));
            assert_eq!(drain(&pull), u64::from(sndhwm + rcvhwm));
        }
    }
}

#[test]
fn the_mark_holds_in_the_other_direction_too() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    let pull = context.socket(SocketType::Pull).unwrap();
    push.set_sndhwm(3).unwrap();
    pull.set_rcvhwm(4).unwrap();
    push.bind("inproc://other").unwrap();
    pull.connect("inproc://other").unwrap();
    assert_eq!(fill(&push), 7);
    assert_eq!(drain(&pull), 7);
}

#[test]
fn connecting_before_binding_queues_the_senders_share_and_then_the_sum() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_sndhwm(3).unwrap();
    push.connect("inproc://early").unwrap();
    assert_eq!(fill(&push), 3);
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set_rcvhwm(4).unwrap();
    pull.bind("inproc://early").unwrap();
    assert_eq!(fill(&push), 4);
}

#[test]
fn marks_change_on_living_inproc_pipes() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    let pull = context.socket(SocketType::Pull).unwrap();
    push.set_sndhwm(1).unwrap();
    pull.set_rcvhwm(1).unwrap();
    push.bind("inproc://live").unwrap();
    pull.connect("inproc://live").unwrap();
    push.set_sndhwm(5).unwrap();
    assert_eq!(fill(&push), 6);
    assert_eq!(drain(&pull), 6);
    pull.set_rcvhwm(10).unwrap();
    assert_eq!(fill(&push), 15);
    push.set_sndhwm(2).unwrap();
    assert!(push.try_send("more").is_err());
    assert_eq!(drain(&pull), 15);
    assert_eq!(fill(&push), 12);
}

#[test]
fn without_a_peer_exactly_the_senders_mark_is_queued() {
    for hwm in [1, 2, 7, 1000] {
        let context = Context::new();
        let push = context.socket(SocketType::Push).unwrap();
        push.set_linger(Some(Duration::ZERO)).unwrap();
        push.set_sndhwm(hwm).unwrap();
        push.connect(&free_endpoint()).unwrap();
        assert_eq!(fill(&push), u64::from(hwm));
        push.set_sndhwm(hwm + 3).unwrap();
        assert_eq!(fill(&push), 3);
        push.set_sndhwm(1).unwrap();
        assert_eq!(fill(&push), 0);
    }
}

#[test]
fn lowering_the_mark_counts_what_is_queued_already() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.set_sndhwm(100).unwrap();
    push.connect(&free_endpoint()).unwrap();
    for n in 0..5 {
        push.try_send(numbered(n)).unwrap();
    }
    push.set_sndhwm(7).unwrap();
    assert_eq!(fill(&push), 2);
}

#[test]
fn a_mark_of_zero_is_none() {
    for endpoint in endpoints("zero") {
        let context = Context::new();
        let push = context.socket(SocketType::Push).unwrap();
        let pull = context.socket(SocketType::Pull).unwrap();
        push.set_sndhwm(0).unwrap();
        pull.set_rcvhwm(0).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        for n in 0..20_000 {
            push.try_send(numbered(n)).unwrap();
        }
        for n in 0..20_000 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn a_message_of_many_parts_counts_once() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.set_sndhwm(3).unwrap();
    push.connect(&free_endpoint()).unwrap();
    let parts = || Message::from(["part"; 10]);
    for _ in 0..3 {
        push.try_send(parts()).unwrap();
    }
    assert!(push.try_send(parts()).is_err());
    let context = Context::new();
    let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, "inproc://parts");
    push.set_sndhwm(2).unwrap();
    pull.set_rcvhwm(1).unwrap();
    for _ in 0..3 {
        push.try_send(parts()).unwrap();
    }
    assert!(push.try_send(parts()).is_err());
}

#[test]
fn a_part_at_the_mark_is_refused_first_and_later_parts_never() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    push.set_sndhwm(1).unwrap();
    push.connect(&free_endpoint()).unwrap();
    push.send_part("a", true, true).unwrap();
    push.send_part("b", true, true).unwrap();
    push.send_part("c", false, true).unwrap();
    let (part, error) = push.send_part("d", true, true).unwrap_err();
    assert_eq!((part.as_bytes(), error.kind()), (&b"d"[..], ErrorKind::WouldBlock));
}

#[test]
fn a_full_connection_blocks_and_goes_on_in_order() {
    for endpoint in wires() {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        pull.set_rcvhwm(1).unwrap();
        push.set_sndhwm(1).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let mut sent = 0;
        while push.send_timeout(numbered(sent), MOMENT).is_ok() {
            sent += 1;
        }
        assert!(sent >= 1);
        let error = push.send_timeout("late", MOMENT).unwrap_err();
        assert_eq!(error.error().kind(), ErrorKind::WouldBlock);
        for n in 0..sent {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
        // Room again: sending goes on at once.
        for n in 0..1000 {
            push.send_timeout(numbered(n), SOON).unwrap();
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn a_stream_with_marks_of_one_arrives_whole() {
    for endpoint in endpoints("one") {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        pull.set_rcvhwm(1).unwrap();
        push.set_sndhwm(1).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let sender = std::thread::spawn(move || {
            (0..20_000).for_each(|n| push.send_timeout(numbered(n), SOON).unwrap())
        });
        for n in 0..20_000 {
            assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
        }
        sender.join().unwrap();
    }
}

#[test]
fn a_send_waits_for_room_and_its_time_out() {
    for endpoint in endpoints("wait") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        push.set_sndhwm(1).unwrap();
        pull.set_rcvhwm(1).unwrap();
        let big = || Message::from(vec![0; 1 << 20]);
        let mut sent = 0;
        // Setting an option looks at every pipe anew: at room that the kernel does not tell of, too.
        loop {
            while push.send_timeout(big(), MOMENT * 10).is_ok() {
                sent += 1;
            }
            push.set_send_timeout(Some(Duration::from_millis(50))).unwrap();
            if push.try_send(big()).is_err() {
                break;
            }
            sent += 1;
        }
        let begin = Instant::now();
        assert_eq!(push.send(big()).unwrap_err().error().kind(), ErrorKind::WouldBlock);
        assert!(begin.elapsed() >= Duration::from_millis(50));
        push.set_send_timeout(None).unwrap();
        let sender = std::thread::spawn(move || push.send(big()).unwrap());
        for _ in 0..=sent {
            pull.recv_timeout(SOON).unwrap();
        }
        sender.join().unwrap();
    }
}

#[test]
fn without_peers_sending_blocks_or_drops_as_the_type_says() {
    use SocketType::{Dealer, Pair, Pub, Push, Rep, Req, Router, XPub};
    for (kind, blocks) in
        [(Push, true), (Dealer, true), (Pair, true), (Req, true), (Pub, false), (XPub, false), (Router, true)]
    {
        let context = Context::new();
        let socket = context.socket(kind).unwrap();
        socket.bind("tcp://127.0.0.1:*").unwrap();
        let result = socket.try_send(["a", "b"]);
        assert_eq!(result.is_err(), blocks, "{kind:?}");
        let result = socket.send_timeout(["a", "b"], MOMENT);
        assert_eq!(result.is_err(), blocks, "{kind:?}");
    }
    let rep = Context::new().socket(Rep).unwrap();
    assert_eq!(rep.try_send("x").unwrap_err().error().kind(), ErrorKind::WrongState);
}

#[test]
fn immediate_queues_for_finished_connections_only() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_immediate(true).unwrap();
    push.set_reconnect_interval(Some(Duration::from_millis(10))).unwrap();
    let endpoint = free_endpoint();
    push.connect(&endpoint).unwrap();
    assert_eq!(push.try_send("x").unwrap_err().error().kind(), ErrorKind::WouldBlock);
    assert_eq!(push.send_timeout("x", MOMENT).unwrap_err().error().kind(), ErrorKind::WouldBlock);
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.bind(&endpoint).unwrap();
    push.send_timeout("x", SOON).unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("x"));
}

#[test]
fn a_publisher_drops_what_exceeds_the_mark() {
    let context = Context::new();
    let publisher = context.socket(SocketType::Pub).unwrap();
    let subscriber = context.socket(SocketType::Sub).unwrap();
    publisher.set_sndhwm(2).unwrap();
    subscriber.set_rcvhwm(3).unwrap();
    subscriber.subscribe("").unwrap();
    publisher.bind("inproc://drops").unwrap();
    subscriber.connect("inproc://drops").unwrap();
    publisher.wait_for_peers(1, SOON).unwrap();
    for n in 0..10 {
        publisher.try_send(numbered(n)).unwrap();
    }
    assert_eq!(publisher.stats().dropped.hwm, 5);
    assert_eq!(drain(&subscriber), 5);
    publisher.try_send(numbered(0)).unwrap();
    assert_eq!(drain(&subscriber), 1);
}

#[test]
fn a_publisher_never_waits_for_a_subscriber_over_a_wire() {
    for endpoint in wires() {
        let context = Context::new();
        let (publisher, subscriber) = join(&context, SocketType::Pub, SocketType::Sub, &endpoint);
        publisher.set_sndhwm(10).unwrap();
        subscriber.set_rcvhwm(10).unwrap();
        for _ in 0..2000 {
            publisher.send(vec![1; 10_000]).unwrap();
        }
        let stats = publisher.stats();
        assert!(stats.dropped.hwm > 0, "{stats:?}");
        let mut received = 0;
        while subscriber.recv_timeout(MOMENT).is_ok() {
            received += 1;
        }
        assert_eq!(received + stats.dropped.hwm, 2000);
    }
}

#[test]
fn nodrop_makes_a_publisher_wait() {
    let context = Context::new();
    let publisher = context.socket(SocketType::Pub).unwrap();
    let subscriber = context.socket(SocketType::Sub).unwrap();
    publisher.set_xpub_nodrop(true).unwrap();
    publisher.set_sndhwm(2).unwrap();
    subscriber.set_rcvhwm(2).unwrap();
    subscriber.subscribe("").unwrap();
    publisher.bind("inproc://nodrop").unwrap();
    subscriber.connect("inproc://nodrop").unwrap();
    publisher.wait_for_peers(1, SOON).unwrap();
    assert_eq!(fill(&publisher), 4);
    let late = publisher.clone();
    let sender = std::thread::spawn(move || late.send_timeout(numbered(4), SOON).unwrap());
    let mut received = 0;
    while received < 5 {
        assert_eq!(number(&subscriber.recv_timeout(SOON).unwrap()), received);
        received += 1;
    }
    sender.join().unwrap();
}

#[test]
fn one_full_peer_does_not_stop_the_others() {
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_sndhwm(1).unwrap();
    let slow = context.socket(SocketType::Pull).unwrap();
    let fast = context.socket(SocketType::Pull).unwrap();
    for (name, pull) in [("inproc://slow", &slow), ("inproc://fast", &fast)] {
        pull.set_rcvhwm(1).unwrap();
        pull.bind(name).unwrap();
        push.connect(name).unwrap();
    }
    for n in 0..100 {
        push.send_timeout(numbered(n), SOON).unwrap();
        while fast.try_recv().is_ok() {}
    }
}

#[test]
fn a_router_with_mandatory_says_that_its_peer_is_full() {
    let context = Context::new();
    let router = context.socket(SocketType::Router).unwrap();
    let dealer = context.socket(SocketType::Dealer).unwrap();
    router.set_router_mandatory(true).unwrap();
    router.set_sndhwm(1).unwrap();
    dealer.set_rcvhwm(1).unwrap();
    dealer.set_routing_id("d").unwrap();
    router.bind("inproc://mandatory").unwrap();
    dealer.connect("inproc://mandatory").unwrap();
    router.wait_for_peers(1, SOON).unwrap();
    router.try_send(["d", "1"]).unwrap();
    router.try_send(["d", "2"]).unwrap();
    assert_eq!(router.try_send(["d", "3"]).unwrap_err().error().kind(), ErrorKind::WouldBlock);
    assert_eq!(router.try_send(["nobody", "3"]).unwrap_err().error().kind(), ErrorKind::Unroutable);
    router.set_router_mandatory(false).unwrap();
    router.try_send(["d", "3"]).unwrap();
    assert_eq!(router.stats().dropped.hwm, 1);
}
