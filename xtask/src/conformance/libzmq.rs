//! `cargo xtask conformance libzmq`: libzmq's own test programs, on our library and on the original.

use super::deviations::Deviations;
use super::load::Load;
use super::matrix::{self, Side};
use super::original::Original;
use super::report;
use super::sandbox::Sandbox;
use super::{library, programs, trial, workshop};
use crate::step::{Outcome, root};
use std::time::{Duration, Instant};

/// How long a program may take. The programs themselves give up after 60 seconds.
const PATIENCE: Duration = Duration::from_secs(70);

/// The programs sleep most of the time: this many share a processor, unless told otherwise.
const SLEEPERS: usize = 2;

struct Arguments {
    filters: Vec<String>,
    repeat: usize,
    width: Option<usize>,
    load: bool,
    release: bool,
    library: Option<String>,
    tree: String,
}

/// Builds what has to be built, runs the programs, and compares.
///
/// # Errors
/// If something cannot be built, or with the number of unexpected results.
pub fn run(arguments: &[String]) -> Outcome {
    let arguments = parse(arguments)?;
    let deviations = Deviations::read(&root().join("conformance/libzmq.toml"))?;
    let (tree, original) = Original::of(&arguments.tree)?;
    let programs = programs::build(&tree, &original, &arguments.filters)?;
    let ours = library::folder(arguments.library.as_deref(), arguments.release)?;
    let sandbox = Sandbox::new()?;
    let load = arguments.load.then(Load::begin);
    eprintln!("==> running {} programs", programs.len());
    let begin = Instant::now();
    let names: Vec<String> = programs.iter().map(|program| program.name.clone()).collect();
    let run = |name: &str, side| {
        let library = if side == Side::Original { &original.folder } else { &ours };
        let (command, _folder) = sandbox.command(&programs::path(&tree, name), library)?;
        trial::run(command, PATIENCE, &trial::UNITY)
    };
    let width = arguments.width.unwrap_or(sandbox.width() * SLEEPERS).min(sandbox.width_max());
    let compared = matrix::compare(&names, arguments.repeat, width, run)?;
    drop(load);
    let unexpected = report::print(&compared, &deviations);
    eprintln!("    libzmq's programs: {:.1} s (in {})", begin.elapsed().as_secs_f64(), workshop().display());
    match unexpected {
        0 => Ok(()),
        n => Err(format!("{n} unexpected result(s); conformance/libzmq.toml lists the expected ones")),
    }
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        filters: Vec::new(),
        repeat: 1,
        width: None,
        load: false,
        release: false,
        library: None,
        tree: "debian".into(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--load" => parsed.load = true,
            "--release" => parsed.release = true,
            "--repeat" => parsed.repeat = value()?.parse().map_err(|_| "--repeat wants a number")?,
            "--width" => parsed.width = Some(value()?.parse().map_err(|_| "--width wants a number")?),
            "--lib" => parsed.library = Some(value()?),
            "--tree" => parsed.tree = value()?,
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            name => parsed.filters.push(name.to_owned()),
        }
    }
    Ok(parsed)
}
