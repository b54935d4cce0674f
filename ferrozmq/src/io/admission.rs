//! The part of a handshake in which somebody else decides: when to ask, whom, and what a refusal looks like.
//!
//! As in libzmq, NULL asks where a ZAP domain is set, PLAIN's server always, and CURVE's server unless domains are enforced and
//! it has none. Nobody to ask is a refusal for PLAIN, and for the others where domains are enforced. A handler that
//! goes away with the question leaves the handshake to its deadline. A context's authenticator is asked about every peer that comes
//! to us and that no handler decides about.

use crate::PeerError;
use crate::io::connection::Conn;
use crate::io::events::EventKind;
use crate::io::thread::Io;
use crate::pipe::errand::Desk;
use crate::zap::{Access, Inquiry};
use bytes::Bytes;
use ferrozmq_proto::access::AccessRequest;
use ferrozmq_proto::mechanism::{AuthRequest, Mechanism, MechanismConfig, Verdict};
use ferrozmq_proto::option::Security;
use ferrozmq_proto::zap::{self, Asker, ReplyFault};
use ferrozmq_proto::zmtp::Link;
use std::io;
use std::sync::Arc;

/// Why a handshake failed.
pub(super) enum Failure {
    /// The peer broke the protocol, or refused us.
    Peer(PeerError),
    /// The connection failed.
    Io(io::Error),
    /// The ZAP handler refused the peer, or the authenticator, which says why.
    Denied { status: u16, reason: Option<String> },
    /// The ZAP handler's answer is none.
    Reply(ReplyFault),
    /// There is no ZAP handler.
    NoHandler,
}

impl Failure {
    /// The event that tells of it, as libzmq's would, its value, and what happened in words. `link` is the handshake that
    /// failed, with the server if it was `dialed`.
    pub(super) fn event(&self, link: Option<&Link>, dialed: bool) -> (EventKind, u64, String) {
        match self {
            Failure::Peer(error) => peer_fault(*error, link, dialed),
            Failure::Io(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EPIPE);
                let text = match (error.kind(), link) {
                    (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, Some(link)) => {
                        link.explain(None, dialed)
                    }
                    _ => error.to_string(),
                };
                (EventKind::HandshakeFailedNoDetail, errno as u64, text)
            }
            Failure::Denied { status, reason } => {
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let text = format!("access control refused the peer with status {status}{reason}");
                (EventKind::HandshakeFailedAuth, (*status).into(), text)
            }
            Failure::Reply(fault) => {
                (EventKind::HandshakeFailedProtocol, fault.protocol_code().into(), fault.to_string())
            }
            Failure::NoHandler => {
                let text = "access control is required, and there is none: bind a ZAP handler at \
                            inproc://zeromq.zap.01, or give the context access rules";
                (EventKind::HandshakeFailedNoDetail, libc::EFAULT as u64, text.to_owned())
            }
        }
    }
}

fn peer_fault(error: PeerError, link: Option<&Link>, dialed: bool) -> (EventKind, u64, String) {
    let text = link.map_or_else(|| error.to_string(), |link| link.explain(Some(error), dialed));
    if let Some(status) = link.and_then(Link::refusal).and_then(zap::refused_status) {
        return (EventKind::HandshakeFailedAuth, status.into(), text);
    }
    match error.protocol_code() {
        Some(code) => (EventKind::HandshakeFailedProtocol, code.into(), text),
        None => (EventKind::HandshakeFailedNoDetail, libc::EPROTO as u64, text),
    }
}

/// Whether somebody must agree to each peer that comes to (or is `dialed` by) a socket with these options.
pub(super) fn must_ask(security: &Security, access: &Access, dialed: bool) -> bool {
    asks_handler(security) || !dialed && access.has_authenticator()
}

/// Whether a ZAP handler would be asked, as libzmq does.
fn asks_handler(security: &Security) -> bool {
    let in_domain = !security.zap_domain.is_empty();
    match security.mechanism_config() {
        MechanismConfig::Null => in_domain,
        MechanismConfig::PlainServer => true,
        MechanismConfig::CurveServer { .. } => in_domain || !security.zap_enforce_domain,
        // Clients trust whom they have chosen to connect to.
        _ => false,
    }
}

/// Whether a peer comes in when there is nobody to ask.
fn open_without_handler(mechanism: Mechanism, security: &Security) -> bool {
    mechanism != Mechanism::Plain && !security.zap_enforce_domain
}

impl Io {
    /// Has the peer of a handshake decided about.
    pub(super) fn consult(&mut self, token: u64, question: &AuthRequest) -> Result<(), Failure> {
        let Some(conn) = self.conns.get_mut(&token) else { return Ok(()) };
        let inquiry = inquire(conn, question, self.handle.desk(), token);
        let open = open_without_handler(question.mechanism, &conn.options.security);
        let Some(handshake) = conn.handshake() else { return Ok(()) };
        if inquiry.is_some() {
            handshake.inquiry = inquiry;
            return Ok(());
        }
        if !open {
            return Err(Failure::NoHandler);
        }
        handshake.link.admit().map_err(Failure::Peer)
    }

    /// The answer may be there.
    pub(super) fn conn_answered(&mut self, token: u64) {
        let Some(handshake) = self.conns.get_mut(&token).and_then(Conn::handshake) else { return };
        let Some(inquiry) = &mut handshake.inquiry else { return };
        let result = match inquiry.answer() {
            None => return,
            Some(Err(fault)) => Err(Failure::Reply(fault)),
            Some(Ok((verdict, reason))) => {
                let denied = match verdict {
                    Verdict::Denied { status } => Failure::Denied { status, reason },
                    Verdict::Granted { .. } => Failure::Peer(PeerError::AccessDenied),
                };
                handshake.link.handle_auth(verdict).map_err(|error| match error {
                    PeerError::AccessDenied => denied,
                    error => Failure::Peer(error),
                })
            }
        };
        handshake.inquiry = None;
        match result {
            Ok(()) => self.drive_handshake(token),
            Err(failure) => self.continue_handshake(token, Err(failure)),
        }
    }
}

/// Asks whoever is there to decide about the peer of `conn`.
fn inquire(conn: &Conn, question: &AuthRequest, desk: &Arc<Desk>, token: u64) -> Option<Inquiry> {
    let security = &conn.options.security;
    let address = conn.stream.peer_address();
    let routing_id: &Bytes = &conn.options.routing_id;
    if asks_handler(security) {
        let asker = Asker { domain: &security.zap_domain, address: &address, routing_id };
        let inquiry = conn.owner.access.ask_handler(zap::request(asker, question), desk, token);
        if inquiry.is_some() {
            return inquiry;
        }
    }
    let request = AccessRequest::new(&security.zap_domain, &address, routing_id, question)?;
    conn.owner.access.ask_authenticator(request, desk, token)
}
