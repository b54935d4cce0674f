//! `-o list`: every socket option that `-o` knows.

use std::fmt::Write as _;

use ferrozmq::option::{Status, TABLE};

use crate::failure::Failure;
use crate::open::print_line;

/// Prints a line for each option: name, values, meaning.
///
/// # Errors
/// If standard output takes no more.
pub fn list() -> Result<(), Failure> {
    let mut text = String::new();
    for row in TABLE {
        let _ = match row.status() { // writing to a String cannot fail
            Status::Works => writeln!(text, "{:<26} {} ({})", row.name, row.doc, row.range()),
            Status::Absent(reason) => writeln!(text, "{:<26} not available: {reason}", row.name),
        };
    }
    print_line(text.trim_end())
}
