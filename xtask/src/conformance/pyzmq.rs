//! `cargo xtask conformance pyzmq`: PyZMQ, built from its source against our installation; its own tests on our library and on the one
//! that its wheel carries.
//!
//! Each file of tests is a process of its own, and a test that takes its process with it is left out of the next one, which goes on
//! with the rest. Both libraries are run through the same extension module; only the library that it finds differs.

use super::deviations::Deviations;
use super::matrix::{self, Side};
use super::report;
use super::sandbox::Sandbox;
use super::tree::make_folder;
use super::trial::{self, Reading, Trial, Verdict};
use super::{install, workshop};
use crate::python;
use crate::step::{self, Outcome, root};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The sum of the source of the release that [`python::PYZMQ`] names.
const SDIST: &str = "pyzmq-27.3.0";
const SDIST_SHA256: &str = "bbedb3d1d99babc625f1dd9d7438acefd442b36b75073fd6bc1ef7c0a4b96d56";

/// Files of tests that are ours, for what PyZMQ leaves out. They run as its own do, on both libraries.
const OURS: [&str; 1] = ["test_loops.py"];

/// What the other backend is written in; elsewhere its presence would change what is tested.
const CFFI: &str = "cffi==2.1.1";

/// How long a file of tests may take, and one test, in seconds. A test that hangs inside the library, where Python's signals do not
/// reach, ends with its process.
const PATIENCE: Duration = Duration::from_secs(180);
const TEST_PATIENCE: &str = "--timeout=30";

/// How often a test that fails is tried, on either library: some depend on timing. Each time in a process of its own, because a test
/// that fails can leave behind what makes the next ones fail.
const TRIES: usize = 3;

/// A test that takes its process with it has used up this many tries: it took long enough.
const DEATH: usize = 2;

struct Arguments {
    filters: Vec<String>,
    repeat: usize,
    cffi: bool,
    large: bool,
    release: bool,
}

/// Where things are.
struct Setting {
    python: PathBuf,
    tests: PathBuf,
    ours: PathBuf,
    original: PathBuf,
    large: bool,
    backend: &'static str,
}

/// Builds what has to be built, runs the tests, and compares.
///
/// # Errors
/// If something cannot be built, or with the number of unexpected results.
pub fn run(arguments: &[String]) -> Outcome {
    let arguments = parse(arguments)?;
    let deviations = Deviations::read(&root().join("conformance/pyzmq.toml"))?;
    let prefix = install::prefix(if arguments.release { "release" } else { "dev" })?;
    let backend = if arguments.cffi { "cffi" } else { "cython" };
    let folder = workshop().join(format!("pyzmq-{backend}"));
    let setting = Setting {
        tests: sdist()?,
        python: build(&folder, &prefix, backend)?,
        ours: prefix.join("lib"),
        original: wheels_library()?,
        large: arguments.large,
        backend,
    };
    let files = files(&setting.tests, &arguments.filters)?;
    let sandbox = Sandbox::new()?;
    eprintln!("==> running {} files of PyZMQ's tests", files.len());
    let begin = Instant::now();
    let run = |file: &str, side| {
        let library = if side == Side::Original { &setting.original } else { &setting.ours };
        let hopeless = |case: &str| {
            let reason = deviations.reason(&format!("{file}:{case}"), ":");
            reason.is_some_and(|(_, reason)| reason.sometimes || side == Side::Ours)
        };
        run_file(&sandbox, &setting, file, library, &hopeless)
    };
    let compared = matrix::compare(&files, arguments.repeat, sandbox.width(), run)?;
    let unexpected = report::print(&compared, &deviations);
    eprintln!("    PyZMQ's tests: {:.1} s", begin.elapsed().as_secs_f64());
    match unexpected {
        0 => Ok(()),
        n => Err(format!("{n} unexpected result(s); conformance/pyzmq.toml lists the expected ones")),
    }
}

