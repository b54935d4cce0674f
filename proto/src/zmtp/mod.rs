//! One connection's protocol state.
