//! What pipes have to tell the I/O thread that looks after them.
//!
//! Whoever drives a connection leaves an [`Errand`] here when something has to be done that only
//! the I/O thread may do, or that must happen even if the driver goes away. Leaving one wakes the
//! I/O thread, except [`Desk::backstop`], which only makes it look in [`BACKSTOP`] later.

use crate::pipe::stragglers::Straggler;
use crate::pipe::wire::WirePipe;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sys::epoll::{Epoll, Interest};
use crate::sys::eventfd::EventFd;
use crate::sys::timerfd::TimerFd;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

/// How long a message may wait for a sender that has gone to do something else.
pub(crate) const BACKSTOP: Duration = Duration::from_micros(500);

/// Something for the I/O thread to do.
pub(crate) enum Errand {
    /// The connection with this token failed, or its peer closed it.
    Broken(u64),
    /// The socket has ended this connection, maybe for a fault of the peer's.
    HungUp(u64, Option<&'static str>),
    /// The driver of this connection, which was to be closed, has let go of it.
    Released(u64),
    /// The peer of this connection asked for a time-to-live by its PING.
    Pinged(u64),
    /// What this connection's handshake asked may have been answered.
    Answered(u64),
    /// This connection is in no set of the I/O thread's.
    Unwatched(u64),
}

/// Where an I/O thread's errands wait for it.
pub(crate) struct Desk {
    errands: Mutex<Vec<Errand>>,
    handed_over: Mutex<Vec<Arc<WirePipe>>>,
    backstops: Mutex<Vec<Arc<dyn Straggler>>>,
    timer_armed: AtomicBool,
    timer: TimerFd,
    event: EventFd,
    epoll: Epoll,
}

impl Desk {
    pub(crate) fn new() -> io::Result<Desk> {
        Ok(Desk {
            errands: Mutex::new(Vec::new()),
            handed_over: Mutex::new(Vec::new()),
            backstops: Mutex::new(Vec::new()),
            timer_armed: AtomicBool::new(false),
            timer: TimerFd::new()?,
            event: EventFd::new()?,
            epoll: Epoll::new()?,
        })
    }

    /// Leaves an errand and wakes the I/O thread.
    pub(crate) fn leave(&self, errand: Errand) {
        self.errands.lock().push(errand);
        self.event.signal();
    }

    /// Wakes the I/O thread.
    pub(crate) fn wake(&self) {
        self.event.signal();
    }

    /// All errands left so far.
    pub(crate) fn take(&self) -> Vec<Errand> {
        std::mem::take(&mut *self.errands.lock())
    }

    /// Has the I/O thread write what waits in `pipe`, once it is woken; says whether it must be, because it was left nothing
    /// before.
    pub(crate) fn hand_over(&self, pipe: Arc<WirePipe>) -> bool {
        let mut pipes = self.handed_over.lock();
        pipes.push(pipe);
        pipes.len() == 1
    }

    /// The pipes to write.
    pub(crate) fn take_handed_over(&self) -> Vec<Arc<WirePipe>> {
        std::mem::take(&mut *self.handed_over.lock())
    }

    /// Has the I/O thread look at `straggler`, whose sender is streaming, in [`BACKSTOP`].
    pub(crate) fn backstop(&self, straggler: Arc<dyn Straggler>) {
        self.backstops.lock().push(straggler);
        if !self.timer_armed.swap(true, Ordering::AcqRel) {
            // Arming a valid timer cannot fail; a flush by the next call is the fallback.
            let _ = self.timer.arm(BACKSTOP);
        }
    }

    /// What to look at; the timer has fired.
    pub(crate) fn take_backstops(&self) -> Vec<Arc<dyn Straggler>> {
        self.timer.drain();
        self.timer_armed.store(false, Ordering::Release);
        std::mem::take(&mut *self.backstops.lock())
    }

    /// The I/O thread has ended: pipes and desk let go of each other.
    pub(crate) fn retire(&self) {
        let pipes = std::mem::take(&mut *self.backstops.lock());
        drop((self.take(), pipes, self.take_handed_over()));
    }

    /// Has the I/O thread told once when `fd` takes output again; from any thread.
    pub(crate) fn arm_output(&self, fd: BorrowedFd<'_>, token: u64) {
        // A failure means that the connection is being closed, which ends its output anyway, or has been taken out.
        if self.epoll.modify(fd, Interest::WRITABLE.oneshot(), token).is_err() {
            self.leave(Errand::Unwatched(token));
        }
    }

    pub(crate) fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    pub(crate) fn event(&self) -> &EventFd {
        &self.event
    }

    pub(crate) fn timer(&self) -> &TimerFd {
        &self.timer
    }
}
