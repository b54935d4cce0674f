//! `zmq bench lat`: how long a request and its reply take.
//!
//! A REQ sends, waits, and sends again; a REP gives everything back. The first round trip connects and is
//! not counted, unless it is the only one. Times are of whole round trips, not halves.

use std::time::Instant;

use ferrozmq::{Message, Socket, SocketType};
use hdrhistogram::Histogram;
use serde_json::{Map, Value};

use super::pairing::{Limit, MEETING_MAX, Measurement, Report};
use super::progress::Progress;
use crate::failure::Failure;
use crate::units::si;

/// The longest round trip that is told from longer ones, in nanoseconds.
const LONGEST_NS: u64 = 60_000_000_000;

/// The measurement.
pub struct Latency;

impl Measurement for Latency {
    fn name(&self) -> &'static str {
        "lat"
    }

    fn sockets(&self) -> (SocketType, SocketType) {
        (SocketType::Rep, SocketType::Req)
    }

    fn bound_end_measures(&self) -> bool {
        false
    }

    fn measure(&self, socket: &Socket, size: usize, limit: Limit) -> Result<Report, Failure> {
        let mut times = histogram();
        let mut message = Message::from(vec![0; size]);
        let mut progress = Progress::new();
        let mut start = Instant::now();
        let mut done = 0;
        loop {
            let before = Instant::now();
            socket.send_timeout(message, MEETING_MAX)?;
            message = socket.recv_timeout(MEETING_MAX)?;
            let now = Instant::now();
            done += 1;
            if done == 1 && limit.count != Some(1) {
                start = now;
                continue;
            }
            let time = now.duration_since(before).as_nanos();
            times.saturating_record(u64::try_from(time).unwrap_or(u64::MAX));
            progress.show(now, || format!("{done} round trips, {}", percentiles(&times)));
            if limit.is_reached(start, now, done) {
                break;
            }
        }
        progress.clear();
        Ok(report(&times, times.len() as f64 / start.elapsed().as_secs_f64()))
    }

    fn serve(&self, socket: &Socket, _size: usize, limit: Limit) -> Result<(), Failure> {
        let mut left = limit.count;
        while left != Some(0) {
            let message = match socket.recv() {
                Err(error) if error.is_terminated() => return Ok(()),
                message => message?,
            };
            match socket.send(message).map_err(ferrozmq::Error::from) {
                Err(error) if error.is_terminated() => return Ok(()),
                sent => sent?,
            }
            left = left.map(|left| left - 1);
        }
        Ok(())
    }
}

/// Times from a nanosecond to the longest, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order")
}

/// What is told of a distribution.
pub const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

fn percentiles(times: &Histogram<u64>) -> String {
    let mut text = String::new();
    for (name, quantile) in PERCENTILES {
        text.push_str(&format!("{name} {}  ", micros(times.value_at_quantile(quantile))));
    }
    text + &format!("max {}", micros(times.max()))
}

fn report(times: &Histogram<u64>, rate: f64) -> Report {
    let mut fields = Map::new();
    for (name, quantile) in PERCENTILES {
        let key = format!("{}_ns", name.replace('.', "_"));
        fields.insert(key, times.value_at_quantile(quantile).into());
    }
    fields.insert("max_ns".into(), times.max().into());
    fields.insert("mean_ns".into(), Value::from(times.mean()));
    fields.insert("round_trips".into(), times.len().into());
    fields.insert("round_trips_per_second".into(), Value::from(rate));
    Report { text: format!("{}  {} round trips/s", percentiles(times), si(rate)), fields }
}

fn micros(nanoseconds: u64) -> String {
    format!("{:.1} µs", nanoseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_every_percentile() {
        let mut times = histogram();
        (1..=1000).for_each(|n| times.saturating_record(n * 1000));
        let report = report(&times, 5000.0);
        assert!(report.text.starts_with("p50 500."), "{}", report.text);
        assert!(report.text.ends_with("5.00 k round trips/s"), "{}", report.text);
        assert_eq!(report.fields["round_trips"], 1000);
        assert!(report.fields.contains_key("p99_9_ns"));
    }
}
