//! Why an option was not set or not read: which option, what was wrong, what would be right.
//!
//! It is always the caller's fault, and nothing was changed.

use std::borrow::Cow;
use std::fmt;

use super::Row;
use crate::SocketType;

/// An option was not set or not read, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// The option as it was asked for: its name in the table, or else what the caller wrote.
    pub option: Cow<'static, str>,
    /// What was wrong.
    pub wrong: Wrong,
    /// What would be right; empty if nothing would.
    pub expected: String,
}

/// What was wrong with setting or reading an option.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// There is no such option.
    Unknown,
    /// It cannot be written.
    ReadOnly,
    /// It cannot be read.
    WriteOnly,
    /// Sockets of this type do not have it.
    SocketType(SocketType),
    /// The value has this many bytes.
    Length(usize),
    /// The buffer for the value has only this many bytes, or not exactly as many as it must have.
    Capacity(usize),
    /// The value is outside of the option's range.
    Range(String),
    /// The value cannot be understood.
    Malformed(String),
    /// It cannot be set in the state the socket is in.
    State(&'static str),
    /// What it is about does not exist here.
    Absent(&'static str),
}

/// The kind of an [`OptionError`]. Both are `EINVAL` in C, as with a libzmq built without the
/// feature; Rust callers can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// No such option, or no such value.
    Invalid,
    /// libzmq can have it; this library does not.
    NotSupported,
}

impl OptionError {
    /// Whether the caller was wrong, or asked for what is not here.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.wrong {
            Wrong::Absent(_) => ErrorClass::NotSupported,
            _ => ErrorClass::Invalid,
        }
    }

    /// `row`'s value was `wrong`; its range would be right.
    pub(super) fn value(row: &Row, wrong: Wrong) -> OptionError {
        OptionError { option: row.name.into(), wrong, expected: format!("give {}", row.range()) }
    }

    /// `row` cannot be used so.
    pub(super) fn refused(row: &Row, wrong: Wrong, expected: String) -> OptionError {
        OptionError { option: row.name.into(), wrong, expected }
    }

    pub(super) fn unknown_number(number: i32) -> OptionError {
        OptionError { option: number.to_string().into(), wrong: Wrong::Unknown, expected: String::new() }
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "option {}: {}", self.option, self.wrong)?;
        if !self.expected.is_empty() {
            write!(f, "; {}", self.expected)?;
        }
        Ok(())
    }
}

impl std::error::Error for Wrong {}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Unknown => f.write_str("there is no such option"),
            Wrong::ReadOnly => f.write_str("it cannot be set"),
            Wrong::WriteOnly => f.write_str("it can be set but not read"),
            Wrong::SocketType(kind) => write!(f, "a {} socket does not have it", kind.name()),
            Wrong::Length(length) => write!(f, "a value of {length} bytes has the wrong length"),
            Wrong::Capacity(capacity) => write!(f, "a buffer of {capacity} bytes has the wrong length"),
            Wrong::Range(value) => write!(f, "{value} is out of range"),
            Wrong::Malformed(what) => f.write_str(what),
            Wrong::State(why) => f.write_str(why),
            Wrong::Absent(reason) => write!(f, "not available, because {reason}"),
        }
    }
}

impl std::error::Error for OptionError {}
