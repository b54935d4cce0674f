//! The books balance: every message that a send accepted is received, lost for a reason, queued, or in doubt.
//!
//! Each kind of loss is forced and found under its reason; then every pattern is driven at random, over every transport, with
//! peers that come, go, and are killed.

use crate::child::{argument, child, start_child, stop};
use crate::ground::{SOON, endpoints, fill, free_endpoint, join, meet, numbered, wires};
use crate::peer::{RawPeer, frame};
use ferrozmq::{Context, Dropped, Message, Req, Socket, SocketStats, SocketType};
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

/// A kernel that has taken nothing for so long will take nothing.
const STILL: Duration = Duration::from_millis(100);

/// Waits until `is_right` finds it so, in the stats of `socket`, which balance.
fn settled(socket: &Socket, is_right: impl Fn(&SocketStats) -> bool) -> SocketStats {
    eventually(|| socket.stats(), |stats| is_balanced(stats) && is_right(stats))
}

fn is_balanced(stats: &SocketStats) -> bool {
    (stats.missing_out(), stats.missing_in()) == (0, 0)
}

fn eventually(stats: impl Fn() -> SocketStats, is_right: impl Fn(&SocketStats) -> bool) -> SocketStats {
    let begin = Instant::now();
    loop {
        let now = stats();
        if is_right(&now) {
            return now;
        }
        let missing = (now.missing_out(), now.missing_in());
        assert!(begin.elapsed() < SOON, "missing {missing:?} in {now:#?}");
        std::thread::yield_now();
    }
}

/// What is in the books of a context, once all its sockets are closed and have lingered.
fn settled_context(context: &Context, is_right: impl Fn(&SocketStats) -> bool) -> SocketStats {
    eventually(|| context.stats().totals, |stats| is_balanced(stats) && is_right(stats))
}

fn socket(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    if kind == SocketType::Sub {
        socket.subscribe("").unwrap();
    }
    socket
}

#[test]
fn what_a_publisher_drops() {
    for at in endpoints("publisher-drops") {
        let context = Context::builder().libzmq_compat().build();
        let publisher = socket(&context, SocketType::XPub);
        let at = publisher.bind(&at).unwrap();
        publisher.send("nobody").unwrap();
        assert_eq!(settled(&publisher, |_| true).dropped.no_peer, 1);
        let subscriber = context.socket(SocketType::Sub).unwrap();
        subscriber.subscribe("a").unwrap();
        subscriber.connect(&at).unwrap();
        publisher.wait_for_peers(1, SOON).unwrap();
        publisher.send("b").unwrap();
        publisher.send("a").unwrap();
        let stats = settled(&publisher, |stats| stats.left == 1);
        assert_eq!((stats.dropped.unmatched, stats.noticed, stats.queued_in), (1, 1, 1));
        settled(&subscriber, |stats| stats.queued_in == 1);
        subscriber.recv_timeout(SOON).unwrap();
        publisher.set_sndhwm(1).unwrap();
        subscriber.set_rcvhwm(1).unwrap();
        let before = publisher.stats().sent;
        // A copy for each of two peers; what one has no room for is dropped.
        let other = socket(&context, SocketType::Sub);
        other.connect(&at).unwrap();
        publisher.wait_for_peers(2, SOON).unwrap();
        for _ in 0..200 {
            publisher.send(vec![b'a'; 100_000]).unwrap();
        }
        let stats = settled(&publisher, |stats| stats.dropped.hwm > 0);
        assert_eq!((stats.sent - before, stats.added), (200, 200));
        let peers: u64 = publisher.peer_stats().iter().map(|peer| peer.dropped.hwm).sum();
        assert_eq!(peers, stats.dropped.hwm);
    }
}

#[test]
fn what_a_router_drops() {
    for at in endpoints("router-drops") {
        let context = Context::builder().libzmq_compat().build();
        let (router, dealer) = join(&context, SocketType::Router, SocketType::Dealer, &at);
        router.send(["who?", "x"]).unwrap();
        router.send("id only").unwrap();
        let stats = settled(&router, |_| true);
        assert_eq!((stats.dropped.unroutable, stats.dropped.malformed), (1, 1));
        router.set_sndhwm(1).unwrap();
        dealer.set_rcvhwm(1).unwrap();
        dealer.send("hello").unwrap();
        let id = router.recv_timeout(SOON).unwrap()[0].clone();
        for _ in 0..200 {
            router.send(Message::from([id.clone(), vec![0; 100_000].into()])).unwrap();
        }
        let stats = settled(&router, |stats| stats.dropped.hwm > 0);
        assert_eq!(stats.sent, 202);
    }
}

