//! A peer that puts a great many subscriptions into one message (T7): it costs what was received, and nothing is forgotten.

use crate::peer::{RawPeer, frame};
use ferrozmq::{Context, Message, XPub};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
/// More than one read of commands.
const PARTS: usize = 400_000;

#[test]
fn t7_one_message_of_many_subscriptions_is_read_bit_by_bit() {
    let context = Context::new();
    let publisher = XPub::builder(&context).max_parts(2 * PARTS).build().unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = RawPeer::ready(&endpoint, "XSUB");
    let mut wire = frame(1, b"\x01").repeat(PARTS);
    wire.extend(frame(1, b"mine"));
    wire.extend(frame(0, b"\x01last"));
    wire.extend(frame(0, b"after"));
    let writer = std::thread::spawn(move || {
        peer.write(&wire);
        peer
    });
    // Of equal subscriptions the first is told; then come the parts that are none, as a message of their own.
    for expected in [&b"\x01"[..], b"\x01last", b"mine", b"after"] {
        assert_eq!(publisher.recv_timeout(SOON).unwrap(), Message::from(expected.to_vec()));
    }
    drop(writer.join().unwrap());
    // Each subscription counts, so it takes as many to be rid of the topic: the peer's end does it at once.
    for expected in [&b"\x00"[..], b"\x00last"] {
        assert_eq!(publisher.recv_timeout(SOON).unwrap(), Message::from(expected.to_vec()));
    }
}
