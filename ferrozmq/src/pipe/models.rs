//! Models of a wire pipe's roles: the real pipe over a real pair of sockets, driven by several threads in every order.
//!
//! The kernel is not modelled: its calls are made, each of them atomic, between two steps that loom interleaves. Loom
//! wants runs that repeat, so no model writes often enough to begin streaming, which is a matter of time.

use crate::pipe::codec::{Opener, Sealer};
use crate::pipe::errand::{Desk, Errand};
use crate::pipe::ledger::Ledger;
use crate::pipe::rx::Run;
use crate::pipe::signal::{Mailbox, Signal};
use crate::pipe::subscriptions::Subscriptions;
use crate::pipe::wire::{Fill, Halves, SHARE_FROM, Taken, WirePipe};
use crate::sync::Mutex;
use crate::sys::epoll::{Epoll, Events, Interest};
use crate::transport::Stream;
use bytes::BytesMut;
use ferrozmq_proto::mechanism::Entropy;
use ferrozmq_proto::zmtp::{Link, LinkConfig, framing};
use ferrozmq_proto::{Message, SocketType};
use loom::thread::{self, JoinHandle};
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// In words; the engine's frames are too large for loom's own stacks.
const STACK: usize = 0x8000;
const TOKEN: u64 = 77;

/// Explores `f`, whose threads are interrupted at most `preemptions` times, on a stack that is large enough.
pub(crate) fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(preemptions).min(preemptions));
    builder.max_branches = 20_000;
    let f = Arc::new(f);
    let runs = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = Arc::clone(&runs);
    builder.check(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let f = Arc::clone(&f);
        spawn(move || f()).join().expect("no panic");
    });
    println!("{} interleavings", runs.load(std::sync::atomic::Ordering::Relaxed));
}

pub(crate) fn spawn<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> JoinHandle<R> {
    thread::Builder::new().stack_size(STACK).spawn(f).expect("loom starts threads")
}

/// The two halves of a PULL's link with a PUSH (or the other way round), plain ZMTP 3.
pub(crate) fn shake_hands(kind: SocketType, peer: SocketType) -> (Opener, Sealer) {
    let now = crate::sys::clock::now();
    let mut near = Link::new(Arc::new(LinkConfig::new(kind)), now, Entropy::NONE);
    let mut far = Link::new(Arc::new(LinkConfig::new(peer)), now, Entropy::NONE);
    let mut wires = [BytesMut::new(), BytesMut::new()];
    while !near.is_ready() || !far.is_ready() {
        for (link, (inp, out)) in [(&mut near, (0, 1)), (&mut far, (1, 0))] {
            let mut bytes = Vec::new();
            link.handle_bytes(now, &mut wires[inp]).expect("a good peer");
            link.poll_transmit(&mut bytes);
            wires[out].extend_from_slice(&bytes);
        }
    }
    let (receiver, sender, _) = near.split().expect("ready");
    (Opener::Zmtp(Box::new(receiver)), Sealer::Zmtp(sender))
}

/// A pipe whose connection is up.
pub(crate) struct Scene {
    pub(crate) pipe: Arc<WirePipe>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) mailbox: Arc<Mailbox>,
    stream: Arc<Stream>,
    /// The peer's end.
    pub(crate) peer: Stream,
}

impl Scene {
    pub(crate) fn new(
        desk: Arc<Desk>,
        mailbox: Arc<Mailbox>,
        set: Arc<Epoll>,
        kinds: [SocketType; 2],
    ) -> Scene {
        let pipe = WirePipe::new(Arc::clone(&desk), Arc::clone(&mailbox), 1000, 1000, false);
        let (stream, peer) = Stream::pair();
        let stream = Arc::new(stream);
        desk.epoll().add(stream.as_ref().as_fd(), Interest::NONE.oneshot(), TOKEN).expect("watchable");
        let scene = Scene { pipe, desk, mailbox, stream, peer };
        scene.go_online(set, kinds);
        scene
    }

    fn alone() -> Scene {
        let (desk, mailbox) =
            (Arc::new(Desk::new().expect("descriptors")), Arc::new(Mailbox::new(Ledger::default())));
        let set = Arc::new(Epoll::new().expect("a descriptor"));
        Scene::new(desk, mailbox, set, [SocketType::Pair, SocketType::Pair])
    }

