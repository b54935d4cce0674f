//! Everything that is tested through the public API, in one binary; files are named by behaviour.

mod child;
mod conversations;
mod descriptors;
mod fork;
mod hostile;
mod interop;
mod leaks;
mod peer;
mod peers;
mod signals;
mod termination;
