//! The reading half of a pipe to another process.
//!
//! Whoever holds the *reader's role* (the [`Intake`], taken out of [`Rx`] for the length of a read)
//! reads the descriptor, and leaves whole messages as [`Run`]s of pipe-format bytes. The socket
//! takes runs and decodes them one message at a time.
//!
//! `RCVHWM` gates the reading: while that many messages wait here or in the socket's hands, the
//! descriptor is not watched. It may be exceeded by what one read brings; reads are small where the
//! mark is small. The mark of bytes (`max_unread_bytes`) gates in the same way.

use crate::pipe::codec::Opener;
use crate::pipe::wire::Fill;
use crate::sys::epoll::{Epoll, Interest};
use crate::transport::Stream;
use bytes::{Bytes, BytesMut};
use ferrozmq_proto::PeerError;
use ferrozmq_proto::loss::{Discarded, Discards};
use ferrozmq_proto::zmtp::{Received, framing};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// The smallest and the largest read.
const READ_MIN: usize = 1024;
const READ_MAX: usize = 64 * 1024;
/// A message from this length on is read into a buffer of its own, in which it stays.
const LONG_FROM: usize = 32 * 1024;
/// No more than this is taken on trust, however much a peer has sent.
const TRUSTED_MAX: usize = 64 * 1024 * 1024;
/// Bytes per message that a small high-water mark allows a read to bring.
const READ_PER_MESSAGE: usize = 128;
/// One fill reads at most this often.
const READS_MAX: usize = 4;
/// One fill brings about this many commands at most; a message may hold a million subscriptions.
const NOTICES_MAX: usize = 256;

/// Whole messages in the pipe format, from one connection.
pub(crate) struct Run {
    pub(crate) bytes: Bytes,
    pub(crate) count: usize,
    pub(crate) origin: u64,
}

/// Why no more input will come over a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The peer closed it.
    Closed,
    /// The system reported this errno.
    Failed(i32),
    /// The peer broke the protocol.
    Protocol(PeerError),
}

/// State of the reading half, behind the pipe's `rx` lock.
pub(crate) struct Rx {
    pub(super) intake: Option<Box<Intake>>,
    pub(super) online: bool,
    pub(super) orphaned: bool,
    pub(super) watch: Option<Watch>,
    /// The connection is in no set: a thread of the socket's sleeps in the read itself, again and again.
    pub(super) unwatched: bool,
    pub(super) runs: VecDeque<Run>,
    /// Messages in `runs`, and messages the socket took and may not have consumed.
    pub(super) waiting: usize,
    pub(super) held: usize,
    /// The same in bytes.
    pub(super) waiting_bytes: usize,
    pub(super) held_bytes: usize,
    pub(super) hwm: usize,
    /// The mark of bytes beside that of messages.
    bytes_max: usize,
    /// Only the newest run is kept (`ZMQ_CONFLATE`); the socket keeps its newest message.
    conflate: bool,
    /// The socket never reads, or has let go of the pipe: messages are dropped as they come.
    discard: Option<Discarded>,
    pub(super) paused: bool,
    /// Too many of the peer's subscriptions wait to be read by the socket.
    pub(super) flooded: bool,
    /// More than the last fill brought is in user space already, where no descriptor tells of it.
    pub(super) rest: bool,
    /// The socket found nothing and wants to hear when there is something.
    pub(super) input_wanted: bool,
    pub(super) end: Option<End>,
    pub(super) received: u64,
    pub(super) received_bytes: u64,
    /// What was discarded here.
    pub(super) discards: Discards,
}

/// Where the descriptor is watched while nobody holds it back.
pub(super) struct Watch {
    pub(super) set: Arc<Epoll>,
    pub(super) stream: Arc<Stream>,
    pub(super) token: u64,
}

impl Watch {
    pub(super) fn begin(&self) {
        // Fails only when the descriptor is being closed; then there is nothing to watch.
        let _ = self.set.add(self.stream.as_ref().as_fd(), Interest::READABLE, self.token);
    }

    pub(super) fn end(&self) {
        let _ = self.set.delete(self.stream.as_ref().as_fd());
    }
}

