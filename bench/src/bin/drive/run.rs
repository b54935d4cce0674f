//! One run: the processes of one row with one contender, started, pinned, awaited.
//!
//! Binders are started first and say where they listen; only then others are started, so that nobody's reconnect interval is
//! measured. A run that takes longer than its limit is ended and is an error.

use crate::arguments::SPIN;
use crate::contender::{Contender, beside};
use crate::plan::{Placement, Player, Row, Subject};
use ferrozmq_bench::{CANNOT, Figures, Job, Line, Role};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// The longest run; a contender that needs more hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// How a run ended.
pub enum Ending {
    /// With figures.
    Measured(Run),
    /// The contender has no such thing, and says so.
    Declined(String),
}

/// What the processes of a run measured.
pub struct Run {
    judge: Figures,
    /// What the contender's processes spent, the crowd's not.
    spent: Vec<Figures>,
}

impl Run {
    /// Nanoseconds for each message or round trip.
    pub fn ns_per_message(&self) -> f64 {
        self.judge.elapsed_ns as f64 / self.judge.count.max(1) as f64
    }

    /// The figures, by name.
    pub fn measures(&self, subject: Subject) -> BTreeMap<String, f64> {
        let count = self.judge.count.max(1) as f64;
        let sum = |figure: fn(&Figures) -> u64| self.spent.iter().map(figure).sum::<u64>() as f64;
        let cpu_ns = sum(|figures| figures.cpu_ns);
        let mut found = BTreeMap::new();
        let mut add = |name: &str, value: f64| found.insert(name.to_owned(), value);
        match subject {
            Subject::Latency => {
                let latency = self.judge.latency.unwrap_or_default();
                add("p50_us", latency.p50 as f64 / 1e3);
                add("p99_us", latency.p99 as f64 / 1e3);
                add("p999_us", latency.p999 as f64 / 1e3);
            }
            Subject::Rate | Subject::Peers => {
                add("M_per_s", 1e3 / self.ns_per_message().max(f64::MIN_POSITIVE));
            }
            Subject::Storm => {
                add("storm_ms", self.judge.elapsed_ns as f64 / 1e6);
            }
            Subject::Handshakes => {
                add("per_cpu_s", count * 1e9 / cpu_ns.max(1.0));
            }
        }
        if let Some(bytes) = self.spent.iter().find_map(|figures| figures.bytes_per_peer)
            && subject == Subject::Peers
        {
            add("peer_KiB", bytes / 1024.0);
        }
        add("cpu_ns", cpu_ns / count);
        add("switches", sum(|figures| figures.voluntary_switches) / count);
        add("peak_MiB", sum(|figures| figures.peak_kib) / 1024.0);
        found
    }
}

/// Runs all players of `row` with `contender`.
///
/// # Errors
/// If a process cannot be started, fails, or exceeds the limit.
pub fn run(contender: &Contender, row: &Row, placement: Placement, count: u64) -> Result<Ending, String> {
    if contender.is_raw() && !row.suits_raw() {
        return Ok(Ending::Declined(format!("{CANNOT} do more than carry bytes between two ends")));
    }
    let folder = Folder::new()?;
    let _busy = Busy::at(placement)?;
    let players = row.players(count);
    if row.transport == "inproc" {
        return collect(row, &mut [together(contender, players, placement)?]);
    }
    let mut places = Vec::new();
    let mut ends: Vec<(Player, End)> = Vec::new();
    for mut player in players {
        let connects = player.connects.and_then(|index| places.get(index).cloned());
        player.job.connect.extend(connects);
        for endpoint in &mut player.job.bind {
            *endpoint = endpoint.replace("DIR", &folder.0.display().to_string());
        }
        let mut end = End::start(contender, &[&player], placement)?;
        if !player.job.bind.is_empty() {
            match end.line()? {
                Line::Listening(bound) => places.extend(bound),
                Line::Declined(reason) => return Ok(Ending::Declined(reason)),
                _ => return Err(format!("{} never listened", end.label)),
            }
        }
        ends.push((player, end));
    }
    collect(row, &mut ends)
}

/// All players in one process, which tells the judge's figures.
fn together(
    contender: &Contender,
    mut players: Vec<Player>,
    placement: Placement,
) -> Result<(Player, End), String> {
    let places: Vec<String> = players.iter().flat_map(|player| player.job.bind.clone()).collect();
    for player in &mut players {
        player.job.connect.extend(player.connects.and_then(|index| places.get(index).cloned()));
        player.job.silent = !player.judge;
    }
    let end = End::start(contender, &players.iter().collect::<Vec<_>>(), placement)?;
    let judge = players.into_iter().find(|player| player.judge).ok_or("a row without a judge")?;
    Ok((judge, end))
}

