//! Socket options: one table from which everything about an option follows.
//!
//! [`Options`] holds one socket's values, typed.

mod options;

pub use options::{Options, ReconnectStop, RouterNotify};
