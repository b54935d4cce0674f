//! STREAM: raw TCP, each connection addressed by a routing id (libzmq's `zmq_socket(3)`).
//!
//! What arrives is the connection's id and a run of bytes; what is sent is an id and bytes, where no bytes ask to close
//! that connection. Empty bytes also tell of a new connection and of its end (`ZMQ_STREAM_NOTIFY`). A
//! message has exactly two parts: [`Pattern::parts_limit`](super::Pattern::parts_limit). Invariant: nothing is read from a
//! connection before its notice is queued, though its bytes may be there before the word that it is up.

use super::fair::Fair;
use super::pipe_set::PipeSet;
use super::routes::Routes;
use super::{
    Admission, Attach, Attached, Behaviour, Closing, Discarded, Dropped, Entry, PatternOptions, PipeId,
    Pipes, Refusal, discard_input,
};
use crate::{Frame, Message};

/// State of a STREAM socket.
#[derive(Debug)]
pub struct Stream {
    routes: Routes,
    inbox: Fair,
    connected: PipeSet,
    notify: bool,
}

impl Stream {
    pub(super) fn new(seed: u64) -> Stream {
        Stream {
            routes: Routes::new(seed),
            inbox: Fair::default(),
            connected: PipeSet::default(),
            notify: true,
        }
    }

    /// Puts the routing id of `pipe`'s peer in front; `false` if it has none.
    fn label(&self, pipe: PipeId, message: &mut Message) -> bool {
        let Some(id) = self.routes.id_of(pipe) else { return false };
        message.push_front(id.clone().with_origin(message.origin()));
        true
    }

    fn next<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Option<PipeId> {
        while let Some(pipe) = self.inbox.next(pipes, into) {
            if self.label(pipe, into) {
                return Some(pipe);
            }
            pipes.discarded(Some(pipe), Discarded::Refused);
        }
        None
    }

    fn report<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        let mut notice = Message::new().with_origin(pipes.origin(pipe));
        if self.notify && self.label(pipe, &mut notice) {
            pipes.tally(Entry::Notice, 1);
            if !self.inbox.notify(pipe, notice) {
                pipes.discarded(Some(pipe), Discarded::Overflow);
            }
        }
    }

    /// A connection is lost: takes out what it delivered, so that the notice comes after that, and what the next delivers after the
    /// notice.
    fn lose<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        let mut message = Message::new();
        while pipes.read(pipe, &mut message) {
            if self.label(pipe, &mut message) {
                self.inbox.put_ahead(pipe, std::mem::take(&mut message));
            } else {
                pipes.discarded(Some(pipe), Discarded::Refused);
            }
        }
        self.inbox.detach(pipe);
        if self.connected.remove(pipe) {
            self.report(pipes, pipe);
        }
    }

    fn route<P: Pipes>(&self, pipes: &mut P, id: &[u8], how: Admission) -> Result<PipeId, Refusal> {
        let pipe = self.routes.find(id).ok_or(Refusal::Unroutable)?;
        if how == Admission::IfRoom && !pipes.room(pipe) {
            return Err(Refusal::WouldBlock);
        }
        Ok(pipe)
    }
}

impl Behaviour for Stream {
    fn configure(&mut self, options: &PatternOptions) {
        self.notify = options.stream_notify;
    }

    fn attach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, how: Attach) -> Attached {
        if let Err(why) = self.routes.attach(pipe, how.routing_id.as_deref()) {
            pipes.close(pipe, Closing::Refused(why));
            return Attached::Refused(why);
        }
        self.routes.name(pipe);
        Attached::Accepted
    }

    fn identify<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId, _: &[u8]) -> Attached {
        self.connected.insert(pipe);
        self.inbox.attach(pipe);
        self.report(pipes, pipe);
        Attached::Accepted
    }

    fn routing_id_of(&self, pipe: PipeId) -> Option<&[u8]> {
        self.routes.id_of(pipe).map(Frame::as_bytes)
    }

    fn readable(&mut self, pipe: PipeId) {
        self.inbox.readable(pipe);
    }

    fn detach_out<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.routes.close(pipe);
        if self.routes.id_of(pipe).is_none() {
            discard_input(pipes, pipe, Discarded::Refused);
        }
    }

    fn detach<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.lose(pipes, pipe);
        self.routes.remove(pipe);
    }

    fn reconnecting<P: Pipes>(&mut self, pipes: &mut P, pipe: PipeId) {
        self.lose(pipes, pipe);
    }

    #[inline(never)]
    fn send<P: Pipes>(
        &mut self,
        pipes: &mut P,
        message: &mut Message,
        how: Admission,
    ) -> Result<(), Refusal> {
        match message.len() {
            1 => {
                pipes.dropped(None, Dropped::Malformed);
                return Ok(());
            }
            2 => {}
            _ => return Err(Refusal::Invalid("a STREAM message is a routing id and one part")),
        }
        let pipe = match self.route(pipes, message.first(), how) {
            Ok(pipe) => pipe,
            Err(_) if how == Admission::Committed => {
                pipes.dropped(None, Dropped::Unroutable);
                return Ok(());
            }
            Err(why) => return Err(why),
        };
        message.pop_front();
        if message.first().is_empty() {
            // Who asks for the end is not told of it.
            self.connected.remove(pipe);
            pipes.tally(Entry::Command, 1);
            pipes.close(pipe, Closing::Asked);
        } else {
            pipes.write(pipe, message);
        }
        Ok(())
    }

    fn may_start_send<P: Pipes>(&mut self, pipes: &mut P, first: &Frame) -> Result<(), Refusal> {
        self.route(pipes, first, Admission::IfRoom).map(|_| ())
    }

    #[inline(never)]
    fn recv<P: Pipes>(&mut self, pipes: &mut P, into: &mut Message) -> Result<(), Refusal> {
        let taken = match self.inbox.take_ahead(into) {
            None => self.next(pipes, into),
            some => some,
        };
        taken.map(drop).ok_or(Refusal::WouldBlock)
    }

    fn can_recv<P: Pipes>(&mut self, pipes: &mut P) -> bool {
        if !self.inbox.has_ahead() {
            let mut message = Message::new();
            let Some(pipe) = self.next(pipes, &mut message) else { return false };
            self.inbox.put_ahead(pipe, message);
        }
        true
    }

    fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool {
        true
    }

    fn wants_input(&self) -> bool {
        true
    }

    fn held(&self) -> usize {
        self.inbox.held()
    }

    fn last_source(&self) -> Option<PipeId> {
        self.inbox.last()
    }
}

