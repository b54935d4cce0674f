//! Joining two sockets: what comes in at one goes out at the other (`zmq_proxy(3)`).

use crate::duty;
use crate::error::{ErrorKind, Result};
use crate::poller::{Events, PollItem, poll};
use crate::socket::Socket;
use crate::{Frame, Message};

/// Messages carried in one direction before the other has its turn.
const BURST: usize = 1000;

/// Carries messages between `front` and `back`, both ways, until the context is terminated or a
/// socket is closed. Each message is first sent to `capture` too, which misses none unless its type drops: a PUSH, DEALER or
/// PAIR without room holds up what it observes (`zmq_proxy(3)`), a PUB does not.
///
/// Nothing is taken from one side that the other has no room for. One socket may be both sides: what comes
/// in at a REP goes back. An answer to a client that is gone, or whose queue is full, is dropped and counted by the ROUTER,
/// whatever its [`router_mandatory`](Socket::set_router_mandatory) says; in a socket with libzmq's defaults it
/// ends the proxy, as in libzmq, if that is set.
///
/// # Errors
/// [`Terminated`](ErrorKind::Terminated) or [`Closed`](ErrorKind::Closed) when it ends; what a send
/// or a receive reports otherwise, the end of the capture's `SNDTIMEO` too.
pub fn proxy(front: &Socket, back: &Socket, capture: Option<&Socket>) -> Result<()> {
    run(front, back, capture, None)
}

/// The same, steered through `control`: it takes `PAUSE`, `RESUME`, `TERMINATE` (the proxy returns)
/// and `STATISTICS`, answered by eight parts of 8 bytes in this machine's order: messages and bytes
/// received at the front, sent at the front, received at the back, sent at the back. A REP control
/// socket answers the other commands with an empty message.
///
/// # Errors
/// As [`proxy`]; `Ok` after `TERMINATE`.
pub fn proxy_steerable(
    front: &Socket,
    back: &Socket,
    capture: Option<&Socket>,
    control: &Socket,
) -> Result<()> {
    run(front, back, capture, Some(control))
}

/// What a proxy does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Paused,
    Terminated,
}

/// Messages and bytes.
#[derive(Clone, Copy, Default)]
struct Count {
    messages: u64,
    bytes: u64,
}

fn run(front: &Socket, back: &Socket, capture: Option<&Socket>, control: Option<&Socket>) -> Result<()> {
    let mut state = State::Active;
    let mut inward = Count::default();
    let mut outward = Count::default();
    loop {
        duty::perform();
        if let Some(control) = control {
            state = steer(control, state, inward, outward)?;
        }
        let mut more = false;
        match state {
            State::Active => {
                more |= carry(front, back, capture, &mut inward)?;
                // One socket on both sides answers to itself.
                more |= !front.is_same(back) && carry(back, front, capture, &mut outward)?;
            }
            State::Paused => {}
            State::Terminated => return Ok(()),
        }
        if !more {
            wait(front, back, control, state)?;
        }
    }
}

/// Sleeps until a message can be carried, or a command has come.
fn wait(front: &Socket, back: &Socket, control: Option<&Socket>, state: State) -> Result<()> {
    let mut items = Vec::with_capacity(3);
    if state == State::Active && front.is_same(back) {
        items.push(PollItem::socket(front, Events::READABLE));
    } else if state == State::Active {
        let (front_now, back_now) = (front.events()?, back.events()?);
        items.push(PollItem::socket(front, missing(front_now, back_now)));
        items.push(PollItem::socket(back, missing(back_now, front_now)));
    }
    if let Some(control) = control {
        items.push(PollItem::socket(control, Events::READABLE));
    }
    poll(&mut items, None).map(|_| ())
}

/// What `near` has to become before a message can be carried: readable, unless it is and the far
/// side has no room; writable, where the far side has a message. A side that has neither message
/// nor room must be waited for all the same: the other's state may change while this one sleeps.
fn missing(near: Events, far: Events) -> Events {
    let mut wanted = Events::NONE;
    if !near.is_readable() || far.is_writable() {
        wanted = wanted | Events::READABLE;
    }
    if !near.is_writable() {
        wanted = wanted | Events::WRITABLE;
    }
    wanted
}

/// Carries what is there, at most [`BURST`] messages, and writes them out together; says whether there may be more.
fn carry(from: &Socket, to: &Socket, capture: Option<&Socket>, count: &mut Count) -> Result<bool> {
    let before = count.messages;
    let result = carry_burst(from, to, capture, count);
    if count.messages > before {
        to.state().flush()?;
        capture.map_or(Ok(()), |capture| capture.state().flush())?;
    }
    result
}

fn carry_burst(from: &Socket, to: &Socket, capture: Option<&Socket>, count: &mut Count) -> Result<bool> {
    for _ in 0..BURST {
        // A socket that answers to itself has room once it has received.
        if !to.is_same(from) && !to.state().has_room()? {
            return Ok(false);
        }
        let mut message = match from.try_recv() {
            Ok(message) => message,
            Err(error) if error.is_would_block() => return Ok(false),
            // A socket that only sends has nothing to be carried.
            Err(error) if error.kind() == ErrorKind::NotSupported => return Ok(false),
            Err(error) => return Err(error),
        };
        count.messages += 1;
        count.bytes += message.size() as u64;
        if let Some(capture) = capture {
            capture.send(message.clone())?;
        }
        to.state().pass_on(&mut message)?;
    }
    Ok(true)
}

fn steer(control: &Socket, state: State, inward: Count, outward: Count) -> Result<State> {
    let command = match control.try_recv() {
        Ok(command) => command,
        Err(error) if error.is_would_block() => return Ok(state),
        Err(error) => return Err(error),
    };
    let next = match command.first().as_bytes() {
        b"PAUSE" => State::Paused,
        b"RESUME" => State::Active,
        b"TERMINATE" => State::Terminated,
        b"STATISTICS" => {
            control.send(statistics(inward, outward))?;
            return Ok(state);
        }
        _ => state,
    };
    if control.socket_type() == crate::SocketType::Rep {
        control.send(Message::new())?;
    }
    Ok(next)
}

fn statistics(inward: Count, outward: Count) -> Message {
    let numbers = [
        inward.messages,
        inward.bytes,
        outward.messages,
        outward.bytes,
        outward.messages,
        outward.bytes,
        inward.messages,
        inward.bytes,
    ];
    Message::from(numbers.map(|number| Frame::from(number.to_ne_bytes())))
}
