//! A socket's events as messages, for whoever connects to an inproc endpoint (`zmq_socket_monitor(3)`).
//!
//! Events come from I/O threads and from calls in other sockets, where no message can be sent; a thread of its
//! own carries them from the [`Monitor`]'s queue to the publishing socket. A reader that does not come or does
//! not read holds up only that thread.

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::io::events::EventQueue;
use crate::socket::Socket;
use crate::socket::monitor::Monitor;
use crate::sys::cpu;
use crate::{EventKind, Frame, Message, MonitorEvent, SocketType};
use std::sync::Arc;
use std::time::Duration;

/// How an event looks as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventFormat {
    /// Two parts: the event (16 bits) and its value (32 bits), and the endpoint.
    Version1,
    /// The event, the number of its values, the values (64 bits each), and both endpoints: a part each.
    Version2,
}

/// Publishes one socket's events; see [`Socket::publish_events`].
#[derive(Debug)]
pub struct EventPublisher {
    queue: Arc<EventQueue>,
    events: u64,
    to: Socket,
    endpoint: String,
}

/// What the thread carries from where to where.
struct Carrier {
    monitor: Monitor,
    queue: Arc<EventQueue>,
    to: Socket,
    events: u64,
    format: EventFormat,
}

/// How long the thread waits for a reader before it looks whether it is still needed, at first …
const FIRST_LOOK: Duration = Duration::from_millis(1);
/// … and at most.
const LAST_LOOK: Duration = Duration::from_millis(128);

impl Socket {
    /// Publishes those of the socket's events whose bits are in `events`, as messages of a new socket of type
    /// `kind` (PAIR, PUB or PUSH) that is bound to the inproc `endpoint`. It ends after `MONITOR_STOPPED`.
    ///
    /// # Errors
    /// [`ProtocolNotSupported`](ErrorKind::ProtocolNotSupported) unless it is an inproc endpoint,
    /// [`Invalid`](ErrorKind::Invalid) for another socket type, or an event that the format cannot tell;
    /// as [`bind`](Self::bind).
    pub fn publish_events(
        &self,
        endpoint: &str,
        events: u64,
        format: EventFormat,
        kind: SocketType,
    ) -> Result<EventPublisher> {
        if !endpoint.starts_with("inproc://") {
            let text = "a monitor publishes to an inproc:// endpoint";
            let is_one = endpoint.contains("://");
            let kind = if is_one { ErrorKind::ProtocolNotSupported } else { ErrorKind::Invalid };
            return Err(Error::new(kind, text));
        }
        if format == EventFormat::Version1 && events >> u16::BITS != 0 {
            return Err(Error::new(ErrorKind::Invalid, "version 1 tells of the first 16 events only"));
        }
        if !matches!(kind, SocketType::Pair | SocketType::Pub | SocketType::Push) {
            return Err(Error::new(ErrorKind::Invalid, "a monitor publishes by a PAIR, PUB or PUSH socket"));
        }
        // First of all: a connection that was begun just before may come to its end while the rest is made.
        let monitor = self.monitor()?;
        let to = Context::of(self).socket(kind)?;
        to.set_linger(Some(Duration::ZERO))?;
        to.bind(endpoint)?;
        let queue = Arc::clone(monitor.queue());
        let carrier = Carrier { monitor, queue: Arc::clone(&queue), to: to.clone(), events, format };
        let thread = std::thread::Builder::new().name("ZMQbg/Monitor".to_owned());
        let started = thread.spawn(move || carrier.run());
        started.map_err(|error| Error::os("starting a monitor's thread", &error))?;
        Ok(EventPublisher { queue, events, to, endpoint: endpoint.to_owned() })
    }
}

impl EventPublisher {
    /// Ends publishing, with `MONITOR_STOPPED`. The endpoint is free at once; who is connected to it still gets
    /// what was published before.
    pub fn stop(&self) {
        self.queue.stop();
        let _ = self.to.unbind(&self.endpoint);
    }

    /// Publishes how much is queued for each of `socket`'s peers.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if `PIPES_STATS` is not among the published events,
    /// [`WouldBlock`](ErrorKind::WouldBlock) if there are no peers.
    pub fn publish_queues(&self, socket: &Socket) -> Result<()> {
        if self.events & u64::from(EventKind::PipesStats as u32) == 0 {
            return Err(Error::new(ErrorKind::Invalid, "PIPES_STATS is not among the published events"));
        }
        let queues = socket.state().queues()?;
        if queues.is_empty() {
            return Err(Error::would_block());
        }
        queues.into_iter().for_each(|event| self.queue.push(event));
        Ok(())
    }
}

