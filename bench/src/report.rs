//! What a contender prints: lines of JSON on stdout, read by the driver.

use crate::usage::{Usage, now_ns, resident_kib};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Bound; peers connect here.
    Listening(Vec<String>),
    /// A subscriber has heard its publisher.
    Ready,
    /// The measurement is over.
    Figures(Figures),
    /// The contender declines, with the reason.
    Declined(String),
}

impl Line {
    /// Prints it, flushed.
    pub fn print(&self) {
        let text = serde_json::to_string(self).expect("strings and numbers become JSON");
        println!("{text}");
    }
}

/// What one end measured.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Messages or round trips that were measured.
    pub count: u64,
    /// From the first to the last of them, in nanoseconds.
    pub elapsed_ns: u64,
    /// CPU time of this process in that stretch, in nanoseconds.
    pub cpu_ns: u64,
    /// Its voluntary context switches in that stretch.
    pub voluntary_switches: u64,
    /// The most that was ever resident, in KiB.
    pub peak_kib: u64,
    /// Only from the end that measures each message.
    pub latency: Option<Latency>,
    /// Only from a router whose peers are idle: what each added to what is resident, in bytes.
    pub bytes_per_peer: Option<f64>,
}

/// The beginning of a stretch that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    began: u64,
    before: Usage,
}

impl Stretch {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Stretch {
        Stretch { began: now_ns(), before: Usage::so_far() }
    }

    /// Ends now, with `count` messages in it.
    #[must_use]
    pub fn end(self, count: u64) -> Figures {
        let elapsed_ns = now_ns() - self.began;
        let Usage { cpu_ns, voluntary_switches } = Usage::so_far() - self.before;
        let (_, peak_kib) = resident_kib();
        Figures { count, elapsed_ns, cpu_ns, voluntary_switches, peak_kib, ..Figures::default() }
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// 999 of 1000 are faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

impl Latency {
    /// The percentiles of `samples`.
    #[must_use]
    pub fn of(mut samples: Vec<u64>) -> Option<Latency> {
        samples.sort_unstable();
        let last = samples.len().checked_sub(1)?;
        let at = |share: f64| samples[(last as f64 * share).round() as usize];
        Some(Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: samples[last] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_samples() {
        let Latency { p50, p99, max, .. } = Latency::of((0..=100).rev().collect()).unwrap();
        assert_eq!((p50, p99, max), (50, 99, 100));
        assert_eq!(Latency::of(vec![7]).unwrap().p999, 7);
        assert!(Latency::of(Vec::new()).is_none());
    }
}
