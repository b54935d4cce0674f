//! `cargo xtask bench`: builds the contenders and hands over to their driver, `bench/src/bin/drive.rs`.

use crate::step::{self, Outcome, cargo};

/// Builds `bench/` in release and runs its driver with `arguments`.
///
/// # Errors
/// If the build fails (libzmq needs a C++ compiler) or the driver does.
pub fn run(arguments: &[String]) -> Outcome {
    let manifest = ["--manifest-path", "bench/Cargo.toml"];
    step::run("build of the contenders", cargo().args(["build", "--release", "--bins"]).args(manifest))?;
    let mut drive = cargo();
    drive.args(["run", "--quiet", "--release", "--bin", "drive"]).args(manifest).arg("--").args(arguments);
    step::run("bench", &mut drive)
}
