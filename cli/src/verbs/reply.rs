//! `zmq rep`: one request, its reply, the next request.
//!
//! The reply is what `--exec` prints, the request itself with `--echo`, or the next message of the source:
//! the arguments again and again, or a line of standard input.

use super::job::{Inbox, Job};
use super::request::next_of;
use crate::failure::Failure;
use crate::input::Source;
use crate::open::{Opened, open};
use crate::output::Details;
use crate::port::{earlier, is_past};
use crate::talk::Level;
use ferrozmq::Message;

/// Answers until told to stop, or until there is nothing left to answer with.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(job: &Job<'_>) -> Result<(), Failure> {
    let mut inbox = job.inbox()?;
    let opened = open(job.kind, job.place, job.talk)?;
    let outcome = answer_all(job, &opened, &mut inbox);
    inbox.close(opened, outcome)
}

fn answer_all(job: &Job<'_>, opened: &Opened, inbox: &mut Inbox) -> Result<(), Failure> {
    let port = &opened.port;
    let mut source = match job.send {
        Some(send) if !job.echo && job.exec.is_none() => {
            Source::open(send, job.framing, job.stop.count, true, &port.wake)?
        }
        _ => Source::nothing(),
    };
    job.await_peers(opened)?;
    let end = job.end();
    while job.stop.count.is_none_or(|count| inbox.received < count) {
        let request = match port.recv_by(earlier(job.patience(), end), "no request came in time") {
            Err(Failure::TimedOut(_)) if is_past(end) => return Ok(()),
            request => request?,
        };
        let details = inbox.admit(port, &request);
        let Some(reply) = reply_to(&request, &details, job, opened, inbox, &mut source)? else {
            return Err(Failure::Error(format!("nothing left to reply with to request {}", inbox.received)));
        };
        job.talk.say(Level::Messages, format_args!("sending {reply:?}"));
        port.send_by(reply, earlier(job.patience(), end))?;
    }
    Ok(())
}

fn reply_to(
    request: &Message,
    details: &Details,
    job: &Job<'_>,
    opened: &Opened,
    inbox: &mut Inbox,
    source: &mut Source,
) -> Result<Option<Message>, Failure> {
    if let Some(program) = inbox.program.as_mut() {
        return Ok(Some(program.ask(request, details)?.into()));
    }
    inbox.print(request, details)?;
    inbox.flush()?;
    if job.echo { Ok(Some(request.clone())) } else { next_of(source, opened, None) }
}
