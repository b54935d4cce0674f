//! Options: read, set, and felt at once by what is alive.

use super::Socket;
use super::guard::Guard;
use super::handle::SocketState;
#[expect(unused_imports, reason = "the documentation names it")]
use crate::error::ErrorKind;
use crate::error::{Error, Result};
use crate::socket::wait::Patience;
use ferrozmq_proto::option::{Change, Live, OptionError, Options, Reading, Value};
use std::os::fd::RawFd;

impl SocketState {
    pub(super) fn set_option(
        &self,
        set: impl FnOnce(&mut Options) -> std::result::Result<Change, OptionError>,
    ) -> Result<()> {
        let mut core = self.enter()?;
        match set(&mut core.options).map_err(Error::from_option)? {
            Change::Now => core.apply_options(),
            // Connections keep what they began with; a pattern has nothing that could wait for the next.
            Change::Later => core.configure_pattern(),
            Change::Subscribe(topic) => return core.subscribe(&topic),
            Change::Unsubscribe(topic) => return core.unsubscribe(&topic),
        }
        self.remember_timeouts(&core.options);
        Ok(())
    }

    fn read_option(&self, number: i32, capacity: Option<usize>) -> Result<Value> {
        let core = self.enter()?;
        let reading = core.options.read(self.kind(), number, capacity).map_err(Error::from_option)?;
        Ok(match reading {
            Reading::Value(value) => value,
            Reading::Ask(Live::RcvMore) => Value::Int(core.staging.has_input().into()),
            Reading::Ask(Live::LastEndpoint) => Value::Text(core.last_endpoint.clone()),
            Reading::Ask(Live::TopicsCount) => {
                Value::Int(core.pattern.topics_count().try_into().unwrap_or(i32::MAX))
            }
            Reading::Ask(Live::Events) => {
                drop(core);
                Value::Int(self.events()?.bits())
            }
            Reading::Ask(Live::Fd) => Value::Int(self.events_fd(core)?),
        })
    }

    /// The descriptor that is readable when the events may have changed. From now on the I/O thread reads for this
    /// socket whenever no call waits in it: what a lease's holder reads, no descriptor tells of.
    fn events_fd(&self, mut core: Guard<'_>) -> Result<RawFd> {
        let fd = self.mailbox.events_fd().descriptor();
        let fd = fd.map_err(|error| Error::os("creating an event descriptor", &error))?;
        if core.leases == 0 {
            self.lease.give_back();
        }
        core.announce();
        Ok(fd)
    }

    #[inline]
    pub(super) fn send_patience(&self) -> Patience {
        Patience::from_timeout(self.timeouts.send())
    }

    #[inline]
    pub(super) fn recv_patience(&self) -> Patience {
        Patience::from_timeout(self.timeouts.recv())
    }
}

impl Socket {
    /// Sets an option by its name and a value as people write it: `("sndhwm", "10")`,
    /// `("heartbeat_ivl", "1s")`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) name or value; [`NotSupported`](ErrorKind::NotSupported)
    /// where what the option is about is not built.
    #[doc(alias = "zmq_setsockopt")]
    pub fn set_text(&self, name: &str, value: &str) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set_text(state.kind(), name, value))
    }

    /// Sets an option by libzmq's number, from the bytes a C program would give (`zmq_setsockopt(3)`).
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    #[doc(alias = "zmq_setsockopt")]
    pub fn set_raw(&self, number: i32, value: &[u8]) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set(state.kind(), number, value))
    }

    /// Clears what can be cleared, as a C program does by a NULL pointer.
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn clear_raw(&self, number: i32) -> Result<()> {
        let state = self.state();
        state.set_option(|options| options.set(state.kind(), number, None))
    }

    /// Reads an option by libzmq's number, as the bytes a C program would get (`zmq_getsockopt(3)`).
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    #[doc(alias = "zmq_getsockopt")]
    pub fn read_raw(&self, number: i32) -> Result<Vec<u8>> {
        self.state().read_option(number, None).map(|value| value.to_c_bytes())
    }

    /// Reads an option by libzmq's number into a buffer of `capacity` bytes. Numbers want a buffer of
    /// exactly their size, as in libzmq; others want one that is large enough.
    ///
    /// # Errors
    /// As [`set_text`](Self::set_text).
    pub fn read_value(&self, number: i32, capacity: usize) -> Result<Value> {
        self.state().read_option(number, Some(capacity))
    }

    /// Receives messages that begin with `topic` from now on (SUB; `ZMQ_SUBSCRIBE`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for other socket types.
    #[doc(alias = "ZMQ_SUBSCRIBE")]
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.state().enter()?.subscribe(topic.as_ref())
    }

    /// Takes back one subscription to `topic` (`ZMQ_UNSUBSCRIBE`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for other socket types.
    #[doc(alias = "ZMQ_UNSUBSCRIBE")]
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<()> {
        self.state().enter()?.unsubscribe(topic.as_ref())
    }
}
