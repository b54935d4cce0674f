//! A pipe between random hands: pushed, flushed, cut and joined again, against a model that counts.
//!
//! The peer is the other end of a socket pair, and sees every byte that the pipe gave to the kernel, whenever it likes. So the model
//! is exact: after each step, messages queued are those whose last byte is not there yet; sent, queued and dropped are as many as
//! were pushed; and over all connections together the peer has each message once, whole, and in order.

use crate::pipe::broadcast::{Broadcast, Gathered};
use crate::pipe::codec::{Opener, Sealer};
use crate::pipe::errand::{Desk, Errand};
use crate::pipe::ledger::Ledger;
use crate::pipe::pace::Beat;
use crate::pipe::rx::Run;
use crate::pipe::signal::{Mailbox, Signal};
use crate::pipe::stragglers::{self, Straggler};
use crate::pipe::subscriptions::Subscriptions;
use crate::pipe::wire::{Fill, Flush, Halves, Handed, Taken, WirePipe};
use crate::sync::Mutex;
use crate::sys::epoll::{Epoll, Events};
use crate::transport::Stream;
use bytes::BytesMut;
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::mechanism::Entropy;
use ferrozmq_proto::zmtp::framing::{Cursor, Header, encode, parse_header};
use ferrozmq_proto::zmtp::{Command, Link, LinkConfig, metadata};
use ferrozmq_proto::{Frame, Message, SocketType};
use proptest::prelude::*;
use rustix::net::RecvFlags;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bodies from this length on are kept by reference, so that both ways are walked.
const SHARE_FROM: usize = 1000;
/// The kernel's buffer in bytes, before it doubles it: as small as it gets.
const BUFFER: usize = 4608;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zmtp {
    V1,
    V2,
    V31,
}

/// The desk has no I/O thread: nobody else would write it.
#[test]
fn what_a_thread_leaves_in_a_pipe_is_written_before_it_blocks_elsewhere() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    for round in 0..3 {
        model.pipe.outrun();
        assert!(model.pipe.push(&Message::from("left"), None, SHARE_FROM).is_ok_and(|now| !now), "{round}");
        assert!(!model.pipe.is_idle());
        std::thread::spawn(stragglers::flush).join().unwrap();
        assert!(!model.pipe.is_idle(), "it is another thread's matter");
        stragglers::flush();
        assert!(model.pipe.is_idle());
        if round == 1 {
            // The backstop has looked, found nothing, and forgotten the pipe; the thread may forget it, too.
            let _ = model.pipe.flush_straggler();
            let _ = model.pipe.flush_straggler();
            stragglers::flush();
        }
    }
}

/// The desk has no I/O thread: the test is the backstop.
#[test]
fn what_gathers_for_several_pipes_is_written_though_its_sender_never_comes_back() {
    for by_backstop in [true, false] {
        let mut models = [Model::new(), Model::new(), Model::new()];
        models.iter_mut().take(2).for_each(|model| model.go_online(Zmtp::V31));
        let pipes = models.iter().map(|model| Arc::clone(&model.pipe)).collect();
        let broadcast = Broadcast::new(pipes, Duration::from_millis(1)).expect("there are pipes");
        let desk = Arc::clone(&models[0].desk);
        for _ in 0..2 {
            assert_eq!(broadcast.append(b"left"), Gathered::Queued);
        }
        models[1].pipe.close(Dropped::Disconnected);
        assert!(models.iter().all(|model| model.pipe.queued() == 0));
        if by_backstop {
            let [left] = &desk.take_backstops()[..] else { panic!("it is known once") };
            // The first look starts the clock of what nobody has looked at.
            while left.flush_straggler() {}
        } else {
            stragglers::flush();
        }
        assert_eq!(models[0].pipe.books().left, 2);
        assert_eq!(models[1].pipe.books().dropped.disconnected, 2);
        assert_eq!(models[2].pipe.queued(), 2, "it waits for its connection");
        assert_eq!(broadcast.append(b"late"), Gathered::Refused, "its sender pauses");
    }
}

