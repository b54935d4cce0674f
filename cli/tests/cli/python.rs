//! The command against libzmq, through PyZMQ.
//!
//! The interpreter is named by `FERROZMQ_PYTHON`; without it, or without PyZMQ, the tests say that they did not run.

use std::process::{Command, Stdio};

use super::run::{ended, zmq};

const REPLY_ONCE: &str = "
import sys, zmq
socket = zmq.Context().socket(zmq.REP)
socket.RCVTIMEO = 30000
socket.connect(sys.argv[1])
parts = socket.recv_multipart()
socket.send_multipart([b'from libzmq'] + parts)
socket.close(linger=5000)
";

const PUBLISH: &str = "
import sys, zmq
socket = zmq.Context().socket(zmq.XPUB)
socket.RCVTIMEO = 30000
socket.connect(sys.argv[1])
assert socket.recv() == b'\\x01news'
socket.send(b'weather')
socket.send_multipart([b'news', bytes(range(256))])
socket.close(linger=5000)
";

/// Prints the libzmq that PyZMQ's wheel brings along, if it is such a wheel.
const FIND_LIBRARY: &str = "
import glob, os, zmq
found = glob.glob(os.path.dirname(zmq.__path__[0]) + '/pyzmq.libs/libzmq*.so*')
print(*found[:1], end='')
";

/// The libzmq in PyZMQ's wheel.
pub fn bundled_library() -> Option<String> {
    let found = Command::new(python()?).args(["-c", FIND_LIBRARY]).output().ok()?;
    Some(String::from_utf8(found.stdout).ok()?).filter(|path| !path.is_empty())
}

/// The interpreter, if there is one with PyZMQ.
fn python() -> Option<String> {
    let python = std::env::var("FERROZMQ_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut probe = Command::new(&python);
    probe.args(["-c", "import zmq"]).stderr(Stdio::null());
    let found = probe.status().is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: {python} has no PyZMQ; set FERROZMQ_PYTHON");
    }
    found.then_some(python)
}

#[test]
fn libzmq_answers_our_request() {
    let Some(python) = python() else { return };
    let endpoint = format!("ipc:///tmp/zmq-cli-test-python-{}", std::process::id());
    let req = zmq(&format!("req -b {endpoint} -t 30s hello again"));
    let status = Command::new(&python).args(["-c", REPLY_ONCE, &endpoint]).status().unwrap();
    assert!(status.success());
    assert_eq!(req.end().lines(), ["from libzmq\thello\tagain"]);
}

#[test]
fn libzmq_publishes_to_our_subscriber() {
    let Some(python) = python() else { return };
    let mut sub = zmq("sub -b tcp://127.0.0.1:* --print-endpoint -s news -n 1 -t 30s -J");
    let endpoint = sub.line();
    let status = Command::new(&python).args(["-c", PUBLISH, &endpoint]).status().unwrap();
    assert!(status.success());
    let line = sub.end().lines().concat();
    assert!(line.contains(r#""frames":["news",{"b64":"AAECAwQ"#), "{line}");
    assert_eq!(ended("doctor -q").code, 0);
}
