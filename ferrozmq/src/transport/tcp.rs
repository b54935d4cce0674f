//! Making tcp sockets: to listen, to connect, and the options of both.
//!
//! Invariant: every socket is non-blocking, closed on exec and sends without delay. An option that the
//! application chose and the kernel refuses fails the bind or the connection; what we choose for speed
//! may fail in silence.

use super::options::{Keepalive, StreamOptions};
use crate::sys::sockopt;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The flags of every stream socket.
pub(super) const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// A listening socket bound to `address`.
pub(super) fn listen(address: SocketAddr, options: &StreamOptions) -> io::Result<OwnedFd> {
    let (fd, address) = open_listener(address)?;
    apply_socket_options(&fd, address, options)?;
    net::sockopt::set_socket_reuseaddr(&fd, true)?;
    if address.is_ipv6() {
        net::sockopt::set_ipv6_v6only(&fd, false)?;
    }
    // Accepted sockets inherit this; a listener on another address decides per connection.
    if address.ip().to_canonical().is_loopback() {
        choose_loopback_congestion(&fd, options.loopback_congestion);
    }
    net::bind(&fd, &address)?;
    net::listen(&fd, backlog(options))?;
    Ok(fd)
}

/// Starts connecting; whether it is done already is for `getpeername` to say.
pub(super) fn connect(
    source: Option<SocketAddr>,
    peer: SocketAddr,
    options: &StreamOptions,
) -> io::Result<OwnedFd> {
    let fd = net::socket_with(family(peer), SocketType::STREAM, FLAGS, None)?;
    apply_socket_options(&fd, peer, options)?;
    tune(&fd, options)?;
    if peer.ip().to_canonical().is_loopback() {
        choose_loopback_congestion(&fd, options.loopback_congestion);
    }
    if let Some(source) = source {
        bind_source(&fd, source, peer)?;
    }
    match net::connect(&fd, &peer) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(fd),
        Err(errno) => Err(errno.into()),
    }
}

/// Options of a connection, connecting or accepted.
pub(super) fn tune(fd: impl AsFd, options: &StreamOptions) -> io::Result<()> {
    let fd = fd.as_fd();
    net::sockopt::set_tcp_nodelay(fd, true)?;
    apply_keepalive(fd, options.keepalive)?;
    if let Some(timeout) = options.tcp_maxrt {
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(i32::MAX.cast_unsigned());
        net::sockopt::set_tcp_user_timeout(fd, millis)?;
    }
    if let Some(bytes) = options.notsent_lowat {
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        sockopt::set_int(fd, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, bytes)?;
    }
    Ok(())
}

/// Whether a connection between these addresses stays on this host, whatever their interface.
pub(super) fn is_within_host(local: SocketAddr, peer: SocketAddr) -> bool {
    let (local, peer) = (local.ip().to_canonical(), peer.ip().to_canonical());
    peer.is_loopback() || local == peer
}

/// Sets the congestion control of a connection within this host, or leaves it if it cannot.
pub(super) fn choose_loopback_congestion(fd: impl AsFd, wanted: Option<&str>) {
    if let Some(wanted) = wanted {
        let fd = fd.as_fd();
        if net::sockopt::set_tcp_congestion(fd, wanted).is_err() {
            // A module that is not loaded or not allowed to us: the one that always is.
            let _ = net::sockopt::set_tcp_congestion(fd, "reno");
        }
    }
}

/// `options.backlog` as `listen` takes it; the kernel caps it at `net.core.somaxconn`.
pub(super) fn backlog(options: &StreamOptions) -> i32 {
    i32::try_from(options.backlog).unwrap_or(i32::MAX)
}

/// The kernel's buffers, which both transports have.
pub(super) fn apply_buffers(fd: impl AsFd, options: &StreamOptions) -> io::Result<()> {
    let fd = fd.as_fd();
    if let Some(bytes) = options.sndbuf {
        net::sockopt::set_socket_send_buffer_size(fd, bytes)?;
    }
    if let Some(bytes) = options.rcvbuf {
        net::sockopt::set_socket_recv_buffer_size(fd, bytes)?;
    }
    Ok(())
}