#[test]
fn a_write_is_left_to_the_io_thread_once_unless_its_sender_outruns_the_kernel() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    let pausing = Beat { eager: false, patience: Duration::ZERO };
    for _ in 0..2 {
        assert!(model.pipe.push(&Message::from("one"), None, SHARE_FROM).is_ok_and(|now| now));
        let Handed::Waking(desk) = model.pipe.hand_over(pausing) else { panic!("nobody was told before") };
        assert!(model.pipe.push(&Message::from("two"), None, SHARE_FROM).is_ok_and(|now| now));
        assert!(matches!(model.pipe.hand_over(pausing), Handed::Over), "it is known already");
        assert!(!model.pipe.is_idle());
        let left = desk.take_handed_over();
        assert_eq!(left.len(), 1);
        left.iter().for_each(|pipe| pipe.flush_handed_over());
        assert!(model.pipe.is_idle());
    }
    model.pipe.outrun();
    assert!(matches!(model.pipe.hand_over(pausing), Handed::Back));
}

/// The desk has no I/O thread: the test runs its errands.
#[test]
fn a_connection_taken_out_of_its_sets_comes_back_and_hears_of_output_meanwhile() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    let desk = Arc::clone(&model.desk);
    let told = |set: &Epoll| {
        let mut events = Events::with_capacity(4);
        set.wait(&mut events, Some(Duration::ZERO)).unwrap()
    };
    assert!(model.pipe.unwatch());
    assert!(!model.pipe.unwatch(), "it is out already");
    model.peer_sends(5, 0);
    assert_eq!(told(&model.set), 0);
    let body = vec![0; 100_000];
    assert!(model.pipe.push(&Message::from(body), None, SHARE_FROM).is_ok_and(|now| now));
    assert_eq!(model.pipe.flush_and_arm(), Flush::Blocked);
    assert!(matches!(desk.take()[..], [Errand::Unwatched(1)]));
    model.pipe.watch_output();
    assert_eq!(told(desk.epoll()), 0, "the peer has not read");
    let peer = model.peer.as_mut().unwrap();
    let mut room = vec![0; 100_000];
    while peer.stream.read(&mut room).is_ok_and(|got| got > 0) {}
    assert_eq!(told(desk.epoll()), 1, "the kernel takes output");
    model.pipe.output_ready();
    model.pipe.watch();
    assert_eq!(told(&model.set), 1, "there is input");
    assert!(matches!(desk.take()[..], [Errand::Unwatched(1), ..]));
    assert!(model.pipe.unwatch());
    model.pipe.discard_input(Discarded::Closed);
    assert_eq!(told(&model.set), 1, "what nobody will read is watched");
}

/// Where nobody else reads, a socket that has taken something will hear of what comes next without having looked in vain.
#[test]
fn a_pipe_that_is_known_to_be_dry_tells_when_something_comes() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    let comes = |model: &mut Model| {
        let _ = model.mailbox.take();
        model.peer_sends(5, usize::MAX);
        let told = model.mailbox.take().into_iter();
        told.filter(|signal| matches!(signal, Signal::Readable(_))).count()
    };
    let mut taken = VecDeque::new();
    model.pipe.set_hwm(0, 100);
    assert_eq!(comes(&mut model), 1);
    assert!(model.pipe.unwatch());
    for _ in 0..2 {
        assert_eq!(model.pipe.take(&mut taken), Taken::Messages);
        assert_eq!(comes(&mut model), 1, "it is not watched, and was found empty in no other way");
    }
    model.pipe.watch();
    assert_eq!(model.pipe.take(&mut taken), Taken::Messages);
    assert_eq!(comes(&mut model), 0, "it is watched, and nobody has looked in vain");
    assert_eq!(model.pipe.take(&mut taken), Taken::Messages);
    assert_eq!(model.pipe.take(&mut taken), Taken::Nothing);
    assert_eq!(comes(&mut model), 1);
    assert_eq!(model.pipe.take(&mut taken), Taken::Messages);
    assert_eq!(taken.len(), 5);
}

