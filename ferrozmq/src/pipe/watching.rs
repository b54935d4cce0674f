//! A connection that is in no set, while a thread of its socket sleeps in the read again and again.
//!
//! Each message that comes or leaves goes through the queues of all sets its connection is in, whether somebody waits there or
//! not: about a tenth of a ping-pong on one processor. So a thread whose sleeps in the read have been answered often takes the
//! connection out, and whoever needs the sets puts it back: the lease when it returns, a thread that waits for several
//! connections.
//!
//! Invariant: while a connection is in no set, its socket's lease is held by the application, and knows the pipe
//! ([`Lease::keep_unwatched`](crate::io::lease::Lease::keep_unwatched)).

use super::errand::Errand;
use super::wire::WirePipe;
use crate::sync::atomic::Ordering;
use crate::sys::epoll::Interest;
use crate::transport::Stream;
use std::os::fd::AsFd;
use std::sync::Arc;

impl WirePipe {
    /// Takes the connection out of all sets; `false` if it stays where it is.
    pub(crate) fn unwatch(&self) -> bool {
        let mut rx = self.rx.lock();
        let free = rx.online && !rx.orphaned && !rx.paused && !rx.unwatched;
        let Some(stream) = rx.watch.as_ref().filter(|_| free).map(|watch| Arc::clone(&watch.stream)) else {
            return false;
        };
        rx.end_watch();
        rx.unwatched = true;
        drop(rx);
        // Under the lock, so that nobody arms it meanwhile.
        let tx = self.tx.lock();
        if !tx.armed {
            let _ = self.desk.epoll().delete(stream.as_ref().as_fd());
        }
        true
    }

    /// Puts the connection back into its sets, if it was taken out.
    pub(crate) fn watch(&self) {
        let mut rx = self.rx.lock();
        if !std::mem::take(&mut rx.unwatched) {
            return;
        }
        rx.begin_watch();
        drop(rx);
        // Into its own set only the I/O thread puts it, which knows whether it is about to close it.
        self.desk.leave(Errand::Unwatched(self.token.load(Ordering::Relaxed)));
    }

    /// Puts the connection back into the I/O thread's set, where that hears of its end, and of output if it is to: then even one
    /// that is taken out. For the I/O thread, while the connection is online.
    pub(crate) fn watch_output(&self) {
        let (Some(stream), unwatched) = self.stream_and_place() else { return };
        let tx = self.tx.lock();
        let interest = match (tx.armed, unwatched) {
            (true, _) => Interest::WRITABLE,
            (false, true) => return,
            (false, false) => Interest::NONE,
        };
        let token = self.token.load(Ordering::Relaxed);
        // Fails if it is there already: then it is as it should be.
        let _ = self.desk.epoll().add(stream.as_ref().as_fd(), interest.oneshot(), token);
    }

    /// The connection, and whether it is taken out.
    fn stream_and_place(&self) -> (Option<Arc<Stream>>, bool) {
        let rx = self.rx.lock();
        (rx.watch.as_ref().map(|watch| Arc::clone(&watch.stream)), rx.unwatched)
    }
}
