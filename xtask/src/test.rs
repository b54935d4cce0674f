//! `cargo xtask test`: everything that is checked before a change lands, cheapest first.
//!
//! Ends with `cargo test`, so that the last thing printed is what the test runner says. Nothing is skipped silently: if PyZMQ
//! cannot be installed, this fails and says so, and `--no-interop` is how to go on without it.

use crate::step::{self, Outcome, cargo};
use crate::{loom, python, tidy};
use std::process::Command;

/// Runs all checks; `--no-interop` leaves out those that need PyZMQ, `--no-loom` the models.
///
/// # Errors
/// With the first check that fails.
pub fn run(arguments: &[String]) -> Outcome {
    let mut interop = true;
    let mut models = true;
    for argument in arguments {
        match argument.as_str() {
            "--no-interop" => interop = false,
            "--no-loom" => models = false,
            other => return Err(format!("no such flag: {other}")),
        }
    }
    step::run("format", cargo().args(["fmt", "--all", "--check"]))?;
    step::run("format of the packages outside the workspace", &mut rustfmt_outsiders())?;
    tidy::run(&[])?;
    step::run(
        "lints",
        cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
    )?;
    if models {
        loom::run(&["--short".to_owned()])?;
    }
    let python = if interop { Some(python::with_pyzmq()?) } else { None };
    step::run("tests", &mut tests(python))
}

/// The workspace's tests, told where the Python with PyZMQ is.
fn tests(python: Option<std::path::PathBuf>) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features"]);
    if let Some(python) = python {
        command.env("FERROZMQ_PYTHON", python);
    }
    command
}

/// `bench` and `fuzz` are workspaces of their own: `cargo fmt` would first resolve their dependencies, rustfmt itself need not.
fn rustfmt_outsiders() -> Command {
    let mut command = Command::new("rustfmt");
    command.args(["--check", "--edition", "2024"]);
    command.args(tidy::rust_files_under(&["bench", "fuzz"]));
    command
}
