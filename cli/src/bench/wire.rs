//! What a comparison needs of a library: a socket that is bound or connected, sends and receives.
//!
//! Two libraries that are compared run the same loops over this, one through its C functions (`foreign`), ours through its Rust API.

use ferrozmq::{Context, Message, Socket, SocketType};

use crate::failure::Failure;

/// A library with one context.
pub trait Library: Sync {
    /// Its sockets.
    type Wire: Wire;

    /// Makes a socket.
    ///
    /// # Errors
    /// Whatever the library reports, as of all calls here.
    fn wire(&self, kind: SocketType) -> Result<Self::Wire, Failure>;
}

/// A socket.
pub trait Wire: Send {
    /// Binds and answers where.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn bind(&mut self, endpoint: &str) -> Result<String, Failure>;

    /// Connects.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn connect(&mut self, endpoint: &str) -> Result<(), Failure>;

    /// Sends one message, waiting if it must.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn send(&mut self, body: &[u8]) -> Result<(), Failure>;

    /// Waits for one message; its length.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn recv(&mut self) -> Result<usize, Failure>;

    /// Waits for one message and gives it back.
    ///
    /// # Errors
    /// Whatever the library reports.
    fn echo(&mut self) -> Result<(), Failure>;
}

/// This library.
pub struct Ours(pub Context);

/// One of its sockets, and a place for what it receives.
pub struct OurWire {
    socket: Socket,
    message: Message,
}

impl Library for Ours {
    type Wire = OurWire;

    fn wire(&self, kind: SocketType) -> Result<OurWire, Failure> {
        Ok(OurWire { socket: self.0.socket(kind)?, message: Message::new() })
    }
}

impl Wire for OurWire {
    fn bind(&mut self, endpoint: &str) -> Result<String, Failure> {
        Ok(self.socket.bind(endpoint)?)
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), Failure> {
        Ok(self.socket.connect(endpoint)?)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), Failure> {
        Ok(self.socket.send(body).map_err(ferrozmq::Error::from)?)
    }

    fn recv(&mut self) -> Result<usize, Failure> {
        self.socket.recv_into(&mut self.message)?;
        Ok(self.message.size())
    }

    fn echo(&mut self) -> Result<(), Failure> {
        self.socket.recv_into(&mut self.message)?;
        let message = std::mem::take(&mut self.message);
        Ok(self.socket.send(message).map_err(ferrozmq::Error::from)?)
    }
}
