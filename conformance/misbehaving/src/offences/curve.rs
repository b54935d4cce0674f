//! Offences against CURVE's server, by those who know its public key and by those who do not.

use super::{family, flipped, offence};
use crate::Ending::{Any, Closed, Ignored, Waits};
use crate::Target::Curve;
use crate::curve::{Initiate, Session, be_ready, hello, hello_to, initiate, public_key, welcomed};
use crate::wire::{COMMAND, announced, command, frame, greeting, ping, property, ready};
use crate::{Offence, Peer, SERVER_SECRET};
use std::io;

/// Bytes of the frames of HELLO, INITIATE and a MESSAGE of 40 bytes.
const HELLO_LEN: usize = 2 + 200;
const INITIATE_LEN: usize = 9 + 257 + 22;
const MESSAGE_LEN: usize = 2 + 33 + 40;
/// Bytes of HELLO that nobody looks at, as in libzmq.
const PADDING: usize = 72;

/// Public keys with which everybody shares the same secret.
const LOW_ORDER: [[u8; 4]; 4] =
    [[0, 0, 0, 0], [1, 0, 0, 0], [0xec, 0xff, 0xff, 0x7f], [0xed, 0xff, 0xff, 0x7f]];

fn after_greeting(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    peer.say(&[&greeting("CURVE"), bytes].concat())
}

fn hello_body() -> Vec<u8> {
    hello()[2..].to_vec()
}

fn say_hello(peer: &mut Peer, body: &[u8]) -> io::Result<()> {
    after_greeting(peer, &frame(COMMAND, body))
}

/// Says HELLO, hears WELCOME, then INITIATE with what is wrong about it.
fn initiate_with(peer: &mut Peer, wrong: Initiate<'_>) -> io::Result<()> {
    let (server, cookie) = welcomed(peer)?;
    peer.say(&initiate(server, cookie, wrong))
}