    fn go_online(&self, set: Arc<Epoll>, kinds: [SocketType; 2]) {
        let (opener, sealer) = shake_hands(kinds[0], kinds[1]);
        let stream = Arc::clone(&self.stream);
        let halves = Halves {
            stream,
            sealer,
            opener,
            surplus: BytesMut::new(),
            hello: None,
            origin: 1,
            token: TOKEN,
            set,
        };
        self.pipe.go_online(halves, &Mutex::new(Subscriptions::default()));
        self.mailbox.take();
    }

    /// Sends `body` as the peer.
    pub(crate) fn arrive(&self, bodies: &[&str]) {
        let mut wire = Vec::new();
        bodies.iter().for_each(|body| framing::encode_small(body.as_bytes(), false, &mut wire));
        assert_eq!(self.peer.send(&wire).expect("room"), wire.len());
    }

    /// Bytes that the peer can read now.
    fn received(&self) -> Vec<u8> {
        let (mut all, mut some) = (Vec::new(), [0; 65536]);
        while let Ok(got @ 1..) = self.peer.recv(&mut some) {
            all.extend_from_slice(&some[..got]);
        }
        all
    }

    /// Whether the I/O thread would hear that the kernel takes output again.
    fn hears_of_output(&self) -> bool {
        let mut events = Events::with_capacity(8);
        let _ = self.desk.epoll().wait(&mut events, Some(Duration::ZERO));
        events.iter().any(|event| event.token == TOKEN)
    }

    /// As an I/O thread that ends the connection; returns how many releases had been promised.
    fn end(&self) {
        loop {
            let released = self.desk.take().iter().any(|errand| matches!(errand, Errand::Released(TOKEN)));
            if released && self.pipe.go_offline() {
                return;
            }
            thread::yield_now();
        }
    }
}

fn push(scene: &Scene, body: &str) {
    let pushed = scene.pipe.push(&Message::from(body), None, SHARE_FROM);
    assert!(pushed.is_ok_and(|now| now), "the pace is direct");
    scene.pipe.flush_and_arm();
}

fn wire_form(bodies: &[&str]) -> Vec<u8> {
    let mut wire = Vec::new();
    bodies.iter().for_each(|body| framing::encode_small(body.as_bytes(), false, &mut wire));
    wire
}

/// Whoever finds the writer's role taken may go: the holder writes what was left.
#[test]
fn loom_role_of_the_writer_is_shared_by_two() {
    model(4, || {
        let scene = Arc::new(Scene::alone());
        let other = Arc::clone(&scene);
        let writer = spawn(move || push(&other, "a"));
        push(&scene, "b");
        writer.join().expect("no panic");
        let got = scene.received();
        assert!(got == wire_form(&["a", "b"]) || got == wire_form(&["b", "a"]), "{got:?}");
        assert!(scene.pipe.is_idle() && scene.pipe.queued() == 0);
    });
}

/// A message is with the kernel or in the queue when its connection has ended, and the promise of a
/// release is kept.
#[test]
fn loom_role_of_the_writer_is_given_up_on_demand() {
    model(4, || {
        let scene = Arc::new(Scene::alone());
        let other = Arc::clone(&scene);
        let writer = spawn(move || ["a", "b"].iter().for_each(|body| push_anyhow(&other, body)));
        if !scene.pipe.go_offline() {
            scene.end();
        }
        writer.join().expect("no panic");
        assert!(scene.pipe.go_offline(), "it stays offline");
        assert!(scene.desk.take().is_empty(), "a release that nobody was promised");
        let sent = match scene.received() {
            got if got.is_empty() => 0,
            got if got == wire_form(&["a"]) => 1,
            got if got == wire_form(&["a", "b"]) => 2,
            got => panic!("{got:?}"),
        };
        assert_eq!(scene.pipe.queued(), 2 - sent);
    });
}

fn push_anyhow(scene: &Scene, body: &str) {
    assert!(scene.pipe.push(&Message::from(body), None, SHARE_FROM).is_ok());
    scene.pipe.flush_and_arm();
}

