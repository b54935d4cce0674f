//! What a socket has counted for each of its peers.
//!
//! Everything here is counted where it happens anyway; asking costs, counting does not.

use super::Socket;
use super::core::Core;
use super::endpoints::BoundEndpoint;
use super::ends::{DROP_REASONS, DROPS, End};
use super::handle::SocketState;
use crate::peer::PeerInfo;
use ferrozmq_proto::pattern::Dropped;
use std::sync::Arc;

/// What a socket has counted for one peer. A peer that it connects to stays the same one over all its connections.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PeerStats {
    /// What the handshake told; `None` before the first one, and over inproc.
    pub peer: Option<Arc<PeerInfo>>,
    /// The endpoint that was connected, or to which the peer came; empty if it is not known any more, and at the bound
    /// end of an inproc pipe.
    pub endpoint: String,
    /// Whether the peer is there now.
    pub connected: bool,
    /// Messages that have left wholly: for the kernel, or over inproc for the peer.
    pub sent: u64,
    /// Messages that arrived, those that wait to be received included.
    pub received: u64,
    /// Messages waiting to be sent.
    pub queued_out: usize,
    /// The same in bytes on the wire, as far as no thread is writing them just now; 0 over inproc.
    pub queued_out_bytes: usize,
    /// Messages that arrived and wait to be received.
    pub queued_in: usize,
    /// The same in bytes on the wire; 0 over inproc.
    pub queued_in_bytes: usize,
    /// Messages dropped because this peer's high-water mark was reached.
    pub dropped_hwm: u64,
    /// Messages dropped because the peer was gone.
    pub dropped_disconnected: u64,
    /// Messages from it that matched no subscription.
    pub dropped_filtered: u64,
    /// Messages from it with a malformed envelope.
    pub dropped_malformed: u64,
}

impl Socket {
    /// What the socket has counted for each peer that it has, in no particular order. What it dropped for want of a peer,
    /// and what is counted for peers that are gone, is in [`stats`](Self::stats) only.
    #[must_use]
    pub fn peer_stats(&self) -> Vec<PeerStats> {
        self.state.peer_stats()
    }
}

impl SocketState {
    fn peer_stats(&self) -> Vec<PeerStats> {
        let Ok(mut core) = self.enter() else { return Vec::new() };
        let Core { ends, endpoints, ready, .. } = &mut *core;
        let mut all = Vec::new();
        let mut pipes = Vec::new();
        for (pipe, end) in ends.iter_mut() {
            pipes.push(pipe);
            all.push(of_end(end, endpoints, |pipe| ready.contains(&pipe)));
        }
        for (stats, pipe) in all.iter_mut().zip(pipes) {
            count_drops(stats, ends.drops_of(pipe));
        }
        all
    }
}

fn of_end(end: &mut End, endpoints: &[BoundEndpoint], ready: impl Fn(u64) -> bool) -> PeerStats {
    let (queued_in, queued_out) = end.queued();
    let mut stats = PeerStats { queued_in, queued_out, ..PeerStats::default() };
    match end {
        End::Wire(end) => {
            let counts = end.pipe.counts();
            stats.peer.clone_from(&end.peer);
            stats.connected = ready(end.pipe.id());
            stats.endpoint = name_of(endpoints, |known| known.is_at(end.pipe.endpoint()));
            stats.sent = counts.sent;
            stats.received = counts.received;
            stats.queued_out_bytes = counts.queued_out_bytes;
            stats.queued_in_bytes = counts.queued_in_bytes + end.undecoded_bytes();
        }
        End::Inproc(end) => {
            stats.connected = ready(end.id());
            stats.endpoint = name_of(endpoints, |known| known.is_inproc_pipe(end.id()));
            (stats.sent, stats.received) = end.counts();
        }
    }
    stats
}

fn name_of(endpoints: &[BoundEndpoint], is_it: impl Fn(&BoundEndpoint) -> bool) -> String {
    endpoints.iter().find(|known| is_it(known)).map(|known| known.name().to_owned()).unwrap_or_default()
}

fn count_drops(stats: &mut PeerStats, drops: [u64; DROPS]) {
    for (reason, count) in DROP_REASONS.iter().zip(drops) {
        match reason {
            Dropped::HighWaterMark => stats.dropped_hwm = count,
            Dropped::Disconnected => stats.dropped_disconnected = count,
            Dropped::Filtered => stats.dropped_filtered = count,
            Dropped::Malformed => stats.dropped_malformed = count,
            // Nobody in particular was meant.
            _ => {}
        }
    }
}
