//! Everything that is tested through the public API, in one binary; files are named by behaviour.

mod child;
mod conversations;
mod cut;
mod descriptors;
mod endpoints;
mod fork;
mod ground;
mod hostile;
mod hwm;
mod interop;
mod leaks;
mod linger;
mod monitor;
mod mute_states;
mod options;
mod peer;
mod peers;
mod poll;
mod progress;
mod reconnect;
mod same_answers;
mod script;
mod signals;
mod soak;
mod termination;
mod threads;
