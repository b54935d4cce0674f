//! PLAIN (RFC 24), told as dialogues; the errors are those of libzmq 4.3.5.

use super::*;
use crate::mechanism::{AuthRequest, Mechanism, MechanismConfig, SecretText, Verdict};

const HELLO: &[u8] = b"\x04\x0f\x05HELLO\x03bob\x04open";
const WELCOME: &[u8] = b"\x04\x08\x07WELCOME";
const INITIATE: &[u8] = b"\x04\x1f\x08INITIATE\x0bSocket-Type\0\0\0\x06DEALER";
const READY: &[u8] = b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0";

fn granted() -> Verdict {
    Verdict::Granted { user_id: Bytes::from_static(b"bob"), properties: Vec::new() }
}

fn client() -> Side {
    let mechanism =
        MechanismConfig::PlainClient { username: "bob".into(), password: SecretText::new("open") };
    let mut side = Side::new(LinkConfig { mechanism, ..LinkConfig::new(SocketType::Dealer) });
    let sent = side.feed(&greeting(1, "PLAIN")).expect("a greeting");
    assert_eq!(sent[64..], *HELLO);
    side
}

fn server() -> Side {
    let mechanism = MechanismConfig::PlainServer;
    let mut side = Side::new(LinkConfig { mechanism, ..LinkConfig::new(SocketType::Router) });
    side.feed(&greeting(1, "PLAIN")).expect("a greeting");
    side
}

/// A server that was told to let the peer in, and what it sent then.
fn server_after_hello() -> (Side, Vec<u8>) {
    let mut side = server();
    side.feed(HELLO).unwrap();
    side.link.poll_auth().expect("a question");
    side.link.handle_auth(granted()).unwrap();
    let sent = side.feed(b"").unwrap();
    (side, sent)
}

#[test]
fn a_client_says_who_it_is_and_becomes_ready() {
    let mut side = client();
    let sent = side.feed(WELCOME).unwrap();
    assert!(sent.starts_with(b"\x04\x2c\x08INITIATE"));
    assert!(side.link.poll_auth().is_none());
    side.feed(READY).unwrap();
    let (_, sender, peer, _) = side.split();
    assert_eq!(peer.socket_type, Some(SocketType::Router));
    assert!(sender.is_plain());
}

#[test]
fn a_server_asks_and_welcomes_whom_it_may() {
    let mut side = server();
    assert_eq!(side.feed(HELLO).unwrap(), b"");
    assert_eq!(side.feed(INITIATE).unwrap(), b"", "nothing is read before the answer");
    let credentials = vec![Bytes::from_static(b"bob"), Bytes::from_static(b"open")];
    assert_eq!(side.link.poll_auth(), Some(AuthRequest { mechanism: Mechanism::Plain, credentials }));
    assert_eq!(side.link.poll_auth(), None);
    side.link.handle_auth(granted()).unwrap();
    assert_eq!(side.feed(b"").unwrap(), [WELCOME, READY].concat());
    let (_, _, peer, _) = side.split();
    assert_eq!(peer.socket_type, Some(SocketType::Dealer));
    assert_eq!(peer.properties[0], ("User-Id".to_owned(), Bytes::from_static(b"bob")));
}

/// Spelt as libzmq 4.3.5 spells it.
#[test]
fn a_refused_client_hears_the_status_unless_it_is_temporary() {
    for (status, told) in [(300, &b""[..]), (400, b"\x04\x09^RROR\x03400"), (500, b"\x04\x09^RROR\x03500")] {
        let mut side = server();
        side.feed(HELLO).unwrap();
        side.link.poll_auth().expect("a question");
        assert_eq!(side.link.handle_auth(Verdict::Denied { status }), Err(PeerError::AccessDenied));
        let mut sent = Vec::new();
        side.link.poll_transmit(&mut sent);
        assert_eq!(sent, told);
    }
    for refusal in [&b"\x04\x0a\x05ERROR\x03400"[..], b"\x04\x09^RROR\x03400"] {
        let mut side = client();
        assert_eq!(side.feed(refusal), Err(PeerError::Refused));
        assert_eq!(side.link.refusal(), Some(&b"400"[..]));
    }
    assert_eq!(client().feed(b"\x04\x09^RROR\x04400"), Err(PeerError::MalformedCommand));
}

