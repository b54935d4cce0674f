//! F5: system calls that fail, each with every errno, ours to expect or not: the connection, or the call, fails, and nothing else.
//!
//! The kernel itself refuses the calls, by a filter (seccomp) that can never be taken back: so each system call has a process of its own.

use crate::child::{argument, child, start_child};
use crate::peer::SOON;
use ferrozmq::{Context, EventKind, Monitor, Socket, SocketType};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What calls fail with. Not EINTR: no kernel says that for ever, and so it is tried again.
const ERRNOS: [i32; 43] = [
    libc::EPERM,
    libc::ENOENT,
    libc::EIO,
    libc::ENXIO,
    libc::EBADF,
    libc::EAGAIN,
    libc::ENOMEM,
    libc::EACCES,
    libc::EFAULT,
    libc::EBUSY,
    libc::EEXIST,
    libc::ENODEV,
    libc::EINVAL,
    libc::ENFILE,
    libc::EMFILE,
    libc::ENOTTY,
    libc::ENOSPC,
    libc::EPIPE,
    libc::EDOM,
    libc::EDEADLK,
    libc::ENOSYS,
    libc::EPROTO,
    libc::ENOTSOCK,
    libc::EDESTADDRREQ,
    libc::EMSGSIZE,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::EAFNOSUPPORT,
    libc::EADDRINUSE,
    libc::EADDRNOTAVAIL,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::ENETRESET,
    libc::ECONNABORTED,
    libc::ECONNRESET,
    libc::ENOBUFS,
    libc::EISCONN,
    libc::ENOTCONN,
    libc::ETIMEDOUT,
    libc::ECONNREFUSED,
    libc::EHOSTUNREACH,
    libc::EALREADY,
    libc::EINPROGRESS,
];

/// Calls about a descriptor, which is the argument of this number.
const ABOUT_DESCRIPTORS: [(&str, libc::c_long, u32); 11] = [
    ("sendto", libc::SYS_sendto, 0),
    ("sendmsg", libc::SYS_sendmsg, 0),
    ("recvfrom", libc::SYS_recvfrom, 0),
    ("accept4", libc::SYS_accept4, 0),
    ("connect", libc::SYS_connect, 0),
    ("setsockopt", libc::SYS_setsockopt, 0),
    ("getsockopt", libc::SYS_getsockopt, 0),
    ("getsockname", libc::SYS_getsockname, 0),
    ("shutdown", libc::SYS_shutdown, 0),
    ("ioctl", libc::SYS_ioctl, 0),
    ("epoll_ctl", libc::SYS_epoll_ctl, 2),
];
/// Calls that make a descriptor.
const MAKERS: [(&str, libc::c_long); 4] = [
    ("socket", libc::SYS_socket),
    ("eventfd2", libc::SYS_eventfd2),
    ("epoll_create1", libc::SYS_epoll_create1),
    ("timerfd_create", libc::SYS_timerfd_create),
];

/// Of a descriptor this part decides about the errno.
const REMAINDERS: u32 = 64;

#[test]
fn f5_any_errno_of_a_call_about_a_descriptor_costs_that_connection_only() {
    if child() {
        let told = argument();
        let (_, number, place) = ABOUT_DESCRIPTORS.into_iter().find(|(name, ..)| *name == told).unwrap();
        return with_failing_descriptors(number, place);
    }
    each_in_a_process(
        "errnos::f5_any_errno_of_a_call_about_a_descriptor_costs_that_connection_only",
        &ABOUT_DESCRIPTORS.map(|(name, ..)| name),
    );
}

#[test]
fn f5_any_errno_of_a_call_that_makes_a_descriptor_is_an_error() {
    if child() {
        let told = argument();
        let (_, number) = MAKERS.into_iter().find(|(name, _)| *name == told).unwrap();
        return without_new_descriptors(number);
    }
    each_in_a_process(
        "errnos::f5_any_errno_of_a_call_that_makes_a_descriptor_is_an_error",
        &MAKERS.map(|(name, _)| name),
    );
}

fn each_in_a_process(test: &str, calls: &[&str]) {
    for call in calls {
        let output = start_child(test, call).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{call}:\n{said}\n{complained}");
    }
}

/// A server and a client that talk whatever happens to others.
struct Good {
    client: Socket,
    server: Socket,
    endpoint: String,
    /// Their descriptors.
    descriptors: Vec<u32>,
    monitors: Vec<Monitor>,
    stop: Arc<AtomicBool>,
    echo: Option<std::thread::JoinHandle<()>>,
    sent: u32,
}

