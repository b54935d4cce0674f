//! Endpoint strings: `"tcp://127.0.0.1:5555"` and the like, as an [`Endpoint`].
//!
//! Parsing looks at the text only: it resolves no name, opens nothing, and does not know which
//! socket types a transport serves. Text may come from strangers; it is bounded by
//! [`Endpoint::MAX`], and an error never repeats more than the beginning of it.
//!
//! Stricter than libzmq in what cannot have been meant: a port such as `5x` or `-1`, which it reads
//! as 5 and 65535, wildcards in a connect, brackets without a partner. [`Display`](fmt::Display)
//! gives a canonical form that parses to the same endpoint.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where to bind or to connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `tcp://…` (`zmq_tcp(7)`).
    Tcp(TcpAddress),
    /// `ipc://…` (`zmq_ipc(7)`).
    Ipc(IpcAddress),
    /// `inproc://name` (`zmq_inproc(7)`): a name within the context.
    Inproc(String),
}

/// What stands behind `tcp://`: `host:port`, or `source;host:port` to connect from a chosen address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpAddress {
    /// The local end of a connection; `None` is the system's choice.
    pub source: Option<HostPort>,
    /// The address to listen at or to connect to.
    pub host: Host,
    /// The port; 0 is any free one, for binding.
    pub port: u16,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port; 0 is any free one.
    pub port: u16,
}

/// A host as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `*`: every address of this machine.
    Wildcard,
    /// An address. IPv6 addresses of one link need the name or number of its interface.
    Ip {
        /// The address.
        address: IpAddr,
        /// What stands behind `%`: the name or number of an interface. IPv6 only.
        zone: Option<String>,
    },
    /// A name: of an interface or a host. Whoever resolves it decides which.
    Name(String),
}

/// What stands behind `ipc://`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IpcAddress {
    /// A path in the file system.
    Path(String),
    /// `@name`: a name in Linux's abstract namespace, here without the `@`.
    Abstract(String),
    /// `*`: a path of our choice, for binding.
    Wildcard,
}

/// Text that is no endpoint, or not one for what was to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointError {
    /// The beginning of the text.
    pub endpoint: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It cannot be understood, for this reason: `EINVAL`.
    Malformed(&'static str),
    /// Its transport exists in libzmq, and not here, for this reason: `EPROTONOSUPPORT`.
    Absent(&'static str),
    /// There is no such transport: `EPROTONOSUPPORT`.
    UnknownTransport,
    /// It is longer than this many bytes: `ENAMETOOLONG`.
    TooLong(usize),
}

impl Endpoint {
    /// Longest endpoint, in bytes.
    pub const MAX: usize = 4096;
    /// Longest path, and longest abstract name with its `@`, in bytes: what a `sockaddr_un` holds,
    /// less the closing NUL.
    pub const IPC_MAX: usize = 107;
    /// Longest host name, in bytes (RFC 1035).
    pub const HOST_NAME_MAX: usize = 253;
    /// Longest zone, in bytes: what an interface's name may have.
    pub const ZONE_MAX: usize = 15;

    /// Parses what is good for bind or for connect or for both.
    ///
    /// # Errors
    /// A [`Problem`] with the text.
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        parse(text).map_err(|problem| EndpointError::new(text, problem))
    }

    /// Parses an endpoint to bind to: one without a source.
    ///
    /// # Errors
    /// A [`Problem`] with the text.
    pub fn parse_bind(text: &str) -> Result<Endpoint, EndpointError> {
        let endpoint = Endpoint::parse(text)?;
        endpoint.check_bind().map_err(|problem| EndpointError::new(text, problem))?;
        Ok(endpoint)
    }

    /// Parses an endpoint to connect to: one without wildcards.
    ///
    /// # Errors
    /// A [`Problem`] with the text.
    pub fn parse_connect(text: &str) -> Result<Endpoint, EndpointError> {
        let endpoint = Endpoint::parse(text)?;
        endpoint.check_connect().map_err(|problem| EndpointError::new(text, problem))?;
        Ok(endpoint)
    }

    /// `bytes` as text, for the parsers above: what C hands over without its closing NUL.
    ///
    /// # Errors
    /// Not UTF-8, or too long to look at.
    pub fn text(bytes: &[u8]) -> Result<&str, EndpointError> {
        let problem = match bytes.len() {
            ..=Self::MAX => Problem::Malformed("an endpoint is UTF-8 text"),
            _ => Problem::TooLong(Self::MAX),
        };
        let shown = || String::from_utf8_lossy(bytes.get(..SHOWN_MAX).unwrap_or(bytes)).into_owned();
        let within = bytes.len() <= Self::MAX;
        let text = std::str::from_utf8(bytes).ok().filter(|_| within);
        text.ok_or_else(|| EndpointError::new(&shown(), problem))
    }

    /// The transport's name: what stands before `://`.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        match self {
            Endpoint::Tcp(_) => "tcp",
            Endpoint::Ipc(_) => "ipc",
            Endpoint::Inproc(_) => "inproc",
        }
    }

    /// Whether one can bind to it.
    ///
    /// # Errors
    /// Why not.
    pub fn check_bind(&self) -> Result<(), Problem> {
        match self {
            Endpoint::Tcp(TcpAddress { source: Some(_), .. }) => {
                Err(Problem::Malformed("only a connect can have a source address"))
            }
            Endpoint::Tcp(_) | Endpoint::Ipc(_) | Endpoint::Inproc(_) => Ok(()),
        }
    }

    /// Whether one can connect to it.
    ///
    /// # Errors
    /// Why not.
    pub fn check_connect(&self) -> Result<(), Problem> {
        match self {
            Endpoint::Tcp(TcpAddress { host: Host::Wildcard, .. }) => {
                Err(Problem::Malformed("one can bind to *, but not connect to it"))
            }
            Endpoint::Tcp(TcpAddress { port: 0, .. }) => {
                Err(Problem::Malformed("a connect needs a port from 1 to 65535"))
            }
            Endpoint::Ipc(IpcAddress::Wildcard) => {
                Err(Problem::Malformed("one can bind to *, but not connect to it"))
            }
            Endpoint::Tcp(_) | Endpoint::Ipc(_) | Endpoint::Inproc(_) => Ok(()),
        }
    }
}

