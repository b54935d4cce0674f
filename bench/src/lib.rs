//! What the contenders share: one command line, one set of loops, one report.
//!
//! A contender is a program `CONTENDER ROLE [NAME=VALUE]…` that differs from the others only in its [`Library`]. Except over inproc,
//! whoever sends and whoever receives are different processes.

pub mod count;
mod job;
mod library;
mod report;
mod roles;
mod usage;

pub use job::{Job, Role};
pub use library::{CANNOT, CLIENT_KEYS, Curve, Kind, Library, SERVER_KEYS, Setup, Socket};
pub use report::{Figures, Latency, Line, Stretch};
pub use roles::run;
pub use usage::{Usage, now_ns, resident_kib};

/// The variable of the environment that has a contender of ours leave the scheduling of I/O threads to the system.
pub const SYSTEM_SCHEDULING: &str = "BENCH_SYSTEM_SCHEDULING";
