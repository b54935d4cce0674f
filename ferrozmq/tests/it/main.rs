//! Everything that is tested through the public API, in one binary; files are named by behaviour.

mod child;
mod conversations;
mod cut;
mod descriptors;
mod ground;
mod hostile;
mod hwm;
mod interop;
mod leaks;
mod linger;
mod mute_states;
mod peer;
mod peers;
mod progress;
mod same_answers;
mod script;
mod sifted;
mod signals;
mod termination;
mod threads;
