//! What answers at an endpoint: one connection, one handshake, and in words why it failed if it did.
//!
//! It says nothing of itself that a server could mind, no socket type and no routing id. Where the server tells what it is before
//! we have to (NULL), the handshake is not ended at all, so that no message is lost to a peer that is gone at once; PLAIN and
//! CURVE tell only after it, so that a PUSH or DEALER may have sent us one. Runs on the caller's thread, which waits.

use crate::error::{Error, ErrorKind, Result};
use crate::io::dialer::Target;
use crate::socket::Socket;
use crate::socket::endpoints::target;
use crate::sys::poll::{PollFd, READABLE, WRITABLE, poll};
use crate::sys::{clock, random};
use crate::transport::{Dial, DialAddress, Progress, Stream, StreamOptions};
use crate::{PeerError, SocketType};
use bytes::{Bytes, BytesMut};
use ferrozmq_proto::mechanism::{Entropy, Mechanism};
use ferrozmq_proto::option::Options;
use ferrozmq_proto::zmtp::{Link, LinkConfig, stranger};
use std::io;
use std::net::ToSocketAddrs as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of our greeting, behind which NULL's READY would follow.
const GREETING: usize = 64;
/// How long a peer may wait for our READY before it says its own; few do.
const SHY: Duration = Duration::from_secs(1);
/// The longest name of a mechanism, in bytes.
const MECHANISM_MAX: usize = 20;

/// How a probe came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// The handshake went well as far as it had to.
    Ready,
    /// Nothing listens there, or it cannot be reached.
    Unreachable,
    /// Something else than ZMTP answers.
    NotZmtp,
    /// Security keeps us out: another mechanism, another key, or access control.
    Refused,
    /// The handshake failed for another reason.
    Failed,
    /// Nothing, or not enough, came in time.
    TimedOut,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// How it came out.
    pub outcome: ProbeOutcome,
    /// Why, in words, unless it came out well.
    pub failure: Option<String>,
    /// The endpoint that was connected to, its name resolved; empty if none was.
    pub remote: String,
    /// How long connecting took: over tcp, a round trip.
    pub connected_in: Option<Duration>,
    /// How long after that the peer's part of the handshake was complete.
    pub answered_in: Option<Duration>,
    /// The version of ZMTP that the peer speaks: `3.1`.
    pub version: Option<&'static str>,
    /// The security mechanism that it offers; versions before 3.0 have none.
    pub mechanism: Option<String>,
    /// Whether it says that it is the mechanism's server; libzmq's do not.
    pub as_server: Option<bool>,
    /// Its socket type, if it says so.
    pub socket_type: Option<SocketType>,
    /// Its routing id; empty for none.
    pub routing_id: Bytes,
    /// The properties of its handshake.
    pub properties: Vec<(String, Bytes)>,
}

/// Finds out what answers at `endpoint` (tcp or ipc), with the security options, IPv6 and the like of `socket`, whose other
/// connections it leaves alone. Blocks, at most about as long as `patience`.
///
/// ```
/// use ferrozmq::{Context, ProbeOutcome, Rep, probe};
/// use std::time::Duration;
/// # fn main() -> ferrozmq::Result<()> {
/// let context = Context::new();
/// let server = Rep::new(&context)?;
/// let endpoint = server.bind("tcp://127.0.0.1:*")?;
/// let socket = context.socket(ferrozmq::SocketType::Dealer)?;
/// let found = probe(&socket, &endpoint, Duration::from_secs(5))?;
/// assert_eq!(found.outcome, ProbeOutcome::Ready);
/// assert_eq!(found.socket_type, Some(ferrozmq::SocketType::Rep));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) endpoint, [`NotSupported`](ErrorKind::NotSupported) for inproc; what is wrong with the peer
/// is no error, but an outcome.
pub fn probe(socket: &Socket, endpoint: &str, patience: Duration) -> Result<Found> {
    let options = socket.state().options();
    let addresses = match addresses(endpoint, &options)? {
        Ok(addresses) => addresses,
        Err(error) => return Ok(Found::unreachable(&error)),
    };
    let deadline = clock::now() + patience;
    let mut last = Found::unreachable(&io::Error::from(io::ErrorKind::NotFound));
    for address in addresses {
        let begin = clock::now();
        match connect(&address, &StreamOptions::from(&options), deadline) {
            Ok(stream) => {
                let connected_in = Some(clock::now() - begin);
                let found = Found { connected_in, remote: stream.remote_endpoint(), ..Found::default() };
                let config = link_config(&options, patience);
                let entropy = Entropy::gather(&config.mechanism, random::fill);
                let entropy = entropy.map_err(|error| Error::os("making a key", &error))?;
                return Ok(Handshake::new(config, entropy, stream, deadline).run(found));
            }
            Err(error) => last = Found::unreachable(&error),
        }
    }
    Ok(last)
}

