//! `cargo xtask soak`: the long runs, for before a release and for nights.
//!
//! The tests are the same as in `cargo xtask test`, optimised, and multiplied by the variables set here; nothing is tested only here.

use crate::step::{self, Outcome, cargo};
use crate::{fuzz, loom, python};

const DEFAULT_MESSAGES: &str = "100000000";
const DEFAULT_FUZZ_RUNS: &str = "10000000";
/// Operations that both providers of cryptography do, and offences against CURVE's frames.
const CRYPTO_EXECUTIONS: &str = "10000000";
const CRYPTO_OFFENCES: &str = "1000000";
/// Peers that begin a handshake and never end it.
const SLOW_PEERS: &str = "5000";
/// Children of a fork that each draw a nonce.
const FORKS: &str = "10000";

/// Runs models in full, every fuzz target (if there are any), and the integration tests with long counts; or, if told
/// `crypto`, what concerns the cryptography alone, if told `slow`, the slow peers alone.
///
/// # Errors
/// With the first that fails.
pub fn run(arguments: &[String]) -> Outcome {
    match arguments {
        [part] if part == "crypto" => return crypto(),
        [part] if part == "slow" => return door(&["slow"]),
        _ => {}
    }
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
    crypto()?;
    tests
        .args(["test", "--release", "--package", "ferrozmq", "--all-features", "--", "--test-threads", "2"])
        .env("FERROZMQ_PYTHON", python)
        .env("FERROZMQ_SOAK_FORKS", FORKS)
        .env("FERROZMQ_SOAK", &messages);
    step::run("tests with long counts", &mut tests)?;
    door(&[])?;
    loom::run(&[])?;
    fuzz::run(&["--runs".to_owned(), fuzz_runs])
}

/// Peers that misbehave, and thousands of slow ones; of these tests those with such a name.
fn door(names: &[&str]) -> Outcome {
    let mut tests = cargo();
    tests
        .args(["test", "--release", "--package", "ferrozmq-misbehaving", "--test", "door", "--"])
        .args(names)
        .arg("--nocapture")
        .env("FERROZMQ_SOAK_PEERS", SLOW_PEERS);
    step::run("peers that misbehave, and thousands of slow ones", &mut tests)
}

/// The providers of cryptography against each other, offences against CURVE by the million, and CURVE on the second provider.
fn crypto() -> Outcome {
    let mut tests = cargo();
    tests
        .args(["test", "--release", "--package", "ferrozmq-proto", "--lib", "--"])
        .args(["the_providers_agree", "nothing_changed_or_repeated_is_accepted", "--nocapture"])
        .env("FERROZMQ_SOAK_CRYPTO", CRYPTO_EXECUTIONS)
        .env("FERROZMQ_SOAK_CURVE", CRYPTO_OFFENCES);
    step::run("cryptography with long counts", &mut tests)?;
    let second = ["--no-default-features", "--features", "crypto_box"];
    step::run(
        "the protocol on the second provider",
        cargo().args(["test", "--package", "ferrozmq-proto", "--lib"]).args(second),
    )?;
    step::run(
        "sockets on the second provider",
        cargo()
            .args(["test", "--package", "ferrozmq", "--test", "it"])
            .args(second)
            .args(["--", "curve", "zap"]),
    )
}
