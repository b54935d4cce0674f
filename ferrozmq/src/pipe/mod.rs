//! The queues between a socket and its peers.
//!
//! [`wire`] joins a socket with a process elsewhere, [`inproc`] two sockets of one context. Both
//! count whole messages against the high-water marks.

pub(crate) mod arena;
pub(crate) mod biased_lock;
pub(crate) mod broadcast;
mod byte_run;
pub(crate) mod codec;
pub(crate) mod errand;
pub(crate) mod events_fd;
mod gathering;
pub(crate) mod inproc;
pub(crate) mod ledger;
pub(crate) mod lock;
#[cfg(all(test, loom))]
pub(crate) mod models;
pub(crate) mod pace;
pub(crate) mod ring;
pub(crate) mod rx;
pub(crate) mod signal;
pub(crate) mod stragglers;
pub(crate) mod subscriptions;
pub(crate) mod through;
pub(crate) mod tx;
mod watching;
pub(crate) mod wire;
pub(crate) mod wishes;

#[cfg(all(test, not(loom)))]
mod tests;

use ferrozmq_proto::SocketType;
use ferrozmq_proto::option::Options;

/// Whether a socket's pipes keep only the newest message: `ZMQ_CONFLATE` is for these types only.
pub(crate) fn conflates(kind: SocketType, options: &Options) -> bool {
    use SocketType::{Dealer, Pub, Pull, Push, Sub};
    options.conflate && matches!(kind, Dealer | Pull | Push | Pub | Sub)
}
