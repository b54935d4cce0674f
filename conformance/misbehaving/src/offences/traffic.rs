//! Offences of a peer that is ready: frames, commands, floods, and messages that never end.

use super::{family, offence};
use crate::Ending::{Closed, Ignored, Waits};
use crate::Target::Null;
use crate::wire::{COMMAND, LONG, MORE, announced, command, frame, ping};
use crate::{Offence, Peer};
use std::io;

/// Shakes hands, then says this.
fn when_ready(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    peer.be_ready("DEALER")?;
    peer.say(bytes)
}

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    family(44, Null, Closed, "frame-announced", "announces frames of 2^21 to 2^64 - 1 bytes", |peer, member| {
        when_ready(peer, &announced(0, u64::MAX >> (43 - member.min(43))))
    }),
    offence(Null, Closed, "frame-above-limit", "sends a frame a byte above the limit", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.say(&announced(0, (1 << 20) + 1))?;
        peer.flood(&[b'x'; 1024], 1024)
    }),
    family(5, Null, Closed, "frame-reserved-flags", "sets each reserved flag", |peer, member| when_ready(peer, &frame(8 << member, b"x"))),
    offence(Null, Ignored, "frame-long-form", "sends a short body in a frame of the long form", |peer, _| when_ready(peer, &[&announced(0, 5)[..], b"short"].concat())),
    offence(Null, Waits, "frame-half", "sends half a frame", |peer, _| when_ready(peer, &frame(0, &[b'x'; 20_000])[..10_000])),
    offence(Null, Waits, "frame-header-half", "sends half a header", |peer, _| when_ready(peer, &[LONG, 0, 0, 0])),
    offence(Null, Closed, "frame-half-then-gone", "sends half a frame and closes its half", |peer, _| {
        when_ready(peer, &frame(0, &[b'x'; 20_000])[..10_000])?;
        peer.half_close()
    }),
    offence(Null, Closed, "command-with-more", "says that more of a command follows", |peer, _| when_ready(peer, &frame(COMMAND | MORE, b"\x04PING\0\0"))),
    offence(Null, Closed, "command-empty", "says a command of no bytes", |peer, _| when_ready(peer, &frame(COMMAND, b""))),
    offence(Null, Closed, "command-name-too-long", "says a command whose name is longer than its frame", |peer, _| when_ready(peer, &frame(COMMAND, b"\xffshort"))),
    offence(Null, Closed, "command-2^63", "announces a command of 2^63 bytes", |peer, _| when_ready(peer, &announced(COMMAND, 1 << 63))),
    offence(Null, Closed, "command-2MiB", "says a command of two megabytes", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.say(&announced(COMMAND, 2 << 20))?;
        peer.flood(b"\x09GIBBERISH and more of it", 1 << 17)
    }),
    offence(Null, Closed, "ping-short", "says a PING without its time", |peer, _| when_ready(peer, &command("PING", b""))),
    offence(Null, Closed, "ping-one-byte", "says a PING with half its time", |peer, _| when_ready(peer, &command("PING", b"\0"))),
    offence(Null, Ignored, "ping-context-long", "says a PING with a context of 200 bytes", |peer, _| when_ready(peer, &ping(&[b'c'; 200]))),
    offence(Null, Ignored, "ping-flood", "says ten thousand PINGs", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&ping(b"0123456789abcdef"), 10_000)
    }),
    offence(Null, Waits, "ping-flood-unread", "says a million PINGs and reads no answer", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&ping(b"0123456789abcdef"), 1_000_000)
    }),
    offence(Null, Ignored, "pong-unasked", "answers what nobody has asked", |peer, _| when_ready(peer, &command("PONG", b"context"))),
    offence(Null, Ignored, "pong-flood", "answers it ten thousand times", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&command("PONG", b"context"), 10_000)
    }),
    offence(Null, Closed, "error-when-ready", "reports an error when all is well", |peer, _| when_ready(peer, &command("ERROR", b"\x03400"))),
    offence(Null, Ignored, "command-unknown", "says a command that nobody knows", |peer, _| when_ready(peer, &command("GIBBERISH", &[0xff; 200]))),
    offence(Null, Ignored, "command-flood", "says it twenty thousand times", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&command("GIBBERISH", &[0xff; 200]), 20_000)
    }),
    offence(Null, Ignored, "subscribe-to-router", "subscribes to a ROUTER", |peer, _| when_ready(peer, &command("SUBSCRIBE", b"topic"))),
    offence(Null, Ignored, "cancel-to-router", "cancels it", |peer, _| when_ready(peer, &command("CANCEL", b"topic"))),
    offence(Null, Ignored, "subscribe-flood-to-router", "subscribes ten thousand times", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&command("SUBSCRIBE", b"topic"), 10_000)
    }),
    offence(Null, Ignored, "join-to-router", "joins a group of a ROUTER", |peer, _| when_ready(peer, &[command("JOIN", b"group"), command("LEAVE", b"group")].concat())),
    offence(Null, Ignored, "handshake-when-ready", "shakes hands of every mechanism once more", |peer, _| {
        when_ready(peer, &["HELLO", "WELCOME", "INITIATE"].map(|name| command(name, b"")).concat())
    }),
    offence(Null, Closed, "greeting-when-ready", "greets once more", |peer, _| when_ready(peer, &crate::wire::greeting("NULL"))),
    offence(Null, Waits, "multipart-unfinished", "leaves a message unfinished", |peer, _| when_ready(peer, &frame(MORE, b"part").repeat(100))),
    offence(Null, Closed, "multipart-unfinished-then-gone", "leaves a message unfinished and closes its half", |peer, _| {
        when_ready(peer, &frame(MORE, b"part").repeat(100))?;
        peer.half_close()
    }),
    offence(Null, Closed, "multipart-endless", "sends empty parts without end", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&frame(MORE, b""), 4_000_000)
    }),
    offence(Null, Ignored, "command-within-message", "says PING between two parts", |peer, _| {
        when_ready(peer, &[frame(MORE, b"one"), ping(b"between"), frame(0, b"two")].concat())
    }),
    offence(Null, Ignored, "messages-empty", "sends ten thousand empty messages", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&frame(0, b""), 10_000)
    }),
    offence(Null, Waits, "messages-unread", "sends messages and never reads what comes back", |peer, _| {
        peer.be_ready("DEALER")?;
        peer.flood(&frame(0, &[b'x'; 1000]), 20_000)
    }),
];
