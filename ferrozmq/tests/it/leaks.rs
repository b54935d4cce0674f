//! After everything is closed: descriptors and threads are as many as before.
//!
//! Counted in a child process, because other tests open and close descriptors beside these.

use crate::child::{child, run_child};
use crate::peer::{SOON, descriptors};
use ferrozmq::{Context, Pub, Pull, Push, Sub};
use std::time::{Duration, Instant};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// How many threads are left, once they are as many as `expected`: the system lists one that was joined for a moment more.
fn threads_left(expected: usize) -> usize {
    let deadline = Instant::now() + SOON;
    while threads() != expected && Instant::now() < deadline {
        std::thread::yield_now();
    }
    threads()
}

/// Contexts with all that can be left behind: leases held by blocked readers, sends that wait, lingering pipes.
fn live_and_die(round: usize) {
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let endpoint = pull.bind(if round.is_multiple_of(2) { "tcp://127.0.0.1:*" } else { "ipc://*" }).unwrap();
    let push = Push::new(&context).unwrap();
    push.connect(&endpoint).unwrap();
    push.send("one").unwrap();
    pull.recv_timeout(SOON).unwrap();
    let (publisher, subscriber) = (Pub::new(&context).unwrap(), Sub::new(&context).unwrap());
    subscriber.subscribe("").unwrap();
    subscriber.connect(&publisher.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    publisher.as_socket().wait_for_peers(1, SOON).unwrap();
    let nobody = Push::new(&context).unwrap();
    nobody.as_socket().set_linger(Some(Duration::from_millis(1))).unwrap();
    let (_socket, endpoint) = crate::peer::nobody();
    nobody.connect(&endpoint).unwrap();
    nobody.connect("inproc://nobody").unwrap();
    nobody.send("lost").unwrap();
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| pull.recv().unwrap_err().is_terminated());
        push.send("more").unwrap();
        context.shutdown();
        // Either it got the message first, or it is told of the end.
        let _ = blocked.join();
    });
    drop((pull, push, publisher, subscriber, nobody));
    context.term();
}

#[test]
fn f12_nothing_is_left_of_terminated_contexts() {
    if child() {
        let at_rest = threads();
        live_and_die(0);
        let before = descriptors();
        (0..30).for_each(live_and_die);
        assert_eq!((descriptors(), threads_left(at_rest)), (before, at_rest));
        return;
    }
    run_child("leaks::f12_nothing_is_left_of_terminated_contexts");
}