impl Good {
    fn new(context: &Context) -> Good {
        let server = Arc::new(context.socket(SocketType::Router).unwrap());
        let monitors = vec![server.monitor().unwrap()];
        let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
        let client = context.socket(SocketType::Dealer).unwrap();
        let of_client = client.monitor().unwrap();
        client.connect(&endpoint).unwrap();
        client.wait_for_peers(1, SOON).unwrap();
        let mut descriptors = Vec::new();
        for (monitor, kinds) in [
            (&monitors[0], &[EventKind::Listening, EventKind::Accepted][..]),
            (&of_client, &[EventKind::Connected][..]),
        ] {
            for kind in kinds {
                let event =
                    std::iter::from_fn(|| monitor.recv_timeout(SOON)).find(|event| event.kind == *kind);
                descriptors.push(event.expect("it happened").value as u32);
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (socket, stopped) = (server.clone(), Arc::clone(&stop));
        let echo = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(message) = socket.recv_timeout(Duration::from_millis(20)) {
                    let _ = socket.try_send(message);
                }
            }
        });
        let server = Arc::unwrap_or_clone(server);
        let mut good =
            Good { client, server, endpoint, descriptors, monitors, stop, echo: Some(echo), sent: 0 };
        good.talks("the beginning");
        good
    }

    fn talks(&mut self, when: &str) {
        self.sent += 1;
        let words = format!("good {}", self.sent);
        self.client.send(words.as_str()).unwrap();
        let answer = self.client.recv_timeout(SOON).unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(answer[0].as_bytes(), words.as_bytes(), "{when}");
    }

    /// No step of any connection has panicked.
    fn end(mut self) {
        self.talks("the end");
        self.stop.store(true, Ordering::Relaxed);
        self.echo.take().unwrap().join().unwrap();
        for monitor in &self.monitors {
            while let Some(event) = monitor.try_recv() {
                let reason = event.reason.unwrap_or_default();
                assert!(!reason.contains("defect"), "{:?}: {reason}", event.kind);
            }
        }
    }
}

/// The call `number` fails for all descriptors but those of the good ones.
fn with_failing_descriptors(number: libc::c_long, place: u32) {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    let mut good = Good::new(&context);
    // The call may concern the listeners themselves, so there are many.
    let endpoints: Vec<String> =
        (0..REMAINDERS).map(|_| good.server.bind("tcp://127.0.0.1:*").unwrap()).collect();
    if !refuse(number, Some((place, &good.descriptors)), true) {
        eprintln!("skipped: this kernel has no seccomp filters");
        return;
    }
    let mut bad = Vec::new();
    for endpoint in &endpoints {
        // Each of these may fail, or not.
        let Ok(client) = context.socket(SocketType::Dealer) else { continue };
        let _ = client.set_reconnect_interval(Some(Duration::from_millis(20)));
        good.monitors.extend(client.monitor());
        let _ = client.connect(endpoint);
        let _ = client.connect(&good.endpoint);
        let _ = client.bind("tcp://127.0.0.1:*");
        for _ in 0..10 {
            let _ = client.try_send("hello");
        }
        good.talks("while others connect");
        bad.push(client);
    }
    // Long enough for each of them to have failed again.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(200) {
        for client in &bad {
            let _ = client.try_send("hello");
            let _ = client.try_recv();
        }
        good.talks("while others fail");
    }
    bad.clear();
    good.end();
    context.term();
}

/// The call `number` fails in threads that make everything anew.
fn without_new_descriptors(number: libc::c_long) {
    let context = Context::builder().libzmq_compat().blocky(false).build();
    let mut good = Good::new(&context);
    for errno in ERRNOS {
        let shared = context.clone();
        let endpoint = good.endpoint.clone();
        let tried = std::thread::spawn(move || {
            if !refuse_with(number, errno) {
                return false;
            }
            // With an I/O thread that was there before, and with one that fails, too.
            for context in [shared, Context::builder().libzmq_compat().blocky(false).build()] {
                let Ok(socket) = context.socket(SocketType::Dealer) else { continue };
                let _ = socket.bind("tcp://127.0.0.1:*");
                let _ = socket.bind("ipc://*");
                let _ = socket.connect(&endpoint);
                let _ = socket.try_send("hello");
                let _ = socket.recv_timeout(Duration::from_millis(1));
                let _ = socket.events();
            }
            true
        });
        if !tried.join().expect("no panic") {
            eprintln!("skipped: this kernel has no seccomp filters");
            return;
        }
        good.talks("after others failed");
    }
    good.end();
    context.term();
}

/// From now on the call `number` fails in this thread, and in those that it starts.
fn refuse_with(number: libc::c_long, errno: i32) -> bool {
    install(
        &[
            load(0),
            jump(number as u32, 0, 1),
            answer(libc::SECCOMP_RET_ERRNO | errno as u32),
            answer(libc::SECCOMP_RET_ALLOW),
        ],
        false,
    )
}

/// From now on the call `number` fails for all descriptors but these, in the argument of this place; with which errno, depends on the
/// descriptor. `everywhere`: in all threads.
fn refuse(number: libc::c_long, about: Option<(u32, &[u32])>, everywhere: bool) -> bool {
    let Some((place, spared)) = about else { return false };
    let length = spared.len() as u32 + 1 + 2 * REMAINDERS;
    let mut program = vec![load(0), jump(number as u32, 0, (length + 1) as u8), load(16 + 8 * place)];
    for (index, descriptor) in spared.iter().enumerate() {
        program.push(jump(*descriptor, (length - 1 - index as u32) as u8, 0));
    }
    program.push(libc::sock_filter {
        code: (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: REMAINDERS - 1,
    });
    for remainder in 0..REMAINDERS {
        let errno = ERRNOS[remainder as usize % ERRNOS.len()];
        program.push(jump(remainder, 0, 1));
        program.push(answer(libc::SECCOMP_RET_ERRNO | errno as u32));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    install(&program, everywhere)
}

fn load(offset: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump(value: u32, if_equal: u8, if_not: u8) -> libc::sock_filter {
    let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    libc::sock_filter { code, jt: if_equal, jf: if_not, k: value }
}

fn answer(value: u32) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: value }
}

fn install(program: &[libc::sock_filter], everywhere: bool) -> bool {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let flags = if everywhere { libc::SECCOMP_FILTER_FLAG_TSYNC } else { 0 };
    // SAFETY: the first call takes numbers; the second a program that outlives it and that the kernel copies and checks.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) == 0
    }
}