impl Carrier {
    fn run(self) {
        // Signals are the application's.
        let _ = cpu::block_signals();
        for event in &self.monitor {
            let wanted = u64::from(event.kind as u32) & self.events != 0;
            if wanted && self.carry(self.format.message(&event)).is_err() {
                break;
            }
        }
        // The publisher may still hold it.
        self.to.close();
    }

    /// Sends `message`; once the monitor has stopped, only if there is room.
    fn carry(&self, message: Message) -> Result<()> {
        let mut message = message;
        let mut patience = FIRST_LOOK;
        loop {
            let stopped = self.queue.is_stopped();
            let patience_now = if stopped { Duration::ZERO } else { patience };
            let (returned, error) = match self.to.send_timeout(message, patience_now) {
                Ok(()) => return Ok(()),
                Err(error) => error.into_parts(),
            };
            if !error.is_would_block() && !error.is_interrupted() {
                return Err(error);
            }
            if stopped {
                return Ok(());
            }
            message = returned;
            patience = (patience * 2).min(LAST_LOOK);
        }
    }
}

impl EventFormat {
    fn message(self, event: &MonitorEvent) -> Message {
        let kind = event.kind as u32;
        match self {
            EventFormat::Version1 => {
                let mut head = [0; 6];
                head[..2].copy_from_slice(&(kind as u16).to_ne_bytes());
                head[2..].copy_from_slice(&(event.value as u32).to_ne_bytes());
                let mut message = Message::from(head);
                message.push_back(event.endpoint());
                message
            }
            EventFormat::Version2 => {
                let number = |number: u64| Frame::from(number.to_ne_bytes());
                let mut message = Message::from(number(kind.into()));
                message.push_back(number(1 + u64::from(event.second_value.is_some())));
                message.push_back(number(event.value));
                event.second_value.into_iter().for_each(|value| message.push_back(number(value)));
                message.push_back(event.local.as_str());
                message.push_back(event.remote.as_str());
                message
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind::{Accepted, HandshakeSucceeded, Listening, MonitorStopped, PipesStats};

    const ALL: u64 = 0x1_ffff;

    fn reader(context: &Context, endpoint: &str) -> Socket {
        let reader = context.socket(SocketType::Pair).unwrap();
        reader.set_recv_timeout(Some(Duration::from_secs(20))).unwrap();
        reader.connect(endpoint).unwrap();
        reader
    }

    fn kind_of(message: &Message) -> u64 {
        u64::from_ne_bytes(message.first().as_bytes().try_into().unwrap())
    }

    #[test]
    fn both_formats_tell_the_same() {
        let context = Context::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let one =
            pull.publish_events("inproc://one", 0xffff, EventFormat::Version1, SocketType::Pair).unwrap();
        let two = pull.publish_events("inproc://two", ALL, EventFormat::Version2, SocketType::Pair).unwrap();
        let readers = (reader(&context, "inproc://one"), reader(&context, "inproc://two"));
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&endpoint).unwrap();
        for kind in [Listening, Accepted, HandshakeSucceeded] {
            let (first, second) = (readers.0.recv().unwrap(), readers.1.recv().unwrap());
            assert_eq!(&first[0].as_bytes()[..2], (kind as u16).to_ne_bytes());
            assert_eq!((first[0].len(), first.len(), &first[1]), (6, 2, &Frame::from(endpoint.clone())));
            assert_eq!((kind_of(&second), second.len()), (u64::from(kind as u32), 5));
            assert_eq!(second[3], first[1]);
        }
        two.publish_queues(&pull).unwrap();
        let queues = readers.1.recv().unwrap();
        assert_eq!((kind_of(&queues), queues.len()), (u64::from(PipesStats as u32), 6));
        assert!(one.publish_queues(&pull).is_err());
        two.stop();
        pull.publish_events("inproc://two", ALL, EventFormat::Version2, SocketType::Pub).unwrap().stop();
        assert_eq!(kind_of(&readers.1.recv().unwrap()), u64::from(MonitorStopped as u32));
        pull.close();
        drop((pull, push, readers));
        context.term();
    }

    #[test]
    fn a_monitor_that_nobody_reads_ends_with_its_socket() {
        let context = Context::new();
        let pull = context.socket(SocketType::Pull).unwrap();
        let _publisher =
            pull.publish_events("inproc://alone", 0xffff, EventFormat::Version1, SocketType::Pair).unwrap();
        pull.bind("tcp://127.0.0.1:*").unwrap();
        drop(pull);
        context.term();
    }
}
