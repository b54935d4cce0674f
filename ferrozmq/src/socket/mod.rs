//! Sockets: what the application holds.
//!
//! A [`Socket`] is of any type; the types in [`typed`] expose only what their pattern allows.

pub(crate) mod ask;
pub mod builder;
pub(crate) mod core;
mod dozer;
pub(crate) mod endpoints;
mod ends;
mod guard;
pub(crate) mod handle;
mod json;
pub mod messages;
#[cfg(all(test, loom))]
mod models;
pub mod monitor;
mod options;
mod refusal;
pub mod report;
pub(crate) mod setters;
mod staging;
pub mod stats;
pub mod subscription;
mod task;
pub mod typed;
pub(crate) mod wait;
pub mod window;

use crate::error::{Error, ErrorKind, Result, SendError};
use crate::peer::PeerInfo;
use crate::{Events, Frame, IntoMessage, Message, SocketType};
use handle::SocketState;
use monitor::Monitor;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;
use wait::Patience;

/// A socket of any type (`zmq_socket(3)`).
///
/// Any thread may call any method at any time. Clones are the same socket, which is closed when the
/// last one is dropped, or by [`close`](Self::close). Closing never waits: what was sent lingers in
/// the I/O threads as long as `linger` allows, and the context waits for it.
///
/// ```
/// use ferrozmq::{Context, SocketType};
/// # fn main() -> ferrozmq::Result<()> {
/// let context = Context::new();
/// let server = context.socket(SocketType::Rep)?;
/// let endpoint = server.bind("tcp://127.0.0.1:*")?;
/// let client = context.socket(SocketType::Req)?;
/// client.connect(&endpoint)?;
/// client.send("hello")?;
/// assert_eq!(&server.recv()?[0], "hello");
/// server.send("world")?;
/// assert_eq!(&client.recv()?[0], "world");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Socket {
    state: Arc<SocketState>,
    _close: Arc<CloseOnDrop>,
}

/// Closes the socket with its last handle.
struct CloseOnDrop(Arc<SocketState>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
        if self.0.is_inherited() {
            // In a fork's child: its destructors would tell the parent's other sockets, and take their locks.
            std::mem::forget(Arc::clone(&self.0));
        }
    }
}

impl Socket {
    pub(crate) fn new(state: Arc<SocketState>) -> Socket {
        Socket { _close: Arc::new(CloseOnDrop(Arc::clone(&state))), state }
    }

    /// Whether both are handles of one socket.
    pub(crate) fn is_same(&self, other: &Socket) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    pub(crate) fn state(&self) -> &Arc<SocketState> {
        &self.state
    }

    /// The socket's type.
    #[must_use]
    pub fn socket_type(&self) -> SocketType {
        self.state.kind()
    }

    /// Accepts peers at `endpoint`; returns it with what the kernel chose filled in (`zmq_bind(3)`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) endpoint, [`AddressInUse`](ErrorKind::AddressInUse),
    /// [`AddressNotAvailable`](ErrorKind::AddressNotAvailable), [`NoDevice`](ErrorKind::NoDevice) and others.
    pub fn bind(&self, endpoint: &str) -> Result<String> {
        self.state.bind(endpoint)
    }

    /// Connects to `endpoint`, now and after every disconnection (`zmq_connect(3)`). Does not wait
    /// for a connection: over tcp and ipc that is begun a millisecond later, so that what the caller does at once, asking for
    /// [events](Self::monitor) or sending, comes first.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) endpoint and others; an absent peer is no error.
    pub fn connect(&self, endpoint: &str) -> Result<()> {
        self.state.connect(endpoint)
    }

    /// Undoes a [`bind`](Self::bind), and ends the connections it accepted (`zmq_unbind(3)`).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the socket is not bound there.
    pub fn unbind(&self, endpoint: &str) -> Result<()> {
        self.state.withdraw(endpoint, true)
    }

    /// Undoes a [`connect`](Self::connect) (`zmq_disconnect(3)`). What is queued lingers.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the socket is not connected there.
    pub fn disconnect(&self, endpoint: &str) -> Result<()> {
        self.state.withdraw(endpoint, false)
    }

