//! How a future waits in a socket, and who wakes it.
//!
//! A future that finds nothing to do leaves its waker with the socket's other listeners, looks for the last time, and returns. It takes
//! no lease along: while nobody polls, the I/O thread reads, and its signal wakes the future. Only where answers come at once, a poll looks
//! for them for some microseconds, as a thread does before it sleeps.
//!
//! Invariant: a future that returned `Pending` is woken by the next signal to its socket, whatever other tasks and threads do there.

use super::core::Core;
use super::guard::Guard;
use super::handle::SocketState;
use super::wait::{Source, each_input};
use crate::Message;
use crate::error::{Error, Result};
use crate::pipe::stragglers;
use crate::tasks::Place;
use ferrozmq_proto::pattern::Refusal;
use std::task::{self, Poll};

/// News that come to nothing, messages that nobody subscribed to maybe, after which a poll gives way to other tasks.
const LOOKS_MAX: u32 = 32;

/// What a future waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Input,
    /// Room, or a fact that signals tell.
    News,
}

impl SocketState {
    /// Receives into `into`, which is of no use unless that is ready and no error.
    #[inline]
    pub(crate) fn poll_recv(
        &self,
        into: &mut Message,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<()>> {
        let mut entered = self.enter();
        if let Ok(core) = &mut entered
            && core.ends.take_next(into)
        {
            self.lease.renew();
            drop(entered);
            self.stop_waiting(place);
            return Poll::Ready(Ok(()));
        }
        self.poll_recv_in(entered, into, place, cx)
    }

    /// The same where there is something to decide.
    #[inline(never)]
    fn poll_recv_in(
        &self,
        entered: Result<Guard<'_>>,
        into: &mut Message,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<()>> {
        self.poll_attempt(Awaited::Input, entered, place, cx, |core| {
            core.try_recv(into)?;
            self.lease.renew();
            Ok(())
        })
    }

    /// Makes an attempt that takes input; where that would block, waits for a better one.
    #[inline(always)]
    pub(super) fn poll_for_input(
        &self,
        place: &mut Place,
        cx: &mut task::Context<'_>,
        mut attempt: impl FnMut(&mut Core) -> std::result::Result<(), Refusal>,
    ) -> Poll<Result<()>> {
        self.poll_attempt(Awaited::Input, self.enter(), place, cx, |core| {
            attempt(core)?;
            self.lease.renew();
            Ok(())
        })
    }

    /// The same for one that takes room, or a fact that signals tell.
    #[inline(always)]
    pub(super) fn poll_for_news(
        &self,
        place: &mut Place,
        cx: &mut task::Context<'_>,
        attempt: impl FnMut(&mut Core) -> std::result::Result<(), Refusal>,
    ) -> Poll<Result<()>> {
        self.poll_attempt(Awaited::News, self.enter(), place, cx, attempt)
    }

    /// Sends; unless that is ready and no error, `message` is as it was.
    #[inline]
    pub(crate) fn poll_send(
        &self,
        message: &mut Message,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<()>> {
        self.poll_for_news(place, cx, |core| core.try_send(message))
    }

    /// Waits until `count` peers are there.
    pub(crate) fn poll_peers(
        &self,
        count: usize,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<()>> {
        self.poll_for_news(place, cx, |core| match core.ready_peers() {
            peers if peers >= count => Ok(()),
            _ => Err(Refusal::WouldBlock),
        })
    }

    /// The future at `place` waits no longer.
    #[inline(always)]
    pub(crate) fn stop_waiting(&self, place: &mut Place) {
        // In a fork's child the list may be locked for ever.
        if place.is_kept() && !self.is_inherited() {
            self.mailbox.waker().forget(place);
        }
    }

    /// Makes one attempt; where that would block, waits for a better one.
    #[inline(always)]
    fn poll_attempt(
        &self,
        awaited: Awaited,
        entered: Result<Guard<'_>>,
        place: &mut Place,
        cx: &mut task::Context<'_>,
        mut attempt: impl FnMut(&mut Core) -> std::result::Result<(), Refusal>,
    ) -> Poll<Result<()>> {
        let first = entered.map(|mut core| attempt(&mut core));
        let made = match first {
            Ok(Err(Refusal::WouldBlock)) => return self.poll_again(awaited, place, cx, &mut attempt),
            Ok(made) => made.map_err(Error::from_refusal),
            Err(error) => Err(error),
        };
        self.stop_waiting(place);
        Poll::Ready(made)
    }

    #[cold]
    fn poll_again(
        &self,
        awaited: Awaited,
        place: &mut Place,
        cx: &mut task::Context<'_>,
        attempt: &mut dyn FnMut(&mut Core) -> std::result::Result<(), Refusal>,
    ) -> Poll<Result<()>> {
        // Cloned and dropped where no guard is held: what these do is not ours.
        let mut task = Some(cx.waker().clone());
        let made = self.attempt_or_register(awaited, place, &mut task, attempt);
        if made.is_ready() {
            self.stop_waiting(place);
        }
        made
    }

    fn attempt_or_register(
        &self,
        awaited: Awaited,
        place: &mut Place,
        task: &mut Option<task::Waker>,
        attempt: &mut dyn FnMut(&mut Core) -> std::result::Result<(), Refusal>,
    ) -> Poll<Result<()>> {
        let mut core = self.enter()?;
        core.ends.flush_all();
        stragglers::flush();
        let mut registered = false;
        for look in 0.. {
            match attempt(&mut core) {
                Err(Refusal::WouldBlock) => {}
                made => return Poll::Ready(made.map_err(Error::from_refusal)),
            }
            if self.has_news_for_task(&mut core, awaited)? {
                if look < LOOKS_MAX {
                    continue;
                }
                // It is others' turn. What is here now, no signal will tell of.
                if !registered {
                    self.mailbox.waker().register(place, task);
                }
                self.mailbox.waker().wake();
                break;
            }
            if registered {
                break;
            }
            if awaited == Awaited::Input && (self.spin_for_task(&mut core) || self.glance_for_task(&mut core))
            {
                continue;
            }
            self.mailbox.waker().register(place, task);
            registered = true;
        }
        if awaited == Awaited::Input && core.leases == 0 {
            // What comes from now on, the I/O thread reads.
            self.lease.give_back();
        }
        Poll::Pending
    }

    /// Looks for input for as long as that has paid, as a thread does before it sleeps: an answer that comes at once would otherwise
    /// wake two threads, the I/O thread and the executor's. Meanwhile the I/O thread is not to be woken by it.
    fn spin_for_task(&self, core: &mut Core) -> bool {
        if core.leases > 0 || !core.pattern.wants_input() {
            return false;
        }
        let mut sources = None;
        let mut look = |core: &mut Core| {
            let sources = sources.get_or_insert_with(|| self.lease_inputs(core));
            sources.iter().any(|source| source.read(core))
        };
        let found = self.spin(core, &mut look) || self.give_way(core, look);
        if sources.is_some_and(|sources| !sources.is_empty()) {
            self.lease.release();
            let waker = self.mailbox.waker();
            if waker.has_tasks() {
                // Others wait, who hear of what the I/O thread reads, and may want of what was read here.
                self.lease.give_back();
                waker.wake();
            }
        }
        found
    }

    /// Lets others run for as long as that has paid, on a single processor.
    fn give_way(&self, core: &mut Core, mut look: impl FnMut(&mut Core) -> bool) -> bool {
        let Some(mut way) = core.way.take() else { return false };
        let found = way.give_way(|| self.mailbox.pending() || core.ends.quiet_has_input() || look(core));
        core.way = Some(way);
        found
    }

    /// Looks for input once, where messages stream: more will be there already than what the I/O thread has read, and to read it here
    /// costs less than to be woken by that. As long as it is, the I/O thread is not to look, too.
    fn glance_for_task(&self, core: &mut Core) -> bool {
        let reads = self.lease.reads();
        let streams = reads.wrapping_sub(std::mem::replace(&mut core.reads, reads)) > 1;
        // With the lease held this was looked for a moment ago.
        if !streams || self.lease.is_held() || !core.pattern.wants_input() {
            return false;
        }
        let found = self.read_inputs(core);
        if found && self.mailbox.waker().has_tasks() {
            // Others wait, who may want of what was read here.
            self.mailbox.waker().wake();
        } else if found {
            self.lease.acquire();
            self.lease.release();
        }
        found
    }

    fn read_inputs(&self, core: &mut Core) -> bool {
        self.inputs(core).iter().fold(false, |found, source| source.read(core) | found)
    }

    fn inputs(&self, core: &mut Core) -> Vec<Source> {
        let mut sources = Vec::new();
        if core.ends.wires() > 0 {
            each_input(core, &self.lease, |_, source| sources.push(source));
        }
        sources
    }

    fn lease_inputs(&self, core: &mut Core) -> Vec<Source> {
        let sources = self.inputs(core);
        if !sources.is_empty() {
            self.lease.acquire();
        }
        sources
    }

    /// Looks for what signals tell, and for input where nobody else does.
    fn has_news_for_task(&self, core: &mut Core, awaited: Awaited) -> Result<bool> {
        if core.announce() || awaited == Awaited::Input && self.read_leased_for_task(core) {
            return Ok(true);
        }
        let pending = self.mailbox.pending();
        if pending {
            core.read_signals(&self.mailbox);
        }
        self.check(core)?;
        Ok(pending)
    }

    /// While this side has the lease, nobody else reads. The only connection is asked without asking a set.
    fn read_leased_for_task(&self, core: &mut Core) -> bool {
        if core.ends.wires() != 1 {
            return self.read_leased(core);
        }
        let got = self.lease.is_held() && core.pattern.wants_input() && self.read_inputs(core);
        if got {
            // For who sleeps on the descriptors, or waits as this does.
            self.mailbox.waker().wake();
        }
        got
    }
}
