//! Connecting without waiting.
//!
//! [`Dial::start`], wait until the descriptor is writable, [`Dial::finish`]. A host with several addresses
//! is tried one dial at a time by the caller, in the order given by the resolver.
//!
//! By way of a proxy: dial the proxy, then [`negotiate`] until it says that the stream is the peer's.
//!
//! Not here: time-outs, reconnecting, what is said to proxies ([`super::socks5`]).

use super::address::DialAddress;
use super::options::StreamOptions;
use super::socks5::{MAX_REPLY, Socks5};
use super::stream::{Kind, Stream};
use super::{ipc, tcp};
use crate::sys::own::Own;
use rustix::io::Errno;
use rustix::net;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// A connection on its way.
#[derive(Debug)]
pub struct Dial {
    fd: Own,
    kind: Kind,
    loopback_congestion: Option<&'static str>,
}

/// How far a [`Dial`] has come.
#[derive(Debug)]
pub enum Progress {
    /// There.
    Connected(Stream),
    /// Not yet: wait on.
    Pending(Dial),
}

impl Dial {
    /// Starts connecting. Errors are this attempt's: `ECONNREFUSED`, `ENOENT`, `ENETUNREACH`, `EADDRNOTAVAIL`
    /// (ports exhausted, or a source that is not ours), `EAGAIN` (ipc: the listener's backlog is full),
    /// `EMFILE` … A later attempt may fare better.
    pub fn start(address: &DialAddress, options: &StreamOptions) -> io::Result<Self> {
        let (fd, kind) = match address {
            DialAddress::Tcp { source, peer } => (tcp::connect(*source, *peer, options)?, Kind::Tcp(*peer)),
            DialAddress::Ipc(address) => (ipc::connect(address, options)?, Kind::Ipc),
        };
        Ok(Self { fd: Own::new(fd), kind, loopback_congestion: options.loopback_congestion })
    }

    /// The outcome, once the descriptor is writable; harmless before.
    pub fn finish(self) -> io::Result<Progress> {
        if let Err(errno) = net::sockopt::socket_error(&self.fd)? {
            return Err(errno.into());
        }
        let peer = match net::getpeername(&self.fd) {
            Ok(peer) => peer,
            Err(Errno::NOTCONN) => return Ok(Progress::Pending(self)),
            Err(errno) => return Err(errno.into()),
        };
        if let (Kind::Tcp(_), Some(peer)) = (self.kind, peer.and_then(|p| SocketAddr::try_from(p).ok())) {
            self.check_peer(peer)?;
        }
        Ok(Progress::Connected(Stream::new(self.fd, self.kind)))
    }

    /// Refuses a socket that met itself: connecting to a free port of the ephemeral range on the own host
    /// may pick that very port as source, and TCP's simultaneous open then succeeds (RFC 9293, 3.5).
    fn check_peer(&self, peer: SocketAddr) -> io::Result<()> {
        let local = SocketAddr::try_from(net::getsockname(&self.fd)?)?;
        if local == peer {
            // Reset: otherwise the port waits in TIME_WAIT for the listener we were looking for.
            let _ = net::sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
            return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
        }
        if !peer.ip().to_canonical().is_loopback() && tcp::is_within_host(local, peer) {
            tcp::choose_loopback_congestion(&self.fd, self.loopback_congestion);
        }
        Ok(())
    }
}

/// Exchanges with a proxy what can be exchanged without waiting; `true` once the stream is the peer's.
/// Until then, wait until it is readable. Never reads a byte that is the peer's.
pub fn negotiate(stream: &Stream, socks: &mut Socks5) -> io::Result<bool> {
    let mut room = [0; MAX_REPLY];
    loop {
        while !socks.poll_transmit().is_empty() {
            // A few dozen bytes into an empty buffer: a stream that cannot take them (`WouldBlock`) is no good.
            let sent = stream.send(socks.poll_transmit()).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => io::ErrorKind::WriteZero.into(),
                _ => error,
            })?;
            socks.transmitted(sent);
        }
        if socks.is_done() {
            return Ok(true);
        }
        let limit = socks.wanted().min(room.len());
        let (room, _) = room.split_at_mut(limit);
        match stream.recv(room) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                socks.handle_bytes(room.get(..count).unwrap_or_default())?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

impl AsFd for Dial {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Dial {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
