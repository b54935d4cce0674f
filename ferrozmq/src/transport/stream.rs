//! A connected byte stream, tcp or ipc.
//!
//! Invariant: closed on exec, no `SIGPIPE`, and no call blocks but [`Stream::doze_into`]. Dropping it closes the descriptor at once and
//! loses what the kernel has not sent only if unread input is waiting. Whoever registered the descriptor
//! with an epoll set deletes it there first.

use super::address;
use super::filter::Credentials;
use super::{ipc, tcp};
use crate::sys::io as socket_io;
use crate::sys::own::Own;
use bytes::BytesMut;
use rustix::net;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Once;
use std::time::Duration;

/// A connection's descriptor and what kind it is.
#[derive(Debug)]
pub struct Stream {
    fd: Own,
    kind: Kind,
    /// Set when the descriptor was told how long a doze may last, before the first one.
    dozes: Once,
}

/// How long a doze lasts at most; the kernel rounds it up to its ticks, of one to ten milliseconds.
const DOZE: Duration = Duration::from_millis(1);

/// Which transport a stream or listener belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// Over IP.
    Tcp,
    /// Between processes of one machine.
    Ipc,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// With the peer's address, which the kernel forgets when a connection dies.
    Tcp(SocketAddr),
    Ipc,
}

impl Stream {
    pub(super) fn new(fd: Own, kind: Kind) -> Self {
        Self { fd, kind, dozes: Once::new() }
    }

    /// One end of a socket pair, which must not block.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn of_pair(fd: std::os::fd::OwnedFd) -> Self {
        Self::new(Own::new(fd), Kind::Ipc)
    }

    #[cfg(test)]
    /// Its transport.
    pub fn kind(&self) -> StreamKind {
        match self.kind {
            Kind::Tcp(_) => StreamKind::Tcp,
            Kind::Ipc => StreamKind::Ipc,
        }
    }

    /// Sends some of `bytes`; returns how many. `WouldBlock` if the kernel's buffer is full.
    #[inline]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        socket_io::send(&self.fd, bytes)
    }

    /// Sends some of `slices`, in order; returns how many bytes.
    #[inline]
    pub fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        socket_io::sendmsg(&self.fd, slices)
    }

    /// Receives into `room`; 0 is the end of input (or no room).
    #[inline]
    pub fn recv(&self, room: &mut [u8]) -> io::Result<usize> {
        socket_io::recv_slice(&self.fd, room)
    }

    /// Receives at most `most` bytes into the spare capacity of `buffer` (see [`socket_io::recv_into`]); 0 is the end of
    /// input.
    #[inline]
    pub fn recv_into(&self, buffer: &mut BytesMut, most: usize) -> io::Result<usize> {
        socket_io::recv_into(&self.fd, buffer, most)
    }

    /// Bytes of input that are there to be received; 0 if the kernel does not say.
    #[inline]
    pub fn unread(&self) -> u64 {
        socket_io::unread(&self.fd).unwrap_or(0)
    }

    /// The same, and waits for input, though not for long: a few milliseconds, after which it is `WouldBlock`.
    /// `Interrupted` if a signal handler runs meanwhile.
    #[inline]
    pub fn doze_into(&self, buffer: &mut BytesMut, most: usize) -> io::Result<usize> {
        // Where the system refuses, a doze is an ordinary look.
        self.dozes.call_once(|| drop(socket_io::allow_dozing(&self.fd, DOZE)));
        socket_io::doze_into(&self.fd, buffer, most)
    }

    /// Ends both directions for every holder of the descriptor: whoever waits on it wakes up. Output the
    /// kernel has taken is still delivered.
    pub fn shutdown(&self) {
        // ENOTCONN: the peer was faster.
        let _ = net::shutdown(&self.fd, net::Shutdown::Both);
    }

    /// Ends our direction only: the peer finds the end of input behind what was sent.
    pub fn shutdown_output(&self) {
        let _ = net::shutdown(&self.fd, net::Shutdown::Write);
    }

    /// Whether closing it now loses nothing: there is no input unread, and the peer, which is on this host, has all
    /// output. (On another host it may have another kernel, which forgets what it has when a reset comes.)
    pub fn may_be_closed(&self) -> bool {
        self.is_delivered() && socket_io::unread(&self.fd).is_ok_and(|bytes| bytes == 0)
    }

    /// Whether the peer is on this host and has all output.
    pub fn is_delivered(&self) -> bool {
        match self.kind {
            Kind::Tcp(_) => {
                self.is_within_host() && socket_io::unacknowledged(&self.fd).is_ok_and(|bytes| bytes == 0)
            }
            // What one end writes is with the other at once.
            Kind::Ipc => true,
        }
    }

    /// What the message property `Peer-Address` says: the peer's IP, or on ipc
    /// `localhost:uid:gid:pid`, as libzmq 4.3.5 on Linux has it.
    pub fn peer_address(&self) -> String {
        match self.kind {
            Kind::Tcp(peer) => address::ip_text(peer),
            Kind::Ipc => match self.credentials() {
                Some(Credentials { pid, uid, gid }) => format!("localhost:{uid}:{gid}:{pid}"),
                None => String::new(),
            },
        }
    }

    /// Who is at the other end of an ipc connection; `None` on tcp.
    pub fn credentials(&self) -> Option<Credentials> {
        match self.kind {
            Kind::Tcp(_) => None,
            Kind::Ipc => ipc::credentials(&self.fd).ok(),
        }
    }

    /// Our end as an endpoint; empty if the kernel does not say.
    pub fn local_endpoint(&self) -> String {
        net::getsockname(&self.fd).map_or_else(|_| String::new(), address::endpoint)
    }

    /// The peer's end as an endpoint; on ipc, `ipc://` if the peer has no name.
    pub fn remote_endpoint(&self) -> String {
        match self.kind {
            Kind::Tcp(peer) => address::tcp_endpoint(peer),
            Kind::Ipc => match net::getpeername(&self.fd) {
                Ok(Some(peer)) => address::endpoint(peer),
                _ => "ipc://".to_owned(),
            },
        }
    }

    /// Whether both ends are on this host, as far as addresses tell.
    pub fn is_within_host(&self) -> bool {
        match self.kind {
            Kind::Ipc => true,
            Kind::Tcp(peer) => net::getsockname(&self.fd)
                .ok()
                .and_then(|local| SocketAddr::try_from(local).ok())
                .is_some_and(|local| tcp::is_within_host(local, peer)),
        }
    }
}

#[cfg(all(test, loom))]
impl Stream {
    /// Two ends of one connection, for models.
    pub fn pair() -> (Stream, Stream) {
        let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair of sockets");
        [&near, &far].iter().for_each(|end| end.set_nonblocking(true).expect("a valid descriptor"));
        [near, far].map(|end| Stream::new(Own::new(end.into()), Kind::Ipc)).into()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
