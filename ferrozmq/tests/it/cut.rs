//! Connections cut at every byte: what was not wholly sent is sent again whole, in order, and nothing twice.
//!
//! The peer is a script on a bare socket. It lets a socket of ours queue a recorded session while nobody is connected, finishes a
//! handshake, and cuts the connection; what arrives over this connection and the next is compared with the session. Two cuts:
//! - *gentle*: the peer ends its side and reads on, so that it sees every byte that our side gave to the kernel. Then nothing may be
//!   missing, and nothing may come twice: the next connection begins with the very message that was cut.
//! - *hard*: the peer reads exactly so many bytes and is gone. What the kernel held is lost; the next connection still begins with a
//!   whole message, and what comes over it is the rest of the session.

use ferrozmq::{Context, Frame, Message, Socket, SocketType};
use rustix::event::{PollFd, PollFlags, Timespec};
use socket2::{Domain, SockAddr, Type};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4};
use std::time::Duration;

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Buffers of the kernel, in bytes: small, so that a session does not fit.
const BUFFER: usize = 8 * 1024;
/// More than the kernel holds of one connection, in bytes, whatever it makes of [`BUFFER`].
const KERNEL_MAX: usize = 512 * 1024;
/// A frame header with a long length.
const LONG_HEADER: usize = 9;

/// What the peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zmtp {
    V1,
    V2,
    V31,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Ipc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Gentle,
    /// After so many bytes.
    Hard(usize),
}

#[test]
fn a_gentle_cut_at_every_byte_of_small_messages_loses_and_repeats_nothing() {
    let mut stage = Stage::new(Zmtp::V31, SocketType::Push, Transport::Ipc);
    let session = small_session();
    let length: usize = session.iter().map(|message| stage.wire(message).len()).sum();
    let held = stage.kernel_holds();
    let mut cuts = BTreeSet::new();
    for offset in 0..=length {
        let cut = stage.run(&lead_in(held - offset, &session), Cut::Gentle);
        cuts.extend((cut + offset).checked_sub(held));
    }
    let within = cuts.range(0..=length).count();
    assert!(within * 10 > length * 9, "only {within} of {length} offsets were cut at: {cuts:?}");
}

#[test]
fn gentle_cuts_in_every_version_lose_and_repeat_nothing() {
    for zmtp in [Zmtp::V1, Zmtp::V2, Zmtp::V31] {
        for kind in [SocketType::Push, SocketType::Dealer] {
            for transport in [Transport::Tcp, Transport::Ipc] {
                let mut stage = Stage::new(zmtp, kind, transport);
                for before in (0..60_000).step_by(2_503) {
                    let mut messages = vec![body(before)];
                    messages.extend(session());
                    stage.run(&messages, Cut::Gentle);
                }
            }
        }
    }
}

#[test]
fn a_hard_cut_at_every_byte_leaves_whole_messages() {
    for zmtp in [Zmtp::V1, Zmtp::V2, Zmtp::V31] {
        for (kind, transport) in [(SocketType::Push, Transport::Tcp), (SocketType::Dealer, Transport::Ipc)] {
            let mut stage = Stage::new(zmtp, kind, transport);
            let messages = session();
            for offset in interesting_offsets(&stage, &messages) {
                stage.run(&messages, Cut::Hard(offset));
            }
        }
    }
}

/// Every offset near the frames' headers and ends, and some within long bodies.
fn interesting_offsets(stage: &Stage, messages: &[Message]) -> Vec<usize> {
    const NEAR: usize = 12;
    const SAMPLE: usize = 4_001;
    let mut ends = vec![0];
    for message in messages {
        for (index, part) in message.iter().enumerate() {
            let more = index + 1 < message.len();
            ends.push(ends.last().unwrap_or(&0) + stage.zmtp.frame(part, more).len());
        }
    }
    let total = ends.last().copied().unwrap_or_default();
    let near = |offset: &usize| {
        ends.iter().any(|end| end.abs_diff(*offset) <= NEAR) || offset.is_multiple_of(SAMPLE)
    };
    (0..=total).filter(near).collect()
}

/// The recorded session: a dozen messages, empty, tiny, short, long, of one part and of several.
fn session() -> Vec<Message> {
    let mut messages = small_session();
    messages.insert(3, body(70 * 1024));
    messages.insert(9, parts(&[0, 70 * 1024, 1]));
    messages
}

/// The same without long bodies.
fn small_session() -> Vec<Message> {
    vec![
        body(0),
        body(1),
        body(300),
        parts(&[1, 0]),
        parts(&[0, 0, 0]),
        body(255),
        body(256),
        parts(&[3, 200, 1]),
        body(0),
        body(31),
        parts(&[0, 33]),
    ]
}

