//! The books of sockets: every message that began, and how it ended.
//!
//! What lives counts for itself, where the message passes, in plain numbers under the lock that is held anyway. Here is kept
//! what pipes and sockets had counted when they ended: a [`Ledger`] for each socket, [`Books`] for each context. Invariant:
//! what is entered in a ledger is entered in its context's books in the same step, and nothing is entered twice.

use crate::pipe::wire::WirePipe;
use crate::sync::Mutex;
use ferrozmq_proto::loss::{Discarded, Discards, Dropped, Drops};
use std::ops::AddAssign;
use std::sync::{Arc, Weak};

/// What a socket has counted, and holds: the fate of every message.
///
/// While nothing moves, two sums hold to the message:
///
/// ```text
/// sent    + added   = commands + left     + queued_out + dropped.total()      (way out)
/// arrived + noticed = consumed + received + queued_in  + discarded.total()    (way in)
/// ```
///
/// and what has `left` one socket has `arrived` at others, but for at most `in_doubt`. So: what send calls accepted is
/// received by a peer, dropped or discarded for a reason, still queued, or in doubt. Read while messages move, the numbers
/// may be a few messages apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketStats {
    /// Messages that send calls accepted.
    pub sent: u64,
    /// Messages that went out besides: further copies for further peers of a publisher, and greetings (`ZMQ_HELLO_MSG`,
    /// `ZMQ_PROBE_ROUTER`, `ZMQ_XPUB_WELCOME_MSG`).
    pub added: u64,
    /// Accepted messages that went out as something else: subscriptions of an XSUB, requests to close a raw connection.
    pub commands: u64,
    /// Messages whose last byte is with the kernel, or over inproc with the peer.
    pub left: u64,
    /// Bytes given to the kernel, headers and commands included; over inproc bytes of bodies, given to the peer.
    pub left_bytes: u64,
    /// Of those that have left, how many may not have reached their peer, at most: their connection was lost, and no answer
    /// to a heartbeat that was sent after them had come. Without heartbeats, all that went over that connection.
    pub in_doubt: u64,
    /// Messages waiting to be sent. Over inproc what is sent waits with the peer, unless nobody has bound the name.
    pub queued_out: usize,
    /// The same in bytes on the wire, as far as no thread is writing them just now; over inproc bytes of bodies.
    pub queued_out_bytes: usize,
    /// Accepted messages that were dropped before they left.
    pub dropped: Drops,
    /// Messages that receive calls returned, if only in part.
    pub received: u64,
    /// Messages for the application that no peer had sent: subscriptions (XPUB), notices about peers.
    pub noticed: u64,
    /// Messages that arrived and were something else: subscriptions.
    pub consumed: u64,
    /// Messages that have arrived wholly.
    pub arrived: u64,
    /// Bytes read from connections, headers and commands included; over inproc bytes of bodies.
    pub arrived_bytes: u64,
    /// Messages that arrived and wait to be received.
    pub queued_in: usize,
    /// The same in bytes on the wire; over inproc bytes of bodies.
    pub queued_in_bytes: usize,
    /// Messages that had arrived and were discarded before they were received.
    pub discarded: Discards,
    /// Peers whose handshake is done.
    pub peers: usize,
    /// Connections made again after they had been lost.
    pub reconnects: u64,
    /// Handshakes that did not succeed.
    pub handshake_failures: u64,
    /// Connections that this socket ended because of what the peer wanted: a routing id in use, a second peer of a
    /// PAIR, more subscriptions than one peer may have. The monitor tells which.
    pub peers_refused: u64,
}

impl SocketStats {
    /// Messages on their way out that the books cannot explain; 0 unless messages move just now.
    #[must_use]
    pub fn missing_out(&self) -> i64 {
        let begun = self.sent + self.added;
        let ended = self.commands + self.left + self.queued_out as u64 + self.dropped.total();
        begun.wrapping_sub(ended) as i64
    }

    /// Messages on their way in that the books cannot explain; 0 unless messages move just now.
    #[must_use]
    pub fn missing_in(&self) -> i64 {
        let begun = self.arrived + self.noticed;
        let ended = self.consumed + self.received + self.queued_in as u64 + self.discarded.total();
        begun.wrapping_sub(ended) as i64
    }
}

impl SocketStats {
    /// The same once nobody will send or receive what is queued.
    pub(crate) fn settled(mut self) -> SocketStats {
        self.dropped.note(Dropped::Linger, std::mem::take(&mut self.queued_out) as u64);
        self.discarded.note(Discarded::Closed, std::mem::take(&mut self.queued_in) as u64);
        (self.queued_out_bytes, self.queued_in_bytes) = (0, 0);
        self
    }
}

impl AddAssign<&SocketStats> for SocketStats {
    fn add_assign(&mut self, other: &SocketStats) {
        self.sent += other.sent;
        self.added += other.added;
        self.commands += other.commands;
        self.left += other.left;
        self.left_bytes += other.left_bytes;
        self.in_doubt += other.in_doubt;
        self.queued_out += other.queued_out;
        self.queued_out_bytes += other.queued_out_bytes;
        self.dropped += other.dropped;
        self.received += other.received;
        self.noticed += other.noticed;
        self.consumed += other.consumed;
        self.arrived += other.arrived;
        self.arrived_bytes += other.arrived_bytes;
        self.queued_in += other.queued_in;
        self.queued_in_bytes += other.queued_in_bytes;
        self.discarded += other.discarded;
        self.peers += other.peers;
        self.reconnects += other.reconnects;
        self.handshake_failures += other.handshake_failures;
        self.peers_refused += other.peers_refused;
    }
}

/// What has ended in one context, and what lingers in it.
#[derive(Default)]
pub(crate) struct Books {
    past: Mutex<SocketStats>,
    lingering: Mutex<Vec<Weak<WirePipe>>>,
}

impl Books {
    /// What pipes and sockets that are gone had counted, and what those hold and have counted that linger.
    pub(crate) fn past(&self) -> SocketStats {
        let lingering: Vec<_> = {
            let mut lingering = self.lingering.lock();
            lingering.retain(|pipe| pipe.strong_count() > 0);
            lingering.iter().filter_map(Weak::upgrade).collect()
        };
        let mut all = self.past.lock().clone();
        // Held until here: none of them has entered itself in the meantime.
        lingering.iter().for_each(|pipe| all += &pipe.books());
        all
    }
}

/// What has ended in one socket.
#[derive(Default)]
pub(crate) struct Ledger {
    past: Mutex<SocketStats>,
    context: Arc<Books>,
}

impl Ledger {
    pub(crate) fn new(context: Arc<Books>) -> Ledger {
        Ledger { past: Mutex::default(), context }
    }

    /// Enters what has ended.
    pub(crate) fn enter(&self, ended: &SocketStats) {
        *self.past.lock() += ended;
        *self.context.past.lock() += ended;
    }

    /// A handshake has failed.
    pub(crate) fn handshake_failed(&self) {
        self.enter(&SocketStats { handshake_failures: 1, ..SocketStats::default() });
    }

    /// A connection was made again.
    pub(crate) fn reconnected(&self) {
        self.enter(&SocketStats { reconnects: 1, ..SocketStats::default() });
    }

    /// The socket is closed, and these pipes go on without it.
    pub(crate) fn leave_lingering(&self, pipes: impl IntoIterator<Item = Weak<WirePipe>>) {
        self.context.lingering.lock().extend(pipes);
    }

    pub(crate) fn past(&self) -> SocketStats {
        self.past.lock().clone()
    }
}
