//! Peers that are broken or mean (T1 to T4, T8 to T10): nothing panics, nothing grows without bound.

use super::*;
use proptest::prelude::*;

/// T1: each byte of a correct handshake replaced by each other value, and every length of it.
#[test]
fn every_prefix_and_every_changed_byte_of_a_handshake_is_survived() {
    let script = simple_peer(1, SocketType::Router);
    let config = Arc::new(LinkConfig::new(SocketType::Dealer));
    let run = |bytes: &[u8]| {
        let now = Instant::now();
        let mut link = Link::new(Arc::clone(&config), now, Entropy::NONE);
        let mut input = BytesMut::from(bytes);
        let result = link.handle_bytes(now, &mut input);
        let mut sent = Vec::new();
        link.poll_transmit(&mut sent);
        assert!(sent.len() <= 64 + 64, "an answer to {bytes:?} is bounded");
        (result, link.is_ready())
    };
    for len in 0..=script.len() {
        let (result, ready) = run(&script[..len]);
        assert_eq!((result, ready), (Ok(()), len == script.len()));
    }
    let mut accepted = 0;
    for index in 0..script.len() {
        let mut changed = script.clone();
        for value in 0..=255 {
            changed[index] = value;
            let (result, ready) = run(&changed);
            assert!(result.is_ok() || !ready);
            let mechanism = 12..32;
            if mechanism.contains(&index) && value != script[index] {
                assert_eq!(result, Err(PeerError::MechanismMismatch));
            }
            accepted += usize::from(ready);
        }
    }
    assert!(accepted > 256 * 40, "padding is not looked at");
}

/// T2: any announced size costs nothing before its bytes come.
#[test]
fn announced_sizes_allocate_nothing() {
    for shift in 0..64 {
        let announced = (1u64 << shift).to_be_bytes();
        for flags in [2, 3, 6] {
            let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
            input = BytesMut::from(&input[..]);
            input.extend_from_slice(&[flags]);
            input.extend_from_slice(&announced);
            input.extend_from_slice(&[0; 4]);
            let capacity = input.capacity();
            let result = receiver.receive(&mut input);
            assert!(input.capacity() <= capacity.max(64));
            match (shift, flags) {
                (63, _) => assert_eq!(result, Err(PeerError::MalformedFrame)),
                (17.., 6) => assert_eq!(result, Err(PeerError::FrameTooLarge)),
                (3.., _) => {
                    assert_eq!(result, Ok(None));
                    assert_eq!(receiver.wanted() as u64, (1 << shift) - 4);
                }
                (..3, _) => assert!(result.is_ok()),
            }
        }
    }
}

#[test]
fn frames_above_the_limit_are_refused_at_their_header() {
    let mut config = LinkConfig::new(SocketType::Pull);
    config.max_message_bytes = Some(10);
    let (mut receiver, _, _, mut input) = connected(config.clone(), 1);
    input.extend_from_slice(b"\x00\x0a0123456789\x01\x0b");
    assert_eq!(events(receiver.receive(&mut input).unwrap()), [message(&["0123456789"])]);
    for _ in 0..2 {
        assert_eq!(receiver.receive(&mut input), Err(PeerError::FrameTooLarge));
    }

    let mut side = Side::new(config);
    side.feed(b"\x01\x00").unwrap();
    let (mut receiver, _, _, mut input) = side.split();
    input.extend_from_slice(b"\x0b\x000123456789\x0c\x00");
    assert_eq!(events(receiver.receive(&mut input).unwrap()), [message(&["0123456789"])]);
    for _ in 0..2 {
        assert_eq!(receiver.receive(&mut input), Err(PeerError::FrameTooLarge));
    }
}

/// T9: the number of parts is limited, also of parts without bytes, and exactly.
#[test]
fn messages_have_a_limited_number_of_parts() {
    let mut config = LinkConfig::new(SocketType::Pull);
    config.limits.parts = 3;
    for (parts, accepted) in [(1, true), (3, true), (4, false)] {
        let (mut receiver, _, _, mut input) = connected(config.clone(), 1);
        let message = Message::from_parts(vec![""; parts]).unwrap();
        let mut bytes = Vec::new();
        framing::encode(&message, &mut bytes);
        input.extend_from_slice(&bytes);
        let result = receiver.receive(&mut input);
        if accepted {
            assert_eq!(events(result.unwrap()), [Event::Message(message)]);
        } else {
            assert_eq!(result, Err(PeerError::MessageTooLarge));
        }
    }
}