/// Something of `length` bytes on the wire, then the session, then more than the kernel takes.
fn lead_in(length: usize, session: &[Message]) -> Vec<Message> {
    let mut messages = vec![body(length - LONG_HEADER)];
    messages.extend(session.iter().cloned());
    messages.push(body(60_000));
    messages
}

fn body(length: usize) -> Message {
    parts(&[length])
}

fn parts(lengths: &[usize]) -> Message {
    let pattern = |length: &usize| (0..*length).map(|at| (at % 251) as u8).collect::<Vec<u8>>();
    Message::from_parts(lengths.iter().map(|length| Frame::from(pattern(length)))).expect("it has parts")
}

/// A connecting socket of ours, and the peer it connects to.
struct Stage {
    zmtp: Zmtp,
    socket: Socket,
    _context: Context,
    listener: socket2::Socket,
    /// A connection that our side has opened, before any handshake.
    next: socket2::Socket,
    sessions: u32,
}

impl Stage {
    fn new(zmtp: Zmtp, kind: SocketType, transport: Transport) -> Stage {
        let (listener, endpoint) = listen(transport);
        let context = Context::new();
        let socket = context.socket(kind).expect("a socket");
        for (name, value) in [("sndhwm", "0"), ("reconnect_ivl", "1"), ("linger", "0")] {
            socket.set_text(name, value).expect("an option");
        }
        socket.set_text("sndbuf", &BUFFER.to_string()).expect("an option");
        socket.connect(&endpoint).expect("an endpoint");
        let next = accept(&listener);
        Stage { zmtp, socket, _context: context, listener, next, sessions: 0 }
    }

    fn wire(&self, message: &Message) -> Vec<u8> {
        self.zmtp.wire(message)
    }

    /// How many bytes one connection's kernel buffers take.
    fn kernel_holds(&mut self) -> usize {
        self.run(&[body(KERNEL_MAX)], Cut::Gentle)
    }

    /// Sends `messages` over a connection that is cut, and the next; returns the length of what the first one brought.
    fn run(&mut self, messages: &[Message], cut: Cut) -> usize {
        self.sessions += 1;
        let context = format!("{:?}, {cut:?}, session {}", self.zmtp, self.sessions);
        // Our side is not online: all of this waits in its queue.
        for message in messages {
            self.socket.try_send(message.clone()).expect("there is no high-water mark");
        }
        let (before, second) = self.cut_connection(cut);
        self.zmtp.shake(&second, self.socket.socket_type());
        let marker = Message::from(format!("end of session {}", self.sessions));
        self.socket.try_send(marker.clone()).expect("there is no high-water mark");
        let after = read_to_marker(&second, &self.wire(&marker));
        drop(second);
        self.next = accept(&self.listener);
        self.check(messages, &before, &after, cut, &context);
        before.len()
    }

    /// What comes over a first connection until it is cut; and the second connection, before its handshake.
    fn cut_connection(&mut self, cut: Cut) -> (Vec<u8>, socket2::Socket) {
        let mut before = Vec::new();
        let kind = self.socket.socket_type();
        match cut {
            Cut::Gentle => {
                self.zmtp.shake(&self.next, kind);
                self.next.peek(&mut [std::mem::MaybeUninit::uninit()]).expect("our side writes");
                self.next.shutdown(Shutdown::Write).expect("it is connected");
                let second = accept(&self.listener);
                (&self.next).read_to_end(&mut before).expect("what our side has written can be read");
                (before, second)
            }
            Cut::Hard(bytes) => {
                self.zmtp.shake(&self.next, kind);
                before.resize(bytes, 0);
                (&self.next).read_exact(&mut before).expect("our side writes");
                self.next.shutdown(Shutdown::Both).expect("it is connected");
                (before, accept(&self.listener))
            }
        }
    }

    fn check(&self, messages: &[Message], before: &[u8], after: &[u8], cut: Cut, context: &str) {
        let wires: Vec<Vec<u8>> = messages.iter().map(|message| self.wire(message)).collect();
        let all = wires.concat();
        assert!(all.starts_with(before), "{context}: the first connection brings the session's beginning");
        let mut boundary = 0;
        let mut boundaries = vec![0];
        for wire in &wires {
            boundary += wire.len();
            boundaries.push(boundary);
        }
        let resumed = all.len().checked_sub(after.len()).expect("no more than the session");
        assert_eq!(all[resumed..], *after, "{context}: the second connection brings the session's end");
        assert!(boundaries.contains(&resumed), "{context}: it begins with a whole message, not at {resumed}");
        let whole = boundaries.iter().rev().find(|end| **end <= before.len()).copied().unwrap_or(0);
        match cut {
            Cut::Gentle => assert_eq!(resumed, whole, "{context}: nothing is lost and nothing repeated"),
            Cut::Hard(_) => {
                assert!(resumed >= whole, "{context}: nothing is repeated");
                assert!(resumed <= before.len() + KERNEL_MAX, "{context}: only what the kernel had is lost");
            }
        }
    }
}

