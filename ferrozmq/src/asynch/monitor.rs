//! Monitor events as futures and as a stream.

use crate::io::events::MonitorEvent;
use crate::socket::monitor::Monitor;
use crate::tasks::Place;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Monitor {
    /// The next event, as [`recv`](Self::recv) gives it.
    ///
    /// Cancel-safe: the event leaves the monitor in the poll that returns it.
    pub fn recv_async(&self) -> NextEvent<'_> {
        NextEvent { monitor: self, place: Place::default() }
    }

    /// The events as a stream, which ends when no more will come.
    pub fn into_stream(self) -> MonitorStream {
        MonitorStream { monitor: self, place: Place::default() }
    }
}

/// Future of [`Monitor::recv_async`].
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct NextEvent<'a> {
    monitor: &'a Monitor,
    place: Place,
}

impl Future for NextEvent<'_> {
    type Output = Option<MonitorEvent>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MonitorEvent>> {
        let this = &mut *self;
        this.monitor.poll_event(&mut this.place, cx)
    }
}

impl Drop for NextEvent<'_> {
    fn drop(&mut self) {
        self.monitor.stop_waiting(&mut self.place);
    }
}

/// The events of one socket; made by [`Monitor::into_stream`].
#[must_use = "a stream does nothing unless it is polled"]
#[derive(Debug)]
pub struct MonitorStream {
    monitor: Monitor,
    place: Place,
}

impl MonitorStream {
    /// As [`Monitor::lost`].
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.monitor.lost()
    }
}

impl Stream for MonitorStream {
    type Item = MonitorEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MonitorEvent>> {
        let this = &mut *self;
        this.monitor.poll_event(&mut this.place, cx)
    }
}

impl Drop for MonitorStream {
    fn drop(&mut self) {
        self.monitor.stop_waiting(&mut self.place);
    }
}
