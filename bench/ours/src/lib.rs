//! This library as a contender: through its Rust API, with all its defaults.

use ferrozmq::{Context, Frame, Message, SocketType};
use ferrozmq_bench::{CLIENT_KEYS, Curve, Kind, Library, SERVER_KEYS, SYSTEM_SCHEDULING, Setup, Socket};

/// Options that have no setter of their own, by libzmq's numbers.
const BACKLOG: i32 = 19;
const CURVE_SERVER: i32 = 47;
const CURVE_PUBLICKEY: i32 = 48;
const CURVE_SECRETKEY: i32 = 49;
const CURVE_SERVERKEY: i32 = 50;

/// A context.
pub struct Ours(Context);

/// A socket, and a place for what it receives.
pub struct OurSocket {
    /// The socket.
    pub socket: ferrozmq::Socket,
    /// What it received last.
    pub message: Message,
}

impl Library for Ours {
    type Socket = OurSocket;

    fn open(sockets: usize) -> Result<Ours, String> {
        let mut context = Context::builder().libzmq_compat().max_sockets(sockets);
        if std::env::var_os(SYSTEM_SCHEDULING).is_some() {
            context = context.thread_scheduling(0, -1);
        }
        Ok(Ours(context.build()))
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<OurSocket, String> {
        let kind = match kind {
            Kind::Req => SocketType::Req,
            Kind::Rep => SocketType::Rep,
            Kind::Push => SocketType::Push,
            Kind::Pull => SocketType::Pull,
            Kind::Dealer => SocketType::Dealer,
            Kind::Router => SocketType::Router,
            Kind::Pub => SocketType::Pub,
            Kind::Sub => SocketType::Sub,
        };
        let socket = self.0.socket(kind).map_err(sentence)?;
        if let Some(backlog) = setup.backlog {
            socket.set_raw(BACKLOG, &backlog.to_ne_bytes()).map_err(sentence)?;
        }
        if setup.no_drop {
            socket.set_xpub_nodrop(true).map_err(sentence)?;
        }
        if setup.no_mark {
            socket.set_sndhwm(0).map_err(sentence)?;
        }
        if let Some(side) = setup.curve {
            encrypt(&socket, side).map_err(sentence)?;
        }
        Ok(OurSocket { socket, message: Message::new() })
    }

    fn proxy(&self, front: OurSocket, back: OurSocket) -> Result<(), String> {
        ferrozmq::proxy(&front.socket, &back.socket, None).map_err(sentence)
    }

    fn close(self) -> Result<(), String> {
        self.0.term();
        Ok(())
    }
}

fn encrypt(socket: &ferrozmq::Socket, side: Curve) -> ferrozmq::Result<()> {
    if side == Curve::Server {
        socket.set_raw(CURVE_SERVER, &1_i32.to_ne_bytes())?;
        return socket.set_raw(CURVE_SECRETKEY, SERVER_KEYS[1].as_bytes());
    }
    socket.set_raw(CURVE_SERVERKEY, SERVER_KEYS[0].as_bytes())?;
    socket.set_raw(CURVE_PUBLICKEY, CLIENT_KEYS[0].as_bytes())?;
    socket.set_raw(CURVE_SECRETKEY, CLIENT_KEYS[1].as_bytes())
}

impl Socket for OurSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        self.socket.bind(endpoint).map_err(sentence)
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        self.socket.connect(endpoint).map_err(sentence)
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        self.socket.subscribe(topic).map_err(sentence)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.socket.send(body).map_err(|refused| sentence(refused.into()))
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        let message = Message::from_parts((0..parts).map(|_| Frame::from(body))).ok_or("no parts")?;
        self.socket.send(message).map_err(|refused| sentence(refused.into()))
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        self.socket.recv_into(&mut self.message).map_err(sentence)?;
        Ok(look(Frame::as_bytes(self.message.last())))
    }

    fn echo(&mut self) -> Result<(), String> {
        self.socket.recv_into(&mut self.message).map_err(sentence)?;
        let message = std::mem::take(&mut self.message);
        self.socket.send(message).map_err(|refused| sentence(refused.into()))
    }

    fn close(self) -> Result<(), String> {
        drop(self.socket);
        Ok(())
    }
}

/// An error as the bench tells it.
#[must_use]
pub fn sentence(error: ferrozmq::Error) -> String {
    error.to_string()
}
