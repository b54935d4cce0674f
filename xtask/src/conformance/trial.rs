//! One run of one test program: what it printed, how it ended, and what came of each of its cases.
//!
//! How the lines of cases look is the suite's affair; libzmq's programs use Unity, which prints `FILE:LINE:CASE:PASS` (or `FAIL`,
//! `IGNORE`). How the program as a whole ended is a case too, called [`END`]: it fails if the program does without any case
//! failing.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The case that is how the program ended.
pub const END: &str = "(end)";

/// How a suite's programs tell what came of their cases.
pub struct Reading {
    /// The case's name and verdict, if the line tells of one.
    pub case: fn(&str) -> Option<(String, Verdict)>,
    /// The exit code by which a program says that it cannot run here.
    pub skipped: i32,
}

/// How Unity's programs tell.
pub const UNITY: Reading = Reading { case: unity_case, skipped: 77 };

/// No more than this of what a program prints is kept, in bytes.
const OUTPUT_MAX: u64 = 4 << 20;

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It could not run here.
    Skipped,
    /// It failed, or its program ended before.
    Failed,
}

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Trial {
    /// By name, [`END`] among them.
    pub cases: BTreeMap<String, Verdict>,
    /// How the program ended, in words.
    pub end: String,
    /// What it printed.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

impl Trial {
    /// Adds what came of the cases that this one did not come to; how it ended is now how `rest` did.
    pub fn append(&mut self, rest: Trial) {
        self.cases.remove(END);
        self.cases.extend(rest.cases);
        self.end = rest.end;
        self.output.push_str(&rest.output);
        self.took += rest.took;
    }
}

/// Runs `command` to its end, or kills it, with all that it started, after `patience`.
///
/// # Errors
/// If it cannot be started.
pub fn run(mut command: Command, patience: Duration, reading: &Reading) -> Result<Trial, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(writer).stderr(errors).process_group(0);
    let begin = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    drop(command); // and with it our ends of the pipe
    let (sender, ended) = mpsc::channel();
    let collector = std::thread::spawn(move || {
        let mut output = Vec::new();
        // What cannot be read has not been printed; its end is what matters.
        let _ = reader.by_ref().take(OUTPUT_MAX).read_to_end(&mut output);
        let _ = std::io::copy(&mut reader, &mut std::io::sink());
        let _ = sender.send(());
        output
    });
    let late = ended.recv_timeout(patience).is_err();
    if late {
        kill_group(&child);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let output = collector.join().map_err(|_| "the collector of output has panicked")?;
    let output = String::from_utf8_lossy(&output).into_owned();
    let end = if late { format!("killed after {} s", patience.as_secs()) } else { status.to_string() };
    let cases = cases(&output, status, late, reading);
    Ok(Trial { cases, end, output, took: begin.elapsed() })
}

/// Kills the program with its children: it leads a process group.
fn kill_group(child: &Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

fn cases(output: &str, status: ExitStatus, late: bool, reading: &Reading) -> BTreeMap<String, Verdict> {
    let mut cases = BTreeMap::new();
    for (name, verdict) in output.lines().filter_map(reading.case) {
        // A case may run several times: the worst counts.
        let worst: &mut Verdict = cases.entry(name).or_insert(verdict);
        if *worst != Verdict::Failed && verdict != Verdict::Passed {
            *worst = verdict;
        }
    }
    let blamed = cases.values().any(|verdict| *verdict == Verdict::Failed);
    // A program whose cases failed tells it by its exit code again; Unity's is their number.
    let end = match status.code() {
        Some(0) if !late => Verdict::Passed,
        Some(code) if code == reading.skipped && !late => Verdict::Skipped,
        Some(_) if blamed && !late => Verdict::Passed,
        _ => Verdict::Failed,
    };
    cases.insert(END.to_owned(), end);
    cases
}

fn unity_case(line: &str) -> Option<(String, Verdict)> {
    let mut fields = line.splitn(5, ':').skip(1);
    fields.next()?.parse::<u32>().ok()?;
    let name = fields.next()?;
    let verdict = match fields.next()? {
        "PASS" => Verdict::Passed,
        "FAIL" => Verdict::Failed,
        "IGNORE" => Verdict::Skipped,
        _ => return None,
    };
    Some((name.to_owned(), verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn trial(script: &str, patience: Duration) -> Trial {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, patience, &UNITY).unwrap()
    }

    #[test]
    fn cases_are_read_from_the_output() {
        let trial =
            trial("echo t.cpp:1:a:PASS; echo t.cpp:2:b:FAIL: Expected 1; echo x:y:z; exit 1", PATIENCE);
        assert_eq!(trial.cases["a"], Verdict::Passed);
        assert_eq!(trial.cases["b"], Verdict::Failed);
        assert_eq!(trial.cases[END], Verdict::Passed, "case b has the blame");
        assert_eq!(trial.cases.len(), 3);
    }

    #[test]
    fn a_program_that_ends_badly_fails_even_without_cases() {
        assert_eq!(trial("kill -ABRT $$", PATIENCE).cases[END], Verdict::Failed);
        assert_eq!(trial("exit 77", PATIENCE).cases[END], Verdict::Skipped);
        assert_eq!(trial("echo t.cpp:1:a:PASS; exit 3", PATIENCE).cases[END], Verdict::Failed);
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let trial = trial("sleep 1000 & sleep 1000", Duration::from_millis(100));
        assert_eq!(trial.cases[END], Verdict::Failed);
        assert!(trial.end.contains("killed"), "{}", trial.end);
    }
}
