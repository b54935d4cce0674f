//! Handshakes: a new socket connects, asks once, and closes.

use crate::{Figures, Job, Library, Socket, Stretch};

/// Handshakes before anything is measured.
const WARM_UP: u64 = super::round_trip::WARM_UP;

/// Does `count` of them, one after the other.
pub fn run<L: Library>(library: &L, job: &Job) -> Result<Figures, String> {
    let body = vec![0x55; job.size];
    let shake = || -> Result<(), String> {
        let mut socket = super::open(library, job)?;
        socket.send(&body)?;
        socket.recv(|_| ())?;
        socket.close()
    };
    (0..WARM_UP).try_for_each(|_| shake())?;
    let stretch = Stretch::begin();
    (0..job.count).try_for_each(|_| shake())?;
    Ok(stretch.end(job.count))
}
