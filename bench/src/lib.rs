//! What the contenders share: one command line, one set of loops, one report.
//!
//! A contender is a program `CONTENDER MODE ENDPOINT SIZE COUNT`. It differs from the others only in its [`Contender`], the handful of
//! calls that send and receive; loops, clocks and figures are the same code for all, so that a difference between two figures is a
//! difference between two libraries. Sender and receiver are always two processes.

mod job;
mod measure;
mod report;
mod usage;

pub use job::{Job, Mode, Pattern};
pub use measure::{Contender, run};
pub use report::{Figures, Latency, Line};
pub use usage::{Usage, now_ns};
