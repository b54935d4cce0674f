//! Security mechanisms, and the one decision which of them a connection speaks.
//!
//! [`decide`] is a pure function of everything that bears on the question, and its test is a table of every case. It
//! fails closed: a mechanism never falls back to another one, nor to a version of ZMTP that has none.
//! `Exchange` is the mechanism's part of the handshake: the commands between greeting and READY.

pub mod crypto;
mod curve;
mod null;
mod plain;
mod secret;

use crate::PeerError;
use crate::zmtp::{Command, Version};
use bytes::Bytes;
use crypto::CurveCrypto;
use null::Null;

pub use curve::Entropy;
pub(crate) use curve::{Opener, Sealer};
pub use secret::{KEY_LEN, SecretKey, SecretText};

/// Which mechanism a socket demands, with its keys and credentials.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MechanismConfig {
    /// No encryption; a ZAP handler may still look at addresses.
    #[default]
    Null,
    /// PLAIN's client.
    PlainClient {
        /// User name, at most 255 bytes.
        username: String,
        /// Password, at most 255 bytes.
        password: SecretText,
    },
    /// PLAIN's server. It asks the ZAP handler whatever [`LinkConfig::zap`](crate::zmtp::LinkConfig::zap) says.
    PlainServer,
    /// CURVE's client.
    CurveClient {
        /// Our public key, by which the server knows us.
        public_key: [u8; KEY_LEN],
        /// The secret key that belongs to it.
        secret_key: SecretKey,
        /// The server's public key.
        server_key: [u8; KEY_LEN],
    },
    /// CURVE's server.
    CurveServer {
        /// Our secret key.
        secret_key: SecretKey,
        /// The public key that belongs to it, if somebody has computed it already; each handshake needs it, and it costs a third
        /// of a multiplication.
        public_key: Option<[u8; KEY_LEN]>,
    },
}

impl MechanismConfig {
    /// The mechanism without its keys.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        match self {
            MechanismConfig::Null => Mechanism::Null,
            MechanismConfig::PlainClient { .. } | MechanismConfig::PlainServer => Mechanism::Plain,
            MechanismConfig::CurveClient { .. } | MechanismConfig::CurveServer { .. } => Mechanism::Curve,
        }
    }

    /// Our side of the mechanism; NULL has no sides, and says client.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            MechanismConfig::Null
            | MechanismConfig::PlainClient { .. }
            | MechanismConfig::CurveClient { .. } => Role::Client,
            MechanismConfig::PlainServer | MechanismConfig::CurveServer { .. } => Role::Server,
        }
    }
}

/// A security mechanism of ZMTP 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// None (RFC 23).
    Null,
    /// User name and password, not encrypted (RFC 24).
    Plain,
    /// Elliptic-curve encryption and authentication (RFC 26).
    Curve,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Mechanism; 3] = [Mechanism::Null, Mechanism::Plain, Mechanism::Curve];

    /// The name in the greeting and in ZAP requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Null => "NULL",
            Mechanism::Plain => "PLAIN",
            Mechanism::Curve => "CURVE",
        }
    }

    /// The name as the greeting carries it.
    pub(crate) fn padded_name(self) -> [u8; 20] {
        let mut padded = [0; 20];
        padded[..self.name().len()].copy_from_slice(self.name().as_bytes());
        padded
    }
}

/// The side of a mechanism: a server waits to be asked, and checks who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that proves who it is.
    Client,
    /// The side that decides.
    Server,
}

/// What a greeting of ZMTP 3 offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The mechanism's name, padded with zeros.
    pub mechanism: [u8; 20],
    /// The peer says that it is the server.
    pub as_server: bool,
}

/// What both sides speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// ZMTP 1.0 or 2.0, which have no mechanisms.
    Unsecured,
    /// ZMTP 3 with this mechanism.
    Secured {
        /// The mechanism.
        mechanism: Mechanism,
        /// Our side of it.
        role: Role,
        /// Whether a ZAP handler is asked.
        zap: bool,
    },
}

/// Decides what a connection speaks.
///
/// `theirs` is the peer's offer, which only ZMTP 3 has; `zap` says whether a ZAP handler must be asked. NULL has no
/// roles. libzmq's servers announce as-server 0 like its clients, so only two that both claim to be the server
/// can be told from a match; PLAIN's and CURVE's own commands find the other mismatches.
///
/// # Errors
/// [`PeerError::VersionTooOld`], [`PeerError::MechanismMismatch`] or [`PeerError::RoleMismatch`].
pub fn decide(
    version: Version,
    ours: Mechanism,
    theirs: Option<&Offer>,
    zap: bool,
    role: Role,
) -> Result<Agreed, PeerError> {
    match version {
        Version::V1 | Version::V2 if zap || ours != Mechanism::Null => Err(PeerError::VersionTooOld),
        Version::V1 | Version::V2 => Ok(Agreed::Unsecured),
        Version::V30 | Version::V31 => {
            let theirs = theirs.filter(|theirs| theirs.mechanism == ours.padded_name());
            let theirs = theirs.ok_or(PeerError::MechanismMismatch)?;
            if ours != Mechanism::Null && role == Role::Server && theirs.as_server {
                return Err(PeerError::RoleMismatch);
            }
            Ok(Agreed::Secured { mechanism: ours, role, zap })
        }
    }
}

