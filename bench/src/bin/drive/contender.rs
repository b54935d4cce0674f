//! The contenders: a name, the program, and what its environment says.

use ferrozmq_bench::SYSTEM_SCHEDULING;
use std::path::PathBuf;

/// What makes `raw` differ from its default.
const RAW: &str = "FERROZMQ_BENCH_RAW";
/// The C library that `c` loads.
const LIBRARY: &str = "FERROZMQ_BENCH_LIBRARY";

/// Those that run unless others are asked for.
pub const USUAL: [&str; 4] = ["raw", "libzmq", "ours", "ours-c"];
/// Those that a check needs.
pub const CHECKED: [&str; 7] = ["raw", "raw-cubic", "libzmq", "ours", "ours-c", "ours-async", PLAIN];
/// Ours without what is chosen on the user's behalf.
pub const PLAIN: &str = "ours-plain";
/// What that is, by the variables that forbid it: spinning; loopback's congestion control and ipc's buffers; I/O threads' short turns.
const PLAIN_ENVIRONMENT: [(&str, &str); 3] =
    [("FERROZMQ_SPIN_US", "0"), ("FERROZMQ_SYSTEM_SOCKETS", "1"), (SYSTEM_SCHEDULING, "1")];
/// Those of other people, in Rust.
pub const RELATIVES: [&str; 3] = ["omq", "zeromq", "rzmq"];

/// One contender.
#[derive(Clone, Debug)]
pub struct Contender {
    /// As on the command line.
    pub name: String,
    /// Beside the driver.
    pub program: PathBuf,
    /// What it finds in its environment.
    pub environment: Vec<(String, String)>,
}

impl Contender {
    /// Whether it is no library.
    pub fn is_raw(&self) -> bool {
        self.program.ends_with("raw")
    }

    /// The contender called `name`; `ours_c` is our C library's file. A name may end in `+VARIABLE=VALUE`s for its environment.
    ///
    /// # Errors
    /// A sentence.
    pub fn named(name: &str, ours_c: &str) -> Result<Contender, String> {
        let mut words = name.split('+');
        let base = words.next().unwrap_or_default();
        let (program, variables) = match base.split_once(':') {
            Some(("c", path)) => ("c", vec![(LIBRARY, path)]),
            Some(_) => return Err(format!("{name}: only c:FILE has a colon")),
            None if base == "ours-c" => ("c", vec![(LIBRARY, ours_c)]),
            None if base == PLAIN => ("ours", PLAIN_ENVIRONMENT.to_vec()),
            None => match base.strip_prefix("raw-") {
                Some(variant) => ("raw", vec![(RAW, variant)]),
                None => (base, Vec::new()),
            },
        };
        let mut environment: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for word in words {
            let (variable, value) = word.split_once('=').ok_or_else(|| format!("{name}: +VARIABLE=VALUE"))?;
            environment.push((variable.to_owned(), value.to_owned()));
        }
        let program = beside(program)?;
        match program.exists() {
            true => Ok(Contender { name: name.to_owned(), program, environment }),
            false => Err(format!("{name}: {} was not built", program.display())),
        }
    }
}

/// A program that cargo put beside the driver.
pub fn beside(name: &str) -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(here.with_file_name(name))
}