#[test]
fn what_waits_for_a_peer_that_goes_is_dropped_and_what_it_had_not_received_discarded() {
    for at in endpoints("gone") {
        let context = Context::builder().libzmq_compat().build();
        let push = socket(&context, SocketType::Push);
        let pull = socket(&context, SocketType::Pull);
        push.set_sndhwm(5).unwrap();
        pull.set_rcvhwm(5).unwrap();
        pull.connect(&push.bind(&at).unwrap()).unwrap();
        meet(&push, &pull);
        let mut sent = 0;
        while push.try_send(vec![0; 50_000]).is_ok() {
            sent += 1;
        }
        pull.recv_timeout(SOON).unwrap();
        pull.close();
        let left = settled(&push, |stats| stats.peers == 0 && stats.queued_out == 0);
        let came = settled(&pull, |_| true);
        assert_eq!((left.sent, left.left + left.dropped.disconnected), (sent, sent), "{left:?}");
        assert_eq!(came.received + came.discarded.closed, came.arrived, "{came:?}");
        assert!(left.left - came.arrived <= left.in_doubt, "{left:?} {came:?}");
        if at.starts_with("inproc") {
            assert_eq!((left.left, left.in_doubt), (came.arrived, 0));
        }
    }
}

#[test]
fn what_lingers_in_vain_is_dropped() {
    let context = Context::builder().libzmq_compat().build();
    let push = socket(&context, SocketType::Push);
    push.connect(&free_endpoint()).unwrap();
    (0..7).for_each(|n| push.send(numbered(n)).unwrap());
    push.send_part("unfinished", true, false).unwrap();
    assert_eq!(settled(&push, |_| true).queued_out, 7);
    push.set_linger(Some(Duration::from_millis(10))).unwrap();
    push.close();
    let stats = settled(&push, |stats| stats.queued_out == 0);
    assert_eq!((stats.sent, stats.dropped.linger, stats.dropped.unfinished), (8, 7, 1));
    drop(push);
    assert_eq!(settled_context(&context, |stats| stats.queued_out == 0).dropped.of(Dropped::Linger), 7);
}

#[test]
fn only_the_newest_is_kept_and_the_others_are_counted() {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    for at in [free_endpoint(), "inproc://conflated".to_owned()] {
        let push = socket(&context, SocketType::Push);
        push.set_conflate(true).unwrap();
        push.connect(&at).unwrap();
        (0..10).for_each(|n| push.send(numbered(n)).unwrap());
        if !at.starts_with("inproc") {
            assert_eq!(settled(&push, |_| true).dropped.conflated, 9);
        }
        let pull = socket(&context, SocketType::Pull);
        pull.set_conflate(true).unwrap();
        pull.bind(&at).unwrap();
        pull.recv_timeout(SOON).unwrap();
        (0..10).for_each(|n| push.send(numbered(n)).unwrap());
        let left = settled(&push, |stats| stats.queued_out == 0);
        settled(&pull, |stats| stats.arrived == left.left);
        assert_eq!(left.sent, left.left + left.dropped.conflated);
        assert_eq!(pull.recv_timeout(SOON).unwrap(), numbered(9));
        let came = settled(&pull, |stats| stats.queued_in == 0);
        assert_eq!(came.arrived, 2 + came.discarded.conflated);
    }
}