#[cfg(test)]
mod tests {
    use crate::pattern::testing::Rig;
    use crate::pattern::{Attach, Attached, PipeId, Refusal, RefusedPeer};
    use crate::{Message, SocketType};

    #[test]
    fn connections_announce_themselves_and_close_on_request() {
        let mut stream = Rig::new(SocketType::Stream, 1);
        assert_eq!(stream.pattern.parts_limit(), Some(2));
        let _ = stream.join(1, "");
        let notice = stream.recv().unwrap();
        let id = notice[0].clone();
        assert_eq!((id.len(), notice[1].len(), notice.len()), (5, 0, 2));
        stream.arrive(1, "bytes");
        assert!(stream.can_recv());
        assert_eq!(stream.recv(), Ok([id.clone(), "bytes".into()].into()));
        stream.send(Message::from([id.clone(), "out".into()])).unwrap();
        assert_eq!(stream.send(Message::from([id.clone(), "full".into()])), Err(Refusal::WouldBlock));
        assert_eq!(stream.pipes.sent(1), [Message::from("out")]);
        assert_eq!(stream.send(["?", "x"]), Err(Refusal::Unroutable));
        assert_eq!(stream.may_start("?"), Err(Refusal::Unroutable));
        assert!(matches!(stream.send(["a", "b", "c"]), Err(Refusal::Invalid(_))));
        stream.send(Message::from([id.clone(), "".into()])).unwrap();
        assert_eq!(stream.pipes.closed, [1]);
        stream.detach(1);
        assert_eq!(stream.recv(), Err(Refusal::WouldBlock), "who asks for the end is not told of it");
        stream.commit([id, "late".into()]);
        assert_eq!(stream.pipes.dropped().len(), 1);
    }

    /// Whoever writes into the pipe does not wait for the socket to notice the connection.
    #[test]
    fn a_notice_comes_before_the_bytes_and_after_those_of_the_connection_before() {
        let mut stream = Rig::new(SocketType::Stream, 9);
        let _ = stream.connect(1);
        stream.arrive(1, "first");
        assert_eq!(stream.recv(), Err(Refusal::WouldBlock));
        let _ = stream.identify(1, "");
        let mut bodies = vec![stream.recv().unwrap()[1].clone()];
        stream.reconnecting(1);
        stream.arrive(1, "second");
        bodies.extend([stream.recv().unwrap()[1].clone(), stream.recv().unwrap()[1].clone()]);
        assert_eq!(stream.recv(), Err(Refusal::WouldBlock));
        let _ = stream.identify(1, "");
        bodies.extend([stream.recv().unwrap()[1].clone(), stream.recv().unwrap()[1].clone()]);
        assert_eq!(bodies, ["", "first", "", "", "second"]);
    }

    #[test]
    fn notices_can_be_off_and_ids_be_chosen() {
        let mut stream = Rig::with(SocketType::Stream, 1, |options| options.stream_notify = false);
        let named = Attach { routing_id: Some("mine".into()), local: true };
        assert_eq!(stream.pattern.attach(&mut stream.pipes, PipeId(1), named.clone()), Attached::Accepted);
        let duplicate = Attached::Refused(RefusedPeer::DuplicateRoutingId);
        assert_eq!(stream.pattern.attach(&mut stream.pipes, PipeId(2), named), duplicate);
        let _ = stream.identify(1, "");
        stream.send(["mine", "x"]).unwrap();
        stream.detach(1);
        assert_eq!(stream.recv(), Err(Refusal::WouldBlock));
    }
}
