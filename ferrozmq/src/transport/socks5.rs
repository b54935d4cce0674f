//! Asking a SOCKS5 proxy for a connection (RFC 1928; user name and password: RFC 1929).
//!
//! ```text
//!   Methods ──► (Authentication) ──► Connection ──► Done
//! ```
//!
//! Sans-IO: after [`Socks5::new`], send what [`Socks5::poll_transmit`] has and report it with
//! [`Socks5::transmitted`]; hand what arrives to [`Socks5::handle_bytes`]; repeat until
//! [`Socks5::is_done`]. From then on the stream is the peer's.
//!
//! Invariant: no byte behind the proxy's last reply is consumed, and at most [`MAX_REPLY`] bytes are
//! kept. Names go to the proxy unresolved: its view of the network is the one that counts.

use super::options::SocksProxy;
use std::fmt;
use std::io;
use std::net::IpAddr;

/// The longest reply: version, code, reserved, type, a name of 255 with its length, a port.
pub const MAX_REPLY: usize = 4 + 1 + 255 + 2;

/// The longest name, user name or password, in bytes.
pub const MAX_TEXT: usize = 255;

/// A connection through a proxy, being made.
pub struct Socks5 {
    state: State,
    /// To be sent, before the next reply can come.
    output: Vec<u8>,
    /// Of the reply that is arriving.
    reply: Vec<u8>,
    /// `CONNECT`, encoded.
    request: Vec<u8>,
    /// The user's name and password, encoded; `None` without a name.
    authentication: Option<Vec<u8>>,
}

/// Whose reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Methods,
    Authentication,
    Connection,
    Done,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socks5Error {
    /// A name, user name or password cannot be said in SOCKS5: empty or longer than [`MAX_TEXT`]. Ours.
    Unsayable(&'static str),
    /// The proxy does not speak SOCKS5.
    Malformed,
    /// The proxy accepts none of our ways to authenticate.
    NoAcceptableMethod,
    /// The proxy does not like user name or password.
    AuthenticationFailed,
    /// The proxy could not or would not connect: RFC 1928's reply code.
    Refused(u8),
}

impl Socks5 {
    /// Connects to `host` (a name or a numeric address) and `port` by way of `proxy`.
    pub fn new(host: &str, port: u16, proxy: &SocksProxy) -> Result<Self, Socks5Error> {
        let authentication = match proxy.username.as_str() {
            "" => None,
            username => Some(encode_authentication(username, &proxy.password)?),
        };
        let methods: &[u8] = match authentication {
            Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USERNAME_AND_PASSWORD],
            None => &[VERSION, 1, NO_AUTHENTICATION],
        };
        Ok(Self {
            state: State::Methods,
            output: methods.to_vec(),
            reply: Vec::new(),
            request: encode_request(host, port)?,
            authentication,
        })
    }

    /// What to send now; empty if it is the proxy's turn.
    pub fn poll_transmit(&self) -> &[u8] {
        &self.output
    }

    /// Says that the first `count` bytes of [`Self::poll_transmit`] are sent.
    pub fn transmitted(&mut self, count: usize) {
        self.output.drain(..count.min(self.output.len()));
    }

    /// Takes what has arrived; returns how much of `input` was the proxy's. The rest is the peer's and
    /// can only follow when [`Self::is_done`]. After an error, close.
    pub fn handle_bytes(&mut self, input: &[u8]) -> Result<usize, Socks5Error> {
        let mut consumed = 0;
        while self.state != State::Done {
            let missing = self.reply_length()?.saturating_sub(self.reply.len());
            if missing > 0 {
                let rest = input.get(consumed..).unwrap_or_default();
                let taken = rest.get(..missing).unwrap_or(rest);
                if taken.is_empty() {
                    break;
                }
                self.reply.extend_from_slice(taken);
                consumed += taken.len();
            } else {
                let reply = std::mem::take(&mut self.reply);
                self.handle_reply(&reply)?;
            }
        }
        Ok(consumed)
    }

    /// Whether the connection to the peer stands.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// How many bytes may be read without reading what is the peer's: at least one until
    /// [`Self::is_done`].
    pub fn wanted(&self) -> usize {
        // A malformed reply is told by `handle_bytes`, which wants a byte for it.
        self.reply_length().map_or(1, |length| length.saturating_sub(self.reply.len()))
    }

    /// How long the reply is, as far as what arrived of it tells.
    fn reply_length(&self) -> Result<usize, Socks5Error> {
        match (self.state, self.reply.as_slice()) {
            (State::Done, _) => Ok(0),
            (State::Methods | State::Authentication, _) => Ok(2),
            (State::Connection, [_, _, _, IPV4, ..]) => Ok(4 + 4 + 2),
            (State::Connection, [_, _, _, IPV6, ..]) => Ok(4 + 16 + 2),
            (State::Connection, [_, _, _, NAME, length, ..]) => Ok(5 + usize::from(*length) + 2),
            (State::Connection, [_, _, _, NAME]) => Ok(5),
            // An error's address means nothing, and some proxies leave its type zero.
            (State::Connection, [_, code, _, _, ..]) if *code != SUCCEEDED => Ok(4),
            (State::Connection, [_, _, _, _, ..]) => Err(Socks5Error::Malformed),
            (State::Connection, _) => Ok(4),
        }
    }

    /// Takes a whole reply.
    fn handle_reply(&mut self, reply: &[u8]) -> Result<(), Socks5Error> {
        match (self.state, reply) {
            (State::Methods, [VERSION, NO_AUTHENTICATION]) => self.ask_for_connection(),
            (State::Methods, [VERSION, USERNAME_AND_PASSWORD]) => {
                // A method that we did not offer is not the proxy's to choose.
                let request = self.authentication.take().ok_or(Socks5Error::Malformed)?;
                self.output.extend_from_slice(&request);
                self.state = State::Authentication;
            }
            (State::Methods, [VERSION, NO_METHOD]) => return Err(Socks5Error::NoAcceptableMethod),
            (State::Authentication, [AUTHENTICATION_VERSION, SUCCEEDED]) => self.ask_for_connection(),
            (State::Authentication, [AUTHENTICATION_VERSION, _]) => {
                return Err(Socks5Error::AuthenticationFailed);
            }
            (State::Connection, [VERSION, SUCCEEDED, ..]) => self.state = State::Done,
            (State::Connection, [VERSION, code, ..]) => return Err(Socks5Error::Refused(*code)),
            _ => return Err(Socks5Error::Malformed),
        }
        Ok(())
    }

    fn ask_for_connection(&mut self) {
        self.output.append(&mut self.request);
        self.state = State::Connection;
    }
}

