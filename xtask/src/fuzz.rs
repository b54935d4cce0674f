//! `cargo xtask fuzz [TARGET] [--runs N | --seconds N | --seeds | --check N]`: the fuzz targets, with nothing to install.
//!
//! The targets link libFuzzer by the crate `libfuzzer-sys`; the coverage instrumentation is LLVM's and its flags are stable, so
//! the stable toolchain will do and cargo-fuzz is not needed. What a run finds to be new it leaves in `fuzz/corpus/TARGET`
//! (not committed); what crashed, in `fuzz/artifacts/TARGET`; `fuzz/seeds/TARGET` is committed and where every run begins.

use crate::step::{self, Outcome, cargo, root};
use std::path::PathBuf;
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What `--runs` is when it is not given: a minute or so for each target.
const DEFAULT_RUNS: u64 = 1_000_000;

/// Instruments every edge and comparison, as cargo-fuzz does.
const FLAGS: [&str; 7] = [
    "--cfg fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks",
];

/// How long a target runs.
#[derive(Clone, Copy)]
enum Length {
    Runs(u64),
    Seconds(u64),
    /// The seeds, and no more.
    Seeds,
}

/// Builds all targets and runs the named one, or each in turn.
///
/// # Errors
/// If the build fails, the target does not exist, or an input makes it fail.
pub fn run(arguments: &[String]) -> Outcome {
    let mut length = Length::Runs(DEFAULT_RUNS);
    let mut wanted: Option<&str> = None;
    let mut checked = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let number = rest.next().and_then(|text| text.replace('_', "").parse().ok());
            number.ok_or(format!("{argument} needs a number"))
        };
        match argument.as_str() {
            "--runs" => length = Length::Runs(number()?),
            "--seconds" => length = Length::Seconds(number()?),
            "--seeds" => length = Length::Seeds,
            "--check" => checked = Some(number()?),
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            name => wanted = Some(name),
        }
    }
    if let Some(seconds) = checked {
        return check(seconds);
    }
    let targets = targets()?;
    if let Some(name) = wanted
        && !targets.iter().any(|target| target == name)
    {
        return Err(format!("no such target: {name}; there are {}", targets.join(", ")));
    }
    build()?;
    targets.iter().filter(|target| wanted.is_none_or(|name| name == *target)).try_for_each(|name| {
        let mut command = fuzz(name, length)?;
        command.args(["-print_final_stats=1", "-verbosity=1"]);
        step::run(&format!("fuzz {name}"), &mut command)
    })
}

/// Builds all targets, replays the seeds of each and fuzzes it for `seconds`, two targets at a time; prints only what fails.
///
/// # Errors
/// If the build fails, or an input makes a target fail.
fn check(seconds: u64) -> Outcome {
    build()?;
    let targets = targets()?;
    eprintln!("==> {} fuzz targets, {seconds} seconds each", targets.len());
    let (first, second) = targets.split_at(targets.len() / 2);
    let half = |names: &[String]| names.iter().try_for_each(|name| check_one(name, seconds));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(second));
        half(first)?;
        other.join().map_err(|_| "the other half of the fuzzing panicked".to_owned())?
    })
}

fn check_one(name: &str, seconds: u64) -> Outcome {
    // The seeds first and by themselves: what they find is a mistake of the last change.
    for length in [Length::Seeds, Length::Seconds(seconds)] {
        step::output(&format!("fuzz {name}"), &mut fuzz(name, length)?)?;
    }
    Ok(())
}

/// The names of the targets: the files in `fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>, String> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// `--target` is named so that build scripts and procedural macros stay uninstrumented.
fn build() -> Outcome {
    let mut command = cargo();
    command
        .args(["build", "--release", "--bins", "--manifest-path", "fuzz/Cargo.toml", "--target", TARGET])
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env("CARGO_TARGET_DIR", root().join("fuzz/target"));
    step::run("build of the fuzz targets", &mut command)
}

fn fuzz(name: &str, length: Length) -> Result<Command, String> {
    let artifacts = folder("artifacts", name)?;
    let seeds = root().join("fuzz/seeds").join(name);
    let mut command = Command::new(root().join("fuzz/target").join(TARGET).join("release").join(name));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-rss_limit_mb=2048", "-timeout=30"]);
    match length {
        Length::Runs(runs) => command.arg(format!("-runs={runs}")).arg(folder("corpus", name)?),
        Length::Seconds(seconds) => {
            command.arg(format!("-max_total_time={seconds}")).arg(folder("corpus", name)?)
        }
        Length::Seeds => command.arg("-runs=0"),
    };
    if seeds.is_dir() {
        command.arg(seeds);
    }
    Ok(command)
}

fn folder(kind: &str, name: &str) -> Result<PathBuf, String> {
    let path = root().join("fuzz").join(kind).join(name);
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
