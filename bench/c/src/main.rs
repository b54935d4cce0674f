//! The contender that is whatever library `FERROZMQ_BENCH_LIBRARY` names: ours through its C functions, or anybody's.

use std::path::Path;
use std::process::ExitCode;

/// The variable that names the library's file.
const LIBRARY: &str = "FERROZMQ_BENCH_LIBRARY";

fn main() -> ExitCode {
    let Some(path) = std::env::var_os(LIBRARY) else {
        eprintln!("{LIBRARY} must name the C library to measure");
        return ExitCode::FAILURE;
    };
    ferrozmq_bench_c::run(Path::new(&path))
}
