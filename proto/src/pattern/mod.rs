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
//! 4. [`Pattern::reconnecting`] when a connecting pipe loses its peer and waits, with its queue, for the next.
//! 5. [`Pattern::detach_out`] as soon as nothing can be written to the pipe any more, then
//!    [`Pattern::detach`] when its last message has been read. The id may be used anew after that.
//!
//! A method that is told of a pipe it does not know (never attached, or refused) does nothing.
//!
//! Parts: the engine collects a message's parts. On the first it asks [`Pattern::may_start_send`], on the last it
//! calls [`Pattern::send_committed`], which cannot be refused for want of room.

mod balance;
mod behaviour;
mod dealer;
mod entry;
mod fair;
mod fanout;
mod interest;
mod keyed_hash;
mod notices;
mod options;
mod pair;
mod pipe_set;
mod pull;
mod push;
mod radix;
mod rep;
mod req;
mod rota;
mod router;
mod routes;
mod salute;
mod stream;
mod subscriptions;
#[cfg(test)]
mod testing;
mod topics;
mod verdict;
mod xpub;
mod xsub;

use crate::{Frame, Message, SocketType};
use behaviour::Behaviour;
use verdict::Admission;

pub use crate::loss::{Discarded, Dropped};
pub use dealer::Dealer;
pub use entry::Entry;
pub use options::PatternOptions;
pub use pair::Pair;
pub use pull::Pull;
pub use push::Push;
pub use rep::Rep;
pub use req::Req;
pub use router::Router;
pub use stream::Stream;
pub use verdict::{Attach, Attached, Closing, Refusal, RefusedPeer};
pub use xpub::XPub;
pub use xsub::XSub;

/// Names a pipe; small numbers, used anew after [`Pattern::detach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId(pub u32);

/// All that a pattern sees of the world.
pub trait Pipes {
    /// Puts the next message that arrived on `pipe` into `into`; `false`, and `into` as it was, if there is none now.
    ///
    /// Messages are handed over by reference, here and in [`write`](Self::write): each is a value of 80 bytes, and moving
    /// one through every layer costs more than all the rest of a short message's way.
    fn read(&mut self, pipe: PipeId, into: &mut Message) -> bool;
    /// Whether `pipe` would take a message now (its high-water mark is not reached).
    fn room(&mut self, pipe: PipeId) -> bool;
    /// Queues `message` on `pipe`, and may leave anything in its place. Never refuses: a pattern asks
    /// [`room`](Self::room) first, or means to exceed it.
    fn write(&mut self, pipe: PipeId, message: &mut Message);
    /// The same for a message that goes to several pipes, and is left as it is.
    fn write_shared(&mut self, pipe: PipeId, message: &Message);
    /// As [`write`](Self::write) for a message in an envelope: the parts `envelope` and an empty part go before it (RFC 28).
    fn write_enveloped(&mut self, pipe: PipeId, envelope: &[Frame], message: &mut Message) {
        message.put_in_envelope(envelope);
        self.write(pipe, message);
    }
    /// As [`read`](Self::read), and takes the envelope off as [`Message::take_envelope`] does; says whether there was one.
    fn read_enveloped(
        &mut self,
        pipe: PipeId,
        envelope: &mut Vec<Frame>,
        into: &mut Message,
    ) -> Option<bool> {
        self.read(pipe, into).then(|| into.take_envelope(envelope))
    }

    /// A message will be written to `pipe` soon, after some to others. Nothing needs to be done about it.
    fn expect_write(&mut self, _pipe: PipeId) {}

    /// What marks messages as delivered by the peer at `pipe` ([`Frame::origin`]), for notices about it; 0 if nothing does.
    fn origin(&mut self, _pipe: PipeId) -> u64 {
        0
    }
    /// Tells the peer at `pipe` that `topic` is wanted (`true`) or not any more; exempt from the high-water mark.
    fn subscribe(&mut self, pipe: PipeId, topic: &[u8], wanted: bool);
    /// What this socket wants from its peers is about to change: `topic` is, from now on, in the set or not. Told
    /// before each change that [`subscribe`](Self::subscribe) tells the peers, also one that leaves the set as it is.
    /// Whoever backs the pipes replays the set to peers that come later.
    fn upstream(&mut self, topic: &[u8], wanted: bool);
    /// Whether `pipe` keeps the newest message only (`ZMQ_CONFLATE`).
    fn conflates(&mut self, pipe: PipeId) -> bool;
    /// Closes `pipe`'s connection.
    fn close(&mut self, pipe: PipeId, why: Closing);
    /// Notes that a message meant for `pipe` (or for nobody) was dropped, and why.
    fn dropped(&mut self, pipe: Option<PipeId>, why: Dropped);
    /// Notes that a message that had come from `pipe` (or from the socket itself) was discarded, and why.
    fn discarded(&mut self, pipe: Option<PipeId>, why: Discarded);
    /// Notes `count` messages that began or ended otherwise than by being sent, received or lost.
    fn tally(&mut self, _entry: Entry, _count: usize) {}
}

