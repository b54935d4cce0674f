//! What an I/O thread knows of a socket.
//!
//! Listeners, dialers and connections hold their [`Owner`]; it is gone when the last of them is,
//! and the socket itself. That is what a terminating context waits for ([`Alive`]).

use crate::SocketType;
use crate::io::events::EventSink;
use crate::io::lease::Lease;
use crate::pipe::signal::Mailbox;
use crate::pipe::subscriptions::Subscriptions;
use crate::sync::Mutex;
use crate::sys::futex::{self, Wait};
use crate::zap::Access;
use bytes::Bytes;
use ferrozmq_proto::option::Options;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A socket as its I/O threads see it.
pub(crate) struct Owner {
    pub(crate) kind: SocketType,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) events: Arc<EventSink>,
    pub(crate) subscriptions: Arc<Mutex<Subscriptions>>,
    pub(crate) lease: Arc<Lease>,
    /// Who decides about peers.
    pub(crate) access: Arc<Access>,
    /// Why the last handshake failed, in words, unless one has succeeded since.
    pub(crate) last_failure: Mutex<Option<String>>,
    /// Connections that listeners have accepted and that have not ended yet.
    pub(crate) accepted: Seats,
    /// Handshakes done and connections not yet ended.
    pub(crate) _alive: AliveTicket,
}

impl Owner {
    /// What each peer is sent first (`ZMQ_HELLO_MSG`), if anything.
    pub(crate) fn hello(&self, options: &Options) -> Option<Bytes> {
        options.hello_msg.clone().filter(|hello| says_hello(self.kind) && !hello.is_empty())
    }

    /// Whether the socket's type receives no messages, whatever peers send.
    pub(crate) fn never_reads(&self) -> bool {
        matches!(self.kind, SocketType::Push | SocketType::Pub)
    }
}

/// Whether sockets of this type have `ZMQ_HELLO_MSG`: the types of request and reply, as with libzmq.
pub(crate) fn says_hello(kind: SocketType) -> bool {
    matches!(kind, SocketType::Dealer | SocketType::Router | SocketType::Req | SocketType::Rep)
}

/// Counts the connections that a socket has accepted.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<AtomicU64>);

impl Seats {
    /// How many are taken.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes one, which is free again when what is returned is dropped.
    pub(crate) fn take(&self) -> Seat {
        self.0.fetch_add(1, Ordering::Relaxed);
        Seat(self.clone())
    }
}

/// What an accepted connection has while it lasts.
pub(crate) struct Seat(Seats);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts the sockets of a context that still exist, lingering ones included.
#[derive(Default)]
pub(crate) struct Alive {
    /// The word that who waits for the last one sleeps on.
    count: AtomicU32,
}

impl Alive {
    /// A ticket for a new socket, unless there are `limit` already.
    pub(crate) fn ticket(self: &Arc<Self>, limit: u32) -> Option<AliveTicket> {
        let more = |count: u32| (count < limit).then_some(count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(AliveTicket(Arc::clone(self)))
    }

    /// Waits until no socket is left; `false` if a signal came first.
    pub(crate) fn wait_for_none(&self) -> bool {
        loop {
            match self.count.load(Ordering::Acquire) {
                0 => return true,
                count if futex::wait(&self.count, count, None) == Wait::Interrupted => return false,
                _ => {}
            }
        }
    }
}

/// Proof that a socket exists.
pub(crate) struct AliveTicket(Arc<Alive>);

impl Drop for AliveTicket {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            futex::wake(&self.0.count, u32::MAX);
        }
    }
}
