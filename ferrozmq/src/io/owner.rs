//! What an I/O thread knows of a socket.
//!
//! Listeners, dialers and connections hold their [`Owner`]; it is gone when the last of them is,
//! and the socket itself. That is what a terminating context waits for ([`Alive`]).

use crate::SocketType;
use crate::error::{Error, Result};
use crate::io::events::EventSink;
use crate::io::lease::Lease;
use crate::pipe::signal::Mailbox;
use crate::pipe::subscriptions::Subscriptions;
use crate::sync::Mutex;
use crate::sys::futex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A socket as its I/O threads see it.
pub(crate) struct Owner {
    pub(crate) kind: SocketType,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) events: Arc<EventSink>,
    pub(crate) subscriptions: Arc<Mutex<Subscriptions>>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) counters: Counters,
    /// Handshakes done and connections not yet ended.
    pub(crate) _alive: AliveTicket,
}

/// Facts counted off the message path.
#[derive(Default)]
pub(crate) struct Counters {
    /// Queued messages dropped because their connection ended.
    pub(crate) dropped_disconnected: AtomicU64,
    /// Handshakes that did not succeed.
    pub(crate) handshake_failures: AtomicU64,
    /// Connections made again after they had been lost.
    pub(crate) reconnects: AtomicU64,
}

impl Owner {
    /// Whether the socket's type receives no messages, whatever peers send.
    pub(crate) fn never_reads(&self) -> bool {
        matches!(self.kind, SocketType::Push | SocketType::Pub)
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// Counts the sockets of a context that still exist, lingering ones included.
#[derive(Default)]
pub(crate) struct Alive {
    /// A word to sleep on, because a condition variable does not tell of signals.
    count: AtomicU32,
}

impl Alive {
    /// A ticket for a new socket, unless there are `limit` already.
    pub(crate) fn ticket(self: &Arc<Self>, limit: usize) -> Option<AliveTicket> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let one_more = |count| (count < limit).then(|| count + 1);
        self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(AliveTicket(Arc::clone(self)))
    }

    /// Waits until no socket is left, or a signal handler has run.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted).
    pub(crate) fn wait_for_none(&self) -> Result<()> {
        loop {
            let count = self.count.load(Ordering::Acquire);
            if count == 0 {
                return Ok(());
            }
            if futex::wait(&self.count, count, None) == futex::Wait::Interrupted {
                return Err(Error::interrupted());
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
