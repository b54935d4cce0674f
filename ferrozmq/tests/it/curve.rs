//! CURVE between two sockets of ours: that messages arrive is not enough, they must also survive what happens to connections.

use crate::ground::{SOON, fill, fixed_ipc, free_endpoint, number, numbered};
use crate::peer::{RawPeer, next_event};
use ferrozmq::{Context, ErrorKind, EventKind, Message, Socket, SocketType};
use std::time::{Duration, Instant};

/// Two key pairs in Z85, public and secret; they guard nothing.
const SERVER: [&str; 2] =
    ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"];
const CLIENT: [&str; 2] =
    ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"];

fn server(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    for (option, value) in [("curve_server", "1"), ("curve_secretkey", SERVER[1])] {
        socket.set_text(option, value).unwrap();
    }
    socket
}

fn client(context: &Context, kind: SocketType, server_key: &str) -> Socket {
    let socket = context.socket(kind).unwrap();
    let keys =
        [("curve_serverkey", server_key), ("curve_publickey", CLIENT[0]), ("curve_secretkey", CLIENT[1])];
    for (option, value) in keys {
        socket.set_text(option, value).unwrap();
    }
    socket.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    socket
}

/// A server that reads little ahead, bound where one was just closed.
fn bound(context: &Context, endpoint: &str) -> Socket {
    let begin = Instant::now();
    let socket = server(context, SocketType::Pull);
    socket.set_text("rcvhwm", "2").unwrap();
    loop {
        match socket.bind(endpoint) {
            Ok(_) => return socket,
            Err(error) if error.kind() == ErrorKind::AddressInUse && begin.elapsed() < SOON => {}
            Err(error) => panic!("{error}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn many_messages_arrive_in_order() {
    for endpoint in [free_endpoint(), fixed_ipc("curve")] {
        let context = Context::new();
        let pull = bound(&context, &endpoint);
        let push = client(&context, SocketType::Push, SERVER[0]);
        push.connect(&endpoint).unwrap();
        let count = 100_000;
        std::thread::scope(|scope| {
            scope.spawn(|| (0..count).for_each(|next| push.send(numbered(next)).unwrap()));
            for next in 0..count {
                assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), next);
            }
        });
    }
}

/// What waits, encrypted or not, when a connection ends is encrypted anew for the next one.
#[test]
fn what_was_not_sent_is_encrypted_for_the_next_connection() {
    let context = Context::new();
    let endpoint = free_endpoint();
    let push = client(&context, SocketType::Push, SERVER[0]);
    push.connect(&endpoint).unwrap();
    let (mut next, mut first) = (0, 0);
    for _ in 0..5 {
        let pull = bound(&context, &endpoint);
        push.wait_for_peers(1, SOON).unwrap();
        for _ in 0..40 {
            let ends = u64::to_le_bytes(next);
            if next % 2 == 0 {
                push.send(Message::from_parts([&ends, &[7; 200_000][..], &ends]).unwrap()).unwrap();
            } else {
                // This one may be encrypted straight from here.
                push.send(&[&ends, &[7; 200_000][..], &ends].concat()[..]).unwrap();
            }
            next += 1;
        }
        first = later(&pull, first);
    }
    let pull = bound(&context, &endpoint);
    push.wait_for_peers(1, SOON).unwrap();
    // What the last server had read is lost with it; what is sent now is not.
    push.send(numbered(next)).unwrap();
    while first <= next {
        first = later(&pull, first);
    }
}

/// Receives a message, whole and none of those before `first`; the number after it.
fn later(pull: &Socket, first: u64) -> u64 {
    let received = pull.recv_timeout(SOON).unwrap();
    let whole = received.iter().flat_map(|part| part.to_vec()).collect::<Vec<u8>>();
    let ends = *whole.last_chunk().expect("eight bytes");
    let got = u64::from_le_bytes(ends);
    assert!(got >= first, "{got} came again");
    assert!(whole == ends || whole == [&ends, &[7; 200_000][..], &ends].concat());
    assert_eq!(received.len(), if got % 2 == 0 && whole.len() > 8 { 3 } else { 1 });
    got + 1
}

/// One read of ours may bring several messages with commands between them: none may wait for the next read.
#[test]
fn what_lies_behind_a_command_arrives_without_more_input() {
    let context = Context::new();
    let endpoint = free_endpoint();
    let publisher = server(&context, SocketType::XPub);
    publisher.bind(&endpoint).unwrap();
    let subscriber = client(&context, SocketType::XSub, SERVER[0]);
    subscriber.connect(&endpoint).unwrap();
    subscriber.wait_for_peers(1, SOON).unwrap();
    for round in 0..200 {
        let topic = format!("{round}");
        subscriber.send(Message::from("message")).unwrap();
        subscriber.send(Message::from([&[1], topic.as_bytes()].concat())).unwrap();
        subscriber.send(Message::from("another")).unwrap();
        let got: Vec<Message> = (0..3).map(|_| publisher.recv_timeout(SOON).unwrap()).collect();
        assert!(got.contains(&Message::from("another")), "{got:?}");
    }
}

#[test]
fn a_wrong_server_key_is_told_on_both_sides() {
    let context = Context::new();
    let endpoint = free_endpoint();
    let pull = server(&context, SocketType::Pull);
    let monitor = pull.monitor().unwrap();
    pull.bind(&endpoint).unwrap();
    let push = client(&context, SocketType::Push, CLIENT[0]);
    push.connect(&endpoint).unwrap();
    let event = next_event(&monitor, EventKind::HandshakeFailedProtocol);
    assert_eq!(event.value, 0x1100_0001, "a cryptographic failure");
    assert!(push.wait_for_peers(1, Duration::ZERO).is_err());
}

#[test]
fn who_speaks_null_or_an_older_version_is_not_let_in() {
    for (greeting, code) in [
        (&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0"[..], 0x1000_0000),
        (&crate::peer::greeting(), 0x1100_0002),
    ] {
        let context = Context::new();
        let endpoint = free_endpoint();
        let pull = server(&context, SocketType::Pull);
        let monitor = pull.monitor().unwrap();
        pull.bind(&endpoint).unwrap();
        let mut peer = RawPeer::connect(&endpoint);
        peer.write(greeting);
        assert_eq!(next_event(&monitor, EventKind::HandshakeFailedProtocol).value, code);
        peer.wait_closed();
    }
}

#[test]
fn the_high_water_mark_holds_for_what_is_encrypted() {
    let context = Context::new();
    let endpoint = free_endpoint();
    let pull = server(&context, SocketType::Pull);
    pull.set_text("rcvhwm", "10").unwrap();
    pull.bind(&endpoint).unwrap();
    let push = client(&context, SocketType::Push, SERVER[0]);
    push.set_text("sndhwm", "10").unwrap();
    push.connect(&endpoint).unwrap();
    push.wait_for_peers(1, SOON).unwrap();
    let sent = fill(&push);
    for next in 0..sent {
        assert_eq!(number(&pull.recv_timeout(SOON).unwrap()), next);
    }
}