/// What has to be set before the handshake: buffers decide the window's scale. Accepted sockets inherit it.
fn apply_socket_options(fd: &OwnedFd, address: SocketAddr, options: &StreamOptions) -> io::Result<()> {
    apply_buffers(fd, options)?;
    if options.tos != 0 {
        let tos = i32::try_from(options.tos).unwrap_or(i32::MAX);
        // On an IPv6 socket both are set: its connections may turn out to be IPv4.
        sockopt::set_int(fd, libc::IPPROTO_IP, libc::IP_TOS, tos)?;
        if address.is_ipv6() {
            sockopt::set_int(fd, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, tos)?;
        }
    }
    // After the type of service, which sets the priority as well.
    if options.priority != 0 {
        let priority = i32::try_from(options.priority).unwrap_or(i32::MAX);
        sockopt::set_int(fd, libc::SOL_SOCKET, libc::SO_PRIORITY, priority)?;
    }
    if options.busy_poll != 0 {
        sockopt::set_int(fd, libc::SOL_SOCKET, libc::SO_BUSY_POLL, options.busy_poll)?;
    }
    if let Some(device) = &options.bind_to_device {
        sockopt::set_bytes(fd, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, device.as_bytes())?;
    }
    Ok(())
}

fn apply_keepalive(fd: impl AsFd, keepalive: Keepalive) -> io::Result<()> {
    let fd = fd.as_fd();
    let Some(on) = keepalive.on else { return Ok(()) };
    net::sockopt::set_socket_keepalive(fd, on)?;
    if !on {
        return Ok(());
    }
    if let Some(count) = keepalive.count {
        net::sockopt::set_tcp_keepcnt(fd, count)?;
    }
    if let Some(seconds) = keepalive.idle_s {
        net::sockopt::set_tcp_keepidle(fd, Duration::from_secs(seconds.into()))?;
    }
    if let Some(seconds) = keepalive.interval_s {
        net::sockopt::set_tcp_keepintvl(fd, Duration::from_secs(seconds.into()))?;
    }
    Ok(())
}

/// A socket for `address`. On a machine without IPv6, a wildcard or mapped address becomes IPv4.
fn open_listener(address: SocketAddr) -> io::Result<(OwnedFd, SocketAddr)> {
    match net::socket_with(family(address), SocketType::STREAM, FLAGS, None) {
        Ok(fd) => Ok((fd, address)),
        Err(Errno::AFNOSUPPORT | Errno::INVAL) if as_ipv4(address).is_some_and(|_| address.is_ipv6()) => {
            let address = as_ipv4(address).unwrap_or(address);
            Ok((net::socket_with(family(address), SocketType::STREAM, FLAGS, None)?, address))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// The IPv4 address that means the same, if there is one.
fn as_ipv4(address: SocketAddr) -> Option<SocketAddr> {
    match address.ip().to_canonical() {
        IpAddr::V4(v4) => Some(SocketAddr::new(v4.into(), address.port())),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()))
        }
        IpAddr::V6(_) => None,
    }
}

fn bind_source(fd: &OwnedFd, source: SocketAddr, peer: SocketAddr) -> io::Result<()> {
    let source = if peer.is_ipv4() { as_ipv4(source).unwrap_or(source) } else { source };
    net::sockopt::set_socket_reuseaddr(fd, true)?;
    if source.port() == 0 {
        // The port is then chosen with the peer in view, so that one address can have more than 28,000
        // connections. Old kernels choose now.
        let _ = sockopt::set_int(fd, libc::IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    Ok(net::bind(fd, &source)?)
}

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

/// From `linux/in.h`.
const IP_BIND_ADDRESS_NO_PORT: i32 = 24;
