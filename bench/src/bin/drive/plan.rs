//! The rows: what is measured, over which transport, with which size.

use ferrozmq_bench::Mode;
use serde::Serialize;
use std::fmt;

/// How the two processes share the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Both on the first core: no chance decides who runs where, and nobody gains by spinning.
    OneCore,
    /// Wherever the scheduler puts them.
    Free,
    /// Each on a core of its own: where one of them computes, the other must not wait for its core.
    Apart,
}

impl Placement {
    /// On which core the process with `mode` runs, if that is decided.
    pub fn core_of(self, mode: Mode) -> Option<usize> {
        match self {
            Placement::OneCore => Some(0),
            Placement::Free => None,
            Placement::Apart => Some(usize::from(mode.binds())),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Placement::OneCore => "one-core",
            Placement::Free => "free",
            Placement::Apart => "apart",
        })
    }
}

/// What a row is about; the table's figure depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Median time of a round trip.
    RoundTrip,
    /// Messages in a second.
    Throughput,
    /// 99th percentile from send to receive while the sender computes.
    Away,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is measured.
    pub subject: Subject,
    /// The end that binds.
    pub binder: Mode,
    /// The end that connects.
    pub connector: Mode,
    /// `tcp` or `ipc`.
    pub transport: &'static str,
    /// Message length in bytes.
    pub size: usize,
    /// Count of the run that finds out the speed.
    pub first_count: u64,
}

impl Row {
    /// As `lat tcp 64`.
    pub fn name(&self) -> String {
        let what = match self.connector {
            Mode::LatReq => "lat",
            Mode::ThrPush => "thr",
            Mode::BurstPush => "burst",
            _ => "away",
        };
        format!("{what} {} {}", self.transport, self.size)
    }

    /// Those of `asked` that mean something here.
    pub fn placements(&self, asked: &[Placement]) -> Vec<Placement> {
        if self.subject == Subject::Away { vec![Placement::Apart] } else { asked.to_vec() }
    }

    /// The count that takes about `seconds` at this speed; four times that where a sender computes most of the time, or
    /// its 99th percentile would stand on one message.
    pub fn count_for(&self, ns_per_message: f64, seconds: f64) -> u64 {
        let seconds = if self.subject == Subject::Away { 4.0 * seconds } else { seconds };
        let count = (seconds * 1e9 / ns_per_message.max(1.0)) as u64;
        count.clamp(self.first_count, 200_000_000)
    }
}

const TRANSPORTS: [&str; 2] = ["tcp", "ipc"];
const THROUGHPUT: [(usize, u64); 4] = [(10, 200_000), (64, 200_000), (1024, 50_000), (64 * 1024, 2_000)];

/// All rows, in the table's order.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for transport in TRANSPORTS {
        let row = Row {
            subject: Subject::RoundTrip,
            binder: Mode::LatRep,
            connector: Mode::LatReq,
            transport,
            size: 64,
            first_count: 1_000,
        };
        rows.push(row);
    }
    for transport in TRANSPORTS {
        for (size, first_count) in THROUGHPUT {
            let (subject, binder, connector) = (Subject::Throughput, Mode::ThrPull, Mode::ThrPush);
            rows.push(Row { subject, binder, connector, transport, size, first_count });
        }
    }
    for transport in TRANSPORTS {
        for (connector, first_count) in [(Mode::AwayPush, 100), (Mode::BurstPush, 1_600)] {
            let (subject, binder) = (Subject::Away, Mode::AwayPull);
            rows.push(Row { subject, binder, connector, transport, size: 16, first_count });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let mut names: Vec<String> = rows().iter().map(Row::name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
