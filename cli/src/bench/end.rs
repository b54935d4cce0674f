//! One process of a comparison: one end of a measurement, or over inproc both, on one of the libraries.
//!
//! It is started by `compare`, prints where it is bound, then what it measured, and is killed, or ends when its stdin does. Nothing
//! of what a library does when it closes is in the figures.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ferrozmq::{Context, SocketType};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::foreign::Foreign;
use super::wire::{Library, Ours, Wire};
use super::{Transport, latency};
use crate::failure::Failure;
use crate::open::print_line;
use crate::units;

/// Round trips that are not measured.
const WARM_UP: u32 = 300;
/// Messages between two looks at the clock, and bytes, if they are long.
const LOOK_EVERY: usize = 256;
const LOOK_EVERY_BYTES: usize = 4 << 20;
/// A due time that is nearer is waited for awake: a sleep would end too late.
const TOO_NEAR_TO_SLEEP: Duration = Duration::from_micros(300);

/// What one process does.
#[derive(Args, Clone, Debug)]
pub struct EndArgs {
    /// The part
    pub role: Role,
    /// The library's file; without it this library
    #[arg(long)]
    pub lib: Option<PathBuf>,
    /// Where to bind
    #[arg(long, default_value = "")]
    pub bind: String,
    /// Where to connect
    #[arg(long, default_value = "")]
    pub connect: String,
    /// Size of a message in bytes
    #[arg(long)]
    pub size: usize,
    /// Measure this long
    #[arg(long, value_parser = units::duration)]
    pub duration: Duration,
    /// Ask so often, whether the last answer has come or not
    #[arg(long)]
    pub interval_ns: Option<u64>,
}

/// The parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Gives back what comes.
    Echo,
    /// Measures round trips.
    Ask,
    /// Counts what comes.
    Pull,
    /// Sends.
    Push,
    /// Both ends of round trips.
    Trip,
    /// Both ends of a stream.
    Stream,
}

/// What a process prints.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Others connect here; and what the library says of itself.
    Bound {
        /// The endpoint.
        endpoint: String,
        /// The library.
        library: String,
    },
    /// The figures, by name.
    Measured(BTreeMap<String, f64>),
    /// There will be no figures, for this reason.
    Failed(String),
}

impl Line {
    fn print(&self) -> Result<(), Failure> {
        print_line(&serde_json::to_string(self).expect("strings and numbers become JSON"))
    }
}

/// Plays the part. What goes wrong is told to whoever started this process, on standard output.
///
/// # Errors
/// If nobody listens there.
pub fn run(args: &EndArgs) -> Result<(), Failure> {
    std::thread::spawn(|| {
        // Whoever started us has ended, in whatever way.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    load_and_play(args).or_else(|failure| Line::Failed(failure.to_string()).print())
}

fn load_and_play(args: &EndArgs) -> Result<(), Failure> {
    match &args.lib {
        Some(path) => {
            let library = Foreign::load(path)?;
            let name = format!("{} ({})", path.display(), library.version());
            play(args, &library, name)
        }
        None => play(args, &Ours(Context::new()), format!("ferrozmq {}", env!("CARGO_PKG_VERSION"))),
    }
}

fn play<L: Library>(args: &EndArgs, library: &L, name: String) -> Result<(), Failure> {
    let open = |kind| -> Result<L::Wire, Failure> {
        let mut wire = library.wire(kind)?;
        if args.bind.is_empty() {
            wire.connect(&args.connect)?;
        } else {
            Line::Bound { endpoint: wire.bind(&args.bind)?, library: name.clone() }.print()?;
        }
        Ok(wire)
    };
    match args.role {
        Role::Echo => echo(open(SocketType::Rep)?),
        Role::Ask => ask(open(SocketType::Req)?, args),
        Role::Pull => pull(open(SocketType::Pull)?, args),
        Role::Push => push(open(SocketType::Push)?, args),
        Role::Trip => {
            let echoing = open(SocketType::Rep)?;
            let mut asking = library.wire(SocketType::Req)?;
            asking.connect(&args.bind)?;
            both(|| echo(echoing), || ask(asking, args))
        }
        Role::Stream => {
            let pulling = open(SocketType::Pull)?;
            let mut pushing = library.wire(SocketType::Push)?;
            pushing.connect(&args.bind)?;
            both(|| push(pushing, args), || pull(pulling, args))
        }
    }
}

/// Over inproc: one end serves in a thread of its own, and never returns; so this ends the process.
fn both(
    serve: impl FnOnce() -> Result<(), Failure> + Send,
    measure: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        scope.spawn(serve);
        let told = measure().or_else(|failure| Line::Failed(failure.to_string()).print());
        std::process::exit(i32::from(told.is_err()))
    })
}

