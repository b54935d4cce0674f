//! What the command has to say besides data: always on standard error, never on standard output.
//!
//! How much is chosen by `-q` and `-v`; colour by `--color` and `NO_COLOR`. Lost talk is no failure: if
//! standard error is closed, the command goes on.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether output to a stream that is a terminal or not gets colour.
    pub fn applies(self, is_terminal: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }
}

/// The voice of one run.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    level: Level,
    choice: Color,
    color: bool,
}

/// How much is said; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only why the run failed.
    Failures,
    /// What the user should know.
    Notes,
    /// Connections that come and go (`-v`).
    Events,
    /// Handshakes and retries (`-vv`).
    Handshakes,
    /// Every message (`-vvv`).
    Messages,
}

impl Talk {
    /// The voice that `-q`, the number of `-v` and `--color` ask for.
    pub fn new(quiet: bool, verbose: u8, color: Color) -> Talk {
        let level = match (quiet, verbose) {
            (true, _) => Level::Failures,
            (false, 0) => Level::Notes,
            (false, 1) => Level::Events,
            (false, 2) => Level::Handshakes,
            (false, _) => Level::Messages,
        };
        Talk { level, choice: color, color: color.applies(io::stderr().is_terminal()) }
    }

    /// When the user wants colour.
    pub fn color(self) -> Color {
        self.choice
    }

    /// Whether `level` is said at all.
    pub fn says(self, level: Level) -> bool {
        level <= self.level
    }

    /// Says something the user should know.
    pub fn note(self, text: impl fmt::Display) {
        self.say(Level::Notes, text);
    }

    /// Says `text`, if the user wants to hear of `level`.
    pub fn say(self, level: Level, text: impl fmt::Display) {
        if self.says(level) {
            self.write("2", text);
        }
    }

    /// Says that something went wrong, but the run goes on.
    pub fn warn(self, text: impl fmt::Display) {
        if self.says(Level::Notes) {
            self.write("33", text);
        }
    }

    /// Says why the run failed.
    pub fn fail(self, text: impl fmt::Display) {
        self.write("31", text);
    }

    fn write(self, color: &str, text: impl fmt::Display) {
        let line = match self.color {
            true => format!("\x1b[{color}mzmq: {text}\x1b[0m\n"),
            false => format!("zmq: {text}\n"),
        };
        let _ = io::stderr().lock().write_all(line.as_bytes()); // talk may be lost
    }
}
