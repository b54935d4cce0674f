//! What this project has set itself, and how far it is from it.
//!
//! A target is a ratio between two contenders of one run, or a bound that holds whoever else there is. It is met, missed, or unclear
//! where the turns disagree too much; where it says "not worse beyond the spread", only quartiles that lie wholly on the wrong side
//! miss it. What a check measures follows from the targets: their rows, placements and contenders, and no others.

use crate::contender::{PLAIN, RELATIVES};
use crate::plan::{self, Placement};
use crate::results::{Cell, Results, Significant, more_is_better};
use crate::statistics::Spread;
use std::fmt::Write;

/// Ours through the Rust API and through the C functions.
const OURS: [&str; 2] = ["ours", "ours-c"];

/// One line of the table, for every row in `rows`.
struct Target {
    rows: &'static [&'static str],
    placements: &'static [Placement],
    measure: &'static str,
    /// Beside whom; nobody for a bound.
    versus: Option<&'static str>,
    /// Whose figure it is, and the factor or bound.
    who: &'static [(&'static str, f64)],
    /// Another contender and factor that will do, where that is less.
    or: Option<(&'static str, f64)>,
}

const fn target(
    rows: &'static [&'static str],
    placements: &'static [Placement],
    measure: &'static str,
    versus: &'static str,
    who: &'static [(&'static str, f64)],
) -> Target {
    Target { rows, placements, measure, versus: Some(versus), who, or: None }
}

const fn bound(
    rows: &'static [&'static str],
    placements: &'static [Placement],
    measure: &'static str,
    who: &'static [(&'static str, f64)],
) -> Target {
    Target { rows, placements, measure, versus: None, who, or: None }
}

const FREE: &[Placement] = &[Placement::Free];
const ONE_CORE: &[Placement] = &[Placement::OneCore];
const BOTH: &[Placement] = &[Placement::OneCore, Placement::Free];
const AWAKE: &[Placement] = &[Placement::Awake];
/// Where nobody may be below libzmq.
const HARD: &[Placement] = &[Placement::OneCore, Placement::Busy];

const WIRES: &[&str] = &["lat/64/tcp", "lat/64/ipc"];
const LARGE_TCP: &[&str] = &["thr/64Ki/tcp", "thr/1Mi/tcp", "thr/8Mi/tcp"];
const LARGE_IPC: &[&str] = &["thr/64Ki/ipc", "thr/1Mi/ipc", "thr/8Mi/ipc"];
const AWAY: &[&str] = &["away/1/tcp", "away/1/ipc", "away/32/tcp", "away/32/ipc"];

const TARGETS: [Target; 24] = [
    target(&["thr/10/tcp", "thr/10/ipc"], FREE, "M_per_s", "libzmq", &[("ours", 10.0), ("ours-c", 8.0)]),
    target(&["thr/64/tcp", "thr/64/ipc"], FREE, "M_per_s", "libzmq", &[("ours", 8.0), ("ours-c", 6.0)]),
    target(&["thr/1Ki/tcp", "thr/1Ki/ipc"], FREE, "M_per_s", "libzmq", &[("ours", 4.0), ("ours-c", 3.5)]),
    target(&["thr/8Ki/tcp", "thr/8Ki/ipc"], FREE, "M_per_s", "libzmq", &[("ours", 2.5), ("ours-c", 2.5)]),
    // Under the same congestion control: ours is cubic within a host.
    Target {
        or: Some(("raw-cubic", 0.8)),
        ..target(LARGE_TCP, FREE, "M_per_s", "libzmq", &[("ours", 2.5), ("ours-c", 2.5)])
    },
    Target {
        or: Some(("raw", 0.8)),
        ..target(LARGE_IPC, FREE, "M_per_s", "libzmq", &[("ours", 2.5), ("ours-c", 2.5)])
    },
    target(&["thr/10/inproc", "thr/64/inproc"], FREE, "M_per_s", "libzmq", &[("ours", 6.0), ("ours-c", 5.0)]),
    target(WIRES, ONE_CORE, "p50_us", "raw", &[("ours", 1.15), ("ours-c", 1.25)]),
    target(WIRES, ONE_CORE, "p50_us", "libzmq", &[("ours", 0.45), ("ours-c", 0.5)]),
    target(WIRES, FREE, "p50_us", "libzmq", &[("ours", 0.5), ("ours-c", 0.55)]),
    target(WIRES, FREE, "p99_us", "libzmq", &[("ours", 0.5), ("ours-c", 0.55)]),
    target(&["lat/64/inproc"], FREE, "p50_us", "libzmq", &[("ours", 0.15), ("ours-c", 0.2)]),
    target(&["pub/32/tcp", "drain/32/tcp"], FREE, "M_per_s", "libzmq", &[("ours", 6.0), ("ours-c", 5.0)]),
    target(&["thr/64/tcp"], FREE, "cpu_ns", "libzmq", &[("ours", 0.2), ("ours-c", 0.25)]),
    target(
        &["peers/1000/tcp", "peers/9000/tcp"],
        FREE,
        "peer_KiB",
        "libzmq",
        &[("ours", 0.4), ("ours-c", 0.4)],
    ),
    // Whoever sends and then computes is served in the background, and a round trip wakes two threads.
    bound(AWAY, AWAKE, "p99_us", &[("ours", 2_000.0), ("ours-c", 2_000.0)]),
    bound(WIRES, BOTH, "switches", &[("ours", 2.2), ("ours-c", 2.2)]),
    // The C functions are a thin coat.
    target(WIRES, ONE_CORE, "cpu_ns", "ours", &[("ours-c", 1.2)]),
    target(&["thr/64/tcp", "thr/64/inproc"], FREE, "cpu_ns", "ours", &[("ours-c", 1.2)]),
    target(&["curve/64/tcp", "curve/1Ki/tcp"], FREE, "M_per_s", "libzmq", &[("ours", 2.0), ("ours-c", 2.0)]),
    target(&["curve/64Ki/tcp"], FREE, "M_per_s", "libzmq", &[("ours", 1.5), ("ours-c", 1.5)]),
    target(&["shake/curve/ipc"], FREE, "per_cpu_s", "libzmq", &[("ours", 1.3), ("ours-c", 1.3)]),
    // Futures instead of blocking calls, on tokio.
    target(WIRES, BOTH, "p50_us", "ours", &[("ours-async", 1.3)]),
    target(&["thr/64/tcp", "thr/64/ipc", "thr/1Ki/tcp"], FREE, "M_per_s", "ours", &[("ours-async", 0.7)]),
];

