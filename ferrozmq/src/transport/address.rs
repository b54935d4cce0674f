//! Addresses as the kernel knows them, and as endpoints name them.
//!
//! Invariant: the endpoint made from an address parses back to that address; tcp hosts are numeric.
//! Names of hosts to connect to are looked up elsewhere ([`crate::resolver`]).

use crate::sys::ifaddrs;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType};
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Longest path of an ipc endpoint, in bytes (the kernel's 108 less a terminator).
pub const MAX_IPC_PATH: usize = 107;

/// The host part of a tcp endpoint on this machine: to bind, or to connect from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalHost<'a> {
    /// `*`.
    Wildcard,
    /// A numeric address; an IPv6 one may carry its zone.
    Ip(IpAddr, Option<&'a str>),
    /// An interface, else a host name.
    Name(&'a str),
}

/// An ipc endpoint's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpcAddress {
    /// A socket file.
    Path(PathBuf),
    /// `@name`: a Linux abstract name (without the `@`), no file.
    Abstract(Vec<u8>),
    /// `*`: a fresh file, for binding only.
    Wildcard,
}

/// What to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A tcp address; port 0 is the kernel's choice.
    Tcp(SocketAddr),
    /// An ipc address.
    Ipc(IpcAddress),
}

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialAddress {
    /// A tcp address, and where to connect from (port 0 is the kernel's choice).
    Tcp {
        /// Our end, if it matters.
        source: Option<SocketAddr>,
        /// The peer's end.
        peer: SocketAddr,
    },
    /// An ipc address.
    Ipc(IpcAddress),
}

/// The address to bind for `host` and `port`. An interface's first address is taken, with `ipv6` its
/// first IPv6 address; other names go through the system's resolver, which may block. With `ipv6`,
/// IPv4 addresses are mapped into IPv6, as libzmq does. `ENODEV` if nothing fits.
pub fn local_address(host: LocalHost<'_>, port: u16, ipv6: bool) -> io::Result<SocketAddr> {
    let candidates = match host {
        LocalHost::Wildcard if ipv6 => vec![SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)],
        LocalHost::Wildcard => vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)],
        LocalHost::Ip(ip, zone) => vec![numeric(ip, zone, port)?],
        LocalHost::Name(name) => named(name, port)?,
    };
    let v6 = candidates.iter().find(|address| address.is_ipv6());
    let v4 = candidates.iter().find(|address| address.is_ipv4());
    let chosen = if ipv6 { v6.or(v4) } else { v4 };
    match chosen.copied() {
        Some(SocketAddr::V4(v4)) if ipv6 => Ok(SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())),
        Some(address) => Ok(address),
        None => Err(io::Error::from_raw_os_error(libc::ENODEV)),
    }
}

/// A numeric address with its zone (an interface's name or number). `ENODEV` for an unknown zone.
pub fn numeric(ip: IpAddr, zone: Option<&str>, port: u16) -> io::Result<SocketAddr> {
    match (ip, zone) {
        (IpAddr::V6(ip), Some(zone)) => {
            let scope = match zone.parse() {
                Ok(number) => number,
                Err(_) => interface_number(zone)?,
            };
            Ok(SocketAddrV6::new(ip, port, 0, scope).into())
        }
        _ => Ok(SocketAddr::new(ip, port)),
    }
}

/// `tcp://host:port` with a numeric host.
pub fn tcp_endpoint(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(_) => format!("tcp://{address}"),
        SocketAddr::V6(_) => format!("tcp://[{}]:{}", ip_text(address), address.port()),
    }
}

/// The host of an address, with its zone by name where it has one.
pub fn ip_text(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let zone = interface_name(v6.scope_id()).unwrap_or_else(|_| v6.scope_id().to_string());
            format!("{}%{zone}", v6.ip())
        }
        _ => address.ip().to_string(),
    }
}

/// `ipc://path`, `ipc://@name`; `ipc://` for a socket that has no name.
pub fn ipc_endpoint(address: &SocketAddrUnix) -> String {
    // An empty name means none: rustix reports unnamed peers so.
    if let Some(name) = address.abstract_name().filter(|name| !name.is_empty()) {
        return format!("ipc://@{}", String::from_utf8_lossy(name));
    }
    let path = address.path_bytes().unwrap_or_default();
    // The terminator is there or not, depending on where the address comes from.
    let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
    format!("ipc://{}", String::from_utf8_lossy(path))
}

/// The endpoint naming a kernel's address; empty for families that are not ours.
pub fn endpoint(address: SocketAddrAny) -> String {
    match SocketAddr::try_from(address.clone()) {
        Ok(address) => tcp_endpoint(address),
        Err(_) => {
            SocketAddrUnix::try_from(address).map_or_else(|_| String::new(), |unix| ipc_endpoint(&unix))
        }
    }
}

