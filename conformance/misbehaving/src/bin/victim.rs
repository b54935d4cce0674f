//! The victim: a process with a socket of each kind that the offences are against, on one transport, and an exact count of its memory.
//!
//! `victim tcp MILLISECONDS` or `victim ipc MILLISECONDS`, which is the time that a handshake may take, prints a line `NAME ENDPOINT` for each socket and an empty line, then answers each line on stdin: `base`
//! begins a measurement, `peak` tells by how many bytes the heap has grown at most since. It ends with stdin. Its sockets serve whoever
//! may come in: ROUTERs answer every message with the same, the PUB says `tick` all the time.

use ferrozmq::{Context, Message, Rep, Socket, SocketType};
use ferrozmq_misbehaving::{PASSWORD, SERVER_SECRET, Target, USERNAME};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The longest message part, in bytes.
const MESSAGE_MAX: &str = "1048576";
/// `ZMQ_CURVE_SECRETKEY`.
const CURVE_SECRETKEY: i32 = 49;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with two counters.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn grew(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
    PEAK.fetch_max(live, Ordering::Relaxed);
}

fn shrank(bytes: usize) {
    LIVE.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: every call is handed on to `System` unchanged; the counters are only numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promises about `layout` are those that `System` wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrank(layout.size());
        // SAFETY: `pointer` came from `System`, since every allocation here does.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be alive together while the bytes are moved.
        grew(size);
        // SAFETY: `pointer` came from `System`, and the caller promises the rest.
        let moved = unsafe { System.realloc(pointer, layout, size) };
        shrank(layout.size());
        moved
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (transport, handshake_ms) =
        (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let context = Context::builder().libzmq_compat().build();
    authenticate(&context);
    let mut out = std::io::stdout().lock();
    for target in Target::ALL {
        let endpoint = serve(&context, target, &transport, &handshake_ms);
        writeln!(out, "{} {endpoint}", target.name()).expect("somebody reads");
    }
    writeln!(out).expect("somebody reads");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.as_str() {
            "base" => {
                let live = LIVE.load(Ordering::Relaxed);
                PEAK.store(live, Ordering::Relaxed);
                writeln!(out, "{live}")
            }
            _ => writeln!(out, "{}", PEAK.load(Ordering::Relaxed)),
        }
        .expect("somebody reads");
    }
    // The sockets' threads end with the process.
    std::process::exit(0);
}

/// A socket of this kind with a thread that serves it; where it is bound.
fn serve(context: &Context, target: Target, transport: &str, handshake_ms: &str) -> String {
    let kind = if target == Target::Publisher { SocketType::Pub } else { SocketType::Router };
    let socket = context.socket(kind).expect("a socket");
    for (name, value) in [("handshake_ivl", handshake_ms), ("maxmsgsize", MESSAGE_MAX)] {
        socket.set_text(name, value).expect("an option");
    }
    match target {
        Target::Null | Target::Publisher => {}
        Target::Plain => socket.set_text("plain_server", "1").expect("an option"),
        Target::Curve => {
            socket.set_text("curve_server", "1").expect("an option");
            socket.set_raw(CURVE_SECRETKEY, &SERVER_SECRET).expect("an option");
        }
    }
    let wildcard = if transport == "ipc" { "ipc://*" } else { "tcp://127.0.0.1:*" };
    let endpoint = socket.bind(wildcard).expect("a free endpoint");
    thread::spawn(move || if target == Target::Publisher { tick(&socket) } else { echo(&socket) });
    endpoint
}

fn echo(socket: &Socket) {
    while let Ok(message) = socket.recv() {
        // To a peer that is gone or does not read it is dropped.
        let _ = socket.send(message);
    }
}

fn tick(socket: &Socket) {
    while socket.send("tick").is_ok() {
        // not settling: the pace of a publisher that has not much to say.
        thread::sleep(Duration::from_millis(1));
    }
}

/// Lets in one user of PLAIN, and everybody with another mechanism.
fn authenticate(context: &Context) {
    let handler = Rep::new(context).expect("a socket");
    handler.bind("inproc://zeromq.zap.01").expect("there is no other handler");
    thread::spawn(move || {
        while let Ok(question) = handler.recv() {
            let part = |index: usize| question.part(index).map(|part| part.as_bytes()).unwrap_or_default();
            let known = part(6) == USERNAME.as_bytes() && part(7) == PASSWORD.as_bytes();
            let status = if part(5) != b"PLAIN" || known { "200" } else { "400" };
            let answer = Message::from(["1.0", "1", status, "", "user", ""]);
            if handler.send(answer).is_err() {
                return;
            }
        }
    });
}
