//! Contexts that end, and sockets that are closed, while threads wait in them.

use crate::peer::{SOON, nobody};
use ferrozmq::{Context, ErrorKind, Events, PollItem, Pull, Push, Socket, SocketType, poll};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How soon every call must have returned.
const PROMPT: Duration = Duration::from_secs(5);

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn is_the_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Terminated | ErrorKind::Closed)
}

/// Calls `socket` in one of the ways that wait, until it ends.
fn work(socket: &Socket, way: u64) -> ErrorKind {
    loop {
        let error = match way {
            0 => socket.recv().map(drop).err(),
            1 => socket.send("message").map_err(ferrozmq::Error::from).err(),
            2 => poll(&mut [PollItem::socket(socket, Events::READABLE)], None).map(drop).err(),
            3 => socket.recv_timeout(Duration::from_millis(1)).map(drop).err(),
            4 => socket.wait_for_peers(1000, SOON).err(),
            _ => poll(&mut [PollItem::socket(socket, Events::WRITABLE | Events::READABLE)], None)
                .map(drop)
                .err(),
        };
        match error.map(|error| error.kind()) {
            None | Some(ErrorKind::WouldBlock | ErrorKind::WrongState | ErrorKind::NotSupported) => {
                // A poll for what is ready already would spin; that is as good a race as any.
                thread::yield_now();
            }
            Some(kind) if is_the_end(kind) => return kind,
            Some(kind) => panic!("{kind:?}"),
        }
    }
}

fn peer_of(kind: SocketType) -> SocketType {
    match kind {
        SocketType::Pull => SocketType::Push,
        SocketType::Push => SocketType::Pull,
        SocketType::Sub => SocketType::Pub,
        SocketType::Router => SocketType::Dealer,
        other => other,
    }
}

fn race(round: u64) {
    const KINDS: [SocketType; 6] = [
        SocketType::Pull,
        SocketType::Push,
        SocketType::Dealer,
        SocketType::Router,
        SocketType::Sub,
        SocketType::Pair,
    ];
    let mut random = Random(round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let context = Context::new();
    let kind = KINDS[random.below(KINDS.len() as u64) as usize];
    let socket = context.socket(kind).unwrap();
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let other = context.socket(peer_of(kind)).unwrap();
    other.set_linger(Some(Duration::ZERO)).unwrap();
    let endpoint = ["tcp://127.0.0.1:*", "inproc://race", "ipc://*"][random.below(3) as usize];
    let endpoint = socket.bind(endpoint).unwrap();
    if random.below(3) > 0 {
        other.connect(&endpoint).unwrap();
    }
    let threads = 1 + random.below(3);
    let (sender, ended) = mpsc::channel();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let (socket, sender, way) = (socket.clone(), sender.clone(), random.below(6));
            thread::spawn(move || sender.send((way, work(&socket, way))).unwrap_or_default())
        })
        .collect();
    for _ in 0..random.below(200) {
        thread::yield_now();
    }
    let start = Instant::now();
    let how = random.below(3);
    match how {
        0 => context.shutdown(),
        1 => socket.close(),
        _ => {
            let context = context.clone();
            thread::spawn(move || context.term());
        }
    }
    for _ in 0..threads {
        let told = ended.recv_timeout(PROMPT);
        assert!(
            told.is_ok(),
            "round {round}: {kind:?} at {endpoint}, ended by {how}: a call does not return"
        );
    }
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    drop((socket, other));
    context.term();
    assert!(start.elapsed() < PROMPT * 2, "round {round}");
}

#[test]
fn f12_every_wait_ends_with_the_context_or_the_socket() {
    (0..1500).for_each(race);
}

#[test]
fn f12_a_poll_of_two_sockets_survives_the_end_of_one() {
    let context = Context::new();
    for _ in 0..200 {
        let (stays, goes) = (Pull::new(&context).unwrap(), Pull::new(&context).unwrap());
        let endpoint = stays.bind("inproc://stays").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut items = [
                    PollItem::socket(stays.as_socket(), Events::READABLE),
                    PollItem::socket(goes.as_socket(), Events::READABLE),
                ];
                let error = poll(&mut items, None).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Closed);
            });
            goes.as_socket().close();
        });
        let push = Push::new(&context).unwrap();
        push.connect(&endpoint).unwrap();
        push.send("still here").unwrap();
        stays.recv_timeout(SOON).unwrap();
    }
}

#[test]
fn f12_term_waits_for_open_sockets_and_their_linger() {
    let context = Context::new();
    let push = Push::new(&context).unwrap();
    push.as_socket().set_linger(Some(Duration::from_millis(300))).unwrap();
    let (_socket, endpoint) = nobody();
    push.connect(&endpoint).unwrap();
    push.send("nobody wants it").unwrap();
    let start = Instant::now();
    drop(push);
    context.term();
    assert!(start.elapsed() >= Duration::from_millis(300), "after {:?}", start.elapsed());
    assert!(start.elapsed() < PROMPT);
    assert_eq!(context.socket(SocketType::Pair).unwrap_err().kind(), ErrorKind::Terminated);
}
