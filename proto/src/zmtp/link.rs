//! One connection from its first byte to READY.
//!
//! ```text
//!            ┌─ ZMTP 1.0, 2.0 ──► RoutingId ──┐
//! Greeting ──┤                                ├──► Ready ──split──► Receiver, Sender, Peer
//!            └─ ZMTP 3 ──────► Handshake ─────┘
//! ```
//! Any state ends in Failed at the first fault, or when the time given for all of it is over. Until Ready,
//! a peer costs fixed state, [`Limits::handshake_bytes`](crate::zmtp::Limits) and that time. Messages are not this
//! file's business.

use super::config::LinkConfig;
use super::framing::{Flags, Header, encode_small, parse_header};
use super::greeting::{self, Greeting, Version};
use super::metadata::{self, Properties};
use super::receiver::Receiver;
use super::sender::Sender;
use super::v1;
use crate::mechanism::{
    Agreed, AuthRequest, Entropy, Exchange, Finished, Mechanism, Offer, Opener, Role, Sealer, Verdict, decide,
};
use crate::{PeerError, SocketType};
use bytes::{Buf, Bytes, BytesMut};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a connection's beginning that are kept, to tell what it is.
const FIRST: usize = 4;

/// The longest routing id in bytes.
const ROUTING_ID_MAX: usize = 255;

/// Properties that only we may state about a peer.
const OURS_TO_STATE: [&str; 3] = [USER_ID, "Peer-Address", "__fd"];

/// Property with the user id that the ZAP handler gave.
const USER_ID: &str = "User-Id";

/// A connection's protocol state up to READY.
///
/// Its methods are of four kinds, to be used in this order:
///
/// 1. *In*: [`handle_bytes`](Self::handle_bytes) after each read, [`handle_timeout`](Self::handle_timeout) when the
///    time of `poll_timeout` has come, [`handle_auth`](Self::handle_auth) with the answer to `poll_auth`.
/// 2. *Out*, after any of these and after [`new`](Self::new), **also when it failed**: write what
///    [`poll_transmit`](Self::poll_transmit) gives; carry [`poll_auth`](Self::poll_auth)'s question to the ZAP
///    handler; set a timer for [`poll_timeout`](Self::poll_timeout).
/// 3. *Getters*: once [`is_ready`](Self::is_ready), [`split`](Self::split); the bytes left in the input are the
///    [`Receiver`]'s first.
///
/// After an error, write what is left to write and close the connection.
#[derive(Debug)]
pub struct Link {
    config: Arc<LinkConfig>,
    deadline: Option<Instant>,
    state: State,
    /// Bytes consumed since the greeting.
    consumed: usize,
    out: Vec<u8>,
    refusal: Option<Bytes>,
    greeted: Option<Greeted>,
    /// What it begins with, if it may not be ZMTP at all.
    first: [u8; FIRST],
    /// The socket type that the peer named, if it cannot talk with ours.
    incompatible: Bytes,
    /// What was waited for when it failed.
    awaited: &'static str,
    /// For the mechanism, until it begins.
    entropy: Option<Entropy>,
}

#[derive(Debug)]
enum State {
    Greeting(Greeting),
    RoutingId { version: Version, socket_type: Option<SocketType>, phantom: bool },
    Handshake { version: Version, exchange: Exchange, granted: Properties },
    Ready { peer: Peer, phantom: bool, traffic: Option<(Sealer, Opener)> },
    Failed(PeerError),
}

/// What the peer's greeting told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeted {
    /// The version of ZMTP that it speaks.
    pub version: Version,
    /// What it offers, if it speaks ZMTP 3.
    pub offer: Option<Offer>,
}

/// What was met on the way to where the handshake is, or ended.
pub(super) struct Met<'a> {
    /// The peer's first bytes; zeros if it was certain that it speaks ZMTP.
    pub(super) first: &'a [u8],
    pub(super) offer: Option<&'a Offer>,
    /// The socket type that cannot talk with ours.
    pub(super) socket_type: &'a [u8],
    /// What is, or was, waited for.
    pub(super) awaited: &'static str,
}

/// What the handshake told about the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The version of ZMTP that it speaks.
    pub version: Version,
    /// Its socket type; `None` if it did not say (ZMTP 1.0, or a careless ZMTP 3).
    pub socket_type: Option<SocketType>,
    /// The routing id it asks for; empty for none. One above 255 bytes counts as none. One that begins with a zero byte is
    /// reserved for ROUTERs to give, and taken for what it is, as libzmq does.
    pub routing_id: Bytes,
    /// The properties of its READY as it spelt them, after those that the ZAP handler gave.
    pub properties: Vec<(String, Bytes)>,
}

