//! One socket's state: who gets the next message, whose turn it is, what a peer may do now.
//!
//! A [`Pattern`] sees the world only through [`Pipes`]: the engine backs it with arenas and rings,
//! tests with queues. It handles whole messages and knows neither threads nor time.
//!
//! The engine's side of the contract:
//!
//! 1. [`Pattern::attach`] when a pipe to a peer begins to exist: for an accepted peer after its
//!    handshake, for a connecting pipe at once (unless `ZMQ_IMMEDIATE`).
//! 2. [`Pattern::identify`] each time a handshake on that pipe tells the peer's routing id.
//! 3. [`Pattern::readable`] after `read` had said `None` and there may be messages again,
//!    [`Pattern::writable`] after `room` had said `false` and there may be room again.
//! 4. [`Pattern::detach_out`] as soon as nothing can be written to the pipe any more, then
//!    [`Pattern::detach`] when its last message has been read. The id may be used anew after that.

use crate::Message;
mod stub;
pub use stub::*;

/// Names a pipe; small numbers, used anew after [`Pattern::detach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId(pub u32);

/// All that a pattern sees of the world.
pub trait Pipes {
    /// The next message that arrived on `pipe`; `None` if there is none now.
    fn read(&mut self, pipe: PipeId) -> Option<Message>;
    /// Whether `pipe` would take a message now (its high-water mark is not reached).
    fn room(&mut self, pipe: PipeId) -> bool;
    /// Queues `message` on `pipe`. Never refuses: a pattern asks [`room`](Self::room) first, or means to exceed it.
    fn write(&mut self, pipe: PipeId, message: Message);
    /// The same for a message that goes to several pipes.
    fn write_shared(&mut self, pipe: PipeId, message: &Message);
    /// Tells the peer at `pipe` that `topic` is wanted (`true`) or not any more; exempt from the high-water mark.
    fn subscribe(&mut self, pipe: PipeId, topic: &[u8], wanted: bool);
    /// The set of topics this socket wants from its peers changed; told once for each change, before
    /// [`subscribe`](Self::subscribe) tells the peers there are. Whoever backs the pipes replays the set
    /// to peers that come later.
    fn upstream(&mut self, topic: &[u8], wanted: bool);
    /// Closes `pipe`'s connection (a second peer of a PAIR, a refused routing id, STREAM's empty message).
    fn close(&mut self, pipe: PipeId);
    /// Notes that a message meant for `pipe` (or for nobody) was dropped, and why.
    fn dropped(&mut self, pipe: Option<PipeId>, why: Dropped);
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dropped {
    /// The peer's high-water mark was reached and the pattern drops then.
    HighWaterMark,
    /// No peer to send to, and the pattern drops then.
    NoPeer,
    /// No peer has this routing id.
    Unroutable,
    /// The connection ended first.
    Disconnected,
    /// No subscription matches (at the receiver).
    Filtered,
    /// The envelope is not what the pattern demands (RFC 28).
    Malformed,
}
