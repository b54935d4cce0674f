//! The contender that is this library through its asynchronous methods, on tokio's executor with one thread.

use ferrozmq::{Frame, Message};
use ferrozmq_bench::{Kind, Library, Setup, Socket};
use ferrozmq_bench_ours::{OurSocket, Ours, sentence};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    ferrozmq_bench::run::<OursAsync>()
}

struct OursAsync(Ours);

struct AsyncSocket {
    inner: OurSocket,
    executor: Executor,
}

/// A program's executor, one for each thread that has a socket.
#[derive(Clone)]
struct Executor {
    runtime: Arc<Runtime>,
    /// Messages come and go without waiting for each other.
    streams: bool,
}

impl Executor {
    /// What `.await` does in a task. Entering the executor costs ten times what a message does, and a task enters it only where it has
    /// to wait; so a stream's future is polled before.
    fn wait<F: Future + Unpin>(&self, mut future: F) -> F::Output {
        if self.streams
            && let Poll::Ready(output) = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
        self.runtime.block_on(future)
    }
}

impl Library for OursAsync {
    type Socket = AsyncSocket;

    fn open(sockets: usize) -> Result<OursAsync, String> {
        Ours::open(sockets).map(OursAsync)
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<AsyncSocket, String> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let streams = !matches!(kind, Kind::Req | Kind::Rep);
        let executor = Executor { runtime: Arc::new(runtime), streams };
        Ok(AsyncSocket { inner: self.0.socket(kind, setup)?, executor })
    }

    fn proxy(&self, front: AsyncSocket, back: AsyncSocket) -> Result<(), String> {
        self.0.proxy(front.inner, back.inner)
    }

    fn close(self) -> Result<(), String> {
        self.0.close()
    }
}

impl Socket for AsyncSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        self.inner.bind(endpoint)
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        self.inner.connect(endpoint)
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        self.inner.subscribe(topic)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        let sent = self.executor.wait(self.inner.socket.send_async(body));
        sent.map_err(|refused| sentence(refused.into()))
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        let message = Message::from_parts((0..parts).map(|_| Frame::from(body))).ok_or("no parts")?;
        let sent = self.executor.wait(self.inner.socket.send_async(message));
        sent.map_err(|refused| sentence(refused.into()))
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        let OurSocket { socket, message } = &mut self.inner;
        self.executor.wait(socket.recv_into_async(message)).map_err(sentence)?;
        Ok(look(Frame::as_bytes(message.last())))
    }

    fn echo(&mut self) -> Result<(), String> {
        let OurSocket { socket, message } = &mut self.inner;
        self.executor.wait(socket.recv_into_async(message)).map_err(sentence)?;
        let sent = self.executor.wait(socket.send_async(std::mem::take(message)));
        sent.map_err(|refused| sentence(refused.into()))
    }

    fn close(self) -> Result<(), String> {
        self.inner.close()
    }
}
