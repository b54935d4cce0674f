//! Watching what happens to a socket's connections.

use crate::io::events::{EventQueue, EventSink, MonitorEvent};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The events of one socket from [`Socket::monitor`](crate::Socket::monitor) on
/// (`zmq_socket_monitor(3)`); ends when the socket is closed and its connections have ended.
///
/// As an iterator it waits for the next event. Events that nobody reads are dropped, oldest first,
/// once there are ten thousand; [`lost`](Monitor::lost) tells how many.
pub struct Monitor {
    queue: Arc<EventQueue>,
    sink: Weak<EventSink>,
}

impl Monitor {
    pub(super) fn new(sink: &Arc<EventSink>) -> Monitor {
        Monitor { queue: sink.subscribe(), sink: Arc::downgrade(sink) }
    }

    /// The next event, waiting for it; `None` when no more will come.
    pub fn recv(&self) -> Option<MonitorEvent> {
        loop {
            // Far deadlines only bound one wait; the end of events is told by the queue.
            if let Some(event) = self.queue.next(None) {
                return Some(event);
            }
            if self.sink.strong_count() == 0 {
                return self.queue.next(Some(Instant::now()));
            }
        }
    }

    /// The next event, waiting at most `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<MonitorEvent> {
        self.queue.next(Instant::now().checked_add(timeout))
    }

    /// The next event if there is one.
    pub fn try_recv(&self) -> Option<MonitorEvent> {
        self.queue.next(Some(Instant::now()))
    }

    /// Events dropped because nobody read them.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }
}

impl Iterator for Monitor {
    type Item = MonitorEvent;

    fn next(&mut self) -> Option<MonitorEvent> {
        self.recv()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(sink) = self.sink.upgrade() {
            sink.unsubscribe(&self.queue);
        }
    }
}
