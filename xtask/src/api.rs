//! `cargo xtask api`: what Rust programs rely on. Every combination of features compiles, and nothing that was public at [`BASELINE`]
//! has gone or changed since.
//!
//! The second half is cargo-semver-checks', which is built into `target/tools` the first time (ten minutes) if it is not on the path.

use crate::step::{self, Outcome, cargo, root};
use std::path::PathBuf;
use std::process::Command;

/// The revision whose public API is promised. A release moves it.
const BASELINE: &str = "8818fe0";
/// What `cargo install` builds if it must.
const CHECKER: &str = "cargo-semver-checks";

/// Each published library with its features.
const FEATURES: [(&str, &[&str]); 2] = [
    ("ferrozmq-proto", &["dryoc", "crypto_box"]),
    ("ferrozmq", &["dryoc", "crypto_box", "serde", "msgpack", "tracing"]),
];
/// With neither of these there is no cryptography, and the build says so.
const CRYPTO: [&str; 2] = ["dryoc", "crypto_box"];

/// Checks both; `features` or `semver` only that.
///
/// # Errors
/// If a combination does not compile, or the API has changed in a way that breaks programs.
pub fn run(arguments: &[String]) -> Outcome {
    match arguments.first().map(String::as_str) {
        None => features().and_then(|()| semver()),
        Some("features") => features(),
        Some("semver") => semver(),
        Some(_) => Err("usage: cargo xtask api [features | semver]".to_owned()),
    }
}

fn features() -> Outcome {
    for (package, features) in FEATURES {
        for chosen in subsets(features) {
            if !CRYPTO.iter().any(|crypto| chosen.contains(crypto)) {
                continue;
            }
            let list = chosen.join(",");
            let mut check = cargo();
            check.args([
                "check",
                "--quiet",
                "--package",
                package,
                "--no-default-features",
                "--features",
                &list,
            ]);
            step::run(&format!("{package} with {list}"), check.env("RUSTFLAGS", "-D warnings"))?;
        }
    }
    Ok(())
}

/// All combinations, the empty one included.
fn subsets<'a>(all: &[&'a str]) -> Vec<Vec<&'a str>> {
    let member = |mask: usize| {
        let chosen = all.iter().enumerate().filter(|(place, _)| mask & (1 << place) != 0);
        chosen.map(|(_, name)| *name).collect()
    };
    (0..1 << all.len()).map(member).collect()
}

fn semver() -> Outcome {
    let checker = checker()?;
    for (package, _) in FEATURES {
        // As for a minor release: new things may come, and nothing may go.
        let mut check = Command::new(&checker);
        check.args(["semver-checks", "--package", package, "--baseline-rev", BASELINE]);
        check.args(["--release-type", "minor"]).env("CARGO_TARGET_DIR", root().join("target/semver"));
        // The checker reads rustdoc's JSON, which stable compilers only write when they are told so.
        step::run(&format!("the API of {package} since {BASELINE}"), check.env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(())
}

/// The program, built if it must be.
fn checker() -> Result<PathBuf, String> {
    if Command::new(CHECKER).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(CHECKER.into());
    }
    let tools = root().join("target/tools");
    let built = tools.join("bin").join(CHECKER);
    if !built.exists() {
        let mut install = cargo();
        install.args(["install", "--locked", CHECKER, "--root"]).arg(&tools);
        step::run(&format!("building {CHECKER}"), &mut install)?;
    }
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_are_there_once() {
        assert_eq!(subsets(&["a", "b"]), [vec![], vec!["a"], vec!["b"], vec!["a", "b"]]);
        assert_eq!(subsets(FEATURES[1].1).len(), 32);
    }
}
