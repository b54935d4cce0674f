//! A subscription that ends with the value that stands for it.

use super::Socket;
use super::handle::SocketState;
use super::typed::Sub;
#[expect(unused_imports, reason = "the documentation names it")]
use crate::error::ErrorKind;
use crate::error::Result;
use bytes::Bytes;
use std::fmt;
use std::sync::{Arc, Weak};

/// A subscription of a SUB socket, from [`Sub::subscription`]: dropping it takes the subscription back.
///
/// Equal topics are counted: a topic is wanted as long as one of its subscriptions is. The guard does not keep the socket open.
#[must_use = "dropping it unsubscribes at once; for a subscription without a guard use subscribe"]
pub struct Subscription {
    socket: Weak<SocketState>,
    topic: Bytes,
}

impl Subscription {
    /// What the messages begin with.
    #[must_use]
    pub fn topic(&self) -> &[u8] {
        &self.topic
    }

    /// Lets the subscription stay as long as the socket.
    pub fn keep(mut self) {
        self.socket = Weak::new();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.upgrade() {
            // A socket that is closed, or whose context is terminated, has no subscriptions.
            let _ = socket.enter().and_then(|mut core| core.unsubscribe(&self.topic));
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription(\"{}\")", self.topic.escape_ascii())
    }
}

impl Socket {
    /// [`subscribe`](Self::subscribe)s, and unsubscribes when what is returned is dropped (SUB; `ZMQ_SUBSCRIBE`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for other socket types.
    pub fn subscription(&self, topic: impl AsRef<[u8]>) -> Result<Subscription> {
        let topic = Bytes::copy_from_slice(topic.as_ref());
        self.subscribe(&topic)?;
        Ok(Subscription { socket: Arc::downgrade(self.state()), topic })
    }
}

impl Sub {
    /// [`subscribe`](Self::subscribe)s, and unsubscribes when what is returned is dropped.
    ///
    /// ```
    /// use ferrozmq::{Context, Sub};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let sub = Sub::new(&Context::new())?;
    /// let weather = sub.subscription("weather.")?;
    /// assert_eq!(sub.as_socket().topics_count()?, 1);
    /// drop(weather);
    /// assert_eq!(sub.as_socket().topics_count()?, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed).
    pub fn subscription(&self, topic: impl AsRef<[u8]>) -> Result<Subscription> {
        self.as_socket().subscription(topic)
    }
}
