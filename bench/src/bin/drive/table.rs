//! The results for readers: one Markdown line for each row and placement and contender, with ratios where the turns agree.

use crate::plan::Placement;
use crate::results::{Cell, Results, Significant, more_is_better, shown};
use crate::statistics::REFUSE_BEYOND;
use std::fmt::Write;

/// The order of a summary's columns.
const COLUMNS: [&str; 9] =
    ["raw", "libzmq", "omq", "zeromq", "rzmq", "ours-c", "ours-async", "ours-plain", "ours"];

/// All of `results` that `wanted` says.
pub fn markdown(results: &Results, wanted: impl Fn(&str) -> bool) -> String {
    let mut text = format!("{}.\n\n", results.machine);
    text.push_str("| row | placement | contender | median | quartiles | others | CPU ns | switches | peak MiB | ÷ libzmq | ÷ raw |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|\n");
    for cell in results.cells.iter().filter(|cell| wanted(&cell.row)) {
        line(results, cell, &mut text);
    }
    let _ = writeln!(
        text,
        "\n\"–\" under a ratio: the turns disagree so much (quartiles of the ratio more than {REFUSE_BEYOND} apart) that it would \
         mean nothing. CPU and switches are those of all processes for each message, delivery or round trip, a sender that computes \
         between its calls left out; peak memory is their sum. More is better where it says /s or per CPU second; µs are the time of half of the round trips or messages."
    );
    text
}

/// A line for each row and placement, a column for each contender, and how many times as much ours does as libzmq.
pub fn summary(results: &Results, wanted: impl Fn(&str) -> bool) -> String {
    let has = |name: &str| results.cells.iter().any(|cell| cell.contender == name && cell.declined.is_none());
    let columns: Vec<&str> = COLUMNS.iter().copied().filter(|name| has(name)).collect();
    let mut text = format!("| row | placement | {} | ours ÷ libzmq |\n", columns.join(" | "));
    text.push_str(&"|---".repeat(columns.len() + 3));
    text.push_str("|\n");
    let mut done: Vec<(&str, Placement)> = Vec::new();
    for cell in results.cells.iter().filter(|cell| wanted(&cell.row)) {
        if done.contains(&(&cell.row, cell.placement)) {
            continue;
        }
        done.push((&cell.row, cell.placement));
        let _ = write!(text, "| {} | {} |", cell.row, cell.placement);
        let find = |name: &str| results.cell(&cell.row, cell.placement, name);
        for name in &columns {
            let _ = write!(text, " {} |", find(name).and_then(Cell::headline).unwrap_or_default());
        }
        let ratio = find("ours").and_then(|ours| Some(ratio(results, ours, "libzmq", ours.main_measure()?)));
        let _ = writeln!(text, " {} |", ratio.unwrap_or_default());
    }
    let _ = writeln!(text, "\n{}.", results.machine);
    text
}

fn line(results: &Results, cell: &Cell, text: &mut String) {
    let Cell { row, placement, contender, .. } = cell;
    if let Some(reason) = &cell.declined {
        let _ = writeln!(text, "| {row} | {placement} | {contender} | {reason} | | | | | | | |");
        return;
    }
    let Some((measure, figure)) = cell.main_measure().and_then(|name| Some((name, cell.spread(name)?)))
    else {
        return;
    };
    let middle = |name: &str| cell.spread(name).map_or(0.0, |spread| spread.median);
    let mut others = Vec::new();
    for (name, label) in [("p99_us", "p99"), ("p999_us", "p99.9"), ("peer_KiB", "KiB/peer")] {
        others.extend(cell.spread(name).map(|spread| format!("{label} {}", Significant(spread.median))));
    }
    let _ = writeln!(
        text,
        "| {row} | {placement} | {contender} | {} | ±{:.0} % | {} | {:.0} | {:.2} | {:.0} | {} | {} |",
        shown(measure, figure.median),
        figure.percent() / 2.0,
        others.join(", "),
        middle("cpu_ns"),
        middle("switches"),
        middle("peak_MiB"),
        ratio(results, cell, "libzmq", measure),
        ratio(results, cell, "raw", measure),
    );
}

fn ratio(results: &Results, cell: &Cell, other: &str, measure: &str) -> String {
    let other = results.cell(&cell.row, cell.placement, other);
    let Some(other) = other.filter(|found| found.contender != cell.contender) else { return String::new() };
    match cell.over(other, measure) {
        Some(ratio) if ratio.is_clear() => {
            let better = (ratio.median > 1.0) == more_is_better(measure);
            let mark = if better { "" } else { " (worse)" };
            format!("{:.2}{mark}", ratio.median)
        }
        Some(_) => "–".to_owned(),
        None => String::new(),
    }
}