impl Link {
    /// Begins the protocol on a connection that was established `now`, with `entropy` of its own.
    #[must_use]
    pub fn new(config: Arc<LinkConfig>, now: Instant, entropy: Entropy) -> Link {
        let mut out = Vec::with_capacity(64);
        let mechanism = config.mechanism.mechanism();
        let greeting = Greeting::new(config.socket_type, mechanism, config.routing_id.len(), &mut out);
        Link {
            deadline: config.handshake_timeout.and_then(|timeout| now.checked_add(timeout)),
            config,
            state: State::Greeting(greeting),
            consumed: 0,
            out,
            refusal: None,
            greeted: None,
            first: [0; FIRST],
            incompatible: Bytes::new(),
            awaited: "greeting",
            entropy: Some(entropy),
        }
    }

    /// Takes what was read. Consumes the bytes of the handshake and leaves the others, to which the next read
    /// is to be appended.
    ///
    /// # Errors
    /// What the peer did wrong; the same again if called again.
    pub fn handle_bytes(&mut self, now: Instant, input: &mut BytesMut) -> Result<(), PeerError> {
        self.handle_timeout(now)?;
        loop {
            match self.step(input) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return self.fail(error),
            }
        }
    }

    /// Ends a handshake that takes too long.
    ///
    /// # Errors
    /// [`PeerError::HandshakeTimeout`], or the earlier error of a link that has already failed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), PeerError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::Ready { .. } => Ok(()),
            _ if self.deadline.is_some_and(|deadline| deadline <= now) => {
                self.fail(PeerError::HandshakeTimeout)
            }
            _ => Ok(()),
        }
    }

    /// Takes the ZAP handler's answer to [`poll_auth`](Self::poll_auth). Unasked answers change nothing.
    ///
    /// # Errors
    /// [`PeerError::AccessDenied`]: the peer is told so (unless the status is 300), then the connection is closed.
    pub fn handle_auth(&mut self, verdict: Verdict) -> Result<(), PeerError> {
        let State::Handshake { exchange, granted, .. } = &mut self.state else { return Ok(()) };
        match verdict {
            Verdict::Granted { user_id, properties } => {
                granted.push((USER_ID.to_owned(), user_id));
                granted.extend(properties);
                exchange.handle_grant();
                self.proceed().or_else(|error| self.fail(error))
            }
            Verdict::Denied { status } => {
                // 300 is temporary: libzmq closes without a word, so that the peer tries again.
                if status != 300 {
                    exchange.refuse(status, &mut self.out);
                }
                self.fail(PeerError::AccessDenied)
            }
        }
    }

    /// Lets the peer in without anybody's answer: there is nobody to ask, and there need not be.
    ///
    /// # Errors
    /// As [`handle_bytes`](Self::handle_bytes).
    pub fn admit(&mut self) -> Result<(), PeerError> {
        let State::Handshake { exchange, .. } = &mut self.state else { return Ok(()) };
        exchange.handle_grant();
        self.proceed().or_else(|error| self.fail(error))
    }

    /// Appends what is to be written now; whether there was anything.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let any = !self.out.is_empty();
        out.append(&mut self.out);
        any
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called; `None` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Ready { .. } | State::Failed(_) => None,
            _ => self.deadline,
        }
    }

    /// The question to the ZAP handler, once per connection and only if the configuration demands it.
    pub fn poll_auth(&mut self) -> Option<AuthRequest> {
        match &mut self.state {
            State::Handshake { exchange, .. } => exchange.poll_auth(),
            _ => None,
        }
    }

    /// Whether the handshake is done and all of it was given to [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. }) && self.out.is_empty()
    }

    /// The reason in the ERROR command with which the peer refused; libzmq sends a ZAP status such as `400`.
    #[must_use]
    pub fn refusal(&self) -> Option<&[u8]> {
        self.refusal.as_deref()
    }

    /// What the peer's greeting told, once it is read.
    #[must_use]
    pub fn greeted(&self) -> Option<Greeted> {
        self.greeted
    }

    /// The mechanism that we speak, our side of it, and our socket's type.
    pub(super) fn mechanism(&self) -> Mechanism {
        self.config.mechanism.mechanism()
    }

    pub(super) fn role(&self) -> Role {
        self.config.mechanism.role()
    }

    pub(super) fn socket_type(&self) -> SocketType {
        self.config.socket_type
    }

    pub(super) fn met(&self) -> Met<'_> {
        Met {
            first: &self.first,
            offer: self.greeted.as_ref().and_then(|greeted| greeted.offer.as_ref()),
            socket_type: &self.incompatible,
            awaited: self.awaits(),
        }
    }

    /// What is waited for.
    fn awaits(&self) -> &'static str {
        match &self.state {
            State::Greeting(_) => "greeting",
            State::RoutingId { .. } => "routing id",
            State::Handshake { exchange, .. } => exchange.awaits(),
            State::Ready { .. } => "messages",
            State::Failed(_) => self.awaited,
        }
    }

    /// The two halves of the connection, and who the peer is; `None` unless [`is_ready`](Self::is_ready).
    #[must_use]
    pub fn split(self) -> Option<(Receiver, Sender, Peer)> {
        if !self.is_ready() {
            return None;
        }
        let State::Ready { peer, phantom, traffic } = self.state else { return None };
        let (sealer, opener) = traffic.unzip();
        let receiver = Receiver::new(&self.config, peer.version, phantom, opener);
        Some((receiver, Sender::new(peer.version, sealer), peer))
    }

    fn fail(&mut self, error: PeerError) -> Result<(), PeerError> {
        self.awaited = self.awaits();
        self.state = State::Failed(error);
        Err(error)
    }

    /// Takes one step; whether another may follow without more bytes.
    fn step(&mut self, input: &mut BytesMut) -> Result<bool, PeerError> {
        match &mut self.state {
            State::Greeting(greeting) => match greeting.advance(input, &mut self.out) {
                Some(greeted) => {
                    if greeted == greeting::Greeted::Unversioned {
                        let seen = input.len().min(FIRST);
                        self.first[..seen].copy_from_slice(&input[..seen]);
                    }
                    self.begin(greeted).map(|()| true)
                }
                None => Ok(false),
            },
            State::RoutingId { .. } => self.read_routing_id(input),
            State::Handshake { .. } => self.read_command(input),
            State::Ready { .. } | State::Failed(_) => Ok(false),
        }
    }

    /// Decides what to speak and sends our first words in it.
    fn begin(&mut self, greeted: greeting::Greeted) -> Result<(), PeerError> {
        use greeting::Greeted::{Old, Three, Unversioned};
        let (version, offer) = match &greeted {
            Unversioned => (Version::V1, None),
            Old { version, .. } => (*version, None),
            Three { version, offer } => (*version, Some(offer)),
        };
        self.greeted = Some(Greeted { version, offer: offer.copied() });
        let config = &self.config;
        let ours = &config.mechanism;
        let agreed = decide(version, ours.mechanism(), offer, config.zap, ours.role())?;
        let publishes = matches!(config.socket_type, SocketType::Pub | SocketType::XPub);
        let phantom = greeted == Unversioned && publishes;
        self.state = match (agreed, greeted) {
            (Agreed::Secured { zap, .. }, _) => {
                let entropy = self.entropy.take().ok_or(PeerError::Cryptographic)?;
                let exchange = Exchange::new(ours, zap, config.curve_crypto, entropy)?;
                State::Handshake { version, exchange, granted: Properties::new() }
            }
            (Agreed::Unsecured, Old { socket_type, .. }) => {
                State::RoutingId { version, socket_type, phantom }
            }
            (Agreed::Unsecured, _) => State::RoutingId { version, socket_type: None, phantom },
        };
        self.send_routing_id(greeted);
        self.proceed()
    }

    /// Before ZMTP 3 the routing id is the first message; without version its header is already sent.
    fn send_routing_id(&mut self, greeted: greeting::Greeted) {
        use greeting::Greeted::{Old, Three, Unversioned};
        let routing_id = &self.config.routing_id;
        match greeted {
            Unversioned => self.out.extend_from_slice(routing_id),
            Old { version: Version::V1, .. } => v1::encode_frame(routing_id, false, &mut self.out),
            Old { .. } => encode_small(routing_id, false, &mut self.out),
            Three { .. } => {}
        }
    }

    /// ZMTP 1.0 and 2.0: the peer's first message is its routing id.
    fn read_routing_id(&mut self, input: &mut BytesMut) -> Result<bool, PeerError> {
        let State::RoutingId { version, socket_type, phantom } = self.state else { return Ok(false) };
        let header = if version == Version::V1 { v1::parse_header(input) } else { parse_header(input) };
        let Some(mut frame) = self.take_frame(header, input)? else { return Ok(false) };
        if frame.flags.more() || frame.flags.command() {
            return Err(PeerError::MalformedGreeting);
        }
        frame.bytes.advance(frame.header_len);
        let routing_id = admissible_routing_id(&frame.bytes);
        self.state = State::Ready {
            peer: Peer { version, socket_type, routing_id, properties: Properties::new() },
            phantom,
            traffic: None,
        };
        Ok(false)
    }

    /// ZMTP 3: the next command of the mechanism.
    fn read_command(&mut self, input: &mut BytesMut) -> Result<bool, PeerError> {
        let State::Handshake { exchange, .. } = &self.state else { return Ok(false) };
        if !exchange.wants_command() {
            return Ok(false);
        }
        let Some(frame) = self.take_frame(parse_header(input), input)? else { return Ok(false) };
        if !frame.flags.command() {
            return Err(PeerError::UnexpectedCommand);
        }
        let body = frame.bytes.get(frame.header_len..).unwrap_or_default();
        if let State::Handshake { exchange, .. } = &mut self.state {
            if let Some(reason) = exchange.refusal(body)? {
                self.refusal = Some(Bytes::copy_from_slice(reason));
                return Err(PeerError::Refused);
            }
            exchange.handle_command(body)?;
        }
        self.proceed().map(|()| true)
    }

    /// Sends what the mechanism has to say, and ends the handshake when it has no more.
    fn proceed(&mut self) -> Result<(), PeerError> {
        let State::Handshake { version, exchange, granted } = &mut self.state else { return Ok(()) };
        exchange.transmit(&our_properties(&self.config), &mut self.out);
        if let Some(Finished { theirs, traffic }) = exchange.finish() {
            let theirs = metadata::parse(&theirs, &self.config.limits)?;
            if let Some(named) =
                metadata::find(&theirs, metadata::SOCKET_TYPE).filter(|named| named.len() < 16)
            {
                self.incompatible = named.clone();
            }
            let peer = read_peer(&self.config, *version, std::mem::take(granted), theirs)?;
            self.state = State::Ready { peer, phantom: false, traffic };
        }
        Ok(())
    }

    /// Takes the frame with this header off the input if it is whole, within what a handshake may cost.
    fn take_frame(&mut self, header: Header, input: &mut BytesMut) -> Result<Option<Taken>, PeerError> {
        let (flags, header_len, body_len) = match header {
            Header::Incomplete => return Ok(None),
            Header::Malformed if matches!(self.state, State::RoutingId { .. }) => {
                return Err(PeerError::MalformedGreeting);
            }
            Header::Malformed => return Err(PeerError::MalformedFrame),
            Header::Frame { flags, header_len, body_len } => (flags, header_len, body_len),
        };
        let left = self.config.limits.handshake_bytes.saturating_sub(self.consumed);
        let total = usize::try_from(body_len).map_or(usize::MAX, |len| len.saturating_add(header_len));
        if total > left {
            return Err(PeerError::HandshakeTooLarge);
        }
        if input.len() < total {
            return Ok(None);
        }
        self.consumed += total;
        let bytes = input.split_to(total);
        Ok(Some(Taken { flags, header_len, bytes }))
    }
}

