//! What send and receive do when they cannot proceed: every type in every mute state, compared with libzmq in the same run.
//!
//! The cases are generated: twelve types, the situations of [`situations`], and the calls of [`calls`]. Counts are compared
//! where all queues are ours (inproc, and connections that do not exist yet); over tcp the kernel's buffers
//! come on top for both, so there only outcomes are.

use crate::script::{Deviation, Script, Step, compare};
use ferrozmq::SocketType;

/// How long a call waits for what does not come, in milliseconds.
const WAIT_MS: u32 = 10;
/// How long a call may wait for what does come, in milliseconds.
const SOON_MS: u32 = 10_000;
/// High-water marks of the socket under test and of its peer, different so that a mix-up shows.
const SNDHWM: (i32, i32) = (3, 4);
const RCVHWM: (i32, i32) = (5, 2);
/// More than any high-water mark here.
const MANY: usize = 30;
/// Nobody listens there.
const ABSENT: &str = "tcp://127.0.0.1:1";

/// Names of the socket under test and of its peer.
const US: &str = "us";
const PEER: &str = "peer";

mod option {
    pub const ROUTING_ID: i32 = 5;
    pub const SUBSCRIBE: i32 = 6;
    pub const SNDBUF: i32 = 11;
    pub const RCVBUF: i32 = 12;
    pub const SNDHWM: i32 = 23;
    pub const RCVHWM: i32 = 24;
    pub const ROUTER_MANDATORY: i32 = 33;
    pub const IMMEDIATE: i32 = 39;
    pub const REQ_RELAXED: i32 = 53;
    pub const XPUB_NODROP: i32 = 69;
}

/// Where we differ, and mean to.
fn deviations() -> Vec<Deviation> {
    let mut all = vec![Deviation {
        script: "XPUB *".to_owned(),
        step: "drain us*",
        libzmq: "ok 8 then E11",
        ours: "ok 9 then E11",
        reason: "a subscription takes no message's place in the queue, and is not counted against its mark",
    }];
    all.extend(["PUSH", "DEALER", "PAIR"].map(|kind| Deviation {
        script: format!("{kind} full, *"),
        step: "fill us*",
        libzmq: "ok 3 then E11",
        ours: "ok 5 then E11",
        reason: "an empty queue has all its room; libzmq gives room back in steps of half the mark",
    }));
    all
}

#[test]
fn every_type_in_every_mute_state_answers_as_libzmq_does() {
    let mut scripts = Vec::new();
    for kind in SocketType::ALL {
        for (situation, steps) in situations(kind) {
            for (call, step) in calls(kind) {
                let steps = steps.iter().cloned().chain([step]).collect();
                scripts.push(Script { name: format!("{} {situation}: {call}", kind.name()), steps });
            }
        }
        if kind != SocketType::Stream {
            scripts
                .push(Script { name: format!("{} full over tcp", kind.name()), steps: full_over_tcp(kind) });
        }
    }
    scripts.extend(states());
    compare("mute states", &scripts, &deviations());
}

/// The calls tried in each situation.
fn calls(kind: SocketType) -> Vec<(&'static str, Step)> {
    let send = |wait_ms, more| Step::Send { socket: US, parts: message(kind), wait_ms, more };
    vec![
        ("send, DONTWAIT", send(None, false)),
        ("send, time-out", send(Some(WAIT_MS), false)),
        ("first part, DONTWAIT", send(None, true)),
        ("first part, time-out", send(Some(WAIT_MS), true)),
        ("receive, DONTWAIT", Step::Recv(US, None)),
        ("receive, time-out", Step::Recv(US, Some(WAIT_MS))),
        ("events", Step::Events(US)),
        ("how many can be sent", fill(US, kind)),
        ("how many can be received", Step::Drain(US, None)),
    ]
}

/// Something this type sends to the peer that it has in these scripts.
fn message(kind: SocketType) -> Vec<Vec<u8>> {
    match kind {
        SocketType::Router => vec![b"peer".to_vec(), b"body".to_vec()],
        SocketType::Stream => vec![b"none".to_vec(), b"body".to_vec()],
        _ => vec![b"body".to_vec()],
    }
}

/// The type that serves as the other end.
fn partner(kind: SocketType) -> SocketType {
    match kind {
        SocketType::Pair => SocketType::Pair,
        SocketType::Pub => SocketType::Sub,
        SocketType::Sub => SocketType::Pub,
        SocketType::Req => SocketType::Rep,
        SocketType::Rep => SocketType::Req,
        SocketType::Dealer => SocketType::Router,
        SocketType::Router => SocketType::Dealer,
        SocketType::Pull => SocketType::Push,
        SocketType::Push => SocketType::Pull,
        SocketType::XPub => SocketType::XSub,
        SocketType::XSub => SocketType::XPub,
        SocketType::Stream => SocketType::Stream,
    }
}

fn fill(socket: &'static str, kind: SocketType) -> Step {
    Step::Fill { socket, parts: message(kind), wait_ms: None, limit: MANY, count: true }
}