/// What `connection` brings before `marker`.
fn read_to_marker(mut connection: &socket2::Socket, marker: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut room = vec![0; 256 * 1024];
    while !all.ends_with(marker) {
        let got = connection.read(&mut room).expect("the rest of the session comes");
        assert_ne!(got, 0, "the connection stays, after {} bytes", all.len());
        all.extend_from_slice(&room[..got]);
    }
    all.truncate(all.len() - marker.len());
    all
}

fn listen(transport: Transport) -> (socket2::Socket, String) {
    let domain = if transport == Transport::Tcp { Domain::IPV4 } else { Domain::UNIX };
    let listener = socket2::Socket::new(domain, Type::STREAM, None).expect("a socket");
    // Accepted connections inherit it.
    listener.set_recv_buffer_size(BUFFER).expect("an option");
    let endpoint = match transport {
        Transport::Tcp => {
            listener.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))).expect("a free port");
            let address = listener.local_addr().ok().and_then(|address| address.as_socket());
            format!("tcp://{}", address.expect("it is bound"))
        }
        Transport::Ipc => {
            let name = format!("ferrozmq-cut-{}-{:?}", std::process::id(), std::thread::current().id());
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let path = SockAddr::unix(format!("\0{name}")).expect("a short name");
            listener.bind(&path).expect("a name of our own");
            format!("ipc://@{name}")
        }
    };
    listener.listen(8).expect("it is bound");
    (listener, endpoint)
}

/// The next connection that our side opens.
fn accept(listener: &socket2::Socket) -> socket2::Socket {
    let mut waiting = [PollFd::new(listener, PollFlags::IN)];
    let patience = Timespec::try_from(PATIENCE).expect("a short time");
    let ready = rustix::event::poll(&mut waiting, Some(&patience)).expect("polling");
    assert_eq!(ready, 1, "our side connects again");
    let (connection, _) = listener.accept().expect("a connection");
    connection.set_read_timeout(Some(PATIENCE)).expect("an option");
    connection
}

impl Zmtp {
    /// The peer's part of a handshake with our socket of type `ours`.
    fn shake(self, mut connection: &socket2::Socket, ours: SocketType) {
        let theirs = if ours == SocketType::Push { SocketType::Pull } else { SocketType::Router };
        let mut script = b"\xff\0\0\0\0\0\0\0\x01\x7f".to_vec();
        match self {
            Zmtp::V1 => script = b"\x01\x00".to_vec(),
            Zmtp::V2 => script.extend([1, theirs as u8, 0, 0]),
            Zmtp::V31 => {
                script.extend(b"\x03\x01NULL");
                script.resize(64, 0);
                let name = theirs.name().as_bytes();
                let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
                ready.push(name.len() as u8);
                ready.extend_from_slice(name);
                script.extend([4, ready.len() as u8]);
                script.extend(ready);
            }
        }
        connection.write_all(&script).expect("our side reads");
        // Signature; revision, type and routing id; greeting and the header of READY.
        let mut answer = vec![
            0;
            match self {
                Zmtp::V1 => 10,
                Zmtp::V2 => 14,
                Zmtp::V31 => 66,
            }
        ];
        connection.read_exact(&mut answer).expect("our side shakes hands");
        if self == Zmtp::V31 {
            let mut ready = vec![0; usize::from(answer[65])];
            connection.read_exact(&mut ready).expect("our side is ready");
        }
    }

    fn wire(self, message: &Message) -> Vec<u8> {
        let last = message.len() - 1;
        message.iter().enumerate().flat_map(|(index, part)| self.frame(part, index < last)).collect()
    }

    fn frame(self, body: &[u8], more: bool) -> Vec<u8> {
        let flags = u8::from(more);
        let length = body.len() as u64;
        let mut frame = match self {
            Zmtp::V1 if length < 254 => vec![length as u8 + 1, flags],
            Zmtp::V1 => [&[255][..], &(length + 1).to_be_bytes(), &[flags]].concat(),
            Zmtp::V2 | Zmtp::V31 if length < 256 => vec![flags, length as u8],
            Zmtp::V2 | Zmtp::V31 => [&[flags | 2][..], &length.to_be_bytes()].concat(),
        };
        frame.extend_from_slice(body);
        frame
    }
}
