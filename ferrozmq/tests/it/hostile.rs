//! Peers that mean no good, while a good one talks all the time.

use crate::peer::{RawPeer, SOON, command, frame, greeting, handshake, next_event, ready, resident_bytes};
use crate::stage::{HANDSHAKE, Stage, alone, no_more_than_noise};
use ferrozmq::{Context, EventKind, Message, Pub, Push, Sub};
use std::thread::JoinHandle;
use std::time::Duration;

#[test]
fn t1_f23_other_protocols_are_shown_the_door() {
    let stage = Stage::brief();
    let words: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\x20AAAA",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    for word in words {
        let mut peer = RawPeer::connect(&stage.endpoint);
        peer.write(word);
        peer.wait_closed();
        // The monitor says what it was.
        let failures = std::iter::from_fn(|| stage.monitor.recv_timeout(SOON))
            .take_while(|event| event.kind != EventKind::Disconnected)
            .filter(|event| event.reason.as_ref().is_some_and(|reason| !reason.is_empty()));
        let failures: Vec<EventKind> = failures.map(|event| event.kind).collect();
        let of_handshake = |kind: &EventKind| {
            matches!(kind, EventKind::HandshakeFailedProtocol | EventKind::HandshakeFailedNoDetail)
        };
        assert!(
            failures.len() == 1 && failures.iter().all(of_handshake),
            "{}: {failures:?}",
            word.escape_ascii()
        );
    }
    stage.end();
}

#[test]
fn t1_random_garbage_is_shown_the_door() {
    let stage = Stage::brief();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..60 {
        let mut bytes: Vec<u8> = (0..200 + random() % 800).map(|_| (random() >> 32) as u8).collect();
        if round % 2 == 0 {
            // The door is open; then nonsense.
            bytes.splice(..0, handshake("PUSH"));
        }
        let mut peer = RawPeer::connect(&stage.endpoint);
        let _ = peer.write_until_closed(&bytes, bytes.len());
        if round % 2 == 1 {
            peer.wait_closed();
        }
    }
    stage.end();
}

#[test]
fn f23_port_scanners_leave_nothing() {
    let stage = Stage::new(|_| {});
    for n in 0..300 {
        let peer = RawPeer::connect(&stage.endpoint);
        if n % 2 == 0 {
            peer.reset();
        }
    }
    for _ in 0..200 {
        next_event(&stage.monitor, EventKind::Disconnected);
    }
    stage.end();
}

#[test]
fn t1_t3_every_prefix_of_a_handshake_ends_at_the_deadline() {
    let stage = Stage::brief();
    let all = handshake("PUSH");
    let mut peers: Vec<RawPeer> = Vec::new();
    for length in 0..all.len() {
        let mut peer = RawPeer::connect(&stage.endpoint);
        // The deadline of the first ones may come while the last ones connect.
        let _ = peer.write_until_closed(&all[..length], length);
        peers.push(peer);
    }
    for peer in &mut peers {
        peer.wait_closed();
    }
    let mut failures = 0;
    while failures < all.len() {
        let event = next_event(&stage.monitor, EventKind::HandshakeFailedNoDetail);
        let reason = event.reason.expect("a reason");
        assert!(reason.contains("in the time allowed for the handshake"), "{reason}");
        failures += 1;
    }
    stage.end();
}

#[test]
fn t3_a_byte_at_a_time_does_not_extend_the_deadline() {
    let stage = Stage::brief();
    let mut peer = RawPeer::connect(&stage.endpoint);
    let start = std::time::Instant::now();
    let all = handshake("PUSH");
    // At this pace the handshake would take three times as long as it may.
    let pace = HANDSHAKE * 3 / all.len() as u32;
    for (n, byte) in all.iter().enumerate() {
        let _ = peer.write_until_closed(&[*byte], 1);
        peer.stream.set_read_timeout(Some(pace)).unwrap();
        let mut room = [0; 256];
        use std::io::Read;
        match peer.stream.read(&mut room) {
            Ok(0) => break,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            _ => assert!(n < all.len() - 1, "the handshake succeeded"),
        }
        assert!(start.elapsed() < HANDSHAKE * 20);
    }
    stage.end();
}

#[test]
fn f21_a_byte_at_a_time_is_fine_within_the_deadline() {
    let stage = Stage::new(|_| {});
    let mut peer = RawPeer::connect(&stage.endpoint);
    let bytes = [handshake("PUSH"), frame(1, b"two"), frame(0, b"parts"), frame(0, &[7; 300])].concat();
    for byte in bytes {
        peer.write(&[byte]);
    }
    next_event(&stage.monitor, EventKind::HandshakeSucceeded);
    drop(peer);
    next_event(&stage.monitor, EventKind::Disconnected);
    stage.end();
}

