//! Running out of descriptors, and recovering.

use crate::child::{child, start_child};
use crate::peer::{RawPeer, SOON, next_event};
use ferrozmq::{Context, ErrorKind, EventKind, Message, Pull, Push, SocketType};
use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

/// What the child may have open.
const LIMIT: u64 = 64;
/// What the parent opens: more than that.
const STORM: usize = 120;

fn limit_descriptors(limit: u64) {
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the struct outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

fn processor_time() -> Duration {
    // SAFETY: zeroes are a valid `rusage`, which outlives the call.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
        usage
    };
    let time = |at: libc::timeval| Duration::new(at.tv_sec as u64, at.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn next_line(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    loop {
        let line = lines.next().expect("the other side talks").unwrap();
        // The test harness says "test …" on the same line first.
        if let Some((_, word)) = line.split_once("> ") {
            return word.to_owned();
        }
    }
}

fn say(word: &str) {
    println!("> {word}");
}

fn starved() {
    limit_descriptors(LIMIT);
    let mut lines = std::io::stdin().lines();
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let monitor = pull.as_socket().monitor().unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let push = Push::new(&context).unwrap();
    push.connect(&endpoint).unwrap();
    push.send("before").unwrap();
    pull.recv_timeout(SOON).unwrap();
    say(&endpoint);

    // The storm comes. The listener pauses, longer each time.
    next_event(&monitor, EventKind::AcceptFailed);
    let (start, spent) = (Instant::now(), processor_time());
    for _ in 0..8 {
        let event = next_event(&monitor, EventKind::AcceptFailed);
        assert_eq!(event.value, libc::EMFILE as u64);
    }
    let (elapsed, spent) = (start.elapsed(), processor_time() - spent);
    assert!(elapsed > Duration::from_secs(1), "eight pauses took {elapsed:?} only");
    assert!(spent < elapsed / 20, "{spent:?} of processor time in {elapsed:?}");

    // Who was there before is served; who asks for more is told.
    push.send("during").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("during"));
    let error = loop {
        // At most one descriptor is left over by the listener's pauses.
        match context.socket(SocketType::Pair) {
            Ok(socket) => std::mem::forget(socket),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TooManySockets);
    assert_eq!(error.errno(), libc::EMFILE);
    assert!(error.to_string().contains("descriptor"), "{error}");

    // The storm is over.
    say("enough");
    assert_eq!(next_line(&mut lines), "over");
    // (Its event comes a little before the peer itself.)
    pull.as_socket().wait_for_peers(2, SOON).unwrap();
    // What the storm held comes back connection by connection, and each tells of its end.
    while let Err(error) = Pull::new(&context) {
        assert_eq!(error.kind(), ErrorKind::TooManySockets);
        assert!(monitor.recv_timeout(SOON).is_some(), "descriptors come back");
    }
    say("recovered");
    assert_eq!(next_line(&mut lines), "bye");
    std::process::exit(0);
}

#[test]
fn f4_t6_without_descriptors_the_listener_pauses_and_recovers() {
    if child() {
        return starved();
    }
    let mut child =
        start_child("descriptors::f4_t6_without_descriptors_the_listener_pauses_and_recovers", "1");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stdin = child.stdin.take().unwrap();
    let endpoint = next_line(&mut lines);
    // Silent peers, so that nothing but time frees what they hold.
    let storm: Vec<_> = (0..STORM).map(|_| RawPeer::connect(&endpoint)).collect();
    assert_eq!(next_line(&mut lines), "enough");
    drop(storm);
    let _late = RawPeer::ready(&endpoint, "PUSH");
    writeln!(stdin, "> over").unwrap();
    assert_eq!(next_line(&mut lines), "recovered");
    writeln!(stdin, "> bye").unwrap();
    assert!(child.wait().unwrap().success());
}
