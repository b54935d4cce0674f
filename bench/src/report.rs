//! What a contender prints: lines of JSON on stdout, read by the driver.

use crate::Usage;
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// A binder is ready; peers connect here.
    Listening(String),
    /// The measurement is over.
    Figures(Figures),
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
    /// Only from the end that measures each message.
    pub latency: Option<Latency>,
}

impl Figures {
    /// Figures of a stretch that took `elapsed_ns` and `spent`.
    #[must_use]
    pub fn new(count: u64, elapsed_ns: u64, spent: Usage) -> Figures {
        let Usage { cpu_ns, voluntary_switches } = spent;
        Figures { count, elapsed_ns, cpu_ns, voluntary_switches, latency: None }
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: u64,
    /// Nine of ten are faster.
    pub p90: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

impl Latency {
    /// The percentiles of `samples`, which must not be empty.
    #[must_use]
    pub fn of(mut samples: Vec<u64>) -> Latency {
        samples.sort_unstable();
        let last = samples.len() - 1;
        let at = |share: f64| samples[(last as f64 * share).round() as usize];
        Latency { p50: at(0.50), p90: at(0.90), p99: at(0.99), max: samples[last] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_samples() {
        let Latency { p50, p90, p99, max } = Latency::of((0..=100).rev().collect());
        assert_eq!((p50, p90, p99, max), (50, 90, 99, 100));
        assert_eq!(Latency::of(vec![7]).p99, 7);
    }
}
