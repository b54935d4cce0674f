//! One line on a terminal, rewritten while a measurement runs.
//!
//! On standard error, and only if that is a terminal; the result follows on standard output.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes.
const REFRESH: Duration = Duration::from_millis(200);

/// The line.
pub struct Progress {
    shown: bool,
    due: Option<Instant>,
}

impl Progress {
    /// A line that is empty yet.
    pub fn new() -> Progress {
        let due = io::stderr().is_terminal().then(|| Instant::now() + REFRESH);
        Progress { shown: false, due }
    }

    /// Shows what `line` says, if it is time; `now` is the time.
    pub fn show(&mut self, now: Instant, line: impl FnOnce() -> String) {
        if self.due.is_some_and(|due| now >= due) {
            self.due = Some(now + REFRESH);
            self.shown = true;
            let _ = write!(io::stderr(), "\r\x1b[K{}", line()); // talk may be lost
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K"); // talk may be lost
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
