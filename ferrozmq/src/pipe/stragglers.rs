//! What a thread left unwritten in other sockets than the one in which it is about to block.
//!
//! A thread that streams leaves its last messages to the next call, or to the I/O thread in a while. If it blocks in another
//! socket meanwhile, for an answer maybe, that while would be part of every round trip. So each thread remembers the pipes it
//! has given to the backstop, and writes them out before it sleeps.
//!
//! Invariant: a pipe is remembered by the thread that put it on the backstop's list, for as long as it is there; so the price
//! is one entry per burst, and nothing per message. At most [`REMEMBERED_MAX`] are; the others have the backstop.

use std::sync::Arc;

/// Where a sender that streams leaves messages.
pub(crate) trait Straggler: Send + Sync {
    /// The backstop: writes what a streaming sender left behind. Says whether to look again.
    fn flush_straggler(&self) -> bool;

    /// Writes what a thread that is about to block elsewhere has left here. Says whether it may leave more without being
    /// noticed: as long as the backstop looks after it.
    #[cfg_attr(
        loom,
        expect(dead_code, reason = "all threads of a model are one to the system: see `remember`")
    )]
    fn flush_left(&self) -> bool;
}

/// Pipes that a thread remembers; one that streams to more peers has enough to do.
#[cfg(not(loom))]
const REMEMBERED_MAX: usize = 64;

#[cfg(not(loom))]
mod memory {
    use super::Straggler;
    use crate::sys::fork;
    use std::cell::RefCell;
    use std::sync::Weak;

    /// Pipes, and the process whose they are: a fork's child must not write to its parent's connections.
    pub(super) type Left = (u64, Vec<Weak<dyn Straggler>>);

    thread_local! {
        static LEFT: RefCell<Left> = const { RefCell::new((0, Vec::new())) };
    }

    /// Hands the list to `act`. Not while the thread ends: then the backstop has to do.
    pub(super) fn with(act: impl FnOnce(&mut Vec<Weak<dyn Straggler>>)) {
        let _ = LEFT.try_with(|left| {
            let Ok(mut left) = left.try_borrow_mut() else { return };
            if left.1.is_empty() || fork::in_child(left.0) {
                *left = (fork::generation(), Vec::new());
            }
            act(&mut left.1);
        });
    }

    pub(super) fn is_empty() -> bool {
        LEFT.try_with(|left| left.try_borrow().is_ok_and(|left| left.1.is_empty())).unwrap_or(true)
    }
}

/// The calling thread has put `pipe` on the backstop's list.
#[cfg(not(loom))]
#[cold]
pub(super) fn remember(pipe: &Arc<dyn Straggler>) {
    memory::with(|left| {
        if left.len() == REMEMBERED_MAX {
            left.retain(|straggler| straggler.strong_count() > 0);
        }
        if left.len() < REMEMBERED_MAX {
            left.push(Arc::downgrade(pipe));
        }
    });
}

/// The calling thread is about to block: writes what it has left behind anywhere.
#[cfg(not(loom))]
#[inline]
pub(crate) fn flush() {
    if !memory::is_empty() {
        flush_all();
    }
}

#[cfg(not(loom))]
#[cold]
fn flush_all() {
    let mut list = Vec::new();
    memory::with(|left| list = std::mem::take(left));
    list.retain(|pipe| pipe.upgrade().is_some_and(|pipe| pipe.flush_left()));
    memory::with(|left| left.append(&mut list));
}

/// All threads of a model are one to the system: they would remember for each other.
#[cfg(loom)]
pub(super) fn remember(_: &Arc<dyn Straggler>) {}

#[cfg(loom)]
pub(crate) fn flush() {}
