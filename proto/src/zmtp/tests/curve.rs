//! CURVE (RFC 26): two links against each other, and somebody between them (T13 to T17).

use super::*;
use crate::mechanism::crypto::DEFAULT;
use crate::mechanism::{AuthRequest, Mechanism, MechanismConfig, SecretKey, Verdict};

const CLIENT: [u8; 32] = [0x11; 32];
pub(super) const SERVER: [u8; 32] = [0x22; 32];

pub(super) fn public(secret: [u8; 32]) -> [u8; 32] {
    DEFAULT.public_key(&SecretKey::new(secret))
}

pub(super) fn client_config(server_key: [u8; 32]) -> LinkConfig {
    let mechanism = MechanismConfig::CurveClient {
        public_key: public(CLIENT),
        secret_key: SecretKey::new(CLIENT),
        server_key,
    };
    LinkConfig { mechanism, ..LinkConfig::new(SocketType::Dealer) }
}

pub(super) fn server_config(zap: bool) -> LinkConfig {
    let mechanism = MechanismConfig::CurveServer { secret_key: SecretKey::new(SERVER), public_key: None };
    LinkConfig { mechanism, zap, ..LinkConfig::new(SocketType::Router) }
}

/// A client and a server after their greetings; what the client said in the end is its HELLO.
fn greeted(client: LinkConfig, server: LinkConfig) -> (Side, Side, Vec<u8>) {
    greeted_with(client, server, [1, 2])
}

/// The same with these seeds of randomness.
fn greeted_with(client: LinkConfig, server: LinkConfig, seeds: [u8; 2]) -> (Side, Side, Vec<u8>) {
    let (mut client, mut server) =
        (Side::with_entropy(client, seeds[0]), Side::with_entropy(server, seeds[1]));
    let hello = client.feed(&greeting(1, "CURVE")).unwrap().split_off(64);
    server.feed(&greeting(1, "CURVE")).unwrap();
    (client, server, hello)
}

fn pair() -> (Side, Side, Vec<u8>) {
    pair_with([1, 2])
}

pub(super) fn pair_with(seeds: [u8; 2]) -> (Side, Side, Vec<u8>) {
    greeted_with(client_config(public(SERVER)), server_config(false), seeds)
}

/// Everything of a handshake, command by command.
pub(super) struct Transcript {
    pub(super) hello: Vec<u8>,
    pub(super) welcome: Vec<u8>,
    pub(super) initiate: Vec<u8>,
    pub(super) ready: Vec<u8>,
}

fn finished() -> (Side, Side, Transcript) {
    finished_with([1, 2])
}

pub(super) fn finished_with(seeds: [u8; 2]) -> (Side, Side, Transcript) {
    let (mut client, mut server, hello) = pair_with(seeds);
    let welcome = server.feed(&hello).unwrap();
    let initiate = client.feed(&welcome).unwrap();
    let ready = server.feed(&initiate).unwrap();
    client.feed(&ready).unwrap();
    (client, server, Transcript { hello, welcome, initiate, ready })
}

#[test]
fn both_sides_become_ready_with_commands_of_libzmqs_sizes() {
    let (client, server, transcript) = finished();
    assert_eq!(transcript.hello.len(), 2 + 200);
    assert_eq!(transcript.welcome.len(), 2 + 168);
    assert_eq!(transcript.initiate.len(), 9 + 257 + 22 + 13);
    assert_eq!(transcript.ready.len(), 2 + 30 + 22 + 13);
    let (_, sender, peer, _) = client.split();
    assert_eq!(peer.socket_type, Some(SocketType::Router));
    assert!(!sender.is_plain());
    assert_eq!(server.split().2.socket_type, Some(SocketType::Dealer));
}