/// Reading stops for a reason other than new messages, where the socket is not bound to look again before some come.
#[test]
fn a_dry_pipe_reads_on_when_its_socket_has_consumed_what_it_took() {
    let mut model = Model::new();
    model.pipe.set_hwm(0, 100);
    model.go_online(Zmtp::V31);
    assert!(model.pipe.unwatch());
    let mut taken = VecDeque::new();
    model.peer_sends(5, usize::MAX);
    assert_eq!(model.pipe.take(&mut taken), Taken::Messages);
    // Under the new mark it has all it may have, as far as the pipe knows.
    model.pipe.set_hwm(0, 1);
    assert_eq!(model.pipe.take(&mut taken), Taken::Nothing);
    model.peer_sends(5, usize::MAX);
    assert_eq!(model.pipe.doze().unwrap(), Fill::Nothing);
    assert_eq!(model.pipe.take(&mut taken), Taken::Nothing, "from now on it knows better");
    assert_eq!(model.pipe.doze().unwrap(), Fill::Messages);
    assert_ne!(model.pipe.take(&mut taken), Taken::Nothing);
}

#[test]
fn what_came_behind_a_handshake_is_read_when_there_is_room() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    (0..5).for_each(|_| model.peer_sends(5, usize::MAX));
    assert!(model.pipe.go_offline());
    model.go_online_with(Zmtp::V31, &Zmtp::V31.frame(b"at once"));
    let (mut taken, mut messages) = (VecDeque::new(), 0);
    for _ in 0..3 {
        if model.pipe.take(&mut taken) == Taken::AtTheMark {
            model.pipe.consumed();
        }
        messages += taken.drain(..).map(|run| run.count).sum::<usize>();
    }
    assert_eq!(messages, 6);
}

/// What may happen to a pipe.
#[derive(Clone, Debug)]
enum Step {
    /// A message with parts of these lengths, if there is room.
    Push(Vec<usize>),
    /// A message of one part of this length that passes through if it may, from a sender with so many microseconds.
    Pass(usize, u64),
    /// Messages of one part that gather for several pipes, of which this is one.
    Gather(Vec<usize>),
    Flush,
    /// The backstop looks, or the kernel says that it takes output again.
    Straggler,
    OutputReady,
    Ping,
    /// The peer reads so many bytes, or what there is.
    Read(usize),
    Online(Zmtp),
    Offline,
    Hwm(usize, usize),
    /// The peer sends a message of so many bytes, the wire cut in two there.
    Receive(usize, usize),
    Fill,
    Take,
    /// The connection is taken out of its sets, or put back.
    Unwatch,
    Watch,
}