impl Rx {
    pub(super) fn new(hwm: usize, conflate: bool) -> Rx {
        Rx {
            intake: None,
            online: false,
            orphaned: false,
            watch: None,
            unwatched: false,
            runs: VecDeque::new(),
            waiting: 0,
            held: 0,
            waiting_bytes: 0,
            held_bytes: 0,
            hwm: if conflate { 0 } else { hwm },
            bytes_max: usize::MAX,
            conflate,
            discard: None,
            paused: false,
            flooded: false,
            rest: false,
            input_wanted: true,
            end: None,
            received: 0,
            received_bytes: 0,
            discards: Discards::default(),
        }
    }

    /// Changes the high-water mark; a pipe that keeps only the newest message has none.
    pub(super) fn set_hwm(&mut self, hwm: usize) {
        self.hwm = if self.conflate { 0 } else { hwm };
    }

    /// Changes the mark of bytes, likewise.
    pub(super) fn set_bytes_max(&mut self, bytes: usize) {
        // One message is let through in any case.
        self.bytes_max = if self.conflate { usize::MAX } else { bytes.max(1) };
    }

    pub(super) fn is_full(&self) -> bool {
        self.flooded
            || self.hwm != 0 && self.waiting + self.held >= self.hwm
            || self.waiting_bytes + self.held_bytes >= self.bytes_max
    }

    /// Whether the socket, having taken all there was, need not come again before it is told: nobody but it reads, and what it took is so
    /// little that reading goes on without its saying that it has consumed it.
    pub(super) fn may_run_dry(&self) -> bool {
        let few = self.hwm == 0 || self.held <= self.hwm / 4;
        self.unwatched && few && self.held_bytes <= self.bytes_max / 4
    }

    /// What a reader that finds no role here may conclude.
    pub(super) fn when_taken(&self) -> Fill {
        if self.online { Fill::Busy } else { Fill::Nothing }
    }

    /// The reader's role is lost with whoever held it: no more input over this connection.
    pub(super) fn lose_intake(&mut self) {
        self.intake = None;
        self.online = false;
        self.orphaned = false;
        self.end.get_or_insert(End::Failed(libc::EIO));
        self.pause();
    }

    /// What the messages here and in the socket's hands cost, in bytes; 0 without any.
    pub(super) fn cost(&self) -> usize {
        match (self.waiting_bytes + self.held_bytes, self.runs.len()) {
            (0, _) => 0,
            // The buffer in which a run lies may be longer.
            (bytes, runs) => bytes + (runs + 1) * READ_MIN,
        }
    }

    /// Drops what is there and what will come.
    #[must_use]
    pub(super) fn discard_all(&mut self, why: Discarded) -> bool {
        let why = *self.discard.get_or_insert(why);
        self.discards.note(why, self.waiting as u64);
        self.hwm = 0;
        self.bytes_max = usize::MAX;
        self.runs.clear();
        (self.waiting, self.held) = (0, 0);
        (self.waiting_bytes, self.held_bytes) = (0, 0);
        self.resume_if_due()
    }

    /// Stops watching the descriptor: the high-water mark is reached, or nothing more will come.
    pub(super) fn pause(&mut self) {
        if !self.paused {
            self.paused = true;
            self.end_watch();
        }
    }

    /// Watches the descriptor again once half the room is free. Says whether to fill at once besides.
    #[must_use]
    pub(super) fn resume_if_due(&mut self) -> bool {
        let low = self.hwm == 0 || self.waiting + self.held <= self.hwm / 2;
        let light = self.waiting_bytes + self.held_bytes <= self.bytes_max / 2;
        let due = self.paused && !self.flooded && self.end.is_none() && low && light;
        if due {
            self.paused = false;
            self.begin_watch();
        }
        due && self.rest
    }

    /// Puts the descriptor into its set, if nothing holds it back.
    pub(super) fn begin_watch(&self) {
        if let Some(watch) = self.watch.as_ref().filter(|_| !self.paused && !self.unwatched) {
            watch.begin();
        }
    }

    pub(super) fn end_watch(&self) {
        if let Some(watch) = &self.watch {
            watch.end();
        }
    }

    /// How many bytes the next read may bring.
    pub(super) fn read_limit(&self) -> usize {
        match self.hwm {
            0 => READ_MAX,
            hwm => hwm.saturating_mul(READ_PER_MESSAGE).clamp(READ_MIN, READ_MAX),
        }
    }

