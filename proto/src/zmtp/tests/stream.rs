//! What comes after READY: runs, commands between and within messages, subscriptions, every split.

use super::*;
use proptest::prelude::*;

/// A stream of frames and the events it must give to a PULL or an XPUB.
fn receive_all(config: LinkConfig, bytes: &[u8]) -> Vec<Received> {
    let (mut receiver, _, _, mut input) = connected(config, 1);
    input.extend_from_slice(bytes);
    let received = drain(&mut receiver, &mut input).unwrap();
    assert!(input.is_empty());
    received
}

#[test]
fn a_run_is_as_long_as_possible_and_shares_the_input() {
    let bytes = b"\x00\x01a\x01\x01b\x00\x01c\x00\x00";
    let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
    input.extend_from_slice(bytes);
    input.extend_from_slice(b"\x01\x01d");
    let place = input.as_ptr_range();
    let Ok(Some(Received::Messages { bytes: run, count })) = receiver.receive(&mut input) else {
        panic!("a run")
    };
    assert_eq!((&run[..], count), (&bytes[..], 3));
    assert!(place.contains(&run.as_ptr()));
    assert_eq!(receiver.receive(&mut input), Ok(None));
    assert_eq!(receiver.wanted(), 2);
    input.extend_from_slice(b"\x00\x05");
    assert_eq!(receiver.receive(&mut input), Ok(None));
    assert_eq!(receiver.wanted(), 5);
    input.extend_from_slice(b"12345");
    assert_eq!(events(receiver.receive(&mut input).unwrap()), [message(&["d", "12345"])]);
}

#[test]
fn a_command_ends_a_run_and_keeps_its_place() {
    let bytes = b"\x00\x01a\x00\x01b\x04\x09\x04PING\x00\x0axy\x00\x01c";
    let received = receive_all(LinkConfig::new(SocketType::Pull), bytes);
    assert_eq!(received.len(), 3);
    let expected = [message(&["a"]), message(&["b"]), ping(10, "xy"), message(&["c"])];
    assert_eq!(events(received), expected);
}

/// libzmq sends PING and PONG between the parts of a message.
#[test]
fn a_command_within_a_message_is_delivered_at_once() {
    let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
    input.extend_from_slice(b"\x00\x01z\x01\x01a\x04\x07\x04PING\0\0\x01\x01b");
    let received = drain(&mut receiver, &mut input).unwrap();
    assert_eq!(events(received), [message(&["z"]), ping(0, "")]);
    input.extend_from_slice(b"\x04\x07\x04PING\0\0\x00\x01c\x00\x01d");
    let received = drain(&mut receiver, &mut input).unwrap();
    assert_eq!(events(received), [ping(0, ""), message(&["a", "b", "c"]), message(&["d"])]);
    assert!(input.is_empty());
}

#[test]
fn both_forms_of_subscriptions_are_understood_in_every_version() {
    let script = b"\x00\x03\x01ab\x04\x0b\x09SUBSCRIBEc\x00\x01\x00\x04\x07\x06CANCEL\x00\x02xy";
    let expected = [
        subscription("ab", true),
        subscription("c", true),
        subscription("", false),
        subscription("", false),
        message(&["xy"]),
    ];
    for kind in [SocketType::Pub, SocketType::XPub] {
        for greeting in [
            simple_peer(0, SocketType::Sub),
            simple_peer(1, SocketType::Sub),
            b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x02\x00\x00".to_vec(),
        ] {
            let mut side = Side::new(LinkConfig::new(kind));
            side.feed(&greeting).unwrap();
            let (mut receiver, _, _, mut input) = side.split();
            input.extend_from_slice(&script[..]);
            assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), expected);
        }
        let mut side = Side::new(LinkConfig::new(kind));
        side.feed(b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x02\x01\x00").unwrap();
        let (mut receiver, _, _, mut input) = side.split();
        input.extend_from_slice(b"\x04\x00\x01ab\x03\x00xy");
        let expected = [subscription("ab", true), message(&["xy"])];
        assert_eq!(events(drain(&mut receiver, &mut input).unwrap()), expected);
    }
}