fn step() -> impl Strategy<Value = Step> {
    let length =
        prop_oneof![4 => 0..20_usize, 2 => 250..260_usize, 2 => 990..1100_usize, 1 => 3000..20_000_usize];
    let version = prop_oneof![2 => Just(Zmtp::V31), 1 => Just(Zmtp::V2), 1 => Just(Zmtp::V1)];
    prop_oneof![
        12 => proptest::collection::vec(length.clone(), 1..4).prop_map(Step::Push),
        4 => (length.clone(), 0..3_u64).prop_map(|(length, patience)| Step::Pass(length, 20 * patience)),
        3 => proptest::collection::vec(length.clone(), 1..8).prop_map(Step::Gather),
        4 => Just(Step::Flush),
        1 => Just(Step::Straggler),
        2 => Just(Step::OutputReady),
        1 => Just(Step::Ping),
        5 => (0..9000_usize).prop_map(Step::Read),
        4 => version.prop_map(Step::Online),
        2 => Just(Step::Offline),
        1 => (0..8_usize, 0..8_usize).prop_map(|(send, receive)| Step::Hwm(send, receive)),
        3 => (length, 0..3000_usize).prop_map(|(length, cut)| Step::Receive(length, cut)),
        3 => Just(Step::Fill),
        2 => Just(Step::Take),
        1 => Just(Step::Unwatch),
        1 => Just(Step::Watch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pipe_counts_and_keeps_its_messages_whatever_happens(steps in proptest::collection::vec(step(), 1..150)) {
        let mut model = Model::new();
        for step in &steps {
            model.act(step);
            model.check();
        }
        model.finish();
    }

    #[test]
    fn a_closed_pipe_takes_nothing_and_has_nothing(
        steps in proptest::collection::vec(step(), 1..60),
        later in proptest::collection::vec(step(), 1..30),
    ) {
        let mut model = Model::new();
        steps.iter().for_each(|step| model.act(step));
        let waiting = model.unsent();
        model.pipe.close(Dropped::Disconnected);
        prop_assert_eq!(model.pipe.books().dropped.disconnected, waiting as u64);
        prop_assert!(model.pipe.push(&Message::from("late"), None, SHARE_FROM).is_err());
        model.pushed.truncate(model.pushed.len() - waiting);
        for step in later {
            // The end of a message that was dropped half-written may still arrive; then the connection is over.
            if !matches!(step, Step::Push(_) | Step::Pass(..) | Step::Flush | Step::Offline) {
                model.act(&step);
            }
            prop_assert_eq!((model.pipe.queued(), model.pipe.room()), (0, 0));
        }
        model.pipe.close(Dropped::Disconnected);
        prop_assert_eq!(model.pipe.books().dropped.disconnected, waiting as u64);
    }
}

/// The kernel gives what came before it tells of the reset.
#[test]
fn what_a_peer_sent_before_it_closed_with_our_output_unread_is_not_lost() {
    let mut model = Model::new();
    model.go_online(Zmtp::V31);
    model.push(&[10]);
    let mut peer = model.peer.take().expect("it is online");
    peer.stream.write_all(&peer.zmtp.frame(b"last words")).unwrap();
    drop(peer);
    assert_eq!(model.pipe.fill(true), Fill::Messages);
    assert_ne!(model.pipe.take(&mut model.taken), Taken::Nothing);
    assert_eq!(model.taken.iter().map(|run| run.count).sum::<usize>(), 1);
    assert_eq!(model.pipe.fill(true), Fill::Ended);
}

/// The pipe, its peer, and what must be true.
struct Model {
    desk: Arc<Desk>,
    mailbox: Arc<Mailbox>,
    set: Arc<Epoll>,
    pipe: Arc<WirePipe>,
    subscriptions: Mutex<Subscriptions>,
    hwm: usize,
    pushed: Vec<Message>,
    /// Messages that the peers of earlier connections got.
    delivered: usize,
    peer: Option<Peer>,
    connections: usize,
    taken: VecDeque<Run>,
}

/// The other end of the present connection.
struct Peer {
    stream: UnixStream,
    zmtp: Zmtp,
    /// What it has read.
    read: Vec<u8>,
    /// Messages it has sent, and what the socket has received of them.
    sent: usize,
    received: usize,
    number: usize,
}

impl Model {
    fn new() -> Model {
        let desk = Arc::new(Desk::new().unwrap());
        let mailbox = Arc::new(Mailbox::new(Ledger::default()));
        let pipe = WirePipe::new(Arc::clone(&desk), Arc::clone(&mailbox), 5, 5, false);
        Model {
            desk,
            mailbox,
            set: Arc::new(Epoll::new().unwrap()),
            pipe,
            subscriptions: Mutex::new(Subscriptions::default()),
            hwm: 5,
            pushed: Vec::new(),
            delivered: 0,
            peer: None,
            connections: 0,
            taken: VecDeque::new(),
        }
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Push(lengths) => self.push(lengths),
            Step::Pass(length, patience) => self.pass(*length, Duration::from_micros(*patience)),
            Step::Gather(lengths) => self.gather(lengths),
            Step::Flush => self.flush(),
            Step::Straggler => drop(self.pipe.flush_straggler()),
            Step::OutputReady => self.pipe.output_ready(),
            Step::Ping => {
                if self.peer.as_ref().is_some_and(|peer| peer.zmtp == Zmtp::V31) {
                    self.pipe.ping(Duration::from_secs(1));
                }
            }
            Step::Read(most) => {
                if let Some(peer) = &mut self.peer {
                    let mut room = vec![0; *most];
                    let got = peer.stream.read(&mut room).unwrap_or(0);
                    peer.read.extend_from_slice(&room[..got]);
                }
            }
            Step::Online(zmtp) if self.peer.is_none() => self.go_online(*zmtp),
            Step::Online(_) => {}
            Step::Offline => self.go_offline(),
            Step::Hwm(sndhwm, rcvhwm) => {
                self.hwm = *sndhwm;
                self.pipe.set_hwm(*sndhwm, *rcvhwm);
            }
            Step::Receive(length, cut) => self.peer_sends(*length, *cut),
            Step::Fill => drop(self.pipe.fill(true)),
            Step::Take => self.take(),
            Step::Unwatch => drop(self.pipe.unwatch()),
            Step::Watch => self.pipe.watch(),
        }
    }

    /// What the next message consists of.
    fn next_body(&self, part: usize, length: usize) -> Vec<u8> {
        let seed = self.pushed.len();
        (0..length).map(|at| (at + part + 7 * seed) as u8).collect()
    }

    fn pass(&mut self, length: usize, patience: Duration) {
        if self.pipe.room() == 0 {
            return;
        }
        let body = self.next_body(0, length);
        if self.pipe.pass_through(&body, patience) {
            self.pushed.push(Message::from(body));
        } else {
            self.push(&[length]);
        }
    }

    fn push(&mut self, lengths: &[usize]) {
        if self.pipe.room() == 0 {
            return;
        }
        let body = |(part, length): (usize, &usize)| Frame::from(self.next_body(part, *length));
        let message = Message::from_parts(lengths.iter().enumerate().map(body)).unwrap();
        if self.pipe.push(&message, None, SHARE_FROM).is_ok_and(|now| now) {
            self.pipe.flush_and_arm();
        }
        self.pushed.push(message);
    }

    fn gather(&mut self, lengths: &[usize]) {
        let broadcast = Broadcast::new(vec![Arc::clone(&self.pipe)], Duration::from_secs(1)).expect("a pipe");
        for length in &lengths[..lengths.len().min(self.pipe.room())] {
            let body = self.next_body(0, *length);
            assert_ne!(broadcast.append(&body), Gathered::Refused);
            self.pushed.push(Message::from(body));
        }
        broadcast.share_out(None, |_| ());
    }

    fn flush(&mut self) {
        let result = self.pipe.flush();
        match &self.peer {
            None => assert_eq!(result, Flush::Offline),
            Some(_) if self.pipe.is_idle() => assert_eq!(result, Flush::Done),
            Some(_) => assert_eq!(result, Flush::Blocked),
        }
    }

    fn go_online(&mut self, zmtp: Zmtp) {
        self.go_online_with(zmtp, &[]);
    }

    /// The same; `surplus` comes in one read with the end of the handshake.
    fn go_online_with(&mut self, zmtp: Zmtp, surplus: &[u8]) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        socket2::SockRef::from(&ours).set_send_buffer_size(BUFFER).unwrap();
        let mut link =
            Link::new(Arc::new(LinkConfig::new(SocketType::Dealer)), Instant::now(), Entropy::NONE);
        let mut input = BytesMut::from(&[&handshake(zmtp)[..], surplus].concat()[..]);
        link.handle_bytes(Instant::now(), &mut input).unwrap();
        link.poll_transmit(&mut Vec::new());
        let (receiver, sender, _) = link.split().expect("the handshake is right");
        self.connections += 1;
        let halves = Halves {
            stream: Arc::new(Stream::of_pair(ours.into())),
            sealer: Sealer::Zmtp(sender),
            opener: Opener::Zmtp(Box::new(receiver)),
            surplus: input,
            hello: None,
            origin: 0,
            token: self.connections as u64,
            set: Arc::clone(&self.set),
        };
        self.pipe.go_online(halves, &self.subscriptions);
        let number = self.connections;
        self.peer = Some(Peer { stream: theirs, zmtp, read: Vec::new(), sent: 0, received: 0, number });
    }

    fn go_offline(&mut self) {
        assert!(self.pipe.go_offline(), "nobody else drives it");
        self.take();
        let Some(mut peer) = self.peer.take() else { return };
        peer.stream.set_nonblocking(false).unwrap();
        // Input that our side had not read is reported once, as a reset; the output is there all the same.
        while peer.stream.read_to_end(&mut peer.read).is_err() {}
        self.delivered += self.whole_messages(&peer);
    }

    /// Whole messages among all that the kernel took over this connection; they must be the next ones of those pushed.
    fn whole_messages(&self, peer: &Peer) -> usize {
        let (plain, starts) = peer.plain();
        let mut expected = Vec::new();
        let mut whole = 0;
        for message in &self.pushed[self.delivered..] {
            encode(message, &mut expected);
            whole += usize::from(expected.len() <= plain.len());
            if expected.len() >= plain.len() {
                break;
            }
        }
        assert!(expected.starts_with(&plain), "the next messages in order, none torn, none twice");
        for start in starts {
            assert!(plain[..start].is_empty() || ends_message(&plain[..start]), "a command within a message");
        }
        whole
    }

    /// Messages pushed whose last byte the kernel has not taken.
    fn unsent(&self) -> usize {
        let whole = self.peer.as_ref().map_or(0, |peer| self.whole_messages(&peer.with_unread()));
        self.pushed.len() - self.delivered - whole
    }

    fn check(&self) {
        let unsent = self.unsent();
        assert_eq!(self.pipe.queued(), unsent, "queued is what the kernel has not taken whole");
        let room = if self.hwm == 0 { usize::MAX } else { self.hwm.saturating_sub(unsent) };
        assert_eq!(self.pipe.room(), room);
    }

    fn peer_sends(&mut self, length: usize, cut: usize) {
        let Some(peer) = &mut self.peer else { return };
        let mut body = [peer.number.to_be_bytes(), peer.sent.to_be_bytes()].concat();
        body.resize(16 + length, 7);
        let wire = peer.zmtp.frame(&body);
        let (first, second) = wire.split_at(cut.min(wire.len()));
        let mut whole = peer.stream.write_all(first).is_ok();
        let _ = self.pipe.fill(true);
        whole &= peer.stream.write_all(second).is_ok();
        assert!(whole, "the peer's buffer is the kernel's usual one");
        peer.sent += 1;
    }

    /// Takes what has arrived: the next of the peer's messages, whole and in order.
    fn take(&mut self) {
        while self.pipe.take(&mut self.taken) != Taken::Nothing {
            while let Some(run) = self.taken.pop_front() {
                let mut cursor = Cursor::new(run.bytes);
                let messages = std::iter::from_fn(|| cursor.next_message()).collect::<Vec<Message>>();
                assert_eq!(messages.len(), run.count);
                let peer =
                    self.peer.as_mut().expect("everything is taken before the connection is forgotten");
                for message in messages {
                    let number = [peer.number.to_be_bytes(), peer.received.to_be_bytes()].concat();
                    assert!(message.len() == 1 && message.first().starts_with(&number));
                    peer.received += 1;
                }
            }
        }
        if let Some(peer) = &self.peer {
            assert!(peer.received <= peer.sent);
        }
    }

    /// In the end everything arrives, both ways.
    fn finish(&mut self) {
        self.pipe.set_hwm(0, 0);
        self.hwm = 0;
        if self.peer.is_none() {
            self.go_online(Zmtp::V31);
        }
        // Each round moves what the kernel's buffer holds.
        let rounds = self
            .pushed
            .iter()
            .map(|message| message.iter().map(|part| part.len()).sum::<usize>())
            .sum::<usize>();
        for _ in 0..=rounds / 1000 + self.pushed.len() {
            self.act(&Step::Read(100_000));
            self.pipe.output_ready();
            self.check();
        }
        assert_eq!(self.pipe.queued(), 0, "everything is written");
        while self.pipe.fill(true) == Fill::Messages {}
        self.take();
        let peer = self.peer.as_ref().unwrap();
        assert_eq!(peer.received, peer.sent);
        self.go_offline();
        assert_eq!(self.delivered, self.pushed.len());
    }
}