/// What a ZAP handler is asked about a peer (RFC 27); address, domain and request id are the asker's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRequest {
    /// The mechanism in use.
    pub mechanism: Mechanism,
    /// The peer's credentials: none for NULL, user name and password for PLAIN, the public key (32 bytes) for CURVE.
    pub credentials: Vec<Bytes>,
}

/// What a ZAP handler answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Status 200.
    Granted {
        /// The user id; may be empty.
        user_id: Bytes,
        /// Properties the handler attached to the peer.
        properties: Vec<(String, Bytes)>,
    },
    /// Any other status, no answer, or no handler where one is required.
    Denied {
        /// 300 (temporary: the peer is not told), 400 or 500.
        status: u16,
    },
}

/// A mechanism's commands between greeting and READY.
#[derive(Debug)]
pub(crate) enum Exchange {
    Null(Null),
    PlainClient(plain::Client),
    PlainServer(plain::Server),
    CurveClient(Box<curve::Client>),
    CurveServer(Box<curve::Server>),
}

/// What a handshake ends with.
pub(crate) struct Finished {
    /// The peer's properties.
    pub(crate) theirs: Bytes,
    /// How what follows is encrypted and decrypted; `None` if it is not.
    pub(crate) traffic: Option<(Sealer, Opener)>,
}

impl Exchange {
    /// The handshake of `config`. `zap` says whether a ZAP handler is asked.
    ///
    /// # Errors
    /// [`PeerError::Cryptographic`] if the server's key is one that no server can have, or `entropy` was gathered for
    /// something else.
    pub(crate) fn new(
        config: &MechanismConfig,
        zap: bool,
        crypto: &'static dyn CurveCrypto,
        mut entropy: Entropy,
    ) -> Result<Exchange, PeerError> {
        Ok(match config {
            MechanismConfig::Null => Exchange::Null(Null::new(zap)),
            MechanismConfig::PlainClient { username, password } => {
                Exchange::PlainClient(plain::Client::new(username, password))
            }
            MechanismConfig::PlainServer => Exchange::PlainServer(plain::Server::new()),
            MechanismConfig::CurveClient { public_key, secret_key, server_key } => {
                let client = curve::Client::new(crypto, public_key, secret_key, server_key, &mut entropy);
                Exchange::CurveClient(Box::new(client.ok_or(PeerError::Cryptographic)?))
            }
            MechanismConfig::CurveServer { secret_key, public_key } => {
                let server = curve::Server::new(crypto, secret_key, *public_key, zap, entropy);
                Exchange::CurveServer(Box::new(server))
            }
        })
    }

