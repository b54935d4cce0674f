//! `zmq bench`: latency and throughput, both ends at once or one end of two machines.
//!
//! The two ends are the same functions either way, and speak as libzmq's `local_lat`, `remote_lat`,
//! `local_thr` and `remote_thr` do, so that one end may be the original. Run at once, the ends are two processes
//! over tcp and ipc (the other end is this program again) and two threads over inproc.

mod latency;
mod pairing;
mod progress;
mod throughput;

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
        What::Lat(args) => pairing::run(args, &latency::Latency),
        What::Thr(args) => pairing::run(args, &throughput::Throughput),
    }
}
