//! Refusals in words: which socket refused what, and what would help.
//!
//! Having to wait is no surprise, and is told from texts that exist already: it allocates nothing.

use crate::error::{Error, ErrorKind, Facts};
use crate::{Frame, SocketType};
use ferrozmq_proto::pattern::Refusal;

/// Texts for one type each, in the order of libzmq's numbers.
macro_rules! waiting {
    ($name:ident: $($kind:ident $text:literal;)*) => {
        static $name: [Facts; SocketType::ALL.len()] = [$(
            Facts::expected(ErrorKind::WouldBlock, $text)
        ),*];

        const _: () = {
            let kinds = [$(SocketType::$kind as usize),*];
            let mut place = 0;
            while place < kinds.len() {
                assert!(kinds[place] == place, "the texts are in the order of the numbers");
                place += 1;
            }
        };
    };
}

waiting! { SENDING:
    Pair "the PAIR has no peer, or its queue is full (sndhwm): wait_for_peers, or send with a longer time-out";
    Pub "a subscriber of the PUB has a full queue (sndhwm), and xpub_nodrop forbids to drop: it reads too slowly";
    Sub "a SUB does not send";
    Req "the REQ has no peer with room: wait_for_peers, or send with a longer time-out";
    Rep "the REP cannot reply now";
    Dealer "the DEALER has no peer with room: none is connected, or all queues are full (sndhwm); wait_for_peers, or send with a longer time-out";
    Router "the queue of the peer that the message to the ROUTER names is full (sndhwm): it reads too slowly";
    Pull "a PULL does not send";
    Push "the PUSH has no peer with room: none is connected, or all queues are full (sndhwm); wait_for_peers, or send with a longer time-out";
    XPub "a subscriber of the XPUB has a full queue (sndhwm), and xpub_nodrop forbids to drop: it reads too slowly";
    XSub "a publisher of the XSUB has a full queue (sndhwm)";
    Stream "the queue of the connection that the message to the STREAM names is full (sndhwm): it reads too slowly";
}

waiting! { RECEIVING:
    Pair "no message has come to the PAIR";
    Pub "a PUB does not receive";
    Sub "no message has come to the SUB that begins with what it subscribed to: without subscribe, none will";
    Req "no reply has come to the REQ: with req_relaxed and req_correlate it may ask again";
    Rep "no request has come to the REP";
    Dealer "no message has come to the DEALER";
    Router "no message has come to the ROUTER";
    Pull "no message has come to the PULL";
    Push "a PUSH does not receive";
    XPub "no subscription has come to the XPUB";
    XSub "no message has come to the XSUB that begins with what it subscribed to: without a subscription sent, none will";
    Stream "no bytes have come to the STREAM";
}

/// Why a socket of this type did not send a message that begins with `first`.
#[cold]
pub(super) fn sending(kind: SocketType, refusal: Refusal, first: Option<&Frame>) -> Error {
    match refusal {
        Refusal::WouldBlock => Error::expected(&SENDING[kind as usize]),
        Refusal::NotSupported => {
            Error::new(ErrorKind::NotSupported, format!("a {kind} socket does not send"))
        }
        Refusal::Unroutable => {
            /// More of a routing id is not worth repeating.
            const SHOWN: usize = 32;
            let id = first.map_or(&b""[..], |first| &first[..first.len().min(SHOWN)]);
            let text = format!(
                "the {kind} has no connected peer with the routing id \"{}\", the message's first part; peers() lists those that are there",
                id.escape_ascii()
            );
            Error::new(ErrorKind::Unroutable, text)
        }
        Refusal::WrongState(_) | Refusal::Invalid(_) => Error::from_refusal(refusal),
    }
}

/// Why a socket of this type received nothing.
#[cold]
pub(super) fn receiving(kind: SocketType, refusal: Refusal) -> Error {
    match refusal {
        Refusal::WouldBlock => Error::expected(&RECEIVING[kind as usize]),
        Refusal::NotSupported => {
            Error::new(ErrorKind::NotSupported, format!("a {kind} socket does not receive"))
        }
        _ => Error::from_refusal(refusal),
    }
}

/// Why a call that waited ends: its time is over.
#[cold]
pub(super) fn waited(kind: SocketType, for_input: bool) -> Error {
    let texts = if for_input { &RECEIVING } else { &SENDING };
    Error::expected(&texts[kind as usize])
}