/// Else it would be in memory three times on its way to the socket: read, handed over, kept.
#[test]
fn long_topics_stay_where_they_were_read() {
    let topic = vec![b't'; 100_000];
    let mut script = b"\x00\x02\x01a".to_vec();
    Command::Subscribe(&topic).encode(&mut script);
    framing::encode(&Message::from([b"\x00", &topic[..]].concat()), &mut script);
    script.extend_from_slice(b"\x00\x02\x00a");
    let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pub), 1);
    input.extend_from_slice(&script);
    let memory = input.as_ptr_range();
    let told = drain(&mut receiver, &mut input).unwrap().into_iter().map(|received| match received {
        Received::Subscription { topic, wanted } => (topic.len(), wanted, memory.contains(&topic.as_ptr())),
        other => panic!("{other:?}"),
    });
    let expected = [(1, true, false), (100_000, true, true), (100_000, false, true), (1, false, false)];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[test]
fn other_types_get_messages_that_look_like_subscriptions() {
    let received = receive_all(LinkConfig::new(SocketType::Pull), b"\x00\x02\x01a\x00\x01\x00");
    assert_eq!(events(received), [message(&["\x01a"]), message(&["\x00"])]);
}

/// As libzmq 4.3.5 does by default, but the user's parts stay together.
#[test]
fn subscriptions_among_parts_are_found() {
    let script = b"\x00\x01k\x01\x02\x01a\x01\x02ux\x01\x01v\x00\x02\x01b\x00\x01z";
    let config = LinkConfig::new(SocketType::XPub);
    let expected = [
        message(&["k"]),
        subscription("a", true),
        subscription("b", true),
        message(&["ux", "v"]),
        message(&["z"]),
    ];
    assert_eq!(events(receive_all(config, script)), expected);
}

#[test]
fn only_first_subscribe_leaves_later_parts_alone() {
    let script = b"\x01\x02ux\x00\x02\x01b\x01\x02\x01a\x01\x02zz\x00\x02\x00c";
    let mut config = LinkConfig::new(SocketType::XPub);
    config.only_first_subscribe = true;
    let expected =
        [message(&["ux", "\x01b"]), subscription("a", true), subscription("c", false), message(&["zz"])];
    assert_eq!(events(receive_all(config, script)), expected);
}

#[test]
fn a_message_of_subscriptions_only_leaves_no_message() {
    let received = receive_all(LinkConfig::new(SocketType::Pub), b"\x01\x02\x01a\x00\x02\x00a");
    assert_eq!(events(received), [subscription("a", true), subscription("a", false)]);
}

#[test]
fn what_precedes_a_fault_is_delivered() {
    for fault in [&b"\x10\x00"[..], b"\x04\x00", b"\x04\x04\x04PIN", b"\x05\x07\x04PING\0\0"] {
        let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
        input.extend_from_slice(b"\x00\x01a");
        input.extend_from_slice(fault);
        assert_eq!(events(receiver.receive(&mut input).unwrap()), [message(&["a"])]);
        let first = receiver.receive(&mut input).unwrap_err();
        assert_eq!(receiver.receive(&mut input), Err(first));
    }
}

/// F21 in the large: a long message byte by byte costs no more than its bytes.
#[test]
fn one_byte_reads_take_linear_time() {
    let (mut receiver, _, _, mut input) = connected(LinkConfig::new(SocketType::Pull), 1);
    let mut parts = Vec::new();
    for _ in 0..200_000 {
        framing::encode_small(b"x", true, &mut parts);
    }
    framing::encode_small(b"end", false, &mut parts);
    let (last, others) = parts.split_last().unwrap();
    for byte in others {
        input.extend_from_slice(&[*byte]);
        assert_eq!(receiver.receive(&mut input), Ok(None));
    }
    input.extend_from_slice(&[*last]);
    let received = receiver.receive(&mut input).unwrap();
    assert!(matches!(received, Some(Received::Messages { count: 1, bytes }) if bytes == parts));
}

