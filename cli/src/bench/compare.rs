//! `zmq bench … --lib FILE`: this library and another one, in turns A B B A.
//!
//! Every run is two fresh processes of this program (`end`), or one over inproc, so that neither library finds the other's threads or
//! memory. The order changes within each round, so that a machine that becomes slower favours nobody. A is the other library: if it
//! is none, that is said before anything was measured.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use serde_json::{Map, Value, json};

use super::end::{Line, Role};
use super::interval::Interval;
use super::pairing::MEETING_MAX;
use super::{RunArgs, Transport};
use crate::failure::Failure;
use crate::open::print_line;
use crate::units::si;

/// What a run found, by name.
type Figures = BTreeMap<String, f64>;

/// What is compared: round trips or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `lat`.
    Latency,
    /// `thr`.
    Throughput,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Subject::Latency => "lat",
            Subject::Throughput => "thr",
        }
    }

    /// The figures whose ratios are told.
    fn compared(self) -> &'static [&'static str] {
        match self {
            Subject::Latency => &["p50_ns", "p99_ns", "p99_9_ns"],
            Subject::Throughput => &["messages_per_second"],
        }
    }
}

/// Compares over every transport and with every size that was asked for.
///
/// # Errors
/// If a library cannot be loaded, or a run fails.
pub fn run(args: &RunArgs, subject: Subject, library: &Path) -> Result<(), Failure> {
    for &transport in &args.over {
        for &size in &args.size {
            let turn = Turn { args, subject, transport, size };
            let (mut ours, mut theirs) = (Runs::default(), Runs::default());
            for _ in 0..args.rounds {
                theirs.add(turn.run(Some(library))?);
                ours.add(turn.run(None)?);
                ours.add(turn.run(None)?);
                theirs.add(turn.run(Some(library))?);
            }
            print_line(&report(&turn, &ours, &theirs))?;
        }
    }
    Ok(())
}

/// The runs of one library.
#[derive(Default)]
struct Runs {
    library: String,
    figures: BTreeMap<String, Vec<f64>>,
}

impl Runs {
    fn add(&mut self, (library, figures): (String, Figures)) {
        self.library = library;
        for (name, value) in figures {
            self.figures.entry(name).or_default().push(value);
        }
    }

    fn all(&self, name: &str) -> &[f64] {
        self.figures.get(name).map_or(&[], Vec::as_slice)
    }

    /// The middle of a figure.
    fn median(&self, name: &str) -> f64 {
        let mut sorted = self.all(name).to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

/// What all runs of one line of output have in common.
struct Turn<'a> {
    args: &'a RunArgs,
    subject: Subject,
    transport: Transport,
    size: u64,
}

impl Turn<'_> {
    /// One run on `library`, or on this one: what it is called and what was found.
    fn run(&self, library: Option<&Path>) -> Result<(String, Figures), Failure> {
        let (binds, connects, binder_measures) = Role::pair(self.subject == Subject::Latency, self.transport);
        let place = match self.transport {
            Transport::Tcp => "tcp://127.0.0.1:*",
            Transport::Ipc => "ipc://*",
            Transport::Inproc => "inproc://bench",
        };
        let mut binder = self.start(binds, library, ["--bind", place])?;
        let (endpoint, name) = match binder.line()? {
            Line::Bound { endpoint, library } => (endpoint, library),
            Line::Measured(_) => return Err(Failure::Error("an end measured before it was bound".into())),
            Line::Failed(reason) => return Err(Failure::Error(reason)),
        };
        let connector = connects.map(|role| self.start(role, library, ["--connect", &endpoint]));
        let mut connector = connector.transpose()?;
        let measuring = connector.as_mut().filter(|_| !binder_measures).unwrap_or(&mut binder);
        match measuring.line()? {
            Line::Measured(figures) => Ok((name, figures)),
            Line::Bound { .. } => Err(Failure::Error("an end was bound twice".into())),
            Line::Failed(reason) => Err(Failure::Error(reason)),
        }
    }

