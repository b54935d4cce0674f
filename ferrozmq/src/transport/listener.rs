//! Listening sockets: binding, accepting, refusing.
//!
//! Invariant: [`Listener::accept`] takes at most one connection per call and says of every failure whether
//! it concerns that connection, the process's resources or the listener. Connections that a filter refuses
//! are closed before anybody reads a byte of them.
//!
//! Not here: when to accept, and for how long to pause (the caller's policy).

#[cfg(test)]
use super::address::DialAddress;
use super::address::{self, ListenAddress};
use super::options::StreamOptions;
use super::stream::{Kind, Stream, StreamKind};
use super::{ipc, tcp};
use crate::sys::own::Own;
use crate::sys::{adopt, sockopt};
#[cfg(test)]
use ferrozmq_proto::endpoint::Endpoint;
use rustix::io::Errno;
use rustix::net::{self, SocketAddrAny};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

/// A bound, listening socket.
#[derive(Debug)]
pub struct Listener {
    fd: Arc<adopt::Descriptor>,
    kind: StreamKind,
    endpoint: String,
    options: StreamOptions,
    /// Given up for a moment to shed a connection when descriptors have run out; see [`Listener::shed`].
    reserve: Option<Own>,
    /// Removed when the listener is dropped.
    _file: Option<ipc::WildcardFile>,
}

/// Why [`Listener::accept`] has no connection for its caller.
#[derive(Debug)]
pub enum AcceptError {
    /// A filter refused this peer, which is closed already. Go on accepting.
    Refused {
        /// As [`Stream::peer_address`] has it.
        peer: String,
    },
    /// The connection died before we got to it. Go on accepting.
    Connection(io::Error),
    /// `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`: accepting again at once would spin. Pause, and
    /// [`Listener::shed`] meanwhile.
    Exhausted(io::Error),
    /// The listener itself is unusable.
    Listener(io::Error),
    /// It was ended by its [`Gate`].
    Ended,
}

/// A hold on a listener at a path, by which another thread frees the path before the one that accepts lets go.
#[derive(Debug)]
pub struct Gate(Arc<adopt::Descriptor>);

impl Gate {
    /// Ends listening: from now on connecting is refused, so that the next bind finds the path abandoned.
    pub fn shut(&self) {
        // Fails only for what listens no longer.
        let _ = net::shutdown(&*self.0, net::Shutdown::Both);
    }
}

impl Listener {
    /// Binds and listens. `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `ENOENT`, `ENAMETOOLONG`, `EMFILE` …;
    /// with [`StreamOptions::use_fd`], `EBADF` if it is no descriptor, `ENOTSOCK`, `EINVAL` if it is a socket
    /// of another kind, `EADDRINUSE` if another listener has it.
    pub fn bind(address: &ListenAddress, options: StreamOptions) -> io::Result<Self> {
        let (fd, file) = match (options.use_fd, address) {
            (Some(fd), _) => (adopted(fd, address, &options)?, None),
            (None, ListenAddress::Tcp(address)) => (tcp::listen(*address, &options)?.into(), None),
            (None, ListenAddress::Ipc(address)) => {
                let (fd, file) = ipc::listen(address, &options)?;
                (fd.into(), file)
            }
        };
        let endpoint = address::endpoint(net::getsockname(&fd)?);
        let kind = match address {
            ListenAddress::Tcp(_) => StreamKind::Tcp,
            ListenAddress::Ipc(_) => StreamKind::Ipc,
        };
        Ok(Self { fd: Arc::new(fd), kind, endpoint, options, reserve: reserve(), _file: file })
    }

    /// What ends it from elsewhere; `None` where that frees nothing (TCP), and for a descriptor of the application's,
    /// which others may be listening on.
    pub fn gate(&self) -> Option<Gate> {
        let ours = self.kind == StreamKind::Ipc && self.options.use_fd.is_none();
        ours.then(|| Gate(Arc::clone(&self.fd)))
    }

    /// The endpoint it is bound to, with the kernel's choices filled in: what `ZMQ_LAST_ENDPOINT` says.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    #[cfg(test)]
    /// Where a local peer would connect to; `None` for a listener whose address has no such form.
    pub fn dial_address(&self) -> Option<DialAddress> {
        let name = net::getsockname(&*self.fd).ok()?;
        match self.kind {
            StreamKind::Tcp => Some(DialAddress::Tcp { source: None, peer: name.try_into().ok()? }),
            StreamKind::Ipc => match Endpoint::parse_connect(&self.endpoint) {
                Ok(Endpoint::Ipc(address)) => Some(DialAddress::Ipc(address)),
                _ => None,
            },
        }
    }

