//! Signal handlers that run all the time, without `SA_RESTART`.

use crate::child::{child, run_child};
use crate::peer::SOON;
use ferrozmq::{Context, Error, ErrorKind, Events, Message, PollItem, Pull, Push, Rep, Req, poll};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MESSAGES: u64 = 100_000;
const INTERVAL_US: i64 = 100;

static TICKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn tick(_: libc::c_int) {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// From now on SIGALRM interrupts some thread of this process every 100 µs.
fn storm() {
    let interval = libc::timeval { tv_sec: 0, tv_usec: INTERVAL_US };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: the handler only counts; both structs outlive the calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = tick as *const () as usize;
        assert_eq!(libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()), 0);
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()), 0);
    }
}

/// Repeats a call that a signal interrupted, and counts how often.
fn insist<T, E: Into<Error>>(count: &mut u64, mut call: impl FnMut() -> Result<T, E>) -> T {
    loop {
        match call().map_err(Into::into) {
            Ok(value) => return value,
            Err(error) if error.is_interrupted() => *count += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

fn exchange(endpoint: &str) {
    let context = Context::new();
    let (pull, push) = (Pull::new(&context).unwrap(), Push::new(&context).unwrap());
    let endpoint = insist(&mut 0, || pull.bind(endpoint));
    insist(&mut 0, || push.connect(&endpoint));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut interrupted = 0;
            for n in 0..MESSAGES {
                insist(&mut interrupted, || push.send(n.to_be_bytes().to_vec()));
            }
        });
        let mut interrupted = 0;
        for n in 0..MESSAGES {
            let message = insist(&mut interrupted, || pull.recv_timeout(SOON));
            assert_eq!(message.first().as_bytes(), n.to_be_bytes());
        }
    });
    assert!(pull.try_recv().unwrap_err().is_would_block(), "nothing comes twice");
}

/// Waits that nothing ends but a signal.
fn waits_are_interrupted() {
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    pull.bind("tcp://127.0.0.1:*").unwrap();
    let (rep, req) = (Rep::new(&context).unwrap(), Req::new(&context).unwrap());
    req.connect(&rep.bind("ipc://*").unwrap()).unwrap();
    let push = Push::new(&context).unwrap();
    assert!(pull.recv().unwrap_err().is_interrupted());
    assert!(rep.recv().unwrap_err().is_interrupted());
    let error = push.send("to nobody").unwrap_err();
    assert!(error.error().is_interrupted());
    assert_eq!(error.into_message(), Message::from("to nobody"), "the message comes back");
    let held = Context::new();
    let socket = Pull::new(&held).unwrap();
    assert!(held.term_interruptible().unwrap_err().is_interrupted());
    assert_eq!(socket.recv().unwrap_err().kind(), ErrorKind::Terminated, "it is shut down all the same");
    drop(socket);
    insist(&mut 0, || held.term_interruptible());
    let mut items = [PollItem::socket(pull.as_socket(), Events::READABLE)];
    assert!(poll(&mut items, Some(Duration::from_secs(60))).unwrap_err().is_interrupted());
}

#[test]
fn f13_interruptions_are_told_and_lose_nothing() {
    if child() {
        storm();
        waits_are_interrupted();
        for endpoint in ["tcp://127.0.0.1:*", "ipc://*", "inproc://storm"] {
            exchange(endpoint);
        }
        assert!(TICKS.load(Ordering::Relaxed) > 100);
        return;
    }
    run_child("signals::f13_interruptions_are_told_and_lose_nothing");
}
