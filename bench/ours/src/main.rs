//! The contender that is this library, through its Rust API, with all its defaults.

use ferrozmq::{Context, Frame, Message, Socket, SocketType};
use ferrozmq_bench::{Contender, Job, Pattern};
use std::process::ExitCode;

fn main() -> ExitCode {
    ferrozmq_bench::run::<Ours>()
}

/// One context with one socket, and a place for what it receives.
struct Ours {
    context: Context,
    socket: Socket,
    message: Message,
}

impl Contender for Ours {
    fn open(job: &Job) -> Result<(Ours, String), String> {
        let kind = match job.mode.pattern() {
            Pattern::Req => SocketType::Req,
            Pattern::Rep => SocketType::Rep,
            Pattern::Push => SocketType::Push,
            Pattern::Pull => SocketType::Pull,
        };
        let context = Context::new();
        let socket = context.socket(kind).map_err(sentence)?;
        let endpoint = match job.mode.binds() {
            true => socket.bind(&job.endpoint).map_err(sentence)?,
            false => socket.connect(&job.endpoint).map(|()| job.endpoint.clone()).map_err(sentence)?,
        };
        Ok((Ours { context, socket, message: Message::new() }, endpoint))
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.socket.send(body).map_err(|refused| sentence(refused.into()))
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        self.socket.recv_into(&mut self.message).map_err(sentence)?;
        Ok(look(Frame::as_bytes(self.message.first())))
    }

    fn finish(self) -> Result<(), String> {
        drop(self.socket);
        self.context.term();
        Ok(())
    }
}

fn sentence(error: ferrozmq::Error) -> String {
    error.to_string()
}
