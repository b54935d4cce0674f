//! ferrozmq as `libzmq.so.5`: libzmq's 97 C functions over the Rust API.
//!
//! A body checks its arguments, converts them, calls the engine and maps the answer; it decides nothing.
//! Whatever a stranger passes, a null, wrong, closed or foreign pointer is an error and not a crash, as far as
//! memory allows to tell: handles are looked up in a table ([`table`]), messages carry a mark ([`message`]).
//! No panic leaves a function ([`call`]).
//!
//! The names and conventions are those of libzmq 4.3.5 (its header and its manual pages); what libzmq has not is in [`extension`]. Structures are the C
//! ones: `zmq_msg_t`, `zmq_pollitem_t`, `zmq_poller_event_t`.

mod call;
mod context;
mod counter;
mod curve;
mod draft;
mod errno;
mod extension;
mod hazard;
mod iovec;
mod latch;
mod lent;
mod message;
mod metadata;
mod monitor;
mod option;
mod poll;
mod poller;
mod proxy;
mod raw;
mod socket;
mod stopwatch;
mod table;
mod thread;
mod timers;
mod transfer;
mod version;
mod z85;
