//! Streams: one end sends as fast as it can, the other counts.

use crate::{Figures, Job, Socket, Stretch};

/// The clock starts when the first message is here: what came before it was connecting.
pub fn pull<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let mut bytes = socket.recv(<[u8]>::len)?;
    let stretch = Stretch::begin();
    socket.recv_run(job.count - 1, |body| bytes += body.len())?;
    let figures = stretch.end(job.count - 1);
    let expected = job.size * job.count as usize;
    if bytes == expected { Ok(figures) } else { Err(format!("{bytes} bytes arrived instead of {expected}")) }
}

/// The sender's CPU time lasts until the receiver has everything: what is left behind after the last call counts too.
pub fn push<S: Socket>(sockets: &mut [S], job: &Job) -> Result<Figures, String> {
    let body = vec![0x55; job.size];
    let stretch = Stretch::begin();
    match sockets {
        [socket] if job.parts == 1 => socket.send_run(&body, job.count)?,
        [socket] => {
            for _ in 0..job.count {
                socket.send_parts(&body, job.parts)?;
            }
        }
        _ => {
            for number in 0..job.count {
                sockets[number as usize % job.ends].send(&body)?;
            }
        }
    }
    sockets.iter_mut().try_for_each(Socket::flush)?;
    super::wait_for_end();
    Ok(stretch.end(job.count))
}
