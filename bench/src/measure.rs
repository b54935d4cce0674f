//! The loops: the same for every contender.
//!
//! No end closes before the driver closes its stdin. libzmq drops what it has not read when an `ipc` peer leaves while it is at its
//! high-water mark, and then a receiver would wait for ever for messages that were sent.

use crate::{Figures, Job, Latency, Line, Mode, Usage, now_ns};
use std::hint::black_box;
use std::io::Read;
use std::process::ExitCode;

/// Round trips, or stamped messages, before anything is measured.
const WARM_UP: u64 = 500;
/// Messages of one burst.
const BURST: u64 = 32;
/// How long a sender computes after it has sent.
const AWAY_NS: u64 = 4_000_000;
/// A stamp is the send time in the first bytes of a message.
const STAMP: usize = size_of::<u64>();

/// A library under measurement: one socket, the calls that a program would make.
pub trait Contender: Sized {
    /// Opens the socket for `job`, bound or connected, and answers it with the endpoint where it can be reached.
    ///
    /// # Errors
    /// A sentence.
    fn open(job: &Job) -> Result<(Self, String), String>;

    /// Sends one message, waiting if it must.
    ///
    /// # Errors
    /// A sentence.
    fn send(&mut self, body: &[u8]) -> Result<(), String>;

    /// Waits for one message and shows its body to `look`.
    ///
    /// # Errors
    /// A sentence.
    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String>;

    /// Puts into the kernel what the last sends left behind, if the contender has nobody who does it unasked.
    ///
    /// # Errors
    /// A sentence.
    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Closes the socket.
    ///
    /// # Errors
    /// A sentence.
    fn finish(self) -> Result<(), String>;
}

/// The `main` of a contender.
#[must_use]
pub fn run<C: Contender>() -> ExitCode {
    match Job::from_arguments().and_then(|job| whole_run::<C>(&job)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn whole_run<C: Contender>(job: &Job) -> Result<(), String> {
    let (mut contender, endpoint) = C::open(job)?;
    if job.mode.binds() {
        Line::Listening(endpoint).print();
    }
    let figures = measure(&mut contender, job)?;
    Line::Figures(figures).print();
    wait_for_end();
    contender.finish()
}

/// Returns when the driver has closed our stdin.
fn wait_for_end() {
    // Whatever ends the reading, an error too, it is the end.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn measure<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    match job.mode {
        Mode::LatRep => lat_rep(contender, job),
        Mode::LatReq => lat_req(contender, job),
        Mode::ThrPull => thr_pull(contender, job),
        Mode::ThrPush => thr_push(contender, job),
        Mode::AwayPull => away_pull(contender, job),
        Mode::AwayPush => away_push(contender, job, 1),
        Mode::BurstPush => away_push(contender, job, BURST),
    }
}

fn lat_rep<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    let mut body = vec![0; job.size];
    let mut echo = |times: u64| -> Result<(), String> {
        for _ in 0..times {
            contender.recv(|received| copy(received, &mut body))?;
            contender.send(&body)?;
        }
        Ok(())
    };
    echo(WARM_UP)?;
    let (began, before) = (now_ns(), Usage::so_far());
    echo(job.count)?;
    Ok(Figures::new(job.count, now_ns() - began, Usage::so_far() - before))
}

fn lat_req<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    let body = vec![0x55; job.size];
    let mut trip = || -> Result<u64, String> {
        let sent = now_ns();
        contender.send(&body)?;
        let length = contender.recv(<[u8]>::len)?;
        let took = now_ns() - sent;
        if length == body.len() { Ok(took) } else { Err(format!("{length} bytes came back")) }
    };
    for _ in 0..WARM_UP {
        trip()?;
    }
    let mut samples = Vec::with_capacity(job.count as usize);
    let (began, before) = (now_ns(), Usage::so_far());
    for _ in 0..job.count {
        samples.push(trip()?);
    }
    let mut figures = Figures::new(job.count, now_ns() - began, Usage::so_far() - before);
    figures.latency = Some(Latency::of(samples));
    Ok(figures)
}

/// The clock starts when the first message is here: what came before it was connecting.
fn thr_pull<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    let mut bytes = contender.recv(<[u8]>::len)?;
    let (began, before) = (now_ns(), Usage::so_far());
    for _ in 0..job.count {
        bytes += contender.recv(|body| black_box(body).len())?;
    }
    let figures = Figures::new(job.count, now_ns() - began, Usage::so_far() - before);
    let expected = job.size * (job.count as usize + 1);
    if bytes != expected {
        return Err(format!("{bytes} bytes arrived instead of {expected}"));
    }
    Ok(figures)
}

/// The sender's CPU time lasts until the receiver has everything: what is left behind after the last call counts too.
fn thr_push<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    let body = vec![0x55; job.size];
    let (began, before) = (now_ns(), Usage::so_far());
    for _ in 0..=job.count {
        contender.send(black_box(&body))?;
    }
    contender.flush()?;
    wait_for_end();
    Ok(Figures::new(job.count, now_ns() - began, Usage::so_far() - before))
}

fn away_pull<C: Contender>(contender: &mut C, job: &Job) -> Result<Figures, String> {
    let mut samples = Vec::with_capacity(job.count as usize);
    let (began, before) = (now_ns(), Usage::so_far());
    for _ in 0..job.count {
        let sent =
            contender.recv(|body| body.first_chunk::<STAMP>().map(|stamp| u64::from_le_bytes(*stamp)))?;
        let sent = sent.ok_or("a message is too short for its stamp")?;
        samples.push(now_ns().saturating_sub(sent));
    }
    let mut figures = Figures::new(job.count, now_ns() - began, Usage::so_far() - before);
    figures.latency = Some(Latency::of(samples));
    Ok(figures)
}

/// Computes between its calls: nothing but the library's own threads can move what it left behind.
fn away_push<C: Contender>(contender: &mut C, job: &Job, burst: u64) -> Result<Figures, String> {
    let mut body = vec![0x55; job.size.max(STAMP)];
    let (began, before) = (now_ns(), Usage::so_far());
    for number in 0..job.count {
        let sent = now_ns();
        body[..STAMP].copy_from_slice(&sent.to_le_bytes());
        contender.send(&body)?;
        if number % burst == burst - 1 {
            while now_ns() - sent < AWAY_NS {
                std::hint::spin_loop();
            }
        }
    }
    wait_for_end();
    Ok(Figures::new(job.count, now_ns() - began, Usage::so_far() - before))
}

/// Copies what was received to be sent back; a body of another length becomes what was asked for.
fn copy(received: &[u8], body: &mut [u8]) {
    let length = received.len().min(body.len());
    body[..length].copy_from_slice(&received[..length]);
}
