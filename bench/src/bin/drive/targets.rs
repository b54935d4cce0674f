//! What this project has set itself, and how far it is from it.
//!
//! A target is a ratio between two contenders of one run. It is met, missed, or unclear where the turns disagree too much; where it
//! says "not worse beyond the spread", only quartiles that lie wholly on the wrong side miss it.

use crate::contender::RELATIVES;
use crate::plan::Placement;
use crate::results::{Cell, Results, more_is_better};
use crate::statistics::Spread;
use std::fmt::Write;

/// Ours through the Rust API and through the C functions, in the order of each target's factors.
const OURS: [&str; 2] = ["ours", "ours-c"];

/// One line of the table, for every row in `rows`.
struct Target {
    rows: &'static [&'static str],
    placement: Placement,
    measure: &'static str,
    versus: &'static str,
    /// For the Rust API and the C functions.
    factors: [f64; 2],
    /// Another contender and factor that will do, where that is less.
    or: Option<(&'static str, f64)>,
}

const fn target(
    rows: &'static [&'static str],
    placement: Placement,
    measure: &'static str,
    versus: &'static str,
    factors: [f64; 2],
) -> Target {
    Target { rows, placement, measure, versus, factors, or: None }
}

const WIRES: &[&str] = &["lat/64/tcp", "lat/64/ipc"];
const LARGE: &[&str] =
    &["thr/64Ki/tcp", "thr/64Ki/ipc", "thr/1Mi/tcp", "thr/1Mi/ipc", "thr/8Mi/tcp", "thr/8Mi/ipc"];

const TARGETS: [Target; 13] = [
    target(&["thr/10/tcp", "thr/10/ipc"], Placement::Free, "M_per_s", "libzmq", [10.0, 8.0]),
    target(&["thr/64/tcp", "thr/64/ipc"], Placement::Free, "M_per_s", "libzmq", [8.0, 6.0]),
    target(&["thr/1Ki/tcp", "thr/1Ki/ipc"], Placement::Free, "M_per_s", "libzmq", [4.0, 3.5]),
    Target { or: Some(("raw", 0.8)), ..target(LARGE, Placement::Free, "M_per_s", "libzmq", [2.5, 2.5]) },
    target(&["thr/10/inproc", "thr/64/inproc"], Placement::Free, "M_per_s", "libzmq", [6.0, 5.0]),
    target(WIRES, Placement::OneCore, "p50_us", "raw", [1.15, 1.25]),
    target(WIRES, Placement::OneCore, "p50_us", "libzmq", [0.45, 0.5]),
    target(WIRES, Placement::Free, "p50_us", "libzmq", [0.5, 0.55]),
    target(WIRES, Placement::Free, "p99_us", "libzmq", [0.5, 0.55]),
    target(&["lat/64/inproc"], Placement::Free, "p50_us", "libzmq", [0.15, 0.2]),
    target(&["pub/32/tcp", "drain/32/tcp"], Placement::Free, "M_per_s", "libzmq", [6.0, 5.0]),
    target(&["thr/64/tcp"], Placement::Free, "cpu_ns", "libzmq", [0.2, 0.25]),
    target(&["peers/1000/tcp", "peers/9000/tcp"], Placement::Free, "peer_KiB", "libzmq", [0.4, 0.4]),
];

/// The placements that a check needs of the row called `name`, beyond the row's own.
pub fn placements(name: &str) -> &'static [Placement] {
    let words: Vec<&str> = name.split('/').collect();
    match words[0] {
        "lat" | "thr" | "window" | "pub" | "curve" if words[1] != "1000" => {
            &[Placement::OneCore, Placement::Free, Placement::Busy]
        }
        "paced" | "away" => &[Placement::Apart],
        _ => &[Placement::Free],
    }
}

