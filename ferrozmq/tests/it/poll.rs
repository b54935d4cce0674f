//! Waiting for several things at once, and proxies, which live by it.

use crate::ground::{MOMENT, SOON, endpoints, join, number, numbered, parts};
use ferrozmq::{
    Context, ErrorKind, Events, Message, PollItem, Poller, Socket, SocketType, poll, proxy, proxy_steerable,
};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn poll_tells_what_is_ready_and_times_out_otherwise() {
    for endpoint in endpoints("ready") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let mut items =
            [PollItem::socket(&pull, Events::READABLE), PollItem::socket(&push, Events::WRITABLE)];
        assert_eq!(poll(&mut items, Some(Duration::ZERO)).unwrap(), 1);
        assert_eq!((items[0].ready(), items[1].ready()), (Events::NONE, Events::WRITABLE));
        let mut items =
            [PollItem::socket(&pull, Events::READABLE), PollItem::socket(&push, Events::READABLE)];
        let begin = Instant::now();
        assert_eq!(poll(&mut items, Some(MOMENT)).unwrap(), 0);
        assert!(begin.elapsed() >= MOMENT);
        push.send("x").unwrap();
        assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
        assert_eq!(items[0].ready(), Events::READABLE);
        // Still there: polling takes nothing.
        assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
        assert_eq!(pull.try_recv().unwrap(), Message::from("x"));
        assert_eq!(poll(&mut items, Some(Duration::ZERO)).unwrap(), 0);
    }
    let begin = Instant::now();
    assert_eq!(poll(&mut [], Some(MOMENT)).unwrap(), 0);
    assert!(begin.elapsed() >= MOMENT);
}

#[test]
fn a_sleeping_poll_is_woken_by_any_of_its_items() {
    let context = Context::new();
    let pairs: Vec<(Socket, Socket)> =
        endpoints("any").iter().map(|at| join(&context, SocketType::Pull, SocketType::Push, at)).collect();
    let (near, mut far) = UnixStream::pair().unwrap();
    for round in 0..300 {
        let which = round % 4;
        thread::scope(|scope| {
            scope.spawn(|| match pairs.get(which) {
                Some((_, push)) => push.send("x").unwrap(),
                None => far.write_all(b"x").unwrap(),
            });
            let mut items: Vec<PollItem<'_>> =
                pairs.iter().map(|(pull, _)| PollItem::socket(pull, Events::READABLE)).collect();
            items.push(PollItem::fd(near.as_fd(), Events::READABLE));
            assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
            let ready: Vec<usize> = (0..4).filter(|n| items[*n].ready() == Events::READABLE).collect();
            assert_eq!(ready, [which]);
        });
        match pairs.get(which) {
            Some((pull, _)) => drop(pull.try_recv().unwrap()),
            None => (&near).read_exact(&mut [0]).unwrap(),
        }
    }
}

#[test]
fn poll_waits_for_room_to_send() {
    for endpoint in endpoints("room") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        push.set_sndhwm(1).unwrap();
        pull.set_rcvhwm(1).unwrap();
        let mut sent = 0;
        while push.send_timeout(vec![0; 100_000], MOMENT * 3).is_ok() {
            sent += 1;
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..sent {
                    pull.recv_timeout(SOON).unwrap();
                }
            });
            let mut items = [PollItem::socket(&push, Events::WRITABLE)];
            assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
            push.try_send("room").unwrap();
        });
    }
}

#[test]
fn the_same_socket_polled_by_two_threads_and_received_by_one() {
    for endpoint in endpoints("twice") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut items = [PollItem::socket(&pull, Events::READABLE)];
                    assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
                });
            }
            push.send("x").unwrap();
        });
        pull.recv_timeout(SOON).unwrap();
    }
}

#[test]
fn a_ping_pong_by_poll_in_two_threads() {
    for endpoint in endpoints("by-poll") {
        let context = Context::new();
        let (one, other) = join(&context, SocketType::Pair, SocketType::Pair, &endpoint);
        let wait = |socket: &Socket| {
            let mut items = [PollItem::socket(socket, Events::READABLE)];
            assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1);
            socket.try_recv().unwrap()
        };
        thread::scope(|scope| {
            scope.spawn(|| (0..2000).for_each(|_| other.send(wait(&other)).unwrap()));
            for n in 0..2000 {
                one.send(numbered(n)).unwrap();
                assert_eq!(number(&wait(&one)), n);
            }
        });
    }
}