/// All tests of a file, in as many processes as it takes; those that are `hopeless` are tried once.
fn run_file(
    sandbox: &Sandbox,
    setting: &Setting,
    file: &str,
    library: &Path,
    hopeless: &dyn Fn(&str) -> bool,
) -> Result<Trial, String> {
    let mut progress = Progress::default();
    let mut whole = run_process(sandbox, setting, file, library, &[])?;
    progress.read(&mut whole, hopeless);
    while let Some(left_out) = progress.next() {
        whole.append(run_process(sandbox, setting, file, library, &left_out)?);
        progress.read(&mut whole, hopeless);
    }
    Ok(whole)
}

/// A Python whose PyZMQ was built from its source against our installation, and where that is.
///
/// # Errors
/// If something cannot be built.
pub fn built() -> Result<(PathBuf, PathBuf), String> {
    let prefix = install::prefix("dev")?;
    sdist()?;
    let python = build(&workshop().join("pyzmq-cython"), &prefix, "cython")?;
    Ok((python, prefix))
}

/// How far the tests of a file have come.
#[derive(Default)]
struct Progress {
    /// Those that have been tried.
    begun: BTreeSet<String>,
    /// Those of them that may be tried again, and how often they still may.
    tries: BTreeMap<String, usize>,
    /// Whether the last process died, so that there may be tests that were never tried.
    died: bool,
    /// How much of the output was read.
    read: usize,
}

impl Progress {
    /// Reads what the last process printed.
    fn read(&mut self, whole: &mut Trial, hopeless: &dyn Fn(&str) -> bool) {
        let printed = whole.output.get(self.read..).unwrap_or_default().to_owned();
        self.read = whole.output.len();
        let mut under_way = None;
        for line in printed.lines() {
            if let Some(test) = line.strip_prefix("BEGIN ") {
                self.begun.insert(test.to_owned());
                under_way = Some(test.to_owned());
            } else if let Some((outcome, test)) = outcome(line) {
                match outcome {
                    "failed" => self.fails(test, 1, hopeless),
                    _ => drop(self.tries.remove(test)),
                }
            }
        }
        // Without a test there was nothing to die of, and nothing would come of another process.
        self.died = whole.cases.get(trial::END) == Some(&Verdict::Failed) && under_way.is_some();
        if let Some(test) = under_way.filter(|_| self.died) {
            // The one that was under way has failed, and nothing else is known to have.
            whole.cases.insert(case_name(&test), Verdict::Failed);
            self.fails(&test, DEATH, hopeless);
        }
    }

    fn fails(&mut self, test: &str, cost: usize, hopeless: &dyn Fn(&str) -> bool) {
        let tries = if hopeless(&case_name(test)) { 1 } else { TRIES };
        let left = self.tries.entry(test.to_owned()).or_insert(tries);
        *left = left.saturating_sub(cost);
    }

    /// What the next process leaves out: what was tried, but for one test that failed. `None`, if no process is needed.
    fn next(&self) -> Option<Vec<String>> {
        let again = self.tries.iter().find(|(_, left)| **left > 0).map(|(test, _)| test);
        let left_out =
            |again: Option<&String>| self.begun.iter().filter(|test| Some(*test) != again).cloned().collect();
        if self.died { Some(left_out(None)) } else { again.map(|test| left_out(Some(test))) }
    }
}

fn run_process(
    sandbox: &Sandbox,
    setting: &Setting,
    file: &str,
    library: &Path,
    done: &[String],
) -> Result<Trial, String> {
    let (mut command, folder) = sandbox.command(&setting.python, library)?;
    let list = folder.path().join("done");
    std::fs::write(&list, done.join("\n")).map_err(|error| error.to_string())?;
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "outcomes"]);
    command.args([TEST_PATIENCE, "--done"]).arg(list);
    if !setting.large {
        command.args(["-m", "not large"]);
    }
    command.arg("-c").arg(setting.tests.join("pytest.ini"));
    let path = if OURS.contains(&file) { own(file) } else { setting.tests.join("tests").join(file) };
    command.arg("--rootdir").arg(&setting.tests).arg(path);
    command.env("PYTHONPATH", root().join("conformance/pyzmq")).env("HOME", folder.path());
    command.env("PYZMQ_BACKEND", setting.backend);
    trial::run(command, PATIENCE, &Reading { case, skipped: NO_TESTS })
}

