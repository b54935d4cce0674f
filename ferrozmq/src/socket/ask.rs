//! A REQ socket's requests one by one: each can be given up, by number.
//!
//! Invariant: a request that was given up leaves the socket ready to send, as if its reply had been received; and whoever gives up a
//! request that is not the open one any more changes nothing.

use super::core::Core;
use super::ends::End;
use super::handle::SocketState;
use super::wait::Patience;
use crate::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::inproc::Registry;
use crate::io::alarm::Alarm;
use crate::io::thread::{IoHandle, Order};
use crate::tasks::Place;
use ferrozmq_proto::pattern::{Dropped, Refusal};
use std::sync::Arc;
use std::task::{self, Poll, ready};
use std::time::Instant;

/// The number of a request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked(u32);

/// Whoever sends another request or receives the reply ends one that is waited for.
const SUPERSEDED: Refusal =
    Refusal::WrongState("another call on this socket has received the reply, or has sent another request");

/// Wakes a socket's futures at a time.
pub(super) struct Alarms {
    thread: Arc<IoHandle>,
    alarm: Arc<Alarm>,
}

impl SocketState {
    /// Sends a request.
    pub(crate) fn ask(&self, message: &mut Message, patience: Patience) -> Result<Asked> {
        self.enter()?.number_requests();
        self.send(message, patience)?;
        let open = self.enter()?.pattern.open_request();
        open.map(Asked).ok_or_else(|| Error::from_refusal(SUPERSEDED))
    }

    /// Waits for the reply to `asked`.
    pub(crate) fn await_reply(&self, into: &mut Message, asked: Asked, patience: Patience) -> Result<()> {
        if self.enter()?.pattern.open_request() != Some(asked.0) {
            return Err(Error::from_refusal(SUPERSEDED));
        }
        self.recv(into, || patience)
    }

    /// As [`ask`](Self::ask), for a future.
    pub(crate) fn poll_ask(
        &self,
        message: &mut Message,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Asked>> {
        let mut open = None;
        ready!(self.poll_for_news(place, cx, |core| {
            core.number_requests();
            core.try_send(message)?;
            open = core.pattern.open_request();
            Ok(())
        }))?;
        Poll::Ready(open.map(Asked).ok_or_else(|| Error::from_refusal(SUPERSEDED)))
    }

    /// As [`await_reply`](Self::await_reply), for a future.
    pub(crate) fn poll_reply(
        &self,
        into: &mut Message,
        asked: Asked,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<()>> {
        self.poll_for_input(place, cx, |core| {
            if core.pattern.open_request() != Some(asked.0) {
                return Err(SUPERSEDED);
            }
            core.try_recv(into)
        })
    }

    /// Ends the wait for the reply to `asked`; also after the context was terminated, whose end must not wait for a request that
    /// nobody wants any more.
    pub(crate) fn give_up(&self, asked: Asked) {
        if !self.is_inherited() {
            self.lock().give_up(asked.0, &self.context.inproc);
        }
    }

    /// Has every future that waits in this socket polled at `at`, or before.
    pub(crate) fn wake_futures_at(&self, at: Instant) -> Result<()> {
        let alarms = match self.alarms.get() {
            Some(alarms) => alarms,
            None => {
                let thread = self.context.io_thread(0).map_err(|error| match error.kind() {
                    ErrorKind::NoIoThread => {
                        let text = "a request with a time-out is awaited with the help of an I/O thread; give the context io_threads, \
                                    or use `call`";
                        Error::new(ErrorKind::NoIoThread, text)
                    }
                    _ => error,
                })?;
                let alarm = Arc::new(Alarm::new(Arc::clone(&self.mailbox)));
                self.alarms.get_or_init(|| Alarms { thread, alarm })
            }
        };
        if alarms.alarm.set(at) {
            alarms.thread.order(Order::Alarm(Arc::clone(&alarms.alarm), at));
        }
        Ok(())
    }
}

impl Core {
    /// Gives requests numbers, by which their replies are known.
    fn number_requests(&mut self) {
        if !self.options.req_correlate {
            self.options.req_correlate = true;
            self.configure_pattern();
        }
    }

    /// Gives request `number` up. If it is still here because its peer is not, nobody will get it.
    fn give_up(&mut self, number: u32, names: &Registry) {
        self.ends.ask_again();
        let Some(asked) = self.pattern.abandon_request(number) else { return };
        // A probe may wait with it.
        if self.options.probe_router {
            return;
        }
        match asked.and_then(|pipe| self.ends.end(pipe)) {
            Some(End::Wire(end)) => end.pipe.withdraw_queued(Dropped::Withdrawn),
            Some(End::Inproc(end)) if end.may_withdraw() => names.withdraw(end),
            _ => {}
        }
    }
}
