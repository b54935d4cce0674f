//! What is counted for each peer.

use crate::ground::{MOMENT, SOON, endpoints, fixed_ipc, free_endpoint, join, meet, numbered};
use ferrozmq::{Context, PeerStats, Socket, SocketType};
use std::time::Instant;

/// The only peer's counts, once they are as they should be.
fn once(socket: &Socket, is_right: impl Fn(&PeerStats) -> bool) -> PeerStats {
    let begin = Instant::now();
    loop {
        let [stats] = <[_; 1]>::try_from(socket.peer_stats()).expect("one peer");
        if is_right(&stats) {
            return stats;
        }
        assert!(begin.elapsed() < SOON, "{stats:?}");
        std::thread::yield_now();
    }
}

#[test]
fn both_ends_count_what_goes_between_them() {
    for at in endpoints("counted") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &at);
        for n in 0..10 {
            push.send(numbered(n)).unwrap();
        }
        for _ in 0..4 {
            pull.recv_timeout(SOON).unwrap();
        }
        let is_inproc = at.starts_with("inproc");
        let stats = once(&push, |stats| stats.left == 10);
        assert!(stats.connected && stats.endpoint == pull.last_endpoint());
        assert_eq!(stats.peer.is_none(), is_inproc);
        let stats = once(&pull, |stats| stats.arrived == 10 && stats.queued_in == 6);
        // Over inproc there are bodies, and no headers.
        assert_eq!(stats.queued_in_bytes, 6 * if is_inproc { 8 } else { 10 });
        assert_eq!((stats.left, stats.queued_out), (0, 0));
        if !is_inproc {
            assert_eq!(stats.endpoint, pull.last_endpoint());
            assert_eq!(stats.peer.unwrap().socket_type, Some(SocketType::Push));
        }
    }
}

#[test]
fn a_peer_to_come_has_a_queue_and_one_that_was_there_keeps_its_counts() {
    for at in [free_endpoint(), fixed_ipc("counted")] {
        let context = Context::builder().blocky(false).build();
        let pull = context.socket(SocketType::Pull).unwrap();
        let at = pull.bind(&at).unwrap();
        let push = context.socket(SocketType::Push).unwrap();
        push.connect(&at).unwrap();
        meet(&pull, &push);
        push.send(numbered(0)).unwrap();
        pull.recv_timeout(SOON).unwrap();
        pull.close();
        let stats = once(&push, |stats| !stats.connected);
        assert_eq!(stats.left, 1);
        push.send(numbered(1)).unwrap();
        let stats = once(&push, |stats| stats.queued_out == 1);
        assert_eq!((stats.queued_out_bytes, stats.left), (10, 1));
        let pull = context.socket(SocketType::Pull).unwrap();
        pull.bind(&at).unwrap();
        pull.recv_timeout(SOON).unwrap();
        let stats = once(&push, |stats| stats.connected && stats.left == 2);
        assert_eq!((stats.queued_out, stats.queued_out_bytes), (0, 0));
    }
}

#[test]
fn drops_are_counted_for_the_peer_that_lost_something() {
    let context = Context::new();
    let (router, slow) = join(&context, SocketType::Router, SocketType::Dealer, "inproc://slow");
    router.set_router_mandatory(false).unwrap();
    router.set_sndhwm(1).unwrap();
    slow.set_rcvhwm(1).unwrap();
    slow.send("hello").unwrap();
    let hello = router.recv_timeout(SOON).unwrap();
    let quick = context.socket(SocketType::Dealer).unwrap();
    quick.connect("inproc://slow").unwrap();
    router.wait_for_peers(2, SOON).unwrap();
    for _ in 0..5 {
        let mut message = hello.clone();
        message.push_back("x");
        router.send(message).unwrap();
    }
    let mut drops: Vec<u64> = router.peer_stats().iter().map(|stats| stats.dropped.hwm).collect();
    drops.sort_unstable();
    assert_eq!(drops, [0, 3]);
    assert_eq!(router.stats().dropped.hwm, 3);
    assert!(quick.recv_timeout(MOMENT).is_err());
}
