//! Many peers in one process: the same program for every contender, so that only the server differs.
//!
//! Each peer is a blocking TCP connection that speaks ZMTP 3.0 with the NULL mechanism as a DEALER would, just enough of it to ask and be
//! answered. One thread serves them all in rounds: everybody asks, then everybody is answered.

use ferrozmq_bench::{Job, Line, Role, Stretch};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

/// ZMTP 3.0, NULL, with what follows at once: READY with the one property that a peer must name.
const SIGNATURE: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
const MECHANISM: &[u8] = b"NULL";
const GREETING: usize = 64;
const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER";

fn main() -> ExitCode {
    match Job::from_arguments().and_then(|job| run(&job)) {
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
    let mut frame = vec![0, u8::try_from(job.size).map_err(|_| "at most 255 bytes")?];
    frame.resize(2 + job.size, 0x55);
    let mut peers = connect(address, job.ends)?;
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
            peers = connect(address, job.ends)?;
        }
        round(&mut peers, &frame)?;
    }
    let measured = if job.role == Role::Shake { job.count } else { job.count * job.ends as u64 };
    Line::Figures(stretch.end(measured)).print();
    // The driver closes stdin when everybody is done.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// Connections that have shaken hands, all opened before the first one waits for its answer.
fn connect(address: &str, count: usize) -> Result<Vec<TcpStream>, String> {
    let mut hello = SIGNATURE.to_vec();
    hello.extend_from_slice(MECHANISM);
    hello.resize(GREETING, 0);
    hello.extend_from_slice(READY);
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