/// Says HELLO, hears WELCOME, then what is made of the right INITIATE.
fn initiate_as(peer: &mut Peer, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> io::Result<()> {
    let (server, cookie) = welcomed(peer)?;
    let right = initiate(server, cookie, Initiate::default());
    peer.say(&change(right))
}

/// Shakes hands, then says this.
fn when_ready(peer: &mut Peer, words: impl FnOnce(&mut Session) -> Vec<u8>) -> io::Result<()> {
    let mut session = be_ready(peer)?;
    let said = peer.say(&words(&mut session));
    peer.session = Some(session);
    said
}

fn hello_with(place: usize, bytes: &[u8]) -> Vec<u8> {
    let mut body = hello_body();
    body[place..place + bytes.len()].copy_from_slice(bytes);
    body
}

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    family(HELLO_LEN, Curve, Closed, "curve-hello-prefix", "stops within HELLO", |peer, member| after_greeting(peer, &hello()[..member])),
    family(HELLO_LEN - PADDING, Curve, Closed, "curve-hello-flip", "changes one byte of HELLO", |peer, member| {
        let place = if member < 10 { member } else { member + PADDING };
        after_greeting(peer, &flipped(&hello(), place))
    }),
    offence(Curve, Closed, "curve-null", "offers NULL where CURVE is demanded", |peer, _| peer.say(&[greeting("NULL"), ready("DEALER")].concat())),
    offence(Curve, Closed, "curve-plain", "offers PLAIN where CURVE is demanded", |peer, _| peer.say(&[greeting("PLAIN"), command("HELLO", b"\x04anna\x06secret")].concat())),
    offence(Curve, Closed, "curve-zmtp1", "comes with ZMTP 1.0, which has no mechanisms", |peer, _| peer.say(b"\x01\0\x06\0hello")),
    offence(Curve, Closed, "curve-zmtp2", "comes with ZMTP 2.0, which has none either", |peer, _| peer.say(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0\0\x05hello")),
    offence(Curve, Closed, "curve-two-servers", "is a server too", |peer, _| {
        let mut greeting = greeting("CURVE");
        greeting[32] = 1;
        peer.say(&greeting)
    }),
    offence(Curve, Closed, "curve-hello-short", "says a HELLO of 199 bytes", |peer, _| say_hello(peer, &hello_body()[..199])),
    offence(Curve, Closed, "curve-hello-long", "says a HELLO of 201 bytes", |peer, _| say_hello(peer, &[&hello_body()[..], b"x"].concat())),
    offence(Curve, Closed, "curve-hello-empty", "says an empty HELLO", |peer, _| say_hello(peer, b"\x05HELLO")),
    offence(Curve, Closed, "curve-hello-version", "says a HELLO of CurveZMQ 2.0", |peer, _| say_hello(peer, &hello_with(6, &[2, 0]))),
    family(4, Curve, Closed, "curve-hello-low-order", "has a connection key of low order", |peer, member| {
        let [first, second, middle, last] = LOW_ORDER[member % 4];
        let mut key = [middle; 32];
        (key[0], key[1], key[31]) = (first, second, last);
        say_hello(peer, &hello_with(80, &key))
    }),
    offence(Curve, Closed, "curve-hello-other-server", "means another server", |peer, _| say_hello(peer, &hello_to(public_key([0x77; 32]), [0x33; 32]))),
    offence(Curve, Closed, "curve-hello-twice", "says HELLO twice", |peer, _| after_greeting(peer, &hello().repeat(2))),
    offence(Curve, Closed, "curve-hello-flood", "says HELLO a thousand times", |peer, _| {
        peer.say(&greeting("CURVE"))?;
        peer.flood(&hello(), 1000)
    }),
    family(100, Curve, Closed, "curve-hello-bad-many", "a hundred peers say a HELLO that does not open", |peer, _| say_hello(peer, &hello_with(150, &[9; 8]))),
    offence(Curve, Closed, "curve-hello-only", "says HELLO and no more", |peer, _| after_greeting(peer, &hello())),
    offence(Curve, Closed, "curve-initiate-first", "begins with INITIATE", |peer, _| {
        after_greeting(peer, &initiate(public_key([0x55; 32]), [0; 96], Initiate::default()))
    }),
    offence(Curve, Closed, "curve-ready-first", "begins with READY", |peer, _| after_greeting(peer, &ready("DEALER"))),
    offence(Curve, Closed, "curve-message-first", "begins with MESSAGE", |peer, _| after_greeting(peer, &frame(0, &[&b"\x07MESSAGE"[..], &[0; 50]].concat()))),
    offence(Curve, Closed, "curve-welcome", "says WELCOME to a server", |peer, _| after_greeting(peer, &command("WELCOME", &[0; 160]))),
    offence(Curve, Closed, "curve-error", "refuses the server", |peer, _| after_greeting(peer, &command("ERROR", b"\x03400"))),
    family(INITIATE_LEN, Curve, Closed, "curve-initiate-prefix", "stops within INITIATE", |peer, member| initiate_as(peer, |right| right[..member.min(right.len() - 1)].to_vec())),
    family(INITIATE_LEN, Curve, Closed, "curve-initiate-flip", "changes one byte of INITIATE", |peer, member| initiate_as(peer, |right| flipped(&right, member))),
    offence(Curve, Closed, "curve-initiate-short", "says an INITIATE too short to hold a vouch", |peer, _| initiate_as(peer, |right| frame(COMMAND, &right[9..200]))),
    offence(Curve, Closed, "curve-initiate-empty", "says an empty INITIATE", |peer, _| initiate_as(peer, |_| command("INITIATE", b""))),
    offence(Curve, Closed, "curve-initiate-2^62", "announces an INITIATE of 2^62 bytes", |peer, _| initiate_as(peer, |_| announced(COMMAND, 1 << 62))),
    offence(Curve, Closed, "curve-initiate-twice", "says INITIATE twice", |peer, _| initiate_as(peer, |right| right.repeat(2))),
    offence(Curve, Closed, "curve-hello-again", "says HELLO in place of INITIATE", |peer, _| initiate_as(peer, |_| hello())),
    offence(Curve, Closed, "curve-cookie-zero", "brings a cookie of zeros", |peer, _| initiate_with(peer, Initiate { cookie: Some([0; 96]), ..Initiate::default() })),
    offence(Curve, Closed, "curve-cookie-made-up", "brings a cookie that nobody gave", |peer, _| initiate_with(peer, Initiate { cookie: Some([0x5a; 96]), ..Initiate::default() })),
    offence(Curve, Closed, "curve-key-of-another", "claims a key whose secret it has not", |peer, _| {
        initiate_with(peer, Initiate { claimed: Some(public_key([0x44; 32])), ..Initiate::default() })
    }),
    offence(Curve, Closed, "curve-key-of-low-order", "claims a key of low order", |peer, _| initiate_with(peer, Initiate { claimed: Some([0; 32]), ..Initiate::default() })),
    offence(Curve, Closed, "curve-vouch-for-another-server", "brings a vouch that was meant for another server", |peer, _| {
        initiate_with(peer, Initiate { meant: Some(public_key([0x77; 32])), ..Initiate::default() })
    }),
    offence(Curve, Closed, "curve-vouch-for-another-client", "brings a vouch for another connection", |peer, _| {
        initiate_with(peer, Initiate { vouched: Some(public_key([0x78; 32])), ..Initiate::default() })
    }),
    offence(Curve, Closed, "curve-properties-cut", "has half a property", |peer, _| initiate_with(peer, Initiate { properties: Some(b"\x0bSocket-Type\0\0\0\xffD"), ..Initiate::default() })),
    offence(Curve, Closed, "curve-properties-many", "has a thousand properties", |peer, _| {
        initiate_with(peer, Initiate { properties: Some(&property("X", b"1").repeat(1000)), ..Initiate::default() })
    }),
    offence(Curve, Closed, "curve-properties-large", "has 100 KiB of properties", |peer, _| {
        initiate_with(peer, Initiate { properties: Some(&property("X", &[b'x'; 100 << 10])), ..Initiate::default() })
    }),
    offence(Curve, Closed, "curve-type-wrong", "is of a type that may not talk with a ROUTER", |peer, _| {
        initiate_with(peer, Initiate { properties: Some(&property("Socket-Type", b"PULL")), ..Initiate::default() })
    }),
    family(MESSAGE_LEN, Curve, Waits, "curve-message-prefix", "stops within MESSAGE", |peer, member| {
        when_ready(peer, |session| session.message(0, &[7; 40])[..member].to_vec())
    }),
    family(MESSAGE_LEN - 2, Curve, Closed, "curve-message-flip", "changes one byte of MESSAGE", |peer, member| {
        when_ready(peer, |session| flipped(&session.message(0, &[7; 40]), member + 2))
    }),
    offence(Curve, Closed, "curve-message-replayed", "sends a MESSAGE twice", |peer, _| when_ready(peer, |session| session.message(0, b"again").repeat(2))),
    offence(Curve, Closed, "curve-message-reordered", "sends the second MESSAGE first", |peer, _| {
        when_ready(peer, |session| [session.message_numbered(9, 0, b"second"), session.message_numbered(8, 0, b"first")].concat())
    }),
    offence(Curve, Closed, "curve-counter-zero", "numbers a MESSAGE 0", |peer, _| when_ready(peer, |session| session.message_numbered(0, 0, b"zero"))),
    offence(Curve, Closed, "curve-counter-of-initiate", "numbers a MESSAGE as its INITIATE", |peer, _| when_ready(peer, |session| session.message_numbered(2, 0, b"two"))),
    offence(Curve, Closed, "curve-counter-wraps", "numbers a MESSAGE 2^64 - 1, and the next one 0", |peer, _| {
        when_ready(peer, |session| [session.message_numbered(u64::MAX, 0, b"last"), session.message_numbered(0, 0, b"first")].concat())
    }),
    offence(Curve, Ignored, "curve-counter-skips", "leaves out a million numbers", |peer, _| when_ready(peer, |session| {
        session.counter += 1_000_000;
        session.message(0, b"far")
    })),
    offence(Curve, Closed, "curve-message-open", "sends a message that is not encrypted", |peer, _| when_ready(peer, |_| frame(0, b"hello"))),
    offence(Curve, Closed, "curve-ping-open", "says a PING that is not encrypted", |peer, _| when_ready(peer, |_| ping(b"open"))),
    offence(Curve, Closed, "curve-message-boxless", "sends a MESSAGE without a box", |peer, _| when_ready(peer, |_| frame(0, b"\x07MESSAGE\0\0\0\0\0\0\0\x09"))),
    offence(Curve, Closed, "curve-message-empty-box", "sends a MESSAGE with nothing in its box", |peer, _| when_ready(peer, |session| session.boxed(9, b""))),
    offence(Curve, Closed, "curve-message-cut", "sends a MESSAGE that ends within its tag", |peer, _| when_ready(peer, |session| frame(0, &session.message(0, b"cut")[2..22]))),
    offence(Curve, Closed, "curve-message-2^63", "announces a MESSAGE of 2^63 bytes", |peer, _| when_ready(peer, |_| announced(0, 1 << 63))),
    offence(Curve, Closed, "curve-message-large", "sends a MESSAGE above the limit", |peer, _| when_ready(peer, |session| session.message(0, &vec![7; (1 << 20) + 1]))),
    offence(Curve, Closed, "curve-command-with-more", "says that more of an encrypted command follows", |peer, _| when_ready(peer, |session| session.message(3, b"\x04PING\0\0"))),
    offence(Curve, Closed, "curve-command-malformed", "says an encrypted command whose name is longer than it", |peer, _| when_ready(peer, |session| session.message(2, b"\xffPING"))),
    offence(Curve, Any, "curve-box-flags", "sets every flag in the box", |peer, _| when_ready(peer, |session| session.message(0xfc, b"flags"))),
    offence(Curve, Closed, "curve-reflected", "sends the server's own MESSAGE back", |peer, _| {
        let mut session = be_ready(peer)?;
        peer.say(&session.ping(b"reflect"))?;
        let (flags, body) = peer.hear()?;
        peer.say(&frame(flags, &body))
    }),
    offence(Curve, Ignored, "curve-ping-flood", "says five thousand encrypted PINGs", |peer, _| when_ready(peer, |session| {
        (0..5000).flat_map(|_| session.ping(b"0123456789abcdef")).collect()
    })),
    offence(Curve, Closed, "curve-multipart-endless", "sends encrypted parts without end", |peer, _| {
        let mut session = be_ready(peer)?;
        for _ in 0..2000 {
            let parts: Vec<u8> = (0..1000).flat_map(|_| session.message(1, b"")).collect();
            peer.say(&parts)?;
        }
        Ok(())
    }),
    offence(Curve, Closed, "curve-other-server-key", "is sure that the server has another key", |peer, _| {
        let other = public_key([SERVER_SECRET[0] ^ 1; 32]);
        say_hello(peer, &hello_to(other, [0x33; 32]))
    }),
];
