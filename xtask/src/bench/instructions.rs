//! `cargo xtask bench instructions`: how many instructions a message costs, on machines whose clocks say nothing.
//!
//! callgrind counts what one thread of ours executes on each path of `bench/src/count.rs`, through the Rust API and through the C functions;
//! the kernel's part is not in it. The counts that are right for the present code stand in [`FILE`]: one that has grown beyond the
//! tolerance fails, one that has shrunk is told, so that somebody writes it down (`--update`).

use crate::step::{self, Outcome, root};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Where the counts stand, with what they mean.
const FILE: &str = "bench/instructions.toml";
/// How much more, in percent, is not yet a regression: compilers and the kernel's timing differ by so much.
const TOLERANCE: f64 = 5.0;
/// The variable that tells the counter of C functions whose.
const LIBRARY: &str = "FERROZMQ_BENCH_LIBRARY";
/// Batches that are counted.
const BATCHES: u64 = 20;

const HEAD: &str = "\
# Instructions of our own code for each message of 64 bytes, counted by callgrind: `cargo xtask bench instructions`.
# A round trip is two messages, each sent and received; `parts` are three of 64 bytes; `c-` is through the C functions, as a program calls
# them that asks of each part whether more follow. `--update` writes the present counts here; more than 5 % above them is an error.

";

/// Counts, and compares or writes.
///
/// # Errors
/// If a path has become longer, or valgrind is missing.
pub fn run(arguments: &[String]) -> Outcome {
    let update = match arguments {
        [] => false,
        [flag] if flag == "--update" => true,
        _ => return Err("usage: cargo xtask bench instructions [--update]".to_owned()),
    };
    build()?;
    let mut counts = BTreeMap::new();
    for counter in COUNTERS {
        for (path, batch) in paths(&counter)? {
            let total = count(&counter, &path)?;
            counts.insert(format!("{}{path}", counter.prefix), total as f64 / (BATCHES * batch) as f64);
        }
    }
    if update {
        return write(&counts);
    }
    compare(&counts, &read()?)
}

/// A program that walks the paths.
struct Counter {
    program: &'static str,
    package: &'static str,
    /// What its paths' names begin with in [`FILE`].
    prefix: &'static str,
}

const COUNTERS: [Counter; 2] = [
    Counter { program: "count", package: "ferrozmq-bench-ours", prefix: "" },
    Counter { program: "count-c", package: "ferrozmq-bench-c", prefix: "c-" },
];

impl Counter {
    fn path(&self) -> PathBuf {
        super::target().join("release").join(self.program)
    }
}

fn build() -> Outcome {
    step::run("the C library", &mut step::c_library("release"))?;
    let mut build = super::build("bench/Cargo.toml");
    for counter in &COUNTERS {
        build.args(["--package", counter.package, "--bin", counter.program]);
    }
    step::run("build of what is counted", &mut build)
}

/// Our C library.
fn library() -> PathBuf {
    root().join("target/release/libzmq.so")
}

/// The paths that there are, each with the messages of a batch.
fn paths(counter: &Counter) -> Result<Vec<(String, u64)>, String> {
    let mut program = Command::new(counter.path());
    let output = program.env(LIBRARY, library()).output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let (name, batch) = line.split_once(' ')?;
        Some((name.to_owned(), batch.parse().ok()?))
    };
    text.lines().map(|text| line(text).ok_or_else(|| format!("count printed {text:?}"))).collect()
}

fn count(counter: &Counter, path: &str) -> Result<u64, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    valgrind.arg("--toggle-collect=ferrozmq_bench::count::counted*").env(LIBRARY, library());
    valgrind.arg(counter.path()).args([path, &BATCHES.to_string()]);
    let output =
        valgrind.output().map_err(|error| format!("valgrind: {error} (apt-get install valgrind)"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match collected {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("{path}: callgrind counted nothing:\n{told}")),
    }
}

fn write(counts: &BTreeMap<String, f64>) -> Outcome {
    let mut text = HEAD.to_owned();
    for (path, count) in counts {
        text.push_str(&format!("{path} = {count:.1}\n"));
    }
    std::fs::write(root().join(FILE), text).map_err(|error| format!("{FILE}: {error}"))
}

fn read() -> Result<BTreeMap<String, f64>, String> {
    let text = std::fs::read_to_string(root().join(FILE)).map_err(|error| format!("{FILE}: {error}"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let parse = |line: &str| {
        let (path, count) = line.split_once('=')?;
        Some((path.trim().to_owned(), count.trim().parse().ok()?))
    };
    lines.map(|line| parse(line).ok_or_else(|| format!("{FILE}: {line:?} is not `path = count`"))).collect()
}

/// Tells every path, and fails if one is longer than `right` allows, or unknown there.
fn compare(counts: &BTreeMap<String, f64>, right: &BTreeMap<String, f64>) -> Outcome {
    let mut worse = Vec::new();
    for (path, &count) in counts {
        let Some(&known) = right.get(path) else {
            worse.push(format!("{path} is not in {FILE}: `cargo xtask bench instructions --update`"));
            continue;
        };
        let percent = 100.0 * (count / known - 1.0);
        eprintln!("    {path:12} {count:8.1} instructions ({percent:+.1} %)");
        if percent > TOLERANCE {
            worse.push(format!("{path} takes {count:.1} instructions instead of {known:.1}"));
        } else if percent < -TOLERANCE {
            eprintln!(
                "    {path} has become shorter: `cargo xtask bench instructions --update` writes that down"
            );
        }
    }
    if worse.is_empty() { Ok(()) } else { Err(worse.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(send: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([("send".to_owned(), send)])
    }

    #[test]
    fn only_more_instructions_are_an_error() {
        assert!(compare(&counts(104.0), &counts(100.0)).is_ok());
        assert!(compare(&counts(50.0), &counts(100.0)).is_ok());
        assert!(compare(&counts(106.0), &counts(100.0)).is_err());
        assert!(compare(&counts(1.0), &BTreeMap::new()).is_err());
    }
}