impl fmt::Debug for Socks5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: the password is among them.
        f.debug_struct("Socks5").field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Display for Socks5Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsayable(what) => write!(f, "the {what} must have 1 to {MAX_TEXT} bytes for SOCKS5"),
            Self::Malformed => f.write_str("the proxy does not speak SOCKS5"),
            Self::NoAcceptableMethod => f.write_str("the proxy wants another way to authenticate"),
            Self::AuthenticationFailed => f.write_str("the proxy rejects user name or password"),
            Self::Refused(code) => write!(f, "the proxy did not connect: {}", refusal(*code)),
        }
    }
}

impl std::error::Error for Socks5Error {}

impl From<Socks5Error> for io::Error {
    fn from(error: Socks5Error) -> Self {
        let kind = match error {
            Socks5Error::Unsayable(_) => io::ErrorKind::InvalidInput,
            Socks5Error::Malformed => io::ErrorKind::InvalidData,
            Socks5Error::NoAcceptableMethod | Socks5Error::AuthenticationFailed => {
                io::ErrorKind::PermissionDenied
            }
            // Not `ConnectionRefused`, whatever the code: that would be the proxy itself.
            Socks5Error::Refused(_) => io::ErrorKind::HostUnreachable,
        };
        Self::new(kind, error)
    }
}

const VERSION: u8 = 5;
const AUTHENTICATION_VERSION: u8 = 1;
const NO_AUTHENTICATION: u8 = 0;
const USERNAME_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

