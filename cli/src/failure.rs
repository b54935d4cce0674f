//! How a run of the command can end, and the exit code of each end.
//!
//! The codes are fixed: scripts depend on them. Nothing here prints.

use std::fmt;

/// Why a run did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Something went wrong: exit code 1.
    Error(String),
    /// The command line makes no sense: exit code 2.
    Usage(String),
    /// Nothing came, or nothing could be sent, in the time allowed: exit code 3.
    TimedOut(String),
    /// The peer's or our own security rules refused the connection: exit code 4.
    Refused(String),
    /// A command given by `--exec` could not be run, or failed: exit code 5.
    Exec(String),
    /// A signal asked for the end: exit code 128 and its number (130 for Ctrl-C).
    Interrupted(i32),
    /// Whoever read our output has gone. That is how `… | head -1` ends: quietly, exit code 0.
    OutputClosed,
}

impl Failure {
    /// The exit code that tells a script of this end.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::OutputClosed => 0,
            Failure::Error(_) => 1,
            Failure::Usage(_) => 2,
            Failure::TimedOut(_) => 3,
            Failure::Refused(_) => 4,
            Failure::Exec(_) => 5,
            Failure::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }

    /// A failure to write to standard output.
    pub fn from_output(error: &std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Error(format!("cannot write to standard output: {error}")),
        }
    }

    /// The same failure with `what` said first.
    pub fn while_doing(error: impl fmt::Display, what: impl fmt::Display) -> Failure {
        Failure::Error(format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Error(text)
            | Failure::Usage(text)
            | Failure::TimedOut(text)
            | Failure::Refused(text)
            | Failure::Exec(text) => f.write_str(text),
            Failure::Interrupted(_) => f.write_str("interrupted"),
            Failure::OutputClosed => f.write_str("nobody reads the output any more"),
        }
    }
}

impl From<ferrozmq::Error> for Failure {
    fn from(error: ferrozmq::Error) -> Failure {
        Failure::Error(error.to_string())
    }
}

impl From<ferrozmq::SendError> for Failure {
    fn from(error: ferrozmq::SendError) -> Failure {
        Failure::from(ferrozmq::Error::from(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let text = String::new;
        let codes = [
            (Failure::OutputClosed, 0),
            (Failure::Error(text()), 1),
            (Failure::Usage(text()), 2),
            (Failure::TimedOut(text()), 3),
            (Failure::Refused(text()), 4),
            (Failure::Exec(text()), 5),
            (Failure::Interrupted(2), 130),
            (Failure::Interrupted(15), 143),
        ];
        for (failure, code) in codes {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }
}
