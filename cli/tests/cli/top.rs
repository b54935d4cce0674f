//! `zmq top` on a pipeline with a stalled worker: the culprit stands first.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::run::{Run, started};

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for the windows of one test's processes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("zmq-top-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn zmq(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
        command.args(words).env("XDG_RUNTIME_DIR", &self.0);
        command
    }

    /// What `zmq top` prints.
    fn top(&self, words: &[&str]) -> (i32, String) {
        let output = self.zmq(&[&["top"], words].concat()).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).unwrap() + &said)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pusher that waits for a silent peer as long as a test may take, and one that does not.
const LASTING: &[&str] = &["-o", "heartbeat_ivl=600000"];
const IMPATIENT: &[&str] =
    &["-o", "heartbeat_ivl=300", "-o", "heartbeat_timeout=600", "-o", "heartbeat_lenient=0"];

/// One that hands out work to two, of whom one has been stopped.
struct Pipeline {
    push: Run,
    _good: Run,
    bad: Run,
}

impl Pipeline {
    /// With jobs so long that what cannot be sent is soon seen; `options` are the pusher's.
    fn start(folder: &Folder, options: &[&str]) -> Pipeline {
        Pipeline::of_jobs(folder, options, 60_000)
    }

    fn of_jobs(folder: &Folder, options: &[&str], size: usize) -> Pipeline {
        let body = "x".repeat(size);
        let words =
            ["push", "-b", "ipc://*", "--print-endpoint", "-o", "sndhwm=10", "--wait-peer=2", "-n", "1M"];
        let mut push = folder.zmq(&[&words[..], options, &["--rate", "200/s", &body]].concat());
        let mut push = started(push.env("FERROZMQ_TOP", "1"));
        let at = push.line();
        let pull = || started(folder.zmq(&["pull", "-c", &at, "-f", ".\\n"]).stdin(Stdio::null()));
        let (good, mut bad) = (pull(), pull());
        // It has met the other, and works.
        bad.line();
        bad.signal("STOP");
        Pipeline { push, _good: good, bad }
    }

    /// Whether this table, or screen, shows who is stuck: by the address of an ipc peer, which ends with its process's number.
    fn is_told(&self, table: &str) -> bool {
        self.is_shown_as("STALLED", table)
    }

    /// Whether it shows the stopped one as `state`, behind the heading and its own socket.
    fn is_shown_as(&self, state: &str, table: &str) -> bool {
        let culprit = format!(":{}", self.bad.id());
        let first = table.lines().position(|line| line.contains(state) && line.contains(&culprit));
        first.is_some_and(|first| first <= 3)
    }
}

#[test]
fn the_culprit_stands_first_in_the_table() {
    let folder = Folder::new("table");
    let pipeline = Pipeline::start(&folder, LASTING);
    let pid = pipeline.push.id().to_string();
    let begin = Instant::now();
    loop {
        let (code, table) = folder.top(&["--once", &pid]);
        if code == 0 && pipeline.is_told(&table) {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "{code}: {table}");
    }
    let (code, json) = folder.top(&["--once", "-J"]);
    assert_eq!(code, 0, "{json}");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((report["version"].clone(), report["pid"].to_string()), (1.into(), pid));
    let socket = &report["contexts"][0]["sockets"][0];
    assert_eq!((&socket["type"], &socket["mechanism"]), (&"PUSH".into(), &"NULL".into()));
    assert_eq!(socket["peers"].as_array().unwrap().len(), 2);
    pipeline.bad.signal("CONT");
}

#[test]
fn one_whose_heartbeat_has_timed_out_is_still_in_the_first_look() {
    let folder = Folder::new("late");
    // So short that the kernel holds all that the stopped one has not read: no queue tells of it.
    let pipeline = Pipeline::of_jobs(&folder, IMPATIENT, 10);
    let gone = |table: &str| pipeline.is_shown_as("GONE", table) && table.contains("in doubt");
    let begin = Instant::now();
    let look = || folder.top(&["--once"]).1;
    let mut table = look();
    while !gone(&table) {
        assert!(begin.elapsed() < PATIENCE, "{table}");
        table = look();
    }
    // It wakes, finds itself cut off, and comes back: what it did is in sight all the same.
    pipeline.bad.signal("CONT");
    let culprit = format!(":{}", pipeline.bad.id());
    let back = |table: &str| table.lines().filter(|line| line.contains(&culprit)).count() >= 2;
    while !(gone(&table) && back(&table)) {
        assert!(begin.elapsed() < PATIENCE, "{table}");
        table = look();
    }
}

