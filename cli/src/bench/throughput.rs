//! `zmq bench thr`: how many messages a second pass from a PUSH to a PULL.
//!
//! The receiver measures, from the first message on; the first one is not counted. The sender sends as fast as the
//! socket takes messages.

use std::time::{Duration, Instant};

use ferrozmq::{Message, Socket, SocketType};
use serde_json::{Map, Value};

use super::pairing::{Limit, MEETING_MAX, Measurement, Report};
use super::progress::Progress;
use crate::failure::Failure;
use crate::units::si;

/// Messages between two looks at the clock.
const LOOK_EVERY: u64 = 256;

/// How long a receiver that has nothing waits before it looks at the clock.
const IDLE: Duration = Duration::from_millis(50);

/// The measurement.
pub struct Throughput;

impl Measurement for Throughput {
    fn name(&self) -> &'static str {
        "thr"
    }

    fn sockets(&self) -> (SocketType, SocketType) {
        (SocketType::Pull, SocketType::Push)
    }

    fn bound_end_measures(&self) -> bool {
        true
    }

    fn measure(&self, socket: &Socket, size: usize, limit: Limit) -> Result<Report, Failure> {
        let mut progress = Progress::new();
        let first = socket.recv_timeout(MEETING_MAX)?;
        if first.size() != size {
            return Err(Failure::Error(format!(
                "the sender's messages have {} bytes, not {size}",
                first.size()
            )));
        }
        let start = Instant::now();
        let (mut done, mut now) = (0, start);
        // As in libzmq's local_thr, the count includes the first message.
        let limit = Limit { count: limit.count.map(|count| count.saturating_sub(1)), ..limit };
        while !limit.is_reached(start, now, done) {
            let idle = receive_burst(socket, &mut done, limit.count)?;
            now = Instant::now();
            progress.show(now, || figures(done, size, now.duration_since(start)));
            if idle && limit.count.is_some() && now.duration_since(start) > MEETING_MAX && done == 0 {
                return Err(Failure::TimedOut("no second message came".into()));
            }
        }
        progress.clear();
        Ok(report(done, size, now.duration_since(start)))
    }

    fn serve(&self, socket: &Socket, size: usize, limit: Limit) -> Result<(), Failure> {
        let message = Message::from(vec![0; size]);
        let start = Instant::now();
        let mut done = 0;
        loop {
            let clock = if done % LOOK_EVERY == 0 { Instant::now() } else { start };
            if limit.is_reached(start, clock, done) {
                return Ok(());
            }
            match socket.send(message.clone()).map_err(ferrozmq::Error::from) {
                Err(error) if error.is_terminated() => return Ok(()),
                sent => sent?,
            }
            done += 1;
        }
    }
}

/// Receives for a short while and counts; whether nothing came.
fn receive_burst(socket: &Socket, done: &mut u64, count: Option<u64>) -> Result<bool, Failure> {
    for turn in 0..LOOK_EVERY {
        if count.is_some_and(|count| *done >= count) {
            return Ok(false);
        }
        match socket.try_recv() {
            Ok(_) => *done += 1,
            Err(error) if error.is_would_block() && turn > 0 => return Ok(false),
            Err(error) if error.is_would_block() => match socket.recv_timeout(IDLE) {
                Ok(_) => *done += 1,
                Err(error) if error.is_timeout() => return Ok(true),
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

fn report(done: u64, size: usize, time: Duration) -> Report {
    let rate = done as f64 / time.as_secs_f64();
    let mut fields = Map::new();
    fields.insert("messages".into(), done.into());
    fields.insert("seconds".into(), Value::from(time.as_secs_f64()));
    fields.insert("messages_per_second".into(), Value::from(rate));
    fields.insert("bytes_per_second".into(), Value::from(rate * size as f64));
    Report { text: figures(done, size, time), fields }
}

fn figures(done: u64, size: usize, time: Duration) -> String {
    let rate = done as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE);
    format!(
        "{}msg/s  {}B/s  ({done} messages in {:.2} s)",
        si(rate),
        si(rate * size as f64),
        time.as_secs_f64()
    )
}
