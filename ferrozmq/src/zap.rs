//! Who decides whether a peer may come in: the ZAP handler that the application binds at `inproc://zeromq.zap.01`, and where none is
//! bound, or none would be asked, the context's [`Authenticator`], if it has one.
//!
//! A handshake that has to ask makes a pipe of its own to the handler, as libzmq's do, and goes on when the answer comes: no
//! I/O thread ever waits, and any number of questions may be open. The pipe ends with the handshake.

use crate::authenticator::{Authenticator, Petition};
use crate::inproc::Registry;
use crate::pipe::errand::Desk;
use crate::pipe::inproc::{InprocEnd, Party, Told};
use crate::sync::Mutex;
use crate::{Message, SocketType};
use bytes::Bytes;
use ferrozmq_proto::access::AccessRequest;
use ferrozmq_proto::mechanism::Verdict;
use ferrozmq_proto::zap::{HANDLER, ReplyFault, read_reply};
use std::sync::Arc;

/// Who decides about the peers of one context's sockets.
pub(crate) struct Access {
    registry: Arc<Registry>,
    authenticator: Mutex<Option<Arc<Authenticator>>>,
}

/// A question that is not answered yet.
pub(crate) enum Inquiry {
    /// It is with the ZAP handler.
    Handler(Box<InprocEnd>),
    /// It is with the authenticator.
    Authenticator(Petition),
}

/// What became of a question: whether the peer may come in, and in words why not.
pub(crate) type Answer = Result<(Verdict, Option<String>), ReplyFault>;

impl Access {
    pub(crate) fn new(registry: Arc<Registry>) -> Access {
        Access { registry, authenticator: Mutex::new(None) }
    }

    /// From now on `authenticator` decides about peers that no ZAP handler decides about.
    pub(crate) fn appoint(&self, authenticator: Authenticator) {
        let former = self.authenticator.lock().replace(Arc::new(authenticator));
        drop(former);
    }

    /// Whether every peer that comes to us is decided about.
    pub(crate) fn has_authenticator(&self) -> bool {
        self.authenticator.lock().is_some()
    }

    /// Asks the ZAP handler; `None` if there is none. The connection `token` at this desk is told of the answer.
    pub(crate) fn ask_handler(&self, question: Message, desk: &Arc<Desk>, token: u64) -> Option<Inquiry> {
        let told = Told::Handshake(Arc::clone(desk), token);
        let mut end = self.registry.inquire(HANDLER, &asker(), told)?;
        end.push(question);
        Some(Inquiry::Handler(Box::new(end)))
    }

    /// Asks the authenticator, likewise.
    pub(crate) fn ask_authenticator(
        &self,
        request: AccessRequest,
        desk: &Arc<Desk>,
        token: u64,
    ) -> Option<Inquiry> {
        let authenticator = self.authenticator.lock().clone()?;
        Some(Inquiry::Authenticator(authenticator.ask(request, Arc::clone(desk), token)))
    }
}

impl Inquiry {
    /// The answer, if it is there.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        match self {
            Inquiry::Handler(end) => {
                let mut reply = Message::default();
                end.pop(&mut reply).then(|| read_reply(&reply).map(|verdict| (verdict, None)))
            }
            Inquiry::Authenticator(petition) => petition.answer().map(|answer| Ok(answer.into_parts())),
        }
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
