//! Offences against PLAIN's server.

use super::{family, flipped, offence};
use crate::Ending::{Any, Closed};
use crate::Target::Plain;
use crate::wire::{command, frame, greeting, ping, property, ready};
use crate::{Offence, Peer};
use std::io;

/// The user whom the victim lets in.
pub const USERNAME: &str = "anna";
/// Her password.
pub const PASSWORD: &str = "secret";

/// Bytes of her HELLO.
const HELLO_LEN: usize = 2 + 6 + 5 + 7;

fn hello() -> Vec<u8> {
    hello_of(USERNAME.as_bytes(), PASSWORD.as_bytes())
}

fn hello_of(username: &[u8], password: &[u8]) -> Vec<u8> {
    command("HELLO", &[&[username.len() as u8], username, &[password.len() as u8], password].concat())
}

fn after_greeting(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    peer.say(&[&greeting("PLAIN"), bytes].concat())
}

/// Says HELLO, hears WELCOME, then says this.
fn when_welcome(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    after_greeting(peer, &hello())?;
    peer.hear_greeting()?;
    peer.hear()?;
    peer.say(bytes)
}

fn as_server() -> Vec<u8> {
    let mut greeting = greeting("PLAIN");
    greeting[32] = 1;
    greeting
}

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    family(HELLO_LEN, Plain, Closed, "plain-hello-prefix", "stops within HELLO", |peer, member| after_greeting(peer, &hello()[..member])),
    family(HELLO_LEN, Plain, Closed, "plain-hello-flip", "changes one byte of HELLO", |peer, member| after_greeting(peer, &flipped(&hello(), member))),
    offence(Plain, Closed, "plain-null", "offers NULL where PLAIN is demanded", |peer, _| peer.say(&[greeting("NULL"), ready("DEALER")].concat())),
    offence(Plain, Closed, "plain-curve", "offers CURVE where PLAIN is demanded", |peer, _| peer.say(&greeting("CURVE"))),
    offence(Plain, Closed, "plain-zmtp1", "comes with ZMTP 1.0, which has no mechanisms", |peer, _| peer.say(b"\x01\0\x06\0hello")),
    offence(Plain, Closed, "plain-zmtp2", "comes with ZMTP 2.0, which has none either", |peer, _| peer.say(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\0\0\x05hello")),
    offence(Plain, Closed, "plain-two-servers", "is a server too", |peer, _| peer.say(&as_server())),
    offence(Plain, Closed, "plain-hello-empty", "says an empty HELLO", |peer, _| after_greeting(peer, &command("HELLO", b""))),
    offence(Plain, Closed, "plain-username-cut", "has a user name longer than its frame", |peer, _| after_greeting(peer, &command("HELLO", b"\xffanna"))),
    offence(Plain, Closed, "plain-password-cut", "has a password longer than its frame", |peer, _| after_greeting(peer, &command("HELLO", b"\x04anna\xffsecret"))),
    offence(Plain, Closed, "plain-hello-trailing", "says more than HELLO holds", |peer, _| after_greeting(peer, &command("HELLO", b"\x04anna\x06secretsecret"))),
    offence(Plain, Closed, "plain-password-wrong", "has a wrong password", |peer, _| after_greeting(peer, &hello_of(b"anna", b"guess"))),
    offence(Plain, Closed, "plain-nobody", "has neither name nor password", |peer, _| after_greeting(peer, &hello_of(b"", b""))),
    offence(Plain, Closed, "plain-name-255", "has a name and a password of 255 bytes", |peer, _| after_greeting(peer, &hello_of(&[b'x'; 255], &[0xff; 255]))),
    offence(Plain, Closed, "plain-name-nul", "has a NUL in its name", |peer, _| after_greeting(peer, &hello_of(b"anna\0", b"secret"))),
    offence(Plain, Closed, "plain-hello-twice", "says HELLO twice", |peer, _| after_greeting(peer, &hello().repeat(2))),
    offence(Plain, Closed, "plain-hello-flood", "says HELLO a thousand times", |peer, _| {
        peer.say(&greeting("PLAIN"))?;
        peer.flood(&hello(), 1000)
    }),
    offence(Plain, Closed, "plain-hello-again", "says HELLO in place of INITIATE", |peer, _| when_welcome(peer, &hello())),
    offence(Plain, Closed, "plain-initiate-first", "begins with INITIATE", |peer, _| after_greeting(peer, &command("INITIATE", &property("Socket-Type", b"DEALER")))),
    offence(Plain, Closed, "plain-ready-first", "begins with READY", |peer, _| after_greeting(peer, &ready("DEALER"))),
    offence(Plain, Closed, "plain-welcome", "says WELCOME to a server", |peer, _| after_greeting(peer, &command("WELCOME", b""))),
    offence(Plain, Closed, "plain-error", "refuses the server", |peer, _| after_greeting(peer, &command("ERROR", b"\x03400"))),
    offence(Plain, Closed, "plain-message-first", "sends a message first", |peer, _| after_greeting(peer, &frame(0, b"let me in"))),
    offence(Plain, Closed, "plain-ping-first", "says PING first", |peer, _| after_greeting(peer, &ping(b""))),
    offence(Plain, Closed, "plain-no-initiate", "never says INITIATE", |peer, _| when_welcome(peer, b"")),
    offence(Plain, Any, "plain-initiate-empty", "says INITIATE without a property", |peer, _| when_welcome(peer, &command("INITIATE", b""))),
    offence(Plain, Closed, "plain-initiate-cut", "says INITIATE with half a property", |peer, _| when_welcome(peer, &command("INITIATE", b"\x0bSocket-Type\0\0\0\xffDEALER"))),
    offence(Plain, Closed, "plain-type-wrong", "is of a type that may not talk with a ROUTER", |peer, _| when_welcome(peer, &command("INITIATE", &property("Socket-Type", b"PULL")))),
    offence(Plain, Closed, "plain-message-early", "sends a message in place of INITIATE", |peer, _| when_welcome(peer, &frame(0, b"let me in"))),
];
