//! A socket whose waits a [`Wake`] can end.
//!
//! All waiting of the messaging verbs happens in [`Port::wait`]; the calls on the socket itself never
//! block. That keeps Ctrl-C, input and peers' news able to end any wait.

use std::sync::Arc;
use std::time::Instant;

use ferrozmq::{ErrorKind, Events, Message, PollItem, Socket, poll};

use crate::failure::Failure;
use crate::wake::Wake;
use crate::watch::Watch;

/// A socket and what ends its waits.
pub struct Port {
    /// The socket.
    pub socket: Socket,
    /// What ends its waits.
    pub wake: Arc<Wake>,
    /// What is known of its connections, if a refusal is to end them, too.
    pub watch: Option<Arc<Watch>>,
}

impl Port {
    /// Waits until the socket is as wished, somebody rings, or the time has come.
    ///
    /// # Errors
    /// A failure of the library's poll; [`Failure::Interrupted`]; [`Failure::Refused`].
    pub fn wait(&self, wish: Wish, until: Option<Instant>) -> Result<(), Failure> {
        let timeout = until.map(|time| time.saturating_duration_since(Instant::now()));
        let bell = PollItem::fd(self.wake.fd(), Events::READABLE);
        let polled = match wish.events() {
            Some(events) => poll(&mut [bell, PollItem::socket(&self.socket, events)], timeout),
            None => poll(&mut [bell], timeout),
        };
        self.wake.clear();
        self.wake.check()?;
        self.watch.as_ref().map_or(Ok(()), |watch| watch.check())?;
        match polled {
            Err(error) if !error.is_interrupted() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// A message, if one has arrived.
    ///
    /// # Errors
    /// Whatever the socket reports, but that nothing has arrived.
    pub fn try_recv(&self) -> Result<Option<Message>, Failure> {
        match self.socket.try_recv() {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.is_would_block() || error.is_interrupted() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The next message.
    ///
    /// # Errors
    /// [`Failure::TimedOut`] with the text `complaint`, if none comes by `until`.
    pub fn recv_by(&self, until: Option<Instant>, complaint: &str) -> Result<Message, Failure> {
        loop {
            self.wake.check()?;
            if let Some(message) = self.try_recv()? {
                return Ok(message);
            }
            if is_past(until) {
                return Err(Failure::TimedOut(complaint.to_owned()));
            }
            self.wait(Wish::RECEIVE, until)?;
        }
    }

    /// Sends, if that is possible now.
    ///
    /// # Errors
    /// Whatever the socket reports, but that it cannot send now.
    pub fn try_send(&self, message: Message) -> Result<Sent, Failure> {
        let Err(refused) = self.socket.try_send(message) else { return Ok(Sent::Taken) };
        match refused.error().kind() {
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Sent::NotYet(refused.into_message())),
            ErrorKind::Unroutable => Ok(Sent::NoSuchPeer(refused.into_message())),
            _ => Err(refused.into()),
        }
    }

    /// Sends, waiting for room.
    ///
    /// # Errors
    /// [`Failure::TimedOut`], if there is no room by `until`.
    pub fn send_by(&self, mut message: Message, until: Option<Instant>) -> Result<(), Failure> {
        loop {
            self.wake.check()?;
            message = match self.try_send(message)? {
                Sent::Taken => return Ok(()),
                Sent::NoSuchPeer(_) => {
                    return Err(Failure::Error("there is no peer with this routing id".into()));
                }
                Sent::NotYet(message) => message,
            };
            if is_past(until) {
                return Err(Failure::TimedOut("nobody took the message in time".into()));
            }
            self.wait(Wish::SEND, until)?;
        }
    }
}

/// What became of a message that was to be sent.
#[derive(Debug)]
pub enum Sent {
    /// The socket has it.
    Taken,
    /// There is no room, or no peer, now.
    NotYet(Message),
    /// A ROUTER or STREAM knows no peer with the message's routing id.
    NoSuchPeer(Message),
}

/// What a wait is for, besides the bell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// A message to receive.
    pub receive: bool,
    /// Room to send.
    pub send: bool,
}

impl Wish {
    /// A message to receive.
    pub const RECEIVE: Wish = Wish { receive: true, send: false };
    /// Room to send.
    pub const SEND: Wish = Wish { receive: false, send: true };
    /// Only the bell and the time.
    pub const NOTHING: Wish = Wish { receive: false, send: false };

    fn events(self) -> Option<Events> {
        match (self.receive, self.send) {
            (true, true) => Some(Events::READABLE | Events::WRITABLE),
            (true, false) => Some(Events::READABLE),
            (false, true) => Some(Events::WRITABLE),
            (false, false) => None,
        }
    }
}

/// Whether the time has come.
pub fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|time| Instant::now() >= time)
}

/// The earlier of two times, where `None` is never.
pub fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
