//! `cargo xtask conformance SUITE`: other people's test suites, run on our C library and on the original beside it.
//!
//! Each suite has a file of deviations in `conformance/`, each with its reason; a run fails on whatever the original can do, we
//! cannot, and no reason is given for, and on a reason that no longer holds. Everything that is fetched or built lives under
//! `target/conformance`.

mod crate_zmq;
mod czmq;
mod deviations;
mod header;
mod install;
pub mod library;
mod libzmq;
mod load;
mod matrix;
mod original;
mod pool;
mod programs;
pub mod pyzmq;
mod report;
mod sandbox;
mod tree;
mod trial;

pub use self::pool::processors;
use crate::step::{Outcome, root};
use std::path::PathBuf;

/// A suite's name, its flags, and what runs it.
type Suite = (&'static str, &'static str, fn(&[String]) -> Outcome);

const SUITES: [Suite; 6] = [
    ("czmq", "[NAME…] [--repeat N] [--release]", czmq::run),
    ("zmq-crate", "[CARGO'S FLAG…]", crate_zmq::run),
    ("header", "", header::run),
    ("install", "[--release]", install::run),
    (
        "libzmq",
        "[NAME…] [--repeat N] [--width N] [--load] [--lib PATH] [--release] [--tree debian|crate]",
        libzmq::run,
    ),
    ("pyzmq", "[FILE…] [--repeat N] [--cffi] [--no-large] [--release]", pyzmq::run),
];

/// Runs the suite that is named first; the rest are its arguments.
///
/// # Errors
/// If there is no such suite, it cannot be built, or it finds something unexpected.
pub fn run(arguments: &[String]) -> Outcome {
    let known = || SUITES.map(|(name, flags, _)| format!("\n  {name} {flags}")).concat();
    let (name, rest) = arguments.split_first().ok_or_else(|| format!("which suite?{}", known()))?;
    match SUITES.iter().find(|(suite, ..)| suite == name) {
        Some((_, _, suite)) => suite(rest),
        None => Err(format!("no such suite: {name}{}", known())),
    }
}

/// Where suites are fetched, built and run.
fn workshop() -> PathBuf {
    root().join("target/conformance")
}
