//! `cargo xtask soak`: the long runs, for before a release and for nights.
//!
//! The tests are the same as in `cargo xtask test`, optimised, and multiplied by the variables set here; nothing is tested only here.

use crate::step::{self, Outcome, cargo};
use crate::{fuzz, loom, python};

const DEFAULT_MESSAGES: &str = "100000000";
const DEFAULT_FUZZ_RUNS: &str = "10000000";

/// Runs models in full, every fuzz target (if there are any), and the integration tests with long counts.
///
/// # Errors
/// With the first that fails.
pub fn run(arguments: &[String]) -> Outcome {
    let mut messages = DEFAULT_MESSAGES.to_owned();
    let mut fuzz_runs = DEFAULT_FUZZ_RUNS.to_owned();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{argument} needs a number"))?.clone();
        match argument.as_str() {
            "--messages" => messages = value,
            "--fuzz-runs" => fuzz_runs = value,
            other => return Err(format!("no such flag: {other}")),
        }
    }
    let python = python::with_pyzmq()?;
    let mut tests = cargo();
    tests
        .args(["test", "--release", "--package", "ferrozmq", "--all-features", "--", "--test-threads", "2"])
        .env("FERROZMQ_PYTHON", python)
        .env("FERROZMQ_SOAK", &messages);
    step::run("tests with long counts", &mut tests)?;
    loom::run(&[])?;
    fuzz::run(&["--runs".to_owned(), fuzz_runs])
}