/// A whole frame of the handshake.
struct Taken {
    flags: Flags,
    header_len: usize,
    bytes: BytesMut,
}

/// The properties of our READY, encoded.
fn our_properties(config: &LinkConfig) -> Vec<u8> {
    let mut bytes = Vec::new();
    if config.nameless {
        return bytes;
    }
    metadata::encode(metadata::SOCKET_TYPE, config.socket_type.name().as_bytes(), &mut bytes);
    if config.socket_type.announces_routing_id() {
        metadata::encode(metadata::ROUTING_ID, &config.routing_id, &mut bytes);
    }
    for (name, value) in &config.metadata {
        metadata::encode(name, value, &mut bytes);
    }
    bytes
}

/// Reads the peer's properties; like libzmq, takes a peer that does not name its socket type.
fn read_peer(
    config: &LinkConfig,
    version: Version,
    granted: Properties,
    mut theirs: Properties,
) -> Result<Peer, PeerError> {
    let socket_type = match metadata::find(&theirs, metadata::SOCKET_TYPE) {
        None => None,
        Some(name) => match SocketType::from_name(name) {
            Some(theirs) if config.nameless || config.socket_type.accepts(theirs) => Some(theirs),
            _ => return Err(PeerError::IncompatibleSocketType),
        },
    };
    let routing_id = metadata::find(&theirs, metadata::ROUTING_ID).map(|id| admissible_routing_id(id));
    theirs.retain(|(name, _)| !OURS_TO_STATE.iter().any(|ours| ours.eq_ignore_ascii_case(name)));
    let mut properties = granted;
    properties.append(&mut theirs);
    Ok(Peer { version, socket_type, routing_id: routing_id.unwrap_or_default(), properties })
}

fn admissible_routing_id(id: &[u8]) -> Bytes {
    match id {
        id if id.len() > ROUTING_ID_MAX => Bytes::new(),
        id => Bytes::copy_from_slice(id),
    }
}
