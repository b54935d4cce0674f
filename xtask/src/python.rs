//! The Python that has PyZMQ, which carries libzmq 4.3.5: the other end of the interoperability tests.
//!
//! It lives in `target/venv` and is made once. Nothing outside `target/` is touched.

use crate::step::{self, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release whose wheel carries the libzmq that we compare ourselves with.
pub const PYZMQ: &str = "pyzmq==27.3.0";
/// What that libzmq says its version is.
const LIBZMQ: &str = "4.3.5";

/// The path of a Python interpreter that can import `zmq`; installs it first if need be.
///
/// # Errors
/// If there is no python3, or the wheel cannot be installed.
pub fn with_pyzmq() -> Result<PathBuf, String> {
    let venv = root().join("target/venv");
    let python = venv.join("bin/python3");
    if libzmq_version(&python).as_deref() == Some(LIBZMQ) {
        return Ok(python);
    }
    eprintln!("==> installing {PYZMQ} into {}", venv.display());
    let made =
        step::output("python3 -m venv", Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    let installed = made.and_then(|_| {
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
            PYZMQ,
        ];
        step::output("pip install", Command::new(&python).args(pip))
    });
    match (installed, libzmq_version(&python)) {
        (Ok(_), Some(version)) if version == LIBZMQ => Ok(python),
        (Ok(_), found) => Err(format!("PyZMQ should carry libzmq {LIBZMQ} but carries {found:?}")),
        (Err(reason), _) => instead(&reason),
    }
}

/// The system's own Python, if it has the right libzmq: a machine without `venv` or registry may have it.
fn instead(reason: &str) -> Result<PathBuf, String> {
    let system = PathBuf::from("python3");
    match libzmq_version(&system) {
        Some(version) if version == LIBZMQ => {
            eprintln!("    {reason}; using the system's python3, which has libzmq {version}");
            Ok(system)
        }
        _ => Err(format!("{reason} (--no-interop leaves out the tests that need it)")),
    }
}

fn libzmq_version(python: &Path) -> Option<String> {
    let mut command = Command::new(python);
    let printed =
        step::output("import zmq", command.args(["-c", "import zmq; print(zmq.zmq_version())"])).ok()?;
    Some(printed.trim().to_owned())
}
