//! The contender that is omq-tokio, through its blocking sockets, with all its defaults.

use ferrozmq_bench::{CANNOT, CLIENT_KEYS, Curve, Kind, Library, SERVER_KEYS, Setup, Socket};
use omq_tokio::{
    Context, CurveKeypair, CurvePublicKey, CurveSecretKey, Message, Options, SocketType, blocking, proxy,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    ferrozmq_bench::run::<Omq>()
}

struct Omq(Context);

struct OmqSocket(blocking::Socket);

impl Library for Omq {
    type Socket = OmqSocket;

    fn open(_sockets: usize) -> Result<Omq, String> {
        Ok(Omq(Context::new()))
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<OmqSocket, String> {
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
        if setup.backlog.is_some() || setup.no_mark {
            return Err(format!("{CANNOT} set the backlog that a crowd needs, or have no high-water mark"));
        }
        let mut options = Options { xpub_nodrop: setup.no_drop, ..Options::default() };
        options = match setup.curve {
            Some(Curve::Server) => options.curve_server(keys(SERVER_KEYS)?),
            Some(Curve::Client) => {
                let server = CurvePublicKey::from_z85(SERVER_KEYS[0]).map_err(sentence)?;
                options.curve_client(keys(CLIENT_KEYS)?, server)
            }
            None => options,
        };
        Ok(OmqSocket(self.0.blocking_socket(kind, options)))
    }

    fn proxy(&self, front: OmqSocket, back: OmqSocket) -> Result<(), String> {
        let (front, back) = (front.0.into_async(), back.0.into_async());
        self.0.block_on(async move { proxy::proxy(front, back, None).await }).map(|_| ()).map_err(sentence)
    }

    fn close(self) -> Result<(), String> {
        self.0.term();
        Ok(())
    }
}

fn keys([public, secret]: [&str; 2]) -> Result<CurveKeypair, String> {
    let public = CurvePublicKey::from_z85(public).map_err(sentence)?;
    let secret = CurveSecretKey::from_z85(secret).map_err(sentence)?;
    Ok(CurveKeypair { public, secret })
}

impl Socket for OmqSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        let place = self.0.bind(&*endpoint.replace('*', "0")).map_err(sentence)?;
        Ok(place.to_string())
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        self.0.connect(endpoint).map_err(sentence)
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        self.0.subscribe(topic.to_vec()).map_err(sentence)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.0.send(Message::from_slice(body)).map_err(sentence)
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        self.0.send(Message::multipart((0..parts).map(|_| body.to_vec()))).map_err(sentence)
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        let message = self.0.recv().map_err(sentence)?;
        let last = message.len().checked_sub(1).and_then(|last| message.part_slice(last));
        Ok(look(last.unwrap_or_default()))
    }

    fn echo(&mut self) -> Result<(), String> {
        let message = self.0.recv().map_err(sentence)?;
        self.0.send(message).map_err(sentence)
    }

    fn close(self) -> Result<(), String> {
        self.0.close().map_err(sentence)
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}