/// How much of a wrong endpoint an error repeats, in characters.
const SHOWN_MAX: usize = 80;

/// libzmq's transports that do not exist here, and why.
const ABSENT: &[(&str, &str)] = &[
    ("udp", "it serves draft socket types only"),
    ("ws", "WebSocket is not implemented yet"),
    ("wss", "WebSocket is not implemented yet"),
    ("pgm", "it needs OpenPGM"),
    ("epgm", "it needs OpenPGM"),
    ("norm", "it needs NORM"),
    ("tipc", "it is not implemented"),
    ("vmci", "it needs VMware's SDK"),
    ("vsock", "it is not implemented yet"),
    ("hvsocket", "it is for Hyper-V on Windows"),
];

fn parse(text: &str) -> Result<Endpoint, Problem> {
    if text.len() > Endpoint::MAX {
        return Err(Problem::TooLong(Endpoint::MAX));
    }
    let Some((transport, address)) = text.split_once("://") else {
        return Err(Problem::Malformed("it must read transport://address"));
    };
    if transport.is_empty() || address.is_empty() {
        return Err(Problem::Malformed("it must read transport://address"));
    }
    if text.contains('\0') {
        return Err(Problem::Malformed("it contains a NUL"));
    }
    match transport {
        "tcp" => parse_tcp(address).map(Endpoint::Tcp),
        "ipc" => parse_ipc(address).map(Endpoint::Ipc),
        "inproc" => Ok(Endpoint::Inproc(address.to_owned())),
        _ => Err(match ABSENT.iter().find(|(name, _)| *name == transport) {
            Some((_, reason)) => Problem::Absent(reason),
            None => Problem::UnknownTransport,
        }),
    }
}

fn parse_tcp(text: &str) -> Result<TcpAddress, Problem> {
    let (source, destination) = match text.split_once(';') {
        Some((source, destination)) => (Some(parse_source(source)?), destination),
        None => (None, text),
    };
    let Some((host, port)) = destination.rsplit_once(':') else {
        return Err(Problem::Malformed("the port is missing"));
    };
    Ok(TcpAddress { source, host: parse_host(host)?, port: parse_port(port)? })
}

/// `host:port`, or the host alone.
fn parse_source(text: &str) -> Result<HostPort, Problem> {
    let host_alone = text.ends_with(']') || text.parse::<Ipv6Addr>().is_ok() || !text.contains(':');
    match text.rsplit_once(':').filter(|_| !host_alone) {
        Some((host, port)) => Ok(HostPort { host: parse_host(host)?, port: parse_port(port)? }),
        None => Ok(HostPort { host: parse_host(text)?, port: 0 }),
    }
}

