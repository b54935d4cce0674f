//! Everything that is tested through the public API, in one binary; files are named by behaviour.

mod conversations;
mod interop;
mod mute_states;
mod same_answers;
mod script;