#[test]
fn t2_oversized_frames_are_refused_as_soon_as_they_are_announced() {
    let stage = Stage::new(|pull| pull.as_socket().set_max_message_size(Some(1000)).unwrap());
    for size in [1001_u64, 1 << 20, 1 << 40, 1 << 62, i64::MAX as u64, 1 << 63, u64::MAX] {
        let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
        peer.write(&[&[2], &size.to_be_bytes()[..]].concat());
        peer.wait_closed();
    }
    stage.end();
}

#[test]
fn t2_announced_bytes_are_not_allocated() {
    if !alone("hostile::t2_announced_bytes_are_not_allocated") {
        return;
    }
    let stage = Stage::new(|_| {});
    let mut peers = Vec::new();
    for shift in 20..63 {
        let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
        peer.write(&[&[2], &(1_u64 << shift).to_be_bytes()[..], &[0; 1000][..]].concat());
        peers.push(peer);
    }
    stage.good_peer_talks();
    drop(peers);
    stage.end();
}

#[test]
fn t8_t9_an_endless_multipart_ends() {
    if !alone("hostile::t8_t9_an_endless_multipart_ends") {
        return;
    }
    let stage = Stage::new(|_| {});
    let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
    // Empty parts, each followed by another.
    let parts = [1, 0].repeat(32 * 1024);
    let taken = peer.write_until_closed(&parts, 64 << 20);
    assert!(taken < 32 << 20, "{taken} bytes of parts and no end");
    stage.end();
}

#[test]
fn t10_command_storms_cost_nothing() {
    if !alone("hostile::t10_command_storms_cost_nothing") {
        return;
    }
    let stage = Stage::new(|_| {});
    let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
    let storm = [
        command("PING", b"\0\0context"),
        command("PONG", b"who asked"),
        command("SUBSCRIBE", b"on a PULL"),
        command("CANCEL", b"on a PULL"),
        command("JOIN", b"group"),
        command("GIBBERISH", &[0xff; 200]),
        ready("PUSH"),
    ]
    .concat();
    // The answers are not read: they must not pile up.
    let chunk = storm.repeat(64);
    peer.write_until_stuck(&chunk, Duration::from_millis(200), 16 << 20);
    stage.good_peer_talks();
    stage.end();
}

#[test]
fn t10_pings_are_answered_though_many() {
    let stage = Stage::new(|_| {});
    let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
    peer.write(&command("PING", b"\0\0").repeat(1000));
    peer.write(&command("PING", b"\0\0the last"));
    peer.read_command(b"the last");
    stage.end();
}

#[test]
fn t10_malformed_commands_end_the_connection() {
    let stage = Stage::new(|_| {});
    for bad in [
        frame(4, b""),
        frame(4, b"\xffshort"),
        frame(5, b"\x04PING\0\0"),
        frame(0xf0, b"x"),
        frame(4, b"\x04PING"),
    ] {
        let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
        peer.write(&bad);
        peer.wait_closed();
    }
    stage.end();
}

#[test]
fn t1_wrong_socket_types_are_told_apart() {
    let stage = Stage::new(|_| {});
    for kind in ["PULL", "SUB", "NONSENSE", "", "PUSHPUSHPUSH"] {
        let mut peer = RawPeer::connect(&stage.endpoint);
        peer.write(&handshake(kind));
        peer.wait_closed();
        let event = next_event(&stage.monitor, EventKind::HandshakeFailedProtocol);
        let reason = event.reason.expect("a reason");
        assert!(reason.contains("socket cannot talk with a PULL socket"), "{reason}");
    }
    stage.end();
}

#[test]
fn t3_more_than_a_handshake_may_cost_is_refused() {
    if !alone("hostile::t3_more_than_a_handshake_may_cost_is_refused") {
        return;
    }
    let stage = Stage::new(|_| {});
    let mut peer = RawPeer::connect(&stage.endpoint);
    peer.write(&greeting());
    let taken = peer.write_until_closed(&frame(4, &[b'x'; 255]), 8 << 20);
    assert!(taken < 8 << 20);
    let mut peer = RawPeer::connect(&stage.endpoint);
    peer.write(&greeting());
    peer.write(&[&[6], &(1_u64 << 62).to_be_bytes()[..]].concat());
    peer.wait_closed();
    stage.end();
}

#[test]
fn f1_f3_connections_that_break_anywhere_break_whole_messages_only() {
    let stage = Stage::new(|_| {});
    let messages = [frame(1, b"torn"), frame(1, &[1; 400]), frame(0, b"never")].concat();
    for cut in (0..messages.len() - 1).step_by(13) {
        let mut peer = RawPeer::ready(&stage.endpoint, "PUSH");
        peer.write(&messages[..cut]);
        match cut % 3 {
            0 => peer.reset(),
            1 => {
                peer.half_close();
                peer.wait_closed();
            }
            _ => drop(peer),
        }
    }
    stage.end();
}

