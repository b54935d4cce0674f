//! The results: cells with their runs, as Markdown for readers and as JSON for programs.

use crate::arguments::Arguments;
use crate::plan::{Placement, Row, Subject};
use crate::run::Pair;
use crate::statistics::{REFUSE_BEYOND, Spread};
use serde::Serialize;
use std::fmt::Write;

/// Everything measured, and where.
#[derive(Serialize)]
pub struct Results {
    /// Kernel, processor, cores, congestion control: figures without them mean little.
    pub machine: String,
    /// Runs per cell.
    pub rounds: usize,
    /// Seconds per run.
    pub seconds: f64,
    /// In the order of measurement.
    pub cells: Vec<Cell>,
}

/// The runs of one contender for one row and placement.
#[derive(Serialize)]
pub struct Cell {
    /// Name of the row.
    pub row: String,
    /// What it is about.
    pub subject: Subject,
    /// Where the processes ran.
    pub placement: Placement,
    /// Whose figures these are.
    pub contender: String,
    /// Round trip: median us. Throughput: million messages a second. Away: 99th percentile in us.
    pub figure: Vec<f64>,
    /// CPU nanoseconds of both processes for each message or round trip.
    pub cpu_ns: Vec<f64>,
    /// Voluntary context switches of both processes for each message or round trip.
    pub switches: Vec<f64>,
}

impl Cell {
    /// A cell without runs.
    pub fn new(contender: &str, row: &Row, placement: Placement) -> Cell {
        let (row, subject) = (row.name(), row.subject);
        let contender = contender.to_owned();
        Cell {
            row,
            subject,
            placement,
            contender,
            figure: Vec::new(),
            cpu_ns: Vec::new(),
            switches: Vec::new(),
        }
    }

    /// Adds a run.
    pub fn add(&mut self, pair: &Pair) {
        let latency = pair.judge().latency.unwrap_or_default();
        self.figure.push(match self.subject {
            Subject::RoundTrip => latency.p50 as f64 / 1e3,
            Subject::Throughput => 1e3 / pair.elapsed_ns_per_message(),
            Subject::Away => latency.p99 as f64 / 1e3,
        });
        self.cpu_ns.push(pair.cpu_ns_per_message());
        self.switches.push(pair.switches_per_message());
    }

    fn unit(&self) -> &'static str {
        match self.subject {
            Subject::RoundTrip => "us, median round trip",
            Subject::Throughput => "M messages/s",
            Subject::Away => "us, 99th percentile",
        }
    }
}

impl Results {
    /// No cells yet.
    pub fn new(arguments: &Arguments) -> Results {
        let (rounds, seconds) = (arguments.rounds, arguments.seconds);
        Results { machine: machine(), rounds, seconds, cells: Vec::new() }
    }

    /// One line for each cell, with its ratios to libzmq and to the bare socket in the same row and placement.
    pub fn markdown(&self) -> String {
        let mut text =
            format!("\n{}; {} runs of {} s in turns.\n\n", self.machine, self.rounds, self.seconds);
        text.push_str("| row | placement | contender | figure | quartiles | CPU ns each | switches each | ÷ libzmq | ÷ raw |\n");
        text.push_str("|---|---|---|---|---|---|---|---|---|\n");
        for cell in &self.cells {
            self.line(cell, &mut text);
        }
        let _ = writeln!(
            text,
            "\n\"–\" under a ratio: the runs disagree so much (quartiles of the ratio more than {REFUSE_BEYOND} apart) that it would \
             mean nothing. CPU and switches are both processes' together."
        );
        text
    }

    fn line(&self, cell: &Cell, text: &mut String) {
        let Some(figure) = Spread::of(&cell.figure) else { return };
        let middle = |runs: &[f64]| Spread::of(runs).map_or(0.0, |spread| spread.median);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.4} {} | ±{:.0} % | {:.0} | {:.2} | {} | {} |",
            cell.row,
            cell.placement,
            cell.contender,
            Significant(figure.median),
            cell.unit(),
            figure.percent() / 2.0,
            middle(&cell.cpu_ns),
            middle(&cell.switches),
            self.ratio(cell, "libzmq"),
            self.ratio(cell, "raw"),
        );
    }

    fn ratio(&self, cell: &Cell, other: &str) -> String {
        let same = |candidate: &&Cell| {
            candidate.row == cell.row && candidate.placement == cell.placement && candidate.contender == other
        };
        let Some(other) = self.cells.iter().find(same).filter(|found| found.contender != cell.contender)
        else {
            return String::new();
        };
        let ratio = Spread::of(&cell.figure).zip(Spread::of(&other.figure)).and_then(|(a, b)| a.over(&b));
        ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
    }
}

/// A number with three significant digits or more.
struct Significant(f64);

impl std::fmt::Display for Significant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = match self.0.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            size if size >= 1.0 => 2,
            _ => 4,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

/// What the figures depend on besides the code.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let congestion = read("/proc/sys/net/ipv4/tcp_congestion_control");
    let processor = processor.trim_start_matches([' ', '\t', ':']);
    format!("{processor}, {cores} cores, Linux {}, tcp {}", kernel.trim(), congestion.trim())
}
