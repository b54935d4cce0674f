//! Sockets that offer only what their pattern allows.
//!
//! Each wraps a [`Socket`], which [`as_socket`](Req::as_socket) lends for options, monitoring and
//! polling.

use super::Socket;
use super::builder::SocketBuilder;
use super::messages::Messages;
use crate::context::Context;
use crate::error::{Result, SendError};
use crate::{IntoMessage, Message, SocketType};
use std::time::Duration;

macro_rules! typed {
    ($(#[$doc:meta])* $name:ident, $($capability:ident),+) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Socket);

        impl $name {
            /// Makes the socket.
            ///
            /// # Errors
            /// As [`Context::socket`].
            pub fn new(context: &Context) -> Result<$name> {
                context.socket(SocketType::$name).map($name)
            }

            /// Settings for such a socket, before there is one.
            pub fn builder(context: &Context) -> SocketBuilder<$name> {
                SocketBuilder::new(context, SocketType::$name).wrapped($name)
            }

            /// As [`Socket::bind`].
            ///
            /// # Errors
            /// As [`Socket::bind`].
            pub fn bind(&self, endpoint: &str) -> Result<String> {
                self.0.bind(endpoint)
            }

            /// As [`Socket::connect`].
            ///
            /// # Errors
            /// As [`Socket::connect`].
            pub fn connect(&self, endpoint: &str) -> Result<()> {
                self.0.connect(endpoint)
            }

            /// As [`Socket::unbind`].
            ///
            /// # Errors
            /// As [`Socket::unbind`].
            pub fn unbind(&self, endpoint: &str) -> Result<()> {
                self.0.unbind(endpoint)
            }

            /// As [`Socket::disconnect`].
            ///
            /// # Errors
            /// As [`Socket::disconnect`].
            pub fn disconnect(&self, endpoint: &str) -> Result<()> {
                self.0.disconnect(endpoint)
            }

            /// As [`Socket::wait_for_peers`].
            ///
            /// # Errors
            /// As [`Socket::wait_for_peers`].
            pub fn wait_for_peers(&self, count: usize, timeout: Duration) -> Result<()> {
                self.0.wait_for_peers(count, timeout)
            }

            /// As [`Socket::close`].
            pub fn close(&self) {
                self.0.close();
            }

            typed!(@as_socket);

            /// The socket as one of any type.
            #[must_use]
            pub fn into_socket(self) -> Socket {
                self.0
            }

            $(typed!(@$capability);)+
        }

        impl AsRef<Socket> for $name {
            fn as_ref(&self) -> &Socket {
                &self.0
            }
        }

        impl From<$name> for Socket {
            fn from(socket: $name) -> Socket {
                socket.0
            }
        }

        /// If it is of this type; else it comes back.
        impl TryFrom<Socket> for $name {
            type Error = Socket;

            fn try_from(socket: Socket) -> std::result::Result<$name, Socket> {
                match socket.socket_type() {
                    SocketType::$name => Ok($name(socket)),
                    _ => Err(socket),
                }
            }
        }

        $(typed!(#$capability $name);)+
    };
    (#recv $name:ident) => {
        impl<'a> IntoIterator for &'a $name {
            type Item = Result<Message>;
            type IntoIter = Messages<'a>;

            fn into_iter(self) -> Messages<'a> {
                self.0.iter()
            }
        }
    };
    (#$other:ident $name:ident) => {};
    (@as_socket) => {
        /// The socket as one of any type: for options, monitoring and polling.
        #[must_use]
        pub fn as_socket(&self) -> &Socket {
            &self.0
        }
    };
    (@send) => {
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

        /// As [`Socket::send_json`].
        ///
        /// # Errors
        /// As [`Socket::send_json`].
        #[cfg(feature = "serde")]
        pub fn send_json<T: serde::Serialize + ?Sized>(&self, value: &T) -> Result<()> {
            self.0.send_json(value)
        }

        /// As [`Socket::send_msgpack`].
        ///
        /// # Errors
        /// As [`Socket::send_msgpack`].
        #[cfg(feature = "msgpack")]
        pub fn send_msgpack<T: serde::Serialize + ?Sized>(&self, value: &T) -> Result<()> {
            self.0.send_msgpack(value)
        }
    };
    (@recv) => {
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

        /// As [`Socket::iter`].
        #[must_use]
        pub fn iter(&self) -> Messages<'_> {
            self.0.iter()
        }

        /// As [`Socket::recv_json`].
        ///
        /// # Errors
        /// As [`Socket::recv_json`].
        #[cfg(feature = "serde")]
        pub fn recv_json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
            self.0.recv_json()
        }

        /// As [`Socket::recv_msgpack`].
        ///
        /// # Errors
        /// As [`Socket::recv_msgpack`].
        #[cfg(feature = "msgpack")]
        pub fn recv_msgpack<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
            self.0.recv_msgpack()
        }
    };
    (@publish) => {
        /// As [`Socket::wait_for_subscribers`].
        ///
        /// # Errors
        /// As [`Socket::wait_for_subscribers`].
        pub fn wait_for_subscribers(
            &self,
            topic: impl AsRef<[u8]>,
            count: usize,
            timeout: Duration,
        ) -> Result<()> {
            self.0.wait_for_subscribers(topic, count, timeout)
        }
    };
    (@subscribe) => {
        /// As [`Socket::subscribe`].
        ///
        /// # Errors
        /// As [`Socket::subscribe`].
        pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
            self.0.subscribe(topic)
        }

        /// As [`Socket::unsubscribe`].
        ///
        /// # Errors
        /// As [`Socket::unsubscribe`].
        pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
            self.0.unsubscribe(topic)
        }
    };
}

pub(crate) use typed;

typed! {
    /// The client of request–reply: sends a request, then receives its reply (RFC 28).
    ///
    /// ```
    /// use ferrozmq::{Context, Rep, Req};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let (server, client) = (Rep::new(&context)?, Req::new(&context)?);
    /// server.bind("inproc://greetings")?;
    /// client.connect("inproc://greetings")?;
    /// client.send("hello")?;
    /// server.recv()?;
    /// server.send("world")?;
    /// assert_eq!(&client.recv()?[0], "world");
    /// # Ok(())
    /// # }
    /// ```
    Req, send, recv
}
typed! {
    /// The server of request–reply: receives a request, then sends its reply (RFC 28).
    Rep, send, recv
}
typed! {
    /// Sends to its peers in turn, receives from all fairly (RFC 28).
    Dealer, send, recv
}
typed! {
    /// Addresses each peer by its routing id, the first part of every message (RFC 28).
    Router, send, recv
}
typed! {
    /// Sends to every peer that subscribed to what a message begins with (RFC 29).
    Pub, send, publish
}
typed! {
    /// Receives what begins with what it subscribed to (RFC 29); nothing before the first
    /// [`subscribe`](Sub::subscribe).
    Sub, recv, subscribe
}
typed! {
    /// A PUB that receives its peers' subscriptions as messages: 1 or 0, and the topic (RFC 29).
    XPub, send, recv, publish
}
typed! {
    /// A SUB that sends its subscriptions as messages: 1 or 0, and the topic (RFC 29).
    XSub, send, recv
}
typed! {
    /// Sends to its peers in turn, those with room (RFC 30).
    Push, send
}
typed! {
    /// Receives from all its peers fairly (RFC 30).
    Pull, recv
}
typed! {
    /// Talks with exactly one peer (RFC 31).
    Pair, send, recv
}
typed! {
    /// Talks raw TCP; the first part of every message names the connection (`zmq_socket(3)`).
    Stream, send, recv
}
