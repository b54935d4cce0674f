//! `cargo xtask install --prefix P`: the library, its header, and what pkg-config and CMake look for, laid out as programs expect.
//!
//! Nothing that is installed names an absolute path: the whole folder may be moved.

use crate::step::{self, Outcome, cargo, root};
use std::path::{Path, PathBuf};

/// The file's name, by libtool's rules for libzmq 4.3.5, and the names that lead to it.
const FILE: &str = "libzmq.so.5.2.5";
const LINKS: [&str; 2] = ["libzmq.so.5", "libzmq.so"];

/// From the package of the library to the place under the prefix.
const COPIED: [(&str, &str); 5] = [
    ("capi/include/zmq.h", "include/zmq.h"),
    ("capi/include/ferrozmq.h", "include/ferrozmq.h"),
    ("capi/include/zmq_utils.h", "include/zmq_utils.h"),
    ("capi/cmake/ZeroMQConfig.cmake", "lib/cmake/ZeroMQ/ZeroMQConfig.cmake"),
    ("capi/cmake/ZeroMQConfigVersion.cmake", "lib/cmake/ZeroMQ/ZeroMQConfigVersion.cmake"),
];

/// What to install.
pub struct Plan {
    /// Where to.
    pub prefix: PathBuf,
    /// The profile of cargo that builds it.
    pub profile: String,
    /// The command `zmq`, too.
    pub command: bool,
}

/// Installs: `--prefix P`, `--profile release` (what it is without being said), `--no-command`.
///
/// # Errors
/// If something cannot be built or written.
pub fn run(arguments: &[String]) -> Outcome {
    let mut plan = Plan { prefix: PathBuf::new(), profile: "release".into(), command: true };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--prefix" => plan.prefix = value()?.into(),
            "--profile" => plan.profile = value()?,
            "--no-command" => plan.command = false,
            other => return Err(format!("no such flag: {other}")),
        }
    }
    if plan.prefix.as_os_str().is_empty() {
        return Err("install where? --prefix P".into());
    }
    plan.prefix = std::path::absolute(&plan.prefix).map_err(|error| error.to_string())?;
    install(&plan)?;
    eprintln!("installed in {}", plan.prefix.display());
    Ok(())
}

/// Builds and installs.
///
/// # Errors
/// If something cannot be built or written.
pub fn install(plan: &Plan) -> Outcome {
    step::run("the C library", &mut step::c_library(&plan.profile))?;
    if plan.command {
        let mut build = cargo();
        build.args(["build", "--profile", &plan.profile, "--package", "ferrozmq-cli"]);
        step::run("the command", &mut build)?;
    }
    let built = root().join("target").join(folder_of(&plan.profile));
    let library = plan.prefix.join("lib");
    copy(&built.join("libzmq.so"), &library.join(FILE))?;
    copy(&built.join("libzmq.a"), &library.join("libzmq.a"))?;
    for link in LINKS {
        link_to(FILE, &library.join(link))?;
    }
    for (from, to) in COPIED {
        copy(&root().join(from), &plan.prefix.join(to))?;
    }
    write_pc(&plan.prefix)?;
    if plan.command {
        copy(&built.join("zmq"), &plan.prefix.join("bin/zmq"))?;
    }
    Ok(())
}

/// The folder in `target` for what a profile builds.
fn folder_of(profile: &str) -> &str {
    match profile {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    }
}

fn write_pc(prefix: &Path) -> Outcome {
    let template = root().join("capi/libzmq.pc.in");
    let text = std::fs::read_to_string(&template).map_err(|error| explain(&template, &error))?;
    let place = prefix.join("lib/pkgconfig/libzmq.pc");
    make_room(&place)?;
    // Where the file itself is tells where the rest is.
    let text = text.replace("@PREFIX@", "${pcfiledir}/../..");
    std::fs::write(&place, text).map_err(|error| explain(&place, &error))
}

/// Copies by way of a new file: a running program may have the old one mapped.
fn copy(from: &Path, to: &Path) -> Outcome {
    make_room(to)?;
    std::fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn link_to(name: &str, link: &Path) -> Outcome {
    make_room(link)?;
    std::os::unix::fs::symlink(name, link).map_err(|error| explain(link, &error))
}

/// Makes the folder for a file, and takes away what has its name.
fn make_room(file: &Path) -> Outcome {
    let folder = file.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(|error| explain(folder, &error))?;
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(explain(file, &error)),
        _ => Ok(()),
    }
}

fn explain(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
