//! The loop of sockets that send and receive as they please: all but REQ and REP.
//!
//! One thread does everything: it takes in what has arrived, sends what there is to send, and waits only
//! when there is neither. A message that cannot be sent yet stays in `outgoing`, and nothing more is
//! taken from the source until it has left.

use std::time::{Duration, Instant};

use ferrozmq::{Frame, Message, SocketType};

use super::job::{Inbox, Job, await_peers};
use crate::failure::Failure;
use crate::input::{Next, Source};
use crate::open::{Opened, open, subscribe};
use crate::output::Details;
use crate::port::{Sent, Wish, earlier, is_past};
use crate::talk::Level;

/// Messages handled in one direction before the other has its turn.
const BURST: usize = 256;

/// How often a message for a peer that is not there yet is tried again.
const ROUTE_RETRY: Duration = Duration::from_millis(50);

/// How long after the last peer has left its messages may still be on their way to us.
const GONE_GRACE: Duration = Duration::from_millis(50);

/// Does the task.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(job: &Job<'_>) -> Result<(), Failure> {
    let inbox = job.inbox()?;
    let envelope = job.envelope()?;
    let opened = open(job.kind, job.place, job.talk)?;
    let mut flow = Flow {
        job,
        opened: &opened,
        inbox,
        envelope,
        source: Source::nothing(),
        outgoing: None,
        exhausted: false,
        next_send: None,
        retry: None,
        active: Instant::now(),
        gone_since: None,
    };
    let outcome = flow.begin().and_then(|()| flow.run());
    let inbox = flow.inbox;
    inbox.close(opened, outcome)
}

struct Flow<'a> {
    job: &'a Job<'a>,
    opened: &'a Opened,
    inbox: Inbox,
    /// The routing id that goes in front of what is sent.
    envelope: Option<Frame>,
    source: Source,
    /// Taken from the source, not yet sent.
    outgoing: Option<Message>,
    /// Whether the source has nothing more.
    exhausted: bool,
    /// Not before this is the next message taken.
    next_send: Option<Instant>,
    /// Not before this is a message for an absent peer tried again.
    retry: Option<Instant>,
    /// When something last happened.
    active: Instant,
    gone_since: Option<Instant>,
}

