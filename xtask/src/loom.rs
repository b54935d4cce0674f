//! `cargo xtask loom`: the models of ring, locks, wake protocol, leases, roles and whole sockets, explored by loom.
//!
//! Models are tests whose name begins with `loom_`, compiled with `--cfg loom`. They have a target folder of their own, so that
//! changing between models and tests rebuilds nothing.

use crate::step::{self, Outcome, cargo, root};

/// How often loom lets a thread be interrupted in the short run; more finds little more and takes much longer.
const SHORT_PREEMPTIONS: &str = "2";

/// Runs every model; with `--short`, with a bound on preemptions.
///
/// # Errors
/// If a model fails, or loom exceeds one of its own limits.
pub fn run(arguments: &[String]) -> Outcome {
    let mut command = cargo();
    command
        .args(["test", "--package", "ferrozmq", "--lib", "--release", "loom_"])
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", root().join("target/loom"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    match arguments {
        [] => {}
        [flag] if flag == "--short" => {
            command.env("LOOM_MAX_PREEMPTIONS", SHORT_PREEMPTIONS);
        }
        _ => return Err("the only flag is --short".to_owned()),
    }
    step::run("loom models", &mut command)
}
