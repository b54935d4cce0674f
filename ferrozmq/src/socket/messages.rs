//! Received messages as an iterator.

use super::Socket;
use crate::Message;
use crate::error::{ErrorKind, Result};

/// The messages that a socket receives, from [`Socket::iter`]: each step waits as [`Socket::recv`] does.
///
/// It ends when the socket is closed or its context terminated. Any other error is an item, after which the next
/// may be a message again: a time-out, a signal.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    socket: &'a Socket,
}

impl Iterator for Messages<'_> {
    type Item = Result<Message>;

    fn next(&mut self) -> Option<Result<Message>> {
        match self.socket.recv() {
            Err(error) if matches!(error.kind(), ErrorKind::Terminated | ErrorKind::Closed) => None,
            result => Some(result),
        }
    }
}

impl Socket {
    /// The messages that come in, waiting for each, until the socket is closed or the context terminated.
    ///
    /// ```
    /// use ferrozmq::{Context, Pull, Push};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let (push, pull) = (Push::new(&context)?, Pull::new(&context)?);
    /// pull.bind("inproc://work")?;
    /// push.connect("inproc://work")?;
    /// for task in ["one", "two", "last"] {
    ///     push.send(task)?;
    /// }
    /// for task in &pull {
    ///     if &task?[0] == "last" {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn iter(&self) -> Messages<'_> {
        Messages { socket: self }
    }
}

impl<'a> IntoIterator for &'a Socket {
    type Item = Result<Message>;
    type IntoIter = Messages<'a>;

    fn into_iter(self) -> Messages<'a> {
        self.iter()
    }
}
