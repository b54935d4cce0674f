//! One-way latency at a rate.
//!
//! Every message is due at a moment that was fixed before the run, and carries that moment: a sender that was held up does not hide
//! from the figures what those waited who came after (coordinated omission). Between its calls the sender computes, as a program
//! with something to do would: nothing but the library's own threads can move what it left behind.

use crate::{Figures, Job, Latency, Socket, Stretch, now_ns};

/// Messages that bring the connection up, a millisecond apart.
const WARM_UP: u64 = 100;
const WARM_UP_RATE: f64 = 1e3;
/// A stamp is the due time in the first bytes of a message.
const STAMP: usize = size_of::<u64>();

/// Measures how late each message is.
pub fn pull<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    socket.recv_run(WARM_UP, |_| {})?;
    let mut samples = Vec::with_capacity(job.count as usize);
    let stretch = Stretch::begin();
    let mut short = false;
    socket.recv_run(job.count, |body| match body.first_chunk::<STAMP>() {
        Some(stamp) => samples.push(now_ns().saturating_sub(u64::from_le_bytes(*stamp))),
        None => short = true,
    })?;
    let mut figures = stretch.end(job.count);
    if short {
        return Err("a message is too short for its stamp".to_owned());
    }
    figures.latency = Latency::of(samples);
    Ok(figures)
}

/// Sends each message when it is due, or as soon as it can after that.
pub fn push<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let mut body = vec![0x55; job.size.max(STAMP)];
    send_at(socket, &mut body, WARM_UP, WARM_UP_RATE, 1)?;
    let stretch = Stretch::begin();
    send_at(socket, &mut body, job.count, job.rate, job.burst)?;
    super::wait_for_end();
    Ok(stretch.end(job.count))
}

fn send_at<S: Socket>(
    socket: &mut S,
    body: &mut [u8],
    count: u64,
    rate: f64,
    burst: u64,
) -> Result<(), String> {
    let began = now_ns();
    let interval = burst as f64 * 1e9 / rate;
    for number in 0..count {
        let due = began + ((number / burst) as f64 * interval) as u64;
        while now_ns() < due {
            std::hint::spin_loop();
        }
        body[..STAMP].copy_from_slice(&due.to_le_bytes());
        socket.send(body)?;
    }
    // The last message is followed by computing, too.
    let due = began + (count.div_ceil(burst) as f64 * interval) as u64;
    while now_ns() < due {
        std::hint::spin_loop();
    }
    Ok(())
}