/// Waits for everybody, the judge first: only when it has everything may the others close, and only when they have told what they
/// spent does the judge.
fn collect(row: &Row, ends: &mut [(Player, End)]) -> Result<Ending, String> {
    let judge = ends.iter().position(|(player, _)| player.judge).ok_or("a row without a judge")?;
    if ends[judge].0.job.role == Role::Subscribe {
        match ends[judge].1.line()? {
            Line::Ready => ends[0].1.go(),
            Line::Declined(reason) => return Ok(Ending::Declined(reason)),
            _ => return Err(format!("{} was never ready", ends[judge].1.label)),
        }
    }
    let first = match ends[judge].1.line() {
        Ok(Line::Figures(figures)) => figures,
        Ok(Line::Declined(reason)) => return Ok(Ending::Declined(reason)),
        Ok(_) => return Err(format!("{} gave no figures", ends[judge].1.label)),
        // Perhaps because another end has declined and gone.
        Err(reason) => return ends.iter().find_map(|(_, end)| end.declined()).ok_or(reason),
    };
    let without_computing =
        |figures: Figures| if row.sender_computes() { Figures { cpu_ns: 0, ..figures } } else { figures };
    let mut spent = Vec::new();
    if !ends[judge].0.crowd {
        spent.push(if ends.len() == 1 { without_computing(first) } else { first });
    }
    let others = |(player, _): &&mut (Player, End)| !player.judge;
    ends.iter_mut().filter(others).for_each(|(_, end)| end.end());
    for (_, end) in ends.iter_mut().filter(others) {
        match end.line()? {
            Line::Figures(figures) => spent.push(without_computing(figures)),
            _ => return Err(format!("{} gave no figures", end.label)),
        }
    }
    ends[judge].1.end();
    Ok(Ending::Measured(Run { judge: first, spent }))
}

/// One process; ended when this is dropped.
struct End {
    label: String,
    child: Child,
    lines: Receiver<String>,
}

impl End {
    fn start(contender: &Contender, players: &[&Player], place: Placement) -> Result<End, String> {
        let [player, ..] = players else { return Err("nobody plays".to_owned()) };
        let label = format!("{} {}", contender.name, player.job.role);
        let program = if player.crowd { beside("crowd")? } else { contender.program.clone() };
        let mut command = Command::new(program);
        let jobs: Vec<&Job> = players.iter().map(|player| &player.job).collect();
        command.args(Job::arguments_of(&jobs)).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.envs(contender.environment.iter().map(|(name, value)| (name, value)));
        let core = place.core_of(!player.job.bind.is_empty());
        let mut child = spawn(&mut command, core).map_err(|error| format!("{label}: {error}"))?;
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

    /// Why it declines, if that is what it has said.
    fn declined(&self) -> Option<Ending> {
        match serde_json::from_str(&self.lines.try_recv().ok()?) {
            Ok(Line::Declined(reason)) => Some(Ending::Declined(reason)),
            _ => None,
        }
    }

    /// Tells a publisher that all are listening.
    fn go(&mut self) {
        if let Some(stdin) = &mut self.child.stdin {
            // A publisher that has ended will be noticed by whoever waits for its messages.
            let _ = stdin.write_all(b"go\n");
        }
    }

    /// Tells the process that it may close.
    fn end(&mut self) {
        drop(self.child.stdin.take());
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // It has ended, or hangs: in both cases these calls are right and their failure says nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that do nothing but keep cores busy, or awake.
struct Busy(Vec<Child>);

impl Busy {
    /// Those that `placement` wants.
    fn at(placement: Placement) -> Result<Busy, String> {
        let program = beside("drive")?;
        let children: std::io::Result<Vec<Child>> = match placement {
            Placement::Busy => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                (0..cores).map(|_| Command::new(&program).arg(SPIN).spawn()).collect()
            }
            // Whoever runs only where nobody else wants to gives way at once.
            Placement::Awake => {
                let mut idle = Command::new("chrt");
                spawn(idle.args(["--idle", "0"]).arg(&program).arg(SPIN), placement.core_of(true))
                    .map(|child| vec![child])
            }
            Placement::OneCore | Placement::Free | Placement::Apart => Ok(Vec::new()),
        };
        children.map(Busy).map_err(|error| format!("keeping cores busy: {error}"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // They never end by themselves.
            let _ = child.kill();
            let _ = child.wait();
        }
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

/// A folder for one run's socket files.
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
