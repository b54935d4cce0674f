//! The four conversations of the seed programs, unmodified, on our library: all parts under `zmq run`, with the PyZMQ that carries a
//! libzmq of its own, and all parts with a PyZMQ that was built from its source against our installation.
//!
//! `FERROZMQ_SEED` names the folder of the programs, `FERROZMQ_PYTHON` the interpreter with the former, `FERROZMQ_LIBZMQ` our C
//! library, `FERROZMQ_PYTHON_BUILT` the interpreter with the latter, `FERROZMQ_PREFIX` the installation (`cargo xtask test` sets all
//! but the first); without them the tests say that they did not run. The ports are the programs' own, so conversations on the same
//! port take turns, also with other tests on this machine.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::run::{Run, started};

/// How PyZMQ comes to our library.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `zmq run` puts it before the one that PyZMQ's wheel carries.
    Run,
    /// PyZMQ was built against it.
    Built,
}

/// What the tests need, and nobody else on these ports until it is dropped.
struct Stage {
    way: Way,
    seed: PathBuf,
    python: PathBuf,
    /// Our library, or the folder in which we are installed.
    library: PathBuf,
    _ports: File,
}

impl Stage {
    fn enter(way: Way, what: &str, ports: &str) -> Option<Stage> {
        let variable = |name: &str| {
            let value = std::env::var_os(name).map(PathBuf::from);
            if value.is_none() {
                // Past the test runner, which keeps to itself what passing tests print.
                let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {name} is not set");
            }
            value
        };
        let (python, library) = match way {
            Way::Run => ("FERROZMQ_PYTHON", "FERROZMQ_LIBZMQ"),
            Way::Built => ("FERROZMQ_PYTHON_BUILT", "FERROZMQ_PREFIX"),
        };
        let (seed, python, library) = (variable("FERROZMQ_SEED")?, variable(python)?, variable(library)?);
        let path = std::env::temp_dir().join(format!("ferrozmq-seed-{ports}.lock"));
        let file = File::create(path).expect("a lock file among temporary files");
        file.lock().expect("locks work");
        Some(Stage { way, seed, python, library, _ports: file })
    }

    /// Starts a program of the seed.
    fn start(&self, program: &str) -> Run {
        started(self.command().arg(self.seed.join(program)))
    }

    /// `zmq run -- python3` or `python3`, to be completed.
    fn command(&self) -> Command {
        let mut command = match self.way {
            Way::Run => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
                command.args(["run", "--lib"]).arg(&self.library).arg("--").arg(&self.python);
                command
            }
            Way::Built => {
                let mut command = Command::new(&self.python);
                command.env("LD_LIBRARY_PATH", self.library.join("lib"));
                command
            }
        };
        command.env("PYTHONUNBUFFERED", "1").env("PYTHONIOENCODING", "utf-8");
        command
    }
}

#[test]
fn a_client_of_the_seed_asks_its_server() {
    client_asks_server(Way::Run);
}

#[test]
fn a_client_of_the_seed_asks_its_server_built_against_us() {
    client_asks_server(Way::Built);
}

fn client_asks_server(way: Way) {
    let Some(stage) = Stage::enter(way, "request-reply of the seed on our library", "5555") else { return };
    let mut client = stage.start("reqrep/client.py");
    let _server = stage.start("reqrep/server.py");
    for _ in 0..9 {
        client.wait_for("received response. message:world!");
    }
    assert_eq!(client.end().code, 0);
}

#[test]
fn a_subscriber_of_the_seed_hears_its_publisher() {
    subscriber_hears_publisher(Way::Run);
}

#[test]
fn a_subscriber_of_the_seed_hears_its_publisher_built_against_us() {
    subscriber_hears_publisher(Way::Built);
}

fn subscriber_hears_publisher(way: Way) {
    let Some(stage) = Stage::enter(way, "publish-subscribe of the seed on our library", "5555") else {
        return;
    };
    let mut subscriber = stage.start("pubsub/subscriber.py");
    let _publisher = stage.start("pubsub/publisher.py");
    let first = number(&subscriber.wait_for("接收到"));
    for next in first + 1..first + 20 {
        assert_eq!(number(&subscriber.wait_for("接收到")), next, "in order, and none is missing");
    }
}

/// The number of the message that the subscriber tells of: `… 第N个消息 …`.
fn number(line: &str) -> u32 {
    let number = line.split_once('第').and_then(|(_, rest)| rest.split_once('个'));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("no number: {line}"))
}

#[test]
fn two_workers_of_the_seed_share_ten_tasks_evenly() {
    workers_share_tasks(Way::Run);
}

#[test]
fn two_workers_of_the_seed_share_ten_tasks_evenly_built_against_us() {
    workers_share_tasks(Way::Built);
}