/// The table.
pub fn markdown(results: &Results) -> String {
    let mut report = Report { results, text: String::new(), met: 0, missed: 0, unclear: 0 };
    report.text.push_str("| row | placement | figure | contender | target | measured | verdict |\n|---|---|---|---|---|---|---|\n");
    TARGETS.iter().for_each(|target| report.target(target));
    report.never_worse();
    let Report { mut text, met, missed, unclear, .. } = report;
    let _ = writeln!(text, "\n{met} met, {missed} missed, {unclear} unclear (the turns disagree).");
    text
}

struct Report<'a> {
    results: &'a Results,
    text: String,
    met: u32,
    missed: u32,
    unclear: u32,
}

impl Report<'_> {
    fn target(&mut self, target: &Target) {
        for row in target.rows {
            for (name, factor) in OURS.iter().zip(target.factors) {
                let Some(cell) = self.results.cell(row, target.placement, name) else { continue };
                let ratio = self.ratio(cell, target.versus, target.measure);
                let other = target.or.and_then(|(versus, factor)| {
                    Some((versus, factor, self.ratio(cell, versus, target.measure)?))
                });
                let more = more_is_better(target.measure);
                let meets = |ratio: &Spread, factor: f64| (ratio.median >= factor) == more;
                let enough = other.as_ref().is_some_and(|(_, factor, ratio)| meets(ratio, *factor));
                let sign = if more { "≥" } else { "≤" };
                let mut wanted = format!("{sign} {factor} × {}", target.versus);
                let mut found = ratio.as_ref().map(show).unwrap_or_default();
                if let Some((versus, factor, ratio)) = &other {
                    let _ = write!(wanted, " or {sign} {factor} × {versus}");
                    let _ = write!(found, " or {}", show(ratio));
                }
                let Some(ratio) = ratio else { continue };
                let verdict = match (meets(&ratio, factor) || enough, ratio.is_clear()) {
                    (met, true) => Some(met),
                    (true, false) if ratio_is_beyond(&ratio, factor, more) => Some(true),
                    (_, false) => None,
                };
                self.line(cell, target.measure, &wanted, &found, verdict);
            }
        }
    }

    /// Latency at every rate, busy machines, single cores, and the relatives: never worse beyond the spread.
    fn never_worse(&mut self) {
        let results = self.results;
        for cell in results.cells.iter().filter(|cell| OURS.contains(&cell.contender.as_str())) {
            let paced = cell.row.starts_with("paced/") || cell.row.starts_with("away/");
            let hard = matches!(cell.placement, Placement::OneCore | Placement::Busy);
            let Some(main) = cell.main_measure() else { continue };
            if paced || hard {
                self.not_worse(cell, "libzmq", main);
            }
            if paced {
                self.not_worse(cell, "libzmq", "p99_us");
            }
            RELATIVES.iter().for_each(|relative| self.not_worse(cell, relative, main));
        }
    }

    fn not_worse(&mut self, cell: &Cell, versus: &str, measure: &str) {
        let Some(ratio) = self.ratio(cell, versus, measure) else { return };
        let more = more_is_better(measure);
        let worse = if more { ratio.high < 1.0 } else { ratio.low > 1.0 };
        self.line(cell, measure, &format!("not worse than {versus}"), &show(&ratio), Some(!worse));
    }

    fn ratio(&self, cell: &Cell, versus: &str, measure: &str) -> Option<Spread> {
        cell.over(self.results.cell(&cell.row, cell.placement, versus)?, measure)
    }

    fn line(&mut self, cell: &Cell, measure: &str, wanted: &str, found: &str, verdict: Option<bool>) {
        let word = match verdict {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "unclear",
        };
        *match verdict {
            Some(true) => &mut self.met,
            Some(false) => &mut self.missed,
            None => &mut self.unclear,
        } += 1;
        let Cell { row, placement, contender, .. } = cell;
        let _ = writeln!(
            self.text,
            "| {row} | {placement} | {measure} | {contender} | {wanted} | {found} | {word} |"
        );
    }
}

/// Whether even the quartile that is nearer to missing meets `factor`.
fn ratio_is_beyond(ratio: &Spread, factor: f64, more: bool) -> bool {
    if more { ratio.low >= factor } else { ratio.high <= factor }
}

fn show(ratio: &Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high)
}