#[test]
fn one_that_was_stalled_is_still_on_the_screen_when_it_is_killed() {
    let folder = Folder::new("killed");
    let Some(screen) = Screen::new("killed") else { return };
    let pipeline = Pipeline::start(&folder, LASTING);
    screen.show(&folder);
    screen.wait_for(|screen| pipeline.is_told(screen));
    pipeline.bad.signal("KILL");
    screen.wait_for(|screen| pipeline.is_shown_as("GONE", screen) && screen.contains("IN TROUBLE"));
}

/// A terminal without a person.
struct Screen(String);

impl Screen {
    fn new(name: &str) -> Option<Screen> {
        let screen = Screen(format!("zmq-top-{}-{name}", std::process::id()));
        if screen.tmux(&["-V"]).is_err() {
            skip("there is no tmux");
            return None;
        }
        Some(screen)
    }

    fn tmux(&self, words: &[&str]) -> std::io::Result<std::process::Output> {
        Command::new("tmux").args(["-L", &self.0, "-f", "/dev/null"]).args(words).output()
    }

    /// Runs `zmq top` there.
    fn show(&self, folder: &Folder) {
        let runtime = format!("XDG_RUNTIME_DIR={}", folder.0.display());
        let zmq = env!("CARGO_BIN_EXE_zmq");
        let words =
            ["new-session", "-d", "-x", "150", "-y", "24", "env", &runtime, zmq, "top", "-i", "300ms"];
        assert!(self.tmux(&words).unwrap().status.success());
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).unwrap().stdout).into_owned()
    }

    /// Waits until what is shown `is_right`, and gives it.
    fn wait_for(&self, is_right: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let text = self.text();
            if is_right(&text) {
                return text;
            }
            assert!(begin.elapsed() < PATIENCE, "{text}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]); // it has ended with its last session, if all went well
    }
}

#[test]
fn the_culprit_is_seen_on_the_screen() {
    let folder = Folder::new("screen");
    let Some(screen) = Screen::new("screen") else { return };
    let pipeline = Pipeline::start(&folder, LASTING);
    screen.show(&folder);
    let seen = screen.wait_for(|screen| pipeline.is_told(screen));
    assert!(seen.contains("IN TROUBLE") && seen.contains("q quit"), "{seen}");
    screen.tmux(&["send-keys", "q"]).unwrap();
    // The last session ends with its program, and the server with it.
    let begin = Instant::now();
    while screen.tmux(&["has-session"]).unwrap().status.success() {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    pipeline.bad.signal("CONT");
}

#[test]
fn prometheus_is_served() {
    use std::io::{Read as _, Write as _};
    let folder = Folder::new("prometheus");
    let mut pull = folder.zmq(&["pull", "-b", "ipc://*", "--print-endpoint"]);
    let mut pull = started(pull.env("FERROZMQ_TOP", "1"));
    pull.line();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let _server = started(&mut folder.zmq(&["top", "--prometheus", &port]));
    let begin = Instant::now();
    let mut stream = loop {
        match std::net::TcpStream::connect(&port) {
            Ok(stream) => break stream,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "{error}"),
        }
    };
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    let sample = format!("zmq_socket_queued_in_messages{{pid=\"{}\",program=\"zmq\"", pull.id());
    assert!(answer.contains(&sample), "{answer}");
}

#[test]
fn who_has_not_opted_in_is_not_seen() {
    let folder = Folder::new("nobody");
    let mut pull = started(&mut folder.zmq(&["pull", "-b", "ipc://*", "--print-endpoint"]));
    pull.line();
    let (code, said) = folder.top(&["--once"]);
    assert!(code == 1 && said.contains("FERROZMQ_TOP=1"), "{code} {said}");
    let (code, said) = folder.top(&["--once", &pull.id().to_string()]);
    assert!(code == 1 && said.contains("cannot be looked into"), "{code} {said}");
    assert!(!folder.0.join("ferrozmq").exists());
}

fn skip(reason: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED a test of zmq top: {reason}");
}
