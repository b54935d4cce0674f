//! The original's test programs: compiled against the original's header, linked with whatever `libzmq.so.5` is found at run time.

use super::original::{Original, compile_all, has_tweetnacl};
use super::pool::{in_parallel, processors};
use super::tree::{Tree, make_folder};
use super::workshop;
use crate::step::{self, root};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Programs that need the rights of one administrator and no other, or the header of VMware's kit to be compiled at all.
const LEFT_OUT: [&str; 3] = ["test_pair_tcp_cap_net_admin", "test_pair_vmci", "test_reqrep_vmci"];

/// What all programs share.
const SHARED: [&str; 5] = [
    "tests/testutil.cpp",
    "tests/testutil_monitoring.cpp",
    "tests/testutil_security.cpp",
    "tests/testutil_unity.cpp",
    "external/unity/unity.c",
];

/// What one program takes from the library's own source.
const BORROWED: [&str; 4] = ["src/tweetnacl.c", "src/err.cpp", "src/random.cpp", "src/clock.cpp"];
const BORROWER: &str = "test_security_curve";

/// One test program.
pub struct Program {
    /// The name of its source file, without the ending.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
}

/// Builds the programs whose names contain one of `filters` (all, if there is none), unless that was done before.
///
/// # Errors
/// If the tree has no tests, or with what the compiler says.
pub fn build(tree: &Tree, original: &Original, filters: &[String]) -> Result<Vec<Program>, String> {
    let folder = folder(tree);
    make_folder(&folder)?;
    let mut programs = list(tree, &folder)?;
    programs.retain(|program| filters.is_empty() || filters.iter().any(|part| program.name.contains(part)));
    let missing: Vec<&Program> = programs.iter().filter(|program| !program.path.exists()).collect();
    if !missing.is_empty() {
        eprintln!("==> building {} test programs", missing.len());
        let begin = Instant::now();
        let mut shared: Vec<PathBuf> = SHARED.iter().map(|file| tree.root.join(file)).collect();
        shared.push(root().join("conformance/line_buffered.c"));
        let shared = compile_all(tree, original, &shared, &["-DUNITY_EXCLUDE_FLOAT".into()])?;
        let build_one = |program: &&Program| build_one(tree, original, program, &shared);
        in_parallel(&missing, processors(), build_one).into_iter().collect::<Result<(), String>>()?;
        eprintln!("    test programs: {:.1} s", begin.elapsed().as_secs_f64());
    }
    Ok(programs)
}

/// The executable of the program called `name`.
pub fn path(tree: &Tree, name: &str) -> PathBuf {
    folder(tree).join(name)
}

fn folder(tree: &Tree) -> PathBuf {
    workshop().join(tree.name).join("programs")
}

fn list(tree: &Tree, folder: &Path) -> Result<Vec<Program>, String> {
    let tests = tree.root.join("tests");
    let entries = std::fs::read_dir(&tests).map_err(|error| format!("{}: {error}", tests.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut programs: Vec<Program> = names
        .filter_map(|file| file.strip_suffix(".cpp").map(str::to_owned))
        .filter(|name| name.starts_with("test_") && !LEFT_OUT.contains(&name.as_str()))
        .filter(|name| name != BORROWER || has_tweetnacl(tree))
        .map(|name| Program { path: folder.join(&name), name })
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

fn build_one(tree: &Tree, original: &Original, program: &Program, shared: &[PathBuf]) -> Result<(), String> {
    let source = tree.root.join("tests").join(&program.name).with_extension("cpp");
    let own = compile_all(tree, original, &[source], &["-DUNITY_EXCLUDE_FLOAT".into()])?;
    let mut linker = Command::new("g++");
    linker.args(["-pthread", "-o"]).arg(&program.path).args(&own).args(shared);
    if program.name == BORROWER {
        // Their objects are there since the original was built.
        let objects = original.folder.join("objects");
        let names = BORROWED.iter().filter_map(|file| Path::new(file).file_stem());
        linker.args(names.map(|name| objects.join(name).with_extension("o")));
    }
    linker.arg(original.folder.join("libzmq.so.5"));
    // Not all that the original needs, such as its C++ internals, is for the programs to have.
    step::output(&program.name, linker.args(["-lrt", "-Wl,--as-needed"]))?;
    Ok(())
}
