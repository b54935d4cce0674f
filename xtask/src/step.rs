//! The steps of a chore: other programs, run one after the other, each announced on stderr and timed.
//!
//! A chore stops at its first failed step, and the reason names the step. A chore of its own can run beside the others ([`Beside`]).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// How a chore or a step ends: the error is a sentence for the person who called it.
pub type Outcome = Result<(), String>;

/// The repository's root folder.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Runs `command` in the repository's root, with its output passed through.
///
/// # Errors
/// If the program cannot be started or does not succeed.
pub fn run(label: &str, command: &mut Command) -> Outcome {
    eprintln!("==> {label}");
    let begin = Instant::now();
    let status = in_root(command).status().map_err(|error| cannot_start(label, command, &error))?;
    if !status.success() {
        return Err(format!("{label} failed ({status})"));
    }
    eprintln!("    {label}: {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// A chore that goes on while others do: `cargo xtask WORDS`, in a process of its own. What it prints is kept, and shown in one piece when
/// it is waited for.
pub struct Beside {
    label: String,
    child: Child,
    printed: PathBuf,
    begin: Instant,
}

impl Beside {
    /// Starts it; `yields`: it has the processors while nobody else wants them.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn begin(words: &[&str], yields: bool) -> Result<Beside, String> {
        let label = words.join(" ");
        let printed = root().join("target").join(format!("beside-{}", label.replace(' ', "-")));
        let explain = |error: std::io::Error| format!("{label}: {error}");
        let output = File::create(&printed).map_err(explain)?;
        let mut command = if yields { Command::new("nice") } else { cargo() };
        if yields {
            command.args(["-n", "19"]).arg(cargo().get_program());
        }
        command.args(["xtask"]).args(words).stdin(Stdio::null());
        command.stdout(output.try_clone().map_err(explain)?).stderr(output);
        eprintln!("==> beside: {label} (prints into {})", printed.display());
        let begin = Instant::now();
        let child = in_root(&mut command).spawn().map_err(|error| cannot_start(&label, &command, &error))?;
        Ok(Beside { label, child, printed, begin })
    }

    /// Waits for its end, and shows what it printed.
    ///
    /// # Errors
    /// If it did not succeed.
    pub fn finish(mut self) -> Outcome {
        let status = self.child.wait().map_err(|error| format!("{}: {error}", self.label))?;
        let took = self.begin.elapsed().as_secs_f64();
        eprintln!("==> {}, {took:.1} s after it began:", self.label);
        let shown =
            File::open(&self.printed).and_then(|mut file| std::io::copy(&mut file, &mut std::io::stderr()));
        shown.map_err(|error| format!("{}: {error}", self.printed.display()))?;
        if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", self.label)) }
    }
}

/// Runs `command` silently in the repository's root and answers what it printed on stdout.
///
/// # Errors
/// If the program cannot be started or does not succeed; then with what it printed on stderr.
pub fn output(label: &str, command: &mut Command) -> Result<String, String> {
    output_in(&root(), label, command)
}

/// The same in another folder.
///
/// # Errors
/// As [`output`].
pub fn output_in(folder: &Path, label: &str, command: &mut Command) -> Result<String, String> {
    let output = command
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(label, command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{label} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// The build of the C library, shared and static.
///
/// A package that is a Rust library, too, is built without link-time optimisation, whatever its profile says: Cargo has no way to do both
/// in one go. So where that counts only those two are built; the shared one is a third smaller for it, and a short message some percent
/// cheaper.
pub fn c_library(profile: &str) -> Command {
    let mut build = cargo();
    match profile {
        "dev" | "test" => build.arg("build"),
        _ => build.args(["rustc", "--lib", "--crate-type", "cdylib,staticlib"]),
    };
    build.args(["--profile", profile, "--package", "ferrozmq-capi"]);
    build
}

/// The cargo that runs this program, or the one on the path.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The cargo of the nightly toolchain, free of what the outer cargo told this process about its own toolchain.
pub fn nightly_cargo() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
    command
}

fn in_root(command: &mut Command) -> &mut Command {
    command.current_dir(root())
}

fn cannot_start(label: &str, command: &Command, error: &std::io::Error) -> String {
    format!("{label}: cannot start {:?}: {error}", command.get_program())
}
