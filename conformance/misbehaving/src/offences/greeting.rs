//! Offences in the first 64 bytes, and by those who have not come to speak ZMTP.

use super::{family, flipped, offence};
use crate::Ending::{Any, Closed};
use crate::Offence;
use crate::Target::Null;
use crate::wire::{announced, greeting, greeting_with, ready};

#[rustfmt::skip] // a table reads as a table
pub(super) const OFFENCES: &[Offence] = &[
    offence(Null, Closed, "silence", "connects and says nothing", |_, _| Ok(())),
    offence(Null, Closed, "greeting-http", "asks for a web page", |peer, _| {
        peer.say(b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n")
    }),
    offence(Null, Closed, "greeting-tls", "says TLS's ClientHello", |peer, _| {
        peer.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03ABCDEFGHIJKLMNOPQRSTUVWXYZ012345\x20AAAAAAAA")
    }),
    offence(Null, Closed, "greeting-ssh", "says SSH's banner", |peer, _| peer.say(b"SSH-2.0-OpenSSH_9.2\r\n")),
    offence(Null, Closed, "greeting-zeros", "says zeros", |peer, _| peer.say(&[0; 256])),
    offence(Null, Closed, "greeting-ones", "says ones", |peer, _| peer.say(&[0xff; 256])),
    family(64, Null, Closed, "greeting-prefix", "stops within the greeting", |peer, member| {
        peer.say(&greeting("NULL")[..member])
    }),
    family(64, Null, Any, "greeting-flip", "changes one byte of the greeting", |peer, member| {
        peer.say(&[flipped(&greeting("NULL"), member), ready("DEALER")].concat())
    }),
    family(256, Null, Any, "greeting-version", "claims each major version", |peer, member| {
        peer.say(&[greeting_with(10, member as u8), ready("DEALER")].concat())
    }),
    offence(Null, Closed, "greeting-only", "greets and says no more", |peer, _| peer.say(&greeting("NULL"))),
    offence(Null, Closed, "greeting-twice", "greets twice", |peer, _| peer.say(&greeting("NULL").repeat(2))),
    offence(Null, Closed, "greeting-then-gone", "greets and closes its half", |peer, _| {
        peer.say(&greeting("NULL"))?;
        peer.half_close()
    }),
    offence(Null, Closed, "greeting-bytewise", "greets byte by byte, and stops before the end", |peer, _| {
        for byte in &greeting("NULL")[..60] {
            peer.say(&[*byte])?;
        }
        Ok(())
    }),
    offence(Null, Closed, "mechanism-unknown", "offers a mechanism that nobody knows", |peer, _| peer.say(&greeting("ROT13"))),
    offence(Null, Closed, "mechanism-empty", "offers no mechanism", |peer, _| peer.say(&greeting(""))),
    offence(Null, Closed, "mechanism-unpadded", "fills the mechanism's field", |peer, _| peer.say(&greeting("NULLNULLNULLNULLNULL"))),
    offence(Null, Closed, "mechanism-small-letters", "spells the mechanism wrongly", |peer, _| peer.say(&greeting("null"))),
    offence(Null, Closed, "mechanism-behind-padding", "hides something behind the mechanism's name", |peer, _| {
        peer.say(&greeting("NULL\0\0\0CURVE"))
    }),
    offence(Null, Closed, "mechanism-plain-to-null", "offers PLAIN where NULL is spoken", |peer, _| peer.say(&greeting("PLAIN"))),
    offence(Null, Closed, "mechanism-curve-to-null", "offers CURVE where NULL is spoken", |peer, _| peer.say(&greeting("CURVE"))),
    offence(Null, Closed, "zmtp1-endless", "is of ZMTP 1.0 with a routing id of 2^63 bytes", |peer, _| {
        peer.say(b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0")
    }),
    offence(Null, Closed, "zmtp1-empty-frame", "is of ZMTP 1.0 with a frame without flags", |peer, _| peer.say(b"\x00\x00\x00\x00")),
    offence(Null, Closed, "zmtp1-prefix", "is of ZMTP 1.0 and stops within its routing id", |peer, _| peer.say(b"\x0a\0abc")),
    offence(Null, Any, "zmtp2-type-unknown", "is of ZMTP 2.0 with socket type 99", |peer, _| {
        peer.say(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x63\0\0")
    }),
    offence(Null, Any, "zmtp2-type-wrong", "is of ZMTP 2.0 and a PULL that wants a ROUTER", |peer, _| {
        peer.say(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0")
    }),
    offence(Null, Closed, "zmtp2-routing-id-endless", "is of ZMTP 2.0 with a routing id of 2^62 bytes", |peer, _| {
        peer.say(&[&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05"[..], &announced(0, 1 << 62), &[b'x'; 500]].concat())
    }),
    offence(Null, Closed, "zmtp2-only-greeting", "is of ZMTP 2.0 and never tells its routing id", |peer, _| {
        peer.say(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05")
    }),
];
