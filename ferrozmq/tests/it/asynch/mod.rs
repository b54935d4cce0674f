//! The asynchronous face, on several executors.

mod cancelled;
mod ends;
mod executors;
mod idle;
mod request;
mod shared;
mod streams;
mod wakers;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

/// No test here waits so long but for a wake-up that was lost.
pub const SOON: Duration = Duration::from_secs(30);

/// An endpoint to bind for each transport; `name` keeps inproc names apart.
pub fn endpoints(name: &str) -> [String; 3] {
    ["tcp://127.0.0.1:*".to_owned(), "ipc://*".to_owned(), format!("inproc://{name}")]
}

/// The least that an executor can be.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Tokio with one thread.
pub fn one_thread<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Tokio with several.
pub fn many_threads<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// A number as a message.
pub fn numbered(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// The number that a message is.
pub fn number(message: &ferrozmq::Message) -> u64 {
    u64::from_le_bytes(message.first().as_bytes().try_into().unwrap())
}