    /// Notes what one fill brought; says whether there are messages among it to be received.
    pub(super) fn store(&mut self, intake: &mut Intake) -> bool {
        let haul = &mut intake.haul;
        self.rest = haul.rest;
        self.received_bytes += haul.bytes as u64;
        let (mut count, mut bytes) = haul.size();
        self.received += count as u64;
        if let Some(why) = self.discard {
            self.discards.note(why, count as u64);
            haul.runs.clear();
            (count, bytes) = (0, 0);
        }
        let more = count > 0;
        if self.conflate && more {
            self.keep_newest(&mut haul.runs);
        } else {
            self.waiting += count;
            self.waiting_bytes += bytes;
            pass_on(&mut haul.runs, &mut self.runs);
        }
        if let Some(end) = haul.end {
            self.end.get_or_insert(end);
            self.pause();
        } else if self.is_full() {
            self.pause();
        }
        more
    }

    /// Of what is here and what came, keeps the last run.
    #[cold]
    fn keep_newest(&mut self, came: &mut VecDeque<Run>) {
        self.runs.append(came);
        while self.runs.len() > 1
            && let Some(run) = self.runs.pop_front()
        {
            self.discards.note(Discarded::Conflated, run.count as u64);
        }
        let newest = self.runs.front();
        self.waiting = newest.map_or(0, |run| run.count);
        self.waiting_bytes = newest.map_or(0, |run| run.bytes.len());
    }
}

/// Moves all of `from` to the end of `to`; where that is empty, they change places, and each buffer is used again.
#[inline]
pub(super) fn pass_on(from: &mut VecDeque<Run>, to: &mut VecDeque<Run>) {
    if to.is_empty() {
        std::mem::swap(from, to);
    } else {
        to.append(from);
    }
}

/// A command that arrived.
pub(crate) enum Notice {
    Subscription { topic: Bytes, wanted: bool },
    Ping { ttl: Duration, context: Bytes },
    Pong { context: Bytes },
}

/// Whether a fill may sleep before its first read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sleep {
    #[default]
    Never,
    /// In the read itself, for a few milliseconds at most: the cheapest of all sleeps.
    Doze,
}

/// What one fill brought.
#[derive(Default)]
pub(super) struct Haul {
    pub(super) runs: VecDeque<Run>,
    pub(super) notices: Vec<Notice>,
    pub(super) end: Option<End>,
    pub(super) bytes: usize,
    /// A signal handler ran during a doze.
    pub(super) interrupted: bool,
    /// The input is left as it is: the connection is new, or there are so many notices.
    pub(super) rest: bool,
}

impl Haul {
    /// Messages, and their bytes.
    #[inline]
    fn size(&self) -> (usize, usize) {
        self.runs.iter().fold((0, 0), |(count, bytes), run| (count + run.count, bytes + run.bytes.len()))
    }
}

/// A connection's reading side: the reader's role.
pub(crate) struct Intake {
    pub(super) stream: Arc<Stream>,
    opener: Opener,
    input: BytesMut,
    /// Size of the next read; follows what the last ones brought.
    read_size: usize,
    /// Length of the last message if it was a long one: the next may be as long.
    stride: usize,
    /// Bytes that the peer has sent: as long as that may be what it announces.
    total: usize,
    pub(super) origin: u64,
    /// What the present fill has brought; empty between fills.
    pub(super) haul: Haul,
}

impl Intake {
    /// `input`: what came behind the handshake.
    pub(super) fn new(stream: Arc<Stream>, opener: Opener, input: BytesMut, origin: u64) -> Intake {
        let total = input.len();
        let haul = Haul { rest: true, ..Haul::default() };
        Intake { stream, opener, input, read_size: READ_MIN, stride: 0, total, origin, haul }
    }

