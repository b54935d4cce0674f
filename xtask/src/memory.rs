//! `cargo xtask memory`: the programs in C, against a library whose every access to memory is checked.
//!
//! Twice: with library and programs instrumented by AddressSanitizer (std is not, but what is instantiated of its generics
//! is), leaks included; then, not instrumented, under valgrind, which sees what is read before it was written. The sanitizer
//! of Rust needs a switch that stable compilers keep to themselves (`RUSTC_BOOTSTRAP`); its run-time part is the C compiler's.

use crate::step::{self, Outcome, cargo, root};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A program that asks for too much memory is to be told so, as without a sanitizer.
const ASAN: &str = "allocator_may_return_null=1:detect_stack_use_after_return=1:strict_string_checks=1";

/// For the programs' own part.
const CFLAGS: &str = "-fsanitize=address,undefined -fno-sanitize-recover=undefined";

/// The program that forks. AddressSanitizer leaves it out: the allocator of the C compiler's sanitizer may be locked for ever in
/// a child of several threads.
const FORKS: &str = "a_child_closes_what_it_inherits";

/// What a thread that still runs at the end holds is possibly, not definitely, lost.
const VALGRIND: &str = "valgrind --quiet --error-exitcode=99 --trace-children=no --leak-check=full \
                        --errors-for-leak-kinds=definite --show-leak-kinds=definite --fair-sched=try";

/// For the program that forks: a child has lost the stacks of its parent's threads, and with them what they held, so that it
/// can be asked what it touches, but not what it leaks.
const VALGRIND_FORKS: &str =
    "valgrind --quiet --error-exitcode=99 --trace-children=no --leak-check=no --fair-sched=try";

/// Runs the programs whose tests' names contain one of the `NAME`s, or all; `--asan` or `--valgrind` is only one of the two ways.
///
/// # Errors
/// If something cannot be built, or a program fails or touches what it should not.
pub fn run(arguments: &[String]) -> Outcome {
    let (flags, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|word| word.starts_with('-'));
    if let Some(unknown) = flags.iter().find(|flag| !["--asan", "--valgrind"].contains(&flag.as_str())) {
        return Err(format!("no such flag: {unknown}"));
    }
    let wanted = |flag: &str| flags.is_empty() || flags.iter().any(|given| *given == flag);
    if wanted("--asan") {
        let mut tests = programs(&sanitized()?, &names);
        tests.args(["--skip", FORKS]);
        tests.env("FERROZMQ_PROGRAMS_CFLAGS", CFLAGS).env("ASAN_OPTIONS", ASAN);
        step::run("the programs in C, AddressSanitizer", &mut tests)?;
    }
    if wanted("--valgrind") {
        step::run("the C library", cargo().args(["build", "--package", "ferrozmq-capi"]))?;
        let library = root().join("target/debug/libzmq.so");
        let mut tests = programs(&library, &names);
        tests.args(["--skip", FORKS]).env("FERROZMQ_PROGRAMS_UNDER", VALGRIND);
        step::run("the programs in C, valgrind", &mut tests)?;
        if names.is_empty() {
            let mut test = programs(&library, &[&FORKS.to_owned()]);
            test.env("FERROZMQ_PROGRAMS_UNDER", VALGRIND_FORKS);
            step::run("the program that forks, valgrind", &mut test)?;
        }
    }
    Ok(())
}

/// Builds the library with the sanitizer.
fn sanitized() -> Result<PathBuf, String> {
    let folder = root().join("target/asan");
    let mut build = cargo();
    build.args(["build", "--package", "ferrozmq-capi", "--target", TARGET]);
    build.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &folder);
    build.env("RUSTFLAGS", "-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer");
    step::run("the C library, instrumented", &mut build)?;
    Ok(folder.join(TARGET).join("debug/libzmq.so"))
}

/// The tests that compile and run the programs, one at a time, with `library`.
fn programs(library: &Path, names: &[&String]) -> Command {
    let mut tests = cargo();
    tests.args(["test", "--package", "ferrozmq-capi", "--test", "programs", "--", "--test-threads", "1"]);
    tests.args(names);
    tests.env("FERROZMQ_LIBZMQ", library);
    tests
}