#[test]
fn bytes_that_no_kernel_sees_are_counted_as_bodies() {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    let at = "inproc://bytes";
    let bytes = |socket: &Socket| {
        let stats = settled(socket, |_| true);
        (stats.left_bytes, stats.queued_out_bytes, stats.arrived_bytes, stats.queued_in_bytes)
    };
    let push = socket(&context, SocketType::Push);
    push.connect(at).unwrap();
    push.send(vec![0; 10]).unwrap();
    push.send(vec![0; 3000]).unwrap();
    push.send(Message::from_parts(["one", "two", ""]).unwrap()).unwrap();
    assert_eq!(bytes(&push), (0, 3016, 0, 0), "nobody has bound the name");
    let pull = socket(&context, SocketType::Pull);
    pull.bind(at).unwrap();
    assert_eq!(bytes(&pull), (0, 0, 3016, 3016));
    assert_eq!(bytes(&push), (3016, 0, 0, 0));
    for left in [3006, 6, 0] {
        pull.recv_timeout(SOON).unwrap();
        assert_eq!(bytes(&pull), (0, 0, 3016, left));
    }
    push.send(vec![0; 7]).unwrap();
    pull.close();
    assert_eq!(bytes(&pull), (0, 0, 3023, 0), "what was not received is discarded");
    push.close();
    assert_eq!(bytes(&push), (3023, 0, 0, 0));

    let [push, pull] = [SocketType::Push, SocketType::Pull].map(|kind| socket(&context, kind));
    pull.set_conflate(true).unwrap();
    pull.bind(at).unwrap();
    push.connect(at).unwrap();
    meet(&push, &pull);
    [5, 6, 7].iter().for_each(|&len| push.send(vec![0; len]).unwrap());
    assert_eq!((bytes(&push), bytes(&pull)), ((18, 0, 0, 0), (0, 0, 18, 7)), "only the newest waits");

    let req = Req::new(&context).unwrap();
    req.connect("inproc://bytes-nobody").unwrap();
    assert!(req.request("hello").timeout(Duration::from_millis(1)).call().unwrap_err().is_timeout());
    let req = req.as_socket();
    assert_eq!(settled(req, |_| true).dropped.withdrawn, 1);
    assert_eq!(bytes(req), (0, 0, 0, 0), "it was taken back");
}

#[test]
fn what_nobody_wants_is_discarded_at_the_receiver() {
    let context = Context::builder().libzmq_compat().build();
    let sub = context.socket(SocketType::Sub).unwrap();
    let publisher = socket(&context, SocketType::XPub);
    sub.subscribe("a").unwrap();
    sub.connect(&publisher.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    publisher.wait_for_peers(1, SOON).unwrap();
    (0..3).for_each(|_| publisher.send("a").unwrap());
    settled(&sub, |stats| stats.queued_in == 3);
    sub.unsubscribe("a").unwrap();
    assert!(sub.try_recv().is_err());
    assert_eq!(settled(&sub, |_| true).discarded.filtered, 3);

    let rep = socket(&context, SocketType::Rep);
    let at = rep.bind("tcp://127.0.0.1:*").unwrap();
    let dealer = socket(&context, SocketType::Dealer);
    dealer.connect(&at).unwrap();
    dealer.send("no envelope").unwrap();
    dealer.send(["", "question"]).unwrap();
    rep.recv_timeout(SOON).unwrap();
    assert_eq!(settled(&rep, |_| true).discarded.malformed, 1);

    let req = socket(&context, SocketType::Req);
    req.set_req_relaxed(true).unwrap();
    req.set_req_correlate(true).unwrap();
    let router = socket(&context, SocketType::Router);
    req.connect(&router.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    for _ in 0..2 {
        req.send("q").unwrap();
        let request = router.recv_timeout(SOON).unwrap();
        router.send(request).unwrap();
    }
    settled(&req, |stats| stats.arrived == 2);
    req.recv_timeout(SOON).unwrap();
    assert_eq!(settled(&req, |_| true).discarded.unsolicited, 1);

    let push = socket(&context, SocketType::Push);
    let mut raw = RawPeer::ready(&push.bind("tcp://127.0.0.1:*").unwrap(), "PULL");
    raw.write(&frame(0, b"for a socket that never receives"));
    assert_eq!(settled(&push, |stats| stats.arrived == 1).discarded.unsolicited, 1);
}

#[test]
fn a_peer_that_may_not_take_part_is_not_heard() {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    let (server, _client) = join(&context, SocketType::Pair, SocketType::Pair, "tcp://127.0.0.1:*");
    let second = socket(&context, SocketType::Pair);
    second.connect(&server.last_endpoint()).unwrap();
    second.send("may I?").unwrap();
    let stats = settled(&server, |stats| stats.peers_refused > 0 && stats.queued_in == 0);
    assert_eq!(stats.received, 0);
    assert_eq!(stats.arrived, stats.discarded.refused + stats.discarded.closed);
}

/// Numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A server and its clients, who talk at random.
struct Party<'a> {
    context: &'a Context,
    at: String,
    server: Socket,
    kind: SocketType,
    clients: Vec<Socket>,
    gone: Vec<Socket>,
    last: Message,
}

impl Party<'_> {
    fn client(&mut self, dice: &mut Dice) {
        let client = socket(self.context, self.kind);
        client.set_sndhwm(1 + dice.roll(20) as u32).unwrap();
        client.set_rcvhwm(1 + dice.roll(20) as u32).unwrap();
        client.set_linger(Some(Duration::from_millis(dice.roll(2) * 50))).unwrap();
        client.set_immediate(dice.roll(4) == 0).unwrap();
        client.connect(&self.at).unwrap();
        if self.kind == SocketType::XSub {
            client.send("\x01").unwrap();
        }
        self.clients.push(client);
    }

    fn say(&self, one: &Socket, dice: &mut Dice) {
        let mut message = match dice.roll(4) {
            0 => Message::from(["", "enveloped"]),
            1 => Message::from(vec![b'x'; dice.roll(40_000) as usize]),
            2 if one.socket_type() == SocketType::Router => Message::from(["nobody", "x"]),
            _ => numbered(dice.roll(1 << 40)),
        };
        if one.socket_type() == SocketType::Router && self.last.len() > 1 && dice.roll(3) > 0 {
            message.push_front(self.last[0].clone());
        }
        match dice.roll(12) {
            0 => drop(one.send_part("a part", true, true)),
            _ => drop(one.try_send(message)),
        }
    }

    fn hear(&mut self, which: usize) {
        let one = self.clients.get(which).unwrap_or(&self.server);
        let Ok(message) = one.try_recv() else { return };
        if which >= self.clients.len() {
            self.last = message;
        }
    }

    fn step(&mut self, dice: &mut Dice) {
        let which = dice.roll(self.clients.len() as u64 + 2) as usize;
        let one = self.clients.get(which).unwrap_or(&self.server).clone();
        match dice.roll(24) {
            0..12 => self.say(&one, dice),
            12..19 => self.hear(which),
            19 => drop(one.events()),
            20 => {
                one.set_sndhwm(1 + dice.roll(20) as u32).unwrap();
                one.set_rcvhwm(1 + dice.roll(20) as u32).unwrap();
            }
            21 if which < self.clients.len() => {
                one.close();
                self.gone.push(self.clients.swap_remove(which));
            }
            22 if which < self.clients.len() => drop(one.disconnect(&self.at)),
            _ if self.clients.len() < 3 => self.client(dice),
            _ => {}
        }
    }
}