/// Where to connect to; what the resolver says if it is a name that it does not know.
fn addresses(endpoint: &str, options: &Options) -> Result<io::Result<Vec<DialAddress>>> {
    let target = target(endpoint, options.ipv6)?
        .ok_or_else(|| Error::new(ErrorKind::NotSupported, "inproc has no handshake that could be probed"))?;
    Ok(match target {
        Target::Ipc(address) => Ok(vec![DialAddress::Ipc(address)]),
        Target::Tcp { host, port, source } => (host.as_str(), port).to_socket_addrs().map(|found| {
            let found = found.filter(|peer| options.ipv6 || peer.is_ipv4());
            found.map(|peer| DialAddress::Tcp { source, peer }).collect()
        }),
    })
}

fn connect(address: &DialAddress, options: &StreamOptions, deadline: Instant) -> io::Result<Stream> {
    let mut dial = Dial::start(address, options)?;
    loop {
        match dial.finish()? {
            Progress::Connected(stream) => return Ok(stream),
            Progress::Pending(pending) => dial = pending,
        }
        wait(&mut [PollFd::new(dial.as_fd(), WRITABLE)], deadline)?;
    }
}

/// Waits until one of them is ready.
///
/// # Errors
/// `TimedOut` at the deadline.
fn wait(what: &mut [PollFd], deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(clock::now());
    match poll(what, Some(left)) {
        Ok(0) => Err(io::ErrorKind::TimedOut.into()),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(error) => Err(error),
    }
}

fn link_config(options: &Options, patience: Duration) -> LinkConfig {
    LinkConfig {
        mechanism: options.security.mechanism_config(),
        handshake_timeout: Some(patience),
        nameless: true,
        ..LinkConfig::new(SocketType::Dealer)
    }
}

/// A handshake that is watched.
struct Handshake {
    link: Link,
    stream: Stream,
    deadline: Instant,
    begin: Instant,
    /// Whether our READY is held back, which NULL does not need to be answered.
    holding: bool,
    sent: usize,
    input: BytesMut,
    output: Vec<u8>,
    /// The first bytes of all that came.
    first: Vec<u8>,
}

/// Why a handshake ended.
enum End {
    Ready,
    Fault(PeerError),
    Broken(io::Error),
}

impl Handshake {
    fn new(config: LinkConfig, entropy: Entropy, stream: Stream, deadline: Instant) -> Handshake {
        let begin = clock::now();
        Handshake {
            holding: config.mechanism.mechanism() == Mechanism::Null,
            link: Link::new(Arc::new(config), begin, entropy),
            stream,
            deadline,
            begin,
            sent: 0,
            input: BytesMut::new(),
            output: Vec::new(),
            first: Vec::new(),
        }
    }

    fn run(mut self, mut found: Found) -> Found {
        let end = self.shake_hands();
        found.answered_in = matches!(end, End::Ready).then(|| clock::now() - self.begin);
        if let Some(greeted) = self.link.greeted().filter(|_| stranger(&self.first).is_none()) {
            found.version = Some(greeted.version.number());
            found.mechanism = greeted.offer.map(|offer| {
                let end = offer.mechanism.iter().position(|byte| *byte == 0).unwrap_or(MECHANISM_MAX);
                offer.mechanism.get(..end).unwrap_or_default().escape_ascii().to_string()
            });
            found.as_server = greeted.offer.map(|offer| offer.as_server);
        }
        (found.outcome, found.failure) = self.judge(&end);
        // Without any bytes unsent: our READY may never have left.
        let mut unsent = std::mem::take(&mut self.output);
        self.link.poll_transmit(&mut unsent);
        if let (End::Ready, Some((_, _, peer))) = (end, self.link.split()) {
            found.socket_type = peer.socket_type;
            found.routing_id = peer.routing_id;
            found.properties = peer.properties;
        }
        found
    }

