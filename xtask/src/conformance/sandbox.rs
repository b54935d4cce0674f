//! Where a test program runs: a folder of its own, and a network of its own where the system lets us make one.
//!
//! The programs bind fixed ports. In a network of its own each has all ports to itself, and several can run at once; without
//! one they take turns, also with other test runs on this machine that use those ports.

use super::tree::make_folder;
use super::workshop;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Locks of this machine's tests for the ports that some programs bind.
const PORT_LOCKS: [&str; 2] = ["ferrozmq-seed-5555.lock", "ferrozmq-seed-5557-5558.lock"];

/// After this time, in seconds, a program ends even if nobody is there any more to end it.
const LIFETIME: &str = "900";

/// Brings the loopback interface up, then becomes the program.
const SCRIPT: &str = "ip link set lo up && exec \"$0\" \"$@\"";

/// How to run programs so that they do not meet.
pub struct Sandbox {
    unshare: Option<&'static str>,
    /// Held while programs share this machine's ports.
    _ports: Vec<File>,
}

impl Sandbox {
    /// Finds out what this system allows.
    ///
    /// # Errors
    /// If not even a lock file can be made.
    pub fn new() -> Result<Sandbox, String> {
        static FOUND: OnceLock<Option<&str>> = OnceLock::new();
        let works = |flags: &&str| {
            let mut probe = Command::new("unshare");
            probe.args([flags, "sh", "-c", SCRIPT, "true"]).stdout(Stdio::null()).stderr(Stdio::null());
            probe.status().is_ok_and(|status| status.success())
        };
        let unshare = *FOUND.get_or_init(|| ["-n", "-rn"].into_iter().find(works));
        let mut ports = Vec::new();
        if unshare.is_none() {
            eprintln!("    no network namespaces here: programs run one at a time");
            for name in PORT_LOCKS {
                let file =
                    File::create(std::env::temp_dir().join(name)).map_err(|error| error.to_string())?;
                file.lock().map_err(|error| error.to_string())?;
                ports.push(file);
            }
        }
        Ok(Sandbox { unshare, _ports: ports })
    }

    /// How many programs should run at once, if they compute.
    pub fn width(&self) -> usize {
        if self.unshare.is_some() { super::pool::processors() } else { 1 }
    }

    /// No more than this may run at once, whoever wants it.
    pub fn width_max(&self) -> usize {
        if self.unshare.is_some() { usize::MAX } else { 1 }
    }

    /// The command that runs `program` with this library in place of libzmq, in a new folder.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn command(&self, program: &Path, library: &Path) -> Result<(Command, Folder), String> {
        let folder = Folder::new()?;
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", LIFETIME]);
        if let Some(flags) = self.unshare {
            command.args(["unshare", flags, "sh", "-c", SCRIPT]);
        }
        command.arg(program);
        command.current_dir(&folder.0).env("TMPDIR", &folder.0).env("LD_LIBRARY_PATH", library);
        Ok((command, folder))
    }
}

/// A program's own folder; removed with this.
pub struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        // Short, because the names of ipc endpoints are.
        let folder = std::env::temp_dir().join(format!("fzc-{}-{number}", std::process::id()));
        make_folder(&folder)?;
        make_folder(&workshop())?;
        Ok(Folder(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // among temporary files anyway
    }
}
