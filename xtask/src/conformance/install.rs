//! `cargo xtask conformance install`: an installation as a user would meet it, found by pkg-config and by CMake, linked dynamically
//! and statically.

use super::workshop;
use crate::install::{Plan, install};
use crate::step::{self, Outcome, root};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Installs into `target/conformance/prefix` and builds a program in every way.
///
/// # Errors
/// If a way does not lead to a program that works.
pub fn run(arguments: &[String]) -> Outcome {
    let profile = match arguments {
        [] => "dev",
        [flag] if flag == "--release" => "release",
        _ => return Err("only --release may follow".into()),
    };
    let prefix = prefix(profile)?;
    if runs("pkg-config") {
        by_pkg_config(&prefix, &[], "ask")?;
        by_pkg_config(&prefix, &["--static"], "ask-static")?;
    } else {
        eprintln!("SKIPPED pkg-config: it is not here");
    }
    if runs("cmake") {
        by_cmake(&prefix)?;
    } else {
        eprintln!("SKIPPED CMake: it is not here");
    }
    Ok(())
}

/// The folder with our library installed, without the command.
///
/// # Errors
/// If it cannot be installed.
pub fn prefix(profile: &str) -> Result<PathBuf, String> {
    let prefix = workshop().join("prefix");
    install(&Plan { prefix: prefix.clone(), profile: profile.into(), command: false })?;
    Ok(prefix)
}

fn by_pkg_config(prefix: &Path, flags: &[&str], name: &str) -> Outcome {
    let mut ask = Command::new("pkg-config");
    ask.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(["--cflags", "--libs", "libzmq"]);
    let found = step::output("pkg-config", ask.args(flags))?;
    let mut words: Vec<String> = found.split_whitespace().map(str::to_owned).collect();
    if !flags.is_empty() {
        // pkg-config names the library either way; the linker takes the shared one unless told otherwise.
        for word in words.iter_mut().filter(|word| *word == "-lzmq") {
            *word = "-l:libzmq.a".into();
        }
    }
    let program = workshop().join(name);
    let mut compiler = Command::new("cc");
    compiler.arg(root().join("conformance/install/ask.c")).arg("-o").arg(&program).args(words);
    step::output(name, &mut compiler)?;
    answers(&program, prefix)
}

fn by_cmake(prefix: &Path) -> Outcome {
    let folder = workshop().join("cmake");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(root().join("conformance/install")).arg("-B").arg(&folder);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    step::output("cmake", &mut configure)?;
    step::output("cmake --build", Command::new("cmake").arg("--build").arg(&folder))?;
    answers(&folder.join("ask-libzmq"), prefix)?;
    answers(&folder.join("ask-libzmq-static"), prefix)
}

/// Runs the program; it says the version at its end.
fn answers(program: &Path, prefix: &Path) -> Outcome {
    let label = program.display().to_string();
    let mut command = Command::new(program);
    let said = step::output(&label, command.env("LD_LIBRARY_PATH", prefix.join("lib")))?;
    match said.trim() {
        "4.3.5" => {
            eprintln!("    {label}: a question was answered");
            Ok(())
        }
        other => Err(format!("{label} said {other:?}")),
    }
}

fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
