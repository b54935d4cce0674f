//! One path of a message, again and again in one thread, for callgrind to count its instructions: `COUNTER PATH BATCHES`.
//!
//! What is counted happens inside [`counted`], whose name callgrind is told (`--toggle-collect`); everything else, and every other thread,
//! is left out. A batch is sent whole and received whole, so that nobody waits for time to pass; what is counted of a run is the same
//! every time, but for the few batches in which the kernel was slower than usual.
//!
//! Every library is driven by the same code, through [`Library`] and [`Socket`]: the difference between two counts is the libraries'.
//!
//! Under callgrind everything takes some fifty times as long, and a sender that never seems to hurry writes each message by itself. So
//! the clock of a counting program goes slower by as much ([`clock_gettime`]).

use crate::{Kind, Library, Setup, Socket};
use std::hint::black_box;
use std::process::ExitCode;

/// Messages of a batch: fewer than fit between two high-water marks.
const BATCH: usize = 800;
/// How much slower than the real one the clock goes.
const SLOWER: i64 = 50;
/// Length of each part.
const SIZE: usize = 64;
/// Parts of a message that has several.
const PARTS: usize = 3;
/// Batches before the first that is counted.
const WARM_UP: usize = 5;
const BODY: [u8; SIZE] = [0x55; SIZE];

const TCP: &str = "tcp://127.0.0.1:*";
const INPROC: &str = "inproc://count";

/// Which half of a path is counted.
#[derive(Clone, Copy)]
enum Half {
    Send,
    Recv,
    /// Requests and replies in turns: both.
    RoundTrip,
}

/// A path: its name, the types of both ends, where they meet, what is counted, and the parts of a message.
struct Path {
    name: &'static str,
    ends: (Kind, Kind),
    endpoint: &'static str,
    half: Half,
    parts: usize,
}

const fn path(name: &'static str, ends: (Kind, Kind), endpoint: &'static str, half: Half) -> Path {
    Path { name, ends, endpoint, half, parts: 1 }
}

const PATHS: [Path; 9] = [
    path("send", (Kind::Push, Kind::Pull), TCP, Half::Send),
    path("recv", (Kind::Push, Kind::Pull), TCP, Half::Recv),
    path("round-trip", (Kind::Req, Kind::Rep), TCP, Half::RoundTrip),
    path("inproc-send", (Kind::Push, Kind::Pull), INPROC, Half::Send),
    path("inproc-recv", (Kind::Push, Kind::Pull), INPROC, Half::Recv),
    path("dealer-send", (Kind::Dealer, Kind::Router), TCP, Half::Send),
    path("router-recv", (Kind::Dealer, Kind::Router), TCP, Half::Recv),
    Path { parts: PARTS, ..path("parts-send", (Kind::Push, Kind::Pull), TCP, Half::Send) },
    Path { parts: PARTS, ..path("parts-recv", (Kind::Push, Kind::Pull), TCP, Half::Recv) },
];

/// The `main` of a program that counts `L`. Without arguments it tells the paths, each with the messages of a batch.
pub fn run<L: Library>() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let batches = arguments.get(1).and_then(|word| word.parse().ok());
    let path = arguments.first().and_then(|name| PATHS.iter().find(|path| path.name == name));
    let (Some(path), Some(batches)) = (path, batches) else {
        PATHS.iter().for_each(|path| println!("{} {BATCH}", path.name));
        return ExitCode::FAILURE;
    };
    match walk::<L>(path, batches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn walk<L: Library>(path: &Path, batches: usize) -> Result<(), String> {
    let library = L::open(2)?;
    let mut near = library.socket(path.ends.0, &Setup::default())?;
    let mut far = library.socket(path.ends.1, &Setup::default())?;
    near.connect(&far.bind(path.endpoint)?)?;
    for number in 0..WARM_UP + batches {
        batch(path, &mut near, &mut far, number >= WARM_UP)?;
    }
    near.close()?;
    far.close()?;
    library.close()
}

fn batch<S: Socket>(path: &Path, near: &mut S, far: &mut S, count: bool) -> Result<(), String> {
    match path.half {
        Half::Send => {
            maybe_counted(count, || send_batch(near, path.parts))?;
            recv_batch(far)
        }
        Half::Recv => {
            send_batch(near, path.parts)?;
            maybe_counted(count, || recv_batch(far))
        }
        Half::RoundTrip => maybe_counted(count, || {
            for _ in 0..BATCH {
                near.send(black_box(&BODY))?;
                far.recv(look)?;
                far.send(black_box(&BODY))?;
                near.recv(look)?;
            }
            Ok(())
        }),
    }
}

/// The region that is counted.
#[inline(never)]
fn counted(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    black_box(work())
}

/// Calls `work`, counted or not.
fn maybe_counted(count: bool, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if count { counted(work) } else { work() }
}

fn send_batch<S: Socket>(near: &mut S, parts: usize) -> Result<(), String> {
    for _ in 0..BATCH {
        match parts {
            1 => near.send(black_box(&BODY))?,
            _ => near.send_parts(black_box(&BODY), parts)?,
        }
    }
    Ok(())
}

fn recv_batch<S: Socket>(far: &mut S) -> Result<(), String> {
    for _ in 0..BATCH {
        far.recv(look)?;
    }
    Ok(())
}

fn look(body: &[u8]) {
    black_box(body);
}

/// The clock of a program that counts: the kernel's, slowed down. Such a program has it as its `clock_gettime`, which std and
/// the library under measurement then call.
///
/// # Safety
/// As of the C library's function: `time` is a place for it.
pub unsafe fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
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
