//! The lease under strain: an application that comes and goes, and many peers that do not wait for it.
//!
//! Who reads a socket's connections changes hands at every absence longer than a tick, and races with what
//! arrives meanwhile. Each run rolls its own dice; `FERROZMQ_STRESS_SECONDS` says how long, a second by default.

use crate::ground::{SOON, number, numbered, wires};
use ferrozmq::{Context, ErrorKind, Events, Frame, Message, PollItem, Socket, SocketType, poll};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PEERS: usize = 8;
/// The longest absence, in microseconds: a few ticks.
const ABSENCE_US: u64 = 5000;
/// Requests that a peer has under way at most.
const WINDOW: u64 = 20;

fn strain() -> Duration {
    let seconds = std::env::var("FERROZMQ_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Random numbers (splitmix64), seeded by the clock; the seed is told if the test fails.
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = now.as_nanos() as u64;
        println!("seed {seed}");
        Dice(seed)
    }

    fn fork(&mut self) -> Dice {
        Dice(self.roll(u64::MAX))
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// Does something else for a while: mostly nothing, sometimes less than a tick, sometimes several.
    fn be_absent(&mut self) {
        let longest = match self.roll(20) {
            0 => ABSENCE_US,
            1..=3 => 1200,
            4..=6 => 50,
            _ => return,
        };
        // not settling: the absence is what is tested
        thread::sleep(Duration::from_micros(self.roll(longest)));
    }

    /// One of the ways to receive; `None` if nothing has come.
    fn receive(&mut self, socket: &Socket) -> Option<Message> {
        match self.roll(4) {
            0 => socket.try_recv().map_err(|error| assert_eq!(error.kind(), ErrorKind::WouldBlock)).ok(),
            1 => {
                let mut items = [PollItem::socket(socket, Events::READABLE)];
                assert_eq!(poll(&mut items, Some(SOON)).unwrap(), 1, "input that nobody tells of");
                Some(socket.try_recv().expect("poll said so"))
            }
            2 => {
                let tick = Duration::from_micros(self.roll(3000));
                socket
                    .recv_timeout(tick)
                    .map_err(|error| assert_eq!(error.kind(), ErrorKind::WouldBlock))
                    .ok()
            }
            _ => Some(socket.recv_timeout(SOON).expect("input that nobody reads")),
        }
    }
}

/// Sends bursts of numbered requests, and checks that the answers are all there and in order.
fn ask(mut dice: Dice, socket: Socket, stop: Arc<AtomicBool>) -> u64 {
    let (mut asked, mut answered) = (0, 0);
    loop {
        let stopping = stop.load(Ordering::Relaxed);
        if stopping && asked == answered {
            return asked;
        }
        if !stopping {
            for _ in 0..dice.roll(WINDOW + 1 - (asked - answered)) {
                socket.send(numbered(asked)).unwrap();
                asked += 1;
            }
        }
        dice.be_absent();
        while asked - answered > if stopping { 0 } else { dice.roll(WINDOW) } {
            if let Some(answer) = dice.receive(&socket) {
                assert_eq!(number(&answer), answered);
                answered += 1;
            }
        }
    }
}

/// Answers what comes; each peer's requests must be all there and in order. Empty messages end it, one per peer.
fn answer(mut dice: Dice, socket: &Socket) {
    let mut next = std::collections::HashMap::new();
    let mut left = PEERS;
    while left > 0 {
        let Some(request) = dice.receive(socket) else { continue };
        if request.last().is_empty() {
            left -= 1;
            continue;
        }
        let expected = next.entry(request[0].as_bytes().to_vec()).or_insert(0);
        assert_eq!(number(&request), *expected);
        *expected += 1;
        socket.send(request).unwrap();
        dice.be_absent();
    }
}

#[test]
fn nothing_is_lost_while_the_lease_changes_hands() {
    for endpoint in wires() {
        let mut dice = Dice::new();
        let context = Context::builder().io_threads(1 + dice.roll(2) as usize).build();
        let server = context.socket(SocketType::Router).unwrap();
        let endpoint = server.bind(&endpoint).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let peers: Vec<_> = (0..PEERS)
            .map(|_| {
                let socket = context.socket(SocketType::Dealer).unwrap();
                socket.connect(&endpoint).unwrap();
                let (dice, stop, clone) = (dice.fork(), Arc::clone(&stop), socket.clone());
                (socket, thread::spawn(move || ask(dice, clone, stop)))
            })
            .collect();
        let own = dice.fork();
        let answering = thread::spawn(move || answer(own, &server));
        let begin = Instant::now();
        while begin.elapsed() < strain() && !answering.is_finished() {
            thread::park_timeout(Duration::from_millis(50));
        }
        stop.store(true, Ordering::Relaxed);
        let mut total = 0;
        for (socket, peer) in peers {
            total += peer.join().unwrap();
            socket.send(Frame::new()).unwrap();
        }
        answering.join().unwrap();
        println!("{total} requests over {endpoint}");
    }
}

/// Several threads receive on one socket, block, look and go away; one sender feeds it now and then.
#[test]
fn nobody_sleeps_beside_a_message() {
    const THREADS: usize = 3;
    for endpoint in wires().into_iter().chain(["inproc://beside".to_owned()]) {
        let mut dice = Dice::new();
        let context = Context::new();
        let (pull, push) = crate::ground::join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let (found, finds) = std::sync::mpsc::channel();
        let receivers: Vec<_> = (0..THREADS)
            .map(|_| {
                let (mut dice, pull, found) = (dice.fork(), pull.clone(), found.clone());
                thread::spawn(move || {
                    loop {
                        let message = match dice.roll(3) {
                            0 => pull.try_recv().ok(),
                            // The sender may be waiting for what another thread has found.
                            _ => pull.recv_timeout(SOON).ok(),
                        };
                        match message {
                            Some(message) if message.last().is_empty() => return,
                            Some(message) => found.send(number(&message)).unwrap(),
                            None => dice.be_absent(),
                        }
                    }
                })
            })
            .collect();
        let begin = Instant::now();
        let mut sent = 0;
        while begin.elapsed() < strain() {
            let burst = 1 + dice.roll(4);
            (sent..sent + burst).for_each(|n| push.send(numbered(n)).unwrap());
            sent += burst;
            // Half a time-out: a message that waits for a time-out to be found is late.
            let mut seen: Vec<u64> = (0..burst).map(|_| finds.recv_timeout(SOON / 2).unwrap()).collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(sent - burst..sent));
            dice.be_absent();
        }
        (0..THREADS).for_each(|_| push.send("").unwrap());
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
        println!("{sent} messages over {endpoint}");
    }
}