#[test]
fn a_zap_handler_is_asked_about_the_clients_key() {
    for status in [None, Some(300), Some(400)] {
        let (mut client, mut server, hello) = greeted(client_config(public(SERVER)), server_config(true));
        let welcome = server.feed(&hello).unwrap();
        assert!(server.link.poll_auth().is_none());
        let initiate = client.feed(&welcome).unwrap();
        assert_eq!(server.feed(&initiate).unwrap(), b"");
        let credentials = vec![Bytes::copy_from_slice(&public(CLIENT))];
        assert_eq!(server.link.poll_auth(), Some(AuthRequest { mechanism: Mechanism::Curve, credentials }));
        assert!(server.link.poll_auth().is_none());
        let verdict = match status {
            None => Verdict::Granted { user_id: Bytes::from_static(b"u"), properties: Vec::new() },
            Some(status) => Verdict::Denied { status },
        };
        let granted = server.link.handle_auth(verdict);
        let mut sent = Vec::new();
        server.link.poll_transmit(&mut sent);
        assert_eq!(granted.is_ok(), status.is_none());
        assert_eq!(sent.is_empty(), status == Some(300));
        let heard = client.feed(&sent);
        match status {
            None => assert!(server.link.is_ready() && client.link.is_ready()),
            Some(300) => assert_eq!(heard, Ok(Vec::new())),
            Some(_) => assert_eq!(heard, Err(PeerError::Refused)),
        }
    }
}

#[test]
fn another_servers_key_is_noticed_by_the_server() {
    let (_, mut server, hello) = greeted(client_config(public([0x33; 32])), server_config(false));
    assert_eq!(server.feed(&hello), Err(PeerError::Cryptographic));
    let mut client = Side::with_entropy(client_config([0; 32]), 1);
    assert_eq!(client.feed(&greeting(1, "CURVE")), Err(PeerError::Cryptographic), "that is nobody's key");
}

#[test]
fn a_client_cannot_claim_a_key_whose_secret_it_has_not() {
    let mechanism = MechanismConfig::CurveClient {
        public_key: public([0x44; 32]),
        secret_key: SecretKey::new(CLIENT),
        server_key: public(SERVER),
    };
    let config = LinkConfig { mechanism, ..LinkConfig::new(SocketType::Dealer) };
    let (mut client, mut server, hello) = greeted(config, server_config(false));
    let welcome = server.feed(&hello).unwrap();
    let initiate = client.feed(&welcome).unwrap();
    assert_eq!(server.feed(&initiate), Err(PeerError::Cryptographic));
}

#[test]
fn every_prefix_waits_and_every_changed_byte_is_refused() {
    let (_, _, transcript) = finished();
    let framing_bytes = |frame: &[u8]| if frame[0] & 2 == 0 { 2 } else { 9 };
    // The padding of HELLO carries nothing, and is not looked at.
    let padding = 2 + 8..2 + 80;
    for index in 0..transcript.hello.len() {
        let (_, mut server, mut hello) = pair();
        assert_eq!(server.feed(&hello[..index]), Ok(Vec::new()));
        let (_, mut server, _) = pair();
        hello[index] ^= 1;
        let answer = server.feed(&hello);
        let quiet = answer.is_err() || answer == Ok(Vec::new());
        assert_eq!(quiet, !padding.contains(&index), "byte {index}");
    }
    for index in 0..transcript.welcome.len() {
        let (mut client, mut server, hello) = pair();
        let mut welcome = server.feed(&hello).unwrap();
        welcome[index] ^= 0x40;
        let answer = client.feed(&welcome);
        assert!(answer.is_err() || index < 2, "byte {index}: {answer:?}");
        assert!(!answer.is_ok_and(|sent| !sent.is_empty()));
    }
    for index in 0..transcript.initiate.len() {
        let (mut client, mut server, hello) = pair();
        let welcome = server.feed(&hello).unwrap();
        let mut initiate = client.feed(&welcome).unwrap();
        initiate[index] ^= 0x40;
        let answer = server.feed(&initiate);
        assert!(answer.is_err() || index < framing_bytes(&initiate), "byte {index}: {answer:?}");
        assert!(!server.link.is_ready());
    }
    for index in 0..transcript.ready.len() {
        let (mut client, mut server, hello) = pair();
        let welcome = server.feed(&hello).unwrap();
        let initiate = client.feed(&welcome).unwrap();
        let mut ready = server.feed(&initiate).unwrap();
        ready[index] ^= 0x40;
        let answer = client.feed(&ready);
        assert!(answer.is_err() || index < 2, "byte {index}: {answer:?}");
        assert!(!client.link.is_ready());
    }
}

#[test]
fn a_recorded_handshake_is_worth_nothing() {
    let (_, _, old) = finished();
    let mut server = Side::with_entropy(server_config(false), 3);
    server.feed(&greeting(1, "CURVE")).unwrap();
    assert_eq!(server.feed(&old.hello).unwrap().len(), old.welcome.len());
    assert_eq!(server.feed(&old.initiate), Err(PeerError::Cryptographic), "another connection's cookie");

    let mut client = Side::with_entropy(client_config(public(SERVER)), 4);
    client.feed(&greeting(1, "CURVE")).unwrap();
    assert_eq!(client.feed(&old.welcome), Err(PeerError::Cryptographic));
}

