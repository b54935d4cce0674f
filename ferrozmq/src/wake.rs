//! How a thread asleep in a socket is woken.
//!
//! A sleeper announces itself ([`Waker::prepare`]), looks once more at what it waits for, and
//! sleeps on the waker's event descriptor. Who has news for it publishes them first and then calls
//! [`Waker::wake`], which does nothing but look at one word while nobody sleeps.
//!
//! Invariant: news published before `wake` are seen by the sleeper's last look, or the event
//! descriptor is readable when it sleeps. The two fences are what makes it so.

use crate::sys::eventfd::EventFd;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering, fence};

/// Wakes the threads asleep in one socket.
#[derive(Default)]
pub(crate) struct Waker {
    sleepers: AtomicU32,
    event: OnceLock<EventFd>,
}

/// A sleep that has been announced.
pub(crate) struct Ticket(());

impl Waker {
    pub(crate) fn new() -> Waker {
        Waker::default()
    }

    /// Announces a sleep; look at what you wait for after this, not before.
    pub(crate) fn prepare(&self) -> Ticket {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        Ticket(())
    }

    /// The sleep is over, or did not begin.
    pub(crate) fn retire(&self, _ticket: &Ticket) {
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    /// What to sleep on; readable once somebody called [`wake`](Self::wake). Made at the first call.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(crate) fn event_fd(&self) -> io::Result<BorrowedFd<'_>> {
        if self.event.get().is_none() {
            let event = EventFd::new()?;
            let _ = self.event.set(event);
            // Whoever woke before there was a descriptor could not use it.
            fence(Ordering::SeqCst);
        }
        self.event.get().map(AsFd::as_fd).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// Makes the descriptor quiet again.
    pub(crate) fn drain(&self) {
        if let Some(event) = self.event.get() {
            event.drain();
        }
    }

    /// Wakes whoever sleeps, after the news were published.
    pub(crate) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) > 0 {
            self.wake_unconditionally();
        }
    }

    /// Wakes even where nobody seems to sleep: for terminations.
    pub(crate) fn wake_unconditionally(&self) {
        if let Some(event) = self.event.get() {
            event.signal();
        }
    }
}
