//! Peers that speak ZMTP 1.0, 2.0 and 3.0, as scripts of bytes.
//!
//! No library of today speaks the old versions first, so the peer is a bare socket here. Every script is played against libzmq
//! too: what both follow is what the wire is.

use crate::interop::python::PATIENCE;
use crate::interop::side::{Side, both, sides};
use ferrozmq::SocketType;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// The signature of ZMTP 2.0 and later for an empty routing id; to ZMTP 1.0 it is the beginning of a long frame.
const SIGNATURE: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f";
/// Major version that the side announces.
const MAJOR: &[u8] = b"\x03";

/// A bare connection to one side, and what is said over it.
struct Wire {
    stream: TcpStream,
    side: &'static str,
}

impl Wire {
    fn to(side: &Side, endpoint: &str) -> Wire {
        let address = endpoint.strip_prefix("tcp://").expect("a tcp endpoint");
        Wire::over(TcpStream::connect(address).expect("the side listens"), side)
    }

    fn over(stream: TcpStream, side: &Side) -> Wire {
        stream.set_nodelay(true).expect("small writes leave at once");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        Wire { stream, side: side.name() }
    }

    fn say(&mut self, bytes: &[u8]) -> &mut Wire {
        self.stream.write_all(bytes).expect("the side reads");
        self
    }

    /// Reads as many bytes as expected and fails unless they are these.
    fn hear(&mut self, expected: &[u8]) -> &mut Wire {
        let mut heard = vec![0; expected.len()];
        self.stream.read_exact(&mut heard).unwrap_or_else(|error| {
            panic!("{} said nothing instead of {}: {error}", self.side, expected.escape_ascii())
        });
        let (heard, expected) = (heard.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(heard, expected, "said by {}", self.side);
        self
    }
}

/// Plays `script` against our socket and libzmq's of this type.
fn play(what: &str, kind: SocketType, script: impl Fn(&mut Side, &mut Wire)) {
    for (mut side, endpoint) in both(what, kind) {
        let mut wire = Wire::to(&side, &endpoint);
        script(&mut side, &mut wire);
    }
}

/// The same, but the peer listens, and the side connects to it.
fn play_called(what: &str, kind: SocketType, script: impl Fn(&mut Side, &mut Wire)) {
    for mut side in sides(what, kind) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        side.connect(&format!("tcp://{}", listener.local_addr().expect("it is bound")));
        let (stream, _) = listener.accept().expect("the side connects");
        let mut wire = Wire::over(stream, &side);
        script(&mut side, &mut wire);
    }
}

// ZMTP 1.0: no greeting at all. A frame is its length (flags included), its flags (1: more), its body; the first is the routing id.

#[test]
fn zmtp_1_pusher_is_heard() {
    play("a ZMTP 1.0 PUSH", SocketType::Pull, |side, wire| {
        wire.say(b"\x01\0").say(b"\x06\0hello").say(b"\x02\x01a\x02\0b").say(b"\x01\0");
        side.expect(&["hello"]);
        side.expect(&["a", "b"]);
        side.expect(&[""]);
    });
}

#[test]
fn zmtp_1_long_frames_are_heard() {
    play("a ZMTP 1.0 PUSH with long frames", SocketType::Pull, |side, wire| {
        let body = "x".repeat(300);
        wire.say(b"\x01\0").say(b"\xff\0\0\0\0\0\0\x01\x2d\0").say(body.as_bytes());
        side.expect(&[&body]);
    });
}

#[test]
fn zmtp_1_puller_is_spoken_to() {
    play("a ZMTP 1.0 PULL", SocketType::Push, |side, wire| {
        wire.say(b"\x01\0").hear(SIGNATURE);
        side.send(&["hello"]);
        side.send(&["a", "b"]);
        wire.hear(b"\x06\0hello").hear(b"\x02\x01a\x02\0b");
    });
}

#[test]
fn zmtp_1_requester_is_answered() {
    play("a ZMTP 1.0 REQ", SocketType::Rep, |side, wire| {
        wire.say(b"\x01\0").hear(SIGNATURE).say(b"\x01\x01\x06\0hello");
        side.expect(&["hello"]);
        side.send(&["world"]);
        wire.hear(b"\x01\x01\x06\0world");
    });
}

/// Subscribers of that age filter for themselves: the publisher must send them everything.
#[test]
fn zmtp_1_subscriber_gets_everything() {
    play("a ZMTP 1.0 SUB", SocketType::XPub, |side, wire| {
        wire.say(b"\x01\0").hear(SIGNATURE);
        side.expect(&["\x01"]);
        side.send(&["anything"]);
        wire.hear(b"\x09\0anything");
    });
}

