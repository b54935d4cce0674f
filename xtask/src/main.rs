//! The repository's own chores: `cargo xtask CHORE`.
//!
//! Plain std, so that it builds in a second and needs nothing. One chore per file; this one only finds it.
//! It may know everything about the repository, and nothing in the repository may need it.

mod api;
mod bench;
mod conformance;
mod fuzz;
mod install;
mod loom;
mod memory;
mod python;
mod soak;
mod step;
mod test;
mod tidy;
mod tsan;

use std::process::ExitCode;
use step::Outcome;

/// A chore's name, what it does in a line, and the function that does it.
type Chore = (&'static str, &'static str, fn(&[String]) -> Outcome);

const CHORES: [Chore; 11] = [
    (
        "test",
        "everything that is checked before a change lands [--no-interop] [--no-loom] [--no-conformance] [--no-fuzz] [--instructions]",
        test::run,
    ),
    ("tidy", "the repository's rules", tidy::run),
    (
        "api",
        "what Rust programs rely on: every combination of features, and the public API [features | semver]",
        api::run,
    ),
    (
        "conformance",
        "other people's test suites on our C library: header, install, libzmq, czmq, pyzmq, zmq-crate",
        conformance::run,
    ),
    (
        "install",
        "the C library with all that programs look for: --prefix P [--profile release] [--no-command]",
        install::run,
    ),
    ("loom", "the concurrency models, every interleaving [--short]", loom::run),
    ("tsan", "the threaded tests under ThreadSanitizer (needs a nightly toolchain)", tsan::run),
    (
        "memory",
        "the programs in C under AddressSanitizer and valgrind [NAME…] [--asan] [--valgrind]",
        memory::run,
    ),
    ("fuzz", "fuzz targets: [TARGET] [--runs N | --seconds N | --seeds | --check N]", fuzz::run),
    (
        "soak",
        "the long runs: models in full, fuzzing by the million, 10^8 messages [--messages N] [--fuzz-runs N]; or one of them: crypto",
        soak::run,
    ),
    (
        "bench",
        "us, libzmq, bare sockets and others in turns; what follows goes to the driver (try --help); or: instructions [--update]",
        bench::run,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else { return usage() };
    let Some((_, _, chore)) = CHORES.iter().find(|(known, ..)| known == name) else { return usage() };
    match chore(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask {name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask CHORE\n");
    for (name, purpose, _) in CHORES {
        eprintln!("  {name:11} {purpose}");
    }
    ExitCode::from(2)
}
