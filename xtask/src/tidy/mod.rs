//! `cargo xtask tidy`: the repository's rules that a machine can keep.
//!
//! A rule is a function from a [`Source`] to complaints. The rules read text, not syntax trees: comments and string contents are
//! blanked first ([`source`]), and what they then look for cannot be written in another way by accident.
//! What only a reader can judge is in CONTRIBUTING.md, not here.

mod imports;
mod lines;
mod manifests;
mod paths;
mod pitfalls;
mod source;

use crate::step::{Outcome, root};
use source::Source;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 7] = ["target", ".git", "corpus", "artifacts", "node_modules", "__pycache__", "venv"];
/// Endings of the text files that the rules read.
const READ: [&str; 8] = ["rs", "py", "toml", "md", "sh", "yml", "c", "h"];

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Path from the repository's root.
    path: String,
    /// Counted from 1; 0 is the whole file.
    line: usize,
    /// What is wrong and what to do.
    text: String,
}

impl Complaint {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Complaint {
        Complaint { path: path.to_owned(), line, text: text.into() }
    }
}

/// Checks the whole repository.
///
/// # Errors
/// If a rule is broken; every complaint is printed first.
pub fn run(_arguments: &[String]) -> Outcome {
    let complaints = check(&sources(&root()));
    for Complaint { path, line, text } in &complaints {
        eprintln!("{path}:{line}: {text}");
    }
    match complaints.len() {
        0 => Ok(()),
        1 => Err("one rule is broken".to_owned()),
        many => Err(format!("{many} rules are broken")),
    }
}

/// The Rust files under these folders of the root, as paths.
pub fn rust_files_under(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    folders.iter().for_each(|folder| walk(&root().join(folder), &mut found));
    found.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    found
}

fn check(sources: &[Source]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for source in sources {
        lines::check(source, &mut complaints);
        imports::check(source, &mut complaints);
        manifests::check(source, &mut complaints);
        paths::check(source, &|path| root().join(path).exists(), &mut complaints);
        let has = |path: &str, name: &str| {
            sources.iter().any(|source| source.path == path && pitfalls::defines(source, name))
        };
        pitfalls::check(source, &has, &mut complaints);
    }
    complaints
}

fn sources(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    walk(root, &mut files);
    let named = files.iter().filter_map(|file| Some((file, file.strip_prefix(root).ok()?.to_str()?)));
    named.filter_map(|(file, name)| Some(Source::new(name, &std::fs::read_to_string(file).ok()?))).collect()
}

/// Adds the text files under `folder`, in order of their names.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !path.is_symlink() && !SKIPPED.contains(&name) {
            walk(&path, found);
        } else if path.is_file()
            && path.extension().and_then(|e| e.to_str()).is_some_and(|e| READ.contains(&e))
        {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_keeps_its_rules() {
        let complaints = check(&sources(&root()));
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    #[test]
    fn the_walk_finds_this_file_and_no_build_output() {
        let found = sources(&root());
        assert!(found.iter().any(|source| source.path == "xtask/src/tidy/mod.rs"));
        assert!(found.iter().all(|source| !source.path.starts_with("target/")));
    }
}
