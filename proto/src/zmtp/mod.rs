//! One connection's protocol state.
pub mod framing;
