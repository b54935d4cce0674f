//! Everything that is tested through the public API, in one binary; files are named by behaviour.

mod conversations;
mod ground;
mod hwm;
mod interop;
mod linger;
mod monitor;
mod poll;
mod progress;
mod reconnect;
mod soak;
mod threads;