impl Flow<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        let socket = &self.opened.port.socket;
        subscribe(socket, self.job.topics)?;
        // A socket that answers by itself has nothing else to say.
        let answering = self.job.echo || (self.job.exec.is_some() && self.answers());
        if let Some(send) = self.job.send.filter(|_| !answering) {
            let wake = &self.opened.port.wake;
            self.source = Source::open(send, self.job.framing, self.job.stop.count, false, wake)?;
            let (job, opened) = (self.job, self.opened);
            await_peers(opened, job.awaited_peers(), job.patience(), job.talk, || {
                // Whoever sent it may have come and gone between two looks: that he was there is not to be waited for.
                self.receive_some()?;
                self.inbox.flush()?;
                Ok(self.is_done())
            })?;
            self.next_send =
                send.delay.or(send.pace().map(|_| Duration::ZERO)).map(|wait| Instant::now() + wait);
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failure> {
        let end = self.job.end();
        self.active = Instant::now();
        if self.is_done() {
            return Ok(());
        }
        loop {
            self.opened.port.wake.check()?;
            self.opened.watch.check()?;
            let progress = self.receive_some()? | self.send_some()?;
            if self.is_done() || is_past(end) {
                return Ok(());
            }
            if progress {
                self.active = Instant::now();
                self.gone_since = None;
            } else if self.wait(end)? {
                return Ok(());
            }
        }
    }

    fn receives(&self) -> bool {
        self.job.show.is_some()
    }

    fn is_done(&self) -> bool {
        let sent_all = self.outgoing.is_none() && !self.source.is_owing();
        match self.job.stop.count {
            Some(count) if self.receives() => self.inbox.received >= count && sent_all,
            _ => !self.receives() && self.exhausted && self.outgoing.is_none(),
        }
    }

    fn wants_more(&self) -> bool {
        self.receives() && self.job.stop.count.is_none_or(|count| self.inbox.received < count)
    }

    /// Takes in what has arrived; whether there was anything.
    fn receive_some(&mut self) -> Result<bool, Failure> {
        for turn in 0..BURST {
            if !self.wants_more() {
                return Ok(turn > 0);
            }
            let Some(message) = self.opened.port.try_recv()? else { return Ok(turn > 0) };
            let details = self.inbox.admit(&self.opened.port, &message);
            self.handle(message, &details)?;
        }
        Ok(true)
    }

    fn handle(&mut self, message: Message, details: &Details) -> Result<(), Failure> {
        let notice = self.job.kind == SocketType::Stream && message.last().is_empty();
        if let Some(program) = self.inbox.program.as_mut() {
            if !self.job.kind_answers() {
                return program.run(&message, details);
            }
            if notice {
                return Ok(());
            }
            let answer = program.ask(&message, details)?;
            return self.answer(with_envelope_of(self.job.kind, message, answer));
        }
        self.inbox.print(&message, details)?;
        // An empty part sent to a raw connection would close it.
        if self.job.echo && !notice { self.answer(message) } else { Ok(()) }
    }

    fn answers(&self) -> bool {
        self.job.kind_answers()
    }

    /// Sends an answer; one whose asker has left is dropped.
    fn answer(&mut self, message: Message) -> Result<(), Failure> {
        self.inbox.flush()?;
        let patience = self.job.patience();
        let mut message = message;
        loop {
            message = match self.opened.port.try_send(message)? {
                Sent::Taken => return Ok(()),
                Sent::NoSuchPeer(_) => {
                    self.job.talk.warn("the peer has left before its answer");
                    return Ok(());
                }
                Sent::NotYet(message) => message,
            };
            if is_past(patience) {
                return Err(Failure::TimedOut("nobody took the answer in time".into()));
            }
            self.opened.port.wait(Wish::SEND, patience)?;
        }
    }

    /// Sends what there is to send; whether there was anything.
    fn send_some(&mut self) -> Result<bool, Failure> {
        for turn in 0..BURST {
            if self.outgoing.is_none() && !self.take_next()? {
                return Ok(turn > 0);
            }
            let Some(message) = self.outgoing.take() else { return Ok(turn > 0) };
            match self.opened.port.try_send(message)? {
                Sent::Taken => self.schedule(),
                Sent::NotYet(message) => {
                    self.outgoing = Some(message);
                    return Ok(turn > 0);
                }
                Sent::NoSuchPeer(message) => {
                    self.put_off(message)?;
                    return Ok(turn > 0);
                }
            }
        }
        Ok(true)
    }

    /// Takes a message from the source, if it has one and the time has come.
    fn take_next(&mut self) -> Result<bool, Failure> {
        if self.exhausted || self.next_send.is_some_and(|time| Instant::now() < time) {
            return Ok(false);
        }
        match self.source.next()? {
            Next::Message(mut message) => {
                if let Some(id) = &self.envelope {
                    message.push_front(id.clone());
                }
                self.job.talk.say(Level::Messages, format_args!("sending {message:?}"));
                self.outgoing = Some(message);
                Ok(true)
            }
            Next::NotYet => Ok(false),
            Next::End => {
                self.exhausted = true;
                Ok(false)
            }
        }
    }

    fn schedule(&mut self) {
        self.retry = None;
        let pace = self.job.send.and_then(|send| send.pace());
        self.next_send = self.next_send.zip(pace).map(|(last, pace)| last + pace);
    }

    /// Keeps a message for a peer that may still come, if the user waits for peers.
    fn put_off(&mut self, message: Message) -> Result<(), Failure> {
        if self.job.awaited_peers() == 0 {
            return Err(Failure::Error("there is no peer with this routing id".into()));
        }
        self.outgoing = Some(message);
        self.retry = Some(Instant::now() + ROUTE_RETRY);
        Ok(())
    }

    /// Waits for something to happen; whether the run is over.
    fn wait(&mut self, end: Option<Instant>) -> Result<bool, Failure> {
        self.inbox.flush()?;
        let impatient = self.wants_more() || self.outgoing.is_some();
        let patience = self.job.stop.timeout.filter(|_| impatient).map(|length| self.active + length);
        if is_past(patience) {
            return Err(Failure::TimedOut(match self.outgoing {
                Some(_) => "nobody took the message in time".into(),
                None => "nothing was received in time".into(),
            }));
        }
        if self.job.stop.until_gone && self.opened.watch.all_gone() {
            let since = *self.gone_since.get_or_insert_with(Instant::now);
            if is_past(Some(since + GONE_GRACE)) {
                return Ok(true);
            }
        } else {
            self.gone_since = None;
        }
        let grace = self.gone_since.map(|since| since + GONE_GRACE);
        let unsent = if self.exhausted || self.outgoing.is_some() { None } else { self.next_send };
        let until = [patience, self.retry, unsent, grace].into_iter().fold(end, earlier);
        let wish = Wish { receive: self.wants_more(), send: self.outgoing.is_some() && self.retry.is_none() };
        self.opened.port.wait(wish, until)?;
        Ok(is_past(end))
    }
}

impl Job<'_> {
    /// Whether what `--exec` prints is sent back.
    fn kind_answers(&self) -> bool {
        matches!(self.kind, SocketType::Router | SocketType::Stream) && self.send.is_some()
    }
}

/// `answer` on its way back to whoever sent `message`.
fn with_envelope_of(kind: SocketType, message: Message, answer: Frame) -> Message {
    let delimiter = message.iter().skip(1).position(Frame::is_empty).map(|at| at + 2);
    let envelope = match kind {
        SocketType::Router => delimiter.filter(|length| *length < message.len()).unwrap_or(1),
        _ => 1,
    };
    let mut parts: Vec<Frame> = message.into_iter().take(envelope).collect();
    parts.push(answer);
    Message::from_parts(parts).expect("the answer is a part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_the_envelope() {
        let of = |kind, parts: &[&str]| {
            let message = Message::from_parts(parts.iter().copied()).unwrap();
            let answer = with_envelope_of(kind, message, Frame::from("yes"));
            answer.iter().map(|part| part.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(SocketType::Router, &["id", "", "hello"]), ["id", "", "yes"]);
        assert_eq!(of(SocketType::Router, &["id", "id2", "", "a", "b"]), ["id", "id2", "", "yes"]);
        assert_eq!(of(SocketType::Router, &["id", "hello"]), ["id", "yes"]);
        assert_eq!(of(SocketType::Router, &["id", ""]), ["id", "yes"]);
        assert_eq!(of(SocketType::Stream, &["id", "hello"]), ["id", "yes"]);
    }
}
