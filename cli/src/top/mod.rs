//! `zmq top`: what the sockets of running processes do, now.
//!
//! Processes that have opted in (`FERROZMQ_TOP=1`, or their own word) are [sampled](sample); what two samples tell becomes
//! a [table](table), shown on a [screen](screen), in plain lines, as JSON, or for [Prometheus](prometheus). This process
//! asks once per interval, and the others answer in a thread of their own.

mod prometheus;
mod sample;
mod screen;
mod table;

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;

use crate::failure::Failure;
use crate::open::print_line;
use crate::talk::Talk;
use crate::units;
use sample::{History, Process};

/// How long after the first look `--once` looks again, so that there are rates.
const ONCE_APART: Duration = Duration::from_millis(500);

/// Flags of `top`.
#[derive(Args, Debug)]
pub struct TopArgs {
    /// Only these processes [default: all of yours that have opted in]
    #[arg(value_name = "PID")]
    pub pids: Vec<u32>,
    /// How often to look
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub interval: Duration,
    /// Look twice within half a second, print one table, and end
    #[arg(short = '1', long)]
    pub once: bool,
    /// One JSON object for each process and look, as the process gave it
    #[arg(short = 'J', long, conflicts_with = "prometheus")]
    pub json: bool,
    /// Serve the counts in Prometheus' text format by HTTP at ADDRESS (such as 127.0.0.1:9464) until Ctrl-C
    #[arg(long, value_name = "ADDRESS", conflicts_with = "once")]
    pub prometheus: Option<String>,
}

fn interval(text: &str) -> Result<Duration, String> {
    units::duration(text).map(|length| length.max(Duration::from_millis(50)))
}

/// Looks until told to stop.
///
/// # Errors
/// [`Failure::Error`] if there is nothing to look at.
pub fn run(args: &TopArgs, talk: Talk) -> Result<(), Failure> {
    if let Some(address) = &args.prometheus {
        return prometheus::serve(address, &args.pids, talk);
    }
    if args.json {
        return print_json(args, talk);
    }
    if args.once || !std::io::stdout().is_terminal() {
        return print_tables(args, talk);
    }
    screen::run(args, talk)
}

/// The processes to look at.
fn pids(wanted: &[u32]) -> Result<Vec<u32>, Failure> {
    if !wanted.is_empty() {
        return Ok(wanted.to_vec());
    }
    ferrozmq::windows().map_err(|error| Failure::while_doing(error, "looking for processes"))
}

/// Looks into each process. One that ends meanwhile is left out; one that was asked for by number and cannot be looked into
/// is an error.
fn look(wanted: &[u32]) -> Result<Vec<String>, Failure> {
    let mut reports = Vec::new();
    for pid in pids(wanted)? {
        match ferrozmq::look_into(pid) {
            Ok(report) => reports.push(report),
            Err(error) if wanted.is_empty() => drop(error),
            Err(error) => {
                return Err(Failure::Error(format!("process {pid} cannot be looked into ({error}); {HOW}")));
            }
        }
    }
    Ok(reports)
}

const HOW: &str =
    "start it with FERROZMQ_TOP=1 in its environment, or let it ask for a window when it makes its context";

fn nothing() -> Failure {
    Failure::Error(format!("no process of yours can be looked into; {HOW}"))
}

fn processes(reports: &[String], talk: Talk) -> Vec<Process> {
    let parsed = reports.iter().filter_map(|report| match serde_json::from_str(report) {
        Ok(process) => Some(process),
        Err(error) => {
            talk.warn(format_args!("a process reports what this program does not understand: {error}"));
            None
        }
    });
    parsed.collect()
}

fn print_json(args: &TopArgs, _: Talk) -> Result<(), Failure> {
    loop {
        let reports = look(&args.pids)?;
        if reports.is_empty() {
            return Err(nothing());
        }
        reports.iter().try_for_each(|report| print_line(report))?;
        if args.once {
            return Ok(());
        }
        std::thread::sleep(args.interval);
    }
}

fn print_tables(args: &TopArgs, talk: Talk) -> Result<(), Failure> {
    let mut history = History::default();
    let apart = if args.once { ONCE_APART.min(args.interval) } else { args.interval };
    let mut first = true;
    loop {
        let reports = look(&args.pids)?;
        if reports.is_empty() {
            return Err(nothing());
        }
        let rows = history.rows(&processes(&reports, talk), std::time::Instant::now());
        if !std::mem::replace(&mut first, false) {
            print_line(&table::plain(&rows))?;
            if args.once {
                return Ok(());
            }
        }
        std::thread::sleep(apart);
    }
}
