//! The header: every dialect of C and C++ takes it, its structures are laid out as programs compiled long ago believe, and it declares
//! exactly the functions that the library exports.
//!
//! Needs a C compiler, a C++ compiler and `nm`; without one of them the tests that use it say that they did not run.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The dialects, each as compiler, language and standard.
const DIALECTS: [[&str; 3]; 7] = [
    ["cc", "c", "c89"],
    ["cc", "c", "c99"],
    ["cc", "c", "c11"],
    ["cc", "c", "gnu17"],
    ["c++", "c++", "c++98"],
    ["c++", "c++", "c++11"],
    ["c++", "c++", "c++17"],
];

/// Sizes and offsets on 64-bit systems: an array of a negative size does not compile.
const LAYOUT: &str = r"
#include <stddef.h>
#include <zmq_utils.h>
#include <zmq.h>
#include <ferrozmq.h>
#define IS(name, condition) typedef char name[(condition) ? 1 : -1]
struct with_message { char before; zmq_msg_t message; };
IS (msg_size, sizeof (zmq_msg_t) == 64);
IS (msg_alignment, offsetof (struct with_message, message) == 8);
IS (fd_size, sizeof (zmq_fd_t) == 4);
IS (item_size, sizeof (zmq_pollitem_t) == 16);
IS (item_socket, offsetof (zmq_pollitem_t, socket) == 0);
IS (item_fd, offsetof (zmq_pollitem_t, fd) == 8);
IS (item_events, offsetof (zmq_pollitem_t, events) == 12);
IS (item_revents, offsetof (zmq_pollitem_t, revents) == 14);
#ifdef ZMQ_BUILD_DRAFT_API
IS (event_size, sizeof (zmq_poller_event_t) == 32);
IS (event_socket, offsetof (zmq_poller_event_t, socket) == 0);
IS (event_fd, offsetof (zmq_poller_event_t, fd) == 8);
IS (event_data, offsetof (zmq_poller_event_t, user_data) == 16);
IS (event_events, offsetof (zmq_poller_event_t, events) == 24);
#endif
int main (void) { return ZMQ_VERSION == 40305 ? 0 : 1; }
";

#[test]
fn every_dialect_takes_it_without_a_warning() {
    for [compiler, language, standard] in DIALECTS {
        if !there_is(compiler) {
            continue;
        }
        for drafts in [&[][..], &["-DZMQ_BUILD_DRAFT_API"]] {
            let standard = format!("-std={standard}");
            let flags = [
                "-x",
                language,
                &standard,
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pedantic-errors",
            ];
            let output = compile(compiler, &[&flags[..], drafts, &["-"]].concat(), LAYOUT);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{compiler} {standard} {drafts:?}: {said}");
        }
    }
}

#[test]
fn it_declares_what_the_library_exports() {
    let Some(library) = library() else { return };
    if !there_is("cc") || !there_is("nm") {
        return;
    }
    let listed = Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output().expect("nm starts");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let exported: BTreeSet<&str> = listed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let stable = declared("zmq.h", &[]);
    let all = declared("zmq.h", &["-DZMQ_BUILD_DRAFT_API"]);
    assert_eq!((stable.len(), all.len()), (70, 97));
    assert!(stable.is_subset(&all));
    // The header of what libzmq has not includes the other one.
    let own = declared("ferrozmq.h", &["-DZMQ_BUILD_DRAFT_API"]);
    assert!(own.difference(&all).all(|name| name.starts_with("ferrozmq_")));
    let all = own;
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    let hidden: Vec<_> = all.difference(&exported).collect();
    let undeclared: Vec<_> = exported.difference(&all).collect();
    assert!(
        hidden.is_empty() && undeclared.is_empty(),
        "not exported: {hidden:?}; not declared: {undeclared:?}"
    );
}

#[test]
fn every_function_is_called_by_a_program() {
    if !there_is("cc") {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let files = std::fs::read_dir(folder).expect("the programs").flatten();
    let text: String =
        files.map(|file| std::fs::read_to_string(file.path()).expect("a program is text")).collect();
    let called: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let all = declared("ferrozmq.h", &["-DZMQ_BUILD_DRAFT_API"]);
    let missing: Vec<_> = all.iter().filter(|name| !called.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no program of tests/programs calls {missing:?}");
}

/// The functions that a header declares, as a C compiler sees them.
fn declared(header: &str, flags: &[&str]) -> BTreeSet<String> {
    let source = format!("#include <{header}>\n");
    let output = compile("cc", &[&["-E", "-P"][..], flags, &["-"]].concat(), &source);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '(').collect();
    let names = words.windows(2).filter(|pair| pair[1].starts_with('(')).map(|pair| pair[0]);
    let attached = words.iter().filter_map(|word| word.split_once('(')).map(|(name, _)| name);
    names
        .chain(attached)
        .filter(|name| name.starts_with("zmq_") || name.starts_with("ferrozmq_"))
        .filter(|name| !is_type(name))
        .map(str::to_owned)
        .collect()
}

/// `typedef void (zmq_free_fn) (…)` looks like a function.
fn is_type(name: &str) -> bool {
    name.ends_with("_fn") || name.ends_with("_t")
}

/// The shared library of this build: beside the test programs, where cargo puts what they depend on.
fn library() -> Option<PathBuf> {
    let tests = std::env::current_exe().expect("this program has a path");
    let deps = tests.parent().expect("it is in a folder");
    let library = deps.join("libzmq.so");
    if !library.exists() {
        skip("the header's functions", &format!("{} is not there", library.display()));
        return None;
    }
    Some(library)
}

fn compile(compiler: &str, flags: &[&str], source: &str) -> Output {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let mut command = Command::new(compiler);
    command.arg("-I").arg(include).args(flags);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it was there just now");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(source.as_bytes()).expect("the compiler reads");
    drop(stdin);
    child.wait_with_output().expect("the compiler ends")
}

fn there_is(program: &str) -> bool {
    let mut command = Command::new(program);
    let found = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skip("a test of the header", &format!("there is no {program}"));
    }
    found
}

/// Past the test runner, which keeps to itself what passing tests print.
fn skip(what: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {reason}");
}