/// After a writer met a full kernel, the I/O thread hears when there is room again, unless everything left.
#[test]
fn loom_role_of_the_writer_survives_a_full_kernel() {
    model(3, || {
        let scene = Arc::new(Scene::alone());
        rustix::net::sockopt::set_socket_send_buffer_size(scene.stream.as_ref(), 4096).expect("an option");
        let other = Arc::clone(&scene);
        let large = "x".repeat(9000);
        let body = large.clone();
        let writer = spawn(move || push_anyhow(&other, &body));
        push_anyhow(&scene, "b");
        let mut got = scene.received();
        scene.pipe.flush_and_arm();
        writer.join().expect("no panic");
        let mut long = Vec::new();
        let (header, len) = framing::header(large.len(), false);
        long.extend_from_slice(&header[..len]);
        long.extend_from_slice(large.as_bytes());
        let whole = [[long.clone(), wire_form(&["b"])].concat(), [wire_form(&["b"]), long].concat()];
        while got.len() < whole[0].len() {
            got.append(&mut scene.received());
            if got.len() < whole[0].len() {
                assert!(scene.hears_of_output(), "output waits and nobody is told");
                scene.pipe.output_ready();
            }
        }
        assert!(whole.contains(&got));
        assert!(scene.pipe.is_idle() && scene.pipe.queued() == 0);
    });
}

/// What was read before a connection ended is there to be taken, what was not is in the kernel.
#[test]
fn loom_role_of_the_reader_is_given_up_on_demand() {
    model(4, || {
        let scene = Arc::new(Scene::alone());
        scene.arrive(&["a", "b", "c"]);
        let other = Arc::clone(&scene);
        let reader = spawn(move || other.pipe.fill(false));
        scene.pipe.fill(true);
        if !scene.pipe.go_offline() {
            scene.end();
        }
        reader.join().expect("no panic");
        assert!(scene.pipe.go_offline(), "it stays offline");
        assert!(scene.desk.take().is_empty(), "a release that nobody was promised");
        let mut runs: VecDeque<Run> = VecDeque::new();
        scene.pipe.take(&mut runs);
        let got: Vec<u8> = runs.iter().flat_map(|run| run.bytes.to_vec()).collect();
        let mut rest = [0; 64];
        let left = scene.stream.recv(&mut rest).unwrap_or(0);
        assert_eq!([&got[..], &rest[..left]].concat(), wire_form(&["a", "b", "c"]));
    });
}

/// Both roles are taken away while both are held.
#[test]
fn loom_role_of_both_is_given_up_on_demand() {
    model(3, || {
        let scene = Arc::new(Scene::alone());
        scene.arrive(&["a"]);
        let (other, another) = (Arc::clone(&scene), Arc::clone(&scene));
        let reader = spawn(move || other.pipe.fill(false));
        let writer = spawn(move || push_anyhow(&another, "b"));
        if !scene.pipe.go_offline() {
            scene.end();
        }
        writer.join().expect("no panic");
        reader.join().expect("no panic");
        assert!(scene.pipe.go_offline(), "it stays offline");
        assert!(scene.desk.take().is_empty(), "a release that nobody was promised");
    });
}

/// Input that the I/O thread reads reaches a thread that was about to sleep without it.
#[test]
fn loom_role_of_the_reader_tells_the_socket() {
    model(4, || {
        let scene = Arc::new(Scene::alone());
        scene.arrive(&["a"]);
        let other = Arc::clone(&scene);
        let io = spawn(move || other.pipe.fill(true));
        let mut runs: VecDeque<Run> = VecDeque::new();
        while scene.pipe.take(&mut runs) == Taken::Nothing && scene.pipe.fill(false) != Fill::Messages {
            let ticket = scene.mailbox.waker().prepare();
            if scene.mailbox.pending() {
                scene.mailbox.waker().cancel(ticket);
            } else if scene.pipe.has_input() {
                scene.mailbox.waker().cancel(ticket);
            } else {
                scene.mailbox.waker().wait_futex(ticket, None);
            }
            let signals = scene.mailbox.take();
            assert!(signals.iter().all(|signal| matches!(signal, Signal::Readable(_))));
        }
        io.join().expect("no panic");
    });
}

/// The mailbox: whoever leaves a signal is seen, or wakes.
#[test]
fn loom_mailbox_loses_no_signal() {
    model(4, || {
        let mailbox = Arc::new(Mailbox::new(Ledger::default()));
        let posters: Vec<_> = (0..2)
            .map(|n| {
                let mailbox = Arc::clone(&mailbox);
                spawn(move || mailbox.post(Signal::Readable(n)))
            })
            .collect();
        let mut got = 0;
        while got < 2 {
            let ticket = mailbox.waker().prepare();
            if mailbox.pending() {
                mailbox.waker().cancel(ticket);
            } else {
                mailbox.waker().wait_futex(ticket, None);
            }
            got += mailbox.take().len();
        }
        posters.into_iter().for_each(|poster| poster.join().expect("no panic"));
        assert!(mailbox.take().is_empty());
    });
}