    /// Sends a message, whole or not at all. Waits where the type waits, at most as long as
    /// `sndtimeo` says.
    ///
    /// # Errors
    /// A [`SendError`] gives the message back: [`WouldBlock`](ErrorKind::WouldBlock) after the
    /// time-out, [`WrongState`](ErrorKind::WrongState), [`Unroutable`](ErrorKind::Unroutable),
    /// [`NotSupported`](ErrorKind::NotSupported), [`Terminated`](ErrorKind::Terminated).
    #[inline]
    pub fn send(&self, message: impl IntoMessage) -> std::result::Result<(), SendError> {
        self.send_patiently(message, || self.state.send_patience())
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`WouldBlock`](ErrorKind::WouldBlock) where that would wait.
    #[inline]
    pub fn try_send(&self, message: impl IntoMessage) -> std::result::Result<(), SendError> {
        self.send_patiently(message, || Patience::None)
    }

    /// Sends, waiting at most `timeout`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_timeout(
        &self,
        message: impl IntoMessage,
        timeout: Duration,
    ) -> std::result::Result<(), SendError> {
        self.send_patiently(message, || Patience::from_timeout(Some(timeout)))
    }

    #[inline(always)]
    fn send_patiently(
        &self,
        message: impl IntoMessage,
        patience: impl FnOnce() -> Patience,
    ) -> std::result::Result<(), SendError> {
        if let Some(body) = message.copied() {
            return match self.state.send_copied(body, patience) {
                Ok(()) => Ok(()),
                Err(error) => Err(SendError::giving_back(message, error)),
            };
        }
        let mut whole = Message::new();
        message.put_into(&mut whole);
        match self.state.send(&mut whole, patience()) {
            Ok(()) => Ok(()),
            Err(error) => Err(SendError::giving_back(whole, error)),
        }
    }

    /// Receives a message. Waits at most as long as `rcvtimeo` says.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) after the time-out,
    /// [`WrongState`](ErrorKind::WrongState), [`NotSupported`](ErrorKind::NotSupported),
    /// [`Terminated`](ErrorKind::Terminated), [`Interrupted`](ErrorKind::Interrupted).
    #[inline]
    pub fn recv(&self) -> Result<Message> {
        self.recv_patiently(|| self.state.recv_patience())
    }

    /// Receives a message into `message`, in place of what it was: in a loop of short messages a third faster than moving
    /// each out of a result.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); then `message` is of no use.
    #[inline]
    pub fn recv_into(&self, message: &mut Message) -> Result<()> {
        self.state.recv(message, || self.state.recv_patience())
    }

    /// Receives without waiting.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn try_recv(&self) -> Result<Message> {
        self.recv_patiently(|| Patience::None)
    }

    /// Receives, waiting at most `timeout`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message> {
        self.recv_patiently(|| Patience::from_timeout(Some(timeout)))
    }

    #[inline(always)]
    fn recv_patiently(&self, patience: impl FnOnce() -> Patience) -> Result<Message> {
        // Received into the place where the caller will find it: see `Pipes::read`.
        let mut result = Ok(Message::new());
        if let Ok(message) = &mut result
            && let Err(error) = self.state.recv(message, patience)
        {
            result = Err(error);
        }
        result
    }

    /// Sends one part; `more` says that others of the same message follow (`ZMQ_SNDMORE`). Nothing
    /// leaves before the last part. Waits as [`send`](Self::send), on the first part only.
    ///
    /// # Errors
    /// As [`send`](Self::send), with the part.
    pub fn send_part(
        &self,
        part: impl Into<Frame>,
        more: bool,
        dont_wait: bool,
    ) -> std::result::Result<(), (Frame, Error)> {
        let mut part = part.into();
        self.send_part_from(&mut part, more, dont_wait).map_err(|error| (part, error))
    }

    /// The same with a part in its place, which is empty afterwards.
    ///
    /// # Errors
    /// As [`send`](Self::send); then the part is as it was.
    #[inline]
    pub fn send_part_from(&self, part: &mut Frame, more: bool, dont_wait: bool) -> Result<()> {
        let patience = if dont_wait { Patience::None } else { self.state.send_patience() };
        self.state.send_part(part, more, patience)
    }

    /// Receives one part, and whether others of the same message follow (`ZMQ_RCVMORE`).
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn recv_part(&self, dont_wait: bool) -> Result<(Frame, bool)> {
        let mut part = Frame::new();
        let more = self.recv_part_into(&mut part, dont_wait)?;
        Ok((part, more))
    }

    /// The same into a place for the part. What was there is dropped while the socket is held.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); then the part is as it was.
    #[inline]
    pub fn recv_part_into(&self, part: &mut Frame, dont_wait: bool) -> Result<bool> {
        self.recv_part_then(part, dont_wait, |_, more| more)
    }

    /// The same for the C library; `then` is told the part's length, and whether others of the same message follow.
    #[doc(hidden)]
    #[inline(always)]
    pub fn recv_part_then<R>(
        &self,
        part: &mut Frame,
        dont_wait: bool,
        then: impl FnOnce(usize, bool) -> R,
    ) -> Result<R> {
        let patience = || if dont_wait { Patience::None } else { self.state.recv_patience() };
        self.state.recv_part(part, patience, then)
    }

    /// Sends a copy of `part`, as [`send_part`](Self::send_part) does, without a frame in between.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    #[inline(always)]
    pub fn send_part_copied(&self, part: &[u8], more: bool, dont_wait: bool) -> Result<()> {
        let patience = || if dont_wait { Patience::None } else { self.state.send_patience() };
        self.state.send_part_copied(part, more, patience)
    }

    /// Receives one part, as [`recv_part`](Self::recv_part) does, and copies what fits of it into `into`. Returns the part's
    /// whole length, and whether others of the same message follow; that many bytes of `into` are initialised.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    #[inline(always)]
    pub fn recv_part_copied(&self, into: &mut [MaybeUninit<u8>], dont_wait: bool) -> Result<(usize, bool)> {
        let patience = || if dont_wait { Patience::None } else { self.state.recv_patience() };
        self.state.recv_part_copied(into, patience)
    }

    /// Whether the socket can be read and written without waiting (`ZMQ_EVENTS`).
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    pub fn events(&self) -> Result<Events> {
        self.state.events()
    }

    /// Collects the events of the socket's connections from now on.
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    pub fn monitor(&self) -> Result<Monitor> {
        let core = self.state.enter()?;
        Ok(Monitor::new(&core.owner()?.events))
    }

    /// Whether a message for the peer with this routing id would be taken now (`zmq_socket_get_peer_state`). For ROUTER
    /// sockets, whose [`events`](Self::events) speak of all peers together.
    ///
    /// # Errors
    /// [`Unroutable`](ErrorKind::Unroutable) if no peer has this id, [`NotSupported`](ErrorKind::NotSupported) for another
    /// type, [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    pub fn has_room_for(&self, routing_id: &[u8]) -> Result<bool> {
        self.state.enter()?.has_room_for(routing_id)
    }

    /// Waits until `count` peers have finished their handshake; for PUB and XPUB, until `count`
    /// peers have subscribed to something.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) after `timeout`.
    pub fn wait_for_peers(&self, count: usize, timeout: Duration) -> Result<()> {
        let patience = Patience::from_timeout(Some(timeout)).begun();
        let mut seen = 0;
        let done = self.state.wait_until(patience, |core| {
            seen = core.ready_peers();
            seen >= count
        });
        done.map_err(|error| {
            let error =
                error.while_waiting(|| format!("{seen} of {count} peers were there after {timeout:?}"));
            match self.handshake_failure() {
                Some(why) if error.is_timeout() => error.because(&why),
                _ => error,
            }
        })
    }

    /// Waits until `count` peers want messages that begin with `topic`: they have subscribed to it, or to what it begins with
    /// (PUB, XPUB). With XPUB's [`set_xpub_manual`](Self::set_xpub_manual) those count that the application has entered.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) after `timeout`, [`NotSupported`](ErrorKind::NotSupported) for other types.
    pub fn wait_for_subscribers(
        &self,
        topic: impl AsRef<[u8]>,
        count: usize,
        timeout: Duration,
    ) -> Result<()> {
        let topic = topic.as_ref();
        if !matches!(self.socket_type(), SocketType::Pub | SocketType::XPub) {
            let text = format!(
                "a {} socket has no subscribers; PUB and XPUB have, others can wait_for_peers",
                self.socket_type()
            );
            return Err(Error::new(ErrorKind::NotSupported, text));
        }
        let patience = Patience::from_timeout(Some(timeout)).begun();
        let mut seen = 0;
        let done = self.state.wait_until(patience, |core| {
            seen = core.pattern.subscribers(topic);
            seen >= count
        });
        done.map_err(|error| {
            let topic = topic.escape_ascii();
            error.while_waiting(|| {
                format!("{seen} of {count} peers had subscribed to \"{topic}\" after {timeout:?}")
            })
        })
    }

    /// Ends the connection to one peer, [`PeerInfo::connection`] of which is given; what is queued for it is dropped. One that we
    /// connected to is dialled again, one that came to us may come again.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such connection (any more).
    pub fn disconnect_peer(&self, connection: u64) -> Result<()> {
        self.state.disconnect_peer(connection)
    }

    /// Why the last handshake with a peer failed, in words, unless another one has succeeded since: "the server wants CURVE,
    /// you offer NULL". A socket that connects tries again nevertheless.
    #[must_use]
    pub fn handshake_failure(&self) -> Option<String> {
        self.state.handshake_failure()
    }

    /// The peers whose handshake is done.
    #[must_use]
    pub fn peers(&self) -> Vec<Arc<PeerInfo>> {
        self.state.peers()
    }

    /// The peer that delivered `message`, if it came over a connection that is still remembered.
    #[must_use]
    pub fn peer_of(&self, message: &Message) -> Option<Arc<PeerInfo>> {
        PeerInfo::of(message.last())
    }

    /// Closes the socket for all its handles: calls in it, and later ones, end with
    /// [`Closed`](ErrorKind::Closed). Does not wait; what was sent lingers.
    pub fn close(&self) {
        self.state.close();
    }

    /// Sends `value` as MessagePack in one part, structures as maps.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it cannot be written as MessagePack; else as [`send`](Self::send).
    #[cfg(feature = "msgpack")]
    pub fn send_msgpack<T: serde::Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        let packed = rmp_serde::to_vec_named(value).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the value cannot be sent as MessagePack: {error}"))
        })?;
        Ok(self.send(packed)?)
    }

    /// Receives a message of one part and reads it as MessagePack.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not MessagePack of this shape; else as [`recv`](Self::recv).
    #[cfg(feature = "msgpack")]
    pub fn recv_msgpack<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let message = self.recv()?;
        let body = only_part(&message, "MessagePack")?;
        rmp_serde::from_slice(body).map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                format!("the message is not the MessagePack that was expected: {error}"),
            )
        })
    }

    /// Sends `value` as JSON in one part.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it cannot be written as JSON; else as [`send`](Self::send).
    #[cfg(feature = "serde")]
    pub fn send_json<T: serde::Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the value cannot be sent as JSON: {error}"))
        })?;
        Ok(self.send(json)?)
    }

    /// Receives a message of one part and reads it as JSON.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not JSON of this shape; else as [`recv`](Self::recv).
    #[cfg(feature = "serde")]
    pub fn recv_json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        let message = self.recv()?;
        serde_json::from_slice(only_part(&message, "JSON")?).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the message is not the JSON that was expected: {error}"))
        })
    }
}

/// The body of a message of one part.
#[cfg(feature = "serde")]
fn only_part<'a>(message: &'a Message, form: &str) -> Result<&'a [u8]> {
    if message.rest().is_empty() {
        return Ok(message.first());
    }
    let text = format!(
        "a message of {} parts is not one of {form}, which has one; recv() and read its parts",
        message.len()
    );
    Err(Error::new(ErrorKind::Invalid, text))
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Socket").field(&self.socket_type()).finish()
    }
}
