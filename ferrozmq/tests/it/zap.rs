//! ZAP with NULL and PLAIN: every answer of a handler, one that is not there, is slow or goes away.

use crate::peer::SOON;
use ferrozmq::{Context, ErrorKind, EventKind, Message, Monitor, PeerInfo, Rep, Router, Socket, SocketType};
use std::time::Duration;

const HANDLER: &str = "inproc://zeromq.zap.01";

/// A socket whose peers the handler decides about, and its endpoint.
struct Server {
    socket: Socket,
    monitor: Monitor,
    endpoint: String,
}

impl Server {
    fn new(context: &Context, options: &[(&str, &str)]) -> Server {
        let socket = context.socket(SocketType::Dealer).unwrap();
        options.iter().for_each(|(name, value)| socket.set_text(name, value).unwrap());
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        let monitor = socket.monitor().unwrap();
        let endpoint = socket.bind("tcp://127.0.0.1:*").unwrap();
        Server { socket, monitor, endpoint }
    }

    fn in_domain(context: &Context) -> Server {
        Server::new(context, &[("zap_domain", "test"), ("routing_id", "IDENT")])
    }

    fn client(&self, context: &Context, options: &[(&str, &str)]) -> (Socket, Monitor) {
        let client = context.socket(SocketType::Dealer).unwrap();
        options.iter().for_each(|(name, value)| client.set_text(name, value).unwrap());
        client.set_linger(Some(Duration::ZERO)).unwrap();
        let monitor = client.monitor().unwrap();
        client.connect(&self.endpoint).unwrap();
        (client, monitor)
    }
}

/// The next event about a handshake, with its value.
fn outcome(monitor: &Monitor) -> (EventKind, u64) {
    loop {
        let event = monitor.recv_timeout(SOON).expect("an event");
        if event.kind.name().starts_with("HANDSHAKE") {
            return (event.kind, event.value);
        }
    }
}

fn reply(parts: [&[u8]; 6]) -> Message {
    let mut message = Message::from(parts[0]);
    parts[1..].iter().for_each(|part| message.push_back(*part));
    message
}

/// A good answer but for its status.
fn status(code: &[u8]) -> Message {
    reply([b"1.0", b"1", code, b"text", b"anna", b"\x05Hello\0\0\0\x05World"])
}

fn handler(context: &Context) -> Rep {
    let handler = Rep::new(context).unwrap();
    handler.bind(HANDLER).unwrap();
    handler
}

#[test]
fn a_grant_lets_in_and_names_the_user() {
    let context = Context::new();
    let handler = handler(&context);
    let server = Server::in_domain(&context);
    let (client, _) = server.client(&context, &[]);
    let asked = handler.recv_timeout(SOON).unwrap();
    assert_eq!(asked, Message::from(["1.0", "1", "test", "127.0.0.1", "IDENT", "NULL"]));
    handler.send(status(b"200")).unwrap();
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeSucceeded, 0));
    client.send("hello").unwrap();
    let got = server.socket.recv_timeout(SOON).unwrap();
    let peer = PeerInfo::of(got.first()).unwrap();
    assert_eq!(peer.user_id.as_deref(), Some("anna"));
    assert_eq!(peer.property("User-Id").as_deref(), Some("anna"));
    assert_eq!(peer.property("Hello").as_deref(), Some("World"));
}

#[test]
fn a_refusal_reaches_both_sides() {
    for (code, number) in [(b"400", 400), (b"500", 500)] {
        let context = Context::new();
        let handler = handler(&context);
        let server = Server::in_domain(&context);
        let (_client, monitor) = server.client(&context, &[]);
        handler.recv_timeout(SOON).unwrap();
        handler.send(status(code)).unwrap();
        assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedAuth, number));
        assert_eq!(outcome(&monitor), (EventKind::HandshakeFailedAuth, number));
    }
}

#[test]
fn a_temporary_refusal_is_not_told_to_the_peer() {
    let context = Context::new();
    let handler = handler(&context);
    let server = Server::in_domain(&context);
    let (_client, monitor) = server.client(&context, &[]);
    handler.recv_timeout(SOON).unwrap();
    handler.send(status(b"300")).unwrap();
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedAuth, 300));
    assert_eq!(outcome(&monitor).0, EventKind::HandshakeFailedNoDetail);
    // It tries again.
    handler.recv_timeout(SOON).unwrap();
    handler.send(status(b"200")).unwrap();
    assert_eq!(outcome(&monitor), (EventKind::HandshakeSucceeded, 0));
}

#[test]
fn an_answer_that_is_none_keeps_out() {
    let good: [&[u8]; 6] = [b"1.0", b"1", b"200", b"", b"", b""];
    let cases: [(usize, &[u8], u64); 4] =
        [(0, b"2.0", 0x2000_0003), (1, b"2", 0x2000_0002), (2, b"2xx", 0x2000_0004), (5, b"x", 0x2000_0005)];
    for (part, bytes, code) in cases {
        let context = Context::new();
        let handler = handler(&context);
        let server = Server::in_domain(&context);
        let (_client, _) = server.client(&context, &[]);
        handler.recv_timeout(SOON).unwrap();
        let mut parts = good;
        parts[part] = bytes;
        handler.send(reply(parts)).unwrap();
        assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedProtocol, code));
    }
}

