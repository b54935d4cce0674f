//! The rules that look at one file's lines: its head and length, unsafe rooms, sleeping tests, words that must not stay.

use super::Complaint;
use super::source::{Source, has_word};

/// The longest file; most have 100 to 400 lines.
const MAX_LINES: usize = 1000;

/// Where `unsafe` may stand: the engine's rooms, and what is foreign by nature.
const UNSAFE_ROOMS: [&str; 11] = [
    "ferrozmq/src/sys/",
    "ferrozmq/src/pipe/ring.rs",
    "ferrozmq/src/pipe/lock.rs",
    "ferrozmq/src/pipe/biased_lock.rs",
    "ferrozmq/tests/it/", // limits, signals and stopped processes, for which std has no words; nothing of it ships
    "capi/",
    "cli/src/bench/foreign.rs", // calls the C functions of a library to compare with, in processes of its own
    "zmq-sys/",                 // declares the same functions
    "conformance/misbehaving/src/bin/", // an allocator that counts, in a process that is attacked in tests
    "bench/",                   // calls libzmq's C functions
    "fuzz/",                    // counts allocations
];

/// A comment with these words says that a pause is the subject of the test, not a way to let something settle.
const SLEEP_EXCUSE: &str = "not settling:";

/// Macros that must not stay.
const LEFTOVERS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];

/// Where the engine asks what time it is, so that something else may answer one day.
const CLOCK: &str = "ferrozmq/src/sys/clock.rs";

/// Checks every rule of this file.
pub fn check(source: &Source, complaints: &mut Vec<Complaint>) {
    let mut complain = |line: usize, text: String| complaints.push(Complaint::new(&source.path, line, text));
    no_workplace(source, &mut complain);
    if source.path.ends_with(".py") {
        no_sleep(source, 1, &mut complain);
    }
    if !source.is_rust() {
        return;
    }
    if !source.text.starts_with("//!") {
        complain(1, "a file opens with `//!`: what it is, its invariant, what it does not do".to_owned());
    }
    let length = source.text.lines().count();
    if length > MAX_LINES {
        complain(0, format!("{length} lines are more than {MAX_LINES}: one concept per file"));
    }
    let unsafe_room = UNSAFE_ROOMS.iter().any(|room| source.path.starts_with(room));
    for (number, line) in source.numbered() {
        if !unsafe_room && has_word(line, "unsafe") {
            complain(number, format!("`unsafe` outside its rooms ({})", UNSAFE_ROOMS.join(", ")));
        }
        let engine = source.path.starts_with("ferrozmq/src/") && source.path != CLOCK;
        if engine && number < source.first_test_line() && line.contains("Instant::now") {
            complain(number, format!("the engine asks {CLOCK} for the time"));
        }
        if let Some(word) = LEFTOVERS.iter().find(|word| line.contains(**word)) {
            complain(number, format!("`{word}` must not stay"));
        }
        if line.contains("#[allow(") || line.contains("#![allow(") {
            complain(
                number,
                "write #[expect(lint, reason = \"…\")]: it says when it is no longer needed".to_owned(),
            );
        }
    }
    no_sleep(source, source.first_test_line(), &mut complain);
}

/// Tests wait for events.
fn no_sleep(source: &Source, first: usize, complain: &mut impl FnMut(usize, String)) {
    let lines: Vec<&str> = source.text.lines().collect();
    let excused = |number: usize| {
        lines[number.saturating_sub(3)..number].iter().any(|line| line.contains(SLEEP_EXCUSE))
    };
    for (number, line) in source.numbered().skip_while(|(number, _)| *number < first) {
        let imported = line.trim_start().starts_with("use ") && has_word(line, "sleep");
        let called = ["thread::sleep", "time.sleep", "import sleep", "asyncio.sleep"]
            .iter()
            .any(|call| line.contains(call));
        if (imported || called) && !excused(number) {
            let text =
                format!("a test waits for an event; if the pause is its subject, say so: `{SLEEP_EXCUSE} …`");
            complain(number, text);
        }
    }
}

/// The project does not know where it was written; only the CI script may name a folder beside the repository.
fn no_workplace(source: &Source, complain: &mut impl FnMut(usize, String)) {
    let needles = [concat!("/wo", "rk/"), concat!("../sha", "red")];
    for (index, line) in source.text.lines().enumerate() {
        if needles.iter().any(|needle| line.contains(needle)) {
            complain(index + 1, "names a path outside the repository".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check(&Source::new(path, text), &mut found);
        found.into_iter().map(|complaint| complaint.text).collect()
    }

    #[test]
    fn a_clean_file_has_no_complaints() {
        assert!(
            complaints("ferrozmq/src/io/a.rs", "//! A.\nfn f() { g(\"unsafe dbg!()\") } // todo!\n")
                .is_empty()
        );
    }

    #[test]
    fn each_rule_sees_its_breach() {
        let room = "ferrozmq/src/io/a.rs";
        assert_eq!(complaints(room, "fn f() {}\n").len(), 1);
        assert_eq!(complaints(room, "//! A.\nfn f() { unsafe { g() } }\n").len(), 1);
        assert_eq!(complaints("ferrozmq/src/sys/a.rs", "//! A.\nfn f() { unsafe { g() } }\n").len(), 0);
        assert_eq!(complaints(room, "//! A.\nfn f() { todo!() }\n").len(), 1);
        assert_eq!(complaints(room, "//! A.\n#[allow(dead_code)]\nfn f() {}\n").len(), 1);
        assert_eq!(complaints(room, &"//! A.\n".repeat(1001)).len(), 1);
        assert_eq!(complaints("README.md", concat!("see /wo", "rk/x\n")).len(), 1);
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let body = "//! A.\nfn f() { std::thread::sleep(D); }\n";
        assert_eq!(complaints("ferrozmq/src/io/a.rs", body).len(), 0);
        assert_eq!(complaints("ferrozmq/tests/it/a.rs", body).len(), 1);
        let gated = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() { thread::sleep(D); }\n");
        assert_eq!(complaints("ferrozmq/src/io/a.rs", &gated).len(), 1);
        let excused = "//! A.\n// not settling: the pause is sent\nfn f() {}\nstd::thread::sleep(D);\n";
        assert_eq!(complaints("ferrozmq/tests/it/a.rs", excused).len(), 0);
        assert_eq!(complaints("conformance/interop/a.py", "import time\ntime.sleep(1)\n").len(), 1);
    }
}
