//! What whoever embeds the engine has to do on its own threads, where no lock is held.
//!
//! A call may last for ever: a proxy carries messages until its context ends, a receive waits for its message. What has come up
//! meanwhile and must not be done under a lock, such as calling the C library's free functions, is done before the thread
//! sleeps, and each time a proxy turns round.
//!
//! Invariant: `perform` is called with no guard, role or lock held, and with no sleep announced.

use std::sync::OnceLock;

/// Asked, and called, on the thread that is inside a call.
#[derive(Clone, Copy, Debug)]
pub struct Duty {
    /// Whether there is something to do. Asked with locks held: it takes none, and calls nothing.
    pub is_due: fn() -> bool,
    /// Does it. May call the engine again.
    pub perform: fn(),
}

static DUTY: OnceLock<Duty> = OnceLock::new();

/// Says what there is to do; the first to say so is heard.
pub fn set(duty: Duty) {
    let _ = DUTY.set(duty); // a second C library in one program has the same duty
}

/// Whether something is to be done before this thread sleeps.
#[inline]
pub(crate) fn is_due() -> bool {
    DUTY.get().is_some_and(|duty| (duty.is_due)())
}

/// Does what is due.
#[inline]
pub(crate) fn perform() {
    if let Some(duty) = DUTY.get().filter(|duty| (duty.is_due)()) {
        (duty.perform)();
    }
}
