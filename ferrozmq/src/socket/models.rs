//! Models of whole sockets: the real engine, with threads that send, receive and look in every order.
//!
//! Nothing is copied from the engine here. Inproc sockets are used through their public methods. For a connection the
//! model brings a pair of kernel sockets and plays the I/O thread's part, a dozen lines, itself; a real I/O thread has
//! no end, and its handshakes would be most of what loom explores. A thread that sleeps for ever with a message there
//! fails the model (see [`crate::sync::poll`]).

use super::Socket;
use crate::io::lease::Lease;
use crate::pipe::errand::Desk;
use crate::pipe::models::{Scene, model, spawn};
use crate::pipe::signal::Signal;
use crate::sys::epoll::{Epoll, Events};
use crate::tasks::models::TestTask;
use crate::tasks::{self, Place};
use crate::{Context, Message, SocketType};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

fn inproc_pair(mark: u32) -> (Context, Socket, Socket) {
    let context = Context::builder().io_threads(0).build();
    let (push, pull) = (context.socket(SocketType::Push).unwrap(), context.socket(SocketType::Pull).unwrap());
    for socket in [&push, &pull] {
        socket.set_sndhwm(mark).unwrap();
        socket.set_rcvhwm(mark).unwrap();
    }
    pull.bind("inproc://a").unwrap();
    push.connect("inproc://a").unwrap();
    (context, push, pull)
}

fn receive(socket: &Socket, count: usize) -> impl FnOnce() + Send + 'static {
    let socket = socket.clone();
    move || (0..count).for_each(|_| drop(socket.recv().unwrap()))
}

fn send(socket: &Socket, count: usize) -> impl FnOnce() + Send + 'static {
    let socket = socket.clone();
    move || (0..count).for_each(|n| socket.send([n as u8].as_slice()).unwrap())
}

/// The words `starving` and `stalled`, with the ring, at the smallest mark.
#[test]
fn loom_socket_inproc_sleeps_at_both_ends() {
    model(2, || {
        let (_context, push, pull) = inproc_pair(1);
        let sender = spawn(send(&push, 3));
        receive(&pull, 3)();
        sender.join().unwrap();
    });
}

#[test]
fn loom_socket_inproc_connects_before_its_peer_binds() {
    model(3, || {
        let context = Context::builder().io_threads(0).build();
        let (push, pull) =
            (context.socket(SocketType::Push).unwrap(), context.socket(SocketType::Pull).unwrap());
        push.connect("inproc://a").unwrap();
        let sender = spawn(send(&push, 2));
        pull.bind("inproc://a").unwrap();
        receive(&pull, 2)();
        sender.join().unwrap();
    });
}

/// One leads, one follows; each must get its share.
#[test]
fn loom_socket_two_receivers_share_what_comes() {
    model(2, || {
        let (_context, push, pull) = inproc_pair(1000);
        let receivers = [spawn(receive(&pull, 1)), spawn(receive(&pull, 2))];
        send(&push, 3)();
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    });
}

/// As [`receive`], by futures.
fn receive_async(socket: &Socket, count: usize) -> impl FnOnce() + Send + 'static {
    let socket = socket.clone();
    move || {
        for _ in 0..count {
            let (mut place, mut message) = (Place::default(), Message::new());
            let receive = poll_fn(|cx| socket.state().poll_recv(&mut message, &mut place, cx));
            TestTask::block_on(receive).unwrap();
        }
    }
}

fn send_async(socket: &Socket, count: usize) -> impl FnOnce() + Send + 'static {
    let socket = socket.clone();
    move || {
        for n in 0..count {
            let (mut place, mut message) = (Place::default(), Message::from(vec![n as u8]));
            TestTask::block_on(poll_fn(|cx| socket.state().poll_send(&mut message, &mut place, cx))).unwrap();
        }
    }
}

#[test]
fn loom_socket_futures_wait_at_both_ends() {
    model(2, || {
        let (_context, push, pull) = inproc_pair(1);
        let sender = spawn(send_async(&push, 2));
        receive_async(&pull, 2)();
        sender.join().unwrap();
    });
}

/// A thread and a future; each must get its share.
#[test]
fn loom_socket_a_thread_and_a_future_share_what_comes() {
    model(2, || {
        let (_context, push, pull) = inproc_pair(1000);
        let receivers = [spawn(receive(&pull, 1)), spawn(receive_async(&pull, 1))];
        send(&push, 2)();
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    });
}