    fn start(&self, role: Role, library: Option<&Path>, place: [&str; 2]) -> Result<End, Failure> {
        let mut words: Vec<OsString> = vec!["bench".into(), "end".into(), role.name().into()];
        words.extend(place.map(OsString::from));
        words.extend(["--size".into(), self.size.to_string().into()]);
        words.extend(["--duration".into(), format!("{}us", self.args.duration.as_micros()).into()]);
        if let Some(interval) = self.args.rate {
            words.extend(["--interval-ns".into(), interval.as_nanos().to_string().into()]);
        }
        words.extend(library.into_iter().flat_map(|path| [OsString::from("--lib"), path.into()]));
        End::start(&words, self.args.duration)
    }
}

/// A process of a run, ended with this value.
struct End {
    child: Child,
    lines: Receiver<String>,
    patience: std::time::Duration,
}

impl End {
    fn start(words: &[OsString], duration: std::time::Duration) -> Result<End, Failure> {
        let failed = |error| Failure::while_doing(error, "cannot start the other end");
        let program: PathBuf = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Ok(End { child, lines, patience: duration + MEETING_MAX })
    }

    fn line(&mut self) -> Result<Line, Failure> {
        let text = self.lines.recv_timeout(self.patience).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => {
                Failure::TimedOut(format!("an end said nothing for {} s", self.patience.as_secs()))
            }
            mpsc::RecvTimeoutError::Disconnected => Failure::Error("an end stopped early".into()),
        })?;
        serde_json::from_str(&text).map_err(|error| Failure::Error(format!("an end said {text:?}: {error}")))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

fn report(turn: &Turn, ours: &Runs, theirs: &Runs) -> String {
    let ratios = turn
        .subject
        .compared()
        .iter()
        .filter_map(|name| Some((*name, Interval::of(ours.all(name), theirs.all(name))?)));
    let verb = turn.subject.name();
    if turn.args.json {
        let mut fields = Map::new();
        fields.insert("bench".into(), verb.into());
        fields.insert("transport".into(), turn.transport.name().into());
        fields.insert("size".into(), turn.size.into());
        for (key, runs) in [("ours", ours), ("theirs", theirs)] {
            fields.insert(key.into(), json!({ "library": runs.library, "runs": runs.figures }));
        }
        let ratio = |interval: Interval| json!({ "ratio": interval.ratio, "low": interval.low, "high": interval.high });
        fields.insert("ratios".into(), ratios.map(|(name, found)| (name.to_owned(), ratio(found))).collect());
        return Value::Object(fields).to_string();
    }
    let mut text = String::new();
    for runs in [ours, theirs] {
        let figures = match turn.subject {
            Subject::Throughput => format!("{}msg/s", si(runs.median("messages_per_second"))),
            Subject::Latency => {
                let micros = |name: &str| format!("{:.1} µs", runs.median(name) / 1e3);
                let [p50, p99, p999] = ["p50_ns", "p99_ns", "p99_9_ns"].map(micros);
                format!("p50 {p50}  p99 {p99}  p99.9 {p999}")
            }
        };
        let name = turn.transport.name();
        text.push_str(&format!("{verb} {name:<6} {:>8} B  {figures}  {}\n", turn.size, runs.library));
    }
    for (name, interval) in ratios {
        let name = name.trim_end_matches("_ns").replace("p99_9", "p99.9").replace('_', " ");
        let Interval { ratio, low, high } = interval;
        if interval.is_useless() {
            text.push_str(&format!(
                "    {name} the turns disagree: no ratio; more --rounds or a longer --for may help\n"
            ));
            continue;
        }
        let open = if interval.is_open() { ": no clear difference" } else { "" };
        text.push_str(&format!("    {name} ours ÷ theirs {ratio:.2} (95 %: {low:.2} to {high:.2}){open}\n"));
    }
    text.trim_end().to_owned()
}
