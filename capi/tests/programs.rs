//! Programs in C against the shared library: what strangers pass, what they lend, and how they wait.
//!
//! Each is one file of `programs/`, which says what it is about, ends with 0 if all is well, and otherwise says what is
//! not. They are compiled here, with the header of this repository. Without a C compiler the tests say that
//! they did not run.
//!
//! `FERROZMQ_LIBZMQ` names another library than the one beside the tests, `FERROZMQ_PROGRAMS_CFLAGS` more flags for the
//! compiler, and `FERROZMQ_PROGRAMS_UNDER` a command that runs them (`cargo xtask memory` sets all three).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a program may take, and how long under another one that looks at each of its steps.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_UNDER: Duration = Duration::from_secs(600);

#[test]
fn access_rules_let_in_and_keep_out() {
    run("access");
}

#[test]
fn arguments_of_every_kind_are_answered() {
    run("arguments");
}

#[test]
fn options_of_every_size_are_answered() {
    run("options");
}

#[test]
fn lent_memory_is_given_back_once() {
    run("lent");
}

#[test]
fn the_events_descriptor_loses_no_wake_up() {
    run("events_fd");
}

#[test]
fn a_terminating_context_ends_calls_and_heeds_signals() {
    run("termination");
}

#[test]
fn a_child_closes_what_it_inherits() {
    run("child");
}

#[test]
fn threads_use_and_close_what_others_use() {
    run("threads");
}

#[test]
fn one_of_several_takes_a_handle_away() {
    run("races");
}

#[test]
fn the_library_stays_when_it_is_let_go_of() {
    run("unload");
}

#[test]
fn what_a_socket_has_counted_is_told() {
    run("statistics");
}

/// Compiles and runs `programs/NAME.c`.
fn run(name: &str) {
    let Some(folder) = folder() else { return };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name).with_extension("c");
    let program = folder.join(name);
    compile(&source, folder, &program);
    let under = words("FERROZMQ_PROGRAMS_UNDER");
    let mut command = match under.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
        None => Command::new(&program),
    };
    let mut child = command
        .env("LD_LIBRARY_PATH", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .expect("the program starts");
    let deadline = Instant::now() + if under.is_empty() { PATIENCE } else { PATIENCE_UNDER };
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{name} does not end");
        }
        // not settling: another process has no way to wake this loop
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{name}: {status}");
}

fn compile(source: &Path, folder: &Path, program: &Path) {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let flags =
        ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-DZMQ_BUILD_DRAFT_API", "-pthread"];
    let compiled = Command::new("cc")
        .args(flags)
        .args(words("FERROZMQ_PROGRAMS_CFLAGS"))
        .arg("-I")
        .arg(include)
        .arg(source)
        .arg("-o")
        .arg(program)
        .arg("-L")
        .arg(folder)
        // A program that loads the library by hand is not linked with it.
        .args(["-Wl,--as-needed", "-l:libzmq.so.5"])
        .status();
    assert!(compiled.expect("the compiler starts").success(), "{} does not compile", source.display());
}

/// What the variable says, word by word.
fn words(variable: &str) -> Vec<String> {
    std::env::var(variable).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Where the programs are, and the library under the name they ask for; `None` if nothing can be compiled.
fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(make_folder).as_deref()
}

fn make_folder() -> Option<PathBuf> {
    let tests = std::env::current_exe().expect("this program has a path");
    let beside = || tests.parent().expect("it is in a folder").join("libzmq.so");
    let library = std::env::var_os("FERROZMQ_LIBZMQ").map_or_else(beside, PathBuf::from);
    let compiler = Command::new("cc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let missing = match (library.exists(), compiler.is_ok()) {
        (true, true) => {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
            std::fs::create_dir_all(&folder).expect("a folder for the programs");
            let link = folder.join("libzmq.so.5");
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&library, &link).expect("a link to the library");
            return Some(folder);
        }
        (false, _) => "the shared library is not there",
        (true, false) => "there is no cc",
    };
    // Past the test runner, which keeps to itself what passing tests print.
    let _ = writeln!(std::io::stderr(), "SKIPPED the programs in C: {missing}");
    None
}
