//! The futures of single calls.

use super::turn;
use crate::error::{Error, Result, SendError};
use crate::socket::{Socket, wait::Patience};
use crate::tasks::Place;
use crate::{IntoMessage, Message};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Socket {
    /// Receives a message, as [`recv`](Self::recv) does, but for `rcvtimeo`, which does not apply.
    ///
    /// Cancel-safe: the message leaves the socket in the poll that returns it. A future that is dropped before has taken nothing.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), without its time-out.
    pub fn recv_async(&self) -> Recv<'_> {
        Recv { socket: self, place: Place::default() }
    }

    /// Receives a message into `message`, in place of what it was, as [`recv_into`](Self::recv_into) does.
    ///
    /// Cancel-safe, as [`recv_async`](Self::recv_async) is; unless it completes without an error, `message` is of no use.
    ///
    /// # Errors
    /// As [`recv_async`](Self::recv_async).
    pub fn recv_into_async<'a>(&'a self, message: &'a mut Message) -> RecvInto<'a> {
        RecvInto { socket: self, message, place: Place::default() }
    }

    /// Sends a message, as [`send`](Self::send) does, but for `sndtimeo`, which does not apply.
    ///
    /// Cancel-safe: the message enters the socket in the poll that completes. If the future is dropped before, nothing of it
    /// was sent, and nothing will be; [`Send::into_message`] gives it back.
    ///
    /// # Errors
    /// As [`send`](Self::send), without its time-out.
    pub fn send_async<M: IntoMessage>(&self, message: M) -> Send<'_, M> {
        Send { socket: self, state: State::Fresh(message), place: Place::default() }
    }

    /// Waits until `count` peers are there, as [`wait_for_peers`](Self::wait_for_peers) does.
    ///
    /// Cancel-safe: it changes nothing.
    ///
    /// # Errors
    /// [`Terminated`](crate::ErrorKind::Terminated), [`Closed`](crate::ErrorKind::Closed).
    pub fn wait_for_peers_async(&self, count: usize) -> WaitForPeers<'_> {
        WaitForPeers { socket: self, count, place: Place::default() }
    }
}

/// Future of [`Socket::recv_async`].
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct Recv<'a> {
    socket: &'a Socket,
    place: Place,
}

impl Future for Recv<'_> {
    type Output = Result<Message>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Message>> {
        let this = &mut *self;
        ready!(turn::poll_proceed(cx));
        // Received into the place where the caller will find it.
        let mut polled = Poll::Ready(Ok(Message::new()));
        if let Poll::Ready(Ok(message)) = &mut polled {
            match this.socket.state().poll_recv(message, &mut this.place, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => polled = Poll::Ready(Err(error)),
                Poll::Pending => {
                    turn::waited();
                    polled = Poll::Pending;
                }
            }
        }
        polled
    }
}

impl Drop for Recv<'_> {
    #[inline]
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}

/// Future of [`Socket::recv_into_async`].
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct RecvInto<'a> {
    socket: &'a Socket,
    message: &'a mut Message,
    place: Place,
}

impl Future for RecvInto<'_> {
    type Output = Result<()>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        ready!(turn::poll_proceed(cx));
        let polled = this.socket.state().poll_recv(this.message, &mut this.place, cx);
        if polled.is_pending() {
            turn::waited();
        }
        polled
    }
}

impl Drop for RecvInto<'_> {
    #[inline]
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}

/// Future of [`Socket::send_async`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Send<'a, M> {
    socket: &'a Socket,
    state: State<M>,
    place: Place,
}

enum State<M> {
    /// Never polled.
    Fresh(M),
    /// It has to wait.
    Waiting(Message),
    Done,
}

impl<M: IntoMessage> Send<'_, M> {
    /// The message, if it has not been sent.
    #[must_use]
    pub fn into_message(mut self) -> Option<Message> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Fresh(message) => Some(whole(message)),
            State::Waiting(message) => Some(message),
            State::Done => None,
        }
    }
}

fn whole(message: impl IntoMessage) -> Message {
    let mut whole = Message::new();
    message.put_into(&mut whole);
    whole
}

// The message is never pinned.
impl<M> Unpin for Send<'_, M> {}

impl<M: IntoMessage> Future for Send<'_, M> {
    type Output = std::result::Result<(), SendError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(turn::poll_proceed(cx));
        if let State::Fresh(message) = &this.state
            && let Some(body) = message.copied()
        {
            return match this.socket.state().send_copied(body, || Patience::None) {
                Ok(()) => {
                    this.state = State::Done;
                    Poll::Ready(Ok(()))
                }
                Err(error) => this.refused(error, cx),
            };
        }
        this.poll_whole(cx)
    }
}

impl<M: IntoMessage> Send<'_, M> {
    #[cold]
    fn refused(&mut self, error: Error, cx: &mut Context<'_>) -> Poll<std::result::Result<(), SendError>> {
        let message = match std::mem::replace(&mut self.state, State::Done) {
            State::Fresh(message) => whole(message),
            State::Waiting(message) => message,
            State::Done => Message::new(),
        };
        if !error.is_would_block() {
            return Poll::Ready(Err(SendError::new(message, error)));
        }
        self.state = State::Waiting(message);
        self.poll_whole(cx)
    }

    /// Sends what is a message already, or has to become one.
    fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), SendError>> {
        let mut message = match std::mem::replace(&mut self.state, State::Done) {
            State::Fresh(message) => match self.socket.try_send(message) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(refused) if !refused.error().is_would_block() => return Poll::Ready(Err(refused)),
                Err(refused) => refused.into_message(),
            },
            State::Waiting(message) => message,
            State::Done => return Poll::Ready(Err(SendError::new(Message::new(), polled_again()))),
        };
        match self.socket.state().poll_send(&mut message, &mut self.place, cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(SendError::new(message, error))),
            Poll::Pending => {
                turn::waited();
                self.state = State::Waiting(message);
                Poll::Pending
            }
        }
    }
}

fn polled_again() -> Error {
    let text = "this future has sent its message; make another for the next message";
    Error::new(crate::ErrorKind::WrongState, text)
}

impl<M> Drop for Send<'_, M> {
    #[inline]
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}

impl<M> std::fmt::Debug for Send<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_sent = matches!(self.state, State::Done);
        f.debug_struct("Send").field("socket", self.socket).field("is_sent", &is_sent).finish_non_exhaustive()
    }
}

/// Future of [`Socket::wait_for_peers_async`].
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct WaitForPeers<'a> {
    socket: &'a Socket,
    count: usize,
    place: Place,
}

impl Future for WaitForPeers<'_> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        let count = this.count;
        this.socket.state().poll_peers(count, &mut this.place, cx)
    }
}

impl Drop for WaitForPeers<'_> {
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}