#[test]
fn without_a_handler_enforcing_keeps_out_and_not_enforcing_lets_in() {
    let context = Context::new();
    let server = Server::new(&context, &[("zap_domain", "test"), ("zap_enforce_domain", "1")]);
    let _client = server.client(&context, &[]);
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedNoDetail, libc::EFAULT as u64));
    let server = Server::in_domain(&context);
    let (client, _) = server.client(&context, &[]);
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeSucceeded, 0));
    client.send("hello").unwrap();
    let got = server.socket.recv_timeout(SOON).unwrap();
    assert_eq!(PeerInfo::of(got.first()).unwrap().user_id, None);
}

#[test]
fn plain_always_needs_a_handler() {
    let context = Context::new();
    let server = Server::new(&context, &[("plain_server", "1")]);
    let credentials = [("plain_username", "anna"), ("plain_password", "secret")];
    let (_client, monitor) = server.client(&context, &credentials);
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedNoDetail, libc::EFAULT as u64));
    let handler = handler(&context);
    let asked = handler.recv_timeout(SOON).unwrap();
    assert_eq!(asked, Message::from(["1.0", "1", "", "127.0.0.1", "", "PLAIN", "anna", "secret"]));
    handler.send(status(b"200")).unwrap();
    while outcome(&monitor).0 != EventKind::HandshakeSucceeded {}
}

#[test]
fn many_handshakes_wait_at_once_and_are_answered_out_of_order() {
    let context = Context::new();
    let handler = Router::new(&context).unwrap();
    handler.bind(HANDLER).unwrap();
    let server = Server::in_domain(&context);
    let clients: Vec<_> = (0..50).map(|_| server.client(&context, &[])).collect();
    let mut envelopes: Vec<_> =
        clients.iter().map(|_| handler.recv_timeout(SOON).unwrap().first().clone()).collect();
    envelopes.reverse();
    for envelope in envelopes {
        let mut answer = Message::from([envelope, "".into()]);
        status(b"200").iter().for_each(|part| answer.push_back(part.clone()));
        handler.send(answer).unwrap();
    }
    server.socket.wait_for_peers(50, SOON).unwrap();
}

#[test]
fn a_handler_that_goes_away_costs_one_attempt() {
    let context = Context::new();
    let first = handler(&context);
    let server = Server::new(&context, &[("zap_domain", "test"), ("handshake_ivl", "200ms")]);
    let (client, _) = server.client(&context, &[]);
    first.recv_timeout(SOON).unwrap();
    first.as_socket().close();
    assert_eq!(outcome(&server.monitor).0, EventKind::HandshakeFailedNoDetail);
    let second = handler(&context);
    second.recv_timeout(SOON).unwrap();
    second.send(status(b"200")).unwrap();
    client.wait_for_peers(1, SOON).unwrap();
}

#[test]
fn the_deadline_holds_while_the_handler_thinks() {
    let context = Context::new();
    let _handler = handler(&context);
    let server = Server::new(&context, &[("zap_domain", "test"), ("handshake_ivl", "50ms")]);
    let _client = server.client(&context, &[]);
    assert_eq!(outcome(&server.monitor).0, EventKind::HandshakeFailedNoDetail);
}

#[test]
fn a_context_ends_while_a_question_is_open() {
    let context = Context::new();
    let handler = handler(&context);
    let server = Server::in_domain(&context);
    let client = server.client(&context, &[]);
    handler.recv_timeout(SOON).unwrap();
    drop((server, client, handler));
    context.term();
}

/// T21: one handler, the first; and whoever else asks it things changes nothing for a handshake.
#[test]
fn t21_a_second_handler_is_refused_and_a_bystander_answers_nobody() {
    let context = Context::new();
    let handler = handler(&context);
    let usurper = Rep::new(&context).unwrap();
    assert_eq!(usurper.bind(HANDLER).unwrap_err().kind(), ErrorKind::AddressInUse);
    // One that connects there can ask, as the handshakes do, but not answer.
    let bystander = context.socket(SocketType::Dealer).unwrap();
    bystander.connect(HANDLER).unwrap();
    for code in ["200", "400"] {
        bystander.send(["", "1.0", "1", code, "forged", "mallory", ""]).unwrap();
    }
    let server = Server::in_domain(&context);
    let (_client, _) = server.client(&context, &[]);
    let mut handshakes = 0;
    for _ in 0..3 {
        let asked = handler.recv_timeout(SOON).unwrap();
        let of_handshake = asked.part(2).is_some_and(|domain| domain == "test");
        handshakes += u32::from(of_handshake);
        handler.send(status(if of_handshake { b"400" } else { b"200" })).unwrap();
    }
    assert_eq!(handshakes, 1);
    assert_eq!(outcome(&server.monitor), (EventKind::HandshakeFailedAuth, 400));
    // The name is free once the handler is gone.
    drop(handler);
    let begin = std::time::Instant::now();
    while usurper.bind(HANDLER).is_err() {
        assert!(begin.elapsed() < SOON);
        std::thread::yield_now();
    }
}
