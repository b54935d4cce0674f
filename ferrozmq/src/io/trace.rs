//! Monitor events as events of `tracing`, for programs that log by it: target `ferrozmq`, a warning where something went wrong.

use super::events::{EventKind, Parties};

/// Tells whoever listens; on the thread that saw it, so listeners should be quick.
pub(super) fn tell(kind: EventKind, value: u64, parties: Parties<'_>, reason: Option<&str>) {
    let Parties { local, remote, .. } = parties;
    let event = kind.name();
    match kind {
        EventKind::HandshakeFailedNoDetail
        | EventKind::HandshakeFailedProtocol
        | EventKind::HandshakeFailedAuth
        | EventKind::AcceptFailed
        | EventKind::BindFailed => {
            tracing::warn!(target: "ferrozmq", event, value, local, remote, reason);
        }
        _ => tracing::debug!(target: "ferrozmq", event, value, local, remote, reason),
    }
}
