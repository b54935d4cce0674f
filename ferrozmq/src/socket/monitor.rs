//! Watching what happens to a socket's connections.

use crate::io::events::{EventQueue, EventSink, MonitorEvent};
use crate::sys::clock;
use crate::sys::fork;
use crate::tasks::Place;
use std::sync::{Arc, Weak};
use std::task::{self, Poll};
use std::time::Duration;

/// The events of one socket from [`Socket::monitor`](crate::Socket::monitor) on
/// (`zmq_socket_monitor(3)`); ends when the socket is closed and its connections have ended.
///
/// As an iterator it waits for the next event. Events that nobody reads are dropped, oldest first,
/// once there are ten thousand; [`lost`](Monitor::lost) tells how many.
pub struct Monitor {
    queue: Arc<EventQueue>,
    sink: Weak<EventSink>,
    /// The process it belongs to.
    born: u64,
}

impl Monitor {
    pub(super) fn new(sink: &Arc<EventSink>) -> Monitor {
        Monitor { queue: sink.subscribe(), sink: Arc::downgrade(sink), born: fork::generation() }
    }

    pub(crate) fn queue(&self) -> &Arc<EventQueue> {
        &self.queue
    }

    /// The next event, waiting for it; `None` when no more will come.
    pub fn recv(&self) -> Option<MonitorEvent> {
        loop {
            if fork::in_child(self.born) {
                return None;
            }
            // Far deadlines only bound one wait; the end of events is told by the queue.
            if let Some(event) = self.queue.next(None) {
                return Some(event);
            }
            if self.sink.strong_count() == 0 {
                return self.queue.next(Some(clock::now()));
            }
        }
    }

    /// The next event, waiting at most `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<MonitorEvent> {
        if fork::in_child(self.born) {
            return None;
        }
        self.queue.next(clock::now().checked_add(timeout))
    }

    /// The next event if there is one.
    pub fn try_recv(&self) -> Option<MonitorEvent> {
        self.recv_timeout(Duration::ZERO)
    }

    /// As [`recv`](Self::recv), for a future.
    pub(crate) fn poll_event(
        &self,
        place: &mut Place,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<MonitorEvent>> {
        if fork::in_child(self.born) {
            return Poll::Ready(None);
        }
        self.queue.poll_next(place, cx.waker())
    }

    /// The future at `place` waits no longer.
    pub(crate) fn stop_waiting(&self, place: &mut Place) {
        if !fork::in_child(self.born) {
            self.queue.stop_waiting(place);
        }
    }

    /// Events dropped because nobody read them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl Iterator for Monitor {
    type Item = MonitorEvent;

    fn next(&mut self) -> Option<MonitorEvent> {
        self.recv()
    }
}

impl Iterator for &Monitor {
    type Item = MonitorEvent;

    fn next(&mut self) -> Option<MonitorEvent> {
        self.recv()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if fork::in_child(self.born) {
            // The sink's lock may be held by a thread that is not here, for ever.
            return;
        }
        if let Some(sink) = self.sink.upgrade() {
            sink.unsubscribe(&self.queue);
        }
    }
}