/// Most messages thrown away from one pipe that is over; a high-water mark keeps it far below.
const UNHEARD_MAX: usize = 1 << 20;

/// Reads out a pipe whose input nobody will ever take, so that the engine finds it empty and lets it go.
fn discard_input<P: Pipes>(pipes: &mut P, pipe: PipeId, why: Discarded) {
    let mut unheard = Message::new();
    for _ in 0..UNHEARD_MAX {
        if !pipes.read(pipe, &mut unheard) {
            return;
        }
        pipes.discarded(Some(pipe), why);
    }
}

/// The state of one socket; the variant is its type.
#[derive(Debug)]
pub enum Pattern {
    /// Exclusive pair.
    Pair(Pair),
    /// Publisher.
    Pub(XPub),
    /// Subscriber.
    Sub(XSub),
    /// Client of request–reply.
    Req(Req),
    /// Server of request–reply.
    Rep(Rep),
    /// Round-robin out, fair-queued in.
    Dealer(Dealer),
    /// Addresses peers by routing id.
    Router(Router),
    /// Receiving end of a pipeline.
    Pull(Pull),
    /// Sending end of a pipeline.
    Push(Push),
    /// Publisher that sees its subscriptions as messages.
    XPub(XPub),
    /// Subscriber that sends its subscriptions as messages.
    XSub(XSub),
    /// Raw TCP.
    Stream(Stream),
}

/// Hands a call to the socket type that `$pattern` is.
macro_rules! each {
    ($pattern:expr, $socket:ident => $call:expr) => {
        match $pattern {
            Pattern::Pair($socket) => $call,
            Pattern::Pub($socket) | Pattern::XPub($socket) => $call,
            Pattern::Sub($socket) | Pattern::XSub($socket) => $call,
            Pattern::Req($socket) => $call,
            Pattern::Rep($socket) => $call,
            Pattern::Dealer($socket) => $call,
            Pattern::Router($socket) => $call,
            Pattern::Pull($socket) => $call,
            Pattern::Push($socket) => $call,
            Pattern::Stream($socket) => $call,
        }
    };
}

impl Pattern {
    /// The state of a new socket. `seed` is random: routing ids, request ids and hash keys come out of it.
    #[must_use]
    pub fn new(kind: SocketType, options: PatternOptions, seed: u64) -> Pattern {
        let mut pattern = match kind {
            SocketType::Pair => Pattern::Pair(Pair::default()),
            SocketType::Req => Pattern::Req(Req::new(seed)),
            SocketType::Rep => Pattern::Rep(Rep::default()),
            SocketType::Dealer => Pattern::Dealer(Dealer::default()),
            SocketType::Router => Pattern::Router(Router::new(seed)),
            SocketType::Pull => Pattern::Pull(Pull::default()),
            SocketType::Push => Pattern::Push(Push::default()),
            SocketType::Stream => Pattern::Stream(Stream::new(seed)),
            SocketType::Pub => Pattern::Pub(XPub::new(false, seed)),
            SocketType::XPub => Pattern::XPub(XPub::new(true, seed)),
            SocketType::Sub => Pattern::Sub(XSub::new(true, seed)),
            SocketType::XSub => Pattern::XSub(XSub::new(false, seed)),
        };
        pattern.configure(&options);
        pattern
    }

    /// Takes over options; they may change at any time and act from the next call on.
    pub fn configure(&mut self, options: &PatternOptions) {
        each!(self, socket => socket.configure(options));
    }

