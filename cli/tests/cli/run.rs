//! Running `zmq`: starting it, reading its lines, ending it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A process that has not ended after this is killed, and its test fails.
const DEADLINE: Duration = Duration::from_secs(120);

/// A running `zmq`.
pub struct Run {
    child: Arc<Mutex<Child>>,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<String>>,
    _watchdog: Sender<()>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; 128 and the signal's number for a run that was killed.
    pub code: i32,
    /// What it printed and nobody had read yet.
    pub stdout: Vec<u8>,
    /// What it said.
    pub stderr: String,
}

/// Starts `zmq` with the words of `line`, which a space separates, and nothing on standard input.
pub fn zmq(line: &str) -> Run {
    start(&line.split_whitespace().collect::<Vec<_>>(), None)
}

/// Starts `zmq` with `args`, and `input` on standard input.
pub fn zmq_with(args: &[&str], input: &[u8]) -> Run {
    start(args, Some(input.to_vec()))
}

/// Runs `zmq` with the words of `line` to its end.
pub fn ended(line: &str) -> Ended {
    zmq(line).end()
}

/// Starts any command; its standard input can be [written](Run::write) to.
pub fn started(command: &mut Command) -> Run {
    watched(command.stdin(Stdio::piped()))
}

fn start(args: &[&str], input: Option<Vec<u8>>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(args).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut run = watched(&mut command);
    if let Some((mut stdin, input)) = run.stdin.take().zip(input) {
        std::thread::spawn(move || stdin.write_all(&input)); // it need not read everything
    }
    run
}

fn watched(command: &mut Command) -> Run {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let stdin = child.stdin.take();
    let stdout = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let mut stderr = child.stderr.take().expect("standard error is a pipe");
    let talk = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).expect("talk is text");
        text
    });
    let child = Arc::new(Mutex::new(child));
    let (watchdog, ended) = channel();
    let watched = Arc::clone(&child);
    std::thread::spawn(move || {
        if ended.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
            let _ = watched.lock().unwrap().kill(); // it may have ended just now
        }
    });
    Run { child, stdin, stdout: Some(stdout), stderr: Some(talk), _watchdog: watchdog }
}

impl Run {
    /// The next line that it prints, without the line feed.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.stdout.as_mut().expect("its output is read");
        stdout.read_line(&mut line).expect("output is text");
        assert!(line.ends_with('\n'), "no further line; {:?}", self.collect());
        line.trim_end_matches('\n').to_owned()
    }

    /// Reads its lines up to the next one with `text` in it.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("its input is a pipe").write_all(bytes).expect("it reads");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        self.collect()
    }

    /// Sends it the signal called `name`, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.lock().unwrap().id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill starts");
        assert!(status.success());
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Stops reading what it prints.
    pub fn close_output(&mut self) {
        self.stdout = None;
    }

    fn collect(&mut self) -> Ended {
        use std::os::unix::process::ExitStatusExt as _;
        self.stdin = None;
        let mut stdout = Vec::new();
        if let Some(pipe) = &mut self.stdout {
            pipe.read_to_end(&mut stdout).expect("output can be read");
        }
        // Its talk ends when it does; only then is the lock taken, which the watchdog needs too.
        let stderr = self.stderr.take().map(|talk| talk.join().expect("talk is text")).unwrap_or_default();
        let status = self.child.lock().unwrap().wait().expect("a child can be waited for");
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ended { code, stdout, stderr }
    }
}

impl Ended {
    /// What it printed, as lines; it must have ended well.
    #[track_caller]
    pub fn lines(&self) -> Vec<String> {
        assert_eq!(self.code, 0, "{self:?}");
        String::from_utf8(self.stdout.clone()).expect("output is text").lines().map(str::to_owned).collect()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            let _ = child.kill(); // it may have ended
            let _ = child.wait();
        }
    }
}
