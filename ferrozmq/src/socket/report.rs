//! Reports: what sockets and contexts have counted, with names, and as JSON.
//!
//! The JSON form is stable. Its `version` is [`REPORT_VERSION`]; members may be added under the same version, and a
//! reader ignores those that it does not know. `docs/statistics.md` is its table.

use super::Socket;
use super::handle::SocketState;
use super::json::Json;
use super::stats::{GonePeer, PeerStats};
use crate::context::Context;
use crate::pipe::ledger::{Books, SocketStats};
use crate::sys::clock;
use crate::{PeerInfo, SocketType};
use std::sync::Arc;

/// The version of the JSON form of reports.
pub const REPORT_VERSION: u32 = 1;

/// An endpoint of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointReport {
    /// As [`Socket::last_endpoint`] told it.
    pub endpoint: String,
    /// Whether it was bound, or connected.
    pub bound: bool,
}

/// One socket: what it is, what it has counted, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketReport {
    /// Its number, which no other socket of this process has or will have.
    pub id: u64,
    /// Its type.
    pub socket_type: SocketType,
    /// The mechanism that its next connections speak, as its options are now: `NULL`, `PLAIN` or `CURVE`. What a peer's connection
    /// speaks is told with the peer.
    pub mechanism: &'static str,
    /// Its high-water mark for each peer on the way out; 0 is none.
    pub sndhwm: u32,
    /// The same on the way in.
    pub rcvhwm: u32,
    /// Where it is bound and connected.
    pub endpoints: Vec<EndpointReport>,
    /// What it has counted in all.
    pub stats: SocketStats,
    /// What it has counted for each peer that it has.
    pub peers: Vec<PeerStats>,
    /// The last peers that went and took messages along, the latest first.
    pub gone: Vec<GonePeer>,
}

/// A context: all that was ever counted in it, and its sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContextStats {
    /// What all its sockets have counted, closed ones included.
    pub totals: SocketStats,
    /// The sockets that are not closed.
    pub sockets: Vec<SocketReport>,
}

impl Socket {
    /// The socket with its peers and all that it has counted.
    #[must_use]
    pub fn report(&self) -> SocketReport {
        self.state().report()
    }
}

impl Context {
    /// What the context's sockets have counted: those that are open one by one, and all that there ever were together.
    ///
    /// ```
    /// use ferrozmq::{Context, SocketType};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// context.socket(SocketType::Pub)?.send("nobody is there")?;
    /// let stats = context.stats();
    /// assert_eq!((stats.totals.sent, stats.totals.dropped.no_peer), (1, 1));
    /// assert!(stats.sockets.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> ContextStats {
        context_stats(self.live_sockets().into_iter(), self.books())
    }
}

/// What these sockets have counted, and those that are gone.
pub(super) fn context_stats(all: impl Iterator<Item = Arc<SocketState>>, books: &Books) -> ContextStats {
    let mut totals = SocketStats::default();
    let mut sockets = Vec::new();
    // Held until the books are read: a pipe is counted in its socket, or has entered itself there.
    let mut pipes = Vec::new();
    for socket in all {
        if let Some(live) = socket.live_stats(&mut pipes) {
            totals += &live;
            sockets.push(socket.report());
        }
    }
    totals += &books.past();
    ContextStats { totals, sockets }
}

impl SocketState {
    pub(crate) fn report(&self) -> SocketReport {
        let (mechanism, sndhwm, rcvhwm, endpoints) = self.particulars();
        SocketReport {
            id: self.number(),
            socket_type: self.kind(),
            mechanism: mechanism.name(),
            sndhwm,
            rcvhwm,
            endpoints,
            stats: self.stats(),
            peers: self.peer_stats(),
            gone: self.gone_peers(),
        }
    }
}