/// What it means, and whether it is right, is for whoever compares them.
#[test]
fn t25_names_and_passwords_of_any_bytes_and_length_arrive_as_they_are() {
    let any =
        |length: usize, first: u8| (0..length).map(|n| first.wrapping_add(n as u8)).collect::<Vec<u8>>();
    for (name, password) in [(0, 0), (1, 255), (255, 1), (255, 255), (3, 0)] {
        let (name, password) = (any(name, 0), any(password, 0xf0));
        let mut body = b"\x05HELLO".to_vec();
        for field in [&name, &password] {
            body.push(field.len() as u8);
            body.extend_from_slice(field);
        }
        let frame = match u8::try_from(body.len()) {
            Ok(short) => [&[4, short], &body[..]].concat(),
            Err(_) => [&[6][..], &(body.len() as u64).to_be_bytes(), &body].concat(),
        };
        let mut side = server();
        assert_eq!(side.feed(&frame).unwrap(), b"");
        let asked = side.link.poll_auth().expect("a question");
        assert_eq!(asked.credentials, [Bytes::from(name), Bytes::from(password)]);
    }
}

#[test]
fn each_fault_of_a_client_has_its_name() {
    let hello = |fields: &[u8]| {
        let mut body = b"\x05HELLO".to_vec();
        body.extend_from_slice(fields);
        [&[4, body.len() as u8], &body[..]].concat()
    };
    let cases: [(Vec<u8>, PeerError); 11] = [
        (hello(b""), PeerError::MalformedHello),
        (hello(b"\x03bo"), PeerError::MalformedHello),
        (hello(b"\x03bob"), PeerError::MalformedHello),
        (hello(b"\x03bob\x04ope"), PeerError::MalformedHello),
        (hello(b"\x03bob\x04open "), PeerError::MalformedHello),
        (INITIATE.to_vec(), PeerError::UnexpectedCommand),
        (READY.to_vec(), PeerError::UnexpectedCommand),
        (WELCOME.to_vec(), PeerError::UnexpectedCommand),
        (b"\x04\x0a\x05ERROR\x03400".to_vec(), PeerError::UnexpectedCommand),
        (b"\x04\x00".to_vec(), PeerError::MalformedCommand),
        (b"\x00\x02hi".to_vec(), PeerError::UnexpectedCommand),
    ];
    for (bytes, error) in cases {
        assert_eq!(server().feed(&bytes), Err(error), "{bytes:?}");
    }
    for (bytes, error) in
        [(HELLO, PeerError::UnexpectedCommand), (b"\x04\x0a\x08INITIATE\x01", PeerError::InvalidMetadata)]
    {
        let (mut side, sent) = server_after_hello();
        assert_eq!(sent, WELCOME);
        assert_eq!(side.feed(bytes), Err(error), "{bytes:?}");
    }
}

#[test]
fn each_fault_of_a_server_has_its_name() {
    for (bytes, error) in [
        (&b"\x04\x09\x07WELCOME "[..], PeerError::MalformedWelcome),
        (READY, PeerError::UnexpectedCommand),
        (HELLO, PeerError::UnexpectedCommand),
        (b"\x04\x06\x05ERROR", PeerError::MalformedError),
        (b"\x04\x04\x05ABC", PeerError::MalformedCommand),
    ] {
        assert_eq!(client().feed(bytes), Err(error), "{bytes:?}");
    }
    for (bytes, error) in [
        (WELCOME, PeerError::UnexpectedCommand),
        (b"\x04\x07\x05READY\x01", PeerError::InvalidMetadata),
        (b"\x04\x0a\x05ERROR\x03400", PeerError::Refused),
    ] {
        let mut side = client();
        side.feed(WELCOME).unwrap();
        assert_eq!(side.feed(bytes), Err(error), "{bytes:?}");
    }
}

#[test]
fn two_clients_wait_in_vain_and_two_servers_too() {
    assert_eq!(client().feed(HELLO), Err(PeerError::UnexpectedCommand));
    let mut side = server();
    assert_eq!(side.feed(b"").unwrap(), b"");
    assert!(!side.link.is_ready());
}

/// Every prefix leaves the link waiting; no changed byte lets a client in that was not asked about.
#[test]
fn every_prefix_and_every_changed_byte_is_survived() {
    let script = [HELLO, INITIATE].concat();
    for len in 0..script.len() {
        let mut side = server();
        assert!(side.feed(&script[..len]).is_ok());
        assert!(!side.link.is_ready());
    }
    for index in 0..script.len() {
        for value in 0..=255 {
            let mut changed = script.clone();
            changed[index] = value;
            let mut side = server();
            let _ = side.feed(&changed);
            assert!(!side.link.is_ready());
            if side.link.poll_auth().is_some() {
                let _ = side.link.handle_auth(granted());
                let _ = side.feed(b"");
            }
        }
    }
}
