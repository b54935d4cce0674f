//! F6: memory that cannot be had. What a peer makes us ask for is asked for in a way that may fail, and then costs that peer its
//! connection; small allocations end the process where the system refuses them, as everywhere in Rust.

use crate::child::{child, run_child};
use crate::peer::{RawPeer, SOON, next_event};
use ferrozmq::{Context, EventKind, Message, Pull};
use std::io::Write;

/// What the process may have beside what it has already.
const SPARE: u64 = 100 << 20;

#[test]
fn f6_a_message_for_which_there_is_no_memory_costs_its_sender_the_connection() {
    if !child() {
        return run_child(
            "memory::f6_a_message_for_which_there_is_no_memory_costs_its_sender_the_connection",
        );
    }
    let context = Context::builder().libzmq_compat().io_threads(1).build();
    let pull = Pull::new(&context).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = pull.as_socket().monitor().unwrap();
    let mut good = RawPeer::ready(&endpoint, "PUSH");
    let mut greedy = RawPeer::ready(&endpoint, "PUSH");
    let chunk = vec![7; 1 << 20];
    limit_memory();
    greedy.write(&[&[2], &(1_u64 << 30).to_be_bytes()[..]].concat());
    let mut taken = 0_u64;
    while greedy.stream.write_all(&chunk).is_ok() {
        taken += chunk.len() as u64;
        assert!(taken < 1 << 30, "there is more memory than there should be");
    }
    let reason = next_event(&monitor, EventKind::Disconnected).reason.expect("a reason");
    assert!(reason.contains("memory"), "{reason}");
    for number in 0..100_u8 {
        good.write(&[0, 1, number]);
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from(vec![number]));
    }
    println!("{} MiB were taken of a gigabyte", taken >> 20);
}

/// The address space of this process grows no further than [`SPARE`].
fn limit_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let used: u64 = line.trim().strip_suffix(" kB").unwrap().trim().parse().unwrap();
    let limit = used * 1024 + SPARE;
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the struct outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}
