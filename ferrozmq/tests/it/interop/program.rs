//! Programs of a conversation: started, watched by what they print, killed.
//!
//! Nothing here waits for time to pass: a test waits for lines on a program's stdout, or for its end.

use crate::interop::python::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

/// A running program; killed when this is dropped.
pub struct Program {
    label: String,
    child: Child,
    lines: Receiver<String>,
    /// What it has printed so far.
    seen: Vec<String>,
}

impl Program {
    /// A Python program, by the interpreter that has PyZMQ.
    pub fn python(script: &Path) -> Program {
        let interpreter = std::env::var_os("FERROZMQ_PYTHON").expect("checked before the stage was entered");
        let mut command = Command::new(interpreter);
        command.arg(script).env("PYTHONUNBUFFERED", "1").env("PYTHONIOENCODING", "utf-8");
        Program::start(script.display().to_string(), &mut command)
    }

    /// One of our examples; cargo builds them for a test run that is not restricted to one target.
    pub fn example(name: &str, arguments: &[&str]) -> Program {
        let tests = std::env::current_exe().expect("this program has a path");
        let profile = tests.parent().and_then(Path::parent).expect("cargo puts tests into PROFILE/deps");
        let path = profile.join("examples").join(name);
        assert!(path.exists(), "{} is not built: run `cargo build --examples`", path.display());
        Program::start(format!("example {name}"), Command::new(path).args(arguments))
    }

    fn start(label: String, command: &mut Command) -> Program {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{label}: {error}"));
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Program { label, child, lines, seen: Vec::new() }
    }

    /// Waits until `times` lines with `text` have been printed since the program began.
    pub fn wait_for(&mut self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.count(text) < times {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("{} did not print {text:?} {times} times: {:#?}", self.label, self.seen),
            }
        }
    }

    /// How many lines with `text` have been printed so far.
    pub fn count(&mut self, text: &str) -> usize {
        self.seen.extend(self.lines.try_iter());
        self.seen.iter().filter(|line| line.contains(text)).count()
    }

    pub fn press_enter(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        stdin.write_all(b"\n").unwrap_or_else(|error| panic!("{}: {error}", self.label));
    }

    /// Ends it by SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        self.assert_alive();
        self.child.kill().expect("it lives");
        self.child.wait().expect("it is our child");
    }

    pub fn assert_alive(&mut self) {
        let status = self.child.try_wait().expect("it is our child");
        assert!(status.is_none(), "{} has ended: {status:?}, {:#?}", self.label, self.seen);
    }

    /// Waits for its own end, which must be a good one.
    pub fn assert_success(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        // Its stdout ends when it does.
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        assert!(Instant::now() < deadline, "{} does not end: {:#?}", self.label, self.seen);
        let status = self.child.wait().expect("it is our child");
        assert!(ExitStatus::success(&status), "{}: {status}, {:#?}", self.label, self.seen);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.seen.extend(self.lines.try_iter());
            eprintln!("{} printed {:#?}", self.label, self.seen);
        }
        // It has ended, or is no longer needed: nothing that fails here matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