/// pytest's exit code for a file without tests.
const NO_TESTS: i32 = 5;

/// A line of `conformance/pyzmq/outcomes.py`.
fn case(line: &str) -> Option<(String, Verdict)> {
    let (outcome, test) = outcome(line)?;
    let verdict = match outcome {
        "passed" => Verdict::Passed,
        "skipped" => Verdict::Skipped,
        _ => Verdict::Failed,
    };
    Some((case_name(test), verdict))
}

fn outcome(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("OUTCOME ")?.split_once(' ')
}

/// The case's name within its file. A file that cannot even be read, or is skipped as a whole, has no tests in it.
fn case_name(test: &str) -> String {
    test.split_once("::").map_or("(file)", |(_, name)| name).replace("::", ":")
}

/// The source's folder, unpacked; its tests are copied from it, because beside its own `zmq` folder they would not find ours.
fn sdist() -> Result<PathBuf, String> {
    let folder = workshop().join("pyzmq-sdist");
    let tests = folder.join("suite");
    if tests.join("pytest.ini").exists() {
        return Ok(tests);
    }
    make_folder(&folder)?;
    let archive = format!("{SDIST}.tar.gz");
    let python = python::with_pyzmq()?;
    eprintln!("==> fetching the source of {}", python::PYZMQ);
    let download = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        "pyzmq",
        "--dest",
        ".",
    ];
    step::output_in(&folder, "pip download", Command::new(python).args(download).arg(python::PYZMQ))?;
    let sums = format!("{SDIST_SHA256}  {archive}\n");
    std::fs::write(folder.join("SHA256SUMS"), sums).map_err(|error| error.to_string())?;
    step::output_in(&folder, "sha256sum", Command::new("sha256sum").args(["--check", "SHA256SUMS"]))?;
    step::output_in(&folder, "tar", Command::new("tar").args(["-xzf", &archive]))?;
    make_folder(&tests)?;
    for part in ["tests", "examples", "pytest.ini"] {
        let from = folder.join(SDIST).join(part);
        step::output_in(&folder, "cp", Command::new("cp").arg("-r").arg(from).arg(&tests))?;
    }
    Ok(tests)
}

/// A Python with PyZMQ built against the installation in `prefix`; built again when our header or the list of what it needs has
/// changed.
fn build(folder: &Path, prefix: &Path, backend: &str) -> Result<PathBuf, String> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python3");
    let requirements = root().join("conformance/pyzmq/requirements.txt");
    let text = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let wanted = [text(&prefix.join("include/zmq.h"))?, text(&requirements)?].concat();
    let built_with = folder.join("built-with");
    if python.exists() && std::fs::read(&built_with).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    make_folder(folder)?;
    eprintln!("==> building PyZMQ ({backend}) against our header");
    let begin = Instant::now();
    step::output("python3 -m venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip = |arguments: &[&str], configure: &dyn Fn(&mut Command)| {
        let mut command = Command::new(&python);
        command.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet"]).args(arguments);
        configure(&mut command);
        step::output("pip install", &mut command)
    };
    pip(&["-r", &requirements.display().to_string()], &|_| ())?;
    let source = workshop().join("pyzmq-sdist").join(format!("{SDIST}.tar.gz"));
    if backend == "cffi" {
        pip(&[CFFI], &|_| ())?;
    }
    pip(&["--no-binary", "pyzmq", "--no-cache-dir", &source.display().to_string()], &|command| {
        command.env("ZMQ_PREFIX", prefix).env("PYZMQ_NO_BUNDLE", "1").env("PYZMQ_LIBZMQ_RPATH", "OFF");
        command.env("PYZMQ_BACKEND", backend);
    })?;
    std::fs::write(&built_with, wanted).map_err(|error| error.to_string())?;
    eprintln!("    PyZMQ: {:.1} s", begin.elapsed().as_secs_f64());
    Ok(python)
}

