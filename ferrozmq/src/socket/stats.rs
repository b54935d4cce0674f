//! What a socket has counted, in all and for each of its peers.
//!
//! Everything here is counted where it happens anyway; asking costs, counting does not.

use super::Socket;
use super::core::Core;
use super::endpoints::BoundEndpoint;
use super::ends::End;
use super::handle::SocketState;
use super::report::EndpointReport;
use crate::peer::PeerInfo;
use crate::pipe::ledger::SocketStats;
use crate::pipe::wire::WirePipe;
use crate::sys::clock;
use ferrozmq_proto::loss::{Discards, Drops};
use ferrozmq_proto::mechanism::Mechanism;
use ferrozmq_proto::pattern::PipeId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a socket has counted for one peer. A peer that it connects to stays the same one over all its connections.
///
/// What one socket counts as `left` is what the other counts as `arrived`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStats {
    /// The pipe's number, which no other of this process has or will have.
    pub id: u64,
    /// What the handshake told; `None` before the first one, and over inproc.
    pub peer: Option<Arc<PeerInfo>>,
    /// The endpoint that was connected, or to which the peer came; empty if it is not known any more, and at the bound
    /// end of an inproc pipe.
    pub endpoint: String,
    /// Whether the peer is there now.
    pub connected: bool,
    /// Messages that have left wholly: for the kernel, or over inproc for the peer.
    pub left: u64,
    /// Bytes given to the kernel, headers and commands included; over inproc bytes of bodies.
    pub left_bytes: u64,
    /// As in [`SocketStats::in_doubt`].
    pub in_doubt: u64,
    /// Messages waiting to be sent.
    pub queued_out: usize,
    /// The same in bytes on the wire, as far as no thread is writing them just now; over inproc bytes of bodies.
    pub queued_out_bytes: usize,
    /// Messages for this peer that were dropped before they left.
    pub dropped: Drops,
    /// Messages that arrived, those that wait to be received included.
    pub arrived: u64,
    /// Bytes read from the connection, headers and commands included; over inproc bytes of bodies.
    pub arrived_bytes: u64,
    /// Messages that arrived and wait to be received.
    pub queued_in: usize,
    /// The same in bytes on the wire; over inproc bytes of bodies.
    pub queued_in_bytes: usize,
    /// Messages from it that were discarded before they were received.
    pub discarded: Discards,
    /// Connections made again after they had been lost.
    pub reconnects: u64,
    /// How long it took to answer the last heartbeat (`ZMQ_HEARTBEAT_IVL`), if it has answered one over this connection.
    pub round_trip: Option<Duration>,
}

/// A peer that is gone, and took messages along: they waited for it and were dropped, or they are in doubt although heartbeats
/// are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GonePeer {
    /// What was counted for it.
    pub stats: PeerStats,
    /// How long ago it went.
    pub ago: Duration,
}

/// Of so many the socket knows; the latest.
const GONE_MAX: usize = 8;

/// The last of those that went and took messages along.
#[derive(Default)]
pub(super) struct Gone(VecDeque<(PeerStats, Instant)>);

impl Gone {
    fn note(&mut self, stats: PeerStats) {
        self.0.truncate(GONE_MAX - 1);
        self.0.push_front((stats, clock::now()));
    }

    fn all(&self) -> Vec<GonePeer> {
        let now = clock::now();
        let told = |(stats, at): &(PeerStats, Instant)| GonePeer {
            stats: stats.clone(),
            ago: now.saturating_duration_since(*at),
        };
        self.0.iter().map(told).collect()
    }
}

impl Core {
    /// The connection `pipe` is about to be forgotten.
    pub(super) fn note_gone(&mut self, pipe: PipeId) {
        let Core { ends, endpoints, options, gone, .. } = self;
        let (dropped, discarded) = ends.losses_of(pipe);
        let Some(end) = ends.end(pipe).filter(|end| matches!(end, End::Wire(_))) else { return };
        let mut stats = of_end(end, endpoints, |_| false);
        stats.dropped += dropped;
        stats.discarded += discarded;
        // Without heartbeats all that ever went to a peer is in doubt when it goes, which says nothing.
        let doubted = options.heartbeat_ivl.is_some() && stats.in_doubt > 0;
        if doubted || stats.dropped.disconnected > 0 {
            gone.note(stats);
        }
    }
}

impl Socket {
    /// What the socket has counted for each peer that it has, in no particular order. What it dropped for want of a peer,
    /// and what is counted for peers that are gone, is in [`stats`](Self::stats) only.
    #[must_use]
    pub fn peer_stats(&self) -> Vec<PeerStats> {
        self.state.peer_stats()
    }

