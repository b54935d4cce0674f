//! One queue in front of several pipes, for messages that go to all of them.
//!
//! A publisher that streams would queue each message once for every peer: as many locks and as many cold lines of memory.
//! Here it queues it once, and the pipes get what has gathered in one go, as a run of bytes ([`Broadcast::share_out`]). Who may use it,
//! and for how many messages the pipes have room, is the socket's business ([`Ends`](crate::socket)).
//!
//! Invariant: whoever writes to one of the pipes by another way shares out first, so that messages stay in order. What is here
//! counts as queued in each pipe, though those do not know of it yet.

use crate::pipe::arena::Arena;
use crate::pipe::errand::Desk;
use crate::pipe::lock::Lock;
use crate::pipe::pace::Pace;
use crate::pipe::stragglers::{self, Straggler};
use crate::pipe::wire::WirePipe;
use crate::sys::clock;
use std::sync::Arc;
use std::time::Duration;

/// The queue.
pub(crate) struct Broadcast {
    pipes: Vec<Arc<WirePipe>>,
    desk: Arc<Desk>,
    queue: Lock<Queue>,
}

struct Queue {
    arena: Arena,
    pace: Pace,
    backstopped: bool,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// It waits for those that follow.
    Queued,
    /// It is queued, and all is to be written now.
    Due,
    /// It is not: its sender has paused, and messages gather no more.
    Refused,
}

impl Broadcast {
    /// A queue in front of `pipes`, of which there is one at least; the I/O thread of the first is the backstop.
    pub(crate) fn new(pipes: Vec<Arc<WirePipe>>, patience: Duration) -> Option<Arc<Broadcast>> {
        let desk = Arc::clone(&pipes.first()?.desk);
        let queue = Queue { arena: Arena::default(), pace: Pace::gathering(patience), backstopped: false };
        Some(Arc::new(Broadcast { pipes, desk, queue: Lock::new(queue) }))
    }

    /// Queues a message of one part, a copy of `body`, for every pipe.
    #[inline]
    pub(crate) fn append(self: &Arc<Self>, body: &[u8]) -> Gathered {
        let mut queue = self.queue.lock();
        if !queue.pace.is_streaming() {
            return Gathered::Refused;
        }
        let waiting = queue.arena.len();
        let gathers = queue.pace.may_gather(waiting, clock::now);
        queue.arena.push_copied(body);
        if !gathers {
            return Gathered::Due;
        }
        if !queue.backstopped {
            queue.backstopped = true;
            drop(queue);
            self.look_after();
        }
        Gathered::Queued
    }

    /// Somebody must write what is queued even if this thread never comes back.
    #[cold]
    fn look_after(self: &Arc<Self>) {
        let straggler: Arc<dyn Straggler> = Arc::clone(self) as _;
        stragglers::remember(&straggler);
        self.desk.backstop(straggler);
    }

    /// Puts what is queued into each pipe's own queue, and tells `each` the pipe's number if it is to be written now. It gathers no longer
    /// than `patience` from now on, or no more at all.
    pub(crate) fn share_out(&self, patience: Option<Duration>, mut each: impl FnMut(usize)) {
        let mut queue = self.queue.lock();
        let Queue { arena, pace, .. } = &mut *queue;
        if !arena.is_empty() {
            for (number, pipe) in self.pipes.iter().enumerate() {
                if pipe.take_over(arena) {
                    each(number);
                }
            }
            arena.clear();
        }
        match patience {
            Some(patience) => pace.gathered(patience),
            None => pace.pause(),
        }
    }

    /// Writes what is queued; its sender has paused.
    fn write_out(&self) {
        let mut ready = Vec::new();
        self.share_out(None, |number| ready.push(number));
        for pipe in ready.into_iter().filter_map(|number| self.pipes.get(number)) {
            pipe.pause();
            pipe.flush_and_arm();
        }
    }
}

impl Straggler for Broadcast {
    fn flush_straggler(&self) -> bool {
        {
            let mut queue = self.queue.lock();
            let gathers = queue.pace.is_streaming() && queue.pace.may_be_left(clock::now);
            queue.backstopped = gathers;
            if gathers {
                return true;
            }
        }
        self.write_out();
        false
    }

    fn flush_left(&self) -> bool {
        {
            let queue = self.queue.lock();
            if queue.arena.is_empty() {
                return queue.backstopped;
            }
        }
        self.write_out();
        true
    }
}
