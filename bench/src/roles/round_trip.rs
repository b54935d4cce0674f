//! Round trips: one end gives back what the other sent, with one message in flight or more.

use crate::{Figures, Job, Latency, Socket, Stretch, now_ns, resident_kib};
use std::collections::VecDeque;

/// Round trips before anything is measured.
pub const WARM_UP: u64 = 500;

/// Gives back what comes: from one asker, or from a crowd. When a crowd has been answered for the last time, it is idle, and what this
/// process has grown since nobody was there is what its peers cost.
pub fn echo<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let crowd = job.ends > 1;
    let (before, _) = resident_kib();
    socket.echo_run(if crowd { job.ends as u64 } else { WARM_UP })?;
    let stretch = Stretch::begin();
    socket.echo_run(job.count)?;
    let mut figures = stretch.end(job.count);
    super::wait_for_end();
    let (with_peers, _) = resident_kib();
    let grown = with_peers.saturating_sub(before) as f64 * 1024.0;
    figures.bytes_per_peer = crowd.then_some(grown / job.ends as f64);
    Ok(figures)
}

/// Measures each round trip, from the call that sent to the call that received.
pub fn ask<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let body = vec![0x55; job.size];
    let window = job.window.max(1);
    let mut samples = Vec::with_capacity((WARM_UP + job.count) as usize);
    let mut stretch = Stretch::begin();
    let mut wrong = None;
    let mut sent: VecDeque<u64> = (0..window).map(|_| now_ns()).collect();
    socket.ask_run(&body, window, WARM_UP + job.count, |length| {
        let now = now_ns();
        samples.push(now - sent.pop_front().unwrap_or(now));
        sent.push_back(now); // the next one leaves as soon as this returns
        if samples.len() as u64 == WARM_UP {
            stretch = Stretch::begin();
        }
        wrong = wrong.or((length != body.len()).then_some(length));
    })?;
    let mut figures = stretch.end(job.count);
    if let Some(length) = wrong {
        return Err(format!("{length} bytes came back instead of {}", body.len()));
    }
    figures.latency = Latency::of(samples.split_off(WARM_UP as usize));
    Ok(figures)
}
