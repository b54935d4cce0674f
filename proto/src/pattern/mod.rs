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

mod active;
mod balance;
mod fair;
mod prefixes;
mod rep;
mod req;
mod router;
mod simple;
#[cfg(test)]
mod tests;
mod xpub;
mod xsub;

use crate::option::RouterNotify;
use crate::{Frame, Message, SocketType};
use bytes::Bytes;

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

/// How a pipe came to be.
#[derive(Clone, Debug, Default)]
pub struct Attach {
    /// The routing id that the application chose for the peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub routing_id: Option<Bytes>,
    /// We connected, the peer accepted.
    pub local: bool,
}

/// Whether a pattern takes a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It does.
    Accepted,
    /// It does not, for this reason: the pipe is to be closed.
    Refused(&'static str),
}

/// Why a message cannot be sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not now, perhaps later: `EAGAIN`.
    WouldBlock,
    /// No peer has the routing id: `EHOSTUNREACH`.
    Unroutable,
    /// Another call has to come first, the one this sentence names: `EFSM`.
    WrongState(&'static str),
    /// Not with this socket type: `ENOTSUP`.
    NotSupported,
    /// Not with this argument or these options: `EINVAL`.
    Invalid(&'static str),
}

/// A message that was not sent; nothing of it went anywhere.
#[derive(Debug)]
pub struct Refused {
    /// The message, as it was given.
    pub message: Message,
    /// Why.
    pub why: Refusal,
}

/// The options that patterns act on; names and defaults are libzmq's (`zmq_setsockopt(3)`).
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is documented in the table of options")]
pub struct PatternOptions {
    pub router_mandatory: bool,
    pub router_handover: bool,
    pub router_raw: bool,
    pub router_notify: RouterNotify,
    pub probe_router: bool,
    pub req_correlate: bool,
    pub req_relaxed: bool,
    pub xpub_verbose: bool,
    pub xpub_verboser: bool,
    pub xpub_nodrop: bool,
    pub xpub_manual: bool,
    pub xpub_manual_last_value: bool,
    pub xpub_welcome_msg: Option<Bytes>,
    pub invert_matching: bool,
    pub only_first_subscribe: bool,
    pub xsub_verbose_unsubscribe: bool,
    pub stream_notify: bool,
    pub hello_msg: Option<Bytes>,
    pub disconnect_msg: Option<Bytes>,
    pub hiccup_msg: Option<Bytes>,
}

/// One socket's state.
#[derive(Debug)]
pub struct Pattern {
    state: State,
    options: PatternOptions,
}

#[derive(Debug)]
enum State {
    Pair(simple::Pair),
    Push(simple::Push),
    Pull(simple::Pull),
    Dealer(simple::Dealer),
    Req(req::Req),
    Rep(rep::Rep),
    Router(router::Router),
    Stream(router::Router),
    Pub(xpub::XPub),
    XPub(xpub::XPub),
    Sub(xsub::XSub),
    XSub(xsub::XSub),
}

impl Pattern {
    /// The state of a new socket. `seed` is where made-up routing ids and request numbers begin.
    #[must_use]
    pub fn new(kind: SocketType, options: PatternOptions, seed: u64) -> Pattern {
        let state = match kind {
            SocketType::Pair => State::Pair(simple::Pair::default()),
            SocketType::Push => State::Push(simple::Push::default()),
            SocketType::Pull => State::Pull(simple::Pull::default()),
            SocketType::Dealer => State::Dealer(simple::Dealer::default()),
            SocketType::Req => State::Req(req::Req::new(seed)),
            SocketType::Rep => State::Rep(rep::Rep::default()),
            SocketType::Router => State::Router(router::Router::new(seed, false)),
            SocketType::Stream => State::Stream(router::Router::new(seed, true)),
            SocketType::Pub => State::Pub(xpub::XPub::default()),
            SocketType::XPub => State::XPub(xpub::XPub::default()),
            SocketType::Sub => State::Sub(xsub::XSub::default()),
            SocketType::XSub => State::XSub(xsub::XSub::default()),
        };
        Pattern { state, options }
    }

    /// New values of the options.
    pub fn configure(&mut self, options: &PatternOptions) {
        self.options.clone_from(options);
    }

    /// A pipe begins to exist.
    pub fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, how: Attach) -> Attached {
        let options = &self.options;
        match &mut self.state {
            State::Pair(pair) => return pair.attach(pipe),
            State::Push(push) => push.out.attach(pipe),
            State::Pull(pull) => pull.inp.attach(pipe),
            State::Dealer(dealer) => dealer.attach(pipes, pipe, options),
            State::Req(req) => req.dealer.attach(pipes, pipe, options),
            State::Rep(rep) => rep.inp.attach(pipe),
            State::Router(router) | State::Stream(router) => return router.attach(pipes, pipe, how, options),
            State::Pub(xpub) | State::XPub(xpub) => xpub.attach(pipes, pipe, options),
            State::Sub(xsub) | State::XSub(xsub) => xsub.attach(pipe),
        }
        Attached::Accepted
    }

    /// A handshake told the peer's routing id, empty if it has none.
    pub fn identify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, routing_id: &[u8]) -> Attached {
        match &mut self.state {
            State::Router(router) => router.identify(pipes, pipe, routing_id, &self.options),
            _ => Attached::Accepted,
        }
    }

    /// The routing id by which the socket addresses `pipe` (ROUTER, STREAM).
    #[must_use]
    pub fn routing_id_of(&self, pipe: PipeId) -> Option<&[u8]> {
        match &self.state {
            State::Router(router) | State::Stream(router) => router.routing_id_of(pipe),
            _ => None,
        }
    }

    /// There may be messages to read again.
    pub fn readable(&mut self, pipe: PipeId) {
        match &mut self.state {
            State::Pair(_) | State::Push(_) => {}
            State::Pull(pull) => pull.inp.readable(pipe),
            State::Dealer(dealer) => dealer.inp.inp.readable(pipe),
            State::Req(req) => req.dealer.inp.inp.readable(pipe),
            State::Rep(rep) => rep.inp.readable(pipe),
            State::Router(router) | State::Stream(router) => router.inp.readable(pipe),
            State::Pub(xpub) | State::XPub(xpub) => xpub.readable(pipe),
            State::Sub(xsub) | State::XSub(xsub) => xsub.readable(pipe),
        }
    }

    /// There may be room to write again.
    pub fn writable(&mut self, pipe: PipeId) {
        match &mut self.state {
            State::Push(push) => push.out.writable(pipe),
            State::Dealer(dealer) => dealer.out.writable(pipe),
            State::Req(req) => req.dealer.out.writable(pipe),
            _ => {}
        }
    }

    /// Nothing can be written to the pipe any more.
    pub fn detach_out<P: Pipes>(&mut self, _pipes: &mut P, pipe: PipeId) {
        match &mut self.state {
            State::Pair(pair) => pair.detach_out(pipe),
            State::Push(push) => push.out.detach(pipe),
            State::Pull(_) => {}
            State::Dealer(dealer) => dealer.out.detach(pipe),
            State::Req(req) => req.dealer.out.detach(pipe),
            State::Rep(rep) => rep.detach_out(pipe),
            State::Router(router) | State::Stream(router) => router.detach_out(pipe),
            State::Pub(xpub) => xpub.detach_out(pipe, false, &self.options),
            State::XPub(xpub) => xpub.detach_out(pipe, true, &self.options),
            State::Sub(xsub) | State::XSub(xsub) => xsub.detach_out(pipe),
        }
    }

    /// The pipe's last message has been read; its id may be used anew.
    pub fn detach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.detach_out(pipes, pipe);
        match &mut self.state {
            State::Pair(pair) => pair.detach(pipe),
            State::Push(_) => {}
            State::Pull(pull) => pull.inp.detach(pipe),
            State::Dealer(dealer) => dealer.inp.inp.detach(pipe),
            State::Req(req) => {
                req.detach(pipe);
                req.dealer.inp.inp.detach(pipe);
            }
            State::Rep(rep) => {
                rep.detach(pipe);
                rep.inp.detach(pipe);
            }
            State::Router(router) | State::Stream(router) => router.detach(pipe, &self.options),
            State::Pub(xpub) | State::XPub(xpub) => xpub.detach(pipe),
            State::Sub(xsub) | State::XSub(xsub) => xsub.detach(pipe),
        }
    }

    /// A connecting pipe lost its peer and keeps its queue.
    pub fn reconnecting<P: Pipes>(&mut self, _pipes: &mut P, _pipe: PipeId) {
        if let (State::Dealer(dealer), Some(hiccup)) = (&mut self.state, &self.options.hiccup_msg) {
            dealer.inp.ready.get_or_insert_with(|| Message::from(hiccup.clone()));
        }
    }

    /// A peer's SUBSCRIBE (`wanted`) or CANCEL.
    pub fn subscription<P: Pipes>(&mut self, _pipes: &mut P, pipe: PipeId, topic: &[u8], wanted: bool) {
        match &mut self.state {
            State::Pub(xpub) => xpub.subscription(pipe, topic, wanted, false, &self.options),
            State::XPub(xpub) => xpub.subscription(pipe, topic, wanted, true, &self.options),
            _ => {}
        }
    }

    /// `ZMQ_SUBSCRIBE`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for types without subscriptions.
    pub fn subscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8]) -> Result<(), Refusal> {
        match &mut self.state {
            State::Sub(xsub) => xsub.subscribe(pipes, topic),
            State::Pub(xpub) | State::XPub(xpub) => return xpub.set_manually(topic, true, &self.options),
            _ => return Err(Refusal::Invalid("only SUB sockets subscribe; an XSUB sends 1 and the topic")),
        }
        Ok(())
    }

    /// `ZMQ_UNSUBSCRIBE`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for types without subscriptions.
    pub fn unsubscribe<P: Pipes>(&mut self, pipes: &mut P, topic: &[u8]) -> Result<(), Refusal> {
        match &mut self.state {
            State::Sub(xsub) => xsub.unsubscribe(pipes, topic, false),
            State::Pub(xpub) | State::XPub(xpub) => return xpub.set_manually(topic, false, &self.options),
            _ => return Err(Refusal::Invalid("only SUB sockets unsubscribe; an XSUB sends 0 and the topic")),
        }
        Ok(())
    }

    /// Sends a message, or gives it back.
    ///
    /// # Errors
    /// [`Refused`] with the whole message.
    #[inline]
    pub fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message) -> Result<(), Refused> {
        self.send_with(pipes, message, false)
    }

    /// Sends a message whose first part was accepted by [`may_start_send`](Self::may_start_send):
    /// never [`Refusal::WouldBlock`] while there is a peer.
    ///
    /// # Errors
    /// [`Refused`] with the whole message.
    pub fn send_committed<P: Pipes>(&mut self, pipes: &mut P, message: Message) -> Result<(), Refused> {
        self.send_with(pipes, message, true)
    }

    #[inline]
    fn send_with<P: Pipes>(&mut self, pipes: &mut P, message: Message, force: bool) -> Result<(), Refused> {
        let options = &self.options;
        let dealt = match &mut self.state {
            State::Push(push) if force => push.out.force(pipes, message),
            State::Push(push) => push.out.send(pipes, message),
            State::Dealer(dealer) if force => dealer.out.force(pipes, message),
            State::Dealer(dealer) => dealer.out.send(pipes, message),
            State::Pair(pair) => return pair.send(pipes, message, force),
            State::Req(req) => return req.send(pipes, message, options, force),
            State::Rep(rep) => return rep.send(pipes, message),
            State::Router(router) | State::Stream(router) => {
                return router.send(pipes, message, options, force);
            }
            State::Pub(xpub) => {
                xpub.discard_input(pipes);
                return xpub.send(pipes, message, options, force);
            }
            State::XPub(xpub) => return xpub.send(pipes, message, options, force),
            State::XSub(xsub) => {
                xsub.send(pipes, message, options);
                return Ok(());
            }
            State::Pull(_) | State::Sub(_) => return Err(Refused { message, why: Refusal::NotSupported }),
        };
        dealt.map(|_| ()).map_err(|message| Refused { message, why: Refusal::WouldBlock })
    }

    /// Whether a message that begins with `first` would be accepted now.
    ///
    /// # Errors
    /// The [`Refusal`] that sending it would meet.
    pub fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        let options = &self.options;
        let room = match &mut self.state {
            State::Pair(pair) => pair.can_send(pipes),
            State::Push(push) => push.out.choose(pipes).is_some(),
            State::Dealer(dealer) => dealer.out.choose(pipes).is_some(),
            State::Req(req) => {
                req.may_send(options)?;
                req.dealer.out.choose(pipes).is_some()
            }
            State::Rep(rep) => return rep.may_send(),
            State::Router(router) | State::Stream(router) => return router.may_send(pipes, first, options),
            State::Pub(_) | State::XPub(_) | State::XSub(_) => true,
            State::Pull(_) | State::Sub(_) => return Err(Refusal::NotSupported),
        };
        if room { Ok(()) } else { Err(Refusal::WouldBlock) }
    }

    /// The next message.
    ///
    /// # Errors
    /// [`Refusal::WouldBlock`] if there is none, [`Refusal::WrongState`], [`Refusal::NotSupported`].
    #[inline]
    pub fn recv<P: Pipes>(&mut self, pipes: &mut P) -> Result<Message, Refusal> {
        let options = &self.options;
        let message = match &mut self.state {
            State::Pull(pull) => pull.recv(pipes),
            State::Dealer(dealer) => dealer.inp.recv(pipes),
            State::Pair(pair) => pair.recv(pipes),
            State::Req(req) => return req.recv(pipes, options),
            State::Rep(rep) => return rep.recv(pipes),
            State::Router(router) | State::Stream(router) => router.recv(pipes),
            State::XPub(xpub) => xpub.recv(pipes, options),
            State::Sub(xsub) => xsub.recv(pipes, true, options),
            State::XSub(xsub) => xsub.recv(pipes, false, options),
            State::Push(_) | State::Pub(_) => return Err(Refusal::NotSupported),
        };
        message.ok_or(Refusal::WouldBlock)
    }

    /// Whether [`recv`](Self::recv) would return a message now; may take one from its pipe and keep it.
    pub fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        let options = &self.options;
        match &mut self.state {
            State::Pull(pull) => pull.can_recv(pipes),
            State::Dealer(dealer) => dealer.inp.can_recv(pipes),
            State::Pair(pair) => pair.can_recv(pipes),
            State::Req(req) => req.can_recv(pipes, options),
            State::Rep(rep) => rep.can_recv(pipes),
            State::Router(router) | State::Stream(router) => router.can_recv(pipes),
            State::XPub(xpub) => xpub.can_recv(pipes),
            State::Sub(xsub) => xsub.can_recv(pipes, true, options),
            State::XSub(xsub) => xsub.can_recv(pipes, false, options),
            State::Push(_) | State::Pub(_) => false,
        }
    }

    /// Whether a send would be accepted now (`ZMQ_POLLOUT`).
    pub fn can_send<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        let options = &self.options;
        match &mut self.state {
            State::Pair(pair) => pair.can_send(pipes),
            State::Push(push) => push.out.choose(pipes).is_some(),
            State::Dealer(dealer) => dealer.out.choose(pipes).is_some(),
            State::Req(req) => req.may_send(options).is_ok() && req.dealer.out.choose(pipes).is_some(),
            State::Rep(rep) => rep.owes_reply(),
            State::Router(router) | State::Stream(router) => router.can_send(pipes, options),
            State::Pub(_) | State::XPub(_) | State::XSub(_) => true,
            State::Pull(_) | State::Sub(_) => false,
        }
    }

    /// Number of distinct topics subscribed to, here or by the peers (`ZMQ_TOPICS_COUNT`).
    #[must_use]
    pub fn topics_count(&self) -> usize {
        match &self.state {
            State::Pub(xpub) | State::XPub(xpub) => xpub.topics_count(),
            State::Sub(xsub) | State::XSub(xsub) => xsub.topics_count(),
            _ => 0,
        }
    }

    /// Whether a receive could use input now; if not, nobody should wait for any.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        match &self.state {
            State::Push(_) | State::Pub(_) => false,
            State::Req(req) => req.is_waiting(),
            State::Rep(rep) => !rep.owes_reply(),
            _ => true,
        }
    }
}
