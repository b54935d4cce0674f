//! A thread whose ping-pong sleeps in the read itself, and then whatever else may happen to its socket: the connection is in no set any
//! more, and all who look there must find it back.

use crate::child::{child, run_child};
use crate::ground::{SOON, wires};
use ferrozmq::{Context, EventKind, Events, PollItem, Socket, SocketType, poll};
use std::thread::{self, JoinHandle};

/// Round trips until the connection is surely taken out: several times as many as are asked for.
const MANY: usize = 200;
/// More than the kernel takes at once.
const LONG: usize = 8 << 20;

/// Gives back what comes, of a long message its length, until an empty one comes.
fn echo(peer: Socket) -> JoinHandle<()> {
    thread::spawn(move || {
        loop {
            let message = peer.recv_timeout(SOON).unwrap();
            match message.last().len() {
                0 => return,
                LONG => peer.send(LONG.to_string()).unwrap(),
                _ => peer.send(message).unwrap(),
            }
        }
    })
}

/// A socket of which many waits in a row were answered, its peer, and where it is bound.
fn settled(context: &Context, endpoint: &str) -> (Socket, JoinHandle<()>, String) {
    let socket = context.socket(SocketType::Dealer).unwrap();
    socket.set_recv_timeout(Some(SOON)).unwrap();
    let endpoint = socket.bind(endpoint).unwrap();
    let peer = context.socket(SocketType::Dealer).unwrap();
    peer.connect(&endpoint).unwrap();
    let peer = echo(peer);
    ping_pong(&socket);
    (socket, peer, endpoint)
}

fn ping_pong(socket: &Socket) {
    for _ in 0..MANY {
        socket.send("ping").unwrap();
        assert_eq!(&socket.recv().unwrap()[0], "ping");
    }
}

#[test]
fn after_a_ping_pong_in_the_read_itself_everything_else_is_noticed() {
    if !child() {
        return run_child("doze::after_a_ping_pong_in_the_read_itself_everything_else_is_noticed");
    }
    // SAFETY: this process has no other thread yet.
    unsafe { std::env::set_var("FERROZMQ_SPIN_US", "0") };
    for endpoint in wires() {
        let context = Context::new();
        let (socket, peer, at) = settled(&context, &endpoint);

        socket.send("by poll").unwrap();
        assert_eq!(poll(&mut [PollItem::socket(&socket, Events::READABLE)], Some(SOON)).unwrap(), 1);
        assert_eq!(&socket.try_recv().unwrap()[0], "by poll");

        ping_pong(&socket);
        socket.send("by looking").unwrap();
        while !socket.events().unwrap().is_readable() {
            thread::yield_now();
        }
        assert_eq!(&socket.try_recv().unwrap()[0], "by looking");

        ping_pong(&socket);
        socket.send("as a future").unwrap();
        let message = futures_lite::future::block_on(socket.recv_async()).unwrap();
        assert_eq!(&message[0], "as a future");

        ping_pong(&socket);
        socket.send(vec![1; LONG]).unwrap();
        assert_eq!(
            &socket.recv().unwrap()[0],
            LONG.to_string().as_str(),
            "while the output waits for the kernel"
        );

        ping_pong(&socket);
        let newcomer = context.socket(SocketType::Dealer).unwrap();
        newcomer.connect(&at).unwrap();
        newcomer.send("from another peer").unwrap();
        assert_eq!(&socket.recv().unwrap()[0], "from another peer");
        (0..2).for_each(|_| socket.send("").unwrap()); // one to each of them
        peer.join().unwrap();
        drop((newcomer, socket));

        // The application goes away, and so does the peer.
        let (socket, peer, _) = settled(&context, &endpoint);
        let monitor = socket.monitor().unwrap();
        socket.send("").unwrap();
        peer.join().unwrap();
        assert_eq!(monitor.recv_timeout(SOON).unwrap().kind, EventKind::Disconnected, "{endpoint}");
        drop((socket, monitor));
        context.term();
    }
}
