//! ZeroMQ in Rust: brokerless messaging between threads, processes and machines.

// A panic is a bug of ours; it may cost one connection or one call, and can do so only if it unwinds.
#[cfg(panic = "abort")]
compile_error!("ferrozmq contains panics by unwinding: build with panic = \"unwind\" in your profile");

pub mod asynch;
mod authenticator;
mod context;
#[doc(hidden)]
pub mod duty; // for the C library
mod error;
#[cfg(test)]
mod fault;
pub mod guide;
mod inproc;
mod io;
mod keys;
mod monitor;
mod peer;
mod pipe;
mod poller;
mod probe;
mod proxy;
mod resolver;
mod socket;
mod spin;
mod sync;
mod sys;
mod tasks;
mod timers;
mod transport;
mod wake;
mod zap;

pub use authenticator::{AccessRules, hash_password};
pub use context::{Context, ContextBuilder};
pub use error::{Error, ErrorKind, Result, SendError};
pub use ferrozmq_proto::access::{AccessAnswer, AccessRequest, Credentials};
pub use ferrozmq_proto::loss::{Discarded, Discards, Dropped, Drops};
pub use ferrozmq_proto::option;
pub use ferrozmq_proto::{Frame, IntoMessage, Message, PeerError, SocketType};
pub use io::events::{EventKind, MonitorEvent};
pub use keys::{KeyPair, load_public_key};
pub use monitor::{EventFormat, EventPublisher};
pub use peer::PeerInfo;
pub use pipe::ledger::SocketStats;
pub use poller::{Events, PollItem, Poller, SignalMask, poll, poll_masked};
pub use probe::{Found, ProbeOutcome, probe};
pub use proxy::{proxy, proxy_steerable};
pub use socket::Socket;
pub use socket::monitor::Monitor;
pub use socket::report::{ContextStats, EndpointReport, REPORT_VERSION, SocketReport};
pub use socket::stats::PeerStats;
pub use socket::typed::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};
pub use socket::window::{look_into, windows};
pub use timers::Timers;
