//! Handshakes, told as dialogues. The bytes of libzmq 4.3.5 were recorded from it.

use super::*;
use crate::mechanism::{AuthRequest, Mechanism, Verdict};
use std::time::Duration;

fn dealer_abc() -> LinkConfig {
    LinkConfig { routing_id: Bytes::from_static(b"abc"), ..LinkConfig::new(SocketType::Dealer) }
}

#[test]
fn zmtp_3_1_is_spoken_with_libzmqs_bytes() {
    let mut rest = b"\x01NULL".to_vec();
    rest.resize(53, 0);
    let ready_of_dealer = b"\x04\x2c\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x03abc";

    let mut side = Side::new(dealer_abc());
    let peer = greeting(1, "NULL");
    assert_eq!(side.feed(b"").unwrap(), b"\xff\0\0\0\0\0\0\0\x04\x7f");
    assert_eq!(side.feed(&peer[..10]).unwrap(), b"\x03");
    assert_eq!(side.feed(&peer[10..11]).unwrap(), rest);
    assert_eq!(side.feed(&peer[11..]).unwrap(), ready_of_dealer);
    assert!(!side.link.is_ready());
    // READY of a ROUTER of libzmq, and a message right behind it.
    let bytes = b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0\x00\x02hi";
    assert_eq!(side.feed(bytes).unwrap(), b"");
    let (mut receiver, sender, peer, mut input) = side.split();
    assert_eq!((peer.version, peer.socket_type), (Version::V31, Some(SocketType::Router)));
    assert_eq!(peer.routing_id, "");
    assert_eq!(peer.properties.len(), 2);
    assert!(sender.is_plain());
    assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), [message(&["hi"])]);
}

#[test]
fn types_that_need_no_routing_id_do_not_send_one() {
    let config = LinkConfig { routing_id: Bytes::from_static(b"abc"), ..LinkConfig::new(SocketType::XPub) };
    let sent = Side::new(config).feed(&greeting(1, "NULL")).unwrap();
    assert_eq!(sent[64..], *b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB");
}

#[test]
fn zmtp_3_0_is_told_from_3_1() {
    for (minor, version) in [(0, Version::V30), (1, Version::V31), (9, Version::V31)] {
        let (_, sender, peer, _) = connected(dealer_abc(), minor);
        assert_eq!((peer.version, sender.version()), (version, version));
    }
}

#[test]
fn zmtp_2_0_is_spoken() {
    let mut side = Side::new(dealer_abc());
    assert_eq!(side.feed(SIGNATURE).unwrap(), b"\xff\0\0\0\0\0\0\0\x04\x7f\x03");
    assert_eq!(side.feed(b"\x01").unwrap(), b"\x05");
    assert_eq!(side.feed(b"\x06").unwrap(), b"\x00\x03abc");
    assert_eq!(side.feed(b"\x00\x02xy\x01\x01a").unwrap(), b"");
    let (mut receiver, sender, peer, mut input) = side.split();
    assert_eq!((peer.version, peer.socket_type), (Version::V2, Some(SocketType::Router)));
    assert_eq!(peer.routing_id, "xy");
    assert!(sender.is_plain());
    input.extend_from_slice(b"\x00\x01b");
    assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), [message(&["a", "b"])]);
}

#[test]
fn zmtp_1_0_with_a_version_is_spoken() {
    let mut side = Side::new(dealer_abc());
    side.feed(SIGNATURE).unwrap();
    assert_eq!(side.feed(b"\x00").unwrap(), b"\x05");
    assert_eq!(side.feed(b"\x06").unwrap(), b"\x04\x00abc");
    assert_eq!(side.feed(b"\x03\x00xy").unwrap(), b"");
    let (_, sender, peer, _) = side.split();
    assert_eq!((peer.version, peer.routing_id.as_ref()), (Version::V1, &b"xy"[..]));
    assert!(!sender.is_plain());
}

