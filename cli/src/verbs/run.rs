//! `zmq run -- COMMAND …`: any dynamically linked program, with this library in place of libzmq.
//!
//! The library is preloaded, so that it also comes before a copy that the program brings along, such as that in PyZMQ's wheel. Then
//! this process becomes the program; nothing of ours stays between it and the terminal.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use ferrozmq::AccessRules;

use crate::failure::Failure;
use crate::talk::Talk;

/// The names of the library's file, the installed one first.
const NAMES: [&str; 2] = ["libzmq.so.5", "libzmq.so"];

/// What is in our library's file and in no other that has its name.
const MARK: &[u8] = b"ferrozmq";

/// What the loader reads: libraries that come before all others, separated by colons.
const PRELOAD: &str = "LD_PRELOAD";

/// What the library reads: the file of access rules.
const ACCESS_RULES: &str = "FERROZMQ_ACCESS_RULES";

/// Flags of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The library [default: beside this command, or in the lib folder next to its own]
    #[arg(long, value_name = "PATH")]
    pub lib: Option<PathBuf>,
    /// Let in only peers that this file of access rules allows: lines of allow KEY|PATH, plain-users FILE, allow-net
    /// NETWORK, deny-net NETWORK
    #[arg(long, value_name = "FILE")]
    pub access: Option<PathBuf>,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// Becomes the program.
///
/// # Errors
/// [`Failure::Error`] if there is no library, [`Failure::Exec`] if the program cannot be started.
pub fn run(args: &RunArgs, talk: Talk) -> Result<(), Failure> {
    let library = match &args.lib {
        Some(path) => given(path)?,
        None => installed()?,
    };
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Failure::Usage("run which program?".into()));
    };
    talk.note(format_args!("{} runs on {}", program.display(), library.display()));
    let preload = preload(&library, std::env::var_os(PRELOAD).as_deref())?;
    let mut command = Command::new(program);
    command.args(rest).env(PRELOAD, preload);
    if let Some(file) = &args.access {
        // Mistakes in it are told here and now, not by a program that does not know of it.
        AccessRules::from_file(file).map_err(|error| Failure::Usage(format!("--access: {error}")))?;
        let file =
            std::fs::canonicalize(file).map_err(|error| Failure::while_doing(error, file.display()))?;
        command.env(ACCESS_RULES, file);
    }
    let error = command.exec();
    Err(Failure::Exec(format!("{}: {error}", program.display())))
}

fn given(path: &Path) -> Result<PathBuf, Failure> {
    let path = if path.is_dir() { path.join(NAMES[0]) } else { path.to_owned() };
    std::fs::canonicalize(&path).map_err(|error| Failure::while_doing(error, path.display()))
}

/// Our library where an installation or a build has it.
fn installed() -> Result<PathBuf, Failure> {
    let here =
        std::env::current_exe().map_err(|error| Failure::while_doing(error, "this command's own path"))?;
    let folder = here.parent().unwrap_or(Path::new("/"));
    let beside = [folder.to_owned(), folder.join("../lib")];
    let candidates = beside.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let found = candidates.into_iter().find(|path| is_ours(path));
    let found = found.and_then(|path| std::fs::canonicalize(path).ok());
    found.ok_or_else(|| {
        let places = beside.map(|folder| folder.display().to_string()).join(" and ");
        Failure::Error(format!("there is no {} of ours in {places}; name it by --lib", NAMES[0]))
    })
}

fn is_ours(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.windows(MARK.len()).any(|window| window == MARK))
}

/// Our library before all others that are preloaded already.
fn preload(library: &Path, others: Option<&OsStr>) -> Result<OsString, Failure> {
    let name = library.as_os_str();
    if name.as_encoded_bytes().iter().any(|byte| b": ".contains(byte)) {
        let problem = "the loader takes no preloaded library whose path has a space or a colon in it";
        return Err(Failure::Error(format!("{}: {problem}", library.display())));
    }
    let mut list = name.to_owned();
    if let Some(others) = others.filter(|others| !others.is_empty()) {
        list.push(":");
        list.push(others);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_preloaded_before_what_was_before() {
        let ours = Path::new("/a/libzmq.so.5");
        assert_eq!(preload(ours, None).unwrap(), "/a/libzmq.so.5");
        assert_eq!(preload(ours, Some(OsStr::new(""))).unwrap(), "/a/libzmq.so.5");
        assert_eq!(preload(ours, Some(OsStr::new("/b.so"))).unwrap(), "/a/libzmq.so.5:/b.so");
        assert!(preload(Path::new("/a b/libzmq.so.5"), None).is_err());
    }
}