    fn judge(&self, end: &End) -> (ProbeOutcome, Option<String>) {
        use PeerError::{Cryptographic, MechanismMismatch, Refused, RoleMismatch, VersionTooOld};
        if let Some(protocol) = stranger(&self.first) {
            return (ProbeOutcome::NotZmtp, Some(format!("this is {protocol}, not ZMTP")));
        }
        let (outcome, error) = match end {
            End::Ready => return (ProbeOutcome::Ready, None),
            End::Fault(PeerError::HandshakeTimeout) => {
                (ProbeOutcome::TimedOut, Some(PeerError::HandshakeTimeout))
            }
            End::Fault(error @ PeerError::MalformedGreeting) => (ProbeOutcome::NotZmtp, Some(*error)),
            End::Fault(error) => match error {
                Refused | MechanismMismatch | RoleMismatch | Cryptographic | VersionTooOld => {
                    (ProbeOutcome::Refused, Some(*error))
                }
                error => (ProbeOutcome::Failed, Some(*error)),
            },
            End::Broken(error) if error.kind() == io::ErrorKind::TimedOut => {
                (ProbeOutcome::TimedOut, Some(PeerError::HandshakeTimeout))
            }
            End::Broken(_) if self.first.is_empty() => {
                let text = "the connection was closed without a word: this is not ZMTP, or it wants no peers from here";
                return (ProbeOutcome::NotZmtp, Some(text.to_owned()));
            }
            End::Broken(_) if self.link.greeted().is_some_and(|greeted| greeted.offer.is_some()) => {
                (ProbeOutcome::Refused, None)
            }
            End::Broken(_) => (ProbeOutcome::Failed, None),
        };
        (outcome, Some(self.link.explain(error, true)))
    }

    fn shake_hands(&mut self) -> End {
        loop {
            if let Err(error) = self.step() {
                return End::Broken(error);
            }
            if let Err(error) = self.link.handle_bytes(clock::now(), &mut self.input) {
                return End::Fault(error);
            }
            self.link.poll_transmit(&mut self.output);
            if self.link.is_ready() {
                return End::Ready;
            }
        }
    }

    /// Sends what is to be sent, and reads what comes.
    fn step(&mut self) -> io::Result<()> {
        self.link.poll_transmit(&mut self.output);
        let may_send = if self.holding { GREETING.saturating_sub(self.sent) } else { usize::MAX };
        let now = self.output.len().min(may_send);
        if let Some(bytes) = self.output.get(..now).filter(|bytes| !bytes.is_empty()) {
            let taken = self.stream.send(bytes)?;
            self.output.drain(..taken);
            self.sent += taken;
        }
        let shy = self.holding && self.sent >= GREETING;
        let until = if shy { self.deadline.min(clock::now() + SHY) } else { self.deadline };
        match wait(&mut [PollFd::new(self.stream.as_fd(), READABLE)], until) {
            Err(error) if shy && error.kind() == io::ErrorKind::TimedOut && until < self.deadline => {
                self.holding = false;
                return Ok(());
            }
            waited => waited?,
        }
        let mut room = [0; 4096];
        match self.stream.recv(&mut room) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let came = room.get(..count).unwrap_or_default();
                self.first.extend(came.iter().take(GREETING - self.first.len().min(GREETING)));
                self.input.extend_from_slice(came);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Default for Found {
    fn default() -> Found {
        Found {
            outcome: ProbeOutcome::Failed,
            failure: None,
            remote: String::new(),
            connected_in: None,
            answered_in: None,
            version: None,
            mechanism: None,
            as_server: None,
            socket_type: None,
            routing_id: Bytes::new(),
            properties: Vec::new(),
        }
    }
}

impl Found {
    fn unreachable(error: &io::Error) -> Found {
        let outcome = match error.kind() {
            io::ErrorKind::TimedOut => ProbeOutcome::TimedOut,
            _ => ProbeOutcome::Unreachable,
        };
        Found { outcome, failure: Some(format!("cannot connect: {error}")), ..Found::default() }
    }
}