fn parse_port(text: &str) -> Result<u16, Problem> {
    match text {
        "*" => Ok(0),
        digits if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().map_err(|_| Problem::Malformed("a port is at most 65535"))
        }
        _ => Err(Problem::Malformed("a port is a number from 0 to 65535, or *")),
    }
}

fn parse_host(text: &str) -> Result<Host, Problem> {
    let inner = match (text.strip_prefix('['), text.strip_suffix(']')) {
        (None, None) => text,
        (Some(inner), Some(_)) => inner.strip_suffix(']').unwrap_or(inner),
        _ => return Err(Problem::Malformed("a bracket is missing")),
    };
    if inner == "*" {
        return Ok(Host::Wildcard);
    }
    let (address, zone) = match inner.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (inner, None),
    };
    match (address.parse::<IpAddr>(), zone) {
        (Ok(address), None) => Ok(Host::Ip { address, zone: None }),
        (Ok(address @ IpAddr::V6(_)), Some(zone)) if is_zone(zone) => {
            Ok(Host::Ip { address, zone: Some(zone.to_owned()) })
        }
        (Err(_), None) => parse_name(inner).map(Host::Name),
        _ => Err(Problem::Malformed("only an IPv6 address has a zone, the name of an interface")),
    }
}

fn is_zone(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"%/;[]".contains(&byte);
    (1..=Endpoint::ZONE_MAX).contains(&text.len()) && text.bytes().all(legal)
}

/// A host's or an interface's name. An interface's may end in `:` and a number (`eth0:1`).
fn parse_name(text: &str) -> Result<String, Problem> {
    if text.is_empty() {
        return Err(Problem::Malformed("the host is missing"));
    }
    if text.len() > Endpoint::HOST_NAME_MAX {
        return Err(Problem::TooLong(Endpoint::HOST_NAME_MAX));
    }
    let name = match text.split_once(':') {
        Some((name, label)) if !label.is_empty() && label.bytes().all(|digit| digit.is_ascii_digit()) => name,
        Some(_) => return Err(Problem::Malformed("the host is neither an address nor a name")),
        None => text,
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let begins_well = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_');
    if begins_well && name.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err(Problem::Malformed("a host name has letters, digits and -_. only"))
    }
}

fn parse_ipc(text: &str) -> Result<IpcAddress, Problem> {
    if text.len() > Endpoint::IPC_MAX {
        return Err(Problem::TooLong(Endpoint::IPC_MAX));
    }
    match text.strip_prefix('@') {
        Some("") => Err(Problem::Malformed("the name after @ is missing")),
        Some(name) => Ok(IpcAddress::Abstract(name.to_owned())),
        None if text == "*" => Ok(IpcAddress::Wildcard),
        None => Ok(IpcAddress::Path(text.to_owned())),
    }
}

impl EndpointError {
    fn new(text: &str, problem: Problem) -> EndpointError {
        let mut endpoint: String = text.chars().take(SHOWN_MAX).collect();
        if endpoint.len() < text.len() {
            endpoint.push('…');
        }
        EndpointError { endpoint, problem }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::parse(text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => write!(f, "tcp://{address}"),
            Endpoint::Ipc(IpcAddress::Path(path)) => write!(f, "ipc://{path}"),
            Endpoint::Ipc(IpcAddress::Abstract(name)) => write!(f, "ipc://@{name}"),
            Endpoint::Ipc(IpcAddress::Wildcard) => f.write_str("ipc://*"),
            Endpoint::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source};")?;
        }
        write_host_port(f, &self.host, self.port)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_host_port(f, &self.host, self.port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Wildcard => f.write_str("*"),
            Host::Ip { address: IpAddr::V6(address), zone: Some(zone) } => write!(f, "[{address}%{zone}]"),
            Host::Ip { address: IpAddr::V6(address), zone: None } => write!(f, "[{address}]"),
            Host::Ip { address, .. } => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

fn write_host_port(f: &mut fmt::Formatter<'_>, host: &Host, port: u16) -> fmt::Result {
    match port {
        0 => write!(f, "{host}:*"),
        port => write!(f, "{host}:{port}"),
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {:?}: {}", self.endpoint, self.problem)
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Malformed(why) => f.write_str(why),
            Problem::Absent(why) => write!(f, "this transport is not available: {why}"),
            Problem::UnknownTransport => {
                f.write_str("there is no such transport; there are tcp, ipc and inproc")
            }
            Problem::TooLong(max) => write!(f, "it is longer than {max} bytes"),
        }
    }
}

impl std::error::Error for EndpointError {}

#[cfg(test)]
mod tests;
