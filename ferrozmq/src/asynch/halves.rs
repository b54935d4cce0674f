//! A socket that sends and receives, parted into two halves.
//!
//! Any thread may use any socket, so two halves are a matter of types: who has one can do only one of the two. Both are handles of one
//! socket, which is closed with the last of them.

use super::{MessageSink, MessageStream, Recv, RecvInto, Send};
use crate::error::{Result, SendError};
use crate::socket::Socket;
use crate::{IntoMessage, Message};
use std::time::Duration;

impl Socket {
    /// Parts the socket into a half that sends and one that receives.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (Sender(self.clone()), Receiver(self))
    }
}

/// The half of a socket that sends; made by `split`.
#[derive(Clone, Debug)]
pub struct Sender(Socket);

/// The half of a socket that receives; made by `split`.
#[derive(Clone, Debug)]
pub struct Receiver(Socket);

impl Sender {
    /// As [`Socket::send`].
    ///
    /// # Errors
    /// As [`Socket::send`].
    pub fn send(&self, message: impl IntoMessage) -> std::result::Result<(), SendError> {
        self.0.send(message)
    }

    /// As [`Socket::try_send`].
    ///
    /// # Errors
    /// As [`Socket::try_send`].
    pub fn try_send(&self, message: impl IntoMessage) -> std::result::Result<(), SendError> {
        self.0.try_send(message)
    }

    /// As [`Socket::send_timeout`].
    ///
    /// # Errors
    /// As [`Socket::send_timeout`].
    pub fn send_timeout(
        &self,
        message: impl IntoMessage,
        timeout: Duration,
    ) -> std::result::Result<(), SendError> {
        self.0.send_timeout(message, timeout)
    }

    /// As [`Socket::send_async`].
    ///
    /// # Errors
    /// As [`Socket::send_async`].
    pub fn send_async<M: IntoMessage>(&self, message: M) -> Send<'_, M> {
        self.0.send_async(message)
    }

    /// As [`Socket::sink`].
    pub fn sink(&self) -> MessageSink {
        self.0.sink()
    }

    /// Whether the other is a half of the same socket.
    #[must_use]
    pub fn is_half_of(&self, other: &Receiver) -> bool {
        self.0.is_same(&other.0)
    }

    /// The whole socket: for options, monitoring and polling.
    #[must_use]
    pub fn as_socket(&self) -> &Socket {
        &self.0
    }
}

impl Receiver {
    /// As [`Socket::recv`].
    ///
    /// # Errors
    /// As [`Socket::recv`].
    pub fn recv(&self) -> Result<Message> {
        self.0.recv()
    }

    /// As [`Socket::recv_into`].
    ///
    /// # Errors
    /// As [`Socket::recv_into`].
    pub fn recv_into(&self, message: &mut Message) -> Result<()> {
        self.0.recv_into(message)
    }

    /// As [`Socket::try_recv`].
    ///
    /// # Errors
    /// As [`Socket::try_recv`].
    pub fn try_recv(&self) -> Result<Message> {
        self.0.try_recv()
    }

    /// As [`Socket::recv_timeout`].
    ///
    /// # Errors
    /// As [`Socket::recv_timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Message> {
        self.0.recv_timeout(timeout)
    }

    /// As [`Socket::recv_async`].
    ///
    /// # Errors
    /// As [`Socket::recv_async`].
    pub fn recv_async(&self) -> Recv<'_> {
        self.0.recv_async()
    }

    /// As [`Socket::recv_into_async`].
    ///
    /// # Errors
    /// As [`Socket::recv_into_async`].
    pub fn recv_into_async<'a>(&'a self, message: &'a mut Message) -> RecvInto<'a> {
        self.0.recv_into_async(message)
    }

    /// As [`Socket::stream`].
    pub fn stream(&self) -> MessageStream {
        self.0.stream()
    }

    /// The whole socket: for options, monitoring and polling.
    #[must_use]
    pub fn as_socket(&self) -> &Socket {
        &self.0
    }
}
