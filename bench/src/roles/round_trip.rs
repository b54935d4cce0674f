//! Round trips: one end gives back what the other sent, with one message in flight or more.

use crate::{Figures, Job, Kind, Latency, Library, Line, Setup, Socket, Stretch, now_ns, resident_kib};
use std::collections::VecDeque;

/// Round trips before anything is measured.
pub const WARM_UP: u64 = 500;

/// Gives back what comes: from one asker, or from a crowd, whose first round shows what each peer costs while it is idle.
pub fn echo<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let crowd = job.ends > 1;
    let (before, _) = resident_kib();
    socket.echo_run(if crowd { job.ends as u64 } else { WARM_UP })?;
    let (with_peers, _) = resident_kib();
    let stretch = Stretch::begin();
    socket.echo_run(job.count)?;
    let mut figures = stretch.end(job.count);
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

/// Both ends in this process: the echo in a thread of its own.
pub fn both<L: Library>(library: &L, job: &Job) -> Result<(), String> {
    let endpoint = job.bind.first().ok_or("a place to bind is missing")?;
    let mut echoing = library.socket(Kind::Rep, &Setup::default())?;
    let endpoint = echoing.bind(endpoint)?;
    let mut asking = library.socket(Kind::Req, &Setup::default())?;
    asking.connect(&endpoint)?;
    let figures = std::thread::scope(|scope| {
        let echo = scope.spawn(move || {
            let done = echo(&mut echoing, job).map(|_| ());
            done.and_then(|()| echoing.close())
        });
        let figures = ask(&mut asking, job)?;
        echo.join().map_err(|_| "the echo's thread has panicked")??;
        Ok::<Figures, String>(figures)
    })?;
    asking.close()?;
    Line::Figures(figures).print();
    super::wait_for_end();
    Ok(())
}
