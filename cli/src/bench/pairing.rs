//! Bringing the two ends of a measurement together.
//!
//! The measuring end runs here. The other end runs in a child process that is this program with `-b` or `-c`, in
//! a thread for inproc, or on another machine. The child ends when it is killed, which is what happens
//! when the measurement is over.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrozmq::{Context, Socket, SocketType};

use super::{RunArgs, Transport};
use crate::endpoint::{Use, expand};
use crate::failure::Failure;
use crate::open::print_line;
use crate::wake::Wake;

/// How long the ends may take to find each other.
pub const MEETING_MAX: Duration = Duration::from_secs(30);

/// How long the last messages of one end alone may take to leave.
const LINGER: Duration = Duration::from_secs(5);

/// A measurement with its two ends.
pub trait Measurement {
    /// The name of the verb.
    fn name(&self) -> &'static str;
    /// The types of the bound and the connected socket.
    fn sockets(&self) -> (SocketType, SocketType);
    /// Whether the bound end measures.
    fn bound_end_measures(&self) -> bool;
    /// Runs the measuring end; what was found.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn measure(&self, socket: &Socket, size: usize, limit: Limit) -> Result<Report, Failure>;
    /// Runs the other end until the limit, or until it is stopped.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn serve(&self, socket: &Socket, size: usize, limit: Limit) -> Result<(), Failure>;
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// How long.
    pub duration: Duration,
    /// After so many messages instead, if given.
    pub count: Option<u64>,
}

impl Limit {
    /// Until stopped from outside.
    pub const NONE: Limit = Limit { duration: Duration::MAX, count: None };