    /// A pipe to a peer begins to exist. If it is refused, it has been asked to close and is forgotten.
    pub fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, how: Attach) -> Attached {
        each!(self, socket => socket.attach(pipes, pipe, how))
    }

    /// A handshake on `pipe` was finished and told the peer's routing id (empty if it has none). For
    /// STREAM and raw ROUTER sockets: the connection is established. To be called for every socket type.
    pub fn identify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, routing_id: &[u8]) -> Attached {
        each!(self, socket => socket.identify(pipes, pipe, routing_id))
    }

    /// The routing id by which ROUTER or STREAM know the peer at `pipe`.
    #[must_use]
    pub fn routing_id_of(&self, pipe: PipeId) -> Option<&[u8]> {
        each!(self, socket => socket.routing_id_of(pipe))
    }

    /// There may be messages to read on `pipe` again.
    #[inline]
    pub fn readable(&mut self, pipe: PipeId) {
        each!(self, socket => socket.readable(pipe));
    }

    /// There may be room on `pipe` again.
    #[inline]
    pub fn writable(&mut self, pipe: PipeId) {
        each!(self, socket => socket.writable(pipe));
    }

    /// The number of the request whose reply a REQ socket waits for.
    #[must_use]
    pub fn open_request(&self) -> Option<u32> {
        match self {
            Pattern::Req(req) => req.open_request(),
            _ => None,
        }
    }

    /// A REQ socket stops waiting for the reply to request `number`, if that is the one it waits for, and may send another.
    /// Says which pipe was asked, if it is known. With `ZMQ_REQ_CORRELATE` the reply is dropped should it come.
    pub fn abandon_request(&mut self, number: u32) -> Option<Option<PipeId>> {
        match self {
            Pattern::Req(req) => req.abandon_request(number),
            _ => None,
        }
    }

    /// Nothing can be written to `pipe` any more; what it holds may still be read.
    pub fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        each!(self, socket => socket.detach_out(pipes, pipe));
    }

    /// `pipe` is gone, or about to be: what it still holds may be read during this call, never after.
    pub fn detach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        each!(self, socket => { socket.detach_out(pipes, pipe); socket.detach(pipes, pipe) });
    }

    /// A connecting pipe lost the peer with which a handshake had been finished; it keeps its queue and its place.
    pub fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        each!(self, socket => socket.reconnecting(pipes, pipe));
    }

    /// The peer at `pipe` wants `topic`, or does not want it any more (PUB, XPUB; others ignore it).
    pub fn subscription<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, topic: &[u8], wanted: bool) {
        each!(self, socket => socket.subscription(pipes, pipe, topic, wanted));
    }

    /// `ZMQ_SUBSCRIBE`: of a SUB its own wish; of a PUB or XPUB with `ZMQ_XPUB_MANUAL` a subscription of the peer
    /// whose request was received last.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for other sockets.
    pub fn subscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8]) -> Result<(), Refusal> {
        each!(self, socket => socket.set_topic(pipes, topic, true))
    }

    /// `ZMQ_UNSUBSCRIBE`, the reverse of [`subscribe`](Self::subscribe). Of an unknown topic it does nothing.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for sockets that cannot subscribe.
    pub fn unsubscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8]) -> Result<(), Refusal> {
        each!(self, socket => socket.set_topic(pipes, topic, false))
    }

    /// Sends a message to whom it concerns; once it is admitted, `message` may hold anything.
    ///
    /// # Errors
    /// Why it was not admitted; then it is untouched.
    #[inline(always)]
    pub fn send<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message) -> Result<(), Refusal> {
        each!(self, socket => socket.send(pipes, message, Admission::IfRoom))
    }

    /// Whether a message that begins with `first` would be admitted now.
    ///
    /// # Errors
    /// Why not.
    pub fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        each!(self, socket => socket.may_start_send(pipes, first))
    }

    /// Sends a message whose first part was admitted by [`may_start_send`](Self::may_start_send): it exceeds
    /// the high-water mark if it must, or is counted as dropped if its peer is gone.
    ///
    /// # Errors
    /// As [`send`](Self::send), but never [`Refusal::WouldBlock`] or [`Refusal::Unroutable`].
    pub fn send_committed<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message) -> Result<(), Refusal> {
        each!(self, socket => socket.send(pipes, message, Admission::Committed))
    }

    /// Sends for somebody who only passes messages on, and can tell nobody that one was refused: what a ROUTER cannot route, or
    /// has no room for, is counted as dropped, as without `ZMQ_ROUTER_MANDATORY`.
    ///
    /// # Errors
    /// As [`send`](Self::send), but never [`Refusal::Unroutable`].
    pub fn send_or_drop<P: Pipes>(&mut self, pipes: &mut P, message: &mut Message) -> Result<(), Refusal> {
        match self {
            Pattern::Router(router) => router.send(pipes, message, Admission::OrDropped),
            _ => self.send(pipes, message),
        }
    }

    /// Puts the next message for the application into `into`, which is of no use after an error.
    ///
    /// # Errors
    /// [`Refusal::WouldBlock`] if there is none, and what the type's state forbids.
    #[inline(always)]
    pub fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        each!(self, socket => socket.recv(pipes, into))
    }

    /// Whether [`recv`](Self::recv) would give a message now (`ZMQ_POLLIN`). May take one message out of its pipe and keep it.
    pub fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        each!(self, socket => socket.can_recv(pipes))
    }

    /// Whether `ZMQ_POLLOUT` is to be reported; as libzmq, always for PUB, XPUB, XSUB, STREAM, and ROUTER unless mandatory.
    pub fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        each!(self, socket => socket.can_send(pipes))
    }

    /// Whether a message for the peer with this routing id would be taken now (`zmq_socket_get_peer_state`). ROUTER only;
    /// for another type it is not supported.
    ///
    /// # Errors
    /// [`Refusal::Unroutable`]: no peer has it. [`Refusal::NotSupported`]: this type does not route.
    pub fn has_room_for<P: Pipes>(&self, pipes: &mut P, routing_id: &[u8]) -> Result<bool, Refusal> {
        each!(self, socket => socket.has_room_for(pipes, routing_id))
    }

    /// How many peers a message that begins with `topic` would be sent to, if they had room; none for types without subscribers.
    pub fn subscribers(&mut self, topic: &[u8]) -> usize {
        match self {
            Pattern::Pub(xpub) | Pattern::XPub(xpub) => xpub.subscribers(topic),
            _ => 0,
        }
    }

    /// `ZMQ_TOPICS_COUNT`: number of distinct topics subscribed to, here or by peers.
    #[must_use]
    pub fn topics_count(&self) -> usize {
        each!(self, socket => socket.topics_count())
    }

    /// The distinct topics that peers of a SUB or XSUB are to know, in no particular order; nothing for other types. The engine tells
    /// them to a pipe when it is attached and on each reconnection; changes in between go through [`Pipes::subscribe`].
    pub fn topics(&self) -> impl Iterator<Item = &[u8]> {
        match self {
            Pattern::Sub(sub) | Pattern::XSub(sub) => Some(sub.topics()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// Whether a receive could use input now. While it is `false`, the engine need not wait for input.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        each!(self, socket => socket.wants_input())
    }

    /// Messages that were taken out of their pipes, or that the socket itself made, and that no [`recv`](Self::recv) has given yet.
    #[must_use]
    pub fn held(&self) -> usize {
        each!(self, socket => socket.held())
    }

    /// The pipe that the message came from which the last [`recv`](Self::recv) gave, or a poll took out since.
    #[must_use]
    pub fn last_source(&self) -> Option<PipeId> {
        each!(self, socket => socket.last_source())
    }

    /// The pipe that every message goes to as long as no pipe comes, goes or runs out of room: the engine may write there
    /// without asking [`send`](Self::send).
    #[must_use]
    pub fn only_outlet(&self) -> Option<PipeId> {
        each!(self, socket => socket.only_outlet())
    }

    /// Whether every message goes to every pipe as long as no pipe comes, goes or runs out of room, and none of the other methods is
    /// called: the engine may write there without asking [`send`](Self::send).
    #[must_use]
    pub fn sends_to_all(&self) -> bool {
        each!(self, socket => socket.sends_to_all())
    }

    /// The pipe that every message comes from as it is, as long as no pipe comes, goes or is found empty, and none of the other
    /// methods is called: the engine may read there without asking [`recv`](Self::recv).
    #[must_use]
    pub fn only_inlet(&self) -> Option<PipeId> {
        each!(self, socket => socket.only_inlet())
    }

    /// With how many parts a message is complete whatever the application says: 2 for raw connections, whose
    /// senders set `ZMQ_SNDMORE` on both parts and mean neither to continue.
    #[must_use]
    pub fn parts_limit(&self) -> Option<usize> {
        match self {
            Pattern::Stream(_) => Some(2),
            Pattern::Router(router) if router.is_raw() => Some(2),
            _ => None,
        }
    }
}