fn encode_request(host: &str, port: u16) -> Result<Vec<u8>, Socks5Error> {
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            request.push(IPV4);
            request.extend_from_slice(&ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(IPV6);
            request.extend_from_slice(&ip.octets());
        }
        Err(_) if host.is_empty() => return Err(Socks5Error::Unsayable("host name")),
        Err(_) => {
            request.push(NAME);
            push_text(&mut request, host, "host name")?;
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}

fn encode_authentication(username: &str, password: &str) -> Result<Vec<u8>, Socks5Error> {
    let mut request = vec![AUTHENTICATION_VERSION];
    push_text(&mut request, username, "user name")?;
    // RFC 1929 wants at least one byte, but proxies take none and people have empty passwords.
    push_text(&mut request, password, "password")?;
    Ok(request)
}

fn push_text(output: &mut Vec<u8>, text: &str, what: &'static str) -> Result<(), Socks5Error> {
    output.push(u8::try_from(text.len()).map_err(|_| Socks5Error::Unsayable(what))?);
    output.extend_from_slice(text.as_bytes());
    Ok(())
}

/// RFC 1928, section 6.
fn refusal(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown reason",
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxy(username: &str, password: &str) -> SocksProxy {
        let address = "127.0.0.1:1080".into();
        SocksProxy { address, username: username.into(), password: password.into() }
    }

    fn client(host: &str) -> Socks5 {
        Socks5::new(host, 0x1234, &proxy("", "")).unwrap()
    }

    /// Everything that is to be sent, one byte at a time.
    fn sent(socks: &mut Socks5) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(byte) = socks.poll_transmit().first() {
            all.push(*byte);
            socks.transmitted(1);
        }
        all
    }

    #[test]
    fn a_name_without_authentication() {
        let mut socks = client("example.org");
        assert_eq!(sent(&mut socks), [5, 1, 0]);
        assert_eq!(socks.handle_bytes(&[5, 0]), Ok(2));
        assert_eq!(sent(&mut socks), b"\x05\x01\x00\x03\x0bexample.org\x12\x34");
        let reply = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50the peer's";
        assert_eq!(socks.handle_bytes(reply), Ok(10));
        assert!(socks.is_done());
        assert_eq!(socks.handle_bytes(b"more"), Ok(0));
    }

    #[test]
    fn addresses_are_not_names() {
        let mut socks = client("192.0.2.1");
        socks.handle_bytes(&[5, 0]).unwrap();
        assert!(sent(&mut socks).ends_with(&[5, 1, 0, 1, 192, 0, 2, 1, 0x12, 0x34]));
        let mut socks = client("::1");
        socks.handle_bytes(&[5, 0]).unwrap();
        let request = sent(&mut socks);
        assert!(request.ends_with(&[0, 0, 0, 1, 0x12, 0x34]) && request.contains(&IPV6));
    }

    #[test]
    fn user_name_and_password() {
        let mut socks = Socks5::new("h", 1, &proxy("me", "secret")).unwrap();
        assert_eq!(sent(&mut socks), [5, 2, 0, 2]);
        assert_eq!(socks.handle_bytes(&[5, 2]), Ok(2));
        assert_eq!(sent(&mut socks), b"\x01\x02me\x06secret");
        assert!(!format!("{socks:?}{:?}", proxy("me", "secret")).contains("secret"));
        assert_eq!(socks.handle_bytes(&[1, 0]), Ok(2));
        assert_eq!(sent(&mut socks), [5, 1, 0, 3, 1, b'h', 0, 1]);
        assert_eq!(socks.handle_bytes(&[5, 0, 0, 3, 2, b'x', b'y', 0, 1]), Ok(9));
        assert!(socks.is_done());
    }

    #[test]
    fn refusals() {
        let after = |replies: &[&[u8]]| {
            let mut socks = Socks5::new("h", 1, &proxy("me", "")).unwrap();
            replies.iter().map(|reply| socks.handle_bytes(reply)).find_map(Result::err)
        };
        assert_eq!(after(&[&[5, 0xff]]), Some(Socks5Error::NoAcceptableMethod));
        assert_eq!(after(&[&[5, 1]]), Some(Socks5Error::Malformed));
        assert_eq!(after(&[b"HT"]), Some(Socks5Error::Malformed));
        assert_eq!(after(&[&[5, 2], &[1, 9]]), Some(Socks5Error::AuthenticationFailed));
        assert_eq!(after(&[&[5, 0], &[5, 5, 0, 0]]), Some(Socks5Error::Refused(5)));
        assert_eq!(after(&[&[5, 0], &[5, 0, 0, 9]]), Some(Socks5Error::Malformed));
        assert_eq!(after(&[&[5, 0], &[4, 0, 0, 1, 0, 0, 0, 0, 0, 0]]), Some(Socks5Error::Malformed));
        let mut without_name = client("h");
        assert_eq!(without_name.handle_bytes(&[5, 2]), Err(Socks5Error::Malformed));
    }

    #[test]
    fn what_cannot_be_said() {
        let long = "x".repeat(256);
        let error = |host: &str, user: &str, password: &str| {
            Socks5::new(host, 1, &proxy(user, password)).map(drop).unwrap_err()
        };
        assert_eq!(error("", "", ""), Socks5Error::Unsayable("host name"));
        assert_eq!(error(&long, "", ""), Socks5Error::Unsayable("host name"));
        assert_eq!(error("h", &long, ""), Socks5Error::Unsayable("user name"));
        assert_eq!(error("h", "me", &long), Socks5Error::Unsayable("password"));
    }

    proptest! {
        /// Whatever a proxy says, and however it is cut: no panic, the same outcome, bounded memory.
        #[test]
        fn any_proxy(bytes in proptest::collection::vec(prop_oneof![0u8..10, any::<u8>()], 0..600), cut in 1usize..50) {
            let run = |step: usize| {
                let mut socks = Socks5::new("h", 1, &proxy("me", "pw")).unwrap();
                let mut consumed = 0;
                for piece in bytes.chunks(step) {
                    match socks.handle_bytes(piece) {
                        Ok(count) => consumed += count,
                        Err(error) => return Err(error),
                    }
                    assert!(socks.reply.len() <= MAX_REPLY);
                    assert_eq!(socks.wanted() > 0, !socks.is_done());
                }
                Ok((consumed, socks.is_done()))
            };
            prop_assert_eq!(run(cut), run(bytes.len().max(1)));
        }
    }
}
