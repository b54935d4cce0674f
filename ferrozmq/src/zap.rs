//! Who decides whether a peer may come in: the ZAP handler that the application binds at `inproc://zeromq.zap.01`.
//!
//! A handshake that has to ask makes a pipe of its own to the handler, as libzmq's do, and goes on when the answer comes: no
//! I/O thread ever waits, and any number of questions may be open. The pipe ends with the handshake.

use crate::inproc::Registry;
use crate::pipe::inproc::{InprocEnd, Party, Told};
use crate::{Message, SocketType};
use bytes::Bytes;
use ferrozmq_proto::mechanism::Verdict;
use ferrozmq_proto::zap::{HANDLER, ReplyFault, read_reply};
use std::sync::Arc;

/// Who decides about the peers of one context's sockets.
pub(crate) struct Access {
    registry: Arc<Registry>,
}

/// A question that is not answered yet.
pub(crate) struct Inquiry {
    end: InprocEnd,
}

impl Access {
    pub(crate) fn new(registry: Arc<Registry>) -> Access {
        Access { registry }
    }

    /// Asks the ZAP handler; `None` if there is none. `told` learns of the answer.
    pub(crate) fn ask(&self, question: Message, told: Told) -> Option<Inquiry> {
        let mut end = self.registry.inquire(HANDLER, &asker(), told)?;
        end.push(question);
        Some(Inquiry { end })
    }
}

impl Inquiry {
    /// The answer, if it is there.
    pub(crate) fn answer(&mut self) -> Option<Result<Verdict, ReplyFault>> {
        let mut reply = Message::default();
        self.end.pop(&mut reply).then(|| read_reply(&reply))
    }
}

/// The asking end of the pipe: without marks, and without a routing id.
fn asker() -> Party {
    Party {
        kind: SocketType::Dealer,
        sndhwm: 0,
        rcvhwm: 0,
        conflate: false,
        routing_id: Bytes::new(),
        hello: None,
    }
}
