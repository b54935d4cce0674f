//! The limit of tcp and ipc: one socket and a length before each message.
//!
//! Round trips are one `send` and one `recv` each; a stream writes 64 KiB at a time, and large bodies with `writev` from where
//! they are.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

/// What makes this contender differ from its default.
const VARIANT: &str = "FERROZMQ_BENCH_RAW";
/// How many bytes a streaming sender gathers before it writes.
const BATCH: usize = 64 * 1024;
/// Bodies from this length on are written from where they are.
const BY_REFERENCE: usize = 16 * 1024;
/// Size of the reading buffer to begin with.
const BUFFER: usize = 256 * 1024;
/// The length before each body.
const HEADER: usize = size_of::<u32>();

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A socket that is accepted only when it is used, so that the endpoint can be announced before.
pub struct Kernel {
    listener: Option<Listener>,
    stream: Option<Stream>,
    out: Vec<u8>,
    buffer: Vec<u8>,
    /// The received bytes that nobody has seen: `buffer[begin..end]`.
    begin: usize,
    end: usize,
}

impl Kernel {
    fn new(listener: Option<Listener>, stream: Option<Stream>) -> Kernel {
        let out = Vec::with_capacity(BATCH + BY_REFERENCE + HEADER);
        Kernel { listener, stream, out, buffer: vec![0; BUFFER], begin: 0, end: 0 }
    }

    /// Listens.
    pub fn bind(endpoint: &str) -> Result<(Kernel, String), String> {
        if let Some(path) = endpoint.strip_prefix("ipc://") {
            let listener = UnixListener::bind(path).map_err(sentence)?;
            return Ok((Kernel::new(Some(Listener::Unix(listener)), None), endpoint.to_owned()));
        }
        let address = endpoint.strip_prefix("tcp://").ok_or("tcp, ipc and inproc only")?.replace('*', "0");
        let listener = TcpListener::bind(address).map_err(sentence)?;
        let place = format!("tcp://{}", listener.local_addr().map_err(sentence)?);
        Ok((Kernel::new(Some(Listener::Tcp(listener)), None), place))
    }

    /// Connects.
    pub fn connect(endpoint: &str) -> Result<Kernel, String> {
        let stream = match endpoint.strip_prefix("ipc://") {
            Some(path) => Stream::unix(UnixStream::connect(path))?,
            None => Stream::tcp(TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap_or(endpoint)))?,
        };
        Ok(Kernel::new(None, Some(stream)))
    }

    /// Appends a message to what will be written together, and writes if that is enough.
    pub fn gather(&mut self, body: &[u8]) -> Result<(), String> {
        let header = u32::try_from(body.len()).map_err(|_| "too long")?.to_le_bytes();
        if body.len() >= BY_REFERENCE {
            self.flush()?;
            return write_all(self.stream()?, &mut [IoSlice::new(&header), IoSlice::new(body)]);
        }
        self.out.extend_from_slice(&header);
        self.out.extend_from_slice(body);
        if self.out.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Writes what was gathered.
    pub fn flush(&mut self) -> Result<(), String> {
        let mut out = std::mem::take(&mut self.out);
        if !out.is_empty() {
            write_all(self.stream()?, &mut [IoSlice::new(&out)])?;
        }
        out.clear();
        self.out = out;
        Ok(())
    }

    /// Waits for one message.
    pub fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        self.fill(HEADER)?;
        let header = self.buffer[self.begin..self.begin + HEADER].try_into().expect("a slice of that length");
        let length = u32::from_le_bytes(header) as usize;
        self.fill(HEADER + length)?;
        let body = self.begin + HEADER;
        self.begin = body + length;
        Ok(look(&self.buffer[body..body + length]))
    }

    fn stream(&mut self) -> Result<&mut Stream, String> {
        if self.stream.is_none() {
            self.stream = Some(match self.listener.take().ok_or("the socket is closed")? {
                Listener::Tcp(listener) => Stream::tcp(listener.accept().map(|(stream, _)| stream))?,
                Listener::Unix(listener) => Stream::unix(listener.accept().map(|(stream, _)| stream))?,
            });
        }
        self.stream.as_mut().ok_or_else(|| "not connected".to_owned())
    }

    /// Reads until `wanted` bytes are in the buffer.
    fn fill(&mut self, wanted: usize) -> Result<(), String> {
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted.next_power_of_two() * 2, 0);
        }
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        } else if self.begin + wanted > self.buffer.len() {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        while self.end - self.begin < wanted {
            let mut buffer = std::mem::take(&mut self.buffer);
            let end = self.end;
            let result = self.stream().and_then(|stream| stream.read(&mut buffer[end..]));
            self.buffer = buffer;
            match result? {
                0 => return Err("the peer has closed".to_owned()),
                read => self.end += read,
            }
        }
        Ok(())
    }
}

impl Stream {
    fn tcp(stream: std::io::Result<TcpStream>) -> Result<Stream, String> {
        let stream = stream.map_err(sentence)?;
        stream.set_nodelay(true).map_err(sentence)?;
        match variant().as_deref() {
            Some("spin") => stream.set_nonblocking(true).map_err(sentence)?,
            Some(congestion) => {
                rustix::net::sockopt::set_tcp_congestion(stream.as_fd(), congestion)
                    .map_err(|error| format!("{congestion}: {error}"))?;
            }
            None => {}
        }
        Ok(Stream::Tcp(stream))
    }

    fn unix(stream: std::io::Result<UnixStream>) -> Result<Stream, String> {
        let stream = stream.map_err(sentence)?;
        stream.set_nonblocking(variant().as_deref() == Some("spin")).map_err(sentence)?;
        Ok(Stream::Unix(stream))
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        loop {
            let result = match self {
                Stream::Tcp(stream) => stream.read(buffer),
                Stream::Unix(stream) => stream.read(buffer),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
                result => return result.map_err(sentence),
            }
        }
    }
}

fn variant() -> Option<String> {
    std::env::var(VARIANT).ok()
}

/// Writes all of `slices` with as few calls as the kernel allows.
fn write_all(stream: &mut Stream, slices: &mut [IoSlice]) -> Result<(), String> {
    let mut rest = slices;
    while !rest.is_empty() {
        let result = match stream {
            Stream::Tcp(stream) => stream.write_vectored(rest),
            Stream::Unix(stream) => stream.write_vectored(rest),
        };
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
            result => IoSlice::advance_slices(&mut rest, result.map_err(sentence)?),
        }
    }
    Ok(())
}

fn sentence(error: std::io::Error) -> String {
    error.to_string()
}
