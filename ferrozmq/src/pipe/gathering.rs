//! What is queued in a pipe and left to be written later: by its sender's next call, or by the backstop.
//!
//! The half of [`WirePipe`] that senders use which come back at once; when those do and when not is for [`pace`](super::pace) to say.

use crate::pipe::arena::Arena;
use crate::pipe::lock;
#[cfg(all(test, not(loom)))]
use crate::pipe::pace::Beat;
use crate::pipe::stragglers::{self, Straggler};
use crate::pipe::tx::Tx;
use crate::pipe::wire::WirePipe;
use crate::sys::clock;
use ferrozmq_proto::loss::Dropped;
use std::sync::Arc;
#[cfg(all(test, not(loom)))]
use std::time::Duration;

impl WirePipe {
    /// Queues a message of one part, a copy of `body`, if that is all there is to do: the sender streams, and somebody will
    /// write. Else does nothing.
    #[inline(always)]
    pub(crate) fn append(&self, body: &[u8]) -> bool {
        let mut tx = self.tx.lock();
        let takes = tx.may_append(body.len());
        if takes {
            tx.append(body);
            lock::open(tx);
        }
        takes
    }

    /// How many messages may be queued for it in a [`Broadcast`](super::broadcast::Broadcast).
    pub(crate) fn room_to_gather(&self) -> usize {
        self.tx.lock().room_to_gather()
    }

    /// Queues copies of messages that have gathered elsewhere; says whether the caller should flush now.
    pub(crate) fn take_over(&self, gathered: &Arena) -> bool {
        let mut tx = self.tx.lock();
        if tx.closed {
            tx.drops.note(Dropped::Disconnected, gathered.messages() as u64);
            return false;
        }
        tx.take_over(gathered)
    }

    /// Leaves what is queued to the sender's next call, or to the backstop; `false` if it is not to be left.
    pub(crate) fn hold(self: &Arc<Self>) -> bool {
        let mut tx = self.tx.lock();
        let holds = tx.may_hold();
        if holds {
            self.leave_for_later(&mut tx);
        }
        holds
    }

    /// Leaves what is queued to the sender's next call, or to the backstop.
    pub(crate) fn leave(self: &Arc<Self>) {
        self.leave_for_later(&mut self.tx.lock());
    }

    /// Somebody must write what is queued even if this thread never comes back.
    pub(super) fn leave_for_later(self: &Arc<Self>, tx: &mut Tx) {
        if tx.blocked {
            self.arm(tx);
        } else if !tx.backstopped {
            tx.backstopped = true;
            let straggler: Arc<dyn Straggler> = Arc::clone(self) as _;
            stragglers::remember(&straggler);
            self.desk.backstop(straggler);
        }
    }

    /// The sender pauses: the next message is written at once.
    pub(crate) fn pause(&self) {
        self.tx.lock().pace.pause();
    }

    /// As after a run of writes without a pause: messages gather.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn outrun(&self) {
        let mut tx = self.tx.lock();
        let beat = Beat { eager: true, patience: Duration::from_micros(20) };
        (0..8).for_each(|_| tx.pace.sending(beat));
    }
}

impl Straggler for WirePipe {
    fn flush_straggler(&self) -> bool {
        {
            let mut tx = self.tx.lock();
            if !tx.online || tx.failed || tx.closed && tx.arena.is_empty() {
                tx.backstopped = false;
                return false;
            }
            if tx.pace.may_be_left(clock::now) {
                return true;
            }
            tx.backstopped = false;
        }
        self.flush_and_arm();
        false
    }

    fn flush_left(&self) -> bool {
        {
            let mut tx = self.tx.lock();
            if tx.arena.is_empty() {
                return tx.backstopped;
            }
            tx.pace.pause();
        }
        self.flush_and_arm();
        true
    }
}