impl SocketReport {
    /// The report as JSON: one object, in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.number("version", REPORT_VERSION);
            self.write(json);
        });
        json.into_text()
    }

    fn write(&self, json: &mut Json) {
        json.number("id", self.id);
        json.text("type", self.socket_type.name());
        json.text("mechanism", self.mechanism);
        json.number("sndhwm", self.sndhwm);
        json.number("rcvhwm", self.rcvhwm);
        json.list("endpoints", &self.endpoints, |json, endpoint| {
            json.text("endpoint", &endpoint.endpoint);
            json.truth("bound", endpoint.bound);
        });
        json.member("stats", |json| write_stats(json, &self.stats));
        let state = |peer: &PeerStats| if peer.connected { "ready" } else { "waiting" };
        json.list("peers", &self.peers, |json, peer| write_peer(json, peer, state(peer), self.mechanism));
        json.list("gone", &self.gone, |json, gone| {
            write_peer(json, &gone.stats, "gone", self.mechanism);
            json.number("ago_us", gone.ago.as_micros());
        });
    }
}

impl ContextStats {
    /// The same as JSON: one object, in one line, with the process and the time of day.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.number("version", REPORT_VERSION);
            json.number("pid", std::process::id());
            json.number("time_us", clock::since_epoch().as_micros());
            json.member("totals", |json| write_stats(json, &self.totals));
            json.list("sockets", &self.sockets, |json, socket| socket.write(json));
        });
        json.into_text()
    }
}

/// Members that a socket and each of its peers have: what has become of messages on their way out.
macro_rules! write_outgoing {
    ($json:ident, $of:ident) => {
        $json.number("left", $of.left);
        $json.number("left_bytes", $of.left_bytes);
        $json.number("in_doubt", $of.in_doubt);
        $json.number("queued_out", $of.queued_out);
        $json.number("queued_out_bytes", $of.queued_out_bytes);
        $json.member("dropped", |json| $of.dropped.iter().for_each(|(name, count)| json.number(name, count)));
    };
}

/// The same on the way in.
macro_rules! write_incoming {
    ($json:ident, $of:ident) => {
        $json.number("arrived", $of.arrived);
        $json.number("arrived_bytes", $of.arrived_bytes);
        $json.number("queued_in", $of.queued_in);
        $json.number("queued_in_bytes", $of.queued_in_bytes);
        $json.member("discarded", |json| {
            $of.discarded.iter().for_each(|(name, count)| json.number(name, count))
        });
    };
}

fn write_stats(json: &mut Json, stats: &SocketStats) {
    json.number("sent", stats.sent);
    json.number("added", stats.added);
    json.number("commands", stats.commands);
    write_outgoing!(json, stats);
    json.number("received", stats.received);
    json.number("noticed", stats.noticed);
    json.number("consumed", stats.consumed);
    write_incoming!(json, stats);
    json.number("peers", stats.peers);
    json.number("reconnects", stats.reconnects);
    json.number("handshake_failures", stats.handshake_failures);
    json.number("peers_refused", stats.peers_refused);
}

fn write_peer(json: &mut Json, peer: &PeerStats, state: &str, mechanism: &str) {
    json.number("id", peer.id);
    json.text("state", state);
    json.text("endpoint", &peer.endpoint);
    json.text("mechanism", peer.peer.as_ref().map_or(mechanism, |peer| peer.mechanism));
    write_identity(json, peer.peer.as_ref());
    write_outgoing!(json, peer);
    write_incoming!(json, peer);
    json.number("reconnects", peer.reconnects);
    match peer.round_trip {
        Some(time) => json.number("round_trip_us", time.as_micros()),
        None => json.null("round_trip_us"),
    }
}

fn write_identity(json: &mut Json, peer: Option<&Arc<PeerInfo>>) {
    json.text("address", peer.map_or("", |peer| &peer.address));
    json.text("peer_type", peer.and_then(|peer| peer.socket_type).map_or("", SocketType::name));
    let routing_id =
        peer.map(|peer| peer.routing_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    json.text("routing_id_hex", &routing_id.unwrap_or_default());
    match peer.and_then(|peer| peer.user_id.as_deref()) {
        Some(user) => json.text("user_id", user),
        None => json.null("user_id"),
    }
}
