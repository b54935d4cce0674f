//! `cargo xtask tsan`: the engine's threaded tests under ThreadSanitizer.
//!
//! Needs a nightly toolchain. With its `rust-src` the standard library is instrumented too; without it, races inside std's own
//! code (its futex slow paths) go unseen, but ours, including what we instantiate of std's generics, do not. What it then takes
//! for races, because std's part in ordering them is not seen, is listed in `xtask/tsan.supp`; and `--cfg tsan` keeps our locks
//! out of std's slow path.

use crate::step::{self, Outcome, nightly_cargo, root};
use std::path::Path;
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Unit tests of what threads share, and tests of whole sockets in which threads meet.
///
/// The resolver's and the monitor's are left out: they sleep on std's condition variables, which take their mutex
/// back unseen.
const STEPS: [(&str, &[&str], &[&str]); 2] = [
    (
        "units",
        &["--lib"],
        &["pipe::", "wake::", "spin::", "sys::", "io::lease", "io::timer", "socket::", "transport::"],
    ),
    ("sockets", &["--test", "it"], &["lease::", "threads::", "soak::", "conversations::", "termination::"]),
];

/// Left out: the test's own threads share a map behind std's mutex, whose slow path is not seen.
const SKIPPED: &str = "threads::endpoints_come_and_go_under_way";

/// Messages of the long streams and seconds of the stress, each an order below what a plain run does.
const LOAD: [(&str, &str); 2] = [("FERROZMQ_SOAK", "20000"), ("FERROZMQ_STRESS_SECONDS", "2")];

/// Runs the tests; arguments are passed on as filters of test names, in place of the usual ones.
///
/// # Errors
/// If there is no nightly toolchain, a test fails, or a race is reported.
pub fn run(arguments: &[String]) -> Outcome {
    let mut flags = "-Zsanitizer=thread --cfg tsan".to_owned();
    let instrument_std = has_rust_src();
    if !instrument_std {
        eprintln!("    the nightly toolchain has no rust-src: std stays uninstrumented");
        flags.push_str(" -Cunsafe-allow-abi-mismatch=sanitizer");
    }
    for (name, what, filters) in STEPS {
        let mut command = nightly_cargo();
        command.args(["test", "--package", "ferrozmq", "--target", TARGET]).args(what);
        if instrument_std {
            command.arg("-Zbuild-std");
        }
        command.args(["--", "--test-threads", "2", "--skip", SKIPPED]);
        if arguments.is_empty() {
            command.args(filters);
        }
        command
            .args(arguments)
            .env("TSAN_OPTIONS", options(instrument_std))
            .env("RUSTFLAGS", &flags)
            .env("CARGO_TARGET_DIR", root().join("target/tsan"))
            .envs(LOAD);
        step::run(&format!("ThreadSanitizer, {name}"), &mut command)?;
    }
    Ok(())
}

fn options(instrument_std: bool) -> String {
    let mut options = "halt_on_error=1 second_deadlock_stack=1".to_owned();
    if !instrument_std {
        options.push_str(&format!(" suppressions={}", root().join("xtask/tsan.supp").display()));
    }
    options
}

fn has_rust_src() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["+nightly", "--print", "sysroot"]).env_remove("RUSTUP_TOOLCHAIN");
    let sysroot = step::output("rustc +nightly", &mut rustc).unwrap_or_default();
    Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library").is_dir()
}