fn talk_at_random(bound: SocketType, kind: SocketType, at: &str, seed: u64) {
    let context = Context::builder().libzmq_compat().build();
    let mut dice = Dice(seed);
    let server = socket(&context, bound);
    server.set_sndhwm(1 + dice.roll(20) as u32).unwrap();
    server.set_rcvhwm(1 + dice.roll(20) as u32).unwrap();
    server.set_linger(Some(Duration::from_millis(dice.roll(2) * 50))).unwrap();
    let at = server.bind(at).unwrap();
    let (clients, gone, last) = (Vec::new(), Vec::new(), Message::new());
    let mut party = Party { context: &context, at, server, kind, clients, gone, last };
    party.client(&mut dice);
    for _ in 0..400 {
        party.step(&mut dice);
    }
    let all: Vec<Socket> = party.clients.iter().chain(&party.gone).chain([&party.server]).cloned().collect();
    for one in &all {
        settled(one, |_| true);
    }
    // All at once: some are gone while others still write to them.
    all.iter().for_each(Socket::close);
    drop((party, all));
    let end = settled_context(&context, |stats| (stats.queued_out, stats.queued_in) == (0, 0));
    assert!(end.left >= end.arrived, "{bound:?} {kind:?}: {end:#?}");
}

#[test]
fn every_pattern_balances_over_every_transport() {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
    let pairs = [
        (Push, Pull),
        (Pull, Push),
        (Pub, Sub),
        (XPub, Sub),
        (XPub, XSub),
        (Sub, Pub),
        (Rep, Req),
        (Rep, Dealer),
        (Router, Req),
        (Router, Dealer),
        (Dealer, Dealer),
        (Dealer, Router),
        (Router, Router),
        (Pair, Pair),
    ];
    for (n, (bound, kind)) in pairs.into_iter().enumerate() {
        for (m, at) in endpoints(&format!("random-{n}")).iter().enumerate() {
            for seed in 0..3 {
                talk_at_random(bound, kind, at, 1 + seed + 10 * m as u64 + 100 * n as u64);
            }
        }
    }
}