    /// Appends the commands that can be sent now, `ours` being our properties.
    pub(crate) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        match self {
            Exchange::Null(null) => null.transmit(ours, out),
            Exchange::PlainClient(client) => client.transmit(ours, out),
            Exchange::PlainServer(server) => server.transmit(ours, out),
            Exchange::CurveClient(client) => client.transmit(ours, out),
            Exchange::CurveServer(server) => server.transmit(ours, out),
        }
    }

    /// Takes the body of a command of the peer.
    pub(crate) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        match self {
            Exchange::Null(null) => null.handle_command(body),
            Exchange::PlainClient(client) => client.handle_command(body),
            Exchange::PlainServer(server) => server.handle_command(body),
            Exchange::CurveClient(client) => client.handle_command(body),
            Exchange::CurveServer(server) => server.handle_command(body),
        }
    }

    /// The reason with which the peer refuses us by this command: servers are asked, and refuse; nobody refuses them.
    ///
    /// # Errors
    /// [`PeerError::MalformedError`] and others, if we are a client and it is no command.
    pub(crate) fn refusal<'a>(&self, body: &'a [u8]) -> Result<Option<&'a [u8]>, PeerError> {
        let misspelt = match self {
            Exchange::PlainServer(_) | Exchange::CurveServer(_) => return Ok(None),
            Exchange::PlainClient(_) => plain::misspelt_reason(body),
            Exchange::Null(_) | Exchange::CurveClient(_) => None,
        };
        Ok(match misspelt {
            Some(reason) => Some(reason),
            None => match Command::parse(body)? {
                Some(Command::Error(reason)) => Some(reason),
                _ => None,
            },
        })
    }

    /// Appends what tells the peer that it is refused with this status.
    pub(crate) fn refuse(&self, status: u16, out: &mut Vec<u8>) {
        let reason = status.to_string();
        match self {
            Exchange::PlainServer(_) => plain::refuse(reason.as_bytes(), out),
            _ => Command::Error(reason.as_bytes()).encode(out),
        }
    }

    /// The question to the ZAP handler, once.
    pub(crate) fn poll_auth(&mut self) -> Option<AuthRequest> {
        match self {
            Exchange::Null(null) => null.poll_auth(),
            Exchange::PlainServer(server) => server.poll_auth(),
            Exchange::CurveServer(server) => server.poll_auth(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => None,
        }
    }

    /// Takes the ZAP handler's consent.
    pub(crate) fn handle_grant(&mut self) {
        match self {
            Exchange::Null(null) => null.handle_grant(),
            Exchange::PlainServer(server) => server.handle_grant(),
            Exchange::CurveServer(server) => server.handle_grant(),
            Exchange::PlainClient(_) | Exchange::CurveClient(_) => {}
        }
    }

    /// Whether another command of the peer can be taken before [`finish`](Self::finish).
    pub(crate) fn wants_command(&self) -> bool {
        match self {
            Exchange::Null(null) => null.wants_command(),
            Exchange::PlainClient(client) => client.wants_command(),
            Exchange::PlainServer(server) => server.wants_command(),
            Exchange::CurveClient(client) => client.wants_command(),
            Exchange::CurveServer(server) => server.wants_command(),
        }
    }

    /// The command that is waited for, for people; "access control" where it is that.
    pub(crate) fn awaits(&self) -> &'static str {
        match self {
            Exchange::Null(null) => null.awaits(),
            Exchange::PlainClient(client) => client.awaits(),
            Exchange::PlainServer(server) => server.awaits(),
            Exchange::CurveClient(client) => client.awaits(),
            Exchange::CurveServer(server) => server.awaits(),
        }
    }

    /// What came of it, once both sides are ready.
    pub(crate) fn finish(&mut self) -> Option<Finished> {
        let (theirs, traffic) = match self {
            Exchange::Null(null) => (null.finish()?, None),
            Exchange::PlainClient(client) => (client.finish()?, None),
            Exchange::PlainServer(server) => (server.finish()?, None),
            Exchange::CurveClient(client) => {
                client.finish().map(|(theirs, traffic)| (theirs, Some(traffic)))?
            }
            Exchange::CurveServer(server) => {
                server.finish().map(|(theirs, traffic)| (theirs, Some(traffic)))?
            }
        };
        Some(Finished { theirs, traffic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T11, T12: every version, pair of mechanisms, role, as-server bit and ZAP setting.
    #[test]
    fn the_decision_is_right_in_every_case() {
        let mut names: Vec<[u8; 20]> =
            Mechanism::ALL.iter().map(|mechanism| mechanism.padded_name()).collect();
        names.push([0; 20]);
        names.push(*b"NULLX\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        names.push(*b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x");
        names.push(*b"null\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let mut cases = 0;
        for version in [Version::V1, Version::V2, Version::V30, Version::V31] {
            for ours in Mechanism::ALL {
                for name in &names {
                    for bits in 0..8 {
                        let (zap, as_server, server) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                        let role = if server { Role::Server } else { Role::Client };
                        let offer = Offer { mechanism: *name, as_server };
                        let decision = decide(version, ours, Some(&offer), zap, role);
                        let expected = expectation(version, ours, &offer, zap, role);
                        assert_eq!(decision, expected, "{version:?} {ours:?} {offer:?} {zap} {role:?}");
                        cases += 1;
                    }
                }
            }
        }
        assert_eq!(cases, 4 * 3 * 7 * 8);
        for ours in Mechanism::ALL {
            let decision = decide(Version::V31, ours, None, false, Role::Client);
            assert_eq!(decision, Err(PeerError::MechanismMismatch));
        }
    }

    /// The same rules told the other way round: by what is accepted.
    fn expectation(
        version: Version,
        ours: Mechanism,
        offer: &Offer,
        zap: bool,
        role: Role,
    ) -> Result<Agreed, PeerError> {
        let same_name = offer.mechanism.starts_with(ours.name().as_bytes())
            && offer.mechanism[ours.name().len()..].iter().all(|byte| *byte == 0);
        let two_servers = offer.as_server && role == Role::Server;
        match (version < Version::V30, ours) {
            (true, Mechanism::Null) if !zap => Ok(Agreed::Unsecured),
            (true, _) => Err(PeerError::VersionTooOld),
            (false, _) if !same_name => Err(PeerError::MechanismMismatch),
            (false, Mechanism::Plain | Mechanism::Curve) if two_servers => Err(PeerError::RoleMismatch),
            (false, mechanism) => Ok(Agreed::Secured { mechanism, role, zap }),
        }
    }
}
