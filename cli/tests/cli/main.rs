//! Real processes of the command `zmq` against each other and against whatever else speaks.
//!
//! No test sleeps: binding ends print where they are, senders wait for peers, and a watchdog ends what
//! hangs. The formats themselves are tested beside their code.

mod bench;
mod conversation;
mod exits;
mod formats;
mod python;
mod recording;
mod run;
mod security;
mod seed;
mod tools;
mod top;
