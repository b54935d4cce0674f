//! What other threads have to tell a socket.
//!
//! I/O threads and inproc peers never touch a socket's own state: they leave a [`Signal`] in its
//! [`Mailbox`] and wake it. The thread that next enters the socket reads them, in order, before it
//! does anything else.
//!
//! Invariant: after [`Mailbox::post`] returns, either the socket's next call sees the signal, or a
//! thread asleep in the socket has been woken.

use crate::peer::PeerInfo;
use crate::pipe::inproc::InprocEnd;
use crate::pipe::wire::WirePipe;
use crate::sync::Mutex;
use crate::wake::Waker;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// The peer wants `topic`, or wants it no longer.
    Subscription { pipe: u64, topic: Bytes, wanted: bool },
    /// A connecting pipe lost its peer and keeps its queue.
    Reconnecting(u64),
    /// Nothing can be written any more; the pipe ends when its last message has been read.
    Ended(u64),
}

/// Where a socket's signals wait for it.
pub(crate) struct Mailbox {
    pending: AtomicBool,
    queue: Mutex<VecDeque<Signal>>,
    waker: Waker,
}

impl Mailbox {
    pub(crate) fn new() -> Mailbox {
        Mailbox { pending: AtomicBool::new(false), queue: Mutex::new(VecDeque::new()), waker: Waker::new() }
    }

    /// Leaves a signal and wakes whoever sleeps in the socket.
    pub(crate) fn post(&self, signal: Signal) {
        self.queue.lock().push_back(signal);
        self.pending.store(true, Ordering::Release);
        self.waker.wake();
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
        std::mem::take(&mut *queue)
    }

    /// What a thread that wants to sleep in the socket waits on.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}
