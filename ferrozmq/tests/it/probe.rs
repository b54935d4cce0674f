//! Probing: what answers at an endpoint, and what is said of it when a handshake fails; the same words in a monitor's events and errors.

use crate::peer::SOON;
use ferrozmq::{Context, EventKind, Found, KeyPair, ProbeOutcome, Socket, SocketType, probe};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

fn socket(context: &Context, kind: SocketType, options: &[(&str, &str)]) -> Socket {
    let socket = context.socket(kind).unwrap();
    options.iter().for_each(|(name, value)| socket.set_text(name, value).unwrap());
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    socket
}

fn look(endpoint: &str, options: &[(&str, &str)]) -> Found {
    probe(&socket(&Context::new(), SocketType::Dealer, options), endpoint, SOON).unwrap()
}

#[test]
fn every_socket_type_says_what_it_is() {
    for kind in SocketType::ALL.into_iter().filter(|kind| *kind != SocketType::Stream) {
        for place in ["tcp://127.0.0.1:*", "ipc://*"] {
            let context = Context::new();
            let server = socket(&context, kind, &[("metadata", "X-Colour:blue")]);
            let endpoint = server.bind(place).unwrap();
            let found = look(&endpoint, &[]);
            assert_eq!((found.outcome, found.socket_type), (ProbeOutcome::Ready, Some(kind)), "{found:?}");
            assert_eq!((found.version, found.mechanism.as_deref()), (Some("3.1"), Some("NULL")));
            assert!(found.connected_in.is_some() && found.answered_in.is_some() && found.failure.is_none());
            assert!(found.properties.iter().any(|(name, value)| name == "X-Colour" && value == "blue"));
        }
    }
}

#[test]
fn a_probe_takes_no_message_from_a_socket_without_security() {
    let context = Context::new();
    let push = socket(&context, SocketType::Push, &[]);
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    assert_eq!(look(&endpoint, &[]).outcome, ProbeOutcome::Ready);
    let pull = socket(&context, SocketType::Pull, &[]);
    pull.connect(&endpoint).unwrap();
    push.send_timeout("hello", SOON).unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap().first(), b"hello".as_slice());
}

#[test]
fn curve_is_looked_into_with_the_right_key() {
    let (keys, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let context = Context::new();
    let server = socket(
        &context,
        SocketType::Rep,
        &[("curve_server", "1"), ("curve_secretkey", keys.secret_text().expose())],
    );
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let look_with = |key: &str| {
        let (public, secret) = (own.public_text(), own.secret_text());
        look(
            &endpoint,
            &[
                ("curve_serverkey", key),
                ("curve_publickey", public.as_str()),
                ("curve_secretkey", secret.expose()),
            ],
        )
    };
    let right = look_with(&keys.public_text());
    assert_eq!((right.outcome, right.socket_type), (ProbeOutcome::Ready, Some(SocketType::Rep)), "{right:?}");
    let wrong = look_with(&own.public_text());
    assert_eq!(wrong.outcome, ProbeOutcome::Refused);
    assert_eq!(wrong.failure.as_deref(), Some("no WELCOME: the server key does not match"));
    let without = look(&endpoint, &[]);
    assert_eq!((without.outcome, without.mechanism.as_deref()), (ProbeOutcome::Refused, Some("CURVE")));
    assert_eq!(without.failure.as_deref(), Some("the server wants CURVE, you offer NULL"));
}

#[test]
fn a_refusal_has_its_status() {
    let context = Context::builder().access(|_| ferrozmq::AccessAnswer::deny("nobody")).build();
    let server = socket(&context, SocketType::Rep, &[]);
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let found = look(&endpoint, &[]);
    assert_eq!(found.outcome, ProbeOutcome::Refused);
    assert_eq!(found.failure.as_deref(), Some("refused by access control, status 400"));
}

#[test]
fn what_is_not_zmtp_is_told_by_its_name() {
    let cases: [(&[u8], &str); 3] = [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "this is HTTP, not ZMTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "this is TLS, not ZMTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "this is SSH, not ZMTP"),
    ];
    for (answer, text) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(answer).unwrap();
            let _ = stream.read(&mut [0; 64]);
        });
        let found = look(&endpoint, &[]);
        server.join().unwrap();
        assert_eq!(
            (found.outcome, found.failure.as_deref()),
            (ProbeOutcome::NotZmtp, Some(text)),
            "{found:?}"
        );
        assert_eq!(found.version, None);
    }
}

#[test]
fn nobody_there_and_nothing_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let context = Context::new();
    let own = socket(&context, SocketType::Dealer, &[]);
    let found = probe(&own, &endpoint, Duration::from_millis(50)).unwrap();
    assert_eq!(found.outcome, ProbeOutcome::TimedOut);
    assert_eq!(found.failure.as_deref(), Some("no greeting in the time allowed for the handshake"));
    drop(listener);
    assert_eq!(look(&endpoint, &[]).outcome, ProbeOutcome::Unreachable);
    assert_eq!(look("ipc:///nonexistent/ferrozmq", &[]).outcome, ProbeOutcome::Unreachable);
    assert!(probe(&own, "inproc://x", SOON).is_err() && probe(&own, "nowhere", SOON).is_err());
}

#[test]
fn events_and_errors_say_the_same() {
    let keys = KeyPair::generate().unwrap();
    let context = Context::new();
    let server = socket(
        &context,
        SocketType::Dealer,
        &[("curve_server", "1"), ("curve_secretkey", keys.secret_text().expose())],
    );
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let client = socket(&context, SocketType::Dealer, &[]);
    let monitor = client.monitor().unwrap();
    client.connect(&endpoint).unwrap();
    let text = "the server wants CURVE, you offer NULL";
    let event = loop {
        let event = monitor.recv_timeout(SOON).unwrap();
        if event.kind == EventKind::HandshakeFailedProtocol {
            break event;
        }
    };
    assert_eq!(event.reason.as_deref(), Some(text));
    assert_eq!(client.handshake_failure().as_deref(), Some(text));
    let error = client.wait_for_peers(1, Duration::from_millis(1)).unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains(text), "{error}");
}
