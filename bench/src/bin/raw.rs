//! The contender that is no library: a blocking socket and a length before each message.
//!
//! It is the price of the kernel alone. Round trips are one `send` and one `recv` each; streaming writes 64 KiB at a time, and large
//! bodies with `writev`. It knows no peers, patterns, queues or reconnects.

use ferrozmq_bench::{Contender, Job, Mode};
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

/// How many bytes a streaming sender gathers before it writes.
const BATCH: usize = 64 * 1024;
/// Bodies from this length on are written from where they are.
const BY_REFERENCE: usize = 16 * 1024;
/// Size of the reading buffer.
const BUFFER: usize = 256 * 1024;
/// The length before each body.
const HEADER: usize = size_of::<u32>();

fn main() -> ExitCode {
    ferrozmq_bench::run::<Raw>()
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A socket that is accepted only when it is used, so that the endpoint can be announced before.
struct Raw {
    listener: Option<Listener>,
    stream: Option<Box<dyn Stream>>,
    /// Whether sends gather: only a throughput run wants that.
    streaming: bool,
    out: Vec<u8>,
    buffer: Vec<u8>,
    /// The received bytes that nobody has seen: `buffer[begin..end]`.
    begin: usize,
    end: usize,
}

impl Contender for Raw {
    fn open(job: &Job) -> Result<(Raw, String), String> {
        let mut raw = Raw {
            listener: None,
            stream: None,
            streaming: job.mode == Mode::ThrPush,
            out: Vec::with_capacity(BATCH + BY_REFERENCE + HEADER),
            buffer: vec![0; BUFFER.max(job.size + HEADER)],
            begin: 0,
            end: 0,
        };
        let mut endpoint = job.endpoint.clone();
        if let Some(path) = job.endpoint.strip_prefix("ipc://") {
            if job.mode.binds() {
                raw.listener = Some(Listener::Unix(UnixListener::bind(path).map_err(sentence)?));
            } else {
                raw.stream = Some(Box::new(UnixStream::connect(path).map_err(sentence)?));
            }
        } else {
            let address = job.endpoint.strip_prefix("tcp://").ok_or("tcp and ipc only")?.replace('*', "0");
            if job.mode.binds() {
                let listener = TcpListener::bind(address).map_err(sentence)?;
                endpoint = format!("tcp://{}", listener.local_addr().map_err(sentence)?);
                raw.listener = Some(Listener::Tcp(listener));
            } else {
                raw.stream = Some(Box::new(without_delay(TcpStream::connect(address))?));
            }
        }
        Ok((raw, endpoint))
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        let header = u32::try_from(body.len()).map_err(|_| "too long")?.to_le_bytes();
        if body.len() >= BY_REFERENCE {
            self.flush()?;
            return write_both(self.stream()?, &header, body);
        }
        self.out.extend_from_slice(&header);
        self.out.extend_from_slice(body);
        if self.streaming && self.out.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        self.fill(HEADER)?;
        let header = self.buffer[self.begin..self.begin + HEADER].try_into().expect("a slice of that length");
        let length = u32::from_le_bytes(header) as usize;
        self.fill(HEADER + length)?;
        let body = self.begin + HEADER;
        self.begin = body + length;
        Ok(look(&self.buffer[body..body + length]))
    }

    fn flush(&mut self) -> Result<(), String> {
        let mut out = std::mem::take(&mut self.out);
        if !out.is_empty() {
            self.stream()?.write_all(&out).map_err(sentence)?;
        }
        out.clear();
        self.out = out;
        Ok(())
    }

    fn finish(self) -> Result<(), String> {
        Ok(())
    }
}

impl Raw {
    fn stream(&mut self) -> Result<&mut dyn Stream, String> {
        if self.stream.is_none() {
            self.stream = Some(match self.listener.take().ok_or("the socket is closed")? {
                Listener::Tcp(listener) => {
                    Box::new(without_delay(listener.accept().map(|(stream, _)| stream))?)
                }
                Listener::Unix(listener) => Box::new(listener.accept().map_err(sentence)?.0),
            });
        }
        self.stream.as_deref_mut().map(|stream| stream as _).ok_or_else(|| "not connected".to_owned())
    }

    /// Reads until `wanted` bytes are in the buffer.
    fn fill(&mut self, wanted: usize) -> Result<(), String> {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        } else if self.begin + wanted > self.buffer.len() {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        while self.end - self.begin < wanted {
            let mut buffer = std::mem::take(&mut self.buffer);
            let end = self.end;
            let result = self.stream().and_then(|stream| stream.read(&mut buffer[end..]).map_err(sentence));
            self.buffer = buffer;
            match result? {
                0 => return Err("the peer has closed".to_owned()),
                read => self.end += read,
            }
        }
        Ok(())
    }
}

fn without_delay(stream: std::io::Result<TcpStream>) -> Result<TcpStream, String> {
    let stream = stream.map_err(sentence)?;
    stream.set_nodelay(true).map_err(sentence)?;
    Ok(stream)
}

/// Writes `header` and `body` with as few calls as the kernel allows.
fn write_both(stream: &mut dyn Stream, header: &[u8], body: &[u8]) -> Result<(), String> {
    let mut slices = [IoSlice::new(header), IoSlice::new(body)];
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        let written = stream.write_vectored(rest).map_err(sentence)?;
        IoSlice::advance_slices(&mut rest, written);
    }
    Ok(())
}

fn sentence(error: std::io::Error) -> String {
    error.to_string()
}
