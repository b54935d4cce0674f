//! What other threads have to tell a socket.
//!
//! I/O threads and inproc peers never touch a socket's own state: they leave a [`Signal`] in its
//! [`Mailbox`] and wake it. The thread that next enters the socket reads them, in order, before it
//! does anything else.
//!
//! Invariant: after [`Mailbox::post`] returns, either the socket's next call sees the signal, or a
//! thread asleep in the socket has been woken.
//!
//! An application that makes no calls must not be the reason why peers can fill its memory. So what
//! a peer can cause any number of is bounded: its subscriptions hold back its own input
//! ([`Mailbox::is_flooded`], and the pipe's own share), new peers hold back the listener
//! ([`UNREAD_PEERS_MAX`]), and a peer that came and went again leaves no trace once there are more
//! than [`FORGET_FROM`] signals. Peers that left messages behind hold the listener back, too, once those are too many
//! bytes ([`UNREAD_ENDED_BYTES_MAX`]): a receiver that lags gets no more from new peers than from old ones. Of the other signals there is one per pipe and reading.

use crate::peer::PeerInfo;
use crate::pipe::events_fd::EventsFd;
use crate::pipe::inproc::InprocEnd;
use crate::pipe::ledger::Ledger;
use crate::pipe::wire::WirePipe;
use crate::pipe::wishes::Wishes;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::wake::Waker;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// A note to a socket from another thread.
pub(crate) enum Signal {
    /// A peer finished its handshake: a new pipe. `routing_id` is what the application calls it.
    Attach { pipe: Arc<WirePipe>, routing_id: Option<Bytes>, dialed: bool },
    /// An inproc peer connected: a new pipe, its end for this socket.
    AttachInproc(Box<InprocEnd>),
    /// The address this inproc pipe waited for was bound.
    InprocBound { pipe: u64, routing_id: Bytes },
    /// A handshake on this pipe told who the peer is.
    Identify { pipe: u64, peer: Arc<PeerInfo> },
    /// A connection of this pipe is up: a thread that waits has a new descriptor to wait on.
    Online,
    /// There may be messages to read again.
    Readable(u64),
    /// There may be room to write again.
    Writable(u64),
    /// The peer wants `topic`, which is long or comes from an inproc peer, or wants it no longer.
    Subscription { pipe: u64, topic: Bytes, wanted: bool },
    /// The peer wants these topics, or wants them no longer.
    Subscriptions { pipe: u64, wishes: Wishes },
    /// A connecting pipe lost its peer and keeps its queue.
    Reconnecting(u64),
    /// Nothing can be written any more; the pipe ends when its last message has been read.
    Ended(u64),
}

/// Peers that may wait to be noticed by the socket; its listeners pause then.
pub(crate) const UNREAD_PEERS_MAX: usize = 65_536;
/// Bytes of unread subscriptions, of all peers together; beyond, whoever sends more is not read.
const UNREAD_SUBSCRIPTIONS_MAX: usize = 16 << 20;
/// Bytes of unread messages whose peers are gone, of all together; beyond, the socket's listeners pause.
pub(crate) const UNREAD_ENDED_BYTES_MAX: usize = 256 << 20;
/// With this many signals unread, peers that are gone again are forgotten.
const FORGET_FROM: usize = 1024;
/// What an unread subscription that is told by itself costs beside its topic, in bytes.
const SUBSCRIPTION_COST: usize = 128;

impl Signal {
    /// What the subscriptions in it cost while they wait, in bytes.
    pub(crate) fn subscription_cost(&self) -> usize {
        match self {
            Signal::Subscription { topic, .. } => topic.len() + SUBSCRIPTION_COST,
            Signal::Subscriptions { wishes, .. } => wishes.cost(),
            _ => 0,
        }
    }

    /// The pipe it is about, if it is about one.
    fn pipe(&self) -> Option<u64> {
        match self {
            Signal::Online => None,
            Signal::Attach { pipe, .. } => Some(pipe.id()),
            Signal::AttachInproc(end) => Some(end.id()),
            Signal::InprocBound { pipe, .. }
            | Signal::Identify { pipe, .. }
            | Signal::Readable(pipe)
            | Signal::Writable(pipe)
            | Signal::Subscription { pipe, .. }
            | Signal::Subscriptions { pipe, .. }
            | Signal::Reconnecting(pipe)
            | Signal::Ended(pipe) => Some(*pipe),
        }
    }
}

/// Where a socket's signals wait for it.
pub(crate) struct Mailbox {
    pending: AtomicBool,
    /// What pipes that ended cost until they are read, in bytes.
    ended_bytes: AtomicUsize,
    queue: Mutex<Queue>,
    waker: Waker,
    events_fd: EventsFd,
    ledger: Ledger,
}

#[derive(Default)]
struct Queue {
    signals: VecDeque<Signal>,
    peers: usize,
    subscription_bytes: usize,
    online: bool,
    /// The socket is closed: nobody will read any more.
    closed: bool,
}

