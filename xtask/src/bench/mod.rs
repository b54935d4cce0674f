//! `cargo xtask bench`: builds the contenders and hands over to their driver, the program `drive` of the crate in `bench/`; or counts
//! instructions.

mod instructions;

use crate::step::{self, Outcome, cargo, root};
use std::path::PathBuf;
use std::process::Command;

/// The contenders that run unless others are asked for.
const USUAL: &str = "libzmq,ours,ours-c";
/// Contenders of other people. Each is a workspace of its own, so that one that cannot be fetched or built stops nobody.
const RELATIVES: [&str; 3] = ["omq", "zeromq", "rzmq"];
/// Flags with which nothing is measured.
const WITHOUT: [&str; 3] = ["--list", "--show", "--help"];

/// Builds what `arguments` ask for, in release, and runs the driver with them.
///
/// # Errors
/// If the build fails (libzmq needs a C++ compiler) or the driver does.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(("instructions", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        return instructions::run(rest);
    }
    let asked = arguments.iter().skip_while(|argument| *argument != "--contenders").nth(1);
    let asked = asked.map_or(USUAL, String::as_str);
    let measures = !arguments.iter().any(|argument| WITHOUT.contains(&argument.as_str()));
    let has = |name: &str| measures && asked.split([',', '+']).any(|word| word == name);
    let mut packages = vec!["ferrozmq-bench"];
    if has("ours-c") || (measures && asked.contains("c:")) {
        packages.push("ferrozmq-bench-c");
    }
    let ours = "ferrozmq-bench-ours";
    packages.extend(has("libzmq").then_some("ferrozmq-bench-libzmq"));
    packages.extend(["ours", "ours-async", "ours-plain"].into_iter().any(has).then_some(ours));
    if has("ours-c") {
        step::run("the C library", &mut step::c_library("release"))?;
    }
    let mut build = build("bench/Cargo.toml");
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    step::run("build of the contenders", &mut build)?;
    let everybody = measures && arguments.iter().any(|argument| argument == "--all-contenders");
    for name in RELATIVES.iter().filter(|name| everybody || has(name)) {
        if let Err(reason) = step::run(name, &mut self::build(&format!("bench/{name}/Cargo.toml"))) {
            eprintln!("{reason}; it is left out");
        }
    }
    step::run("bench", Command::new(target().join("release/drive")).args(arguments))
}

/// A release build of the manifest at `path`, into the folder that all contenders share.
fn build(path: &str) -> Command {
    let mut build = cargo();
    build.args(["build", "--release", "--manifest-path", path]).env("CARGO_TARGET_DIR", target());
    build
}

fn target() -> PathBuf {
    root().join("bench/target")
}
