//! What time it is: the only place where the engine asks.
//!
//! Deadlines, paces and waits of all floors come from here, as randomness comes from [`random`](super::random) and
//! descriptors from this folder's other files, so that one day a simulator can stand in for the system. (The timers in
//! [`timerfd`](super::timerfd) and the time-outs of waits are relative, and the kernel's.)

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The present moment.
#[inline(always)]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, for people: since 1970.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