impl Queue {
    fn add(&mut self, signal: Signal) {
        match &signal {
            // One says as much as many.
            Signal::Online if std::mem::replace(&mut self.online, true) => return,
            Signal::Attach { .. } => self.peers += 1,
            Signal::Identify { pipe, .. } if self.signals.len() >= FORGET_FROM => self.supersede(*pipe),
            other => self.subscription_bytes += other.subscription_cost(),
        }
        self.signals.push_back(signal);
    }

    fn take(&mut self) -> VecDeque<Signal> {
        self.peers = 0;
        self.online = false;
        self.subscription_bytes = 0;
        std::mem::take(&mut self.signals)
    }

    /// Forgets whom a pipe that connects again and again was connected to before.
    fn supersede(&mut self, pipe: u64) {
        let mut told = false;
        self.signals.retain(|signal| match signal {
            Signal::Identify { pipe: known, .. } => *known != pipe,
            Signal::Reconnecting(known) if *known == pipe => !std::mem::replace(&mut told, true),
            _ => true,
        });
    }

    /// Removes all that is said about `pipe` if it begins with its appearance, into `forgotten`; says whether it did.
    fn forget(&mut self, pipe: u64, forgotten: &mut Vec<Signal>) -> bool {
        let appearance = |signal: &Signal| {
            matches!(signal, Signal::Attach { .. } | Signal::AttachInproc(_)) && signal.pipe() == Some(pipe)
        };
        // The latest are the likeliest.
        let Some(from) = self.signals.iter().rposition(appearance) else { return false };
        let later = self.signals.split_off(from);
        for signal in later {
            if signal.pipe() != Some(pipe) {
                self.signals.push_back(signal);
                continue;
            }
            match &signal {
                Signal::Attach { .. } => self.peers -= 1,
                other => self.subscription_bytes -= other.subscription_cost(),
            }
            forgotten.push(signal);
        }
        true
    }
}

impl Mailbox {
    pub(crate) fn new(ledger: Ledger) -> Mailbox {
        Mailbox {
            pending: AtomicBool::new(false),
            ended_bytes: AtomicUsize::new(0),
            queue: Mutex::default(),
            waker: Waker::new(),
            events_fd: EventsFd::default(),
            ledger,
        }
    }

    /// Leaves a signal and wakes whoever sleeps in the socket.
    pub(crate) fn post(&self, signal: Signal) {
        {
            let mut queue = self.queue.lock();
            if queue.closed {
                // Dropped after the lock: an inproc end has something to say to its peer.
                drop(queue);
                return;
            }
            queue.add(signal);
            // Under the lock: a thread that takes what was there must not have its word taken back.
            self.pending.store(true, Ordering::Release);
        }
        self.waker.wake();
        self.events_fd.raise();
    }

    /// Leaves the signal that `pipe` has ended, with nothing left in it to read. If the socket has not noticed the
    /// peer yet, and has much else to notice, it never will.
    pub(crate) fn post_ended_empty(&self, pipe: u64) {
        self.post_ended(pipe, FORGET_FROM);
    }

    /// Leaves the signal that `pipe` has ended, and what is in it is of no use any more. If the socket has not noticed
    /// it yet, it never will.
    pub(crate) fn post_withdrawn(&self, pipe: u64) {
        self.post_ended(pipe, 0);
    }

    fn post_ended(&self, pipe: u64, forget_from: usize) {
        // Dropped after the lock: an inproc end has something to say to its peer.
        let mut forgotten = Vec::new();
        {
            let mut queue = self.queue.lock();
            if queue.signals.len() >= forget_from && queue.forget(pipe, &mut forgotten) {
                return;
            }
        }
        self.post(Signal::Ended(pipe));
    }

    /// The socket is closed: signals that wait, and later ones, are dropped.
    pub(crate) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let unread = queue.take();
        drop(queue);
        drop(unread);
    }

    /// Whether so many new peers wait to be noticed that no more should be let in.
    pub(crate) fn is_crowded(&self) -> bool {
        self.queue.lock().peers >= UNREAD_PEERS_MAX
            || self.ended_bytes.load(Ordering::Relaxed) > UNREAD_ENDED_BYTES_MAX
    }

    /// A pipe that is over leaves messages behind that cost so many bytes.
    pub(crate) fn charge(&self, bytes: usize) {
        self.ended_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// They are read, or dropped.
    pub(crate) fn refund(&self, bytes: usize) {
        self.ended_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether so many subscriptions wait that who sends more should not be read.
    pub(crate) fn is_flooded(&self) -> bool {
        self.queue.lock().subscription_bytes > UNREAD_SUBSCRIPTIONS_MAX
    }

    /// Whether there are signals to take; a plain load.
    #[inline]
    pub(crate) fn pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// All signals left so far, in order.
    pub(crate) fn take(&self) -> VecDeque<Signal> {
        let mut queue = self.queue.lock();
        self.pending.store(false, Ordering::Release);
        queue.take()
    }

    /// What a loop that is not ours waits on.
    pub(crate) fn events_fd(&self) -> &EventsFd {
        &self.events_fd
    }

    /// Where pipes of the socket enter what they have counted when they end.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What a thread that wants to sleep in the socket waits on.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}
