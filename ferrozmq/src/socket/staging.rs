//! Messages on their way in or out part by part.
//!
//! Only this file knows that a message may be handed over in parts (`ZMQ_SNDMORE`, `ZMQ_RCVMORE`).
//! An unfinished message belongs to the socket: the next part, from whatever thread, continues it.
//! Nothing of it leaves before its last part is there.

use crate::{Frame, Message};
use std::collections::VecDeque;

/// A socket's unfinished messages, one in each direction.
#[derive(Default)]
pub(super) struct Staging {
    outgoing: Vec<Frame>,
    incoming: VecDeque<Frame>,
}

impl Staging {
    /// Parts of a message to be received are left.
    pub(super) fn has_input(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// A message to be sent has begun.
    pub(super) fn has_output(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Parts of the message to be sent so far.
    pub(super) fn parts(&self) -> usize {
        self.outgoing.len()
    }

    /// Adds a part that others follow.
    pub(super) fn add(&mut self, part: Frame) {
        self.outgoing.push(part);
    }

    /// Adds the last part: the whole message.
    pub(super) fn complete(&mut self, last: Frame) -> Message {
        let mut parts = std::mem::take(&mut self.outgoing);
        parts.push(last);
        Message::from_parts(parts).unwrap_or_default()
    }

    /// Takes back the last part of a message that could not be sent; the earlier parts stay.
    pub(super) fn uncomplete(&mut self, message: Message) -> Frame {
        self.outgoing = message.into_iter().collect();
        self.outgoing.pop().unwrap_or_default()
    }

    /// Forgets the unfinished outgoing message.
    pub(super) fn abandon(&mut self) {
        self.outgoing.clear();
    }

    /// Moves the next part of the message being received to `into`; says whether others follow.
    pub(super) fn next(&mut self, into: &mut Frame) -> bool {
        if let Some(part) = self.incoming.pop_front() {
            *into = part;
        }
        !self.incoming.is_empty()
    }

    /// Begins to hand out `message` part by part: the first goes to `into`; says whether others follow.
    #[inline]
    pub(super) fn begin(&mut self, message: &mut Message, into: &mut Frame) -> bool {
        message.unpack(into, &mut self.incoming);
        !self.incoming.is_empty()
    }
}
