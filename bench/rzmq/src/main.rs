//! The contender that is rzmq, with all its defaults.
//!
//! Its calls are futures: a run of them stays in the runtime, as it would in a program.

use ferrozmq_bench::{CANNOT, Kind, Library, Setup, Socket};
use rzmq::socket::options::{LAST_ENDPOINT, SUBSCRIBE, XPUB_NODROP};
use rzmq::{Context, Msg, MsgFlags, SocketType};
use std::process::ExitCode;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    ferrozmq_bench::run::<Rzmq>()
}

struct Rzmq {
    runtime: &'static Runtime,
    context: Context,
}

struct RzmqSocket {
    runtime: &'static Runtime,
    socket: rzmq::Socket,
}

impl Library for Rzmq {
    type Socket = RzmqSocket;

    fn open(_sockets: usize) -> Result<Rzmq, String> {
        let runtime = Box::leak(Box::new(Runtime::new().map_err(sentence)?));
        let _inside = runtime.enter();
        Ok(Rzmq { runtime, context: Context::new().map_err(sentence)? })
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<RzmqSocket, String> {
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
        if setup.curve.is_some() || setup.backlog.is_some() || setup.no_mark {
            return Err(format!("{CANNOT} set the keys, the backlog or the mark that this row needs"));
        }
        let _inside = self.runtime.enter();
        let socket =
            RzmqSocket { runtime: self.runtime, socket: self.context.socket(kind).map_err(sentence)? };
        if setup.no_drop {
            let yes = 1_i32.to_ne_bytes();
            let set = socket.socket.set_option_raw(XPUB_NODROP, &yes);
            socket.runtime.block_on(set).map_err(sentence)?;
        }
        Ok(socket)
    }

    fn proxy(&self, _front: RzmqSocket, _back: RzmqSocket) -> Result<(), String> {
        Err(format!("{CANNOT} be a proxy"))
    }

    fn close(self) -> Result<(), String> {
        self.runtime.block_on(self.context.term()).map_err(sentence)
    }
}

impl Socket for RzmqSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        self.runtime.block_on(async {
            self.socket.bind(&endpoint.replace('*', "0")).await.map_err(sentence)?;
            let place = self.socket.get_option(LAST_ENDPOINT).await.map_err(sentence)?;
            Ok(String::from_utf8_lossy(&place).trim_end_matches('\0').to_owned())
        })
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        self.runtime.block_on(self.socket.connect(endpoint)).map_err(sentence)
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        self.runtime.block_on(self.socket.set_option_raw(SUBSCRIBE, topic)).map_err(sentence)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.runtime.block_on(self.socket.send(Msg::from_vec(body.to_vec()))).map_err(sentence)
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        let part = |number| {
            let mut part = Msg::from_vec(body.to_vec());
            if number + 1 < parts {
                part.set_flags(MsgFlags::MORE);
            }
            part
        };
        self.runtime.block_on(self.socket.send_multipart((0..parts).map(part).collect())).map_err(sentence)
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        let parts = self.runtime.block_on(self.socket.recv_multipart()).map_err(sentence)?;
        Ok(look(last(&parts)))
    }

    fn echo(&mut self) -> Result<(), String> {
        self.echo_run(1)
    }

    fn send_run(&mut self, body: &[u8], count: u64) -> Result<(), String> {
        self.runtime
            .block_on(async {
                for _ in 0..count {
                    self.socket.send(Msg::from_vec(std::hint::black_box(body).to_vec())).await?;
                }
                Ok(())
            })
            .map_err(|error: rzmq::ZmqError| sentence(error))
    }

    fn recv_run(&mut self, count: u64, mut look: impl FnMut(&[u8])) -> Result<(), String> {
        self.runtime
            .block_on(async {
                for _ in 0..count {
                    look(last(&self.socket.recv_multipart().await?));
                }
                Ok(())
            })
            .map_err(|error: rzmq::ZmqError| sentence(error))
    }

    fn echo_run(&mut self, count: u64) -> Result<(), String> {
        self.runtime
            .block_on(async {
                for _ in 0..count {
                    let parts = self.socket.recv_multipart().await?;
                    self.socket.send_multipart(parts).await?;
                }
                Ok(())
            })
            .map_err(|error: rzmq::ZmqError| sentence(error))
    }

    fn ask_run(
        &mut self,
        body: &[u8],
        window: u64,
        count: u64,
        mut back: impl FnMut(usize),
    ) -> Result<(), String> {
        self.runtime
            .block_on(async {
                for _ in 0..window.min(count) {
                    self.socket.send(Msg::from_vec(body.to_vec())).await?;
                }
                for number in 0..count {
                    back(last(&self.socket.recv_multipart().await?).len());
                    if number + window < count {
                        self.socket.send(Msg::from_vec(body.to_vec())).await?;
                    }
                }
                Ok(())
            })
            .map_err(|error: rzmq::ZmqError| sentence(error))
    }

    fn close(self) -> Result<(), String> {
        self.runtime.block_on(self.socket.close()).map_err(sentence)
    }
}

fn last(parts: &[Msg]) -> &[u8] {
    parts.last().and_then(Msg::data).unwrap_or_default()
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}
