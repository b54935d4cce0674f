//! What the program around the library must not notice: signals, descriptors that its children inherit, memory for queues
//! that are empty, a processor that works while nothing happens. Each in a process of its own.

use crate::child::{child, run_child};
use crate::ground::SOON;
use crate::peer::{RawPeer, frame};
use ferrozmq::{Context, EventKind, Events, PollItem, Socket, SocketType, poll};
use std::time::Duration;

/// Sockets that have met over every transport, and have been waited for.
fn company(context: &Context) -> Vec<Socket> {
    let mut all = Vec::new();
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", "inproc://company"] {
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        push.connect(&pull.bind(endpoint).unwrap()).unwrap();
        push.send("hello").unwrap();
        pull.recv_timeout(SOON).unwrap();
        poll(&mut [PollItem::socket(&pull, Events::READABLE)], Some(Duration::ZERO)).unwrap();
        all.extend([pull, push]);
    }
    all
}

#[test]
fn a_peer_that_is_gone_raises_no_sigpipe() {
    if !child() {
        return run_child("manners::a_peer_that_is_gone_raises_no_sigpipe");
    }
    // Rust ignores the signal; a program in another language dies of it.
    // SAFETY: sets the default action of a signal.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let context = Context::new();
    for _ in 0..20 {
        let push = context.socket(SocketType::Push).unwrap();
        push.set_linger(Some(Duration::ZERO)).unwrap();
        let monitor = push.monitor().unwrap();
        let peer = RawPeer::ready(&push.bind("tcp://127.0.0.1:*").unwrap(), "PULL");
        push.wait_for_peers(1, SOON).unwrap();
        push.send("before").unwrap();
        // With our message unread the end is a reset: the next write finds a broken connection.
        drop(peer);
        while push.try_send(vec![0; 1000]).is_ok() {}
        assert!(monitor.into_iter().any(|event| event.kind == EventKind::Disconnected));
    }
}

#[test]
fn every_descriptor_is_closed_on_exec() {
    if !child() {
        return run_child("manners::every_descriptor_is_closed_on_exec");
    }
    let before: Vec<i32> = open_descriptors();
    let context = Context::new();
    let sockets = company(&context);
    let monitors: Vec<_> = sockets.iter().map(|socket| socket.monitor().unwrap()).collect();
    let ours: Vec<i32> = open_descriptors().into_iter().filter(|fd| !before.contains(fd)).collect();
    assert!(ours.len() > 10, "{ours:?}");
    for fd in ours {
        // SAFETY: asks for the flags of a descriptor; one that is gone is an error.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        let what = std::fs::read_link(format!("/proc/self/fd/{fd}"));
        // The folder in which they were listed is among them, and closed again.
        assert!(flags < 0 || flags & libc::FD_CLOEXEC != 0, "{fd}: {what:?}");
    }
    drop(monitors);
}

fn open_descriptors() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn an_enormous_mark_costs_nothing() {
    if !child() {
        return run_child("manners::an_enormous_mark_costs_nothing");
    }
    let context = Context::new();
    drop(company(&context));
    let before = resident_kib();
    for endpoint in ["tcp://127.0.0.1:*", "ipc://*", "inproc://enormous"] {
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        for socket in [&pull, &push] {
            socket.set_sndhwm(i32::MAX.unsigned_abs()).unwrap();
            socket.set_rcvhwm(i32::MAX.unsigned_abs()).unwrap();
        }
        push.connect(&pull.bind(endpoint).unwrap()).unwrap();
        push.send("one").unwrap();
        pull.recv_timeout(SOON).unwrap();
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 4096, "{grown} KiB for three queues with one message each");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn nothing_ticks_while_nothing_happens() {
    if !child() {
        return run_child("manners::nothing_ticks_while_nothing_happens");
    }
    let context = Context::new();
    let sockets = company(&context);
    assert_rests();
    drop(sockets);
}

/// As stopped processes, scanners, and whoever is too slow look from here.
#[test]
fn peers_that_do_nothing_cost_nothing() {
    if !child() {
        return run_child("manners::peers_that_do_nothing_cost_nothing");
    }
    let context = Context::new();
    let push = context.socket(SocketType::Push).unwrap();
    push.set_linger(Some(Duration::ZERO)).unwrap();
    let out = push.bind("tcp://127.0.0.1:*").unwrap();
    // Some never begin a handshake, some never read …
    let silent: Vec<_> = (0..20).map(|_| RawPeer::connect(&out)).collect();
    let deaf: Vec<_> = (0..5).map(|_| RawPeer::ready(&out, "PULL")).collect();
    push.wait_for_peers(deaf.len(), SOON).unwrap();
    while push.send_timeout(vec![0; 100_000], Duration::from_millis(100)).is_ok() {}
    // … and one has sent more than we read.
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.set_rcvhwm(10).unwrap();
    let mut loud = RawPeer::ready(&pull.bind("tcp://127.0.0.1:*").unwrap(), "PUSH");
    pull.wait_for_peers(1, SOON).unwrap();
    loud.write_until_stuck(&frame(0, &[7; 200]).repeat(100), Duration::from_millis(100), 1 << 30);
    assert_rests();
    drop((silent, deaf, loud));
}

/// The threads of this process go to sleep, and on sleeping, before long: leases have to come back first.
fn assert_rests() {
    let mut before = wake_ups();
    let rests = (0..50).any(|_| {
        // not settling: time in which nothing happens is what this measures.
        std::thread::sleep(Duration::from_millis(200));
        let now = wake_ups();
        now - std::mem::replace(&mut before, now) <= 3
    });
    assert!(rests, "it never rests");
}

/// How often the threads of this process have gone to sleep.
fn wake_ups() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    tasks.map(|task| of(task.unwrap())).sum()
}
