//! `-o list`: every socket option that `-o` knows.
//!
//! The library's own table is printed, so that the list is never out of date.

use std::fmt::Write as _;

use ferrozmq::SocketType;
use ferrozmq::option::{Status, TABLE};

use crate::failure::Failure;
use crate::open::print_line;

/// Whether these values of `-o` ask for the list.
pub fn are_asked_for(values: &[String]) -> bool {
    values.iter().any(|value| value == "list")
}

/// Prints a line for each option that one of `kinds` may set: name, meaning, values.
///
/// # Errors
/// If standard output takes no more.
pub fn list(kinds: &[SocketType]) -> Result<(), Failure> {
    let mut text = String::new();
    for row in TABLE.iter().filter(|row| kinds.iter().any(|kind| row.writers.contains(*kind))) {
        // Writing to a String cannot fail.
        let _ = match row.status() {
            Status::Works => writeln!(text, "{:<26} {} ({})", row.name, row.doc, row.range()),
            Status::Absent(reason) => writeln!(text, "{:<26} not available: {reason}", row.name),
        };
    }
    print_line(text.trim_end())
}
