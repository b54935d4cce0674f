//! System calls: the only floor that talks to the kernel, and one of the few rooms where `unsafe`
//! is allowed.
//!
//! One file per kernel object or call. Everything here is a thin, safe shape around one call: no
//! policy, no retries beyond what the call's own contract needs, no knowledge of messages. `EINTR` is
//! surfaced wherever a caller may want to return it to an application.
//!
//! Not here: addresses, endpoints and socket options by name (that is [`crate::transport`]).

pub mod cpu;
pub mod epoll;
pub mod eventfd;
pub mod fork;
pub mod futex;
pub mod ifaddrs;
pub mod io;
pub mod membarrier;
pub mod poll;
pub mod rlimit;
pub mod sockopt;
pub mod timerfd;

use rustix::time::Timespec;
use std::time::Duration;

/// `duration` as the kernel wants it; durations beyond its range become its longest.
fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
