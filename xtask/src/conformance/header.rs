//! `cargo xtask conformance header`: our `zmq.h` beside the original's: every constant has the same value, every function the same
//! type.
//!
//! The original's header is read, never copied. Its version, 4.3.5, is the one that ours says it is.

use super::tree::{Tree, make_folder};
use super::workshop;
use crate::step::{self, Outcome, root};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What our header may have and the original's has not: the one function that came later, and what only we have.
const LATER: [&str; 2] = ["zmq_disconnect_peer", "ZMQ_ACCESS_RULES"];

/// With and without what may still change.
const DRAFTS: [&[&str]; 2] = [&[], &["-DZMQ_BUILD_DRAFT_API"]];

/// Compares; takes no arguments.
///
/// # Errors
/// With everything that differs.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(format!("no such argument: {argument}"));
    }
    let theirs = Tree::fetch("crate")?.root.join("include");
    let ours = root().join("capi/include");
    let mut differences = Vec::new();
    let mut compared = 0;
    for flags in DRAFTS {
        for read in [constants, functions] {
            let (ours, theirs) = (read(&ours, flags)?, read(&theirs, flags)?);
            compared += theirs.len();
            differences.extend(differences_of(&ours, &theirs));
        }
    }
    if !differences.is_empty() {
        return Err(format!("the header differs from libzmq's:\n  {}", differences.join("\n  ")));
    }
    eprintln!("    {compared} constants and functions are as in libzmq's header");
    Ok(())
}

fn differences_of(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Vec<String> {
    let missing = theirs.iter().filter_map(|(name, value)| match ours.get(name) {
        Some(own) if own == value => None,
        Some(own) => Some(format!("{name} is {own}, should be {value}")),
        None => Some(format!("{name} is missing, should be {value}")),
    });
    let own = ours.keys().filter(|name| !theirs.contains_key(*name) && !LATER.contains(&name.as_str()));
    missing.chain(own.map(|name| format!("{name} is ours alone"))).collect()
}

/// The macros that the header defines, without what may differ in writing.
fn constants(include: &Path, flags: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let with = macros(include, flags, "#include <zmq.h>\n")?;
    // What system headers define is nobody's.
    let system = "#include <errno.h>\n#include <signal.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <sys/select.h>\n";
    let without = macros(include, flags, system)?;
    Ok(with.into_iter().filter(|(name, _)| !without.contains_key(name) && !name.starts_with('_')).collect())
}

fn macros(include: &Path, flags: &[&str], text: &str) -> Result<BTreeMap<String, String>, String> {
    let source = source(text)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-E", "-dM"]).args(flags).arg("-I").arg(include).arg(source);
    let printed = step::output("cc -dM", &mut compiler)?;
    Ok(printed.lines().filter_map(definition).collect())
}

fn definition(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("#define ")?;
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    let value = value.chars().filter(|c| !c.is_whitespace() && !"()".contains(*c)).collect();
    Some((name.to_owned(), value))
}

/// The functions that the header declares, with their types.
fn functions(include: &Path, flags: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let source = source("#include <zmq.h>\n")?;
    let list = workshop().join("header/functions");
    let mut compiler = Command::new("gcc");
    compiler.arg("-fsyntax-only").arg("-aux-info").arg(&list).args(flags).arg("-I").arg(include).arg(source);
    step::output("gcc -aux-info", &mut compiler)?;
    let text = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    Ok(text.lines().filter_map(prototype).collect())
}

/// A line such as `/* zmq.h:17:NC */ extern int zmq_errno (void);`.
fn prototype(line: &str) -> Option<(String, String)> {
    let (_, text) = line.split_once("*/ extern ")?;
    let (before, _) = text.split_once(" (")?;
    let name = before.rsplit([' ', '*']).next().filter(|name| name.starts_with("zmq_"))?;
    Some((name.to_owned(), text.to_owned()))
}

fn source(text: &str) -> Result<std::path::PathBuf, String> {
    let folder = workshop().join("header");
    make_folder(&folder)?;
    let source = folder.join("header.c");
    std::fs::write(&source, text).map_err(|error| format!("{}: {error}", source.display()))?;
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_and_prototypes_are_read() {
        let of = |line: &str| definition(line).unwrap();
        assert_eq!(of("#define A (B + 1)"), ("A".into(), "B+1".into()));
        assert_eq!(of("#define FLAG"), ("FLAG".into(), String::new()));
        let line = "/* /x/zmq.h:17:NC */ extern const char *zmq_strerror (int);";
        assert_eq!(prototype(line).unwrap().0, "zmq_strerror");
        assert!(prototype("/* /x/stdio.h:1:NC */ extern int puts (const char *);").is_none());
    }

    #[test]
    fn every_kind_of_difference_is_told() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let differences =
            differences_of(&map(&[("A", "1"), ("C", "3"), (LATER[0], "")]), &map(&[("A", "2"), ("B", "1")]));
        assert_eq!(differences, ["A is 1, should be 2", "B is missing, should be 1", "C is ours alone"]);
    }
}