    /// One waiting connection, or `None` if there is none.
    pub fn accept(&self) -> Result<Option<Stream>, AcceptError> {
        let (fd, peer) = match net::acceptfrom_with(&*self.fd, tcp::FLAGS) {
            Ok(accepted) => accepted,
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INVAL) if self.kind == StreamKind::Ipc => return Err(AcceptError::Ended),
            Err(errno) => return Err(AcceptError::of(errno)),
        };
        match self.kind {
            StreamKind::Tcp => self.accept_tcp(fd, peer).map(Some),
            StreamKind::Ipc => self.accept_ipc(fd).map(Some),
        }
    }

    /// With no descriptor left, takes one waiting connection by means of a reserved descriptor and closes
    /// it, so that its peer learns at once that it has to come back. Whether there was one.
    pub fn shed(&mut self) -> bool {
        self.reserve = None;
        let shed = net::accept_with(&*self.fd, tcp::FLAGS).is_ok();
        // Fails only if somebody else was faster; then there is nothing to shed with until one is free.
        self.reserve = reserve();
        shed
    }

    fn accept_tcp(&self, fd: OwnedFd, peer: Option<SocketAddrAny>) -> Result<Stream, AcceptError> {
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        let peer = peer.ok_or_else(|| AcceptError::Connection(Errno::NOTCONN.into()))?;
        if !self.options.accepts_ip(peer.ip()) {
            return Err(AcceptError::Refused { peer: address::ip_text(peer) });
        }
        tcp::tune(&fd, &self.options).map_err(AcceptError::Connection)?;
        let stream = Stream::new(Own::new(fd), Kind::Tcp(peer));
        if stream.is_within_host() {
            tcp::choose_loopback_congestion(&stream, self.options.loopback_congestion);
        }
        Ok(stream)
    }

    fn accept_ipc(&self, fd: OwnedFd) -> Result<Stream, AcceptError> {
        ipc::tune(&fd, &self.options).map_err(AcceptError::Connection)?;
        let stream = Stream::new(Own::new(fd), Kind::Ipc);
        if self.options.filters_ipc() {
            // Fail closed: whose credentials cannot be read is refused.
            let groups = sockopt::peer_groups(&stream).unwrap_or_default();
            let passes = stream.credentials().is_some_and(|peer| self.options.accepts_peer(&peer, &groups));
            if !passes {
                return Err(AcceptError::Refused { peer: stream.peer_address() });
            }
        }
        Ok(stream)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AcceptError {
    fn of(errno: Errno) -> Self {
        match errno {
            Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => Self::Exhausted(errno.into()),
            Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP | Errno::FAULT => {
                Self::Listener(errno.into())
            }
            // ECONNABORTED, EINTR, EPERM (a firewall's) and the network errors that accept(2) says to treat as
            // EAGAIN: Linux passes a pending connection's errors through.
            _ => Self::Connection(errno.into()),
        }
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { peer } => write!(f, "a filter refused {peer}"),
            Self::Connection(error) => write!(f, "a connection died before it was accepted: {error}"),
            Self::Exhausted(error) => write!(f, "no room for another connection: {error}"),
            Self::Listener(error) => write!(f, "the listener is unusable: {error}"),
            Self::Ended => f.write_str("the listener was ended"),
        }
    }
}

impl std::error::Error for AcceptError {}

/// The application's own descriptor (`ZMQ_USE_FD`), checked to be what the endpoint says.
fn adopted(raw: i32, address: &ListenAddress, options: &StreamOptions) -> io::Result<adopt::Descriptor> {
    let is_right = |fd: BorrowedFd<'_>| -> io::Result<bool> {
        let family = net::getsockname(fd)?.address_family();
        let fits = match address {
            ListenAddress::Tcp(_) => [net::AddressFamily::INET, net::AddressFamily::INET6].contains(&family),
            ListenAddress::Ipc(_) => family == net::AddressFamily::UNIX,
        };
        Ok(fits && net::sockopt::socket_type(fd)? == net::SocketType::STREAM)
    };
    let fd = adopt::Descriptor::adopt(raw, is_right)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    if !net::sockopt::socket_acceptconn(&fd)? {
        net::listen(&fd, tcp::backlog(options))?;
    }
    Ok(fd)
}

/// A descriptor with no other purpose than being closed when one is needed.
fn reserve() -> Option<Own> {
    use rustix::fs::{Mode, OFlags, open};
    open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok().map(Own::new)
}
