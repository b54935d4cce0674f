//! Socket and context options: one table from which everything about an option follows.
//!
//! * [`Options`] holds one socket's values, typed; the engine reads its fields.
//! * [`TABLE`] has a [`Row`] for each of libzmq's options: number, name, range, who may write it,
//!   when it is heeded, what it does. A new option is a field there and a row here.
//! * [`Profile`] is whose defaults a socket begins with: libzmq's, or ours where a row says so.
//! * [`ContextOptions`] and [`CONTEXT_TABLE`] are the same for a context.
//! * [`Options::set`], [`Options::read`] and [`Options::set_text`] apply the one to the other.
//!
//! ```
//! use std::time::Duration;
//! use ferrozmq_proto::{SocketType, option::Options};
//!
//! let mut options = Options::new(SocketType::Push);
//! assert_eq!(options.sndhwm, 1000);
//! options.set_text(SocketType::Push, "linger", "1.5s")?;
//! assert_eq!(options.linger, Some(Duration::from_millis(1500)));
//! let error = options.set_text(SocketType::Push, "sndhw", "10").unwrap_err();
//! assert_eq!(error.to_string(), "option sndhw: there is no such option; did you mean sndhwm?");
//! # Ok::<(), ferrozmq_proto::option::OptionError>(())
//! ```
//!
//! Nothing here applies an option to a socket; what only a living socket can answer is handed
//! back to it.

mod access;
mod codec;
mod context;
mod entry;
mod error;
mod limits;
mod options;
mod profile;
mod rows;
mod security;
mod table;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use access::{Change, Reading};
pub use context::{CONTEXT_TABLE, ContextOptions, ContextRow};
pub(crate) use entry::network;
pub use error::{ErrorClass, OptionError, Wrong};
pub use limits::PeerLimits;
pub use options::{Options, ReconnectStop, RouterNotify};
pub use profile::Profile;
pub use rows::{ROUTING_ID_MAX, TABLE};
pub use security::Security;
pub use table::{Departure, Effect, Kinds, Live, OWN_OPTIONS, Row, Status, Unit, ValueType};
pub use value::Value;