#[test]
fn two_sockets_of_one_thread_talk_with_each_other() {
    for endpoint in endpoints("one-thread") {
        let context = Context::new();
        let (rep, req) = join(&context, SocketType::Rep, SocketType::Req, &endpoint);
        for n in 0..500 {
            req.send(numbered(n)).unwrap();
            rep.send(rep.recv_timeout(SOON).unwrap()).unwrap();
            assert_eq!(number(&req.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn events_follow_the_state_of_request_and_reply() {
    for endpoint in endpoints("states") {
        let context = Context::new();
        let (rep, req) = join(&context, SocketType::Rep, SocketType::Req, &endpoint);
        assert_eq!(req.events().unwrap(), Events::WRITABLE);
        assert_eq!(rep.events().unwrap(), Events::NONE);
        req.send("q").unwrap();
        assert_eq!(req.events().unwrap(), Events::NONE);
        poll(&mut [PollItem::socket(&rep, Events::READABLE)], Some(SOON)).unwrap();
        assert_eq!(rep.events().unwrap(), Events::READABLE);
        rep.recv().unwrap();
        assert_eq!(rep.events().unwrap(), Events::WRITABLE);
        rep.send("a").unwrap();
        assert_eq!(rep.events().unwrap(), Events::NONE);
        poll(&mut [PollItem::socket(&req, Events::READABLE)], Some(SOON)).unwrap();
        assert_eq!(req.events().unwrap(), Events::READABLE);
    }
}

#[test]
fn a_poller_knows_its_items_by_key() {
    let context = Context::new();
    let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, "tcp://127.0.0.1:*");
    let (near, far) = UnixStream::pair().unwrap();
    let mut poller = Poller::new();
    poller.add(&pull, Events::READABLE, "pull").unwrap();
    poller.add(&push, Events::READABLE, "push").unwrap();
    poller.add_fd(near.as_fd(), Events::READABLE, "fd").unwrap();
    assert_eq!(poller.add(&pull, Events::READABLE, "again").unwrap_err().kind(), ErrorKind::Invalid);
    assert!(poller.wait(Some(MOMENT)).unwrap().is_empty());
    push.send("x").unwrap();
    assert_eq!(poller.wait(Some(SOON)).unwrap(), [("pull", Events::READABLE)]);
    poller.modify(&push, Events::WRITABLE).unwrap();
    drop(far);
    let ready = poller.wait(Some(SOON)).unwrap();
    assert!(ready.contains(&("push", Events::WRITABLE)));
    assert!(ready.iter().any(|(key, events)| *key == "fd" && events.is_readable()));
    poller.remove(&pull).unwrap();
    poller.remove(&push).unwrap();
    poller.remove_fd(near.as_fd()).unwrap();
    assert_eq!(poller.remove(&pull).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(poller.wait(Some(MOMENT)).unwrap().is_empty());
}

#[test]
fn a_failed_poll_leaves_its_other_sockets_usable() {
    for endpoint in endpoints("failed") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let gone = context.socket(SocketType::Pull).unwrap();
        let closing = gone.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut items =
                    [PollItem::socket(&pull, Events::READABLE), PollItem::socket(&gone, Events::READABLE)];
                assert_eq!(poll(&mut items, Some(SOON)).unwrap_err().kind(), ErrorKind::Closed);
            });
            closing.close();
        });
        push.send("x").unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("x"));
    }
}

/// A proxy between ROUTER and DEALER, with a REQ and a REP on either side.
fn broker(context: &Context, front_at: &str, back_at: &str) -> (Socket, Socket, Socket, Socket) {
    let (front, back) =
        (context.socket(SocketType::Router).unwrap(), context.socket(SocketType::Dealer).unwrap());
    let (req, rep) = (context.socket(SocketType::Req).unwrap(), context.socket(SocketType::Rep).unwrap());
    req.connect(&front.bind(front_at).unwrap()).unwrap();
    rep.connect(&back.bind(back_at).unwrap()).unwrap();
    (front, back, req, rep)
}

fn ask(req: &Socket, rep: &Socket, n: u64) {
    req.send(numbered(n)).unwrap();
    let request = rep.recv_timeout(SOON).unwrap();
    assert_eq!(number(&request), n);
    rep.send(request).unwrap();
    assert_eq!(number(&req.recv_timeout(SOON).unwrap()), n);
}

#[test]
fn a_proxy_joins_requests_and_replies_until_the_end() {
    for (one, other) in [
        ("tcp://127.0.0.1:*", "inproc://back"),
        ("inproc://front", "ipc://*"),
        ("ipc://*", "tcp://127.0.0.1:*"),
    ] {
        let context = Context::new();
        let (front, back, req, rep) = broker(&context, one, other);
        let (seen, capture) = join(&context, SocketType::Pull, SocketType::Push, "inproc://capture");
        let proxying = thread::spawn(move || proxy(&front, &back, Some(&capture)).unwrap_err().kind());
        for n in 0..300 {
            ask(&req, &rep, n);
        }
        for n in 0..300 {
            assert_eq!(number(&seen.recv_timeout(SOON).unwrap()), n);
            assert_eq!(number(&seen.recv_timeout(SOON).unwrap()), n);
        }
        context.shutdown();
        assert_eq!(proxying.join().unwrap(), ErrorKind::Terminated);
    }
}

