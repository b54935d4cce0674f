//! `fork()` with contexts alive.

use crate::child::{child, run_child};
use crate::peer::{SOON, descriptors, nobody};
use ferrozmq::{Context, ErrorKind, Events, Message, PollItem, Pull, Push, SocketType, poll};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Forks; in the child runs `body`, and ends at once with 0 if it returns. In the parent waits for that.
fn in_a_fork(body: impl FnOnce()) {
    // SAFETY: the child runs code that allocates, which glibc allows after fork; it takes no lock of this binary's.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // SAFETY: an alarm ends a child that hangs; then `_exit`, without the destructors of the parent's things.
        unsafe {
            libc::alarm(20);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            libc::_exit(i32::from(outcome.is_err()));
        }
    }
    let mut status = 0;
    // SAFETY: `pid` is our child and `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "the forked child failed: {status:#x}"
    );
}

fn converse(context: &Context, endpoint: &str) {
    let pull = Pull::new(context).unwrap();
    let endpoint = pull.bind(endpoint).unwrap();
    let push = Push::new(context).unwrap();
    push.connect(&endpoint).unwrap();
    for n in 0..100 {
        push.send(format!("{n}")).unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from(format!("{n}")));
    }
}

fn everything_inherited_is_dead(context: Context, pull: Pull, push: Push) {
    let is_closed = |kind| assert_eq!(kind, ErrorKind::Closed);
    is_closed(pull.recv().unwrap_err().kind());
    is_closed(pull.try_recv().unwrap_err().kind());
    is_closed(push.send("x").unwrap_err().error().kind());
    is_closed(pull.bind("tcp://127.0.0.1:*").unwrap_err().kind());
    is_closed(push.connect("tcp://127.0.0.1:9").unwrap_err().kind());
    is_closed(push.as_socket().set_linger(None).unwrap_err().kind());
    is_closed(pull.as_socket().monitor().err().unwrap().kind());
    is_closed(poll(&mut [PollItem::socket(pull.as_socket(), Events::READABLE)], None).unwrap_err().kind());
    assert_eq!(pull.as_socket().last_endpoint(), "");
    assert_eq!(pull.as_socket().stats().received, 0);
    assert_eq!(context.socket(SocketType::Pair).unwrap_err().kind(), ErrorKind::Terminated);
    context.shutdown();
    let start = Instant::now();
    pull.as_socket().close();
    drop((pull, push));
    context.term();
    drop(context);
    assert!(start.elapsed() < Duration::from_secs(2));
}

/// Ends the conversation, also when the test fails.
struct Idle<'a>(&'a AtomicBool);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn fork_repeatedly() {
    let own_descriptors = descriptors();
    let context = Context::new();
    let (pull, push) = (Pull::new(&context).unwrap(), Push::new(&context).unwrap());
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    push.connect(&endpoint).unwrap();
    // And one that never stops trying, with something in its queue that lingers for ever.
    let (_socket, refusing) = nobody();
    let lonely = Push::new(&context).unwrap();
    lonely.as_socket().set_reconnect_interval(Some(Duration::from_millis(1))).unwrap();
    lonely.connect(&refusing).unwrap();
    lonely.send("waiting").unwrap();
    let monitor = lonely.as_socket().monitor().unwrap();
    let busy = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let _idle_at_the_end = Idle(&busy);
        // Messages flow all the time, so that locks are held at any moment.
        scope.spawn(|| {
            let mut n = 0_u64;
            while busy.load(Ordering::Relaxed) {
                push.send(n.to_be_bytes().to_vec()).unwrap();
                assert_eq!(pull.recv_timeout(SOON).unwrap().first().as_bytes(), n.to_be_bytes());
                n += 1;
            }
        });
        for round in 0..150 {
            let (context, pull, push) = (context.clone(), pull.clone(), push.clone());
            let (lonely, monitor) = (&lonely, &monitor);
            in_a_fork(move || {
                if round % 3 == 0 {
                    // A new context beside the inherited one, before anything inherited is closed.
                    let new = Context::new();
                    converse(&new, ["tcp://127.0.0.1:*", "ipc://*", "inproc://new"][round / 3 % 3]);
                    new.term();
                }
                assert!(monitor.recv().is_none());
                everything_inherited_is_dead(context, pull, push);
                lonely.as_socket().close();
                // The socket where nobody listens, and one that was on its way between the kernel and its owner.
                assert!(descriptors() <= own_descriptors + 2, "{} descriptors left", descriptors());
                converse(&Context::new(), "tcp://127.0.0.1:*");
            });
        }
    });
    // The parent's are as they were: its sets, its timers, its listener.
    converse(&context, "tcp://127.0.0.1:*");
    let late = Push::new(&context).unwrap();
    late.connect(&endpoint).unwrap();
    late.send("late").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("late"));
    lonely.as_socket().set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn f10_a_forked_child_closes_what_it_inherits_and_harms_nobody() {
    if child() {
        return fork_repeatedly();
    }
    run_child("fork::f10_a_forked_child_closes_what_it_inherits_and_harms_nobody");
}

/// The port is free as soon as the parent has closed it, whatever children are still about.
#[test]
fn f10_f19_a_child_keeps_no_listener() {
    if !child() {
        return run_child("fork::f10_f19_a_child_keeps_no_listener");
    }
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let inherited = context.clone();
    // SAFETY: as above.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        drop(inherited);
        drop(writer);
        use std::io::Read;
        let _ = (&reader).read(&mut [0; 1]);
        // SAFETY: ends the child.
        unsafe { libc::_exit(0) };
    }
    pull.as_socket().unbind(&endpoint).unwrap();
    let start = Instant::now();
    while let Err(error) = Pull::new(&context).unwrap().bind(&endpoint) {
        assert_eq!(error.kind(), ErrorKind::AddressInUse);
        assert!(start.elapsed() < SOON);
        std::thread::yield_now();
    }
    drop(writer);
    // SAFETY: `pid` is our child.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
}
