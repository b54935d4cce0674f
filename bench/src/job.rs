//! What a contender is asked to do: its command line.

use std::fmt;

/// The two ends of each measurement; the first named binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Binds and echoes each message.
    LatRep,
    /// Connects and measures each round trip.
    LatReq,
    /// Binds and counts what arrives.
    ThrPull,
    /// Connects and sends as fast as it can.
    ThrPush,
    /// Binds and measures how long each message was on its way.
    AwayPull,
    /// Connects, sends one message, then computes without calling the library, and again.
    AwayPush,
    /// As `AwayPush`, with a burst of messages before it computes.
    BurstPush,
}

/// The socket that a mode needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Sends, then receives.
    Req,
    /// Receives, then sends.
    Rep,
    /// Only sends.
    Push,
    /// Only receives.
    Pull,
}

impl Mode {
    /// Every mode with its name on the command line.
    pub const ALL: [(&'static str, Mode); 7] = [
        ("lat-rep", Mode::LatRep),
        ("lat-req", Mode::LatReq),
        ("thr-pull", Mode::ThrPull),
        ("thr-push", Mode::ThrPush),
        ("away-pull", Mode::AwayPull),
        ("away-push", Mode::AwayPush),
        ("burst-push", Mode::BurstPush),
    ];

    /// The socket to open.
    #[must_use]
    pub fn pattern(self) -> Pattern {
        match self {
            Mode::LatRep => Pattern::Rep,
            Mode::LatReq => Pattern::Req,
            Mode::ThrPull | Mode::AwayPull => Pattern::Pull,
            Mode::ThrPush | Mode::AwayPush | Mode::BurstPush => Pattern::Push,
        }
    }

    /// Whether this end binds.
    #[must_use]
    pub fn binds(self) -> bool {
        matches!(self.pattern(), Pattern::Rep | Pattern::Pull)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Mode::ALL.iter().find(|(_, mode)| mode == self).map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

/// One end of one measurement.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to do.
    pub mode: Mode,
    /// Where: `tcp://127.0.0.1:PORT` (port 0 or `*` for a binder) or `ipc://PATH`.
    pub endpoint: String,
    /// Length of each message in bytes.
    pub size: usize,
    /// How many messages or round trips are measured.
    pub count: u64,
}

impl Job {
    /// The job that this process's arguments describe.
    ///
    /// # Errors
    /// A usage line if they describe none.
    pub fn from_arguments() -> Result<Job, String> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [mode, endpoint, size, count] = arguments.as_slice() else { return Err(usage()) };
        let mode = Mode::ALL.iter().find(|(name, _)| name == mode).ok_or_else(usage)?.1;
        let size = size.parse().map_err(|_| usage())?;
        let count = count.parse().map_err(|_| usage())?;
        Ok(Job { mode, endpoint: endpoint.clone(), size, count })
    }
}

fn usage() -> String {
    let modes: Vec<&str> = Mode::ALL.iter().map(|(name, _)| *name).collect();
    format!("usage: CONTENDER {} ENDPOINT SIZE COUNT", modes.join("|"))
}