#[test]
fn t14_a_cookie_is_good_once_in_its_own_connection_and_for_its_time() {
    const CONNECTIONS: u8 = 200;
    let (_, server, old) = finished();
    // Again in the connection whose it was.
    let (mut receiver, ..) = server.split();
    assert!(receiver.receive(&mut BytesMut::from(&old.initiate[..])).is_err());
    // In others, whose clients have said the same HELLO.
    for seed in 3..CONNECTIONS {
        let mut server = Side::with_entropy(server_config(false), seed);
        server.feed(&greeting(1, "CURVE")).unwrap();
        server.feed(&old.hello).unwrap();
        assert_eq!(server.feed(&old.initiate), Err(PeerError::Cryptographic));
    }
    // And too late.
    let (mut client, mut server, hello) = pair();
    let welcome = server.feed(&hello).unwrap();
    let initiate = client.feed(&welcome).unwrap();
    let deadline = server.link.poll_timeout().expect("the handshake has one");
    let late = server.link.handle_bytes(deadline, &mut BytesMut::from(&initiate[..]));
    assert_eq!(late, Err(PeerError::HandshakeTimeout));
}

#[test]
fn commands_out_of_order_are_refused() {
    let (_, _, old) = finished();
    let fresh = |bytes: &[u8]| pair().1.feed(bytes);
    assert_eq!(fresh(&old.initiate), Err(PeerError::UnexpectedCommand));
    assert_eq!(fresh(&old.welcome), Err(PeerError::UnexpectedCommand));
    assert_eq!(fresh(b"\x04\x0a\x05ERROR\x03400"), Err(PeerError::UnexpectedCommand));
    assert_eq!(fresh(b"\x04\x06\x05HELLO"), Err(PeerError::MalformedHello));
    assert_eq!(pair().0.feed(&old.ready), Err(PeerError::UnexpectedCommand));
    assert_eq!(pair().0.feed(b"\x04\x08\x07WELCOME"), Err(PeerError::MalformedWelcome));
    let (_, mut server, hello) = pair();
    server.feed(&hello).unwrap();
    assert_eq!(server.feed(&hello), Err(PeerError::UnexpectedCommand), "HELLO again");
    let (_, mut server, hello) = pair();
    server.feed(&hello).unwrap();
    assert_eq!(server.feed(b"\x04\x09\x08INITIATE"), Err(PeerError::MalformedInitiate));
}

/// A connection: what the client writes with, what the server reads with.
fn one_way(server: LinkConfig) -> (Sender, Receiver, BytesMut) {
    let (mut client, mut server, hello) = greeted(client_config(public(SERVER)), server);
    let welcome = server.feed(&hello).unwrap();
    let initiate = client.feed(&welcome).unwrap();
    let ready = server.feed(&initiate).unwrap();
    client.feed(&ready).unwrap();
    let (receiver, _, _, input) = server.split();
    (client.split().1, receiver, input)
}

fn plain(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| framing::encode(message, &mut bytes));
    bytes
}

#[test]
fn messages_of_every_size_and_commands_arrive_however_they_are_cut() {
    let sizes = [0, 1, 30, 222, 223, 255, 256, 1000, 8158, 8159, 8192, 70_000];
    let mut messages: Vec<Message> = sizes.iter().map(|size| Message::from(vec![7; *size])).collect();
    messages.push(Message::from_parts([vec![1; 3], vec![2; 20_000], vec![3; 9000], vec![4; 1]]).unwrap());
    for step in [1, 7, 64, 5000, usize::MAX] {
        let (mut sender, mut receiver, mut input) = one_way(server_config(false));
        let mut wire = Vec::new();
        sender.seal(&plain(&messages), &mut wire);
        sender.command(&Command::Ping { ttl: std::time::Duration::ZERO, context: b"x" }, &mut wire);
        sender.seal(&plain(&messages[..1]), &mut wire);
        let mut got = Vec::new();
        for piece in wire.chunks(step.min(wire.len())) {
            input.extend_from_slice(piece);
            got.extend(drain(&mut receiver, &mut input).unwrap());
            assert!(receiver.wanted() > 0);
        }
        assert!(input.is_empty());
        let mut expected: Vec<Event> = messages.iter().cloned().map(Event::Message).collect();
        expected.push(ping(0, "x"));
        expected.push(Event::Message(messages[0].clone()));
        assert_eq!(events(got), expected, "in steps of {step}");
    }
}

