//! One connection, and what can be said and heard on it.

use crate::curve::Session;
use crate::wire;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);
/// A victim that takes nothing for so long has had enough.
const STUCK: Duration = Duration::from_millis(150);
/// Frames from the victim that may come before the one that is waited for.
const FRAMES_MAX: usize = 100_000;
/// The longest frame that a victim sends.
const FRAME_MAX: u64 = 64 << 20;

/// A connection to a victim.
#[derive(Debug)]
pub struct Peer {
    stream: Stream,
    sent: u64,
    /// CURVE's keys, once there are some.
    pub(crate) session: Option<Session>,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// Hands a call to whichever stream it is.
macro_rules! either {
    ($stream:expr, $it:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($it) => $call,
            Stream::Ipc($it) => $call,
        }
    };
}

impl Peer {
    /// Connects to a tcp or ipc endpoint and says nothing.
    ///
    /// # Errors
    /// If nobody listens, or the endpoint is of another kind.
    pub fn connect(endpoint: &str) -> io::Result<Peer> {
        let stream = match endpoint.split_once("://") {
            Some(("tcp", address)) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            Some(("ipc", path)) => Stream::Ipc(UnixStream::connect(path)?),
            _ => return Err(io::Error::other("an endpoint is tcp://HOST:PORT or ipc://PATH")),
        };
        either!(&stream, it => {
            it.set_read_timeout(Some(SOON))?;
            it.set_write_timeout(Some(STUCK))?;
        });
        Ok(Peer { stream, sent: 0, session: None })
    }

    /// Bytes that the victim's side has taken.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Says these bytes, or as many of them as the victim takes.
    ///
    /// # Errors
    /// If the victim has closed, or takes nothing for a while.
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match either!(&mut self.stream, it => it.write(rest)) {
                Ok(count) => {
                    self.sent += count as u64;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says the same so many times; a victim that takes no more is left with what it has.
    pub(crate) fn flood(&mut self, bytes: &[u8], times: usize) -> io::Result<()> {
        let chunk = bytes.repeat((1 + 32 * 1024 / bytes.len().max(1)).min(times));
        let total = bytes.len() * times;
        let mut said = 0;
        while said < total {
            match self.say(&chunk[..chunk.len().min(total - said)]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            }
            said += chunk.len();
        }
        Ok(())
    }

    /// The flags and body of the next frame.
    pub(crate) fn hear(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 2];
        self.read(&mut header)?;
        let len = if header[0] & wire::LONG == 0 {
            u64::from(header[1])
        } else {
            let mut len = [0; 8];
            len[0] = header[1];
            self.read(&mut len[1..])?;
            u64::from_be_bytes(len)
        };
        if len > FRAME_MAX {
            return Err(io::Error::other("the victim misbehaves"));
        }
        let mut body = vec![0; len as usize];
        self.read(&mut body)?;
        Ok((header[0], body))
    }

    /// Reads the victim's greeting.
    pub(crate) fn hear_greeting(&mut self) -> io::Result<()> {
        self.read(&mut [0; 64])
    }

    /// Greets for NULL and shakes hands as a socket of this type.
    pub(crate) fn be_ready(&mut self, kind: &str) -> io::Result<()> {
        self.say(&[wire::greeting("NULL"), wire::ready(kind)].concat())?;
        self.hear_greeting()?;
        self.hear().map(drop)
    }

    /// Whether the victim still answers: a PING by its PONG.
    ///
    /// # Errors
    /// If it has closed, or does not.
    pub fn is_served(&mut self) -> io::Result<bool> {
        let context = b"still there?";
        let ping = match &mut self.session {
            None => wire::ping(context),
            Some(session) => session.ping(context),
        };
        self.say(&ping)?;
        for _ in 0..FRAMES_MAX {
            let (_, body) = self.hear()?;
            let plain = match &self.session {
                None => body,
                Some(session) => session.opened(&body).unwrap_or_default(),
            };
            if plain.ends_with(context) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the victim closes the connection before `deadline`; one that has come is looked at once.
    pub fn is_closed_by(&mut self, deadline: Instant) -> bool {
        let mut room = [0; 4096];
        let mut first = true;
        while std::mem::take(&mut first) || Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            if either!(&self.stream, it => it.set_read_timeout(Some(left))).is_err() {
                return true;
            }
            match either!(&mut self.stream, it => it.read(&mut room)) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Says that no more will come.
    pub(crate) fn half_close(&self) -> io::Result<()> {
        either!(&self.stream, it => it.shutdown(std::net::Shutdown::Write))
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        either!(&mut self.stream, it => it.read_exact(bytes))
    }
}
