//! A peer that does on the wire what a test wants it to: bytes, and a few words of ZMTP 3.1.

use ferrozmq::{EventKind, Monitor, MonitorEvent};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Longer than anything takes that works.
pub const SOON: Duration = Duration::from_secs(30);

/// The `host:port` of a tcp endpoint.
pub fn address(endpoint: &str) -> &str {
    endpoint.strip_prefix("tcp://").expect("a tcp endpoint")
}

/// A raw connection.
pub struct RawPeer {
    pub stream: TcpStream,
}

impl RawPeer {
    /// Connects and says nothing.
    pub fn connect(endpoint: &str) -> RawPeer {
        let stream = TcpStream::connect(address(endpoint)).expect("somebody listens");
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_nodelay(true).unwrap();
        RawPeer { stream }
    }

    /// Connects and shakes hands as a socket of type `kind`.
    pub fn ready(endpoint: &str, kind: &str) -> RawPeer {
        let mut peer = RawPeer::connect(endpoint);
        peer.write(&handshake(kind));
        peer.read_command(b"READY");
        peer
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the other side reads");
    }

    /// Writes until the other side has closed; how many bytes it took.
    pub fn write_until_closed(&mut self, chunk: &[u8], most: usize) -> usize {
        let mut total = 0;
        while total < most {
            match self.stream.write(chunk) {
                Ok(count) => total += count,
                Err(_) => break,
            }
        }
        total
    }

    /// Writes until the other side has taken nothing for `patience`; how many bytes it took.
    pub fn write_until_stuck(&mut self, chunk: &[u8], patience: Duration, most: usize) -> usize {
        self.stream.set_write_timeout(Some(patience)).unwrap();
        let mut total = 0;
        while total < most {
            match self.stream.write(chunk) {
                Ok(count) => total += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        total
    }

    /// Reads up to and including a command of this name.
    pub fn read_command(&mut self, name: &[u8]) {
        let mut seen = Vec::new();
        let mut byte = [0; 1];
        while !seen.ends_with(name) {
            self.stream.read_exact(&mut byte).expect("the command comes");
            seen.push(byte[0]);
        }
    }

    /// Waits until the other side has closed.
    pub fn wait_closed(&mut self) {
        let mut room = [0; 4096];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("the connection is still open: {error}"),
            }
        }
    }

    /// Says that no more will come.
    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes with a reset instead of an end.
    pub fn reset(self) {
        let socket = socket2::Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// A greeting of ZMTP 3.1 under NULL.
pub fn greeting() -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL".to_vec();
    greeting.resize(64, 0);
    greeting
}

/// A command's frame.
pub fn command(name: &str, body: &[u8]) -> Vec<u8> {
    frame(4, &[&[name.len() as u8], name.as_bytes(), body].concat())
}

/// A frame: flags 0 ends a message, 1 does not, 4 is a command.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = match u8::try_from(body.len()) {
        Ok(short) => vec![flags, short],
        Err(_) => [&[flags | 2], &(body.len() as u64).to_be_bytes()[..]].concat(),
    };
    frame.extend_from_slice(body);
    frame
}

/// The READY of a socket of type `kind`.
pub fn ready(kind: &str) -> Vec<u8> {
    let value = [&(kind.len() as u32).to_be_bytes()[..], kind.as_bytes()].concat();
    command("READY", &[b"\x0bSocket-Type", &value[..]].concat())
}

/// All a peer says until it is ready.
pub fn handshake(kind: &str) -> Vec<u8> {
    [greeting(), ready(kind)].concat()
}

/// The next event of this kind; others before it are skipped.
pub fn next_event(monitor: &Monitor, kind: EventKind) -> MonitorEvent {
    loop {
        match monitor.recv_timeout(SOON) {
            Some(event) if event.kind == kind => return event,
            Some(_) => {}
            None => panic!("no {} came", kind.name()),
        }
    }
}

/// An endpoint where nobody listens, as long as the socket lives.
pub fn nobody() -> (socket2::Socket, String) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, format!("tcp://{address}"))
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
