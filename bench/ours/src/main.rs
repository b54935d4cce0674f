//! The contender that is this library through its blocking calls.

fn main() -> std::process::ExitCode {
    ferrozmq_bench::run::<ferrozmq_bench_ours::Ours>()
}