#[test]
fn t7_subscriptions_nobody_reads_are_bounded() {
    if !alone("hostile::t7_subscriptions_nobody_reads_are_bounded") {
        return;
    }
    let context = Context::new();
    let publisher = Pub::new(&context).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let before = resident_bytes();
    let mut flood = Vec::new();
    for n in 0..10_000_u32 {
        flood.extend(command("SUBSCRIBE", &n.to_be_bytes()));
    }
    let mut peers: Vec<_> = (0..4).map(|_| RawPeer::ready(&endpoint, "SUB")).collect();
    for peer in &mut peers {
        // The publisher makes no call: after a while nobody reads the flood.
        let taken = peer.write_until_stuck(&flood, Duration::from_millis(500), 256 << 20);
        assert!(taken < 64 << 20, "{} MiB taken", taken >> 20);
    }
    no_more_than_noise(before);
    // A good subscriber is heard as soon as the publisher is at work again.
    let good = Sub::new(&context).unwrap();
    good.subscribe("good").unwrap();
    good.connect(&endpoint).unwrap();
    publisher.as_socket().wait_for_peers(5, SOON).unwrap();
    publisher.send("good").unwrap();
    assert_eq!(good.recv_timeout(SOON).unwrap(), Message::from("good"));
    // And so are the others, one after the other.
    drop(peers);
    context_ends(context, publisher);
}

fn context_ends(context: Context, publisher: Pub) {
    drop(publisher);
    drop(context);
}

#[test]
fn t7_subscriptions_held_back_arrive_when_the_publisher_reads() {
    let context = Context::new();
    let publisher = Pub::new(&context).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = RawPeer::ready(&endpoint, "SUB");
    let writer = std::thread::spawn(move || {
        for n in 0..100_000_u32 {
            peer.write(&command("SUBSCRIBE", &n.to_be_bytes()));
        }
        peer.write(&command("SUBSCRIBE", b"last"));
        peer
    });
    // Every call reads some and lets more come.
    let mut received = false;
    let start = std::time::Instant::now();
    let mut peer = None;
    let mut writer = Some(writer);
    while !received {
        publisher.send("last word").unwrap();
        if writer.as_ref().is_some_and(JoinHandle::is_finished) {
            let reader: RawPeer = writer.take().unwrap().join().unwrap();
            reader.stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
            peer = Some(reader);
        }
        if let Some(peer) = &mut peer {
            use std::io::Read;
            received = matches!(peer.stream.read(&mut [0; 64]), Ok(count) if count > 0);
        }
        assert!(start.elapsed() < SOON);
        std::thread::yield_now();
    }
}

#[test]
fn t7_what_peers_send_to_a_push_keeps_nobody() {
    let context = Context::new();
    let push = Push::new(&context).unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = push.as_socket().monitor().unwrap();
    let mut peer = RawPeer::ready(&endpoint, "PULL");
    peer.write(&frame(0, b"unasked").repeat(10_000));
    drop(peer);
    next_event(&monitor, EventKind::Disconnected);
}

#[test]
fn t5_peers_that_come_and_go_unnoticed_leave_nothing() {
    if !alone("hostile::t5_peers_that_come_and_go_unnoticed_leave_nothing") {
        return;
    }
    let context = Context::new();
    let push = Push::new(&context).unwrap();
    let endpoint = push.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = push.as_socket().monitor().unwrap();
    let boast = vec![b'x'; 30_000];
    let property = [b"\x07X-Boast".as_slice(), &(boast.len() as u32).to_be_bytes(), &boast].concat();
    let ready = command("READY", &[b"\x0bSocket-Type\0\0\0\x04PULL".as_slice(), &property].concat());
    let mut before = 0;
    for n in 0..3000 {
        let mut peer = RawPeer::connect(&endpoint);
        peer.write(&greeting());
        peer.write(&ready);
        next_event(&monitor, EventKind::HandshakeSucceeded);
        drop(peer);
        next_event(&monitor, EventKind::Disconnected);
        if n == 500 {
            before = resident_bytes();
        }
    }
    no_more_than_noise(before);
}

#[test]
fn t3_t5_silent_peers_do_not_keep_others_out() {
    if !alone("hostile::t3_t5_silent_peers_do_not_keep_others_out") {
        return;
    }
    let stage = Stage::new(|pull| pull.as_socket().set_handshake_interval(None).unwrap());
    let silent: Vec<_> = (0..1100).map(|_| RawPeer::connect(&stage.endpoint)).collect();
    let event = next_event(&stage.monitor, EventKind::HandshakeFailedNoDetail);
    assert!(event.reason.expect("a reason").contains("too many handshakes"));
    drop(RawPeer::ready(&stage.endpoint, "PUSH"));
    drop(silent);
    stage.end();
}
