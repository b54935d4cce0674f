//! What happens to a socket's connections, told to whoever monitors it.
//!
//! Whoever sees a fact posts it; nobody waits for the reader. A monitor that is not read keeps the
//! newest [`KEPT`] events and counts those it lost.

use crate::sync::Mutex;
use crate::sys::clock;
use crate::tasks::{Place, Tasks, WakesDue};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, PoisonError};
use std::task::{self, Poll};
use std::time::{Duration, Instant};

/// Events a monitor keeps for a reader that does not come.
const KEPT: usize = 10_000;

/// What happened (`zmq_socket_monitor`); the discriminant is libzmq's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum EventKind {
    /// A connection was made; the value is its descriptor.
    Connected = 0x0001,
    /// A connection attempt is under way; the value is an errno.
    ConnectDelayed = 0x0002,
    /// Another attempt follows after the value's milliseconds.
    ConnectRetried = 0x0004,
    /// The socket listens; the value is the descriptor.
    Listening = 0x0008,
    /// Binding failed; the value is an errno.
    BindFailed = 0x0010,
    /// A peer's connection was accepted; the value is its descriptor.
    Accepted = 0x0020,
    /// Accepting failed; the value is an errno.
    AcceptFailed = 0x0040,
    /// A listener or connection attempt was closed; the value is its descriptor.
    Closed = 0x0080,
    /// Closing failed; the value is an errno.
    CloseFailed = 0x0100,
    /// A connection ended; the value is its descriptor.
    Disconnected = 0x0200,
    /// The monitor itself ended.
    MonitorStopped = 0x0400,
    /// A handshake failed; the value is an errno.
    HandshakeFailedNoDetail = 0x0800,
    /// A handshake succeeded: messages flow.
    HandshakeSucceeded = 0x1000,
    /// A peer broke the protocol in its handshake; the value is `ZMQ_PROTOCOL_ERROR_…`.
    HandshakeFailedProtocol = 0x2000,
    /// Access control refused a peer; the value is its status code.
    HandshakeFailedAuth = 0x4000,
    /// How much is queued for a peer, on demand; the values are messages to be sent and to be received.
    PipesStats = 0x10000,
}

impl EventKind {
    /// The name as libzmq's constants spell it, without the prefix: `HANDSHAKE_SUCCEEDED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Connected => "CONNECTED",
            EventKind::ConnectDelayed => "CONNECT_DELAYED",
            EventKind::ConnectRetried => "CONNECT_RETRIED",
            EventKind::Listening => "LISTENING",
            EventKind::BindFailed => "BIND_FAILED",
            EventKind::Accepted => "ACCEPTED",
            EventKind::AcceptFailed => "ACCEPT_FAILED",
            EventKind::Closed => "CLOSED",
            EventKind::CloseFailed => "CLOSE_FAILED",
            EventKind::Disconnected => "DISCONNECTED",
            EventKind::MonitorStopped => "MONITOR_STOPPED",
            EventKind::HandshakeFailedNoDetail => "HANDSHAKE_FAILED_NO_DETAIL",
            EventKind::HandshakeSucceeded => "HANDSHAKE_SUCCEEDED",
            EventKind::HandshakeFailedProtocol => "HANDSHAKE_FAILED_PROTOCOL",
            EventKind::HandshakeFailedAuth => "HANDSHAKE_FAILED_AUTH",
            EventKind::PipesStats => "PIPES_STATS",
        }
    }
}

/// One fact about one of a socket's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorEvent {
    /// What happened.
    pub kind: EventKind,
    /// A descriptor, an errno, milliseconds or a code: see [`EventKind`].
    pub value: u64,
    /// A second value, of the events that have two.
    pub second_value: Option<u64>,
    /// The endpoint on this side, where there is one.
    pub local: String,
    /// The endpoint on the other side, where there is one.
    pub remote: String,
    /// Whether this side connected; otherwise it was bound.
    pub dialed: bool,
    /// What went wrong, in words, where something did.
    pub reason: Option<String>,
}

impl MonitorEvent {
    pub(crate) fn new(kind: EventKind, value: u64, parties: Parties<'_>) -> MonitorEvent {
        MonitorEvent {
            kind,
            value,
            second_value: None,
            local: parties.local.to_owned(),
            remote: parties.remote.to_owned(),
            dialed: parties.dialed,
            reason: None,
        }
    }

    /// The endpoint that was bound or connected to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        if self.dialed { &self.remote } else { &self.local }
    }
}

/// Whom an event is about.
#[derive(Clone, Copy)]
pub(crate) struct Parties<'a> {
    pub(crate) local: &'a str,
    pub(crate) remote: &'a str,
    /// Whether this side connected.
    pub(crate) dialed: bool,
}

