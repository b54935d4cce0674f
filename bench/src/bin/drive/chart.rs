//! Charts of the results as SVG: bars side by side, on a logarithmic scale where sizes differ by thousands.
//!
//! No drawing library: a chart is text, rectangles and a few lines.

use crate::plan::Placement;
use crate::results::{Cell, Results, shown};
use std::fmt::Write;
use std::path::Path;

/// Each contender that is drawn, with what readers know it by, and its colour.
const CONTENDERS: [(&str, &str, &str); 7] = [
    ("raw", "bare sockets", "#9aa0a6"),
    ("libzmq", "libzmq 4.3.5", "#4c78a8"),
    ("omq", "omq-tokio", "#b279a2"),
    ("rzmq", "rzmq", "#eeca3b"),
    ("zeromq", "zmq.rs", "#72b7b2"),
    ("ours-c", "ferrozmq, C functions", "#f58518"),
    ("ours", "ferrozmq, Rust API", "#e45756"),
];

/// A chart: a file, its title, its rows.
struct Chart {
    file: &'static str,
    title: &'static str,
    placement: Placement,
    measure: &'static str,
    unit: &'static str,
    rows: &'static [&'static str],
}

const CHARTS: [Chart; 4] = [
    Chart {
        file: "throughput-tcp.svg",
        title: "PUSH to PULL over tcp, by message size",
        placement: Placement::Free,
        measure: "M_per_s",
        unit: "million messages a second, logarithmic",
        rows: &[
            "thr/10/tcp",
            "thr/64/tcp",
            "thr/256/tcp",
            "thr/1Ki/tcp",
            "thr/8Ki/tcp",
            "thr/64Ki/tcp",
            "thr/1Mi/tcp",
        ],
    },
    Chart {
        file: "throughput.svg",
        title: "PUSH to PULL over ipc and inproc; PUB to subscribers over tcp",
        placement: Placement::Free,
        measure: "M_per_s",
        unit: "million messages a second, logarithmic",
        rows: &[
            "thr/10/ipc",
            "thr/64/ipc",
            "thr/1Ki/ipc",
            "thr/10/inproc",
            "thr/64/inproc",
            "pub/8/tcp",
            "pub/32/tcp",
            "pub/128/tcp",
        ],
    },
    Chart {
        file: "round-trip.svg",
        title: "Round trip of 64 bytes, both ends on one core",
        placement: Placement::OneCore,
        measure: "p50_us",
        unit: "µs, half of the round trips, logarithmic",
        rows: &["lat/64/tcp", "lat/64/ipc"],
    },
    Chart {
        file: "round-trip-free.svg",
        title: "Round trip of 64 bytes, wherever the scheduler puts the ends",
        placement: Placement::Free,
        measure: "p50_us",
        unit: "µs, half of the round trips, logarithmic",
        rows: &["lat/64/tcp", "lat/64/ipc", "lat/64/inproc"],
    },
];

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 64.0;
const PLOT: f64 = 300.0;
const HEIGHT: f64 = TOP + PLOT + 66.0;

/// Draws every chart for which there are results.
///
/// # Errors
/// If a file cannot be written.
pub fn draw_all(results: &Results, folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for chart in &CHARTS {
        let path = folder.join(chart.file);
        if let Some(svg) = draw(chart, results) {
            std::fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn draw(chart: &Chart, results: &Results) -> Option<String> {
    let value = |row: &str, name: &str| {
        let cell: &Cell = results.cell(row, chart.placement, name)?;
        Some(cell.spread(chart.measure)?.median)
    };
    let values =
        || chart.rows.iter().flat_map(|row| CONTENDERS.iter().filter_map(|(name, ..)| value(row, name)));
    let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let (low, high) = (least.log10().floor(), most.log10().ceil().max(least.log10().floor() + 1.0));
    let y = |value: f64| TOP + PLOT * (1.0 - (value.log10() - low) / (high - low));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut svg, LEFT, 20.0, "start", 15, chart.title);
    text(&mut svg, WIDTH - 10.0, 20.0, "end", 11, chart.unit);
    for decade in low as i32..=high as i32 {
        let line = 10_f64.powi(decade);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ddd\"/>",
            y(line)
        );
        text(&mut svg, LEFT - 6.0, y(line) + 4.0, "end", 11, &line.to_string());
    }
    bars(&mut svg, chart, &value, &y);
    legend(&mut svg, |name| chart.rows.iter().any(|row| value(row, name).is_some()));
    text(&mut svg, LEFT, HEIGHT - 8.0, "start", 10, &results.machine);
    svg.push_str("</svg>\n");
    Some(svg)
}

fn bars(
    svg: &mut String,
    chart: &Chart,
    value: &impl Fn(&str, &str) -> Option<f64>,
    y: &impl Fn(f64) -> f64,
) {
    let group = (WIDTH - LEFT) / chart.rows.len() as f64;
    for (index, row) in chart.rows.iter().enumerate() {
        let there: Vec<(f64, &str)> =
            CONTENDERS.iter().filter_map(|(name, _, colour)| Some((value(row, name)?, *colour))).collect();
        let wide = (group * 0.86 / there.len().max(1) as f64).min(60.0);
        let begin = LEFT + group * (index as f64 + 0.5) - wide * there.len() as f64 / 2.0;
        for (place, (value, colour)) in there.iter().enumerate() {
            let (x, top) = (begin + wide * place as f64, y(*value));
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
                wide - 2.0,
                (TOP + PLOT - top).max(0.5)
            );
            let label = shown(chart.measure, *value).replace("/s", "").replace(' ', "");
            text(svg, x + wide / 2.0, top - 3.0, "middle", 9, &label);
        }
        text(svg, LEFT + group * (index as f64 + 0.5), TOP + PLOT + 18.0, "middle", 12, row);
    }
}

fn legend(svg: &mut String, drawn: impl Fn(&str) -> bool) {
    let mut x = LEFT;
    for (_, label, colour) in CONTENDERS.iter().filter(|(name, ..)| drawn(name)) {
        let y = TOP + PLOT + 34.0;
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>");
        text(svg, x + 16.0, y + 10.0, "start", 12, label);
        x += 34.0 + 6.6 * label.len() as f64;
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, size: u32, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#333\">{words}</text>"
    );
}
