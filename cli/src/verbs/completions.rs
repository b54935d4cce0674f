//! `zmq completions SHELL`: a script that completes our verbs and flags.

use std::io::Write as _;

use clap_complete::{Shell, generate};

use crate::args::Cli;
use crate::failure::Failure;

/// Prints the script for `shell`.
///
/// # Errors
/// If standard output takes no more.
pub fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::grammar(), "zmq", &mut script);
    std::io::stdout().write_all(&script).map_err(|error| Failure::from_output(&error))
}
