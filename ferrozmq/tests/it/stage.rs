//! A socket that is attacked while a peer of good will talks with it throughout.

use crate::child::{child, run_child};
use crate::peer::{SOON, resident_bytes};
use ferrozmq::{Context, Monitor, Pull, Push};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A time for handshakes much shorter than [`SOON`], so that a deadline that is not kept shows.
pub const HANDSHAKE: Duration = Duration::from_millis(300);
/// What an allocator may keep, and the good peer's messages cost.
pub const NOISE: usize = 24 << 20;

/// Whether this process does nothing but the test `name`, so that its memory is that of the test; else runs it in one that does.
pub fn alone(name: &str) -> bool {
    if !child() {
        run_child(name);
    }
    child()
}

/// What has come to this process since it had so many bytes is what noise may cost.
pub fn no_more_than_noise(before: usize) {
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < NOISE, "{} MiB more", grown >> 20);
}

/// A PULL that is attacked, and a PUSH of good will that sends numbered messages throughout.
pub struct Stage {
    context: Context,
    pub endpoint: String,
    pub monitor: Monitor,
    stop: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
    before: usize,
}

impl Stage {
    /// Peers have time enough for their handshakes, whatever else the machine does.
    pub fn new(prepare: impl FnOnce(&Pull)) -> Stage {
        let context = Context::new();
        let pull = Pull::new(&context).unwrap();
        pull.as_socket().set_handshake_interval(Some(SOON)).unwrap();
        prepare(&pull);
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        let monitor = pull.as_socket().monitor().unwrap();
        let push = Push::new(&context).unwrap();
        push.connect(&endpoint).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let received = Arc::new(AtomicU64::new(0));
        let (stop_sending, count) = (Arc::clone(&stop), Arc::clone(&received));
        let sender = std::thread::spawn(move || {
            let mut n = 0_u64;
            while !stop_sending.load(Ordering::Relaxed) {
                push.send(format!("good {n}")).unwrap();
                n += 1;
                // A conversation, not a flood: there are two processors.
                std::thread::yield_now();
            }
            push.send("good end").unwrap();
        });
        let receiver = std::thread::spawn(move || {
            loop {
                let message = pull.recv_timeout(SOON).expect("the good peer talks on");
                let n = count.load(Ordering::Relaxed);
                match message.first().as_bytes().strip_prefix(b"good ") {
                    Some(b"end") => break,
                    Some(number) => assert_eq!(number, n.to_string().as_bytes()),
                    None => continue,
                }
                count.store(n + 1, Ordering::Relaxed);
            }
        });
        let stage = Stage {
            context,
            endpoint,
            monitor,
            stop,
            received,
            threads: vec![sender, receiver],
            before: resident_bytes(),
        };
        stage.good_peer_talks();
        stage
    }

    /// One in which handshakes end soon.
    pub fn brief() -> Stage {
        Stage::new(|pull| pull.as_socket().set_handshake_interval(Some(HANDSHAKE)).unwrap())
    }

    /// Waits until more of the good peer's messages have come.
    pub fn good_peer_talks(&self) {
        let seen = self.received.load(Ordering::Relaxed);
        let start = std::time::Instant::now();
        while self.received.load(Ordering::Relaxed) < seen + 10 {
            assert!(start.elapsed() < SOON, "the good peer is not heard any more");
            std::thread::yield_now();
        }
    }

    /// The good peer is unharmed, memory is bounded (where it can be told from that of other tests), everything ends.
    pub fn end(self) {
        self.good_peer_talks();
        if child() {
            no_more_than_noise(self.before);
        }
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.context.term();
    }
}
