//! A socket's messages as a stream, and the socket as a sink of messages.

use super::turn;
use crate::Message;
use crate::error::{Error, Result};
use crate::socket::Socket;
use crate::tasks::Place;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl Socket {
    /// What the socket receives, as a stream. It is a handle of the socket, as a clone is.
    ///
    /// It ends when the socket is closed; other errors are items, and [`Terminated`](crate::ErrorKind::Terminated) is the last. Cancel-safe:
    /// it keeps no message back, so that other receivers find what it has not returned.
    pub fn stream(&self) -> MessageStream {
        MessageStream { socket: self.clone(), place: Place::default(), over: false }
    }

    /// A sink that sends. It is a handle of the socket, as a clone is.
    pub fn sink(&self) -> MessageSink {
        MessageSink { socket: self.clone(), place: Place::default(), waiting: None }
    }
}

/// What a socket receives; made by [`Socket::stream`].
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct MessageStream {
    socket: Socket,
    place: Place,
    over: bool,
}

impl Stream for MessageStream {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        ready!(turn::poll_proceed(cx));
        let mut message = Message::new();
        let Poll::Ready(received) = this.socket.state().poll_recv(&mut message, &mut this.place, cx) else {
            turn::waited();
            return Poll::Pending;
        };
        Poll::Ready(match received {
            Ok(()) => Some(Ok(message)),
            Err(error) => {
                let closed = error.kind() == crate::ErrorKind::Closed;
                this.over = closed || error.is_terminated();
                (!closed).then_some(Err(error))
            }
        })
    }
}

impl FusedStream for MessageStream {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl Drop for MessageStream {
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}

/// Sends what is put into it; made by [`Socket::sink`].
///
/// At most one message waits in it, the one that the socket has no room for. It is sent by the polls that follow (`poll_ready`,
/// `poll_flush`, `poll_close`), and not by anything else: dropped with the sink it was not sent. [`into_unsent`](Self::into_unsent)
/// gives it back. Flushed means that the socket has taken the message, as after a [`send`](Socket::send), not that a peer has it.
/// Closing the sink does not close the socket.
#[derive(Debug)]
#[must_use = "a sink does nothing unless it is polled"]
pub struct MessageSink {
    socket: Socket,
    place: Place,
    waiting: Option<Message>,
}

impl MessageSink {
    /// The message that waits, if one does.
    #[must_use]
    pub fn into_unsent(mut self) -> Option<Message> {
        self.waiting.take()
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(message) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let sent = ready!(self.socket.state().poll_send(message, &mut self.place, cx));
        if sent.is_ok() {
            self.waiting = None;
        }
        Poll::Ready(sent)
    }
}

impl Sink<Message> for MessageSink {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(turn::poll_proceed(cx));
        self.poll_sent(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<()> {
        if self.waiting.is_some() {
            let text = "a message waits in this sink; poll it until it is ready before the next one";
            return Err(Error::new(crate::ErrorKind::WrongState, text));
        }
        match self.socket.try_send(message) {
            Err(refused) if refused.error().is_would_block() => {
                self.waiting = Some(refused.into_message());
                Ok(())
            }
            sent => Ok(sent?),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_sent(cx))?;
        Poll::Ready(self.socket.state().flush())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_flush(cx)
    }
}

impl Drop for MessageSink {
    fn drop(&mut self) {
        self.socket.state().stop_waiting(&mut self.place);
    }
}
