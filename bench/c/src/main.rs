//! The contender that is whatever library `FERROZMQ_BENCH_LIBRARY` names: ours through its C functions, or anybody's.

fn main() -> std::process::ExitCode {
    ferrozmq_bench_c::with_named(ferrozmq_bench::run::<ferrozmq_bench_c::CLibrary>)
}