/// Rows in which ours must not be below libzmq even with one core, or with both busy.
const NEVER_BELOW: [&str; 15] = [
    "lat/64/tcp",
    "lat/64/ipc",
    "window/10/tcp",
    "window/100/tcp",
    "thr/10/tcp",
    "thr/64/tcp",
    "thr/64/ipc",
    "thr/1Ki/tcp",
    "thr/64Ki/tcp",
    "thr/1Mi/tcp",
    "dealer/64/tcp",
    "thr/64/inproc",
    "pub/32/tcp",
    "fanin/4/tcp",
    "curve/1Ki/tcp",
];
/// Rows that are also shown with everything off that was chosen on the user's behalf.
const SHOWN_PLAIN: [&str; 7] =
    ["lat/64/tcp", "lat/64/ipc", "lat/64/inproc", "thr/64/tcp", "thr/64/ipc", "thr/1Mi/tcp", "thr/1Mi/ipc"];

/// Latency at a rate, where p50 and p99 are compared with libzmq's.
fn is_paced(row: &str, placement: Placement) -> bool {
    match placement {
        Placement::Apart => row.starts_with("paced/") && !row.ends_with("/inproc"),
        Placement::Awake => row.starts_with(plan::AWAY),
        _ => false,
    }
}

/// Where a check measures the row called `name`; nowhere, if no target speaks of it.
pub fn placements(name: &str) -> Vec<Placement> {
    Placement::ALL.iter().map(|(_, placement)| *placement).filter(|&at| !needs(name, at).is_empty()).collect()
}

/// Whom a check measures there.
pub fn needs(row: &str, placement: Placement) -> Vec<&'static str> {
    let mut found = Vec::new();
    for target in TARGETS.iter().filter(|target| target.speaks_of(row, placement)) {
        found.extend(target.versus);
        found.extend(target.or.map(|(versus, _)| versus));
        found.extend(target.who.iter().map(|(name, _)| *name));
    }
    let hard = NEVER_BELOW.contains(&row) && HARD.contains(&placement);
    let paced = is_paced(row, placement);
    if hard || paced {
        found.extend(["libzmq", "ours", "ours-c"]);
    }
    if SHOWN_PLAIN.contains(&row) && placement == Placement::Free {
        found.push(PLAIN);
    }
    found
}

