//! `cargo xtask test`: everything that is checked before a change lands, cheapest first.
//!
//! Ends with `cargo test`, so that the last thing printed is what the test runner says. Nothing is skipped silently: if PyZMQ
//! cannot be installed, this fails and says so, and `--no-interop` is how to go on without it.

use crate::step::root;
use crate::step::{self, Outcome, cargo};
use crate::{bench, conformance, fuzz, loom, python, tidy};
use std::path::PathBuf;
use std::process::Command;

/// Other people's suites, each once.
const SUITES: [&[&str]; 6] =
    [&["header"], &["install"], &["zmq-crate"], &["libzmq"], &["czmq"], &["pyzmq", "--no-large"]];

/// What each fuzz target gets, in seconds, after its seeds.
const FUZZ_SECONDS: u64 = 10;

/// Runs all checks; `--no-interop` leaves out those that need PyZMQ, `--no-loom` the models, `--no-conformance` other people's
/// suites, `--no-fuzz` the fuzz targets; `--instructions` adds the count of instructions, which needs valgrind and a release build.
///
/// # Errors
/// With the first check that fails.
pub fn run(arguments: &[String]) -> Outcome {
    let mut interop = true;
    let mut models = true;
    let mut suites = true;
    let mut fuzzing = true;
    let mut counting = false;
    for argument in arguments {
        match argument.as_str() {
            "--no-interop" => interop = false,
            "--no-loom" => models = false,
            "--no-conformance" => suites = false,
            "--no-fuzz" => fuzzing = false,
            "--instructions" => counting = true,
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
    step::run("documentation", &mut documentation())?;
    if models {
        loom::run(&["--short".to_owned()])?;
    }
    if fuzzing {
        fuzz::check(FUZZ_SECONDS)?;
    }
    if counting {
        bench::run(&["instructions".to_owned()])?;
    }
    let python = if interop { Some(python::with_pyzmq()?) } else { None };
    if suites {
        for suite in SUITES.iter().filter(|suite| interop || suite[0] != "pyzmq") {
            let words: Vec<String> = suite.iter().map(|word| (*word).to_owned()).collect();
            eprintln!("==> conformance: {}", words.join(" "));
            conformance::run(&words).map_err(|reason| format!("conformance {}: {reason}", suite[0]))?;
        }
    }
    step::run("the C library", cargo().args(["build", "--package", "ferrozmq-capi"]))?;
    let mut tests = tests(python);
    if interop && suites {
        let (python, prefix) = conformance::pyzmq::built()?;
        tests.env("FERROZMQ_PYTHON_BUILT", python).env("FERROZMQ_PREFIX", prefix);
    }
    step::run("tests", &mut tests)
}

/// The workspace's tests, told where the C library is, and the Python with PyZMQ.
fn tests(python: Option<PathBuf>) -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features"]);
    command.env("FERROZMQ_LIBZMQ", root().join("target/debug/libzmq.so"));
    if let Some(python) = python {
        command.env("FERROZMQ_PYTHON", python);
    }
    command
}

/// The documentation of the two library crates; a link that leads nowhere is an error.
fn documentation() -> Command {
    let mut command = cargo();
    command.args([
        "doc",
        "--package",
        "ferrozmq",
        "--package",
        "ferrozmq-proto",
        "--all-features",
        "--no-deps",
    ]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// `bench` and `fuzz` are workspaces of their own: `cargo fmt` would first resolve their dependencies, rustfmt itself need not.
fn rustfmt_outsiders() -> Command {
    let mut command = Command::new("rustfmt");
    command.args(["--check", "--edition", "2024"]);
    command.args(tidy::rust_files_under(&["bench", "fuzz"]));
    command
}