/// The peer that is killed: it receives some messages, says so, and then no more.
fn victim() {
    let told = argument();
    let (kind, at) = told.split_once(' ').unwrap();
    let context = Context::builder().libzmq_compat().build();
    let kind = SocketType::ALL.into_iter().find(|known| known.name() == kind).unwrap();
    let one = socket(&context, kind);
    one.set_rcvhwm(10).unwrap();
    one.connect(at).unwrap();
    if kind == SocketType::Dealer {
        one.send("here").unwrap();
    }
    println!("> ready");
    for count in 1..=5 {
        one.recv_timeout(SOON).unwrap();
        println!("> {count}");
    }
    std::thread::park();
}

#[test]
fn a_killed_peer_leaves_the_books_in_order() {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Router, Stream, Sub, XPub, XSub};
    if child() {
        return victim();
    }
    let pairs = [
        (Push, Pull),
        (Pub, Sub),
        (XPub, Sub),
        (XSub, XPub),
        (Router, Dealer),
        (Dealer, Dealer),
        (Pair, Pair),
        (Stream, Stream),
    ];
    // A raw connection is tcp.
    let possible = |at: &str, bound| bound != Stream || at.starts_with("tcp");
    for at in wires() {
        for (bound, kind) in pairs.into_iter().filter(|(bound, _)| possible(&at, *bound)) {
            let context = Context::builder().libzmq_compat().blocky(false).build();
            let one = socket(&context, bound);
            one.set_sndhwm(10).unwrap();
            let at = one.bind(&at).unwrap();
            let told = format!("{} {at}", kind.name());
            let mut victim = start_child("books::a_killed_peer_leaves_the_books_in_order", &told);
            one.wait_for_peers(1, SOON).unwrap();
            let named = matches!(bound, Router | Stream);
            let id = named.then(|| one.recv_timeout(SOON).unwrap()[0].clone());
            let mut begun = 0;
            let mut send = || {
                let mut message = Message::from(vec![b'x'; 20_000]);
                if bound != Stream {
                    message.push_front("x");
                    message.push_front("");
                }
                if let Some(id) = &id {
                    message.push_front(id.clone());
                }
                let sent = one.try_send(message).is_ok();
                begun += u64::from(sent);
                sent
            };
            let mut heard = BufReader::new(victim.stdout.take().unwrap()).lines();
            while send() && one.stats().dropped.total() == 0 {}
            while !heard.next().expect("it lives").unwrap().starts_with("> 5") {}
            // From here on nobody takes anything but the kernel; once that takes no more either, a queue that is full stays full.
            stop(&victim);
            let mut still = (one.stats().left, Instant::now());
            while still.1.elapsed() < STILL {
                let dropped = one.stats().dropped.hwm;
                while send() && one.stats().dropped.hwm == dropped {}
                let left = one.stats().left;
                if left != still.0 {
                    still = (left, Instant::now());
                }
                std::thread::yield_now();
            }
            victim.kill().unwrap();
            victim.wait().unwrap();
            let stats = settled(&one, |stats| stats.peers == 0 && stats.queued_out == 0);
            assert_eq!(stats.sent, begun, "{bound:?}");
            assert_eq!(stats.sent, stats.left + stats.dropped.total(), "{bound:?}: {stats:#?}");
            assert!(stats.dropped.disconnected > 0, "its queue: {stats:?}");
            // It had received five; of the others nobody knows.
            assert_eq!(stats.in_doubt, stats.left, "{bound:?}");
            assert!(stats.left > 5);
        }
    }
}

/// A peer that is killed with a request that it has not answered, or with its own that nobody has answered yet.
fn asking_victim() {
    let told = argument();
    let (kind, at) = told.split_once(' ').unwrap();
    let context = Context::builder().libzmq_compat().build();
    let one = socket(&context, if kind == "REP" { SocketType::Rep } else { SocketType::Req });
    one.connect(at).unwrap();
    if kind == "REP" {
        one.recv_timeout(SOON).unwrap();
    } else {
        one.send("question").unwrap();
    }
    println!("> ready");
    std::thread::park();
}

