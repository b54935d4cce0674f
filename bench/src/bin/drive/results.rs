//! What was measured, and where: kept as JSON, so that a long measurement can be made in pieces.

use crate::plan::Placement;
use crate::statistics::Spread;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything measured.
#[derive(Serialize, Deserialize)]
pub struct Results {
    /// Kernel, processor, cores, congestion control: figures without them mean little.
    pub machine: String,
    /// In the order of measurement.
    pub cells: Vec<Cell>,
}

/// The runs of one contender for one row and placement.
#[derive(Serialize, Deserialize)]
pub struct Cell {
    /// Name of the row.
    pub row: String,
    /// Where the processes ran.
    pub placement: Placement,
    /// Whose figures these are.
    pub contender: String,
    /// Length of a run in seconds.
    pub seconds: f64,
    /// Each figure of each run, in order.
    pub measures: BTreeMap<String, Vec<f64>>,
    /// Why there are none.
    pub declined: Option<String>,
}

impl Cell {
    /// Adds a run.
    pub fn add(&mut self, measures: BTreeMap<String, f64>) {
        for (name, value) in measures {
            self.measures.entry(name).or_default().push(value);
        }
    }

    /// The middle of a figure.
    pub fn spread(&self, measure: &str) -> Option<Spread> {
        Spread::of(self.measures.get(measure)?)
    }

    /// The figure that the row is about.
    pub fn main_measure(&self) -> Option<&'static str> {
        MAIN.into_iter().find(|name| self.measures.contains_key(*name))
    }

    /// The middle of the figure that the row is about, with its unit.
    pub fn headline(&self) -> Option<String> {
        let measure = self.main_measure()?;
        Some(shown(measure, self.spread(measure)?.median))
    }

    /// This cell's figure divided by that of `other`, turn by turn.
    pub fn over(&self, other: &Cell, measure: &str) -> Option<Spread> {
        Spread::of_ratios(self.measures.get(measure)?, other.measures.get(measure)?)
    }
}

/// The figures of which every row has one.
const MAIN: [&str; 4] = ["p50_us", "M_per_s", "storm_ms", "per_cpu_s"];

/// Whether more of this figure is better.
pub fn more_is_better(measure: &str) -> bool {
    matches!(measure, "M_per_s" | "per_cpu_s")
}

/// The figure with its unit, for readers.
pub fn shown(measure: &str, value: f64) -> String {
    let (value, unit) = match measure {
        "p50_us" => (value, "µs"),
        "M_per_s" if value < 1e-3 => (value * 1e6, "/s"),
        "M_per_s" if value < 1.0 => (value * 1e3, "k/s"),
        "M_per_s" => (value, "M/s"),
        "storm_ms" => (value, "ms until all are served"),
        "per_cpu_s" => (value, "per CPU second"),
        _ => (value, ""),
    };
    format!("{} {unit}", Significant(value))
}

/// A number with three significant digits or more.
pub struct Significant(pub f64);

impl std::fmt::Display for Significant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = match self.0.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            size if size >= 1.0 => 2,
            _ => 3,
        };
        write!(f, "{:.decimals$}", self.0)
    }
}

impl Results {
    /// Those in the file at `path`, if there is one.
    ///
    /// # Errors
    /// If it holds something else.
    pub fn load(path: Option<&str>) -> Result<Results, String> {
        match path.map(std::fs::read_to_string) {
            Some(Ok(text)) => {
                serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.unwrap_or_default()))
            }
            _ => Ok(Results { machine: machine(), cells: Vec::new() }),
        }
    }

    /// Writes them to the file at `path`, if there is one.
    ///
    /// # Errors
    /// If that fails.
    pub fn save(&self, path: Option<&str>) -> Result<(), String> {
        let Some(path) = path else { return Ok(()) };
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| format!("{path}: {error}"))
    }

    /// The cell of `contender` there.
    pub fn cell(&self, row: &str, placement: Placement, contender: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.is(row, placement, contender))
    }

    /// Puts `cell` in the place of its predecessor, or at the end.
    pub fn put(&mut self, cell: Cell) {
        match self.cells.iter_mut().find(|old| old.is(&cell.row, cell.placement, &cell.contender)) {
            Some(old) => *old = cell,
            None => self.cells.push(cell),
        }
    }
}

impl Cell {
    fn is(&self, row: &str, placement: Placement, contender: &str) -> bool {
        self.row == row && self.placement == placement && self.contender == contender
    }
}

/// What the figures depend on besides the code.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let hypervisor = if read("/proc/cpuinfo").contains(" hypervisor") { " (virtual)" } else { "" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let congestion = read("/proc/sys/net/ipv4/tcp_congestion_control");
    let processor = processor.trim_start_matches([' ', '\t', ':']);
    format!("{processor}{hypervisor}, {cores} cores, Linux {}, tcp {}", kernel.trim(), congestion.trim())
}