    /// Whether a run that began at `start` and has had `done` messages is over.
    pub fn is_reached(&self, start: Instant, now: Instant, done: u64) -> bool {
        match self.count {
            Some(count) => done >= count,
            None => now.duration_since(start) >= self.duration,
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// A line for people, without transport and size.
    pub text: String,
    /// The same as fields of a JSON object.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// The contexts of the run, all ended by Ctrl-C.
#[derive(Clone, Default)]
struct Contexts(Arc<Mutex<Vec<Context>>>);

impl Contexts {
    fn fresh(&self) -> Context {
        let context = Context::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(context.clone());
        context
    }

    fn shut_down(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Context::shutdown);
    }
}

/// Runs `what` as the flags say.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(args: &RunArgs, what: &(impl Measurement + Sync)) -> Result<(), Failure> {
    let contexts = Contexts::default();
    let wake = Wake::new()?;
    let ending = contexts.clone();
    wake.listen_for_signals(move || ending.shut_down())?;
    let outcome = match (&args.bind, &args.connect) {
        (Some(endpoint), _) => one_end(args, what, &contexts, endpoint, Use::Bind),
        (_, Some(endpoint)) => one_end(args, what, &contexts, endpoint, Use::Connect),
        (None, None) => both_ends(args, what, &contexts, &wake),
    };
    wake.check()?;
    outcome
}

fn one_end(
    args: &RunArgs,
    what: &impl Measurement,
    contexts: &Contexts,
    endpoint: &str,
    purpose: Use,
) -> Result<(), Failure> {
    let [size] = args.size[..] else {
        return Err(Failure::Usage("one end alone measures one size at a time".into()));
    };
    let size = usize_of(size)?;
    let endpoint = expand(endpoint, purpose).map_err(Failure::Usage)?;
    let context = contexts.fresh();
    let (bound, connected) = what.sockets();
    let socket = context.socket(if purpose == Use::Bind { bound } else { connected })?;
    socket.set_linger(Some(LINGER))?;
    match purpose {
        // The first line: whoever started us reads where we are.
        Use::Bind => print_line(&format!("bound {}", socket.bind(&endpoint)?))?,
        Use::Connect => socket.connect(&endpoint)?,
    }
    if (purpose == Use::Bind) == what.bound_end_measures() {
        let report = what.measure(&socket, size, args.limit())?;
        let transport = endpoint.split("://").next().unwrap_or_default();
        print_line(&line(args.json, what.name(), transport, size, report))?;
    } else {
        what.serve(&socket, size, args.limit())?;
    }
    drop(socket);
    context.term();
    Ok(())
}

fn both_ends(
    args: &RunArgs,
    what: &(impl Measurement + Sync),
    contexts: &Contexts,
    wake: &Wake,
) -> Result<(), Failure> {
    for transport in &args.over {
        for &size in &args.size {
            let size = usize_of(size)?;
            let context = contexts.fresh();
            let report = match transport {
                Transport::Inproc => between_threads(what, &context, size, args.limit()),
                _ => between_processes(what, &context, *transport, size, args.limit()),
            };
            wake.check()?;
            print_line(&line(args.json, what.name(), transport.name(), size, report?))?;
        }
    }
    Ok(())
}

fn between_threads(
    what: &(impl Measurement + Sync),
    context: &Context,
    size: usize,
    limit: Limit,
) -> Result<Report, Failure> {
    const ENDPOINT: &str = "inproc://bench";
    let (bound, connected) = what.sockets();
    let (bound, connected) = (context.socket(bound)?, context.socket(connected)?);
    bound.bind(ENDPOINT)?;
    connected.connect(ENDPOINT)?;
    let (measuring, serving) =
        if what.bound_end_measures() { (bound, connected) } else { (connected, bound) };
    std::thread::scope(|scope| {
        scope.spawn(move || what.serve(&serving, size, Limit::NONE));
        let report = what.measure(&measuring, size, limit);
        context.shutdown(); // ends the serving thread
        report
    })
}

fn between_processes(
    what: &impl Measurement,
    context: &Context,
    transport: Transport,
    size: usize,
    limit: Limit,
) -> Result<Report, Failure> {
    let wildcard = match transport {
        Transport::Ipc => "ipc://*",
        _ => "tcp://127.0.0.1:*",
    };
    let (bound, connected) = what.sockets();
    if what.bound_end_measures() {
        let socket = context.socket(bound)?;
        let endpoint = socket.bind(wildcard)?;
        let _child = Other::start(what.name(), &["-c", &endpoint], size)?;
        what.measure(&socket, size, limit)
    } else {
        let mut child = Other::start(what.name(), &["-b", wildcard], size)?;
        let socket = context.socket(connected)?;
        socket.set_linger(Some(Duration::ZERO))?;
        socket.connect(&child.endpoint()?)?;
        what.measure(&socket, size, limit)
    }
}

/// The other end in a process of its own, which ends with this value.
struct Other(Child);

/// Longer than anybody measures: the other end ends when it is killed.
const FOREVER: &str = "365d";

impl Other {
    fn start(verb: &str, place: &[&str], size: usize) -> Result<Other, Failure> {
        let failed = |error| Failure::while_doing(error, "cannot start the other end");
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["bench", verb, "--for", FOREVER, "-s", &size.to_string()]).args(place);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().map(Other).map_err(failed)
    }

    /// Where the other end is bound.
    fn endpoint(&mut self) -> Result<String, Failure> {
        let stdout = self.0.stdout.take();
        let first = stdout.and_then(|stdout| BufReader::new(stdout).lines().next()).and_then(Result::ok);
        first
            .and_then(|line| line.strip_prefix("bound ").map(str::to_owned))
            .ok_or_else(|| Failure::Error("the other end did not say where it is".into()))
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

fn line(json: bool, verb: &str, transport: &str, size: usize, report: Report) -> String {
    if !json {
        return format!("{verb} {transport:<6} {size:>8} B  {}", report.text);
    }
    let mut fields = serde_json::Map::new();
    fields.insert("bench".into(), verb.into());
    fields.insert("transport".into(), transport.into());
    fields.insert("size".into(), size.into());
    fields.extend(report.fields);
    serde_json::Value::Object(fields).to_string()
}

impl RunArgs {
    fn limit(&self) -> Limit {
        Limit { duration: self.duration, count: self.count }
    }
}

fn usize_of(size: u64) -> Result<usize, Failure> {
    usize::try_from(size).map_err(|_| Failure::Usage("this size is too large".into()))
}
