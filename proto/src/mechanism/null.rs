//! NULL (RFC 23): each side sends READY; with ZAP, only after the handler has agreed.
//!
//! ```text
//! Asking ──poll_auth──► Asked ──handle_grant──► Sending ──transmit──► Sent
//! ```
//! The exchange is over when ours was sent and the peer's has come, in either order.

use super::{AuthRequest, Mechanism};
use crate::PeerError;
use crate::zmtp::Command;
use bytes::Bytes;

/// The state of a NULL handshake.
#[derive(Debug)]
pub(crate) struct Null {
    ours: Ours,
    theirs: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
    Asking,
    Asked,
    Sending,
    Sent,
}

impl Null {
    pub(super) fn new(zap: bool) -> Null {
        Null { ours: if zap { Ours::Asking } else { Ours::Sending }, theirs: None }
    }

    pub(super) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        if self.ours == Ours::Sending {
            Command::Ready(ours).encode(out);
            self.ours = Ours::Sent;
        }
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        match Command::parse(body)? {
            Some(Command::Ready(properties)) if self.theirs.is_none() => {
                self.theirs = Some(Bytes::copy_from_slice(properties));
                Ok(())
            }
            _ => Err(PeerError::UnexpectedCommand),
        }
    }

    pub(super) fn poll_auth(&mut self) -> Option<AuthRequest> {
        if self.ours != Ours::Asking {
            return None;
        }
        self.ours = Ours::Asked;
        Some(AuthRequest { mechanism: Mechanism::Null, credentials: Vec::new() })
    }

    pub(super) fn handle_grant(&mut self) {
        if self.ours == Ours::Asked {
            self.ours = Ours::Sending;
        }
    }

    pub(super) fn wants_command(&self) -> bool {
        self.theirs.is_none()
    }

    pub(super) fn awaits(&self) -> &'static str {
        if self.ours == Ours::Asked { "answer from access control" } else { "READY" }
    }

    pub(super) fn finish(&mut self) -> Option<Bytes> {
        if self.ours == Ours::Sent { self.theirs.take() } else { None }
    }
}