#[test]
fn no_changed_byte_and_no_replay_arrives() {
    let first = Message::from("first");
    for size in [0, 300, 10_000] {
        let (mut sender, mut receiver, mut input) = one_way(server_config(false));
        let (mut one, mut two) = (Vec::new(), Vec::new());
        sender.seal(&plain(std::slice::from_ref(&first)), &mut one);
        sender.seal(&plain(&[Message::from(vec![5; size])]), &mut two);
        input.extend_from_slice(&one);
        input.extend_from_slice(&one);
        let received = receiver.receive(&mut input).unwrap().expect("the first is good");
        assert_eq!(events([received]), [Event::Message(first.clone())]);
        assert_eq!(receiver.receive(&mut input), Err(PeerError::InvalidSequence), "again");

        for index in (0..two.len()).step_by(1 + size / 50) {
            let mut input = BytesMut::from(&two[..]);
            input[index] ^= 0x10;
            let result = receiver.receive(&mut input);
            assert!(matches!(result, Ok(None) | Err(_)), "byte {index}: {result:?}");
            assert!(index < 9 || result.is_err());
        }
        let mut input = BytesMut::from(&two[..]);
        assert!(receiver.receive(&mut input).unwrap().is_some(), "a forgery moves no counter");
    }
}

#[test]
fn a_message_left_out_is_not_missed_but_one_out_of_order_is_refused() {
    let (mut sender, mut receiver, _) = one_way(server_config(false));
    let [mut one, mut two] = [Vec::new(), Vec::new()];
    sender.seal(b"\x00\x011", &mut one);
    sender.seal(b"\x00\x012", &mut two);
    assert!(receiver.receive(&mut BytesMut::from(&two[..])).unwrap().is_some());
    assert_eq!(receiver.receive(&mut BytesMut::from(&one[..])), Err(PeerError::InvalidSequence));
}

#[test]
fn what_is_not_encrypted_is_refused() {
    for (bytes, error) in [
        (&b"\x00\x02hi"[..], PeerError::MalformedCommand),
        (b"\x04\x07\x04PING\0\0", PeerError::UnexpectedCommand),
        (b"\x04\x0a\x05ERROR\x03400", PeerError::UnexpectedCommand),
        (b"\x00\x08\x07MESSAGE", PeerError::MalformedMessage),
        (b"\x08\x00", PeerError::MalformedFrame),
    ] {
        let (_, mut receiver, mut input) = one_way(server_config(false));
        input.extend_from_slice(bytes);
        assert_eq!(receiver.receive(&mut input), Err(error), "{bytes:?}");
    }
}

#[test]
fn the_size_limit_counts_what_is_in_the_box() {
    for (size, fits) in [(100_000, true), (100_001, false)] {
        let config = LinkConfig { max_message_bytes: Some(100_000), ..server_config(false) };
        let (mut sender, mut receiver, mut input) = one_way(config);
        let mut wire = Vec::new();
        sender.seal(&plain(&[Message::from(vec![1; size])]), &mut wire);
        input.extend_from_slice(&wire[..9]);
        let announced = receiver.receive(&mut input);
        assert_eq!(announced, if fits { Ok(None) } else { Err(PeerError::FrameTooLarge) });
        input.extend_from_slice(&wire[9..]);
        assert_eq!(receiver.receive(&mut input).is_ok(), fits);
    }
}

/// The engine must not take an empty input for the end: what was decrypted with it is told one thing at a time.
#[test]
fn decrypted_bytes_that_wait_inside_are_told() {
    let (mut sender, mut receiver, mut input) = one_way(server_config(false));
    let mut wire = Vec::new();
    sender.seal(b"\x00\x01a", &mut wire);
    sender.command(&Command::Ping { ttl: std::time::Duration::ZERO, context: b"" }, &mut wire);
    sender.seal(b"\x00\x01b", &mut wire);
    input.extend_from_slice(&wire);
    for left in [true, true, false] {
        assert!(receiver.receive(&mut input).unwrap().is_some());
        assert!(input.is_empty());
        assert_eq!(receiver.holds_input(), left);
    }
    assert_eq!(receiver.receive(&mut input), Ok(None));
}
