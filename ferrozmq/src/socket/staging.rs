//! Messages on their way in or out part by part.
//!
//! Only this file knows that a message may be handed over in parts (`ZMQ_SNDMORE`, `ZMQ_RCVMORE`).
//! An unfinished message belongs to the socket: the next part, from whatever thread, continues it.
//! Nothing of it leaves before its last part is there.
//!
//! What a message leaves behind, the memory of its parts, is used for the next one.

use crate::{Frame, Message};

/// The memory of so many parts is kept.
const KEPT: usize = 16;

/// A socket's unfinished messages, one in each direction.
#[derive(Default)]
pub(super) struct Staging {
    outgoing: Message,
    /// So many parts of `outgoing` there are.
    begun: usize,
    /// Frames for later parts, of any content.
    spare: Vec<Frame>,
    /// In a box of its own, so that it is handed to and fro without being moved. None: one is being received, or never was.
    incoming: Option<Box<Message>>,
    /// So many parts of `incoming` are left.
    left: usize,
}

impl Staging {
    /// Parts of a message to be received are left.
    #[inline(always)]
    pub(super) fn has_input(&self) -> bool {
        self.left > 0
    }

    /// A message to be sent has begun.
    #[inline(always)]
    pub(super) fn has_output(&self) -> bool {
        self.begun > 0
    }

    /// Parts of the message to be sent so far.
    pub(super) fn parts(&self) -> usize {
        self.begun
    }

    /// A part that is a copy of `body`, to be added.
    pub(super) fn copy(&mut self, body: &[u8]) -> Frame {
        let mut part = self.spare.pop().unwrap_or_default();
        part.copy_from(body);
        part
    }

    /// Makes `message`, which is a single empty part, a copy of `body`; to be [kept](Self::keep) when it has been sent.
    #[inline]
    pub(super) fn copy_whole(&mut self, body: &[u8], message: &mut Message) {
        message.copy_from(body, &mut self.spare);
    }

    /// Adds a part that others follow.
    pub(super) fn add(&mut self, part: Frame) {
        match self.begun {
            0 => self.outgoing = Message::from(part),
            _ => self.outgoing.push_back(part),
        }
        self.begun += 1;
    }

    /// Adds the last part: the whole message.
    pub(super) fn complete(&mut self, last: Frame) -> Message {
        self.add(last);
        self.begun = 0;
        std::mem::take(&mut self.outgoing)
    }

    /// Takes back the last part of a message that could not be sent; the earlier parts stay.
    pub(super) fn uncomplete(&mut self, mut message: Message) -> Frame {
        self.begun = message.len() - 1;
        let last = message.pop_back();
        self.outgoing = message;
        last
    }

    /// Keeps the memory of a message that was sent.
    pub(super) fn reuse(&mut self, mut message: Message) {
        self.keep(&mut message);
        self.outgoing = message;
    }

    /// The same for one that was not staged.
    #[inline]
    pub(super) fn keep(&mut self, message: &mut Message) {
        message.strip(&mut self.spare);
        self.spare.truncate(KEPT);
    }

    /// Forgets the unfinished outgoing message.
    pub(super) fn abandon(&mut self) {
        self.begun = 0;
        self.outgoing = Message::new();
    }

    /// The place for the next message that is to be received, to be given back to [`begin`](Self::begin).
    pub(super) fn place(&mut self) -> Box<Message> {
        let mut place = self.incoming.take().unwrap_or_default();
        place.shorten(KEPT);
        place
    }

    /// Moves the next part of the message being received to `into`; says whether others follow.
    pub(super) fn next(&mut self, into: &mut Frame) -> bool {
        if let Some(message) = &mut self.incoming
            && let Some(at) = message.len().checked_sub(self.left)
        {
            message.hand_out(at, into);
        }
        self.left -= 1;
        self.left > 0
    }

    /// Begins to hand out `message` part by part: the first goes to `into`; says whether others follow.
    #[inline]
    pub(super) fn begin(&mut self, message: Box<Message>, into: &mut Frame) -> bool {
        self.left = message.len();
        self.incoming = Some(message);
        self.next(into)
    }
}