/// Frames of every kind, in an order that a peer may send.
fn script() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        proptest::collection::vec(0u8..4, 0..6),
        proptest::collection::vec(any::<u8>(), 200..300),
    ];
    let command = prop_oneof![
        Just(b"\x04\x09\x04PING\x00\x0axy".to_vec()),
        Just(b"\x04\x06\x04PONGz".to_vec()),
        Just(b"\x04\x0b\x09SUBSCRIBEc".to_vec()),
        Just(b"\x04\x04\x03FOO".to_vec()),
        Just(Vec::new()),
        Just(Vec::new()),
    ];
    let message = proptest::collection::vec((part, command), 1..4).prop_map(|parts| {
        let mut bytes = Vec::new();
        let last = parts.len() - 1;
        for (index, (part, command)) in parts.into_iter().enumerate() {
            bytes.extend(command);
            framing::encode_small(&part, index < last, &mut bytes);
        }
        bytes
    });
    proptest::collection::vec(message, 0..8).prop_map(|messages| messages.concat())
}

proptest! {
    /// F21: how the bytes are cut into reads makes no difference.
    #[test]
    fn every_split_gives_the_same_events(
        script in script(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        publishes: bool,
        minor in 0u8..2,
    ) {
        let kind = if publishes { SocketType::XPub } else { SocketType::Pull };
        let whole: Vec<u8> = [simple_peer(minor, partner(kind)), script].concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        cuts.sort_unstable();
        let expected = run(kind, &whole, &[]);
        prop_assert_eq!(&run(kind, &whole, &cuts), &expected);
        let everywhere: Vec<usize> = (0..whole.len()).collect();
        prop_assert_eq!(&run(kind, &whole, &everywhere), &expected);
    }

    /// The same of ZMTP 1.0, whose frames are made out of plain ones.
    #[test]
    fn every_split_of_zmtp_1_0_gives_the_same_events(
        messages in proptest::collection::vec(proptest::collection::vec(0usize..300, 1..4), 0..6),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut plain = Vec::new();
        for sizes in &messages {
            let message = Message::from_parts(sizes.iter().map(|len| vec![7; *len])).unwrap();
            framing::encode(&message, &mut plain);
        }
        let mut whole = b"\x03\x00id".to_vec();
        sender::Sender::new(Version::V1, None).seal(&plain, &mut whole);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
        cuts.sort_unstable();
        let events = run(SocketType::Pull, &whole, &cuts);
        let sizes: Vec<Vec<usize>> = events.iter().map(|event| match event {
            Event::Message(message) => message.iter().map(|part| part.len()).collect(),
            Event::Other(other) => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(sizes, messages);
    }
}

/// Feeds `bytes` cut at `cuts`, through the handshake and after it.
fn run(kind: SocketType, bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
    let mut side = Some(Side::new(LinkConfig::new(kind)));
    let mut halves: Option<(Receiver, BytesMut)> = None;
    let mut received = Vec::new();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let mut start = 0;
    for end in ends {
        let piece = &bytes[start..end];
        start = end;
        match &mut halves {
            Some((_, input)) => input.extend_from_slice(piece),
            None => {
                side.as_mut().unwrap().feed(piece).unwrap();
                if side.as_ref().unwrap().link.is_ready() {
                    let (receiver, _, _, input) = side.take().unwrap().split();
                    halves = Some((receiver, input));
                }
            }
        }
        if let Some((receiver, input)) = &mut halves {
            received.extend(drain(receiver, input).unwrap());
        }
    }
    let (_, input) = halves.expect("the handshake was whole");
    assert!(input.is_empty());
    events(received)
}
