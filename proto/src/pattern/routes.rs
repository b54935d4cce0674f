//! Which peer has which routing id (ROUTER, STREAM).
//!
//! Invariant: `by_id` maps an id to a pipe exactly if that pipe can be written to and has that id, so an id
//! names at most one peer and a message never reaches the former owner's successor by accident. A pipe keeps its
//! id for labelling what it still has to deliver after its output ended.

use super::keyed_hash::KeyedHash;
use super::{PipeId, RefusedPeer};
use crate::Frame;
use std::collections::HashMap;

/// The routing table.
#[derive(Debug)]
pub(super) struct Routes {
    by_id: HashMap<Box<[u8]>, PipeId, KeyedHash>,
    peers: Vec<Option<Peer>>,
    next_auto: u32,
}

/// One pipe's entry.
#[derive(Debug)]
struct Peer {
    id: Option<(Frame, GivenBy)>,
    /// Whether it can be written to.
    open: bool,
}

/// Who chose a routing id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GivenBy {
    /// This socket, out of its counter.
    Counter,
    /// The application (`ZMQ_CONNECT_ROUTING_ID`).
    Application,
    /// The peer, in its handshake.
    Peer,
}

impl Routes {
    /// Longest routing id, in bytes (`ZMQ_ROUTING_ID`).
    pub const ID_MAX: usize = 255;

    pub fn new(seed: u64) -> Routes {
        Routes {
            by_id: HashMap::with_hasher(KeyedHash::new(seed)),
            peers: Vec::new(),
            next_auto: (seed >> 32) as u32,
        }
    }

    /// Adds a pipe, nameless unless the application chose an id.
    pub fn attach(&mut self, pipe: PipeId, id: Option<&[u8]>) -> Result<(), RefusedPeer> {
        let index = pipe.0 as usize;
        if self.peers.len() <= index {
            self.peers.resize_with(index + 1, || None);
        }
        self.remove(pipe);
        self.peers[index] = Some(Peer { id: None, open: true });
        let Some(id) = id else { return Ok(()) };
        if let Err(why) = self.check_free(id) {
            self.peers[index] = None;
            return Err(why);
        }
        self.assign(pipe, Frame::from(id), GivenBy::Application);
        Ok(())
    }

    /// Gives `pipe` the id that its peer announced; who announced none, or one of the form that is ours to give, gets an id
    /// of ours. What the application chose stays. With `handover` a peer's id in use is taken from its owner, who is returned.
    pub fn announce(
        &mut self,
        pipe: PipeId,
        id: &[u8],
        handover: bool,
    ) -> Result<Option<PipeId>, RefusedPeer> {
        let Some(peer) = self.peer(pipe) else { return Ok(None) };
        let id = if is_ours_to_give(id) { &[] } else { id };
        match &peer.id {
            Some((_, GivenBy::Application)) => return Ok(None),
            Some((_, GivenBy::Counter)) if id.is_empty() => return Ok(None),
            Some((old, GivenBy::Peer)) if *old == *id => return Ok(None),
            _ if id.is_empty() => self.assign_auto(pipe),
            _ => return self.claim(pipe, id, handover),
        }
        Ok(None)
    }

    /// Gives `pipe` an id out of the counter, unless it has an id.
    pub fn name(&mut self, pipe: PipeId) {
        if self.peer(pipe).is_some_and(|peer| peer.id.is_none()) {
            self.assign_auto(pipe);
        }
    }

    /// The pipe to write to for `id`.
    #[inline]
    pub fn find(&self, id: &[u8]) -> Option<PipeId> {
        self.by_id.get(id).copied()
    }

    /// The id of `pipe`'s peer.
    #[inline]
    pub fn id_of(&self, pipe: PipeId) -> Option<&Frame> {
        self.peer(pipe)?.id.as_ref().map(|(id, _)| id)
    }

    /// Whether the id of `pipe`'s peer is one that it announced: its successor may announce another.
    pub fn is_named_by_peer(&self, pipe: PipeId) -> bool {
        matches!(self.peer(pipe), Some(Peer { id: Some((_, GivenBy::Peer)), .. }))
    }

