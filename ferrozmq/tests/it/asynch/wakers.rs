//! Wakers that do what no executor is known to do, but may: they are called where no lock is held.

use super::{SOON, endpoints, number, numbered};
use ferrozmq::{Context, Message, Pull, Push};
use std::pin::{Pin, pin};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{self, Wake, Waker};
use std::time::Duration;

/// Uses the very sockets that woke it, and tells what it received.
struct Meddler {
    push: Push,
    pull: Pull,
    told: Sender<Option<Message>>,
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        for socket in [self.push.as_socket(), self.pull.as_socket()] {
            assert_eq!(socket.report().endpoints.len(), 1);
        }
        // Nobody listens any more to a wake-up that comes after the last message.
        let _ = self.told.send(self.pull.try_recv().ok());
    }
}

#[test]
fn a_waker_may_use_the_sockets_that_woke_it() {
    for endpoint in endpoints("meddler") {
        let context = Context::new();
        let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let (told, heard) = channel();
        let waker = Waker::from(Arc::new(Meddler { push: push.clone(), pull: pull.clone(), told }));
        let mut by_waker = 0;
        for n in 0..200 {
            let mut receiving = pin!(pull.recv_async());
            let mut poll = || receiving.as_mut().poll(&mut task::Context::from_waker(&waker));
            assert!(poll().is_pending());
            push.send(numbered(n)).unwrap();
            let message = loop {
                if let Some(message) = heard.recv_timeout(SOON).expect("it is woken, and comes back") {
                    by_waker += 1;
                    break message;
                }
                // It was woken for something else, and waits no longer.
                if let task::Poll::Ready(message) = poll() {
                    break message.unwrap();
                }
            };
            assert_eq!(number(&message), n);
        }
        assert!(by_waker > 0, "{endpoint}");
    }
}

/// An executor that drops its task, and with it the last handle of a socket, where another would poll it; and tells whether it did.
struct Dropper {
    task: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    told: Sender<bool>,
}

impl Dropper {
    fn take(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        self.task.lock().unwrap().take()
    }
}

impl Wake for Dropper {
    fn wake(self: Arc<Self>) {
        let dropped = self.take().is_some();
        let _ = self.told.send(dropped);
    }
}

#[test]
fn a_waker_may_drop_the_socket_that_woke_it() {
    for endpoint in endpoints("dropper") {
        let context = Context::new();
        let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
        push.as_socket().set_linger(Some(Duration::ZERO)).unwrap();
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let task = async move { while pull.recv_async().await.is_ok() {} };
        let (told, heard) = channel();
        let dropper = Arc::new(Dropper { task: Mutex::new(Some(Box::pin(task))), told });
        let waker = Waker::from(Arc::clone(&dropper));
        loop {
            // While it is polled here no waker finds it.
            if let Some(mut task) = dropper.take() {
                assert!(task.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
                *dropper.task.lock().unwrap() = Some(task);
            }
            // There may be no peer yet, or no longer.
            let _ = push.try_send("something");
            if heard.recv_timeout(SOON).expect("it is woken, and comes back") {
                break;
            }
        }
        assert_eq!(context.stats().sockets.len(), 1, "the one that sends");
    }
}
