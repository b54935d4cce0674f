//! `cargo xtask bench`: builds the contenders and hands over to their driver, the program `drive` of the crate in `bench/`.

use crate::step::{self, Outcome, cargo, root};
use std::process::Command;

/// All contenders; `raw` comes with the driver, the others are packages of their own.
const CONTENDERS: &str = "raw,libzmq,ours";

/// Builds what `arguments` ask for, in release, and runs the driver with them.
///
/// # Errors
/// If the build fails (libzmq needs a C++ compiler) or the driver does.
pub fn run(arguments: &[String]) -> Outcome {
    let asked = arguments.iter().skip_while(|argument| *argument != "--contenders").nth(1);
    let asked = asked.map_or(CONTENDERS, String::as_str);
    let mut build = cargo();
    build.args(["build", "--release", "--manifest-path", "bench/Cargo.toml", "--package", "ferrozmq-bench"]);
    for name in asked.split(',').filter(|name| *name != "raw") {
        build.args(["--package", &format!("ferrozmq-bench-{name}")]);
    }
    build.env("CARGO_TARGET_DIR", root().join("bench/target"));
    step::run("build of the contenders", &mut build)?;
    step::run("bench", Command::new(root().join("bench/target/release/drive")).args(arguments))
}
