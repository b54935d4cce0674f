//! The library under test: built by cargo, or any file, in a folder under the name by which programs load it.

use super::tree::make_folder;
use super::workshop;
use crate::step::{self, root};
use std::path::{Path, PathBuf};

/// The folder in which `libzmq.so.5` is our library: `given`, or the one that cargo builds.
///
/// # Errors
/// If it cannot be built, or is not there.
pub fn folder(given: Option<&str>, release: bool) -> Result<PathBuf, String> {
    let library = match given {
        Some(path) => PathBuf::from(path),
        None => build(release)?,
    };
    let library =
        std::fs::canonicalize(&library).map_err(|error| format!("{}: {error}", library.display()))?;
    let folder = workshop().join("ours");
    make_folder(&folder)?;
    put(&library, &folder.join("libzmq.so.5"))?;
    Ok(folder)
}

fn build(release: bool) -> Result<PathBuf, String> {
    let profile = if release { "release" } else { "dev" };
    step::run("the C library", &mut step::c_library(profile))?;
    Ok(root().join(if release { "target/release/libzmq.so" } else { "target/debug/libzmq.so" }))
}

/// A copy, so that a build that goes on beside us does not change the library under the programs' feet. Suites that run at once put it
/// there each for itself.
fn put(library: &Path, place: &Path) -> Result<(), String> {
    let copy = place.with_extension(format!("new-{}", std::process::id()));
    std::fs::copy(library, &copy)
        .and_then(|_| std::fs::rename(&copy, place))
        .map_err(|error| format!("{}: {error}", place.display()))
}