/// T8: an unfinished message is limited in bytes, each part charged for its keeping.
#[test]
fn messages_have_a_limited_number_of_bytes() {
    let mut config = LinkConfig::new(SocketType::Pull);
    config.limits.message_bytes = Some(1000);
    for (part, ping) in [(vec![7; 100], false), (vec![7; 100], true), (Vec::new(), false), (Vec::new(), true)]
    {
        let (mut receiver, _, _, mut input) = connected(config.clone(), 1);
        let mut parts = 0;
        let error = loop {
            assert!(parts < 100);
            parts += 1;
            let mut bytes = Vec::new();
            framing::encode_small(&part, true, &mut bytes);
            input.extend_from_slice(&bytes);
            if ping {
                input.extend_from_slice(b"\x04\x07\x04PING\0\0");
            }
            if let Err(error) = drain(&mut receiver, &mut input) {
                break error;
            }
        };
        assert_eq!(error, PeerError::MessageTooLarge);
        assert_eq!(parts, 1000 / (part.len() + 2 + 64) + 1);
    }
    let (mut receiver, _, _, mut input) = connected(config, 1);
    input.extend_from_slice(b"\x02\0\0\0\0\0\0\x03\xe9");
    assert_eq!(receiver.receive(&mut input), Err(PeerError::FrameTooLarge), "a single part counts too");
}

#[test]
fn topics_are_limited() {
    let mut config = LinkConfig::new(SocketType::XPub);
    config.limits.topic_bytes = 3;
    for (bytes, accepted) in [
        (&b"\x00\x04\x01abc"[..], true),
        (b"\x00\x05\x01abcd", false),
        (b"\x04\x0d\x09SUBSCRIBEabc", true),
        (b"\x04\x0e\x09SUBSCRIBEabcd", false),
        (b"\x04\x0b\x06CANCELabcd", false),
        (b"\x01\x05\x01abcd\x00\x00", false),
    ] {
        let (mut receiver, _, _, mut input) = connected(config.clone(), 1);
        input.extend_from_slice(bytes);
        assert_eq!(drain(&mut receiver, &mut input).is_ok(), accepted, "{bytes:?}");
    }
}

/// T10: floods of commands are ignored or answered one at a time; memory stays.
#[test]
fn storms_of_commands_leave_nothing_behind() {
    for kind in [SocketType::Pull, SocketType::XPub] {
        let (mut receiver, _, _, mut input) = connected(LinkConfig::new(kind), 1);
        for _ in 0..10_000 {
            input.extend_from_slice(b"\x04\x04\x03FOO\x04\x06\x05READY\x04\x05\x04JOIN\x04\x05\x04PONG");
            let received = drain(&mut receiver, &mut input).unwrap();
            assert_eq!(received.len(), 1, "the PONG alone");
            assert!(input.is_empty());
        }
    }
}

#[test]
fn commands_without_meaning_here_are_ignored() {
    let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
    input.extend_from_slice(b"\x04\x0b\x09SUBSCRIBEa\x04\x07\x06CANCEL\x00\x01\x01");
    assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), [message(&["\x01"])]);
    input.extend_from_slice(b"\x04\x0c\x05ERROR\x05hello");
    let reason = Bytes::from_static(b"hello");
    assert_eq!(drain(&mut receiver, &mut input), Ok(vec![Received::Error { reason }]));

    let mut side = Side::new(LinkConfig::new(SocketType::Pull));
    side.feed(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\x00\x00").unwrap();
    let (mut receiver, _, _, mut input) = side.split();
    input.extend_from_slice(b"\x04\x07\x04PING\0\0");
    assert_eq!(drain(&mut receiver, &mut input), Ok(vec![]), "ZMTP 2.0 has no PING");
}

proptest! {
    #[test]
    fn any_bytes_instead_of_a_handshake_are_survived(
        start in prop_oneof![Just(0usize), Just(1), Just(10), Just(11), Just(12), Just(64)],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut side = Side::new(LinkConfig::new(SocketType::Pub));
        let mut script = greeting(1, "NULL");
        script.truncate(start);
        script.extend(bytes);
        let _ = side.feed(&script);
        if side.link.is_ready() {
            let (mut receiver, _, _, mut input) = side.split();
            let _ = drain(&mut receiver, &mut input);
        }
    }

    #[test]
    fn any_bytes_after_ready_are_survived(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..8], 0..200),
        publishes: bool,
        old: bool,
    ) {
        let kind = if publishes { SocketType::XPub } else { SocketType::Pull };
        let mut side = Side::new(LinkConfig::new(kind));
        side.feed(&if old { b"\x01\x00".to_vec() } else { simple_peer(1, partner(kind)) }).unwrap();
        let (mut receiver, _, _, mut input) = side.split();
        input.extend_from_slice(&bytes);
        if let Ok(received) = drain(&mut receiver, &mut input) {
            events(received);
            let _ = receiver.wanted();
        }
    }
}
