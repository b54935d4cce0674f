//! Monitor events: the sequences that libzmq 4.3.5 emits, seen with PyZMQ.

use crate::ground::{MOMENT, SOON, free_endpoint, meet, wires};
use EventKind::*;
use ferrozmq::{Context, EventKind, Monitor, SocketType};
use std::time::Duration;

fn next(monitor: &Monitor) -> (EventKind, String, u64) {
    let event = monitor.recv_timeout(SOON).expect("an event");
    let endpoint = match event.kind {
        Connected | ConnectDelayed | ConnectRetried | Closed if event.local.is_empty() => {
            event.remote.clone()
        }
        _ => event.local.clone(),
    };
    (event.kind, endpoint, event.value)
}

fn expect(monitor: &Monitor, kinds: &[EventKind]) {
    for kind in kinds {
        let (found, endpoint, value) = next(monitor);
        assert_eq!(found, *kind, "{endpoint}, {value}");
    }
}

#[test]
fn a_connection_begins_and_ends() {
    for endpoint in wires() {
        let context = Context::new();
        let (rep, req) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Req).unwrap());
        let (at_rep, at_req) = (rep.monitor().unwrap(), req.monitor().unwrap());
        let at = rep.bind(&endpoint).unwrap();
        let (kind, local, _) = next(&at_rep);
        assert_eq!((kind, local), (Listening, at.clone()));
        req.connect(&at).unwrap();
        if at.starts_with("tcp") {
            expect(&at_req, &[ConnectDelayed]);
        }
        expect(&at_req, &[Connected, HandshakeSucceeded]);
        expect(&at_rep, &[Accepted, HandshakeSucceeded]);
        meet(&rep, &req);
        drop(rep);
        expect(&at_rep, &[Closed, MonitorStopped]);
        assert!(at_rep.recv().is_none());
        expect(&at_req, &[Disconnected, ConnectRetried]);
        if at.starts_with("tcp") {
            expect(&at_req, &[ConnectDelayed]);
        }
        expect(&at_req, &[Closed, ConnectRetried]);
    }
}

#[test]
fn the_side_that_closes_says_nothing_of_a_disconnection() {
    for endpoint in wires() {
        let context = Context::new();
        let (rep, req) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Req).unwrap());
        req.connect(&rep.bind(&endpoint).unwrap()).unwrap();
        meet(&rep, &req);
        let (at_rep, at_req) = (rep.monitor().unwrap(), req.monitor().unwrap());
        drop(req);
        expect(&at_req, &[MonitorStopped]);
        expect(&at_rep, &[Disconnected]);
    }
}

#[test]
fn a_refused_connection_is_tried_again() {
    let context = Context::new();
    let req = context.socket(SocketType::Req).unwrap();
    req.set_reconnect_interval(Some(Duration::from_millis(10))).unwrap();
    let monitor = req.monitor().unwrap();
    let endpoint = free_endpoint();
    req.connect(&endpoint).unwrap();
    for _ in 0..3 {
        let (kind, at, value) = next(&monitor);
        assert_eq!((kind, at, value), (ConnectDelayed, endpoint.clone(), libc_einprogress()));
        let (kind, at, _) = next(&monitor);
        assert_eq!((kind, at), (Closed, endpoint.clone()));
        let (kind, at, pause) = next(&monitor);
        assert_eq!((kind, at), (ConnectRetried, endpoint.clone()));
        assert!((10..20).contains(&pause), "{pause}");
    }
}

fn libc_einprogress() -> u64 {
    115
}

#[test]
fn binding_twice_fails() {
    let context = Context::new();
    let (one, other) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Rep).unwrap());
    let at = one.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = other.monitor().unwrap();
    assert_eq!(other.bind(&at).unwrap_err().kind(), ferrozmq::ErrorKind::AddressInUse);
    let (kind, local, errno) = next(&monitor);
    assert_eq!((kind, local, errno), (BindFailed, at, 98));
}

#[test]
fn unbinding_closes_the_listener() {
    for endpoint in wires() {
        let context = Context::new();
        let rep = context.socket(SocketType::Rep).unwrap();
        let at = rep.bind(&endpoint).unwrap();
        let monitor = rep.monitor().unwrap();
        rep.unbind(&at).unwrap();
        let (kind, local, _) = next(&monitor);
        assert_eq!((kind, local), (Closed, at));
    }
}

#[test]
fn sockets_that_do_not_go_together_part() {
    let context = Context::new();
    let (rep, push) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Push).unwrap());
    push.set_linger(Some(Duration::ZERO)).unwrap();
    let (at_rep, at_push) = (rep.monitor().unwrap(), push.monitor().unwrap());
    push.connect(&rep.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    expect(&at_rep, &[Listening, Accepted]);
    expect(&at_push, &[ConnectDelayed, Connected]);
    for monitor in [at_rep, at_push] {
        let kinds: Vec<EventKind> = std::iter::repeat_with(|| next(&monitor).0).take(2).collect();
        assert!(kinds.contains(&Disconnected), "{kinds:?}");
        assert!(!kinds.contains(&HandshakeSucceeded), "{kinds:?}");
    }
}

#[test]
fn a_peer_that_hangs_up_in_the_handshake_fails_it() {
    let context = Context::new();
    let rep = context.socket(SocketType::Rep).unwrap();
    let monitor = rep.monitor().unwrap();
    let at = rep.bind("tcp://127.0.0.1:*").unwrap();
    drop(std::net::TcpStream::connect(at.trim_start_matches("tcp://")).unwrap());
    expect(&monitor, &[Listening, Accepted, HandshakeFailedNoDetail, Disconnected]);
    assert!(monitor.recv_timeout(MOMENT).is_none());
}

#[test]
fn several_monitors_see_the_same_and_a_dropped_one_nothing() {
    let context = Context::new();
    let rep = context.socket(SocketType::Rep).unwrap();
    let (one, other) = (rep.monitor().unwrap(), rep.monitor().unwrap());
    drop(rep.monitor().unwrap());
    rep.bind("tcp://127.0.0.1:*").unwrap();
    expect(&one, &[Listening]);
    expect(&other, &[Listening]);
    rep.close();
    drop(rep);
    expect(&one, &[Closed, MonitorStopped]);
    expect(&other, &[Closed, MonitorStopped]);
    assert_eq!(one.lost(), 0);
}

#[test]
fn inproc_has_no_events() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    let monitors = [pull.monitor().unwrap(), push.monitor().unwrap()];
    push.connect(&pull.bind("inproc://silent").unwrap()).unwrap();
    push.send("x").unwrap();
    pull.recv_timeout(SOON).unwrap();
    assert!(monitors.iter().all(|monitor| monitor.try_recv().is_none()));
}