// ZMTP 2.0: signature, revision 1, socket type, routing id; frames of ZMTP 3. The side announces 3 until it knows better.

#[test]
fn zmtp_2_pusher_is_heard() {
    play("a ZMTP 2.0 PUSH", SocketType::Pull, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x08")
            .say(b"\0\0")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x07")
            .hear(b"\0\0");
        wire.say(b"\0\x05hello").say(b"\x01\x01a\0\x01b").say(b"\x02\0\0\0\0\0\0\0\x03big");
        side.expect(&["hello"]);
        side.expect(&["a", "b"]);
        side.expect(&["big"]);
    });
}

#[test]
fn zmtp_2_puller_is_spoken_to() {
    play("a ZMTP 2.0 PULL", SocketType::Push, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x07")
            .say(b"\0\0")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x08")
            .hear(b"\0\0");
        let body = "x".repeat(256);
        side.send(&["a", "b"]);
        side.send(&[&body]);
        wire.hear(b"\x01\x01a\0\x01b").hear(b"\x02\0\0\0\0\0\0\x01\0").hear(body.as_bytes());
    });
}

#[test]
fn zmtp_2_requester_is_known_by_its_routing_id() {
    play("a ZMTP 2.0 REQ with a routing id", SocketType::Router, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x03")
            .say(b"\0\x02me")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x06")
            .hear(b"\0\0");
        wire.say(b"\x01\0\0\x05hello");
        side.expect(&["me", "", "hello"]);
        side.send(&["me", "", "world"]);
        wire.hear(b"\x01\0\0\x05world");
    });
}

#[test]
fn zmtp_2_subscriptions_are_messages() {
    play("a ZMTP 2.0 SUB", SocketType::XPub, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x02")
            .say(b"\0\0")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x09")
            .hear(b"\0\0");
        wire.say(b"\0\x06\x01topic");
        side.expect(&["\x01topic"]);
        side.send(&["other"]);
        side.send(&["topical"]);
        wire.hear(b"\0\x07topical");
        wire.say(b"\0\x06\0topic");
        side.expect(&["\0topic"]);
    });
    play("a ZMTP 2.0 PUB", SocketType::Sub, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x01")
            .say(b"\0\0")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x02")
            .hear(b"\0\0");
        side.attend();
        wire.hear(b"\0\x06\x01topic").say(b"\0\x07topical");
        side.expect(&["topical"]);
    });
}

// ZMTP 3.0 and 3.1: a greeting of 64 bytes, READY from both, frames.

/// The greeting of a peer with this minor version and the mechanism NULL.
fn greeting(minor: u8) -> Vec<u8> {
    let mut greeting = [SIGNATURE, MAJOR, &[minor], b"NULL"].concat();
    greeting.resize(64, 0);
    greeting
}

/// The command READY of a socket type, with the property `Identity` where types have it.
fn ready(kind: &str, routing_id: Option<&str>) -> Vec<u8> {
    let property = |name: &str, value: &str| {
        let length = u32::try_from(value.len()).expect("a short value").to_be_bytes();
        [&[name.len() as u8], name.as_bytes(), &length, value.as_bytes()].concat()
    };
    let mut body = [b"\x05READY".as_slice(), &property("Socket-Type", kind)].concat();
    body.extend(routing_id.map(|id| property("Identity", id)).unwrap_or_default());
    [&[4, body.len() as u8], &body[..]].concat()
}

#[test]
fn zmtp_3_0_peers_talk_both_ways() {
    play("a ZMTP 3.0 DEALER", SocketType::Router, |side, wire| {
        wire.say(&greeting(0)).hear(&greeting(1));
        wire.say(&ready("DEALER", Some("me"))).hear(&ready("ROUTER", Some("")));
        wire.say(b"\x01\x01a\0\x01b");
        side.expect(&["me", "a", "b"]);
        side.send(&["me", "c"]);
        wire.hear(b"\0\x01c");
    });
}