#[test]
fn zmtp_1_0_without_a_version_is_spoken() {
    for routing_id in [&b"\x03\x00xy"[..], b"\xff\0\0\0\0\0\0\0\x03\x00xy"] {
        let mut side = Side::new(dealer_abc());
        side.feed(b"").unwrap();
        let mut sent = side.feed(&routing_id[..1]).unwrap();
        sent.extend(side.feed(&routing_id[1..]).unwrap());
        assert_eq!(sent, b"abc", "the header of our routing id went out first");
        let (mut receiver, mut sender, peer, mut input) = side.split();
        assert_eq!((peer.version, peer.socket_type), (Version::V1, None));
        assert_eq!(peer.routing_id, "xy");
        input.extend_from_slice(b"\x02\x01a\x02\x00b");
        assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), [message(&["a", "b"])]);
        let mut out = Vec::new();
        sender.seal(b"\x01\x01p\x00\x01q", &mut out);
        assert_eq!(out, b"\x02\x01p\x02\x00q");
    }
}

#[test]
fn publishers_serve_unversioned_peers_everything() {
    let everything = subscription("", true);
    for (kind, script, expected) in [
        (SocketType::Pub, &b"\x01\x00"[..], Some(&everything)),
        (SocketType::XPub, b"\x01\x00", Some(&everything)),
        (SocketType::Push, b"\x01\x00", None),
        (SocketType::Pub, b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x02\x01\x00", None),
        (SocketType::Pub, b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x02\x00\x00", None),
    ] {
        let mut side = Side::new(LinkConfig::new(kind));
        side.feed(script).unwrap();
        let (mut receiver, _, _, mut input) = side.split();
        let events = events(drain(&mut receiver, &mut input).unwrap());
        assert_eq!(events.first(), expected, "{kind:?} {script:?}");
    }
}

#[test]
fn impossible_routing_ids_count_as_none() {
    let long = vec![b'x'; 256];
    let longest = vec![b'x'; 255];
    for (id, expected) in
        [(&b""[..], &b""[..]), (b"\0abc", b"\0abc"), (&long, b""), (&longest, &longest), (b"a\0", b"a\0")]
    {
        let mut side = Side::new(LinkConfig::new(SocketType::Router));
        side.feed(&greeting(1, "NULL")).unwrap();
        side.feed(&ready(&[("Socket-Type", b"REQ"), ("Identity", id)])).unwrap();
        assert_eq!(side.split().2.routing_id, expected);

        let mut side = Side::new(LinkConfig::new(SocketType::Router));
        let mut script = b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x03".to_vec();
        framing::encode_small(id, false, &mut script);
        side.feed(&script).unwrap();
        assert_eq!(side.split().2.routing_id, expected);
    }
}

#[test]
fn all_pairs_of_types_meet_or_refuse_each_other() {
    for a in SocketType::ALL {
        for b in SocketType::ALL {
            let id = |name: &'static str| Bytes::from_static(name.as_bytes());
            let mut left = Side::new(LinkConfig { routing_id: id("left"), ..LinkConfig::new(a) });
            let mut right = Side::new(LinkConfig { routing_id: id("right"), ..LinkConfig::new(b) });
            let result = converse(&mut left, &mut right);
            if !a.accepts(b) {
                assert_eq!(result, Err(PeerError::IncompatibleSocketType), "{a:?} {b:?}");
                continue;
            }
            result.unwrap();
            let (_, _, peer, input) = left.split();
            assert_eq!((peer.version, peer.socket_type), (Version::V31, Some(b)));
            assert_eq!(peer.routing_id, if b.announces_routing_id() { "right" } else { "" });
            assert!(input.is_empty());
            assert_eq!(right.split().2.socket_type, Some(a));
        }
    }
}

/// Carries bytes to and fro until both are ready.
fn converse(left: &mut Side, right: &mut Side) -> Result<(), PeerError> {
    let mut to_right = left.feed(b"")?;
    while !(left.link.is_ready() && right.link.is_ready()) {
        let to_left = right.feed(&to_right)?;
        assert!(!to_left.is_empty() || !to_right.is_empty(), "the conversation stalled");
        to_right = left.feed(&to_left)?;
    }
    Ok(())
}

#[test]
fn properties_of_both_sides_arrive() {
    let mut config = LinkConfig::new(SocketType::Req);
    config.metadata = vec![("X-Hello".to_owned(), Bytes::from_static(b"world"))];
    let mut left = Side::new(config);
    let mut right = Side::new(LinkConfig::new(SocketType::Rep));
    converse(&mut left, &mut right).unwrap();
    let properties = right.split().2.properties;
    assert_eq!(metadata::find(&properties, "x-hello").unwrap(), "world");
    assert_eq!(metadata::find(&properties, "Socket-Type").unwrap(), "REQ");
}

#[test]
fn faults_of_the_peer_have_names() {
    use PeerError::*;
    let socket_type = |kind: &'static [u8]| ready(&[("Socket-Type", kind)]);
    let old = |revision: u8, rest: &[u8]| [SIGNATURE, &[revision, 5], rest].concat();
    let cases: Vec<(Vec<u8>, PeerError)> = vec![
        (socket_type(b"PUB"), IncompatibleSocketType),
        (socket_type(b"FOO"), IncompatibleSocketType),
        (ready(&[("socket-type", b"PUB")]), IncompatibleSocketType),
        (b"\x04\x07\x05READY\x01".to_vec(), InvalidMetadata),
        (b"\x04\x04\x03FOO".to_vec(), UnexpectedCommand),
        (b"\x04\x07\x04PING\0\0".to_vec(), UnexpectedCommand),
        (b"\x04\x00".to_vec(), MalformedCommand),
        (b"\x00\x06\x05READY".to_vec(), UnexpectedCommand),
        (b"\x05\x06\x05READY".to_vec(), MalformedFrame),
        (b"\x08\x06\x05READY".to_vec(), MalformedFrame),
        (b"\x04\x08\x05ERROR\x09a".to_vec(), MalformedError),
        (b"\x04\x0a\x05ERROR\x03400".to_vec(), Refused),
        (b"\x06\0\0\0\0\0\x01\0\0".to_vec(), HandshakeTooLarge),
        (b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(), HandshakeTooLarge),
    ];
    for (script, error) in cases {
        let mut side = Side::new(LinkConfig::new(SocketType::Dealer));
        side.feed(&greeting(1, "NULL")).unwrap();
        assert_eq!(side.feed(&script), Err(error), "{script:?}");
        assert_eq!(side.feed(b""), Err(error), "a failed link stays failed");
        assert!(!side.link.is_ready());
    }
    for (script, error) in [
        (greeting(1, "PLAIN"), MechanismMismatch),
        (b"GET / HTTP/1.1\r\n".to_vec(), MalformedGreeting),
        (b"\x16\x03\x01\x02\x00\x01".to_vec(), MalformedGreeting),
        (b"\x00\x00".to_vec(), MalformedGreeting),
        (b"\x03\x01ab".to_vec(), MalformedGreeting),
        (b"\xff\0\0\0\0\x7f\0\0\0\0".to_vec(), HandshakeTooLarge),
        (old(1, b"\x01\x00"), MalformedGreeting),
        (old(1, b"\x04\x01a"), MalformedGreeting),
        (old(0, b"\x03\x08ab"), MalformedGreeting),
    ] {
        let mut side = Side::new(LinkConfig::new(SocketType::Dealer));
        assert_eq!(side.feed(&script), Err(error), "{script:?}");
    }
}

#[test]
fn a_refusal_keeps_the_peers_words() {
    let mut side = Side::new(LinkConfig::new(SocketType::Dealer));
    side.feed(&greeting(1, "NULL")).unwrap();
    assert_eq!(side.link.refusal(), None);
    assert_eq!(side.feed(b"\x04\x0a\x05ERROR\x03400"), Err(PeerError::Refused));
    assert_eq!(side.link.refusal(), Some(&b"400"[..]));
}

#[test]
fn a_peer_may_leave_its_type_unsaid() {
    let mut side = Side::new(LinkConfig::new(SocketType::Dealer));
    side.feed(&greeting(1, "NULL")).unwrap();
    side.feed(b"\x04\x06\x05READY").unwrap();
    assert_eq!(side.split().2.socket_type, None);
}

#[test]
fn the_deadline_is_absolute_in_every_version() {
    let timeout = Duration::from_secs(10);
    for script in [
        b"\x7fG".to_vec(),
        greeting(1, "NULL"),
        [SIGNATURE, b"\x01\x05\x00"].concat(),
        [SIGNATURE, b"\x00\x05\xff"].concat(),
        Vec::new(),
    ] {
        let config = LinkConfig { handshake_timeout: Some(timeout), ..LinkConfig::new(SocketType::Dealer) };
        let mut side = Side::new(config);
        let start = side.now;
        for (tick, byte) in script.iter().enumerate() {
            if *byte == b'G' {
                break;
            }
            side.now = start + Duration::from_millis(tick as u64 * 100);
            side.feed(&[*byte]).unwrap();
            assert_eq!(side.link.poll_timeout(), Some(start + timeout), "never extended");
        }
        side.link.handle_timeout(start + timeout - Duration::from_nanos(1)).unwrap();
        assert_eq!(side.link.handle_timeout(start + timeout), Err(PeerError::HandshakeTimeout));
        assert_eq!(side.link.poll_timeout(), None);
    }
}

#[test]
fn a_ready_link_has_no_deadline() {
    let mut side = Side::new(LinkConfig::new(SocketType::Pair));
    side.feed(&simple_peer(1, SocketType::Pair)).unwrap();
    assert_eq!(side.link.poll_timeout(), None);
    side.link.handle_timeout(side.now + Duration::from_secs(1000)).unwrap();
    assert!(side.link.is_ready());
}

#[test]
fn with_zap_nothing_is_said_before_the_handler_agrees() {
    let mut side = Side::new(LinkConfig { zap: true, ..LinkConfig::new(SocketType::Pair) });
    assert_eq!(side.link.poll_auth(), None);
    let sent = side.feed(&[simple_peer(1, SocketType::Pair), b"\x00\x01x".to_vec()].concat()).unwrap();
    assert_eq!(sent.len(), 64, "the greeting and no READY");
    let request = AuthRequest { mechanism: Mechanism::Null, credentials: Vec::new() };
    assert_eq!(side.link.poll_auth(), Some(request));
    assert_eq!(side.link.poll_auth(), None);
    assert!(!side.link.is_ready());

    let user_id = Bytes::from_static(b"alice");
    side.link.handle_auth(Verdict::Granted { user_id, properties: Vec::new() }).unwrap();
    assert!(side.feed(b"").unwrap().starts_with(b"\x04\x1a\x05READY"));
    let (_, _, peer, input) = side.split();
    assert_eq!(metadata::find(&peer.properties, "User-Id").unwrap(), "alice");
    assert_eq!(&input[..], b"\x00\x01x");
}

#[test]
fn an_unasked_grant_changes_nothing() {
    let mut side = Side::new(LinkConfig { zap: true, ..LinkConfig::new(SocketType::Pair) });
    side.feed(&simple_peer(1, SocketType::Pair)).unwrap();
    side.link.handle_auth(Verdict::Granted { user_id: Bytes::new(), properties: Vec::new() }).unwrap();
    assert!(!side.link.is_ready());
}

#[test]
fn a_denied_peer_is_told_unless_the_denial_is_temporary() {
    for (status, expected) in
        [(400, &b"\x04\x0a\x05ERROR\x03400"[..]), (500, b"\x04\x0a\x05ERROR\x03500"), (300, b"")]
    {
        let mut side = Side::new(LinkConfig { zap: true, ..LinkConfig::new(SocketType::Pair) });
        side.feed(&greeting(1, "NULL")).unwrap();
        assert!(side.link.poll_auth().is_some());
        assert_eq!(side.link.handle_auth(Verdict::Denied { status }), Err(PeerError::AccessDenied));
        let mut sent = Vec::new();
        side.link.poll_transmit(&mut sent);
        assert_eq!(sent, expected);
        assert_eq!(side.feed(&ready(&[])), Err(PeerError::AccessDenied));
    }
}

/// T11: an old version is not a way around ZAP.
#[test]
fn with_zap_versions_without_mechanisms_are_refused() {
    for script in
        [&b"\x01\x00"[..], b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x00", b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x00"]
    {
        let mut side = Side::new(LinkConfig { zap: true, ..LinkConfig::new(SocketType::Pair) });
        assert_eq!(side.feed(script), Err(PeerError::VersionTooOld));
    }
}

#[test]
fn a_peer_cannot_state_what_only_we_know_about_it() {
    let mut side = Side::new(LinkConfig::new(SocketType::Pair));
    side.feed(&greeting(1, "NULL")).unwrap();
    let claims =
        [("Socket-Type", &b"PAIR"[..]), ("user-id", b"root"), ("Peer-Address", b"1.2.3.4"), ("__fd", b"3")];
    side.feed(&ready(&claims)).unwrap();
    let properties = side.split().2.properties;
    assert_eq!(properties.len(), 1, "{properties:?}");
}