fn workers_share_tasks(way: Way) {
    let Some(stage) = Stage::enter(way, "pipeline of the seed on our library", "5557-5558") else { return };
    let mut sink = stage.start("pipeline/sink.py");
    let program = stage.seed.join("pipeline/ventilator.py");
    let mut ventilator = started(stage.command().args(["-c", WATCHED]).arg(program));
    ventilator.wait_for("Press Enter");
    let _workers = ["pipeline/worker1.py", "pipeline/worker2.py"].map(|worker| stage.start(worker));
    // The workers', and that with the sink.
    for _ in 0..3 {
        ventilator.wait_for("a peer is ready");
    }
    ventilator.write(b"\n");
    let total: u32 = seconds(&ventilator.wait_for("10个任务的总工作量"));
    let results: Vec<String> = (0..10).map(|_| sink.wait_for("完成一个任务")).collect();
    let of = |worker: &str| results.iter().filter(|line| line.starts_with(worker)).count();
    assert_eq!((of("work1 "), of("work2 ")), (5, 5), "{results:#?}");
    assert_eq!(results.iter().map(|line| seconds(line)).sum::<u32>(), total);
    sink.wait_for("2个worker同时工作");
    assert_eq!(sink.end().code, 0);
    assert_eq!(ventilator.end().code, 0);
}

/// The last number in a line: seconds of work.
fn seconds(line: &str) -> u32 {
    let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.next_back().and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no number: {line}"))
}

/// Runs a program as it is, in an interpreter that prints a line, as a person would look before pressing Enter, when a socket
/// has a peer more.
const WATCHED: &str = r#"
import runpy, sys, threading, zmq
from zmq.utils.monitor import recv_monitor_message

def watch(monitor):
    while recv_monitor_message(monitor)["event"] != zmq.EVENT_MONITOR_STOPPED:
        print("a peer is ready")

make = zmq.Context.socket
def watched(context, kind, *rest, **named):
    socket = make(context, kind, *rest, **named)
    if kind == zmq.PUSH:
        monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_MONITOR_STOPPED)
        threading.Thread(target=watch, args=[monitor], daemon=True).start()
    return socket

zmq.Context.socket = watched
runpy.run_path(sys.argv[1], run_name="__main__")
"#;

#[test]
fn a_client_of_the_seed_gives_up_and_tries_again() {
    client_gives_up_and_tries_again(Way::Run);
}

#[test]
fn a_client_of_the_seed_gives_up_and_tries_again_built_against_us() {
    client_gives_up_and_tries_again(Way::Built);
}

fn client_gives_up_and_tries_again(way: Way) {
    let Some(stage) = Stage::enter(way, "time-out of the seed on our library", "5555") else { return };
    let mut client = stage.start("timeout/client.py");
    client.wait_for("no response");
    let _server = stage.start("timeout/server.py");
    client.wait_for("ping test success");
    assert_eq!(client.end().code, 0);
    let client = stage.start("timeout/client.py").end();
    assert_eq!(client.lines(), ["ping test success"]);
    assert_eq!(client.stderr.contains(" runs on "), way == Way::Run, "{client:?}");
}

/// The loader itself tells to which file it bound the function that PyZMQ's extension calls.
#[test]
fn ours_is_the_library_that_the_wheel_calls() {
    let Some(stage) = Stage::enter(Way::Run, "the wheel's calls", "none") else { return };
    let log = std::env::temp_dir().join(format!("zmq-cli-test-bindings-{}", std::process::id()));
    let mut command = stage.command();
    command.args(["-c", "import zmq; zmq.Context().socket(zmq.PAIR).close(0); print(zmq.zmq_version())"]);
    command.env("LD_DEBUG", "bindings").env("LD_DEBUG_OUTPUT", &log);
    assert_eq!(started(&mut command).end().lines(), ["4.3.5"]);
    let mut calls = Vec::new();
    for entry in std::fs::read_dir(std::env::temp_dir()).expect("temporary files").flatten() {
        if entry.path().to_string_lossy().starts_with(&*log.to_string_lossy()) {
            let text = std::fs::read(entry.path()).expect("the loader has written it");
            let text = String::from_utf8_lossy(&text).into_owned();
            calls.extend(text.lines().filter(|line| line.contains("`zmq_socket'")).map(str::to_owned));
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let ours = std::fs::canonicalize(&stage.library).expect("our library");
    let ours = format!(" to {} ", ours.display());
    assert!(calls.iter().any(|line| line.contains("pyzmq") || line.contains("_zmq")), "{calls:#?}");
    assert!(calls.iter().all(|line| line.contains(&ours)), "{ours}: {calls:#?}");
}

#[test]
fn built_against_our_installation_it_loads_our_library() {
    let Some(stage) = Stage::enter(Way::Built, "PyZMQ built against us", "none") else { return };
    let mut command = stage.command();
    command.args([
        "-c",
        "import zmq; print(zmq.zmq_version(), zmq.pyzmq_version()); print(open('/proc/self/maps').read())",
    ]);
    let lines = started(&mut command).end().lines().join("\n");
    assert!(lines.starts_with("4.3.5 "), "{lines}");
    let ours = std::fs::canonicalize(stage.library.join("lib/libzmq.so.5")).expect("our installation");
    let maps: Vec<&str> = lines.lines().filter(|line| line.contains("libzmq")).collect();
    assert!(
        !maps.is_empty() && maps.iter().all(|line| line.ends_with(&*ours.to_string_lossy())),
        "{maps:#?}"
    );
}