    /// Reads until there are whole messages, or nothing more to read for now.
    pub(super) fn fill(&mut self, limit: usize, mut sleep: Sleep) {
        self.haul.bytes = 0;
        self.haul.interrupted = false;
        if self.haul.rest {
            self.open();
        }
        for _ in 0..READS_MAX {
            if self.haul.end.is_some() || self.haul.rest || !self.haul.runs.is_empty() {
                break;
            }
            let (got, drained) = match self.read(limit, std::mem::take(&mut sleep)) {
                Ok((0, _)) => {
                    self.haul.end = Some(End::Closed);
                    break;
                }
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.haul.interrupted = true;
                    break;
                }
                Err(error) => {
                    self.haul.end = Some(End::Failed(error.raw_os_error().unwrap_or(libc::EIO)));
                    break;
                }
            };
            self.haul.bytes += got;
            self.open();
            if drained {
                break;
            }
        }
        if self.input.is_empty() && (self.read_size > READ_MIN || self.stride > 0) {
            // A connection that may become idle keeps a small buffer at most.
            self.input = BytesMut::new();
        }
    }

    /// One read: the bytes it brought, and whether it left nothing behind.
    fn read(&mut self, limit: usize, sleep: Sleep) -> io::Result<(usize, bool)> {
        let most = self.make_room(limit)?;
        let room = (self.input.capacity() - self.input.len()).min(most);
        let got = match sleep {
            Sleep::Never => self.stream.recv_into(&mut self.input, most)?,
            Sleep::Doze => self.stream.doze_into(&mut self.input, most)?,
        };
        self.total = self.total.saturating_add(got);
        let drained = got < room;
        self.read_size = if drained { self.read_size.max(got) } else { (self.read_size * 2).min(READ_MAX) };
        if got < self.read_size / 8 {
            self.read_size = (self.read_size / 2).max(READ_MIN);
        }
        Ok((got, drained))
    }

    /// Makes room for the next read; returns how much it may bring.
    fn make_room(&mut self, limit: usize) -> io::Result<usize> {
        let trusted = self.total.min(TRUSTED_MAX).max(self.input.len()).max(READ_MAX);
        let missing = self.opener.wanted().min(trusted);
        if missing >= LONG_FROM || self.stride > 0 && missing > framing::HEADER_MAX {
            // What comes behind a long message would share its buffer, and be copied when that has to grow.
            reserve(&mut self.input, missing)?;
            return Ok(missing);
        }
        if self.stride > 0 && self.input.is_empty() && self.stream.unread() > 0 {
            reserve(&mut self.input, self.stride)?;
            return Ok(self.stride);
        }
        let held = self.input.len();
        let room = self.read_size.min(limit).max(missing);
        if held < LONG_FROM {
            self.input.reserve(room);
        } else if self.input.capacity() - held < missing.max(1) {
            // Doubling would have a peer cost us twice what it sent. And where the end of something long has its room, it is not moved
            // to have more.
            reserve(&mut self.input, room.max(held / 4))?;
        }
        Ok(usize::MAX)
    }

    fn open(&mut self) {
        let haul = &mut self.haul;
        #[cfg(test)]
        crate::fault::trip(crate::fault::READING, &self.input);
        haul.rest = false;
        let origin = self.origin;
        if let Some((bytes, count)) = self.opener.open_short(&mut self.input) {
            self.stride = 0;
            haul.runs.push_back(Run { bytes, count, origin });
            if self.input.is_empty() {
                return;
            }
        }
        loop {
            if haul.notices.len() >= NOTICES_MAX {
                haul.rest = true;
                return;
            }
            match self.opener.open(&mut self.input) {
                Ok(None) => return,
                Ok(Some(Received::Messages { bytes, count })) => {
                    let long = count == 1 && bytes.len() >= LONG_FROM && self.opener.passes_input_on();
                    self.stride = if long { bytes.len() } else { 0 };
                    haul.runs.push_back(Run { bytes, count, origin });
                    if self.input.is_empty() && !self.opener.holds_input() {
                        return;
                    }
                }
                Ok(Some(Received::Subscription { topic, wanted })) => {
                    haul.notices.push(Notice::Subscription { topic, wanted });
                }
                Ok(Some(Received::Ping { ttl, context })) => haul.notices.push(Notice::Ping { ttl, context }),
                Ok(Some(Received::Pong { context })) => haul.notices.push(Notice::Pong { context }),
                Ok(Some(Received::Error { .. })) => {
                    haul.end = Some(End::Protocol(PeerError::Refused));
                    return;
                }
                Err(error) => {
                    haul.end = Some(End::Protocol(error));
                    return;
                }
            }
        }
    }
}

/// Room for `more` bytes behind the input, or `ENOMEM`: their number is the peer's choice, and that there is not so much
/// memory is no reason to end the process.
fn reserve(input: &mut BytesMut, more: usize) -> io::Result<()> {
    if input.try_reclaim(more) {
        return Ok(());
    }
    let mut grown = Vec::from(std::mem::take(input));
    let result = grown.try_reserve_exact(more);
    *input = BytesMut::from(Bytes::from(grown));
    result.map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))
}
