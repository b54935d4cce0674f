//! A socket that sends and receives, parted into two halves.
//!
//! Any thread may use any socket, so two halves are a matter of types: who has one can do only one of the two. Both are handles of one
//! socket, which is closed with the last of them.

use crate::error::{Result, SendError};
use crate::socket::Socket;
use crate::socket::typed::typed;
use crate::{IntoMessage, Message, Messages};
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
    typed!(@send);

    /// Whether the other is a half of the same socket.
    #[must_use]
    pub fn is_half_of(&self, other: &Receiver) -> bool {
        self.0.is_same(&other.0)
    }

    typed!(@as_socket);
}

impl Receiver {
    typed!(@recv);
    typed!(@as_socket);
}
