//! Many peers in one process: the same program for every contender, so that only the server differs.
//!
//! Each peer is a blocking TCP connection that speaks ZMTP 3.0 with the NULL mechanism, just enough of it to ask and be answered as a
//! DEALER would, or to subscribe and drain as a SUB would. One thread serves them all: askers in rounds (everybody asks, then
//! everybody is answered), subscribers as `poll` tells.

use ferrozmq_bench::{Job, Line, Role, Stretch};
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

/// ZMTP 3.0, NULL, with what follows at once: READY with the one property that a peer must name.
const SIGNATURE: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
const MECHANISM: &[u8] = b"NULL";
const GREETING: usize = 64;
const READY_DEALER: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER";
/// The same for a SUB, which subscribes to everything at once.
const READY_SUB: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB\0\x01\x01";
/// Flags and length before each body.
const HEADER: usize = 2;

fn main() -> ExitCode {
    match Job::from_arguments().and_then(|jobs| jobs.iter().try_for_each(run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("crowd: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(job: &Job) -> Result<(), String> {
    let endpoint = job.connect.first().ok_or("a place to connect is missing")?;
    let address = endpoint.strip_prefix("tcp://").ok_or("tcp only")?;
    if job.role == Role::Subscribe {
        return drain(address, job);
    }
    let mut frame = vec![0, u8::try_from(job.size).map_err(|_| "at most 255 bytes")?];
    frame.resize(2 + job.size, 0x55);
    let mut peers = connect(address, job.ends, READY_DEALER)?;
    round(&mut peers, &frame)?;
    if job.ends == 1 {
        // As every echo with one peer, the other end begins to measure later.
        for _ in 1..500 {
            round(&mut peers, &frame)?;
        }
    }
    let stretch = Stretch::begin();
    for _ in 0..job.count {
        if job.role == Role::Shake {
            drop(peers);
            peers = connect(address, job.ends, READY_DEALER)?;
        }
        round(&mut peers, &frame)?;
    }
    let measured = if job.role == Role::Shake { job.count } else { job.count * job.ends as u64 };
    Line::Figures(stretch.end(measured)).print();
    // The driver closes stdin when everybody is done.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// Subscribes with every peer and reads until each has had `count` messages that are no calls (`roles/publish.rs`).
fn drain(address: &str, job: &Job) -> Result<(), String> {
    let frame = HEADER + job.size;
    let mut buffer = vec![0; frame << 14];
    let mut peers = connect(address, job.ends, READY_SUB)?;
    for peer in &mut peers {
        peer.read_exact(&mut buffer[..frame]).map_err(sentence)?;
    }
    Line::Ready.print();
    for peer in &mut peers {
        while buffer[HEADER] == 0 {
            peer.read_exact(&mut buffer[..frame]).map_err(sentence)?;
        }
        buffer[HEADER] = 0;
    }
    let stretch = Stretch::begin();
    let mut left = vec![(job.count as usize - 1) * frame; peers.len()];
    let mut places: Vec<usize> = (0..peers.len()).filter(|&place| left[place] > 0).collect();
    while !places.is_empty() {
        let mut watched: Vec<PollFd> =
            places.iter().map(|&place| PollFd::new(&peers[place], PollFlags::IN)).collect();
        poll(&mut watched, None).map_err(|error| error.to_string())?;
        let ready: Vec<bool> = watched.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (&place, _) in places.iter().zip(ready).filter(|(_, ready)| *ready) {
            match (&peers[place]).read(&mut buffer).map_err(sentence)? {
                0 => return Err("the publisher has closed".to_owned()),
                read => left[place] = left[place].saturating_sub(read),
            }
        }
        places.retain(|&place| left[place] > 0);
    }
    Line::Figures(stretch.end((job.count - 1) * job.ends as u64)).print();
    // The driver closes stdin when everybody is done.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// Connections that have shaken hands, all opened before the first one waits for its answer.
fn connect(address: &str, count: usize, ready: &[u8]) -> Result<Vec<TcpStream>, String> {
    let mut hello = SIGNATURE.to_vec();
    hello.extend_from_slice(MECHANISM);
    hello.resize(GREETING, 0);
    hello.extend_from_slice(ready);
    let open = |_| -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&hello)?;
        Ok(stream)
    };
    let mut peers = (0..count).map(open).collect::<std::io::Result<Vec<_>>>().map_err(sentence)?;
    for peer in &mut peers {
        let mut greeting = [0; GREETING];
        peer.read_exact(&mut greeting).map_err(sentence)?;
        read_frame(peer)?;
    }
    Ok(peers)
}

/// Everybody asks, then everybody is answered.
fn round(peers: &mut [TcpStream], frame: &[u8]) -> Result<(), String> {
    for peer in peers.iter_mut() {
        peer.write_all(frame).map_err(sentence)?;
    }
    let mut answer = vec![0; frame.len()];
    for peer in peers {
        peer.read_exact(&mut answer).map_err(sentence)?;
        if answer != frame {
            return Err(format!("{answer:?} came back"));
        }
    }
    Ok(())
}

/// Reads one short frame: the peer's READY.
fn read_frame(peer: &mut TcpStream) -> Result<(), String> {
    let mut head = [0; 2];
    peer.read_exact(&mut head).map_err(sentence)?;
    let mut body = vec![0; usize::from(head[1])];
    peer.read_exact(&mut body).map_err(sentence)
}

fn sentence(error: std::io::Error) -> String {
    error.to_string()
}
