//! The last moments of a connection that this side ends.
//!
//! Closing a descriptor while input lies unread in it, or comes afterwards, resets the connection: the kernel then drops
//! what it has not delivered yet, although it had taken it. So a connection that ends because all is written is closed in
//! one direction first, and read until the peer has closed it too. What comes is thrown away. (Where nothing can be
//! lost, [`Stream::may_be_closed`], there is no such ceremony.)
//!
//! The peer may never look: it may be held back by its own high-water mark, or be gone. Then the time is over in
//! [`PARTING_MAX`], and within one machine as soon as its kernel has everything, because there a reset costs nothing that
//! has arrived. A linger that is over ends it at once. (libzmq closes without any of this.)

use crate::io::connection::{Conn, Stage};
use crate::io::thread::{Due, Io};
use crate::sys::clock;
use crate::sys::epoll::Interest;
use crate::transport::Stream;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a peer may take to close its side.
const PARTING_MAX: Duration = Duration::from_secs(1);
/// How often to look whether a peer of this machine has everything.
const PARTING_STEP: Duration = Duration::from_millis(100);
/// Bytes that a peer may still send; who sends more has not noticed, and will not soon.
const PARTING_BYTES_MAX: usize = 64 << 20;
/// Size of one read, and reads per visit.
const READ: usize = 32 << 10;
const READS_MAX: usize = 4;

/// A connection that is closed in our direction.
pub(super) struct Parting {
    until: Instant,
    bytes_left: usize,
}

impl Parting {
    /// Throws away what has come; says whether that was the last.
    fn read(&mut self, stream: &Stream) -> bool {
        let mut room = [0; READ];
        for _ in 0..READS_MAX {
            match stream.recv(&mut room) {
                Ok(0) => return true,
                Ok(got) => self.bytes_left = self.bytes_left.saturating_sub(got),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
            if self.bytes_left == 0 {
                return true;
            }
        }
        false
    }
}

impl Io {
    /// Keeps `conn`, which has let go of its pipe, until the peer has closed it too.
    pub(super) fn begin_parting(&mut self, token: u64, mut conn: Conn) {
        let watched = self.handle.desk().epoll().add(conn.stream.as_ref().as_fd(), Interest::READABLE, token);
        if watched.is_err() {
            conn.stream.shutdown();
            return self.cancel(&mut conn.linger_timer);
        }
        let now = clock::now();
        conn.timer = Some(self.timers.add(now + PARTING_STEP, Due::Conn(token)));
        conn.stage = Stage::Parting(Parting { until: now + PARTING_MAX, bytes_left: PARTING_BYTES_MAX });
        self.conns.insert(token, conn);
    }

    /// The peer has something to say to a connection in this stage.
    pub(super) fn parting_event(&mut self, token: u64) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Stage::Parting(parting) = &mut conn.stage else { return };
        if parting.read(&conn.stream) {
            self.parted(token);
        }
    }

    /// The peer takes its time.
    pub(super) fn parting_due(&mut self, token: u64, now: Instant) {
        let Some(conn) = self.conns.get_mut(&token) else { return };
        let Stage::Parting(parting) = &conn.stage else { return };
        if now >= parting.until || conn.stream.is_delivered() {
            return self.parted(token);
        }
        conn.timer = Some(self.timers.add(now + PARTING_STEP, Due::Conn(token)));
    }

    /// The connection is over in both directions, or as good as.
    pub(super) fn parted(&mut self, token: u64) {
        let Some(mut conn) = self.conns.remove(&token) else { return };
        self.cancel(&mut conn.timer);
        self.cancel(&mut conn.linger_timer);
        let _ = self.handle.desk().epoll().delete(conn.stream.as_ref().as_fd());
        conn.stream.shutdown();
    }
}
