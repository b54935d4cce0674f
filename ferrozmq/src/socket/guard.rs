//! A socket's guard: who holds it is *in* the socket, alone.
//!
//! A thread in a socket may make changes of which futures are to be told, in this socket or at the other end of an inproc pipe. Their
//! wakers run when it lets go of the guard, and not before.

use super::core::Core;
use crate::pipe::biased_lock::{Lock, LockGuard};
use crate::tasks::WakesDue;
use std::ops::{Deref, DerefMut};

/// The lock around a socket's state.
#[repr(transparent)]
pub(crate) struct CoreLock(Lock<Core>);

/// The right to use a socket's state. On drop it is given back, then wakers run.
pub(crate) struct Guard<'a> {
    // In this order: fields are dropped as they stand here.
    core: LockGuard<'a, Core>,
    _due: WakesDue,
}

impl CoreLock {
    pub(super) fn new(core: Core) -> CoreLock {
        CoreLock(Lock::new(core))
    }

    /// Waits for the guard.
    #[inline(always)]
    pub(super) fn lock(&self) -> Guard<'_> {
        Guard { core: self.0.lock(), _due: WakesDue }
    }
}

impl Deref for Guard<'_> {
    type Target = Core;
    #[inline(always)]
    fn deref(&self) -> &Core {
        &self.core
    }
}

impl DerefMut for Guard<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}
