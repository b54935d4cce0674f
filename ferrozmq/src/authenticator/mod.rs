//! The built-in authenticator: decides about peers where no ZAP handler is bound, by rules or by a closure of the application's.
//!
//! I/O threads never wait for it. Questions queue for a thread of its own; passwords, whose check is slow on purpose, for a
//! second one, so that guessing them keeps nobody else waiting. Both queues are bounded: whom they do not hold is sent away for
//! now (status 300), and tries again. A question whose handshake is gone is not answered any more. The threads end
//! with the context, or after the answer they were at.

mod lane;
mod password;
mod rules;

pub use password::hash_password;
pub use rules::AccessRules;
pub(crate) use rules::read_file;

use crate::pipe::errand::{Desk, Errand};
use ferrozmq_proto::access::{AccessAnswer, AccessRequest, Credentials, Ruling};
use lane::Lane;
use rules::Book;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Questions that wait for the deciding thread.
const QUESTIONS_MAX: usize = 4096;
/// Passwords that wait to be checked: a second's work, or two.
const PASSWORDS_MAX: usize = 64;

/// What decides.
type Decide = Box<dyn Fn(&AccessRequest) -> AccessAnswer + Send + Sync>;

/// Who decides about the peers of one context's sockets.
#[derive(Clone)]
pub(crate) struct Authenticator {
    judge: Arc<Judge>,
}

struct Judge {
    law: Law,
    questions: Lane,
    passwords: Lane,
}

enum Law {
    Closure(Decide),
    Rules(Book),
}

/// A question that is not answered yet.
pub(crate) struct Petition(Arc<Slot>);

/// Where the answer comes, and whom to tell that it did.
struct Slot {
    answer: Mutex<Option<AccessAnswer>>,
    desk: Arc<Desk>,
    token: u64,
}

impl Authenticator {
    pub(crate) fn by_closure(decide: Decide) -> Authenticator {
        Authenticator::new(Law::Closure(decide))
    }

    pub(crate) fn by_rules(rules: AccessRules) -> Authenticator {
        Authenticator::new(Law::Rules(rules.into_book()))
    }

    /// The rules in this file, which let nobody in if it cannot be read.
    pub(crate) fn by_file(path: PathBuf) -> Authenticator {
        Authenticator::by_rules(AccessRules::in_file(path))
    }

    fn new(law: Law) -> Authenticator {
        let questions = Lane::new("ZMQbg/access", QUESTIONS_MAX);
        let passwords = Lane::new("ZMQbg/password", PASSWORDS_MAX);
        Authenticator { judge: Arc::new(Judge { law, questions, passwords }) }
    }

    /// Asks about a peer; the connection `token` at this desk is told of the answer.
    pub(crate) fn ask(&self, request: AccessRequest, desk: Arc<Desk>, token: u64) -> Petition {
        let slot = Arc::new(Slot { answer: Mutex::new(None), desk, token });
        let (judge, waiting) = (Arc::downgrade(&self.judge), Arc::downgrade(&slot));
        let question = Box::new(move || {
            if let (Some(judge), Some(slot)) = (judge.upgrade(), waiting.upgrade()) {
                judge.decide(request, &slot);
            }
        });
        if !self.judge.questions.add(question) {
            slot.answer(AccessAnswer::later("too many peers are being decided about at once"));
        }
        Petition(slot)
    }
}

impl Judge {
    fn decide(&self, request: AccessRequest, slot: &Arc<Slot>) {
        let decided = catch_unwind(AssertUnwindSafe(|| match &self.law {
            Law::Closure(decide) => Ruling::Answer(decide(&request)),
            Law::Rules(book) => book.decide(&request),
        }));
        match decided {
            Ok(Ruling::Answer(answer)) => slot.answer(answer),
            Ok(Ruling::Check { hash }) => self.check(request, hash, slot),
            Err(_) => slot.answer(AccessAnswer::fail("the application's decision panicked")),
        }
    }

    fn check(&self, request: AccessRequest, hash: Option<String>, slot: &Arc<Slot>) {
        let Credentials::Plain { username, password } = request.credentials else { return };
        let waiting: Weak<Slot> = Arc::downgrade(slot);
        let check = Box::new(move || {
            let Some(slot) = waiting.upgrade() else { return };
            slot.answer(match password::is_right(hash.as_deref(), &password) {
                true => AccessAnswer::grant(username),
                false => AccessAnswer::deny("there is no such user, or the password is wrong"),
            });
        });
        if !self.passwords.add(check) {
            slot.answer(AccessAnswer::later("too many passwords are being checked at once"));
        }
    }
}

impl Petition {
    /// The answer, if it is there.
    pub(crate) fn answer(&self) -> Option<AccessAnswer> {
        self.0.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Slot {
    fn answer(&self, answer: AccessAnswer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.desk.leave(Errand::Answered(self.token));
    }
}
