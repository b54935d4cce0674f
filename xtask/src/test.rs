//! `cargo xtask test`: everything that is checked before a change lands, in a quarter of an hour on two processors.
//!
//! What computes comes first, cheapest first. What waits most of the time (the tests, and other people's suites) runs at once, and beside it, with what
//! they leave of the processors, the models and the fuzz targets. Ends with `cargo test`, so that the last thing printed is what the test
//! runner says. Nothing is skipped silently: if PyZMQ cannot be installed, this fails and says so, and `--no-interop` is how to go on
//! without it.

use crate::conformance::library;
use crate::step::{self, Beside, Outcome, cargo};
use crate::{bench, conformance, python, tidy};
use std::process::Command;

/// Other people's suites that compute, each once.
const SUITES: [&str; 3] = ["header", "install", "zmq-crate"];

/// Those that wait most of the time.
const PATIENT_SUITES: [&[&str]; 3] =
    [&["conformance", "libzmq"], &["conformance", "czmq"], &["conformance", "pyzmq", "--no-large"]];

/// What yields to all others. A fuzz target gets some seconds after its seeds.
const MODELS: &[&str] = &["loom", "--short"];
const FUZZING: &[&str] = &["fuzz", "--check", "4"];

/// So many tests run at once on each processor: they wait for each other's ports, for peers, for timers.
const WAITERS: usize = 3;

/// Runs all checks; `--no-interop` leaves out those that need PyZMQ, `--no-loom` the models, `--no-conformance` other people's
/// suites, `--no-fuzz` the fuzz targets; `--instructions` adds the count of instructions, which needs valgrind and a release build.
///
/// # Errors
/// With the first check that fails, or all that have failed of those that run at once.
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
    if counting {
        bench::run(&["instructions".to_owned()])?;
    }
    // Without a choice of targets: the tests run the examples. Before the C library: from here on none is built that would take its place.
    step::run("build of the tests", cargo_test().arg("--no-run"))?;
    let python = if interop { Some(python::with_pyzmq()?) } else { None };
    let library = library::folder(None, false)?.join("libzmq.so.5");
    for suite in SUITES.iter().filter(|_| suites) {
        eprintln!("==> conformance: {suite}");
        conformance::run(&[(*suite).to_owned()])
            .map_err(|reason| format!("conformance {suite}: {reason}"))?;
    }
    let built = if interop && suites { Some(conformance::pyzmq::built()?) } else { None };

    let mut beside = Vec::new();
    for suite in PATIENT_SUITES.iter().filter(|suite| suites && (interop || suite[1] != "pyzmq")) {
        beside.push(Beside::begin(suite, false)?);
    }
    for chore in
        [(models, MODELS), (fuzzing, FUZZING)].iter().filter_map(|(wanted, chore)| wanted.then_some(chore))
    {
        beside.push(Beside::begin(chore, true)?);
    }
    let mut tests = cargo_test();
    tests.args(["--lib", "--bins", "--tests"]).env("FERROZMQ_LIBZMQ", library);
    tests.env("RUST_TEST_THREADS", (conformance::processors() * WAITERS).to_string());
    if let Some(python) = python {
        tests.env("FERROZMQ_PYTHON", python);
    }
    if let Some((python, prefix)) = built {
        tests.env("FERROZMQ_PYTHON_BUILT", python).env("FERROZMQ_PREFIX", prefix);
    }
    let outcomes =
        std::iter::once(step::run("tests", &mut tests)).chain(beside.into_iter().map(Beside::finish));
    let failures: Vec<String> = outcomes.filter_map(Outcome::err).collect();
    if !failures.is_empty() {
        return Err(failures.join("; "));
    }
    step::run("examples of the documentation", cargo_test().arg("--doc"))
}

/// `cargo test` of the workspace.
fn cargo_test() -> Command {
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-features"]);
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
