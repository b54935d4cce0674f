//! The driver: runs the contenders in turns and prints what the spread of the runs allows it to print.
//!
//! For each row of the plan and each placement of the two processes, contenders take turns (A B C, A B C …), so that a machine that slows
//! down slows all of them down. A figure is the median of its runs, with the quartiles beside it; a ratio whose quartiles
//! lie too far apart is refused instead of printed. Results go to stdout as Markdown and, with `--json FILE`, to a file.

mod arguments;
mod plan;
mod run;
mod statistics;
mod table;

use arguments::Arguments;
use plan::{Placement, Row};
use std::collections::BTreeMap;
use std::process::ExitCode;
use table::{Cell, Results};

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| drive(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn drive(arguments: &Arguments) -> Result<(), String> {
    let mut results = Results::new(arguments);
    for row in plan::rows().into_iter().filter(|row| arguments.wants(&row.name())) {
        for placement in row.placements(&arguments.placements) {
            results.cells.extend(measure(arguments, &row, placement)?);
        }
    }
    if results.cells.is_empty() {
        return Err("no row has such a name; --list shows them".to_owned());
    }
    print!("{}", results.markdown());
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&results).map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

/// Runs `row` with every contender in turns, after one run each that only finds out how many messages fill the time.
fn measure(arguments: &Arguments, row: &Row, placement: Placement) -> Result<Vec<Cell>, String> {
    let mut counts = BTreeMap::new();
    for name in &arguments.contenders {
        let first = run::pair(name, row, placement, row.first_count)?;
        counts.insert(name, row.count_for(first.elapsed_ns_per_message(), arguments.seconds));
    }
    let mut cells: Vec<Cell> =
        arguments.contenders.iter().map(|name| Cell::new(name, row, placement)).collect();
    for round in 1..=arguments.rounds {
        for cell in &mut cells {
            let figures = run::pair(&cell.contender, row, placement, counts[&cell.contender])?;
            eprintln!("{} {placement} {} {round}/{}: {figures}", cell.row, cell.contender, arguments.rounds);
            cell.add(&figures);
        }
    }
    Ok(cells)
}
