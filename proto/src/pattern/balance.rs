//! Load balancing: each message goes to the next peer that has room.

use super::active::ActiveSet;
use super::{PipeId, Pipes};
use crate::Message;

/// The peers that messages are dealt to.
#[derive(Debug, Default)]
pub(super) struct Balance {
    pipes: ActiveSet,
}

impl Balance {
    pub(super) fn attach(&mut self, pipe: PipeId) {
        self.pipes.insert(pipe);
    }

    pub(super) fn detach(&mut self, pipe: PipeId) {
        self.pipes.remove(pipe);
    }

    /// There may be room again.
    pub(super) fn writable(&mut self, pipe: PipeId) {
        self.pipes.activate(pipe);
    }

    /// The peer that the next message goes to; `None` if nobody has room.
    #[inline]
    pub(super) fn choose<P: Pipes>(&mut self, pipes: &mut P) -> Option<PipeId> {
        while let Some(pipe) = self.pipes.current() {
            if pipes.room(pipe) {
                return Some(pipe);
            }
            self.pipes.deactivate_current();
        }
        None
    }

    /// Sends to the next peer that has room; gives the message back if nobody has.
    #[inline]
    pub(super) fn send<P: Pipes>(&mut self, pipes: &mut P, message: Message) -> Result<PipeId, Message> {
        let Some(pipe) = self.choose(pipes) else { return Err(message) };
        pipes.write(pipe, message);
        self.pipes.advance();
        Ok(pipe)
    }

    /// Sends to the next peer, room or not; gives the message back if there is no peer.
    pub(super) fn force<P: Pipes>(&mut self, pipes: &mut P, message: Message) -> Result<PipeId, Message> {
        match self.send(pipes, message) {
            Ok(pipe) => Ok(pipe),
            Err(message) => {
                let Some(pipe) = self.pipes.iter().next() else { return Err(message) };
                pipes.write(pipe, message);
                Ok(pipe)
            }
        }
    }
}