    /// What the socket has counted so far, peers that are gone included. Of a closed socket, what it had counted, and
    /// what has become since of the messages that lingered.
    ///
    /// ```
    /// use ferrozmq::{Context, SocketType};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let publisher = context.socket(SocketType::Pub)?;
    /// publisher.bind("inproc://news")?;
    /// publisher.send("nobody is there")?;
    /// let stats = publisher.stats();
    /// assert_eq!((stats.sent, stats.dropped.no_peer), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> SocketStats {
        self.state.stats()
    }
}

impl SocketState {
    pub(crate) fn stats(&self) -> SocketStats {
        if self.is_inherited() {
            return SocketStats::default();
        }
        // Signals may tell of pipes that have counted already. A socket that takes no calls any more has none to come.
        let mut core = self.enter().unwrap_or_else(|_| self.lock());
        // Held until the ledger is read: a pipe is counted here or has entered itself there, never both or neither.
        let mut pipes = Vec::new();
        let mut all = live(&mut core, &mut pipes);
        all += &self.mailbox.ledger().past();
        all
    }

    /// What has not ended, and is not in the books of the context; `None` of a closed socket. Pipes that are counted are
    /// added to `pipes`, and enter nothing there as long as those are held.
    pub(crate) fn live_stats(&self, pipes: &mut Vec<Arc<WirePipe>>) -> Option<SocketStats> {
        if self.is_inherited() {
            return None;
        }
        let mut core = self.enter().unwrap_or_else(|_| self.lock());
        core.owner.is_some().then(|| live(&mut core, pipes))
    }

    /// Mechanism, high-water marks out and in, and endpoints.
    pub(crate) fn particulars(&self) -> (Mechanism, u32, u32, Vec<EndpointReport>) {
        if self.is_inherited() {
            return (Mechanism::Null, 0, 0, Vec::new());
        }
        let core = self.lock();
        let endpoints = core.endpoints.iter().map(BoundEndpoint::report).collect();
        (core.options.security.mechanism, core.options.sndhwm, core.options.rcvhwm, endpoints)
    }

    /// The last peers that went and took messages along, the latest first.
    pub(crate) fn gone_peers(&self) -> Vec<GonePeer> {
        self.enter().map(|core| core.gone.all()).unwrap_or_default()
    }

    pub(crate) fn peer_stats(&self) -> Vec<PeerStats> {
        let Ok(mut core) = self.enter() else { return Vec::new() };
        let Core { ends, endpoints, ready, .. } = &mut *core;
        let mut all = Vec::new();
        let mut pipes = Vec::new();
        for (pipe, end) in ends.iter_mut() {
            pipes.push(pipe);
            all.push(of_end(end, endpoints, |pipe| ready.contains(&pipe)));
        }
        for (stats, pipe) in all.iter_mut().zip(pipes) {
            let (drops, discards) = ends.losses_of(pipe);
            stats.dropped += drops;
            stats.discarded += discards;
        }
        all
    }
}

fn live(core: &mut Core, pipes: &mut Vec<Arc<WirePipe>>) -> SocketStats {
    let lingering = core.ends.lingering().filter_map(|pipe| pipe.upgrade());
    let first = pipes.len();
    pipes.extend(lingering);
    let mut all = core.ends.all_books();
    pipes[first..].iter().for_each(|pipe| all += &pipe.books());
    pipes.extend(core.ends.pipes());
    if core.owner.is_some() {
        all.queued_in += core.pattern.held();
        all.peers = core.ready.len();
    }
    all
}

fn of_end(end: &mut End, endpoints: &[BoundEndpoint], ready: impl Fn(u64) -> bool) -> PeerStats {
    let books = end.books();
    let mut stats = PeerStats {
        left: books.left,
        left_bytes: books.left_bytes,
        in_doubt: books.in_doubt,
        queued_out: books.queued_out,
        queued_out_bytes: books.queued_out_bytes,
        dropped: books.dropped,
        arrived: books.arrived,
        arrived_bytes: books.arrived_bytes,
        queued_in: books.queued_in,
        queued_in_bytes: books.queued_in_bytes,
        discarded: books.discarded,
        ..PeerStats::default()
    };
    match end {
        End::Wire(end) => {
            let (connections, round_trip) = end.pipe.liveness();
            stats.id = end.pipe.id();
            stats.peer.clone_from(&end.peer);
            stats.connected = ready(end.pipe.id());
            stats.endpoint = name_of(endpoints, |known| known.is_at(end.pipe.endpoint()));
            stats.reconnects = connections.saturating_sub(1);
            stats.round_trip = round_trip;
        }
        End::Inproc(end) => {
            stats.id = end.id();
            stats.connected = ready(end.id());
            stats.endpoint = name_of(endpoints, |known| known.is_inproc_pipe(end.id()));
        }
    }
    stats
}

fn name_of(endpoints: &[BoundEndpoint], is_it: impl Fn(&BoundEndpoint) -> bool) -> String {
    endpoints.iter().find(|known| is_it(known)).map(|known| known.name().to_owned()).unwrap_or_default()
}
