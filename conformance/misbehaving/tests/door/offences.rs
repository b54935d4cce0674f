//! All offences over tcp and ipc against one process each: it lives, the offender alone suffers, memory is bounded, others are served.
//!
//! `FERROZMQ_OFFENCE` names a single one to commit. Offenders of a family have connections of their own, at one time.

use crate::scene::Scene;
use ferrozmq_misbehaving::{Ending, OFFENCES, Offence, Peer};
use std::ops::Range;
use std::time::{Duration, Instant};

/// What the victim gives for a handshake: little, so that those who are to be closed then do not take the test's time, and enough
/// for everybody who means well.
const DEADLINE: Duration = Duration::from_millis(300);
/// Longer than that, for a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(5);
/// Offenders of one family at one time.
const AT_ONCE: usize = 64;
/// What a peer may cost: bytes for each that it has sent, and bytes whatever it does.
const PER_BYTE: u64 = 3;
const PER_PEER: u64 = 64 * 1024;
/// The machine may take the time that a handshake has; then it is tried again.
const TRIALS: usize = 3;

#[test]
fn nothing_comes_of_any_offence_over_tcp() {
    commit_all("tcp");
}

#[test]
fn nothing_comes_of_any_offence_over_ipc() {
    commit_all("ipc");
}

#[test]
fn there_are_many_offences_and_each_has_a_name() {
    let mut names: Vec<&str> = OFFENCES.iter().map(|offence| offence.name).collect();
    assert!(names.len() >= 100, "{}", names.len());
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "two have the same name");
}

fn commit_all(transport: &str) {
    let only = std::env::var("FERROZMQ_OFFENCE").ok();
    let mut scene = Scene::with_deadline(transport, DEADLINE);
    let (mut rounds, mut bytes, mut worst, mut failures) = (0, 0, (0, 0, ""), Vec::new());
    for offence in OFFENCES.iter().filter(|offence| only.as_ref().is_none_or(|only| only == offence.name)) {
        let begin = Instant::now();
        for first in (0..offence.members).step_by(AT_ONCE) {
            let members = first..offence.members.min(first + AT_ONCE);
            match commit(&mut scene, offence, members) {
                Ok((sent, grown, share)) => {
                    (bytes, worst) = (bytes + sent, worst.max((share, grown, offence.name)));
                }
                Err(failure) => failures.push(format!("{}: {failure}", offence.name)),
            }
            rounds += 1;
        }
        if only.is_some() || begin.elapsed() > Duration::from_secs(1) {
            println!("{transport} {}: {:.1} s", offence.name, begin.elapsed().as_secs_f64());
        }
    }
    scene.end();
    assert!(failures.is_empty(), "over {transport}:\n{}", failures.join("\n"));
    let members: usize = OFFENCES.iter().map(|offence| offence.members).sum();
    println!(
        "{transport}: {} offences, {members} with all members, in {rounds} rounds, {bytes} bytes; \
         nearest to the memory allowed: {}, {} KiB, {} %",
        OFFENCES.len(),
        worst.2,
        worst.1 >> 10,
        worst.0
    );
}

/// Some members of a family at one time; the bytes they sent, those that the victim's heap has grown by, and how much of what was
/// allowed that is, in percent; or what is wrong.
fn commit(scene: &mut Scene, offence: &Offence, members: Range<usize>) -> Result<(u64, u64, u64), String> {
    scene.settle();
    let base = scene.base();
    let count = members.len() as u64;
    let mut peers = members
        .map(|member| offend(scene, offence, member))
        .collect::<Result<Vec<(Peer, bool)>, String>>()?;
    scene.good_peer_is_served(offence);
    let deadline = Instant::now() + PATIENCE;
    for (peer, said) in &mut peers {
        check_ending(offence.ending, peer, *said, deadline)?;
    }
    scene.good_peer_is_served(offence);
    let sent: u64 = peers.iter().map(|(peer, _)| peer.sent()).sum();
    let grown = scene.peak().saturating_sub(base);
    let allowed = PER_BYTE * sent + PER_PEER * count;
    if grown > allowed {
        return Err(format!("{grown} bytes more for {sent} bytes of {count} peers"));
    }
    Ok((sent, grown, grown * 100 / allowed))
}

/// Commits the offence on a connection of its own, and says whether all could be said.
fn offend(scene: &Scene, offence: &Offence, member: usize) -> Result<(Peer, bool), String> {
    for _ in 1..TRIALS {
        let mut peer = Peer::connect(scene.endpoint(offence.target)).expect("the victim listens");
        match (offence.commit)(&mut peer, member) {
            Ok(()) => return Ok((peer, true)),
            Err(_) if offence.ending != Ending::Ignored => return Ok((peer, false)),
            Err(_) => {}
        }
    }
    Err("the victim does not hear it to its end".to_owned())
}

fn check_ending(ending: Ending, peer: &mut Peer, said: bool, deadline: Instant) -> Result<(), String> {
    let wrong = match ending {
        Ending::Closed => !peer.is_closed_by(deadline),
        Ending::Ignored => !peer.is_served().unwrap_or(false),
        Ending::Waits => !said || peer.is_closed_by(Instant::now()),
        // Whatever it is, by then all has been read that was said.
        Ending::Any => peer.is_served().is_ok_and(|served| !served),
    };
    if wrong { Err(format!("this was to be its end: {ending:?}")) } else { Ok(()) }
}
