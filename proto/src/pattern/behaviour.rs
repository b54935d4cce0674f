//! What each socket type answers, with the answer of a type that has nothing to say as default.
//!
//! [`Pattern`](super::Pattern) documents the calls; it hands each to the one type it is.

use super::{Admission, Attach, Attached, PatternOptions, PipeId, Pipes, Refusal};
use crate::{Frame, Message};

pub(super) trait Behaviour {
    fn configure(&mut self, _: &PatternOptions) {}

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, how: Attach) -> Attached;

    fn identify<P: Pipes>(&mut self, _: &mut P, _: PipeId, _: &[u8]) -> Attached {
        Attached::Accepted
    }

    fn routing_id_of(&self, _: PipeId) -> Option<&[u8]> {
        None
    }

    fn readable(&mut self, _: PipeId) {}

    fn writable(&mut self, _: PipeId) {}

    fn detach_out<P: Pipes>(&mut self, _: &mut P, _: PipeId) {}

    /// Comes after [`detach_out`](Self::detach_out).
    fn detach<P: Pipes>(&mut self, _: &mut P, _: PipeId) {}

    fn reconnecting<P: Pipes>(&mut self, _: &mut P, _: PipeId) {}

    fn subscription<P: Pipes>(&mut self, _: &mut P, _: PipeId, _: &[u8], _: bool) {}

    /// `ZMQ_SUBSCRIBE` (`wanted`) or `ZMQ_UNSUBSCRIBE`.
    fn set_topic<P: Pipes>(&mut self, _: &mut P, _: &[u8], _: bool) -> Result<(), Refusal> {
        Err(Refusal::Invalid("this socket type has no subscriptions of its own"))
    }

    fn send<P: Pipes>(&mut self, _: &mut P, _: &mut Message, _: Admission) -> Result<(), Refusal> {
        Err(Refusal::NotSupported)
    }

    fn may_start_send<P: Pipes>(&mut self, _: &mut P, _: &Frame) -> Result<(), Refusal> {
        Err(Refusal::NotSupported)
    }

    fn recv<P: Pipes>(&mut self, _: &mut P, _: &mut Message) -> Result<(), Refusal> {
        Err(Refusal::NotSupported)
    }

    fn can_recv<P: Pipes>(&mut self, _: &mut P) -> bool {
        false
    }

    fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool {
        false
    }

    fn has_room_for<P: Pipes>(&self, _: &mut P, _: &[u8]) -> Result<bool, Refusal> {
        Err(Refusal::NotSupported)
    }

    fn topics_count(&self) -> usize {
        0
    }

    fn wants_input(&self) -> bool {
        false
    }

    fn held(&self) -> usize {
        0
    }

    fn last_source(&self) -> Option<PipeId> {
        None
    }

    fn only_outlet(&self) -> Option<PipeId> {
        None
    }

    fn sends_to_all(&self) -> bool {
        false
    }

    fn only_inlet(&self) -> Option<PipeId> {
        None
    }
}