/// One future is polled once and dropped; the other must get the message.
#[test]
fn loom_socket_a_dropped_future_takes_nothing_along() {
    model(2, || {
        let (_context, push, pull) = inproc_pair(1000);
        let receiver = spawn(receive_async(&pull, 1));
        let sender = spawn(send(&push, 2));
        let (mut place, mut message) = (Place::default(), Message::new());
        let once = poll_fn(|cx| Poll::Ready(pull.state().poll_recv(&mut message, &mut place, cx)));
        let got = TestTask::block_on(once).is_ready();
        pull.state().stop_waiting(&mut place);
        if !got {
            receive_async(&pull, 1)();
        }
        receiver.join().unwrap();
        sender.join().unwrap();
    });
}

/// A socket with one connection, whose I/O thread is played by the model.
struct Wired {
    socket: Socket,
    scene: Scene,
    set: Arc<Epoll>,
    lease: Arc<Lease>,
    _context: Context,
}

impl Wired {
    fn new(kinds: [SocketType; 2]) -> Arc<Wired> {
        let context = Context::builder().io_threads(0).build();
        let socket = context.socket(kinds[0]).unwrap();
        let desk = Arc::new(Desk::new().unwrap());
        let lease = Arc::clone(&socket.state().lease);
        let (set, _) = lease.set(&desk, || 5).unwrap();
        let mailbox = Arc::clone(&socket.state().mailbox);
        let scene = Scene::new(desk, mailbox, Arc::clone(&set), kinds);
        let pipe = Arc::clone(&scene.pipe);
        scene.mailbox.post(Signal::Attach { pipe, routing_id: None, dialed: false });
        Arc::new(Wired { socket, scene, set, lease, _context: context })
    }

    /// One round of an I/O thread: what its set tells, and a tick if one is due.
    fn io_round(&self) {
        let mut events = Events::with_capacity(8);
        let _ = self.scene.desk.epoll().wait(&mut events, Some(Duration::ZERO));
        let input = events.iter().any(|event| event.token == 5);
        if input && !self.lease.is_held() {
            let _ = self.set.wait(&mut events, Some(Duration::ZERO));
            for _ in events.iter() {
                let _ = self.scene.pipe.fill(true);
            }
        }
        tasks::run_due();
        self.lease.ticker().tick_if_due();
    }
}

impl Drop for Wired {
    fn drop(&mut self) {
        // A leased socket and its ticker hold on to each other until the I/O thread ends.
        self.lease.ticker().retire();
    }
}

fn io_rounds(wired: &Arc<Wired>, count: usize) -> impl FnOnce() + Send + 'static {
    let wired = Arc::clone(wired);
    move || {
        for _ in 0..count {
            wired.io_round();
            loom::thread::yield_now();
        }
    }
}

/// Input comes to a thread that waits while the lease goes back and forth.
#[test]
fn loom_socket_leased_input_arrives() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let io = spawn(io_rounds(&wired, 2));
        let receiver = spawn(receive(&wired.socket, 2));
        wired.scene.arrive(&["a"]);
        loom::thread::yield_now();
        wired.scene.arrive(&["b"]);
        receiver.join().unwrap();
        io.join().unwrap();
    });
}

/// One thread waits, another looks now and then, and may bring in more than it takes.
#[test]
fn loom_socket_looking_leaves_no_message_to_a_sleeper() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let receiver = spawn(receive(&wired.socket, 1));
        wired.scene.arrive(&["a", "b"]);
        let _ = wired.socket.try_recv();
        receiver.join().unwrap();
    });
}

/// The same, where looking takes nothing.
#[test]
fn loom_socket_polling_leaves_no_message_to_a_sleeper() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let receiver = spawn(receive(&wired.socket, 1));
        wired.scene.arrive(&["a"]);
        let _ = wired.socket.events();
        receiver.join().unwrap();
    });
}

/// Two threads wait for one connection's input.
#[test]
fn loom_socket_two_receivers_share_a_connection() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let receivers = [spawn(receive(&wired.socket, 1)), spawn(receive(&wired.socket, 1))];
        wired.scene.arrive(&["a", "b"]);
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    });
}

/// A future takes no lease: what comes, the I/O thread reads, and wakes it.
#[test]
fn loom_socket_input_wakes_a_future() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let receiver = spawn(receive_async(&wired.socket, 1));
        wired.scene.arrive(&["a"]);
        wired.io_round();
        receiver.join().unwrap();
    });
}

/// A thread that waits has the lease, and may bring in what a future waits for.
#[test]
fn loom_socket_a_thread_and_a_future_share_a_connection() {
    model(2, || {
        let wired = Wired::new([SocketType::Pull, SocketType::Push]);
        let receivers = [spawn(receive(&wired.socket, 1)), spawn(receive_async(&wired.socket, 1))];
        wired.scene.arrive(&["a", "b"]);
        wired.io_round();
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    });
}