impl Peer {
    /// The same with what it has not read yet.
    fn with_unread(&self) -> Peer {
        let mut room = vec![0; 1 << 20];
        let unread = rustix::net::recv(&self.stream, &mut room[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let unread = unread.map_or(0, |(_, length)| length);
        let read = [&self.read[..], &room[..unread]].concat();
        let stream = self.stream.try_clone().unwrap();
        Peer { stream, zmtp: self.zmtp, read, sent: self.sent, received: self.received, number: self.number }
    }

    /// The messages in pipe format, and where among them commands came.
    fn plain(&self) -> (Vec<u8>, Vec<usize>) {
        let mut plain = Vec::new();
        let mut commands = Vec::new();
        let mut rest = &self.read[..];
        if self.zmtp == Zmtp::V1 {
            while let Some((flags, body, after)) = v1_frame(rest) {
                ferrozmq_proto::zmtp::framing::encode_small(body, flags & 1 != 0, &mut plain);
                rest = after;
            }
            return (plain, commands);
        }
        while let Header::Frame { flags, header_len, body_len } = parse_header(rest) {
            let end = header_len + body_len as usize;
            if flags.command() {
                commands.push(plain.len());
            } else {
                plain.extend_from_slice(rest.get(..end).unwrap_or(rest));
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        plain.extend_from_slice(rest);
        (plain, commands)
    }
}

/// A whole frame of ZMTP 1.0: flags, body, and what follows it.
fn v1_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, header) = match bytes {
        [255, rest @ ..] => (u64::from_be_bytes(*rest.first_chunk()?), 9),
        [length, ..] => (u64::from(*length), 1),
        [] => return None,
    };
    let end = header + length as usize;
    let flags = *bytes.get(header)?;
    Some((flags, bytes.get(header + 1..end)?, &bytes[end..]))
}

/// Whether the last frame of these whole frames ends a message.
fn ends_message(mut plain: &[u8]) -> bool {
    let mut ended = false;
    while let Header::Frame { flags, header_len, body_len } = parse_header(plain) {
        let Some(rest) = plain.get(header_len + body_len as usize..) else { return false };
        ended = !flags.more();
        plain = rest;
    }
    ended && plain.is_empty()
}

/// What a ROUTER sends to shake hands with a DEALER.
fn handshake(zmtp: Zmtp) -> Vec<u8> {
    let mut wire = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
    match zmtp {
        Zmtp::V1 => return b"\x01\x00".to_vec(),
        Zmtp::V2 => wire.extend([1, SocketType::Router as u8, 0, 0]),
        Zmtp::V31 => {
            wire.extend(b"\x03\x01NULL");
            wire.resize(64, 0);
            let mut properties = Vec::new();
            metadata::encode(metadata::SOCKET_TYPE, b"ROUTER", &mut properties);
            Command::Ready(&properties).encode(&mut wire);
        }
    }
    wire
}

impl Zmtp {
    /// A message of one part.
    fn frame(self, body: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        match self {
            Zmtp::V1 if body.len() < 254 => wire.extend([body.len() as u8 + 1, 0]),
            Zmtp::V1 => {
                wire.push(255);
                wire.extend((body.len() as u64 + 1).to_be_bytes());
                wire.push(0);
            }
            Zmtp::V2 | Zmtp::V31 => {
                encode(&Message::from(body.to_vec()), &mut wire);
                return wire;
            }
        }
        wire.extend_from_slice(body);
        wire
    }
}
