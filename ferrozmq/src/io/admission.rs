//! The part of a handshake in which somebody else decides: when to ask, whom, and what a refusal looks like.
//!
//! As in libzmq, NULL asks where a ZAP domain is set, PLAIN's server always, and CURVE's server unless domains are enforced and
//! it has none. Nobody to ask is a refusal for PLAIN, and for the others where domains are enforced. A handler that
//! goes away with the question leaves the handshake to its deadline.

use crate::PeerError;
use crate::io::connection::Conn;
use crate::io::events::EventKind;
use crate::io::thread::Io;
use crate::pipe::inproc::Told;
use bytes::Bytes;
use ferrozmq_proto::mechanism::{AuthRequest, Mechanism, MechanismConfig, Verdict};
use ferrozmq_proto::option::Security;
use ferrozmq_proto::zap::{self, Asker, ReplyFault};
use std::io;
use std::sync::Arc;

/// Why a handshake failed.
pub(super) enum Failure {
    /// The peer broke the protocol, or refused us.
    Peer(PeerError),
    /// The connection failed.
    Io(io::Error),
    /// The ZAP handler refused the peer.
    Denied { status: u16 },
    /// The ZAP handler's answer is none.
    Reply(ReplyFault),
    /// There is no ZAP handler.
    NoHandler,
}

impl Failure {
    /// The event that tells of it, as libzmq's would, its value, and what happened in words. `refusal` is what the peer said.
    pub(super) fn event(&self, refusal: Option<&[u8]>) -> (EventKind, u64, String) {
        match self {
            Failure::Peer(error) => peer_fault(*error, refusal),
            Failure::Io(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EPIPE);
                (EventKind::HandshakeFailedNoDetail, errno as u64, error.to_string())
            }
            Failure::Denied { status } => {
                let text = format!("access control refused the peer with status {status}");
                (EventKind::HandshakeFailedAuth, (*status).into(), text)
            }
            Failure::Reply(fault) => {
                (EventKind::HandshakeFailedProtocol, fault.protocol_code().into(), fault.to_string())
            }
            Failure::NoHandler => {
                let text =
                    "access control is required, and no ZAP handler is bound at inproc://zeromq.zap.01";
                (EventKind::HandshakeFailedNoDetail, libc::EFAULT as u64, text.to_owned())
            }
        }
    }
}

fn peer_fault(error: PeerError, refusal: Option<&[u8]>) -> (EventKind, u64, String) {
    if let Some(status) = refusal.and_then(zap::refused_status) {
        let text = format!("the peer's access control refused us with status {status}");
        return (EventKind::HandshakeFailedAuth, status.into(), text);
    }
    let text = match refusal {
        Some(why) => format!("{error}: {}", String::from_utf8_lossy(why)),
        None => error.to_string(),
    };
    match error.protocol_code() {
        Some(code) => (EventKind::HandshakeFailedProtocol, code.into(), text),
        None => (EventKind::HandshakeFailedNoDetail, libc::EPROTO as u64, text),
    }
}

/// Whether somebody must agree to each peer of a socket with these options.
pub(super) fn must_ask(security: &Security) -> bool {
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
        let told = Told::Handshake(Arc::clone(self.handle.desk()), token);
        let Some(conn) = self.conns.get_mut(&token) else { return Ok(()) };
        let request = request(conn, question);
        let inquiry = conn.owner.access.ask(request, told);
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
            Some(Ok(verdict)) => {
                let denied = match verdict {
                    Verdict::Denied { status } => Failure::Denied { status },
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

fn request(conn: &Conn, question: &AuthRequest) -> crate::Message {
    let address = conn.stream.peer_address();
    let routing_id: &Bytes = &conn.options.routing_id;
    let asker = Asker { domain: &conn.options.security.zap_domain, address: &address, routing_id };
    zap::request(asker, question)
}
