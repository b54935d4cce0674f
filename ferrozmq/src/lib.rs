//! ZeroMQ in Rust: brokerless messaging between threads, processes and machines.
//!
//! A socket here is not a connection. It has any number of peers, which may come and go, be there before it or after it; it reconnects
//! by itself, queues what cannot leave yet, and follows a *pattern* that decides who gets which message. It speaks the wire
//! protocol of [libzmq](https://zeromq.org), so that the other end may be a program in C, Python, Go or anything else. No
//! C toolchain is needed, no broker, and no async runtime.
//!
//! # Five minutes
//!
//! A client asks and a server answers. Which of them starts first does not matter.
//!
//! ```
//! use ferrozmq::{Context, Rep, Req};
//!
//! # fn main() -> ferrozmq::Result<()> {
//! let context = Context::new(); // what sockets live in: one for a program
//! let server = Rep::new(&context)?;
//! let endpoint = server.bind("tcp://127.0.0.1:*")?; // a free port; it is in what bind returns
//!
//! std::thread::spawn(move || -> ferrozmq::Result<()> {
//!     for question in &server {
//!         let name = question?;
//!         server.send(format!("hello {}", String::from_utf8_lossy(&name[0])))?;
//!     }
//!     Ok(()) // the context was terminated
//! });
//!
//! let client = Req::new(&context)?;
//! client.connect(&endpoint)?;
//! client.send("world")?;
//! assert_eq!(&client.recv()?[0], "hello world");
//! # Ok(())
//! # }
//! ```
//!
//! **Messages** have one part or several, which arrive together or not at all. Anything that is text or bytes is a part; tuples, arrays and
//! vectors make several ([`Message`]).
//!
//! ```
//! use ferrozmq::{Context, Pair};
//!
//! # fn main() -> ferrozmq::Result<()> {
//! let context = Context::new();
//! let (here, there) = (Pair::new(&context)?, Pair::new(&context)?);
//! here.bind("inproc://two threads")?; // inproc: within the process; ipc: within the machine
//! there.connect("inproc://two threads")?;
//!
//! here.send("one part")?;
//! assert_eq!(there.recv()?[0].as_str(), Ok("one part"));
//!
//! here.send(("three", b"parts", vec![1, 2, 3]))?;
//! let [word, noun, numbers] = there.recv()?.try_into().expect("three parts");
//! assert_eq!((&word[..], &noun[..], &numbers[..]), (&b"three"[..], &b"parts"[..], &[1, 2, 3][..]));
//! # Ok(())
//! # }
//! ```
//!
//! **Patterns** are types, with the methods that make sense for each:
//!
//! | you want | use |
//! |---|---|
//! | answers to questions | [`Req`] and [`Rep`]; in any order, or many at a time: [`Dealer`] and [`Router`] |
//! | news for whoever is interested | [`Pub`] and [`Sub`]; for brokers [`XPub`] and [`XSub`] |
//! | work divided among workers | [`Push`] and [`Pull`] |
//! | two threads that talk | [`Pair`] |
//! | plain TCP | [`Stream`] |
//!
//! [`Socket`] is any of them, when the type is known at run time only. Each has an example on the page about [patterns](guide::patterns).
//!
//! **Waiting.** `send` and `recv` wait; `try_send` and `try_recv` do not; `send_timeout` and `recv_timeout` wait so long. A
//! [`Poller`] waits for many sockets and file descriptors. Any thread may use any socket, at any time, without a lock: sockets are `Send`, `Sync`
//! and cheap to clone.
//!
//! **Losing.** `send` is not delivery. What it means, what is lost when, and how to see it is [one page](guide::delivery), which is worth reading before
//! building on it.
//!
//! **Ending.** Dropping the last handle of a socket closes it without waiting. What it sent still leaves, for at most 5 s
//! ([`set_linger`](Socket::set_linger)); dropping the last [`Context`] waits for that. [`Context::shutdown`] ends every call in every thread.
//!
//! **Settings** have methods with types of the standard library, and their names in C lead to them in the search above: try `ZMQ_SNDHWM`. A
//! builder makes a socket that has them from the start.
//!
//! ```
//! use ferrozmq::{Context, Push};
//! use std::time::Duration;
//!
//! # fn main() -> ferrozmq::Result<()> {
//! let push = Push::builder(&Context::new())
//!     .sndhwm(10) // at most ten messages wait for each peer
//!     .send_timeout(Some(Duration::from_millis(50)))
//!     .build()?;
//! push.bind("tcp://127.0.0.1:*")?;
//! let refused = push.send("nobody is there").unwrap_err();
//! assert!(refused.error().is_timeout());
//! assert_eq!(&refused.into_message()[0], "nobody is there"); // not lost
//! # Ok(())
//! # }
//! ```
//!
//! # Where to read on
//!
//! * [`guide::patterns`]: every pattern with a runnable example, and its traps.
//! * [`guide::delivery`]: what a successful send means.
//! * [`guide::defaults`]: which defaults differ from libzmq's, and why; [`ContextBuilder::libzmq_compat`] has libzmq's.
//! * [`guide::options`]: all options in a table.
//! * Coming from [C](guide::from_c), or from the crates [`zmq`](guide::from_zmq), [`tmq`](guide::from_tmq) and [`zeromq`](guide::from_zeromq).
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `dryoc` (default) | CURVE with the cryptography of the crate `dryoc` |
//! | `crypto_box` | CURVE with that of the crate `crypto_box`; `dryoc` wins if both are on |
//! | `serde` | [`send_json`](Socket::send_json), [`recv_json`](Socket::recv_json) |
//! | `msgpack` | [`send_msgpack`](Socket::send_msgpack), [`recv_msgpack`](Socket::recv_msgpack) |
//!
//! Features only ever add. The oldest Rust that is supported is 1.89; that number rises in minor releases only.

#![warn(clippy::missing_errors_doc)]

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
pub use ferrozmq_proto::mechanism::SecretText;
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
pub use socket::builder::SocketBuilder;
pub use socket::messages::Messages;
pub use socket::monitor::Monitor;
pub use socket::report::{ContextStats, EndpointReport, REPORT_VERSION, SocketReport};
pub use socket::stats::{GonePeer, PeerStats};
pub use socket::subscription::Subscription;
pub use socket::typed::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};
pub use socket::window::{look_into, windows};
#[doc(hidden)]
pub use sys::thread_number; // for the C library
pub use timers::Timers;
