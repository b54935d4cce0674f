//! Offences in NULL's handshake: READY, what comes in its place, and its properties.

use super::{family, flipped, offence};
use crate::Ending::{Any, Closed, Ignored};
use crate::Target::Null;
use crate::wire::{
    COMMAND, LONG, MORE, announced, command, frame, greeting, ping, property, ready, ready_with,
};
use crate::{Offence, Peer};
use std::io;

/// Bytes of a DEALER's READY.
const READY_LEN: usize = 2 + 6 + 12 + 4 + 6;

/// Greets, then says this.
fn after_greeting(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    peer.say(&[&greeting("NULL"), bytes].concat())
}

/// Shakes hands with these properties beside the type, and hears READY.
fn ready_by(peer: &mut Peer, properties: &[u8]) -> io::Result<()> {
    after_greeting(peer, &ready_with(properties, "DEALER"))
}

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    family(READY_LEN, Null, Closed, "ready-prefix", "stops within READY", |peer, member| {
        after_greeting(peer, &ready("DEALER")[..member])
    }),
    family(READY_LEN, Null, Any, "ready-flip", "changes one byte of READY", |peer, member| {
        after_greeting(peer, &flipped(&ready("DEALER"), member))
    }),
    offence(Null, Ignored, "ready-twice", "says READY when it is ready", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.say(&ready("DEALER"))
    }),
    offence(Null, Closed, "message-before-ready", "sends a message before READY", |peer, _| after_greeting(peer, &frame(0, b"hello"))),
    offence(Null, Closed, "ping-before-ready", "says PING before READY", |peer, _| after_greeting(peer, &ping(b""))),
    offence(Null, Closed, "subscribe-before-ready", "subscribes before READY", |peer, _| after_greeting(peer, &command("SUBSCRIBE", b""))),
    offence(Null, Closed, "error-before-ready", "refuses us", |peer, _| after_greeting(peer, &command("ERROR", b"\x03400"))),
    offence(Null, Closed, "error-malformed", "refuses us with a reason longer than its frame", |peer, _| {
        after_greeting(peer, &command("ERROR", b"\xff400"))
    }),
    offence(Null, Closed, "hello-to-null", "says HELLO where nobody wants one", |peer, _| after_greeting(peer, &command("HELLO", b"\x04anna\x06secret"))),
    offence(Null, Closed, "welcome-to-null", "says WELCOME", |peer, _| after_greeting(peer, &command("WELCOME", b""))),
    offence(Null, Closed, "initiate-to-null", "says INITIATE", |peer, _| after_greeting(peer, &command("INITIATE", b""))),
    offence(Null, Closed, "command-unknown-before-ready", "says a command that nobody knows", |peer, _| after_greeting(peer, &command("GIBBERISH", &[9; 100]))),
    offence(Null, Closed, "command-flood-before-ready", "says a thousand commands before READY", |peer, _| {
        peer.say(&greeting("NULL"))?;
        peer.flood(&command("GIBBERISH", &[9; 200]), 1000)
    }),
    offence(Null, Closed, "ready-as-message", "says READY in a message's frame", |peer, _| {
        after_greeting(peer, &flipped_flags(&ready("DEALER"), COMMAND))
    }),
    offence(Null, Closed, "ready-with-more", "says that more of READY follows", |peer, _| {
        after_greeting(peer, &flipped_flags(&ready("DEALER"), MORE))
    }),
    family(5, Null, Closed, "ready-reserved-flags", "sets each reserved flag on READY", |peer, member| {
        after_greeting(peer, &flipped_flags(&ready("DEALER"), 8 << member))
    }),
    offence(Null, Closed, "ready-empty-frame", "says a command of no bytes", |peer, _| after_greeting(peer, &frame(COMMAND, b""))),
    offence(Null, Closed, "ready-nameless", "says a command whose name is empty", |peer, _| after_greeting(peer, &frame(COMMAND, b"\0rest"))),
    offence(Null, Closed, "ready-name-too-long", "says a command whose name is longer than its frame", |peer, _| after_greeting(peer, &frame(COMMAND, b"\xffREADY"))),
    offence(Null, Any, "ready-without-type", "says READY without a property", |peer, _| after_greeting(peer, &command("READY", b""))),
    family(6, Null, Closed, "type-wrong", "is of a type that may not talk with a ROUTER, or of none", |peer, member| {
        after_greeting(peer, &ready(["PULL", "SUB", "PAIR", "NONSENSE", "", "DEALERDEALER"][member % 6]))
    }),
    offence(Null, Any, "type-twice", "tells two types", |peer, _| ready_by(peer, &property("Socket-Type", b"PULL"))),
    offence(Null, Closed, "property-nameless", "has a property without a name", |peer, _| ready_by(peer, &property("", b"value"))),
    offence(Null, Closed, "property-cut", "has a property that ends before its value", |peer, _| ready_by(peer, b"\x01X\0\0\0\x05four")),
    offence(Null, Closed, "property-2^32", "has a property with a value of 2^32 - 1 bytes", |peer, _| ready_by(peer, b"\x01X\xff\xff\xff\xffvalue")),
    offence(Null, Closed, "property-2^31", "has a property with a value of 2^31 bytes", |peer, _| ready_by(peer, b"\x01X\x80\0\0\0value")),
    offence(Null, Closed, "property-large", "has a property of 33 KiB", |peer, _| ready_by(peer, &property("X-Large", &[b'x'; 33 << 10]))),
    offence(Null, Closed, "properties-many", "has a hundred properties", |peer, _| ready_by(peer, &property("X-Many", b"1").repeat(100))),
    offence(Null, Closed, "properties-empty-many", "has ten thousand properties without a value", |peer, _| ready_by(peer, &property("X", b"").repeat(10_000))),
    offence(Null, Closed, "properties-128KiB", "has 128 KiB of properties", |peer, _| ready_by(peer, &property("X-Large", &[b'x'; 30 << 10]).repeat(4))),
    offence(Null, Any, "property-name-bytes", "has a property whose name is no text", |peer, _| ready_by(peer, b"\x03\xff\0\x80\0\0\0\x01x")),
    offence(Null, Any, "property-ours-to-state", "claims a user id and an address", |peer, _| {
        ready_by(peer, &[property("User-Id", b"root"), property("Peer-Address", b"10.0.0.1"), property("__fd", b"7")].concat())
    }),
    family(4, Null, Closed, "ready-announced", "announces a READY of 2^20, 2^40, 2^62 or 2^63 bytes", |peer, member| {
        after_greeting(peer, &announced(COMMAND, 1 << [20, 40, 62, 63][member % 4]))
    }),
    offence(Null, Closed, "ready-2^64", "announces a READY of 2^64 - 1 bytes", |peer, _| after_greeting(peer, &announced(COMMAND, u64::MAX))),
    offence(Null, Any, "ready-long-form", "says READY in a frame of the long form", |peer, _| {
        let body = &ready("DEALER")[2..];
        after_greeting(peer, &[&[COMMAND | LONG], &(body.len() as u64).to_be_bytes()[..], body].concat())
    }),
    offence(Null, Any, "routing-id-reserved", "asks for a routing id that begins with a zero", |peer, _| ready_by(peer, &property("Identity", b"\0\x11\x22\x33\x44"))),
    offence(Null, Any, "routing-id-256", "asks for a routing id of 256 bytes", |peer, _| ready_by(peer, &property("Identity", &[b'x'; 256]))),
    offence(Null, Any, "routing-id-empty", "asks for an empty routing id", |peer, _| ready_by(peer, &property("Identity", b""))),
    offence(Null, Any, "routing-id-of-another", "asks for the routing id of the good peer", |peer, _| ready_by(peer, &property("Identity", b"good"))),
    family(50, Null, Any, "routing-id-contended", "fifty peers ask for one routing id", |peer, _| ready_by(peer, &property("Identity", b"mine"))),
];

/// A frame with these flags the other way round.
fn flipped_flags(frame: &[u8], flags: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[0] ^= flags;
    frame
}
