//! `cargo xtask conformance czmq`: CZMQ, the C binding that most other C programs stand on, built from Debian's source against the
//! original's header; its own tests on our library and on the original.

use super::deviations::Deviations;
use super::matrix::{self, Side};
use super::original::Original;
use super::pool::{in_parallel, processors};
use super::report;
use super::sandbox::Sandbox;
use super::tree::{Package, Tree, make_folder};
use super::trial::{self, Reading};
use super::{library, workshop};
use crate::step::{self, Outcome, root};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const CZMQ: Package = Package {
    name: "czmq=4.2.1-1",
    dsc: "czmq_4.2.1-1.dsc",
    sums: "\
5d720a204c2a58645d6f7643af15d563a712dad98c9d32c1ed913377daa6ac39  czmq_4.2.1.orig.tar.gz
a8dc40ae5f39ca371dbbb045823e80e21b98d437d39adb5b44cad24dfbd00a9a  czmq_4.2.1-1.debian.tar.xz
255ed752f04c0ae50525199792437e4c15cb18997ba609c5a7bd676a06fc76a6  czmq_4.2.1-1.dsc
",
};

/// Classes that are drafts, which a stable build has not, and programs.
const LEFT_OUT: [&str; 13] = [
    "czmq_selftest",
    "zargs",
    "zhttp_client",
    "zhttp_request",
    "zhttp_response",
    "zhttp_server",
    "zhttp_server_options",
    "zmakecert",
    "zosc",
    "zproc",
    "zsp",
    "ztimerset",
    "ztrie",
];

/// What the source's `platform.h` says that it was configured with, and not every machine has.
const ABSENT: [&str; 5] = ["HAVE_LIBCURL", "HAVE_LIBLZ4", "HAVE_LIBMICROHTTPD", "HAVE_NSS", "HAVE_UUID"];

/// How long the test of a class may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its tests tell by their end alone.
const READING: Reading = Reading { case: |_| None, skipped: 77 };

/// Builds what has to be built, runs the tests of the classes whose names contain a `NAME`, and compares.
///
/// # Errors
/// If something cannot be built, or with the number of unexpected results.
pub fn run(arguments: &[String]) -> Outcome {
    let (mut filters, mut repeat, mut release) = (Vec::new(), 1, false);
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--release" => release = true,
            "--repeat" => {
                let count = words.next().and_then(|count| count.parse().ok());
                repeat = count.ok_or("--repeat wants a number")?;
            }
            flag if flag.starts_with('-') => return Err(format!("no such flag: {flag}")),
            name => filters.push(name.to_owned()),
        }
    }
    let deviations = Deviations::read(&root().join("conformance/czmq.toml"))?;
    let (tree, original) = Original::of("debian")?;
    let program = build(&tree, &original)?;
    let ours = library::folder(None, release)?;
    let mut names = list(&program, &original)?;
    names.retain(|name| filters.is_empty() || filters.iter().any(|part| name.contains(part.as_str())));
    let sandbox = Sandbox::new()?;
    eprintln!("==> running the tests of {} classes", names.len());
    let begin = Instant::now();
    let run = |name: &str, side| {
        let library = if side == Side::Original { &original.folder } else { &ours };
        let (mut command, folder) = sandbox.command(&program, library)?;
        for made in ["src/selftest-ro", "src/selftest-rw"] {
            make_folder(&folder.path().join(made))?;
        }
        command.args(["--test", name]);
        trial::run(command, PATIENCE, &READING)
    };
    let compared = matrix::compare(&names, repeat, sandbox.width(), run)?;
    let unexpected = report::print(&compared, &deviations);
    eprintln!("    CZMQ's tests: {:.1} s", begin.elapsed().as_secs_f64());
    match unexpected {
        0 => Ok(()),
        n => Err(format!("{n} unexpected result(s); conformance/czmq.toml lists the expected ones")),
    }
}

/// The classes that have a test, as the program itself lists them.
fn list(program: &Path, original: &Original) -> Result<Vec<String>, String> {
    let mut command = Command::new(program);
    let said =
        step::output("selftest --list", command.arg("--list").env("LD_LIBRARY_PATH", &original.folder))?;
    let words = said.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut names: Vec<String> = words.filter(|word| word.starts_with('z')).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    if names.is_empty() { Err(format!("no classes in what it lists: {said}")) } else { Ok(names) }
}

/// The program with all of CZMQ in it, linked with whatever `libzmq.so.5` is found at run time.
fn build(tree: &Tree, original: &Original) -> Result<PathBuf, String> {
    let folder = workshop().join("czmq");
    let program = folder.join("selftest");
    if program.exists() {
        return Ok(program);
    }
    let source = CZMQ.fetch(&folder)?.join("src");
    forget_absent(&source.join("platform.h"))?;
    let objects = folder.join("objects");
    make_folder(&objects)?;
    eprintln!("==> building CZMQ");
    let begin = Instant::now();
    let compile = |name: &String| {
        let object = objects.join(name).with_extension("o");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-O1", "-g1", "-w", "-D_GNU_SOURCE", "-DCZMQ_EXPORTS", "-I"])
            .arg(source.join("../include"));
        compiler
            .arg("-I")
            .arg(tree.root.join("include"))
            .arg("-c")
            .arg(source.join(name).with_extension("c"));
        step::output(name, compiler.arg("-o").arg(&object)).map(|_| object)
    };
    let mut names = classes(&source)?;
    names.push(LEFT_OUT[0].to_owned());
    let objects = in_parallel(&names, processors(), compile).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut linker = Command::new("cc");
    linker.arg("-pthread").arg("-o").arg(&program).args(objects).arg(original.folder.join("libzmq.so.5"));
    // What the original itself needs, such as its C++ internals, is for it to find.
    step::output("linking CZMQ", linker.args(["-Wl,--as-needed", "-lm"]))?;
    eprintln!("    CZMQ: {:.1} s", begin.elapsed().as_secs_f64());
    Ok(program)
}

fn classes(source: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(source).map_err(|error| format!("{}: {error}", source.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names
        .filter_map(|file| file.strip_suffix(".c").map(str::to_owned))
        .filter(|name| name.starts_with('z') && !LEFT_OUT.contains(&name.as_str()))
        .collect();
    names.sort();
    Ok(names)
}

/// Takes out of `platform.h` what this machine need not have.
fn forget_absent(platform: &Path) -> Outcome {
    let explain = |error: std::io::Error| format!("{}: {error}", platform.display());
    let text = std::fs::read_to_string(platform).map_err(explain)?;
    let is_absent = |line: &&str| ABSENT.iter().any(|name| line.contains(name));
    let kept: Vec<&str> = text.lines().filter(|line| !is_absent(line)).collect();
    std::fs::write(platform, kept.join("\n")).map_err(explain)
}
