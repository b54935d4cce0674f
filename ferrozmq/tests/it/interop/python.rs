//! The libzmq end: a Python process with PyZMQ that does what it is told (`conformance/interop/peer.py`).

use crate::interop::part::Part;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long anything may take before the test fails; generous, because test machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One process; it ends when this is dropped.
pub struct Python {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Commands whose answers nobody has read yet.
    owed: usize,
}

/// The interpreter with PyZMQ, if there is one; else says on stderr that `what` is skipped.
pub fn interpreter(what: &str) -> Option<PathBuf> {
    let path = std::env::var_os("FERROZMQ_PYTHON").map(PathBuf::from);
    if path.is_none() {
        skip(what, "FERROZMQ_PYTHON names no Python with PyZMQ (cargo xtask test installs one)");
    }
    path
}

/// Says on stderr that a test is skipped; past the test runner, which keeps to itself what passing tests print.
pub fn skip(what: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {reason}");
}

impl Python {
    /// Starts the process; `None` if there is no Python with PyZMQ.
    pub fn start(what: &str) -> Option<Python> {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../conformance/interop/peer.py");
        let mut command = Command::new(interpreter(what)?);
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("FERROZMQ_PYTHON can be started");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Some(Python { child, stdin, stdout, owed: 0 })
    }

    /// A socket with these options by PyZMQ's names, known as `id` from now on.
    pub fn open(&mut self, id: &str, kind: &str, options: Value) {
        self.ask(json!({ "do": "open", "id": id, "type": kind, "options": options }));
    }

    /// Binds and answers the endpoint with its port.
    pub fn bind(&mut self, id: &str, endpoint: &str) -> String {
        let answer = self.ask(json!({ "do": "bind", "id": id, "endpoint": endpoint }));
        answer.as_str().expect("bind answers an endpoint").to_owned()
    }

    pub fn connect(&mut self, id: &str, endpoint: &str) {
        self.ask(json!({ "do": "connect", "id": id, "endpoint": endpoint }));
    }

    /// Waits until the socket has finished `count` handshakes that were not waited for yet.
    pub fn handshakes(&mut self, id: &str, count: usize) {
        self.ask(json!({ "do": "handshakes", "id": id, "count": count, "timeout_ms": patience() }));
    }

    /// Keeps the socket inside a call until it has something to receive: only in a call does a bound SUB of libzmq tell a new peer
    /// its subscriptions. Returns at once; the next command waits for it.
    pub fn attend(&mut self, id: &str) {
        self.post(json!({ "do": "poll", "id": id, "timeout_ms": patience() }));
    }

    pub fn send(&mut self, id: &str, parts: &[Part]) {
        self.ask(json!({ "do": "send", "id": id, "parts": specs(parts), "timeout_ms": patience() }));
    }

    /// Receives a message and fails unless it is this one.
    pub fn expect(&mut self, id: &str, parts: &[Part]) {
        self.ask(json!({ "do": "expect", "id": id, "parts": specs(parts), "timeout_ms": patience() }));
    }

    pub fn close(&mut self, id: &str) {
        self.ask(json!({ "do": "close", "id": id }));
    }

    /// Any command; fails with what the other end says went wrong.
    pub fn ask(&mut self, command: Value) -> Value {
        self.post(command);
        while self.owed > 1 {
            self.answer();
        }
        self.answer()
    }

    /// Any command that may go on while this process does something else; its failure is that of the next [`ask`](Self::ask).
    fn post(&mut self, command: Value) {
        let stdin = self.stdin.as_mut().expect("open until dropped");
        writeln!(stdin, "{command}").expect("the Python process lives");
        self.owed += 1;
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the Python process lives");
        self.owed -= 1;
        let mut answer: Value = serde_json::from_str(&line).expect("the Python process answers in JSON");
        if let Some(error) = answer.get("error") {
            panic!("libzmq's end: {error}");
        }
        answer["ok"].take()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // End of input is its end; a process that hangs is ended anyway.
        self.stdin = None;
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn patience() -> u64 {
    PATIENCE.as_secs() * 1000
}

fn specs(parts: &[Part]) -> Vec<Value> {
    parts.iter().map(Part::json).collect()
}
