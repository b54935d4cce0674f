//! `zmq req`: one request, its reply, the next request.

use std::time::Instant;

use super::job::{Inbox, Job, pause_until};
use crate::failure::Failure;
use crate::input::{Next, Source};
use crate::open::{Opened, open};
use crate::port::{Wish, earlier, is_past};
use crate::talk::Level;

/// Asks until there is nothing left to ask.
///
/// # Errors
/// [`Failure::TimedOut`], if a reply does not come in time; how else the run ended.
pub fn run(job: &Job<'_>) -> Result<(), Failure> {
    let mut inbox = job.inbox()?;
    let opened = open(job.kind, job.place, job.talk)?;
    let outcome = ask_all(job, &opened, &mut inbox);
    inbox.close(opened, outcome)
}

fn ask_all(job: &Job<'_>, opened: &Opened, inbox: &mut Inbox) -> Result<(), Failure> {
    let Some(send) = job.send else { return Ok(()) };
    let port = &opened.port;
    let mut source = Source::open(send, job.framing, job.stop.count, false, &port.wake)?;
    job.await_peers(opened)?;
    let end = job.end();
    let mut next_send = Instant::now() + send.delay.unwrap_or_default();
    loop {
        pause_until(port, earlier(Some(next_send), end).unwrap_or(next_send))?;
        let Some(request) = next_of(&mut source, opened, end)? else { return Ok(()) };
        next_send = Instant::now() + send.pace().unwrap_or_default();
        job.talk.say(Level::Messages, format_args!("sending {request:?}"));
        let limit = earlier(job.patience(), end);
        let exchanged = port
            .send_by(request, limit)
            .and_then(|()| port.recv_by(limit, "no reply came in time"))
            .map(|reply| (inbox.admit(port, &reply), reply));
        match exchanged {
            Ok((details, reply)) => match inbox.program.as_mut() {
                Some(program) => program.run(&reply, &details)?,
                None => inbox.print(&reply, &details)?,
            },
            Err(Failure::TimedOut(_)) if is_past(end) => return Ok(()),
            Err(failure) => return Err(opened.watch.check().err().unwrap_or(failure)),
        }
        inbox.flush()?;
    }
}

/// The next message of `source`, waited for; `None` at its end or at `end`.
pub fn next_of(
    source: &mut Source,
    opened: &Opened,
    end: Option<Instant>,
) -> Result<Option<ferrozmq::Message>, Failure> {
    loop {
        opened.port.wake.check()?;
        match source.next()? {
            Next::Message(message) => return Ok(Some(message).filter(|_| !is_past(end))),
            Next::End => return Ok(None),
            Next::NotYet if is_past(end) => return Ok(None),
            Next::NotYet => opened.port.wait(Wish::NOTHING, end)?,
        }
    }
}
