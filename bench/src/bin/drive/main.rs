//! The driver: runs the contenders in turns and prints what the spread of the runs allows it to print.
//!
//! For each row of the plan and each placement of its processes, contenders take turns (A B C, A B C …), so that a machine that slows
//! down slows all of them down. A figure is the median of its runs, with the quartiles beside it; ratios are taken turn by turn, and
//! one whose quartiles lie too far apart is refused instead of printed.

mod arguments;
mod chart;
mod contender;
mod plan;
mod results;
mod run;
mod statistics;
mod table;
mod targets;

use arguments::Arguments;
use contender::Contender;
use plan::{Placement, Row};
use results::{Cell, Results};
use run::Ending;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What the program answers when `--budget` was over before the rows were.
const UNFINISHED: u8 = 3;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(arguments::SPIN) {
        loop {
            std::hint::spin_loop();
        }
    }
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| drive(&arguments)) {
        Ok(code) => code,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn drive(arguments: &Arguments) -> Result<ExitCode, String> {
    let mut results = Results::load(arguments.json.as_deref())?;
    let finished = arguments.show || measure_all(arguments, &mut results)?;
    let table = match (arguments.check, arguments.summary) {
        (true, _) => targets::markdown(&results),
        (_, true) => table::summary(&results, |row| arguments.wants(row)),
        _ => table::markdown(&results, |row| arguments.wants(row)),
    };
    match &arguments.markdown {
        Some(path) => std::fs::write(path, table).map_err(|error| format!("{path}: {error}"))?,
        None => println!("\n{table}"),
    }
    if let Some(folder) = &arguments.charts {
        chart::draw_all(&results, Path::new(folder))?;
    }
    Ok(if finished { ExitCode::SUCCESS } else { ExitCode::from(UNFINISHED) })
}

/// Measures what is asked for; whether that was all.
fn measure_all(arguments: &Arguments, results: &mut Results) -> Result<bool, String> {
    let contenders = contenders(arguments)?;
    let began = Instant::now();
    let mut any = false;
    for row in plan::rows().into_iter().filter(|row| arguments.wants(&row.name)) {
        any = true;
        let placements = match (arguments.placements.as_slice(), arguments.check) {
            ([], true) => targets::placements(&row.name),
            ([], false) => row.placements().to_vec(),
            (asked, _) => asked.to_vec(),
        };
        for placement in placements {
            let there = players(arguments, &contenders, &row, placement);
            let is_known = |found: &Contender| results.cell(&row.name, placement, &found.name).is_some();
            if there.is_empty() || arguments.resume && there.iter().all(is_known) {
                continue;
            }
            if arguments.budget.is_some_and(|budget| began.elapsed().as_secs_f64() > budget) {
                return Ok(false);
            }
            for cell in measure(arguments, &there, &row, placement) {
                results.put(cell);
            }
            results.save(arguments.json.as_deref())?;
        }
    }
    if any { Ok(true) } else { Err("no row has such a name; --list shows them".to_owned()) }
}

/// Those of `contenders` that take turns there: a check leaves out whom no target speaks of, but nobody who was asked for.
fn players(
    arguments: &Arguments,
    contenders: &[Contender],
    row: &Row,
    placement: Placement,
) -> Vec<Contender> {
    let needed = targets::needs(&row.name, placement);
    let asked = |name: &str| !arguments.check || arguments.chosen || contender::RELATIVES.contains(&name);
    let plays = |found: &&Contender| asked(&found.name) || needed.contains(&found.name.as_str());
    contenders.iter().filter(plays).cloned().collect()
}

/// Those that can run; one of other people's that could not be built is told and left out.
fn contenders(arguments: &Arguments) -> Result<Vec<Contender>, String> {
    let mut found = Vec::new();
    for name in &arguments.contenders {
        match Contender::named(name, &arguments.ours_c) {
            Ok(contender) => found.push(contender),
            Err(reason) if contender::RELATIVES.contains(&name.as_str()) => eprintln!("left out: {reason}"),
            Err(reason) => return Err(reason),
        }
    }
    Ok(found)
}

/// Runs `row` with every contender in turns, after one run each that only finds out how many messages fill the time.
fn measure(arguments: &Arguments, contenders: &[Contender], row: &Row, placement: Placement) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut counts = Vec::new();
    for contender in contenders {
        let mut cell = Cell {
            row: row.name.clone(),
            placement,
            contender: contender.name.clone(),
            seconds: arguments.seconds,
            measures: BTreeMap::new(),
            declined: None,
        };
        match run::run(contender, row, placement, row.first_count) {
            Ok(Ending::Measured(run)) => {
                counts.push(row.count_for(run.ns_per_message(), arguments.seconds));
            }
            Ok(Ending::Declined(reason)) | Err(reason) => {
                eprintln!("{} {placement} {}: {reason}", row.name, contender.name);
                counts.push(0);
                cell.declined = Some(reason);
            }
        }
        cells.push(cell);
    }
    for _ in 0..arguments.rounds {
        for ((cell, contender), &count) in cells.iter_mut().zip(contenders).zip(&counts) {
            if cell.declined.is_some() {
                continue;
            }
            match run::run(contender, row, placement, count) {
                Ok(Ending::Measured(run)) => cell.add(run.measures(row.subject())),
                Ok(Ending::Declined(reason)) | Err(reason) => {
                    eprintln!("{} {placement} {}: {reason}", row.name, contender.name);
                    cell.declined = Some(reason);
                }
            }
        }
    }
    cells.iter().for_each(tell);
    cells
}

/// A line for whoever waits.
fn tell(cell: &Cell) {
    let figure = cell.main_measure().and_then(|name| Some((name, cell.spread(name)?)));
    if let Some((name, spread)) = figure {
        let (figure, percent) = (results::shown(name, spread.median), spread.percent() / 2.0);
        eprintln!("{} {} {}: {figure} ±{percent:.0} %", cell.row, cell.placement, cell.contender);
    }
}
