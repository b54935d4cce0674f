//! What of the asynchronous face each type of socket has: what its pattern allows; and each half of a socket.

use super::{MessageSink, MessageStream, Receiver, Recv, RecvInto, Send, Sender};
use crate::socket::typed::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};
use crate::{IntoMessage, Message};

macro_rules! asynchronous {
    ($($name:ident: $($capability:ident),+;)+) => {$(
        impl $name {
            $(asynchronous!(@$capability);)+
        }
    )+};
    (@send) => {
        /// As [`Socket::send_async`](crate::Socket::send_async); cancel-safe.
        ///
        /// # Errors
        /// As [`Socket::send_async`](crate::Socket::send_async).
        pub fn send_async<M: IntoMessage>(&self, message: M) -> Send<'_, M> {
            self.as_socket().send_async(message)
        }

        /// As [`Socket::sink`](crate::Socket::sink).
        pub fn sink(&self) -> MessageSink {
            self.as_socket().sink()
        }
    };
    (@recv) => {
        /// As [`Socket::recv_async`](crate::Socket::recv_async); cancel-safe.
        ///
        /// # Errors
        /// As [`Socket::recv_async`](crate::Socket::recv_async).
        pub fn recv_async(&self) -> Recv<'_> {
            self.as_socket().recv_async()
        }

        /// As [`Socket::recv_into_async`](crate::Socket::recv_into_async); cancel-safe.
        ///
        /// # Errors
        /// As [`Socket::recv_into_async`](crate::Socket::recv_into_async).
        pub fn recv_into_async<'a>(&'a self, message: &'a mut Message) -> RecvInto<'a> {
            self.as_socket().recv_into_async(message)
        }

        /// As [`Socket::stream`](crate::Socket::stream); cancel-safe.
        pub fn stream(&self) -> MessageStream {
            self.as_socket().stream()
        }
    };
    (@split) => {
        /// As [`Socket::split`](crate::Socket::split).
        #[must_use]
        pub fn split(self) -> (Sender, Receiver) {
            self.into_socket().split()
        }
    };
}

asynchronous! {
    Req: send, recv;
    Rep: send, recv;
    Dealer: send, recv, split;
    Router: send, recv, split;
    Pub: send;
    Sub: recv;
    XPub: send, recv, split;
    XSub: send, recv, split;
    Push: send;
    Pull: recv;
    Pair: send, recv, split;
    Stream: send, recv, split;
    Sender: send;
    Receiver: recv;
}
