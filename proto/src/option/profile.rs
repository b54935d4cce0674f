//! Whose defaults a socket begins with.
//!
//! The values are in the [table](super::TABLE): libzmq's are those of [`Options::new`](super::Options::new), and where
//! ours differ the row has a [`Departure`](super::Departure) with the reason. Once set, an option does not know where it came from.

/// Whose defaults a socket begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// This library's: closing ends in finite time, what cannot be delivered is an error, peers that vanish are noticed.
    #[default]
    Native,
    /// Those of libzmq 4.3.5, exactly: what every program in C gets.
    Libzmq,
}