    /// Every pipe that can be written to and has an id.
    pub fn open_pipes(&self) -> impl Iterator<Item = PipeId> {
        self.by_id.values().copied()
    }

    /// Nothing can be written to `pipe` any more; its id is free.
    pub fn close(&mut self, pipe: PipeId) {
        self.free_id(pipe);
        if let Some(peer) = self.peer_mut(pipe) {
            peer.open = false;
        }
    }

    /// Forgets `pipe`.
    pub fn remove(&mut self, pipe: PipeId) {
        self.free_id(pipe);
        if let Some(peer) = self.peers.get_mut(pipe.0 as usize) {
            *peer = None;
        }
    }

    fn claim(&mut self, pipe: PipeId, id: &[u8], handover: bool) -> Result<Option<PipeId>, RefusedPeer> {
        let displaced = match self.check_free(id) {
            Ok(()) => None,
            Err(why) => Some(self.owner_to_displace(id, handover).ok_or(why)?),
        };
        if let Some(old) = displaced {
            // What the old connection still delivers must not look as if it came from the new one.
            self.free_id(old);
            self.assign_auto(old);
            self.close(old);
        }
        self.assign(pipe, Frame::from(id), GivenBy::Peer);
        Ok(displaced)
    }

    /// An id that we or the application gave out is nobody's to claim.
    fn owner_to_displace(&self, id: &[u8], handover: bool) -> Option<PipeId> {
        let owner = self.find(id).filter(|_| handover)?;
        let (_, given_by) = self.peer(owner)?.id.as_ref()?;
        (*given_by == GivenBy::Peer).then_some(owner)
    }

    fn check_free(&self, id: &[u8]) -> Result<(), RefusedPeer> {
        if id.is_empty() || id.len() > Self::ID_MAX {
            return Err(RefusedPeer::InvalidRoutingId);
        }
        if self.by_id.contains_key(id) {
            return Err(RefusedPeer::DuplicateRoutingId);
        }
        Ok(())
    }

    /// A zero and four bytes that count up from a random start. The application may have chosen such an id, too: those are
    /// skipped.
    fn assign_auto(&mut self, pipe: PipeId) {
        loop {
            let [a, b, c, d] = self.next_auto.to_be_bytes();
            self.next_auto = self.next_auto.wrapping_add(1);
            let id = [0, a, b, c, d];
            if !self.by_id.contains_key(&id[..]) {
                return self.assign(pipe, Frame::from(id), GivenBy::Counter);
            }
        }
    }

    fn assign(&mut self, pipe: PipeId, id: Frame, given_by: GivenBy) {
        self.free_id(pipe);
        let Some(peer) = self.peer_mut(pipe) else { return };
        let route = peer.open.then(|| Box::from(id.as_bytes()));
        peer.id = Some((id, given_by));
        if let Some(route) = route {
            self.by_id.insert(route, pipe);
        }
    }

    /// Takes the route of `pipe`'s id out of the table.
    fn free_id(&mut self, pipe: PipeId) {
        if let Some(Some(peer)) = self.peers.get(pipe.0 as usize)
            && peer.open
            && let Some((id, _)) = &peer.id
        {
            self.by_id.remove(id.as_bytes());
        }
    }

    fn peer(&self, pipe: PipeId) -> Option<&Peer> {
        self.peers.get(pipe.0 as usize)?.as_ref()
    }

    fn peer_mut(&mut self, pipe: PipeId) -> Option<&mut Peer> {
        self.peers.get_mut(pipe.0 as usize)?.as_mut()
    }
}

/// Whether an id has the form of those that [`Routes`] gives out. No peer may choose one, or it could get the answers that are
/// meant for a nameless peer that has left. libzmq reserves every id that begins with a zero (zmq_setsockopt(3)), and
/// keeps to none of it; so do we, for all others (test `ids_that_begin_with_zero_are_kept_as_libzmq_keeps_them`).
fn is_ours_to_give(id: &[u8]) -> bool {
    matches!(id, [0, _, _, _, _])
}
