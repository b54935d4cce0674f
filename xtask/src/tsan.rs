//! `cargo xtask tsan`: the engine's unit tests under ThreadSanitizer.
//!
//! Needs a nightly toolchain. With its `rust-src` the standard library is instrumented too; without it, races inside std's own
//! code (its futex slow paths) go unseen, but ours, including what we instantiate of std's generics, do not; what the test runner
//! does with its own channel then looks like a race, and `xtask/tsan.supp` says so.

use crate::step::{self, Outcome, nightly_cargo, root};
use std::path::Path;
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the library tests of the engine; arguments are passed on as test name filters.
///
/// # Errors
/// If there is no nightly toolchain, a test fails, or a race is reported.
pub fn run(arguments: &[String]) -> Outcome {
    let mut command = nightly_cargo();
    command.args(["test", "--package", "ferrozmq", "--lib", "--target", TARGET]);
    let mut flags = "-Zsanitizer=thread".to_owned();
    if has_rust_src() {
        command.arg("-Zbuild-std");
    } else {
        eprintln!("    the nightly toolchain has no rust-src: std stays uninstrumented");
        flags.push_str(" -Cunsafe-allow-abi-mismatch=sanitizer");
    }
    let suppressions = root().join("xtask/tsan.supp");
    command.args(arguments).env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", root().join("target/tsan")).env(
        "TSAN_OPTIONS",
        format!("halt_on_error=1 second_deadlock_stack=1 suppressions={}", suppressions.display()),
    );
    step::run("ThreadSanitizer", &mut command)
}

fn has_rust_src() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["+nightly", "--print", "sysroot"]).env_remove("RUSTUP_TOOLCHAIN");
    let sysroot = step::output("rustc +nightly", &mut rustc).unwrap_or_default();
    Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library").is_dir()
}