impl<'a> Parties<'a> {
    /// A listener at `local`.
    pub(crate) fn bound(local: &'a str) -> Parties<'a> {
        Parties { local, remote: "", dialed: false }
    }

    /// An attempt to connect to `remote`.
    pub(crate) fn dialed(remote: &'a str) -> Parties<'a> {
        Parties { local: "", remote, dialed: true }
    }
}

/// Where events wait for a monitor's reader.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    state: std::sync::Mutex<QueueState>,
    arrived: Condvar,
    tasks: Tasks,
}

#[derive(Debug, Default)]
struct QueueState {
    events: VecDeque<MonitorEvent>,
    lost: u64,
    stopped: bool,
}

impl EventQueue {
    pub(crate) fn push(&self, event: MonitorEvent) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return;
        }
        if state.events.len() == KEPT {
            state.events.pop_front();
            state.lost += 1;
        }
        state.stopped |= event.kind == EventKind::MonitorStopped;
        state.events.push_back(event);
        self.arrived.notify_one();
        drop(state);
        self.tasks.wake_all();
    }

    /// The next event for a future, `None` once the monitor has stopped; else has `task` woken by the one that comes.
    pub(crate) fn poll_next(&self, place: &mut Place, task: &task::Waker) -> Poll<Option<MonitorEvent>> {
        if let Poll::Ready(event) = self.look() {
            self.tasks.remove(place);
            return Poll::Ready(event);
        }
        self.tasks.add(place, &mut Some(task.clone()));
        // What came before it was added has woken nobody.
        let looked = self.look();
        if looked.is_ready() {
            self.tasks.remove(place);
        }
        looked
    }

    /// The future at `place` waits no longer.
    pub(crate) fn stop_waiting(&self, place: &mut Place) {
        self.tasks.remove(place);
    }

    fn look(&self) -> Poll<Option<MonitorEvent>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.events.pop_front() {
            None if !state.stopped => Poll::Pending,
            event => Poll::Ready(event),
        }
    }

    /// The next event; `None` once the monitor has stopped, or at the deadline.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Option<MonitorEvent> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(event) = state.events.pop_front() {
                return Some(event);
            }
            if state.stopped {
                return None;
            }
            let left = deadline.map_or(Duration::from_secs(3600), |deadline| {
                deadline.saturating_duration_since(clock::now())
            });
            if left.is_zero() {
                return None;
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the monitor, as if its socket had ended. Call it where no lock is held.
    pub(crate) fn stop(&self) {
        let _due = WakesDue;
        self.push(MonitorEvent::new(EventKind::MonitorStopped, 0, Parties::bound("")));
    }

    /// Whether no more events will come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    /// Events lost because nobody read them.
    pub(crate) fn lost(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).lost
    }
}

/// Where a socket's events go; nowhere until somebody monitors it.
#[derive(Default)]
pub(crate) struct EventSink {
    queues: Mutex<Vec<Arc<EventQueue>>>,
}

impl EventSink {
    /// Begins to collect events.
    pub(crate) fn subscribe(&self) -> Arc<EventQueue> {
        let queue = Arc::new(EventQueue::default());
        self.queues.lock().push(Arc::clone(&queue));
        queue
    }

    /// Ends collecting for `queue`.
    pub(crate) fn unsubscribe(&self, queue: &Arc<EventQueue>) {
        self.queues.lock().retain(|known| !Arc::ptr_eq(known, queue));
    }

    pub(crate) fn post(&self, kind: EventKind, value: u64, parties: Parties<'_>, reason: Option<String>) {
        #[cfg(feature = "tracing")]
        super::trace::tell(kind, value, parties, reason.as_deref());
        let queues = self.queues.lock();
        for queue in queues.iter() {
            queue.push(MonitorEvent { reason: reason.clone(), ..MonitorEvent::new(kind, value, parties) });
        }
    }
}

impl Drop for EventSink {
    fn drop(&mut self) {
        self.post(EventKind::MonitorStopped, 0, Parties::bound(""), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever connects can make events: those that nobody reads are few, the latest, and posting one more waits for nobody.
    #[test]
    fn t33_a_flood_of_events_keeps_the_newest_and_counts_the_others() {
        let sink = EventSink::default();
        let unread = sink.subscribe();
        let flood = 3 * KEPT as u64 + 7;
        for number in 0..flood {
            sink.post(EventKind::Accepted, number, Parties::bound("tcp://127.0.0.1:1"), None);
        }
        assert_eq!(unread.lost(), flood - KEPT as u64);
        let kept: Vec<u64> =
            std::iter::from_fn(|| unread.next(Some(clock::now()))).map(|event| event.value).collect();
        assert_eq!(kept, (flood - KEPT as u64..flood).collect::<Vec<_>>());
        assert_eq!(unread.lost(), flood - KEPT as u64);
    }
}
