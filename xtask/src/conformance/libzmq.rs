//! `cargo xtask conformance libzmq`: libzmq's own test programs, on our library and on the original.

use super::deviations::Deviations;
use super::load::Load;
use super::original::Original;
use super::pool::in_parallel;
use super::programs::{self, Program};
use super::report::{self, Comparison};
use super::sandbox::Sandbox;
use super::tree::Tree;
use super::trial::{self, Trial};
use super::{library, workshop};
use crate::step::{Outcome, root};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a program may take. The programs themselves give up after 60 seconds.
const PATIENCE: Duration = Duration::from_secs(70);

struct Arguments {
    filters: Vec<String>,
    repeat: usize,
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
    let tree = Tree::fetch(&arguments.tree)?;
    let original = Original::build(&tree)?;
    let programs = programs::build(&tree, &original, &arguments.filters)?;
    let ours = library::folder(arguments.library.as_deref(), arguments.release)?;
    let sandbox = Sandbox::new()?;
    let load = arguments.load.then(Load::begin);
    eprintln!("==> running {} programs", programs.len());
    let begin = Instant::now();
    let compare = |program: &Program| compare(&sandbox, program, &original.folder, &ours, arguments.repeat);
    let compared: Result<Vec<Comparison>, String> =
        in_parallel(&programs, sandbox.width(), compare).into_iter().collect();
    drop(load);
    let unexpected = report::print(&compared?, &deviations);
    eprintln!("    libzmq's programs: {:.1} s (in {})", begin.elapsed().as_secs_f64(), workshop().display());
    match unexpected {
        0 => Ok(()),
        n => Err(format!("{n} unexpected result(s); conformance/libzmq.toml lists the expected ones")),
    }
}

fn compare(
    sandbox: &Sandbox,
    program: &Program,
    original: &Path,
    ours: &Path,
    repeat: usize,
) -> Result<Comparison, String> {
    let once = |library: &Path| -> Result<Trial, String> {
        let (command, _folder) = sandbox.command(&program.path, library)?;
        trial::run(command, PATIENCE, &trial::UNITY)
    };
    Ok(Comparison {
        name: program.name.clone(),
        original: once(original)?,
        ours: (0..repeat).map(|_| once(ours)).collect::<Result<_, _>>()?,
    })
}

fn parse(arguments: &[String]) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        filters: Vec::new(),
        repeat: 1,
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
            "--lib" => parsed.library = Some(value()?),
            "--tree" => parsed.tree = value()?,
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            name => parsed.filters.push(name.to_owned()),
        }
    }
    Ok(parsed)
}