#[test]
fn zmtp_3_0_subscriptions_are_messages() {
    play("a ZMTP 3.0 PUB", SocketType::Sub, |side, wire| {
        wire.say(&greeting(0)).hear(&greeting(1)).say(&ready("PUB", None)).hear(&ready("SUB", None));
        side.attend();
        wire.hear(b"\0\x06\x01topic").say(b"\0\x07topical");
        side.expect(&["topical"]);
    });
    play("a ZMTP 3.0 SUB", SocketType::XPub, |side, wire| {
        wire.say(&greeting(0)).hear(&greeting(1)).say(&ready("SUB", None)).hear(&ready("XPUB", None));
        wire.say(b"\0\x06\x01topic");
        side.expect(&["\x01topic"]);
        side.send(&["topical"]);
        wire.hear(b"\0\x07topical");
    });
}

#[test]
fn zmtp_3_1_subscriptions_are_commands() {
    play("a ZMTP 3.1 PUB", SocketType::Sub, |side, wire| {
        wire.say(&greeting(1)).hear(&greeting(1)).say(&ready("PUB", None)).hear(&ready("SUB", None));
        side.attend();
        wire.hear(b"\x04\x0f\x09SUBSCRIBEtopic").say(b"\0\x07topical");
        side.expect(&["topical"]);
    });
    play("a ZMTP 3.1 SUB", SocketType::XPub, |side, wire| {
        wire.say(&greeting(1)).hear(&greeting(1)).say(&ready("SUB", None)).hear(&ready("XPUB", None));
        wire.say(b"\x04\x0f\x09SUBSCRIBEtopic");
        side.expect(&["\x01topic"]);
        wire.say(b"\x04\x0c\x06CANCELtopic");
        side.expect(&["\0topic"]);
    });
}

#[test]
fn old_peers_are_called_in_every_version() {
    play_called("a ZMTP 1.0 REP that listens", SocketType::Req, |side, wire| {
        wire.say(b"\x01\0").hear(SIGNATURE);
        side.send(&["hello"]);
        wire.hear(b"\x01\x01\x06\0hello").say(b"\x01\x01\x06\0world");
        side.expect(&["world"]);
    });
    play_called("a ZMTP 2.0 REP that listens", SocketType::Req, |side, wire| {
        wire.say(SIGNATURE)
            .say(b"\x01\x04")
            .say(b"\0\0")
            .hear(SIGNATURE)
            .hear(MAJOR)
            .hear(b"\x03")
            .hear(b"\0\0");
        side.send(&["hello"]);
        wire.hear(b"\x01\0\0\x05hello").say(b"\x01\0\0\x05world");
        side.expect(&["world"]);
    });
    for minor in [0, 1] {
        play_called("a ZMTP 3 ROUTER that listens", SocketType::Dealer, |side, wire| {
            wire.say(&greeting(minor)).hear(&greeting(1));
            wire.say(&ready("ROUTER", Some(""))).hear(&ready("DEALER", Some("")));
            side.send(&["a", "b"]);
            wire.hear(b"\x01\x01a\0\x01b").say(b"\0\x01c");
            side.expect(&["c"]);
        });
    }
}

/// Whoever asks for a sign of life gets one with the same context, whether or not this end asks too.
#[test]
fn pings_are_answered() {
    play("a PING", SocketType::Pull, |side, wire| {
        wire.say(&greeting(1)).hear(&greeting(1)).say(&ready("PUSH", None)).hear(&ready("PULL", None));
        wire.say(b"\x04\x0b\x04PING\0\x0aabcd").hear(b"\x04\x09\x04PONGabcd").say(b"\0\x02ok");
        side.expect(&["ok"]);
    });
}

/// Revisions that do not exist are met with the newest that does.
#[test]
fn unknown_revisions_are_spoken_to_in_zmtp_3_1() {
    play("a peer from the future", SocketType::Pull, |side, wire| {
        let mut future = greeting(7);
        future[10] = 9;
        wire.say(&future).hear(&greeting(1)).say(&ready("PUSH", None)).hear(&ready("PULL", None));
        wire.say(b"\0\x02ok");
        side.expect(&["ok"]);
    });
}

/// A greeting that comes byte by byte is the same greeting. The message waits for the side's READY: libzmq 4.3.5 refuses a peer
/// whose greeting, READY and first message come in one read, because its own READY is not sent yet.
#[test]
fn greetings_may_come_in_single_bytes() {
    play("a slow ZMTP 3.1 PUSH", SocketType::Pull, |side, wire| {
        for byte in greeting(1).iter().chain(&ready("PUSH", None)) {
            wire.say(std::slice::from_ref(byte));
        }
        wire.hear(&greeting(1)).hear(&ready("PULL", None)).say(b"\0\x02ok");
        side.expect(&["ok"]);
    });
}
