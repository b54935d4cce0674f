//! Scripts of socket calls, played by this library and by libzmq, whose outcomes must be equal.
//!
//! A script is written once and played twice: here, and by `conformance/interop/script.py`. An outcome is a text: `ok`, with what
//! the call returned if it returned something, or `E` and libzmq's error number. Where we mean to differ, a [`Deviation`] says how
//! and why; one that no longer happens fails the test as well.

use crate::interop::python::interpreter;
use ferrozmq::{Context, Frame, Message, Result, Socket, SocketType};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

const RCVTIMEO: i32 = 27;
const SNDTIMEO: i32 = 28;

/// One call. Sockets have names; `$name` as an endpoint is where that socket was last bound.
#[derive(Clone, Debug)]
pub enum Step {
    Open(&'static str, SocketType),
    Close(&'static str),
    /// Finished handshakes count from here, for `Ready`.
    Watch(&'static str),
    /// Waits for a handshake.
    Ready(&'static str),
    Bind(&'static str, String),
    Connect(&'static str, String),
    Unbind(&'static str, String),
    Disconnect(&'static str, String),
    /// The last endpoint.
    Told(&'static str),
    Set(&'static str, i32, Vec<u8>),
    /// An option read into a buffer of so many bytes.
    Get(&'static str, i32, usize),
    Events(&'static str),
    Send {
        socket: &'static str,
        parts: Vec<Vec<u8>>,
        wait_ms: Option<u32>,
        more: bool,
    },
    Recv(&'static str, Option<u32>),
    /// Sends until refused; `count`: how often is part of the outcome.
    Fill {
        socket: &'static str,
        parts: Vec<Vec<u8>>,
        wait_ms: Option<u32>,
        limit: usize,
        count: bool,
    },
    /// Receives until refused.
    Drain(&'static str, Option<u32>),
}

/// A named list of steps.
#[derive(Clone, Debug)]
pub struct Script {
    pub name: String,
    pub steps: Vec<Step>,
}

/// A difference from libzmq that is meant.
pub struct Deviation {
    /// The script's name, or with a `*` at the end the beginning of several names.
    pub script: &'static str,
    /// The name of the step's call, as the script has it.
    pub step: &'static str,
    pub libzmq: &'static str,
    pub ours: &'static str,
    pub reason: &'static str,
}

/// Plays all scripts on both sides and compares.
pub fn compare(what: &str, scripts: &[Script], deviations: &[Deviation]) {
    let Some(libzmq) = start_libzmq(what, scripts) else { return };
    let ours: Vec<Vec<String>> = scripts.iter().map(|script| play(&script.steps)).collect();
    let libzmq = libzmq.join().expect("libzmq's side answers");
    assert_eq!(libzmq.len(), scripts.len());
    let mut used = vec![0; deviations.len()];
    let mut report = String::new();
    for ((script, ours), libzmq) in scripts.iter().zip(&ours).zip(&libzmq) {
        for ((step, ours), libzmq) in script.steps.iter().zip(ours).zip(libzmq) {
            if ours == libzmq {
                continue;
            }
            let meant = deviations.iter().position(|known| known.covers(script, step, libzmq, ours));
            match meant {
                Some(index) => used[index] += 1,
                None => {
                    let step = step.json();
                    writeln!(report, "{}: {step}\n    libzmq {libzmq}, ours {ours}", script.name).unwrap();
                }
            }
        }
    }
    for (known, used) in deviations.iter().zip(used) {
        if used == 0 {
            let Deviation { script, step, reason, .. } = known;
            writeln!(report, "no longer so: {script}, {step} ({reason})").unwrap();
        }
    }
    assert!(report.is_empty(), "{what}: outcomes differ\n{report}");
}

impl Deviation {
    fn covers(&self, script: &Script, step: &Step, libzmq: &str, ours: &str) -> bool {
        let named = match self.script.strip_suffix('*') {
            Some(prefix) => script.name.starts_with(prefix),
            None => script.name == self.script,
        };
        named && step.json()[0] == self.step && self.libzmq == libzmq && self.ours == ours
    }
}

/// libzmq's outcomes, from a process that plays the scripts while we do.
fn start_libzmq(what: &str, scripts: &[Script]) -> Option<std::thread::JoinHandle<Vec<Vec<String>>>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/interop/script.py");
    let mut command = Command::new(interpreter(what)?);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("FERROZMQ_PYTHON can be started");
    let steps = |script: &Script| Value::from(script.steps.iter().map(Step::json).collect::<Vec<Value>>());
    let input = Value::from(scripts.iter().map(steps).collect::<Vec<Value>>());
    let mut stdin = child.stdin.take().expect("stdin is piped");
    writeln!(stdin, "{input}").expect("the Python process reads");
    drop(stdin);
    Some(std::thread::spawn(move || {
        let output = child.wait_with_output().expect("it is our child");
        serde_json::from_slice(&output.stdout).expect("it answers in JSON")
    }))
}

impl Step {
    fn json(&self) -> Value {
        match self {
            Step::Open(name, kind) => json!(["open", name, *kind as i32]),
            Step::Close(name) => json!(["close", name]),
            Step::Watch(name) => json!(["watch", name]),
            Step::Ready(name) => json!(["ready", name]),
            Step::Bind(name, endpoint) => json!(["bind", name, endpoint]),
            Step::Connect(name, endpoint) => json!(["connect", name, endpoint]),
            Step::Unbind(name, endpoint) => json!(["unbind", name, endpoint]),
            Step::Disconnect(name, endpoint) => json!(["disconnect", name, endpoint]),
            Step::Told(name) => json!(["told", name]),
            Step::Set(name, option, value) => json!(["set", name, option, hex(value)]),
            Step::Get(name, option, size) => json!(["get", name, option, size]),
            Step::Events(name) => json!(["events", name]),
            Step::Send { socket, parts, wait_ms, more } => {
                json!(["send", socket, specs(parts), wait_ms, more])
            }
            Step::Recv(name, wait_ms) => json!(["recv", name, wait_ms]),
            Step::Fill { socket, parts, wait_ms, limit, count } => {
                json!(["fill", socket, specs(parts), wait_ms, limit, count])
            }
            Step::Drain(name, wait_ms) => json!(["drain", name, wait_ms]),
        }
    }
}

/// Long parts are only zeros, and go as their length.
fn specs(parts: &[Vec<u8>]) -> Vec<Value> {
    let spec =
        |part: &Vec<u8>| if part.len() > 100 { json!(part.len()) } else { json!({ "hex": hex(part) }) };
    parts.iter().map(spec).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Our outcomes.
fn play(steps: &[Step]) -> Vec<String> {
    let mut stage = Stage { context: Context::new(), sockets: HashMap::new() };
    let outcomes = steps.iter().map(|step| match stage.play(step) {
        Ok(None) => "ok".to_owned(),
        Ok(Some(detail)) => format!("ok {detail}"),
        Err(error) => format!("E{}", error.errno()),
    });
    let outcomes = outcomes.collect();
    // A script's end does not wait for what it left unsent; sockets that it closed do not mind.
    stage.sockets.values().for_each(|socket| drop(socket.set_linger(Some(Duration::ZERO))));
    outcomes
}

struct Stage {
    context: Context,
    sockets: HashMap<&'static str, Socket>,
}

impl Stage {
    fn play(&mut self, step: &Step) -> Result<Option<String>> {
        match step {
            Step::Open(name, kind) => {
                self.sockets.insert(name, self.context.socket(*kind)?);
            }
            Step::Close(name) => {
                self.socket(name).set_linger(Some(Duration::ZERO))?;
                self.socket(name).close();
            }
            Step::Watch(_) => {}
            Step::Ready(name) => self.socket(name).wait_for_peers(1, PATIENCE)?,
            Step::Bind(name, endpoint) => {
                self.socket(name).bind(&self.endpoint(endpoint))?;
            }
            Step::Connect(name, endpoint) => self.socket(name).connect(&self.endpoint(endpoint))?,
            Step::Unbind(name, endpoint) => self.socket(name).unbind(&self.endpoint(endpoint))?,
            Step::Disconnect(name, endpoint) => self.socket(name).disconnect(&self.endpoint(endpoint))?,
            Step::Told(name) => return Ok(Some(self.socket(name).last_endpoint())),
            Step::Set(name, option, value) => self.socket(name).set_raw(*option, value)?,
            Step::Get(name, option, _) => return Ok(Some(hex(&self.socket(name).read_raw(*option)?))),
            Step::Events(name) => return Ok(Some(self.socket(name).events()?.bits().to_string())),
            Step::Send { socket, parts, wait_ms, more } => {
                send(self.socket(socket), parts, *wait_ms, *more)?;
            }
            Step::Recv(name, wait_ms) => return recv(self.socket(name), *wait_ms).map(Some),
            Step::Fill { socket, parts, wait_ms, limit, count } => {
                let (sent, end) = repeat(*limit, || send(self.socket(socket), parts, *wait_ms, false));
                let sent = if *count { sent.to_string() } else { "some".to_owned() };
                return Ok(Some(format!("{sent} then {end}")));
            }
            Step::Drain(name, wait_ms) => {
                let (received, end) = repeat(usize::MAX, || recv(self.socket(name), *wait_ms).map(|_| ()));
                return Ok(Some(format!("{received} then {end}")));
            }
        }
        Ok(None)
    }

    fn socket(&self, name: &str) -> &Socket {
        self.sockets.get(name).expect("the script opens it first")
    }

    fn endpoint(&self, text: &str) -> String {
        text.strip_prefix('$').map_or_else(|| text.to_owned(), |name| self.socket(name).last_endpoint())
    }
}

fn repeat(limit: usize, mut call: impl FnMut() -> Result<()>) -> (usize, String) {
    for done in 0..limit {
        if let Err(error) = call() {
            return (done, format!("E{}", error.errno()));
        }
    }
    (limit, "ok".to_owned())
}

/// Like the other side part by part where that is what is asked for, else as a whole.
fn send(socket: &Socket, parts: &[Vec<u8>], wait_ms: Option<u32>, more: bool) -> Result<()> {
    if let Some(wait_ms) = wait_ms {
        socket.set_raw(SNDTIMEO, &wait_ms.to_ne_bytes())?;
    }
    if more {
        for part in parts {
            let sent = socket.send_part(Frame::from(part.clone()), true, wait_ms.is_none());
            sent.map_err(|(_, error)| error)?;
        }
        return Ok(());
    }
    let message = Message::from_parts(parts.iter().map(|part| Frame::from(part.clone()))).unwrap_or_default();
    let sent = if wait_ms.is_some() { socket.send(message) } else { socket.try_send(message) };
    Ok(sent?)
}

fn recv(socket: &Socket, wait_ms: Option<u32>) -> Result<String> {
    let message = match wait_ms {
        Some(wait_ms) => {
            socket.set_raw(RCVTIMEO, &wait_ms.to_ne_bytes())?;
            socket.recv()?
        }
        None => socket.try_recv()?,
    };
    assert_ne!(message.len(), 0, "a message has a part");
    Ok(message.iter().map(|part| hex(part)).collect::<Vec<String>>().join("|"))
}
