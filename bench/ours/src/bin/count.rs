//! One path of a message, again and again in one thread, for callgrind to count its instructions: `count PATH BATCHES`.
//!
//! What is counted happens inside [`counted`], whose name callgrind is told (`--toggle-collect`); everything else, and every other thread,
//! is left out. A batch is sent whole and received whole, so that nobody waits for time to pass; what is counted of a run is the same
//! every time, but for the few batches in which the kernel was slower than usual.
//!
//! Under callgrind everything takes some fifty times as long, and a sender that never seems to hurry writes each message by itself. So
//! the clock of this program goes slower by as much ([`clock_gettime`]).

use ferrozmq::{Context, Message, Result, Socket, SocketType};
use std::hint::black_box;
use std::process::ExitCode;

/// Messages of a batch: fewer than fit between two high-water marks.
const BATCH: usize = 800;
/// How much slower than the real one the clock goes.
const SLOWER: i64 = 50;
/// Length of each message.
const SIZE: usize = 64;
/// Batches before the first that is counted.
const WARM_UP: usize = 5;

/// A path: its name, what it needs, and one batch.
type Path =
    (&'static str, fn(&Context) -> Result<(Socket, Socket)>, fn(&(Socket, Socket), bool) -> Result<()>);

const PATHS: [Path; 5] = [
    ("send", |context| pair(context, SocketType::Push, SocketType::Pull, "tcp://127.0.0.1:*"), send),
    ("recv", |context| pair(context, SocketType::Push, SocketType::Pull, "tcp://127.0.0.1:*"), recv),
    (
        "round-trip",
        |context| pair(context, SocketType::Req, SocketType::Rep, "tcp://127.0.0.1:*"),
        round_trips,
    ),
    ("inproc-send", |context| pair(context, SocketType::Push, SocketType::Pull, "inproc://count"), send),
    ("inproc-recv", |context| pair(context, SocketType::Push, SocketType::Pull, "inproc://count"), recv),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let batches = arguments.get(1).and_then(|word| word.parse().ok());
    let path = arguments.first().and_then(|name| PATHS.iter().find(|(known, ..)| known == name));
    let (Some(path), Some(batches)) = (path, batches) else {
        PATHS.iter().for_each(|(name, ..)| println!("{name} {BATCH}"));
        return ExitCode::FAILURE;
    };
    match run(path, batches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run((_, open, batch): &Path, batches: usize) -> Result<()> {
    let context = Context::builder().libzmq_compat().build();
    let sockets = open(&context)?;
    for number in 0..WARM_UP + batches {
        batch(&sockets, number >= WARM_UP)?;
    }
    drop(sockets);
    context.term();
    Ok(())
}

/// The C library's function as this program's std calls it: the kernel's time, slowed down.
///
/// # Safety
/// As of the original: `time` is a place for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: the caller's pointer is what the kernel expects.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if result != 0 {
        return -1;
    }
    // SAFETY: the kernel has written there.
    let time = unsafe { &mut *time };
    let slow = (time.tv_sec * 1_000_000_000 + time.tv_nsec) / SLOWER;
    (time.tv_sec, time.tv_nsec) = (slow / 1_000_000_000, slow % 1_000_000_000);
    0
}

/// A connected pair; the second socket is bound.
fn pair(context: &Context, one: SocketType, other: SocketType, endpoint: &str) -> Result<(Socket, Socket)> {
    let (one, other) = (context.socket(one)?, context.socket(other)?);
    one.connect(&other.bind(endpoint)?)?;
    Ok((one, other))
}

/// The region that is counted.
#[inline(never)]
fn counted(work: impl FnOnce() -> Result<()>) -> Result<()> {
    black_box(work())
}

/// Calls `work`, counted or not.
fn maybe_counted(count: bool, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if count { counted(work) } else { work() }
}

fn send(sockets: &(Socket, Socket), count: bool) -> Result<()> {
    maybe_counted(count, || send_batch(&sockets.0))?;
    recv_batch(&sockets.1)
}

fn recv(sockets: &(Socket, Socket), count: bool) -> Result<()> {
    send_batch(&sockets.0)?;
    maybe_counted(count, || recv_batch(&sockets.1))
}

fn round_trips((req, rep): &(Socket, Socket), count: bool) -> Result<()> {
    let mut message = Message::new();
    maybe_counted(count, || {
        for _ in 0..BATCH {
            req.send([0x55; SIZE])?;
            rep.recv_into(&mut message)?;
            rep.send([0x55; SIZE])?;
            req.recv_into(&mut message)?;
        }
        Ok(())
    })
}

fn send_batch(push: &Socket) -> Result<()> {
    for _ in 0..BATCH {
        push.send(black_box(&[0x55; SIZE]))?;
    }
    Ok(())
}

fn recv_batch(pull: &Socket) -> Result<()> {
    let mut message = Message::new();
    for _ in 0..BATCH {
        pull.recv_into(&mut message)?;
    }
    Ok(())
}
