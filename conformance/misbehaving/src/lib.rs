//! A peer that misbehaves: more than a hundred offences against ZMTP, each with a name.
//!
//! [`OFFENCES`] is the list; the program `misbehaving` commits one of them against any endpoint, ours or libzmq's, and the test
//! `door` commits all of them against the program `victim`. This crate speaks the protocol by hand: what it says is mostly wrong, and
//! nothing of the engine may come between.

mod curve;
mod offences;
mod peer;
mod wire;

pub use curve::{CLIENT_SECRET, SERVER_SECRET, public_key};
pub use offences::{OFFENCES, PASSWORD, USERNAME};
pub use peer::Peer;

/// Which of the victim's sockets an offence is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A ROUTER without security, which answers every message with the same.
    Null,
    /// A PUB without security.
    Publisher,
    /// A ROUTER that is PLAIN's server.
    Plain,
    /// A ROUTER that is CURVE's server.
    Curve,
}

impl Target {
    /// Every target.
    pub const ALL: [Target; 4] = [Target::Null, Target::Publisher, Target::Plain, Target::Curve];

    /// Its name, for people and for the victim's list of endpoints.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Target::Null => "null",
            Target::Publisher => "publisher",
            Target::Plain => "plain",
            Target::Curve => "curve",
        }
    }
}

/// What must come of an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection is closed: at once, or when the time for a handshake is over.
    Closed,
    /// The protocol allows it, or tells nobody to mind: the connection works on.
    Ignored,
    /// The victim waits for more, as it must.
    Waits,
    /// Any of them: the members of the family differ.
    Any,
}

/// One way to misbehave, or a family of them.
#[derive(Debug)]
pub struct Offence {
    /// Its name and flag.
    pub name: &'static str,
    /// What it does.
    pub text: &'static str,
    /// Against whom.
    pub target: Target,
    /// What must come of it.
    pub ending: Ending,
    /// How many members the family has; each gets a connection of its own.
    pub members: usize,
    /// Commits it. An error means that the victim has closed already, which is no failure.
    pub commit: fn(&mut Peer, usize) -> std::io::Result<()>,
}
