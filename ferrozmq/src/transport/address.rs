//! Addresses as the kernel knows them, and as endpoints name them.
//!
//! Invariant: the endpoint made from an address parses back to that address; tcp hosts are numeric.
//! Names of hosts to connect to are looked up elsewhere ([`crate::resolver`]).

use crate::sys::ifaddrs;
use ferrozmq_proto::endpoint::{Endpoint, Host, IpcAddress, TcpAddress};
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

/// What to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A tcp address; port 0 is the kernel's choice.
    Tcp(SocketAddr),
    /// An ipc address.
    Ipc(IpcAddress),
}

impl ListenAddress {
    /// What `endpoint` means on this machine; see [`local_address`]. `EINVAL` for what cannot be bound this
    /// way: inproc names, sources.
    pub fn of(endpoint: &Endpoint, ipv6: bool) -> io::Result<Self> {
        match endpoint {
            Endpoint::Tcp(TcpAddress { source: None, host, port }) => {
                Ok(Self::Tcp(local_address(host, *port, ipv6)?))
            }
            Endpoint::Ipc(address) => Ok(Self::Ipc(address.clone())),
            Endpoint::Tcp(_) | Endpoint::Inproc(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }
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
pub fn local_address(host: &Host, port: u16, ipv6: bool) -> io::Result<SocketAddr> {
    let candidates = match host {
        Host::Wildcard if ipv6 => vec![SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)],
        Host::Wildcard => vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)],
        Host::Ip { address, zone } => vec![numeric(*address, zone.as_deref(), port)?],
        Host::Name(name) => named(name, port)?,
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

/// The address as the kernel wants it. `ENAMETOOLONG`, `EINVAL` for a NUL, an empty name or a wildcard.
pub(super) fn unix_address(address: &IpcAddress) -> io::Result<SocketAddrUnix> {
    let (IpcAddress::Path(name) | IpcAddress::Abstract(name)) = address else {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    };
    match (address, name.len()) {
        (_, 0) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        (_, length) if length > Endpoint::IPC_MAX => Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG)),
        (IpcAddress::Abstract(_), _) => Ok(SocketAddrUnix::new_abstract_name(name.as_bytes())?),
        _ => Ok(SocketAddrUnix::new(name.as_str())?),
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

    fn bound(text: &str, ipv6: bool) -> String {
        let endpoint = Endpoint::parse_bind(text).unwrap();
        match ListenAddress::of(&endpoint, ipv6).unwrap() {
            ListenAddress::Tcp(address) => tcp_endpoint(address),
            ListenAddress::Ipc(address) => Endpoint::Ipc(address).to_string(),
        }
    }

    #[test]
    fn endpoints_become_addresses_as_with_libzmq() {
        assert_eq!(bound("tcp://*:9", false), "tcp://0.0.0.0:9");
        assert_eq!(bound("tcp://*:9", true), "tcp://[::]:9");
        assert_eq!(bound("tcp://127.0.0.1:9", false), "tcp://127.0.0.1:9");
        assert_eq!(bound("tcp://127.0.0.1:9", true), "tcp://[::ffff:127.0.0.1]:9");
        assert_eq!(bound("tcp://127.1:9", false), "tcp://127.0.0.1:9");
        assert_eq!(bound("tcp://[::1]:9", true), "tcp://[::1]:9");
        assert_eq!(bound("tcp://lo:9", false), "tcp://127.0.0.1:9");
        assert_eq!(bound("tcp://localhost:9", false), "tcp://127.0.0.1:9");
        assert_eq!(bound("ipc://@name", false), "ipc://@name");
    }

    #[test]
    fn endpoints_that_cannot_be_bound() {
        for (text, errno) in [
            ("tcp://[::1]:9", libc::ENODEV),
            ("tcp://127.0.0.1;127.0.0.1:9", libc::EINVAL),
            ("inproc://a", libc::EINVAL),
        ] {
            let error = ListenAddress::of(&Endpoint::parse(text).unwrap(), false).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(errno), "{text}");
        }
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
        let path = |text: &str| IpcAddress::Path(text.to_owned());
        let name = |text: &str| IpcAddress::Abstract(text.to_owned());
        let errno = |address: IpcAddress| unix_address(&address).unwrap_err().raw_os_error();
        let long = "x".repeat(Endpoint::IPC_MAX + 1);
        assert_eq!(errno(path(&long)), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(name(&long)), Some(libc::ENAMETOOLONG));
        assert_eq!(errno(path("a\0b")), Some(libc::EINVAL));
        assert_eq!((errno(name("")), errno(path(""))), (Some(libc::EINVAL), Some(libc::EINVAL)));
        assert_eq!(errno(IpcAddress::Wildcard), Some(libc::EINVAL));
        for address in [path(&long[1..]), path("/tmp/a"), name("name")] {
            let expected = Endpoint::Ipc(address.clone()).to_string();
            assert_eq!(ipc_endpoint(&unix_address(&address).unwrap()), expected);
        }
    }
}