fn int(socket: &'static str, option: i32, value: i32) -> Step {
    Step::Set(socket, option, value.to_ne_bytes().to_vec())
}

/// Opens the socket under test.
fn us(kind: SocketType) -> Vec<Step> {
    let mut steps = vec![
        Step::Open(US, kind),
        int(US, option::SNDHWM, SNDHWM.0),
        int(US, option::RCVHWM, RCVHWM.0),
        Step::Set(US, option::ROUTING_ID, b"us".to_vec()),
    ];
    if kind == SocketType::Sub {
        steps.push(Step::Set(US, option::SUBSCRIBE, Vec::new()));
    }
    steps
}

/// Opens its peer.
fn peer(kind: SocketType) -> Vec<Step> {
    let kind = partner(kind);
    let mut steps = vec![
        Step::Open(PEER, kind),
        int(PEER, option::SNDHWM, SNDHWM.1),
        int(PEER, option::RCVHWM, RCVHWM.1),
        Step::Set(PEER, option::ROUTING_ID, b"peer".to_vec()),
    ];
    if kind == SocketType::Sub {
        steps.push(Step::Set(PEER, option::SUBSCRIBE, Vec::new()));
    }
    steps
}

/// An XSUB subscribes to everything by a message; the XPUB reads it.
fn subscribe(kind: SocketType) -> Vec<Step> {
    let all = |socket| Step::Send { socket, parts: vec![vec![1]], wait_ms: Some(SOON_MS), more: false };
    match kind {
        SocketType::XPub => vec![all(PEER), Step::Recv(US, Some(SOON_MS))],
        SocketType::XSub => vec![all(US), Step::Recv(PEER, Some(SOON_MS))],
        _ => Vec::new(),
    }
}

/// Every mute state that this type can be in, and some that are not mute.
fn situations(kind: SocketType) -> Vec<(&'static str, Vec<Step>)> {
    let with = |steps: Vec<Step>| us(kind).into_iter().chain(steps).collect::<Vec<Step>>();
    let mut all = vec![
        ("alone", us(kind)),
        ("bound, nobody came", with(vec![Step::Bind(US, "tcp://127.0.0.1:*".to_owned())])),
        ("connected to nobody", with(vec![Step::Connect(US, ABSENT.to_owned())])),
        (
            "IMMEDIATE, connected to nobody",
            with(vec![int(US, option::IMMEDIATE, 1), Step::Connect(US, ABSENT.to_owned())]),
        ),
    ];
    if kind == SocketType::Stream {
        return all;
    }
    let inproc = || "inproc://place".to_owned();
    all.push(("bound, inproc, nobody came", with(vec![Step::Bind(US, inproc())])));
    all.push(("connected before bind, inproc", with(vec![Step::Connect(US, inproc())])));
    let met = |steps: Vec<Step>| [peer(kind), steps, subscribe(kind)].concat();
    let bound = met(vec![Step::Bind(US, inproc()), Step::Connect(PEER, inproc())]);
    let connected = met(vec![Step::Bind(PEER, inproc()), Step::Connect(US, inproc())]);
    let early = met(vec![Step::Connect(US, inproc()), Step::Bind(PEER, inproc())]);
    let full = |steps: &Vec<Step>| [steps.clone(), vec![fill(US, kind)]].concat();
    let offered = |steps: &Vec<Step>| [steps.clone(), vec![fill(PEER, partner(kind))]].concat();
    all.push(("bound, idle peer", with(bound.clone())));
    all.push(("connected, idle peer", with(connected.clone())));
    all.push(("connected before bind, idle peer", with(early.clone())));
    all.push(("bound, peer full", with(full(&bound))));
    all.push(("connected, peer full", with(full(&connected))));
    all.push(("connected before bind, peer full", with(full(&early))));
    all.push(("bound, peer has sent", with(offered(&bound))));
    all.push(("connected, peer has sent", with(offered(&connected))));
    all.push(("connected before bind, peer has sent", with(offered(&early))));
    all
}

/// Filled up through tcp: how much goes in is the kernel's affair, that it ends or does not end is ours.
fn full_over_tcp(kind: SocketType) -> Vec<Step> {
    let small = [US, PEER].into_iter().flat_map(|socket| {
        [int(socket, option::SNDBUF, 16 * 1024), int(socket, option::RCVBUF, 16 * 1024), Step::Watch(socket)]
    });
    let mut parts = message(kind);
    parts.push(vec![0; 60_000]);
    let mut steps = [us(kind), peer(kind)].concat();
    steps.extend(small);
    steps.extend([Step::Bind(US, "tcp://127.0.0.1:*".to_owned()), Step::Connect(PEER, "$us".to_owned())]);
    // A publisher of ours is ready for a peer when that has subscribed, which comes later here.
    steps.extend((kind != SocketType::XPub).then_some(Step::Ready(US)));
    steps.extend((kind != SocketType::XSub).then_some(Step::Ready(PEER)));
    steps.extend(subscribe(kind));
    steps.push(Step::Fill { socket: US, parts, wait_ms: Some(300), limit: 200, count: false });
    // What a full socket refuses leaves it as it was, but for the beginning of a message, which comes last.
    let (beginnings, others): (Vec<_>, Vec<_>) =
        calls(kind).into_iter().partition(|(_, step)| matches!(step, Step::Send { more: true, .. }));
    let counting = |step: &Step| matches!(step, Step::Fill { .. });
    steps.extend(others.into_iter().chain(beginnings).map(|(_, step)| step).filter(|step| !counting(step)));
    steps
}