/// A folder in which `libzmq.so.5` is the library that PyZMQ's wheel carries.
fn wheels_library() -> Result<PathBuf, String> {
    let folder = workshop().join("wheels-library");
    let library = folder.join("libzmq.so.5");
    if library.exists() {
        return Ok(folder);
    }
    let ask = "import pathlib, zmq; print(pathlib.Path(zmq.__file__).parents[1] / 'pyzmq.libs')";
    let wheel = step::output("import zmq", Command::new(python::with_pyzmq()?).args(["-c", ask]))?;
    make_folder(&folder)?;
    let wheel = PathBuf::from(wheel.trim());
    let entries = std::fs::read_dir(&wheel).map_err(|error| format!("{}: {error}", wheel.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default();
        let zmq = name.to_string_lossy().starts_with("libzmq");
        // The libraries that it needs are looked for beside it.
        let link = if zmq { library.clone() } else { folder.join(name) };
        std::os::unix::fs::symlink(&path, &link).map_err(|error| format!("{}: {error}", link.display()))?;
    }
    Ok(folder)
}

/// Where a file of ours is.
fn own(file: &str) -> PathBuf {
    root().join("conformance/pyzmq").join(file)
}

fn files(tests: &Path, filters: &[String]) -> Result<Vec<String>, String> {
    let folder = tests.join("tests");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| name.starts_with("test_") && name.ends_with(".py"))
        .chain(OURS.map(str::to_owned))
        .filter(|name| filters.is_empty() || filters.iter().any(|part| name.contains(part.as_str())))
        .collect();
    names.sort();
    Ok(names)
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let mut parsed = Arguments { filters: Vec::new(), repeat: 1, cffi: false, large: true, release: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--cffi" => parsed.cffi = true,
            "--no-large" => parsed.large = false,
            "--release" => parsed.release = true,
            "--repeat" => {
                let count = words.next().and_then(|count| count.parse().ok());
                parsed.repeat = count.ok_or("--repeat wants a number")?;
            }
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            name => parsed.filters.push(name.to_owned()),
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(output: &str, end: Verdict) -> Trial {
        let cases = [(trial::END.to_owned(), end)].into();
        Trial { cases, end: String::new(), output: output.to_owned(), took: Duration::ZERO }
    }

    fn never(_: &str) -> bool {
        false
    }

    #[test]
    fn what_failed_is_tried_again_by_itself() {
        let mut progress = Progress::default();
        let printed = "BEGIN f::a\nOUTCOME passed f::a\nBEGIN f::b\nOUTCOME failed f::b\nBEGIN f::c\nOUTCOME failed f::c\n";
        let mut whole = trial(printed, Verdict::Passed);
        progress.read(&mut whole, &|case| case == "c");
        assert_eq!(progress.next().unwrap(), ["f::a", "f::c"], "c is hopeless");
        whole.append(trial("BEGIN f::b\nOUTCOME passed f::b\n", Verdict::Passed));
        progress.read(&mut whole, &never);
        assert_eq!(progress.next(), None);
    }

    #[test]
    fn a_test_that_always_kills_its_process_is_given_up() {
        let mut progress = Progress::default();
        let mut whole = trial("BEGIN f::a\n", Verdict::Failed);
        progress.read(&mut whole, &never);
        assert_eq!(progress.next().unwrap(), ["f::a"], "first those that were not tried yet");
        whole.append(trial("", Verdict::Passed));
        progress.read(&mut whole, &never);
        assert_eq!(progress.next().unwrap(), [] as [&str; 0], "then once more");
        whole.append(trial("BEGIN f::a\n", Verdict::Failed));
        progress.read(&mut whole, &never);
        whole.append(trial("", Verdict::Passed));
        progress.read(&mut whole, &never);
        assert_eq!(progress.next(), None);
        assert_eq!(whole.cases["a"], Verdict::Failed);
    }

    #[test]
    fn outcomes_name_their_tests() {
        let read = |line: &str| case(line).map(|(name, verdict)| (name, verdict == Verdict::Passed));
        assert_eq!(
            read("OUTCOME passed tests/test_a.py::TestA::test_b[x y]"),
            Some(("TestA:test_b[x y]".into(), true))
        );
        assert_eq!(read("OUTCOME failed tests/test_a.py"), Some(("(file)".into(), false)));
        assert_eq!(read("12 passed in 3 s"), None);
    }
}