#[test]
fn an_observer_that_comes_late_misses_nothing() {
    let context = Context::new();
    let (front, push) = join(&context, SocketType::Pull, SocketType::Push, "tcp://127.0.0.1:*");
    let (pull, back) = join(&context, SocketType::Pull, SocketType::Push, "tcp://127.0.0.1:*");
    let capture = context.socket(SocketType::Push).unwrap();
    let at = capture.bind("tcp://127.0.0.1:*").unwrap();
    let proxying = thread::spawn(move || proxy(&front, &back, Some(&capture)).unwrap_err().kind());
    for n in 0..10 {
        push.send(numbered(n)).unwrap();
    }
    let observer = context.socket(SocketType::Pull).unwrap();
    observer.connect(&at).unwrap();
    for n in 0..10 {
        assert_eq!(number(&observer.recv_timeout(SOON).unwrap()), n);
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
    }
    context.shutdown();
    assert_eq!(proxying.join().unwrap(), ErrorKind::Terminated);
}

#[test]
fn a_proxy_forwards_streams_and_subscriptions() {
    let context = Context::new();
    let (front, back) =
        (context.socket(SocketType::XSub).unwrap(), context.socket(SocketType::XPub).unwrap());
    let (publisher, subscriber) =
        (context.socket(SocketType::Pub).unwrap(), context.socket(SocketType::Sub).unwrap());
    publisher.connect(&front.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    subscriber.connect(&back.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    subscriber.subscribe("a").unwrap();
    let proxying = thread::spawn(move || proxy(&front, &back, None).unwrap_err().kind());
    publisher.wait_for_peers(1, SOON).unwrap();
    for n in 0..500_u64 {
        publisher.send(parts(&[b"b", &n.to_le_bytes()])).unwrap();
        publisher.send(parts(&[b"a", &n.to_le_bytes()])).unwrap();
    }
    for n in 0..500 {
        assert_eq!(number(&subscriber.recv_timeout(SOON).unwrap()), n);
    }
    context.shutdown();
    assert_eq!(proxying.join().unwrap(), ErrorKind::Terminated);
}

#[test]
fn a_streaming_proxy_loses_nothing_at_its_marks() {
    let context = Context::new();
    let (front, back) =
        (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    let (push, pull) = (context.socket(SocketType::Push).unwrap(), context.socket(SocketType::Pull).unwrap());
    for socket in [&front, &back, &push, &pull] {
        socket.set_sndhwm(5).unwrap();
        socket.set_rcvhwm(5).unwrap();
    }
    push.connect(&front.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    pull.connect(&back.bind("inproc://streamer").unwrap()).unwrap();
    let proxying = thread::spawn(move || proxy(&front, &back, None).unwrap_err().kind());
    let sender =
        thread::spawn(move || (0..10_000).for_each(|n| push.send_timeout(numbered(n), SOON).unwrap()));
    for n in 0..10_000 {
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), n);
    }
    sender.join().unwrap();
    context.shutdown();
    assert_eq!(proxying.join().unwrap(), ErrorKind::Terminated);
}

#[test]
fn a_proxy_is_steered() {
    let context = Context::new();
    let (front, back, req, rep) = broker(&context, "tcp://127.0.0.1:*", "tcp://127.0.0.1:*");
    let (control, steering) = join(&context, SocketType::Rep, SocketType::Req, "inproc://control");
    let proxying = thread::spawn(move || proxy_steerable(&front, &back, None, &control));
    let order = |command: &str| {
        steering.send(command.to_owned()).unwrap();
        steering.recv_timeout(SOON).unwrap()
    };
    for n in 0..10 {
        ask(&req, &rep, n);
    }
    let statistics = order("STATISTICS");
    let counts: Vec<u64> =
        statistics.iter().map(|part| u64::from_ne_bytes(part.as_bytes().try_into().unwrap())).collect();
    assert_eq!(counts.len(), 8);
    assert_eq!([counts[0], counts[2], counts[4], counts[6]], [10, 10, 10, 10]);
    assert_eq!((counts[1], counts[5]), (counts[7], counts[3]));
    assert_eq!(order("PAUSE").size(), 0);
    req.send(numbered(10)).unwrap();
    assert_eq!(rep.recv_timeout(MOMENT).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(order("RESUME").size(), 0);
    let request = rep.recv_timeout(SOON).unwrap();
    assert_eq!(number(&request), 10);
    rep.send(request).unwrap();
    req.recv_timeout(SOON).unwrap();
    assert_eq!(order("nonsense").size(), 0);
    assert_eq!(order("TERMINATE").size(), 0);
    proxying.join().unwrap().unwrap();
}
