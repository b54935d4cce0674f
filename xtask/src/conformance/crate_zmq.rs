//! `cargo xtask conformance zmq-crate`: the tests of the crate `zmq`, with our stand-in for what it links.
//!
//! The crate's source is what cargo fetches; it is copied, and told of the stand-in by `[patch.crates-io]`, as a user's manifest would.

use super::tree::{make_folder, manifest_path};
use super::workshop;
use crate::step::{self, Outcome, cargo, root};
use std::path::{Path, PathBuf};

/// The release whose tests are run.
const VERSION: &str = "=0.10.0";

/// Tests of what is not built, or not of the library, with the reason; they are left out by name.
const LEFT_OUT: [(&str, &str); 1] = [("compile_fail", "it compares the words of an older compiler")];

/// Runs the tests; arguments are passed on to cargo.
///
/// # Errors
/// If the crate cannot be fetched, or a test fails.
pub fn run(arguments: &[String]) -> Outcome {
    let folder = workshop().join("zmq-crate");
    let source = fetched(&folder)?;
    let copy = folder.join("zmq");
    if !copy.join("Cargo.toml").exists() {
        make_folder(&folder)?;
        step::output("cp", std::process::Command::new("cp").arg("-r").arg(&source).arg(&copy))?;
        patch(&copy.join("Cargo.toml"))?;
        // What it was published with is older than what our library needs.
        std::fs::remove_file(copy.join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    }
    let mut test = cargo();
    test.args(["test", "--quiet", "--lib", "--tests"])
        .args(arguments)
        .arg("--manifest-path")
        .arg(copy.join("Cargo.toml"));
    test.arg("--");
    for (name, reason) in LEFT_OUT {
        eprintln!("    left out: {name} ({reason})");
        test.args(["--skip", name]);
    }
    step::run(
        "the crate zmq",
        test.env("CARGO_TARGET_DIR", root().join("target/conformance/zmq-crate/target"))
            // Nobody debugs it, and the rest of the debug information is two gigabytes.
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only"),
    )
}

/// Has cargo fetch the crate for a package that depends on it; answers where it is.
fn fetched(folder: &Path) -> Result<PathBuf, String> {
    let asking = folder.join("asking");
    make_folder(&asking.join("src"))?;
    let manifest = format!(
        "[package]\nname = \"asking\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nzmq = \"{VERSION}\"\n"
    );
    let write = |file: &str, text: &str| {
        std::fs::write(asking.join(file), text).map_err(|error| format!("{file}: {error}"))
    };
    write("Cargo.toml", &manifest)?;
    write("src/lib.rs", "")?;
    let mut metadata = cargo();
    metadata.args(["metadata", "--format-version", "1", "--manifest-path"]).arg(asking.join("Cargo.toml"));
    let printed = step::output("cargo metadata", &mut metadata)?;
    let found = manifest_path(&printed, "zmq-0").and_then(|manifest| manifest.parent().map(Path::to_owned));
    found.ok_or_else(|| "cargo does not say where the crate zmq is".into())
}

/// Names the stand-in, and makes the package a workspace of its own.
fn patch(manifest: &Path) -> Outcome {
    let text = std::fs::read_to_string(manifest).map_err(|error| error.to_string())?;
    let stand_in = root().join("zmq-sys");
    let text = format!(
        "{text}\n[workspace]\n\n[patch.crates-io]\nzmq-sys = {{ path = \"{}\" }}\n",
        stand_in.display()
    );
    std::fs::write(manifest, text).map_err(|error| error.to_string())
}
