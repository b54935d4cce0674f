//! Offences of subscribers.

use super::{family, offence};
use crate::Ending::{Any, Closed, Ignored, Waits};
use crate::Target::Publisher;
use crate::wire::{COMMAND, MORE, announced, command, frame, ready};
use crate::{Offence, Peer};
use std::io;

/// Shakes hands, then says this.
fn when_ready(peer: &mut Peer, bytes: &[u8]) -> io::Result<()> {
    peer.be_ready("SUB")?;
    peer.say(bytes)
}

/// Subscribes to topics of a hundred bytes.
fn subscribe_to(peer: &mut Peer, count: u32) -> io::Result<()> {
    peer.be_ready("SUB")?;
    let topics =
        |from: u32| (from..from + 100).flat_map(|n| command("SUBSCRIBE", &topic(n))).collect::<Vec<u8>>();
    (0..count).step_by(100).try_for_each(|from| peer.say(&topics(from)))
}

fn topic(number: u32) -> Vec<u8> {
    let mut topic = number.wrapping_mul(0x9e37_79b1).to_be_bytes().repeat(25);
    topic[0] |= 0x80;
    topic
}

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    offence(Publisher, Any, "subscribe-flood", "subscribes to twenty thousand topics of a hundred bytes", |peer, _| subscribe_to(peer, 20_000)),
    offence(Publisher, Any, "subscribe-short-flood", "subscribes to twenty thousand topics of four bytes", |peer, _| {
        peer.be_ready("SUB")?;
        let topics = (0..20_000_u32).flat_map(|n| command("SUBSCRIBE", &topic(n)[..4]));
        peer.say(&topics.collect::<Vec<u8>>())
    }),
    offence(Publisher, Ignored, "subscribe-same-flood", "subscribes to one topic twenty thousand times", |peer, _| {
        peer.be_ready("SUB")?;
        peer.flood(&command("SUBSCRIBE", b"no such topic"), 20_000)
    }),
    offence(Publisher, Any, "subscribe-nested", "subscribes to two thousand topics, each the next one's beginning", |peer, _| {
        peer.be_ready("SUB")?;
        let long = [b'n'; 2000];
        (1..long.len()).try_for_each(|length| peer.say(&command("SUBSCRIBE", &long[..length])))
    }),
    offence(Publisher, Any, "subscribe-long", "subscribes to a topic of a megabyte", |peer, _| {
        peer.be_ready("SUB")?;
        peer.say(&announced(COMMAND, 10 + (1 << 20) - 20))?;
        peer.say(b"\x09SUBSCRIBE")?;
        peer.flood(&[b't'; 1 << 10], 1024)
    }),
    offence(Publisher, Closed, "subscribe-2^62", "announces a topic of 2^62 bytes", |peer, _| {
        when_ready(peer, &[&announced(COMMAND, 1 << 62)[..], b"\x09SUBSCRIBEtopic"].concat())
    }),
    offence(Publisher, Ignored, "cancel-unknown", "cancels what it never subscribed to", |peer, _| when_ready(peer, &command("CANCEL", b"never"))),
    offence(Publisher, Ignored, "cancel-flood", "cancels it twenty thousand times", |peer, _| {
        peer.be_ready("SUB")?;
        peer.flood(&command("CANCEL", b"never"), 20_000)
    }),
    offence(Publisher, Ignored, "subscribe-and-cancel", "changes its mind twenty thousand times", |peer, _| {
        peer.be_ready("SUB")?;
        peer.flood(&[command("SUBSCRIBE", b"mind"), command("CANCEL", b"mind")].concat(), 20_000)
    }),
    offence(Publisher, Closed, "subscribe-with-more", "says that more of a subscription follows", |peer, _| when_ready(peer, &frame(COMMAND | MORE, b"\x09SUBSCRIBEtopic"))),
    offence(Publisher, Ignored, "subscribe-by-message", "subscribes by messages, as of old", |peer, _| when_ready(peer, &frame(0, b"\x01no topic").repeat(1000))),
    offence(Publisher, Ignored, "message-to-publisher", "sends messages that are no subscriptions", |peer, _| when_ready(peer, &frame(0, b"hello there").repeat(1000))),
    offence(Publisher, Ignored, "multipart-to-publisher", "sends multipart messages that are none", |peer, _| {
        when_ready(peer, &[frame(MORE, b"\x07one"), frame(MORE, b""), frame(0, b"\x01three")].concat().repeat(100))
    }),
    offence(Publisher, Waits, "subscriber-deaf", "subscribes to everything and never reads", |peer, _| {
        when_ready(peer, &command("SUBSCRIBE", b""))
    }),
    offence(Publisher, Closed, "subscriber-endless-part", "sends a publisher parts without end", |peer, _| {
        peer.be_ready("SUB")?;
        peer.flood(&frame(MORE, b"\x01"), 4_000_000)
    }),
    family(3, Publisher, Closed, "subscriber-type-wrong", "is no subscriber", |peer, member| {
        peer.say(&[crate::wire::greeting("NULL"), ready(["PUB", "DEALER", "PULL"][member % 3])].concat())
    }),
];