impl IpcAddress {
    /// The address as the kernel wants it. `ENAMETOOLONG`, `EINVAL` for a NUL, an empty path or a wildcard.
    pub(super) fn socket_address(&self) -> io::Result<SocketAddrUnix> {
        let too_long = || io::Error::from_raw_os_error(libc::ENAMETOOLONG);
        let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
        match self {
            Self::Path(path) if path.as_os_str().len() > MAX_IPC_PATH => Err(too_long()),
            Self::Path(path) if path.as_os_str().is_empty() => Err(invalid()),
            Self::Path(path) => Ok(SocketAddrUnix::new(path.as_path())?),
            Self::Abstract(name) if name.len() > MAX_IPC_PATH => Err(too_long()),
            Self::Abstract(name) if name.is_empty() => Err(invalid()),
            Self::Abstract(name) => Ok(SocketAddrUnix::new_abstract_name(name)?),
            Self::Wildcard => Err(invalid()),
        }
    }

    /// What follows `ipc://`: a path, `@name` or `*`.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(name) => Self::Abstract(name.as_bytes().to_vec()),
            None if text == "*" => Self::Wildcard,
            None => Self::Path(OsStr::from_bytes(text.as_bytes()).into()),
        }
    }
}

fn named(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let mut found = ifaddrs::addresses(name)?;
    found.iter_mut().for_each(|address| address.set_port(port));
    if found.is_empty() {
        let no_device = |_| io::Error::from_raw_os_error(libc::ENODEV);
        found = (name, port).to_socket_addrs().map_err(no_device)?.collect();
    }
    Ok(found)
}

fn interface_number(name: &str) -> io::Result<u32> {
    let no_device = |_| io::Error::from_raw_os_error(libc::ENODEV);
    rustix::net::netdevice::name_to_index(any_socket()?, name).map_err(no_device)
}

fn interface_name(number: u32) -> io::Result<String> {
    Ok(rustix::net::netdevice::index_to_name(any_socket()?, number)?)
}

/// Interface names are asked of a socket, whichever.
fn any_socket() -> io::Result<rustix::fd::OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(host: LocalHost<'_>, ipv6: bool) -> io::Result<String> {
        local_address(host, 9, ipv6).map(tcp_endpoint)
    }

    #[test]
    fn hosts_become_addresses_as_with_libzmq() {
        let v4 = LocalHost::Ip(Ipv4Addr::LOCALHOST.into(), None);
        let v6 = LocalHost::Ip(Ipv6Addr::LOCALHOST.into(), None);
        assert_eq!(local(LocalHost::Wildcard, false).unwrap(), "tcp://0.0.0.0:9");
        assert_eq!(local(LocalHost::Wildcard, true).unwrap(), "tcp://[::]:9");
        assert_eq!(local(v4, false).unwrap(), "tcp://127.0.0.1:9");
        assert_eq!(local(v4, true).unwrap(), "tcp://[::ffff:127.0.0.1]:9");
        assert_eq!(local(v6, true).unwrap(), "tcp://[::1]:9");
        assert_eq!(local(v6, false).unwrap_err().raw_os_error(), Some(libc::ENODEV));
        assert_eq!(local(LocalHost::Name("lo"), false).unwrap(), "tcp://127.0.0.1:9");
    }

    #[test]
    fn zones_have_names_and_numbers() {
        let ip: IpAddr = "fe80::1".parse().unwrap();
        for zone in ["lo", "1"] {
            let address = numeric(ip, Some(zone), 9).unwrap();
            assert_eq!(tcp_endpoint(address), "tcp://[fe80::1%lo]:9");
        }
        assert_eq!(numeric(ip, Some("nosuch"), 9).unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn ipc_addresses_are_checked() {
        let errno = |address: IpcAddress| address.socket_address().unwrap_err().raw_os_error();
        let long = "x".repeat(MAX_IPC_PATH + 1);
        assert_eq!(errno(IpcAddress::parse(&long)), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(IpcAddress::parse(&format!("@{long}"))), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(IpcAddress::parse("a\0b")), Some(libc::EINVAL));
        assert_eq!(errno(IpcAddress::parse("@")), Some(libc::EINVAL));
        assert_eq!(errno(IpcAddress::parse("")), Some(libc::EINVAL));
        assert_eq!(errno(IpcAddress::Wildcard), Some(libc::EINVAL));
        for text in [&long[1..], "/tmp/a", "@name"] {
            let address = IpcAddress::parse(text).socket_address().unwrap();
            assert_eq!(ipc_endpoint(&address), format!("ipc://{text}"));
        }
    }
}