#[test]
fn a_peer_killed_between_request_and_reply_leaves_the_books_in_order() {
    use SocketType::{Rep, Req};
    if child() {
        return asking_victim();
    }
    for at in wires() {
        for (bound, kind) in [(Req, Rep), (Rep, Req)] {
            let context = Context::builder().libzmq_compat().blocky(false).build();
            let one = socket(&context, bound);
            let at = one.bind(&at).unwrap();
            let name = "books::a_peer_killed_between_request_and_reply_leaves_the_books_in_order";
            let mut victim = start_child(name, &format!("{} {at}", kind.name()));
            one.wait_for_peers(1, SOON).unwrap();
            if bound == Req {
                one.send("question").unwrap();
            } else {
                one.recv_timeout(SOON).unwrap();
            }
            let mut heard = BufReader::new(victim.stdout.take().unwrap()).lines();
            while !heard.next().expect("it lives").unwrap().contains("> ready") {}
            victim.kill().unwrap();
            victim.wait().unwrap();
            settled(&one, |stats| stats.peers == 0);
            if bound == Rep {
                one.send("answer").unwrap();
            }
            let stats = settled(&one, |stats| stats.queued_out == 0);
            let (doubted, dropped) = if bound == Req { (1, 0) } else { (0, 1) };
            assert_eq!((stats.sent, stats.left, stats.in_doubt), (1, doubted, doubted), "{stats:#?}");
            assert_eq!(stats.dropped.total(), dropped, "{stats:#?}");
        }
    }
}

#[test]
fn a_peer_that_took_its_queue_along_is_remembered() {
    for at in wires() {
        let context = Context::builder().libzmq_compat().blocky(false).build();
        let push = socket(&context, SocketType::Push);
        let at = push.bind(&at).unwrap();
        for round in 0..10_u64 {
            let pull = socket(&context, SocketType::Pull);
            pull.set_rcvhwm(1).unwrap();
            pull.connect(&at).unwrap();
            meet(&push, &pull);
            while push.try_send(vec![0; 100_000]).is_ok() {}
            let dropped = push.stats().dropped.disconnected;
            pull.close();
            let stats = settled(&push, |stats| stats.dropped.disconnected > dropped && stats.peers == 0);
            let report = push.report();
            assert_eq!(report.gone.len() as u64, (round + 1).min(8), "{:?}", report.gone);
            let latest = &report.gone[0];
            assert_eq!(latest.stats.dropped.disconnected, stats.dropped.disconnected - dropped);
            assert!(!latest.stats.connected && latest.ago < SOON);
            assert_eq!(latest.stats.peer.as_ref().unwrap().mechanism, "NULL");
            assert!(report.to_json().contains(r#""gone":[{"id":"#), "{}", report.to_json());
        }
        // One that goes with nothing waiting is not.
        let pull = socket(&context, SocketType::Pull);
        pull.connect(&at).unwrap();
        meet(&push, &pull);
        let before = push.report().gone[0].stats.id;
        pull.close();
        settled(&push, |stats| stats.peers == 0);
        assert_eq!(push.report().gone[0].stats.id, before);
    }
}

#[test]
fn heartbeats_end_doubt_and_tell_how_long_they_took() {
    for at in wires() {
        let context = Context::builder().libzmq_compat().blocky(false).build();
        let push = socket(&context, SocketType::Push);
        push.set_heartbeat_interval(Some(Duration::from_millis(20))).unwrap();
        let pull = socket(&context, SocketType::Pull);
        pull.connect(&push.bind(&at).unwrap()).unwrap();
        meet(&push, &pull);
        (0..10).for_each(|n| push.send(numbered(n)).unwrap());
        settled(&pull, |stats| stats.queued_in == 10);
        let begin = Instant::now();
        while push.peer_stats()[0].round_trip.is_none() {
            assert!(begin.elapsed() < SOON);
            std::thread::yield_now();
        }
        // A PING that was sent after them all is answered.
        let came = pull.peer_stats()[0].arrived_bytes;
        settled(&pull, |_| pull.peer_stats()[0].arrived_bytes >= came + 60);
        pull.close();
        let stats = settled(&push, |stats| stats.peers == 0);
        assert_eq!((stats.left, stats.in_doubt), (10, 0));
    }
}

#[test]
fn a_connection_lost_and_found_again_loses_nothing_and_says_so() {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    let at = free_endpoint();
    let push = socket(&context, SocketType::Push);
    push.connect(&at).unwrap();
    for round in 0..3 {
        let pull = socket(&context, SocketType::Pull);
        pull.bind(&at).unwrap();
        meet(&push, &pull);
        fill(&push);
        let came = settled(&pull, |stats| stats.queued_in > 0);
        pull.close();
        settled(&push, |stats| stats.peers == 0);
        assert_eq!(push.peer_stats()[0].reconnects, round, "{came:?}");
        assert_eq!(push.stats().dropped.total(), 0);
    }
}
