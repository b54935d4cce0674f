//! The contender that is the crate `zeromq` (zmq.rs), with all its defaults.
//!
//! Its calls are futures: a run of them stays in the runtime, as it would in a program.

use bytes::Bytes;
use ferrozmq_bench::{CANNOT, Kind, Library, Setup, Socket};
use std::process::ExitCode;
use tokio::runtime::Runtime;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket as _,
    SocketRecv, SocketSend, SubSocket, ZmqMessage, ZmqResult,
};

fn main() -> ExitCode {
    ferrozmq_bench::run::<Zeromq>()
}

struct Zeromq(&'static Runtime);

struct ZeromqSocket {
    runtime: &'static Runtime,
    socket: Any,
}

/// A socket of any type.
enum Any {
    Req(ReqSocket),
    Rep(RepSocket),
    Push(PushSocket),
    Pull(PullSocket),
    Dealer(DealerSocket),
    Router(RouterSocket),
    Pub(PubSocket),
    Sub(SubSocket),
}

/// Calls `$call` on whichever socket it is.
macro_rules! on_any {
    ($any:expr, $socket:ident => $call:expr) => {
        match $any {
            Any::Req($socket) => $call,
            Any::Rep($socket) => $call,
            Any::Push($socket) => $call,
            Any::Pull($socket) => $call,
            Any::Dealer($socket) => $call,
            Any::Router($socket) => $call,
            Any::Pub($socket) => $call,
            Any::Sub($socket) => $call,
        }
    };
}

impl Any {
    async fn send(&mut self, message: ZmqMessage) -> ZmqResult<()> {
        match self {
            Any::Req(socket) => socket.send(message).await,
            Any::Rep(socket) => socket.send(message).await,
            Any::Push(socket) => socket.send(message).await,
            Any::Dealer(socket) => socket.send(message).await,
            Any::Router(socket) => socket.send(message).await,
            Any::Pub(socket) => socket.send(message).await,
            Any::Pull(_) | Any::Sub(_) => unreachable!("no role sends on these"),
        }
    }

    async fn recv(&mut self) -> ZmqResult<ZmqMessage> {
        match self {
            Any::Req(socket) => socket.recv().await,
            Any::Rep(socket) => socket.recv().await,
            Any::Pull(socket) => socket.recv().await,
            Any::Dealer(socket) => socket.recv().await,
            Any::Router(socket) => socket.recv().await,
            Any::Sub(socket) => socket.recv().await,
            Any::Push(_) | Any::Pub(_) => unreachable!("no role receives on these"),
        }
    }
}

impl Library for Zeromq {
    type Socket = ZeromqSocket;

    fn open(_sockets: usize) -> Result<Zeromq, String> {
        Ok(Zeromq(Box::leak(Box::new(Runtime::new().map_err(sentence)?))))
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<ZeromqSocket, String> {
        if setup.curve.is_some() || setup.backlog.is_some() || setup.no_drop || setup.no_mark {
            return Err(format!("{CANNOT} do CURVE, set the backlog, or wait for slow subscribers"));
        }
        let _inside = self.0.enter();
        let socket = match kind {
            Kind::Req => Any::Req(ReqSocket::new()),
            Kind::Rep => Any::Rep(RepSocket::new()),
            Kind::Push => Any::Push(PushSocket::new()),
            Kind::Pull => Any::Pull(PullSocket::new()),
            Kind::Dealer => Any::Dealer(DealerSocket::new()),
            Kind::Router => Any::Router(RouterSocket::new()),
            Kind::Pub => Any::Pub(PubSocket::new()),
            Kind::Sub => Any::Sub(SubSocket::new()),
        };
        Ok(ZeromqSocket { runtime: self.0, socket })
    }

    fn proxy(&self, _front: ZeromqSocket, _back: ZeromqSocket) -> Result<(), String> {
        Err(format!("{CANNOT} be a proxy between PULL and PUSH"))
    }

    fn close(self) -> Result<(), String> {
        Ok(())
    }
}

impl Socket for ZeromqSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        if endpoint.starts_with("inproc") {
            return Err(format!("{CANNOT} do inproc"));
        }
        let endpoint = endpoint.replace('*', "0");
        let place = on_any!(&mut self.socket, socket => self.runtime.block_on(socket.bind(&endpoint)));
        Ok(place.map_err(sentence)?.to_string())
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        on_any!(&mut self.socket, socket => self.runtime.block_on(socket.connect(endpoint))).map_err(sentence)
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        let topic = std::str::from_utf8(topic).map_err(sentence)?;
        match &mut self.socket {
            Any::Sub(socket) => self.runtime.block_on(socket.subscribe(topic)).map_err(sentence),
            _ => Err("not a SUB".to_owned()),
        }
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.runtime.block_on(self.socket.send(message(body))).map_err(sentence)
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        let parts: Vec<Bytes> = (0..parts).map(|_| Bytes::copy_from_slice(body)).collect();
        let message = ZmqMessage::try_from(parts).map_err(sentence)?;
        self.runtime.block_on(self.socket.send(message)).map_err(sentence)
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        let message = self.runtime.block_on(self.socket.recv()).map_err(sentence)?;
        Ok(look(last(&message)))
    }

    fn echo(&mut self) -> Result<(), String> {
        self.echo_run(1)
    }

    fn send_run(&mut self, body: &[u8], count: u64) -> Result<(), String> {
        let run = async {
            for _ in 0..count {
                self.socket.send(message(std::hint::black_box(body))).await?;
            }
            ZmqResult::Ok(())
        };
        self.runtime.block_on(run).map_err(sentence)
    }

    fn recv_run(&mut self, count: u64, mut look: impl FnMut(&[u8])) -> Result<(), String> {
        let run = async {
            for _ in 0..count {
                look(last(&self.socket.recv().await?));
            }
            ZmqResult::Ok(())
        };
        self.runtime.block_on(run).map_err(sentence)
    }

    fn echo_run(&mut self, count: u64) -> Result<(), String> {
        let run = async {
            for _ in 0..count {
                let message = self.socket.recv().await?;
                self.socket.send(message).await?;
            }
            ZmqResult::Ok(())
        };
        self.runtime.block_on(run).map_err(sentence)
    }

    fn ask_run(
        &mut self,
        body: &[u8],
        window: u64,
        count: u64,
        mut back: impl FnMut(usize),
    ) -> Result<(), String> {
        let run = async {
            for _ in 0..window.min(count) {
                self.socket.send(message(body)).await?;
            }
            for number in 0..count {
                back(last(&self.socket.recv().await?).len());
                if number + window < count {
                    self.socket.send(message(body)).await?;
                }
            }
            ZmqResult::Ok(())
        };
        self.runtime.block_on(run).map_err(sentence)
    }

    fn close(self) -> Result<(), String> {
        let _inside = self.runtime.enter();
        drop(self.socket);
        Ok(())
    }
}

fn message(body: &[u8]) -> ZmqMessage {
    ZmqMessage::from(Bytes::copy_from_slice(body))
}

fn last(message: &ZmqMessage) -> &[u8] {
    message.len().checked_sub(1).and_then(|last| message.get(last)).map_or(&[], |part| part)
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}