/// The table, and the figures with everything off that was chosen on the user's behalf.
pub fn markdown(results: &Results) -> String {
    let mut report = Report { results, text: String::new(), met: 0, missed: 0, unclear: 0 };
    report.text.push_str("| row | placement | figure | contender | target | measured | verdict |\n|---|---|---|---|---|---|---|\n");
    TARGETS.iter().for_each(|target| report.target(target));
    report.never_worse();
    let Report { mut text, met, missed, unclear, .. } = report;
    let _ = writeln!(text, "\n{met} met, {missed} missed, {unclear} unclear (the turns disagree).");
    plain(results, &mut text);
    text
}

/// What spinning, loopback's congestion control and ipc's buffers do.
fn plain(results: &Results, text: &mut String) {
    let there = |row: &&&str| results.cell(row, Placement::Free, PLAIN).is_some();
    let rows: Vec<&&str> = SHOWN_PLAIN.iter().filter(there).collect();
    if rows.is_empty() {
        return;
    }
    text.push_str("\nWith everything off that is chosen on the user's behalf (`ours-plain`: no spinning, the system's congestion control and buffers):\n\n");
    text.push_str("| row | libzmq | ours | ours-plain |\n|---|---|---|---|\n");
    for row in rows {
        let _ = write!(text, "| {row} |");
        for name in ["libzmq", "ours", PLAIN] {
            let cell = results.cell(row, Placement::Free, name);
            let _ = write!(text, " {} |", cell.and_then(Cell::headline).unwrap_or_default());
        }
        text.push('\n');
    }
}

impl Target {
    fn speaks_of(&self, row: &str, placement: Placement) -> bool {
        self.rows.contains(&row) && self.placements.contains(&placement)
    }
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
            for &placement in target.placements {
                for &(name, factor) in target.who {
                    let Some(cell) = self.results.cell(row, placement, name) else { continue };
                    match target.versus {
                        Some(versus) => self.compared(target, cell, versus, factor),
                        None => self.bounded(target, cell, factor),
                    }
                }
            }
        }
    }

    fn compared(&mut self, target: &Target, cell: &Cell, versus: &str, factor: f64) {
        let Some(ratio) = self.ratio(cell, versus, target.measure) else { return };
        let other = target
            .or
            .and_then(|(versus, factor)| Some((versus, factor, self.ratio(cell, versus, target.measure)?)));
        let more = more_is_better(target.measure);
        let meets = |ratio: &Spread, factor: f64| (ratio.median >= factor) == more;
        let enough = other.as_ref().is_some_and(|(_, factor, ratio)| meets(ratio, *factor));
        let sign = if more { "≥" } else { "≤" };
        let mut wanted = format!("{sign} {factor} × {versus}");
        let mut found = show(&ratio);
        if let Some((versus, factor, ratio)) = &other {
            let _ = write!(wanted, " or {sign} {factor} × {versus}");
            let _ = write!(found, " or {}", show(ratio));
        }
        let verdict = match (meets(&ratio, factor) || enough, ratio.is_clear()) {
            (met, true) => Some(met),
            (true, false) if ratio_is_beyond(&ratio, factor, more) => Some(true),
            (_, false) => None,
        };
        self.line(cell, target.measure, &wanted, &found, verdict);
    }

    fn bounded(&mut self, target: &Target, cell: &Cell, most: f64) {
        let Some(spread) = cell.spread(target.measure) else { return };
        let found = format!(
            "{} ({}–{})",
            Significant(spread.median),
            Significant(spread.low),
            Significant(spread.high)
        );
        self.line(cell, target.measure, &format!("≤ {most}"), &found, Some(spread.median <= most));
    }

    /// Latency at every rate, busy machines, single cores, and the relatives: never worse beyond the spread.
    fn never_worse(&mut self) {
        let results = self.results;
        for cell in results.cells.iter().filter(|cell| OURS.contains(&cell.contender.as_str())) {
            let paced = is_paced(&cell.row, cell.placement);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_speaks_of_rows_that_there_are() {
        let names: Vec<String> = plan::rows().into_iter().map(|row| row.name).collect();
        let spoken = TARGETS.iter().flat_map(|target| target.rows).chain(&NEVER_BELOW).chain(&SHOWN_PLAIN);
        for row in spoken {
            assert!(names.iter().any(|name| name == row), "{row}");
        }
    }

    #[test]
    fn a_check_measures_what_its_targets_speak_of() {
        assert!(placements("match/10/tcp").is_empty());
        assert_eq!(placements("paced/1M/ipc"), [Placement::Apart]);
        assert!(needs("thr/8Mi/tcp", Placement::Free).contains(&"raw-cubic"));
        assert!(needs("lat/64/ipc", Placement::Busy).contains(&"libzmq"));
        assert!(!needs("lat/64/ipc", Placement::Busy).contains(&"ours-async"));
    }
}
