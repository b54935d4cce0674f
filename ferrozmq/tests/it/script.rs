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
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ports from here on are the kernel's choice.
const EPHEMERAL: u16 = 32_768;

const RCVTIMEO: i32 = 27;
const SNDTIMEO: i32 = 28;

/// One call. Sockets have names; `$name` as an endpoint is where that socket was last bound, and `{port}` in one is a free port.
#[derive(Clone, Debug)]
pub enum Step {
    Open(&'static str, SocketType),
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

/// A difference from libzmq that is meant. Each text but the reason may end in `*`, and then is the beginning of what it stands for.
pub struct Deviation {
    /// The script's name.
    pub script: String,
    /// The step, as [`Step::text`] has it.
    pub step: &'static str,
    pub libzmq: &'static str,
    pub ours: &'static str,
    pub reason: &'static str,
}

/// Scripts are played by so many processes of libzmq and threads of ours at a time: most of them wait most of the time.
const STAGES: usize = 6;

/// Plays all scripts on both sides and compares.
pub fn compare(what: &str, scripts: &[Script], deviations: &[Deviation]) {
    if interpreter(what).is_none() {
        return;
    }
    let share = scripts.len().div_ceil(STAGES).max(1);
    let differences: Vec<Difference> = std::thread::scope(|scope| {
        let stages: Vec<_> =
            scripts.chunks(share).map(|some| scope.spawn(move || differences(what, some))).collect();
        stages.into_iter().flat_map(|stage| stage.join().expect("a stage ends")).collect()
    });
    let mut report = String::new();
    for difference in &differences {
        if !deviations.iter().any(|known| known.covers(difference)) {
            let Difference { script, step, libzmq, ours } = difference;
            writeln!(report, "{script}: {step}\n    libzmq {libzmq}, ours {ours}").unwrap();
        }
    }
    for known in deviations {
        if !differences.iter().any(|difference| known.covers(difference)) {
            writeln!(report, "no longer so: {}, {} ({})", known.script, known.step, known.reason).unwrap();
        }
    }
    assert!(report.is_empty(), "{what}: outcomes differ\n{report}");
}

struct Difference {
    script: String,
    step: String,
    libzmq: String,
    ours: String,
}

fn differences(what: &str, scripts: &[Script]) -> Vec<Difference> {
    let Some(libzmq) = start_libzmq(what, scripts) else { return Vec::new() };
    let ours: Vec<Vec<String>> = scripts.iter().map(|script| play(&script.steps)).collect();
    let libzmq = libzmq.join().expect("libzmq's side answers");
    let mut all = Vec::new();
    assert_eq!(libzmq.len(), scripts.len());
    for ((script, ours), libzmq) in scripts.iter().zip(&ours).zip(&libzmq) {
        assert_eq!(libzmq.len(), ours.len());
        for ((step, ours), libzmq) in script.steps.iter().zip(ours).zip(libzmq) {
            let (ours, libzmq) = (step.comparable(ours), step.comparable(libzmq));
            if ours != libzmq {
                all.push(Difference { script: script.name.clone(), step: step.text(), libzmq, ours });
            }
        }
    }
    all
}

impl Deviation {
    fn covers(&self, difference: &Difference) -> bool {
        matches(&self.script, &difference.script)
            && matches(self.step, &difference.step)
            && matches(self.libzmq, &difference.libzmq)
            && matches(self.ours, &difference.ours)
    }
}

/// Whether `text` is the pattern, or what a pattern with `*` at its end begins with.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |beginning| text.starts_with(beginning))
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
    /// As people and deviations name it: the call and its arguments.
    fn text(&self) -> String {
        let json = self.json();
        let words = json.as_array().into_iter().flatten();
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        words.map(word).collect::<Vec<String>>().join(" ")
    }

    /// An outcome without what differs from run to run: ports that the kernel chose.
    fn comparable(&self, outcome: &str) -> String {
        let Step::Told(_) = self else { return outcome.to_owned() };
        match outcome.rsplit_once(':') {
            Some((before, port)) if port.parse::<u16>().is_ok_and(|port| port >= EPHEMERAL) => {
                format!("{before}:PORT")
            }
            _ => outcome.to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Step::Open(name, kind) => json!(["open", name, *kind as i32]),
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
    let mut stage = Stage {
        context: Context::builder().libzmq_compat().build(),
        sockets: HashMap::new(),
        port: free_port(),
    };
    let outcomes = steps.iter().map(|step| match stage.play(step) {
        Ok(None) => "ok".to_owned(),
        Ok(Some(detail)) => format!("ok {detail}"),
        Err(error) => format!("E{}", error.errno()),
    });
    let outcomes = outcomes.collect();
    // A script's end does not wait for what it left unsent.
    stage.sockets.values().for_each(|socket| drop(socket.set_linger(Some(Duration::ZERO))));
    outcomes
}

struct Stage {
    context: Context,
    sockets: HashMap<&'static str, Socket>,
    port: String,
}

/// A port that was free a moment ago, and that nobody else is likely to be given soon.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("loopback has free ports").port().to_string()
}

impl Stage {
    fn play(&mut self, step: &Step) -> Result<Option<String>> {
        match step {
            Step::Open(name, kind) => {
                self.sockets.insert(name, self.context.socket(*kind)?);
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
        match text.strip_prefix('$') {
            Some(name) => self.socket(name).last_endpoint(),
            None => text.replace("{port}", &self.port),
        }
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
