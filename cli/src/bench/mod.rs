//! `zmq bench`: latency and throughput, both ends at once or one end of two machines.
//!
//! The two ends are the same functions either way, and speak as libzmq's `local_lat`, `remote_lat`,
//! `local_thr` and `remote_thr` do, so that one end may be the original. Run at once, the ends are two processes
//! over tcp and ipc (the other end is this program again) and two threads over inproc.
//!
//! `--lib` compares with another library (`compare`): there, both libraries run other, simpler loops (`end`).

mod compare;
mod end;
mod foreign;
mod interval;
mod latency;
mod pairing;
mod progress;
mod throughput;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::failure::Failure;
use crate::units;

/// Flags of `bench`.
#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub what: What,
}

/// What is measured.
#[derive(Subcommand, Debug)]
pub enum What {
    /// Round trips of a request and its reply: percentiles
    Lat(RunArgs),
    /// Messages from a PUSH to a PULL: how many a second
    Thr(RunArgs),
    /// One end of a comparison, in a process that the comparison starts
    #[command(hide = true)]
    End(end::EndArgs),
}

/// Flags of both measurements.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Size of a message in bytes (several, separated by commas)
    #[arg(short, long, value_name = "SIZE", value_delimiter = ',', default_value = "64", value_parser = units::size)]
    pub size: Vec<u64>,
    /// Measure this long
    #[arg(short = 'z', long = "for", value_name = "TIME", default_value = "2s", value_parser = units::duration)]
    pub duration: Duration,
    /// Transports to measure on this machine (several, separated by commas)
    #[arg(long, value_name = "TRANSPORT", value_delimiter = ',', default_value = "tcp", conflicts_with_all = ["bind", "connect"])]
    pub over: Vec<Transport>,
    /// Be the passive end only: the echo of lat, the measuring receiver of thr
    #[arg(short, long, value_name = "ENDPOINT", conflicts_with = "connect")]
    pub bind: Option<String>,
    /// Be the active end only: the measuring client of lat, the sender of thr
    #[arg(short, long, value_name = "ENDPOINT")]
    pub connect: Option<String>,
    /// Stop after N messages instead of a time
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count)]
    pub count: Option<u64>,
    /// Compare with the C library in FILE (any libzmq.so.5), in turns A B B A
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bind", "connect", "count"])]
    pub lib: Option<PathBuf>,
    /// How many times A B B A
    #[arg(long, value_name = "N", default_value_t = 3, requires = "lib", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// lat --lib: ask so often (10k/s), and count what a late answer delays
    #[arg(long, value_name = "RATE", requires = "lib", value_parser = units::rate)]
    pub rate: Option<Duration>,
    /// One JSON object a line instead of text
    #[arg(short = 'J', long)]
    pub json: bool,
}

/// A transport to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// TCP over the loopback interface.
    Tcp,
    /// A Unix socket.
    Ipc,
    /// Between threads.
    Inproc,
}

impl Transport {
    /// The name, as in an endpoint.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Ipc => "ipc",
            Transport::Inproc => "inproc",
        }
    }
}

/// Measures.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    match &args.what {
        What::Thr(RunArgs { lib: Some(_), rate: Some(_), .. }) => {
            Err(Failure::Usage("--rate is for lat: thr sends as fast as it can".into()))
        }
        What::Lat(args) => match &args.lib {
            Some(library) => compare::run(args, compare::Subject::Latency, library),
            None => pairing::run(args, &latency::Latency),
        },
        What::Thr(args) => match &args.lib {
            Some(library) => compare::run(args, compare::Subject::Throughput, library),
            None => pairing::run(args, &throughput::Throughput),
        },
        What::End(args) => end::run(args),
    }
}