/// States of particular types: lockstep, mandatory routing, publishers that do not drop, what a reader gives back.
fn states() -> Vec<Script> {
    let mut scripts = Vec::new();
    for (name, kind, options, steps) in [
        ("REQ sends twice", SocketType::Req, None, vec![send_ok(US), send_ok(US)]),
        (
            "REQ relaxed sends twice",
            SocketType::Req,
            Some(option::REQ_RELAXED),
            vec![send_ok(US), send_ok(US)],
        ),
        (
            "REP answers",
            SocketType::Rep,
            None,
            vec![send_ok(PEER), Step::Recv(US, Some(SOON_MS)), send_ok(US), Step::Recv(PEER, Some(SOON_MS))],
        ),
        (
            "REP answers twice",
            SocketType::Rep,
            None,
            vec![send_ok(PEER), Step::Recv(US, Some(SOON_MS)), send_ok(US), send_ok(US)],
        ),
        (
            "REP receives again before it answers",
            SocketType::Rep,
            None,
            vec![send_ok(PEER), Step::Recv(US, Some(SOON_MS)), Step::Recv(US, None)],
        ),
        (
            "REQ receives again before it asks",
            SocketType::Req,
            None,
            vec![
                send_ok(US),
                Step::Recv(PEER, Some(SOON_MS)),
                send_ok(PEER),
                Step::Recv(US, None),
                Step::Recv(US, None),
            ],
        ),
        (
            "XPUB that does not drop is full",
            SocketType::XPub,
            Some(option::XPUB_NODROP),
            vec![fill(US, SocketType::XPub), Step::Events(US), send_ok(US)],
        ),
        (
            "PUB that does not drop is full",
            SocketType::Pub,
            Some(option::XPUB_NODROP),
            vec![fill(US, SocketType::Pub), Step::Events(US), send_ok(US)],
        ),
        (
            "ROUTER mandatory is full",
            SocketType::Router,
            Some(option::ROUTER_MANDATORY),
            vec![fill(US, SocketType::Router), Step::Events(US)],
        ),
        (
            "ROUTER mandatory to nobody",
            SocketType::Router,
            Some(option::ROUTER_MANDATORY),
            vec![
                to("nobody", None, false),
                to("nobody", Some(WAIT_MS), false),
                to("nobody", None, true),
                Step::Events(US),
            ],
        ),
        ("ROUTER to nobody", SocketType::Router, None, vec![to("nobody", None, false), Step::Events(US)]),
        (
            "ROUTER sends only a routing id",
            SocketType::Router,
            None,
            vec![send_ok(US), Step::Drain(PEER, None)],
        ),
    ] {
        let mut script = [us(kind), peer(kind)].concat();
        script.extend(options.map(|option| int(US, option, 1)));
        script
            .extend([Step::Bind(US, "inproc://place".into()), Step::Connect(PEER, "inproc://place".into())]);
        script.extend(subscribe(kind));
        script.extend(steps);
        scripts.push(Script { name: name.to_owned(), steps: script });
    }
    scripts.extend(readers_that_give_back());
    scripts
}

/// A full pipe, from which the peer takes some: when may the sender go on, and with how many?
fn readers_that_give_back() -> Vec<Script> {
    let mut scripts = Vec::new();
    for kind in [SocketType::Push, SocketType::Dealer, SocketType::Pair, SocketType::Pub, SocketType::Router]
    {
        for taken in 1..=5 {
            let mut steps = [us(kind), peer(kind)].concat();
            steps.extend([
                Step::Bind(US, "inproc://place".into()),
                Step::Connect(PEER, "inproc://place".into()),
            ]);
            steps.push(fill(US, kind));
            steps.extend((0..taken).map(|_| Step::Recv(PEER, None)));
            steps.extend([Step::Events(US), fill(US, kind), Step::Drain(PEER, None), fill(US, kind)]);
            scripts.push(Script { name: format!("{} full, {taken} taken", kind.name()), steps });
        }
    }
    scripts
}

fn send_ok(socket: &'static str) -> Step {
    Step::Send { socket, parts: vec![b"one".to_vec()], wait_ms: Some(SOON_MS), more: false }
}

fn to(peer: &str, wait_ms: Option<u32>, more: bool) -> Step {
    Step::Send { socket: US, parts: vec![peer.as_bytes().to_vec(), b"body".to_vec()], wait_ms, more }
}