fn echo(mut wire: impl Wire) -> Result<(), Failure> {
    loop {
        wire.echo()?;
    }
}

fn push(mut wire: impl Wire, args: &EndArgs) -> Result<(), Failure> {
    let body = vec![0x55; args.size];
    loop {
        wire.send(&body)?;
    }
}

fn pull(mut wire: impl Wire, args: &EndArgs) -> Result<(), Failure> {
    wire.recv()?;
    let begin = Instant::now();
    let mut done = 0_usize;
    let batch = (LOOK_EVERY_BYTES / args.size.max(1)).clamp(1, LOOK_EVERY);
    while begin.elapsed() < args.duration {
        for _ in 0..batch {
            if wire.recv()? != args.size {
                return Err(Failure::Error("a message of another length came".into()));
            }
        }
        done += batch;
    }
    let rate = done as f64 / begin.elapsed().as_secs_f64();
    let figures = [("messages_per_second", rate), ("bytes_per_second", rate * args.size as f64)];
    Line::Measured(figures.map(|(name, value)| (name.to_owned(), value)).into()).print()
}

/// With a rate, the time of a round trip begins when it was due, not when the last one let it begin (coordinated omission).
fn ask(mut wire: impl Wire, args: &EndArgs) -> Result<(), Failure> {
    let body = vec![0x55; args.size];
    let mut times = latency::histogram();
    for _ in 0..WARM_UP {
        wire.send(&body)?;
        wire.recv()?;
    }
    let interval = args.interval_ns.map(Duration::from_nanos);
    let begin = Instant::now();
    let mut due = begin;
    while due.duration_since(begin) < args.duration {
        if interval.is_some() {
            wait_until(due);
        }
        wire.send(&body)?;
        wire.recv()?;
        let now = Instant::now();
        times.saturating_record(u64::try_from(now.duration_since(due).as_nanos()).unwrap_or(u64::MAX));
        due = interval.map_or(now, |interval| due + interval);
    }
    Line::Measured(figures(&times)).print()
}

fn wait_until(due: Instant) {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        match left.checked_sub(TOO_NEAR_TO_SLEEP) {
            Some(sleep) if !sleep.is_zero() => std::thread::sleep(sleep),
            _ => std::hint::spin_loop(),
        }
    }
}

fn figures(times: &Histogram<u64>) -> BTreeMap<String, f64> {
    let percentiles = latency::PERCENTILES.iter();
    let mut found: BTreeMap<String, f64> = percentiles
        .map(|(name, quantile)| {
            (format!("{}_ns", name.replace('.', "_")), times.value_at_quantile(*quantile) as f64)
        })
        .collect();
    found.insert("max_ns".to_owned(), times.max() as f64);
    found.insert("round_trips".to_owned(), times.len() as f64);
    found
}

impl Role {
    /// The word for it.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The two ends of a measurement over `transport`: who binds, who connects, and whether the first one measures. Over inproc one
    /// process is both.
    pub fn pair(of_latency: bool, transport: Transport) -> (Role, Option<Role>, bool) {
        match (of_latency, transport) {
            (true, Transport::Inproc) => (Role::Trip, None, true),
            (false, Transport::Inproc) => (Role::Stream, None, true),
            (true, _) => (Role::Echo, Some(Role::Ask), false),
            (false, _) => (Role::Pull, Some(Role::Push), true),
        }
    }
}
