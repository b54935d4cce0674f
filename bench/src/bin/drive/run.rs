//! One run: two processes of one contender, started, pinned, awaited.
//!
//! The binder is started first and says where it listens; only then the connector is started, so that nobody's reconnect interval is
//! measured. A run that takes longer than its limit is ended and is an error.

use crate::plan::{Placement, Row, Subject};
use ferrozmq_bench::{Figures, Line, Mode};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// The longest run; a contender that needs more hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// What the two ends of a run measured.
pub struct Pair {
    /// The end that bound: receiver or echo.
    pub binder: Figures,
    /// The end that connected: sender or asker.
    pub connector: Figures,
}

impl Pair {
    /// The end whose clock counts: the asker of round trips, the receiver of streams.
    pub fn judge(&self) -> &Figures {
        let asked = self.connector.latency.is_some();
        if asked { &self.connector } else { &self.binder }
    }

    /// Nanoseconds for each message or round trip.
    pub fn elapsed_ns_per_message(&self) -> f64 {
        let judge = self.judge();
        judge.elapsed_ns as f64 / judge.count.max(1) as f64
    }

    /// CPU nanoseconds of both processes for each message or round trip.
    pub fn cpu_ns_per_message(&self) -> f64 {
        (self.binder.cpu_ns + self.connector.cpu_ns) as f64 / self.judge().count.max(1) as f64
    }

    /// Voluntary context switches of both processes for each message or round trip.
    pub fn switches_per_message(&self) -> f64 {
        let both = self.binder.voluntary_switches + self.connector.voluntary_switches;
        both as f64 / self.judge().count.max(1) as f64
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (elapsed, cpu) = (self.elapsed_ns_per_message(), self.cpu_ns_per_message());
        write!(f, "{elapsed:.0} ns, {cpu:.0} ns CPU, {:.2} switches each", self.switches_per_message())
    }
}

/// Runs both ends of `row` with contender `name`.
///
/// # Errors
/// If a process cannot be started, fails, or exceeds the limit.
pub fn pair(name: &str, row: &Row, placement: Placement, count: u64) -> Result<Pair, String> {
    let folder = Folder::new()?;
    let endpoint = match row.transport {
        "ipc" => format!("ipc://{}", folder.0.join("socket").display()),
        _ => "tcp://127.0.0.1:*".to_owned(),
    };
    let mut binder = End::start(name, row.binder, &endpoint, row.size, count, placement)?;
    let endpoint = match binder.line()? {
        Line::Listening(endpoint) => endpoint,
        Line::Figures(_) => return Err(format!("{name} {} never listened", row.binder)),
    };
    let mut connector = End::start(name, row.connector, &endpoint, row.size, count, placement)?;
    // The end whose clock counts goes first; only when it has everything may the other close.
    let (judge, other) = match row.subject {
        Subject::RoundTrip => (&mut connector, &mut binder),
        Subject::Throughput | Subject::Away => (&mut binder, &mut connector),
    };
    let first = judge.figures()?;
    judge.end();
    other.end();
    let second = other.figures()?;
    let swap = row.subject == Subject::RoundTrip;
    Ok(if swap {
        Pair { connector: first, binder: second }
    } else {
        Pair { binder: first, connector: second }
    })
}

/// One process; ended when this is dropped.
struct End {
    label: String,
    child: Child,
    lines: Receiver<String>,
}

impl End {
    fn start(
        name: &str,
        mode: Mode,
        endpoint: &str,
        size: usize,
        count: u64,
        place: Placement,
    ) -> Result<End, String> {
        let label = format!("{name} {mode}");
        let mut command = Command::new(program(name)?);
        command.args([&mode.to_string(), endpoint, &size.to_string(), &count.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            spawn(&mut command, place.core_of(mode)).map_err(|error| format!("{label}: {error}"))?;
        let stdout = child.stdout.take().ok_or("stdout is piped")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Ok(End { label, child, lines })
    }

    fn line(&mut self) -> Result<Line, String> {
        let text = self.lines.recv_timeout(LIMIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("{} took longer than {} s", self.label, LIMIT.as_secs()),
            RecvTimeoutError::Disconnected => format!("{} ended early", self.label),
        })?;
        serde_json::from_str(&text).map_err(|error| format!("{} printed {text:?}: {error}", self.label))
    }

    /// Tells the process that it may close.
    fn end(&mut self) {
        drop(self.child.stdin.take());
    }

    fn figures(&mut self) -> Result<Figures, String> {
        match self.line()? {
            Line::Figures(figures) => Ok(figures),
            Line::Listening(_) => Err(format!("{} listened twice", self.label)),
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // It has ended, or hangs: in both cases these calls are right and their failure says nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `command` on core number `core` of those that we may use: a child inherits the affinity of the thread that starts it.
fn spawn(command: &mut Command, core: Option<usize>) -> std::io::Result<Child> {
    let everywhere = sched_getaffinity(None)?;
    let ours: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| everywhere.is_set(core)).collect();
    if let Some(&core) = core.and_then(|number| ours.get(number % ours.len())) {
        let mut one = CpuSet::new();
        one.set(core);
        sched_setaffinity(None, &one)?;
    }
    let child = command.spawn();
    sched_setaffinity(None, &everywhere)?;
    child
}

/// The contender's program, which cargo puts beside the driver.
fn program(name: &str) -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(here.with_file_name(name))
}

/// A folder for one run's socket file.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("ferrozmq-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind, it would only be an empty folder among temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
