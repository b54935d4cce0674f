//! The same sockets in asynchronous programs, on any executor.
//!
//! A socket has blocking and asynchronous methods side by side, and both may be used on one socket at the same time: what waits in one
//! form has a counterpart that ends in `_async` and returns a future. There is no second set of types, no feature to enable, no
//! runtime inside and no thread per call: a future leaves its [`Waker`](std::task::Waker) with the socket, the context's I/O thread
//! reads and writes while nobody polls, and wakes it. Any executor will do, any number of tasks may wait on one socket, and an idle
//! one costs nothing.
//!
//! | blocking | asynchronous | |
//! |---|---|---|
//! | [`send`](Socket::send) | [`send_async`](Socket::send_async) | [`sink`](Socket::sink) is a [`Sink`](futures_sink::Sink) of messages |
//! | [`recv`](Socket::recv) | [`recv_async`](Socket::recv_async) | [`stream`](Socket::stream) is a [`Stream`](futures_core::Stream) of messages |
//! | [`recv_into`](Socket::recv_into) | [`recv_into_async`](Socket::recv_into_async) | for loops of short messages |
//! | [`wait_for_peers`](Socket::wait_for_peers) | [`wait_for_peers_async`](Socket::wait_for_peers_async) | |
//! | [`Monitor::recv`] | [`Monitor::recv_async`] | [`Monitor::into_stream`] |
//! | [`Request::call`] | `request(…).await` | a request with time-out and retries: [`Req::request`] |
//!
//! The other methods do not wait, and are called as they are. [`split`](Socket::split) parts a socket that sends and receives into two halves.
//!
//! ```
//! use ferrozmq::{Context, Rep, Req};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let context = Context::new();
//! let server = Rep::new(&context)?;
//! let client = Req::new(&context)?;
//! client.connect(&server.bind("tcp://127.0.0.1:*")?)?;
//! let serve = async {
//!     let request = server.recv_async().await?;
//!     assert_eq!(&request[0], "hello");
//!     server.send_async("world").await?;
//!     Ok::<(), ferrozmq::Error>(())
//! };
//! let ask = async {
//!     client.send_async("hello").await?;
//!     let reply = client.recv_async().await?;
//!     assert_eq!(&reply[0], "world");
//!     Ok::<(), ferrozmq::Error>(())
//! };
//! tokio::try_join!(serve, ask)?;
//! # Ok::<(), ferrozmq::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Time-outs and dropped futures
//!
//! The options `sndtimeo` and `rcvtimeo` are for blocking calls. A future is given up by dropping it, as an executor's `timeout` or
//! `select!` does, and every future here may be dropped at any time without losing or repeating anything: a message is taken out of the
//! socket, or put into it, by the very poll that completes. Each method says what that means for it.
//!
//! A task that is never kept waiting gives way to others every few hundred messages.
//!
//! # The end of a context
//!
//! [`Context::shutdown`](crate::Context::shutdown) completes every future with [`Terminated`](crate::ErrorKind::Terminated). Whichever
//! goes last, a context or the last of its sockets, waits until what was sent has left or its linger is over, which blocks the thread:
//! let the context outlive the tasks that have its sockets, and drop it where blocking is allowed.

mod call;
mod halves;
mod monitor;
mod request;
mod streams;
mod turn;
mod typed;

pub use call::{Recv, RecvInto, Send, WaitForPeers};
pub use halves::{Receiver, Sender};
pub use monitor::{MonitorStream, NextEvent};
pub use request::{Reply, Request};
pub use streams::{MessageSink, MessageStream};

#[expect(unused_imports, reason = "the documentation names them")]
use crate::{Monitor, Req, Socket};
