//! T3, T5: peers that say a byte now and then and never finish a handshake: how little each costs, when they are gone, and that
//! somebody who means well is let in at once meanwhile.
//!
//! `FERROZMQ_SOAK_PEERS` is how many there are.

use crate::scene::{Scene, come_and_go};
use ferrozmq_misbehaving::{Peer, Target};
use std::time::{Duration, Instant};

/// Slow peers when nobody says how many; the listener keeps 1,024 at one time.
const FEW: u64 = 400;
/// The victim's deadline for handshakes.
const DEADLINE: Duration = Duration::from_secs(4);
/// What all together may need after it, on a machine with much else to do.
const GRACE: Duration = Duration::from_secs(2);
/// Somebody who means well waits no longer for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
/// Handshakes in progress that a listener allows.
const IN_PROGRESS: u64 = 1024;
/// What one of them may cost, in bytes (R3), and what their lists may.
const PER_PEER: u64 = 2 * 1024;
const LISTS: u64 = 512 * 1024;
/// Descriptors beside those of the slow peers.
const OTHER_DESCRIPTORS: u64 = 200;

#[test]
fn slow_peers_cost_little_and_keep_nobody_out() {
    let wanted = std::env::var("FERROZMQ_SOAK_PEERS").ok().and_then(|count| count.parse().ok());
    let count = wanted.unwrap_or(FEW);
    raise_limit(count + OTHER_DESCRIPTORS);
    let mut scene = Scene::with_deadline("tcp", DEADLINE);
    scene.settle();
    let base = scene.base();
    let greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL";
    let begin = Instant::now();
    let target = [Target::Null, Target::Plain, Target::Curve];
    let mut slow: Vec<Peer> = (0..count)
        .map(|number| Peer::connect(scene.endpoint(target[number as usize % 3])).expect("the victim listens"))
        .collect();
    let connected = begin.elapsed();
    let mut slowest = Duration::ZERO;
    for byte in greeting.chunks(1) {
        // One that was dropped at random to make room says no more.
        slow.iter_mut().for_each(|peer| drop(peer.say(byte)));
        for target in target {
            let asked = Instant::now();
            come_and_go(&scene, target);
            slowest = slowest.max(asked.elapsed());
        }
        if begin.elapsed() > DEADLINE / 2 {
            break;
        }
        // not settling: one byte a second is what these peers are like.
        std::thread::sleep(Duration::from_secs(1));
    }
    let grown = scene.peak().saturating_sub(base);
    let all_gone = begin + connected + DEADLINE + GRACE;
    let left = slow.iter_mut().filter_map(|peer| (!peer.is_closed_by(all_gone)).then_some(())).count();
    scene.settle();
    println!(
        "{count} slow peers, connected in {connected:.1?}: {grown} bytes more, {} for each handshake in progress; \
         somebody who means well was answered within {slowest:.1?}",
        grown / count.min(3 * IN_PROGRESS)
    );
    assert_eq!(left, 0, "slow peers are left after the deadline");
    assert!(slowest <= ANSWERED_WITHIN, "{slowest:?}");
    assert!(grown <= LISTS + PER_PEER * count.min(3 * IN_PROGRESS), "{grown} bytes for {count} peers");
    scene.end();
}

/// As many descriptors, for this process and the victim that it starts.
fn raise_limit(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    assert!(wanted <= maximum, "the system allows {maximum} descriptors, {wanted} are needed");
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).expect("below the maximum");
    }
}
