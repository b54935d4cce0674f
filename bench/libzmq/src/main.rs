//! The contender that is libzmq 4.3.5, built as the shared library that distributions ship.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    ferrozmq_bench_c::run(Path::new(env!("ORIGINAL_LIBZMQ")))
}
