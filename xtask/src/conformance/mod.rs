//! `cargo xtask conformance SUITE`: other people's test suites, run on our C library and on the original beside it.
//!
//! Each suite has a file of deviations in `conformance/`, each with its reason; a run fails on whatever the original can do, we
//! cannot, and no reason is given for, and on a reason that no longer holds. Everything that is fetched or built lives under
//! `target/conformance`.

mod deviations;
mod library;
mod libzmq;
mod load;
mod original;
mod pool;
mod programs;
mod report;
mod sandbox;
mod tree;
mod trial;

use crate::step::{Outcome, root};
use std::path::PathBuf;

/// Runs the suite that is named first; the rest are its arguments.
///
/// # Errors
/// If there is no such suite, it cannot be built, or it finds something unexpected.
pub fn run(arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((suite, rest)) if suite == "libzmq" => libzmq::run(rest),
        _ => Err("which suite? libzmq [NAME…] [--repeat N] [--load] [--lib PATH] [--release] [--tree debian|crate]".into()),
    }
}

/// Where suites are fetched, built and run.
fn workshop() -> PathBuf {
    root().join("target/conformance")
}
