//! The list of offences, by what they are against.

mod curve;
mod greeting;
mod null;
mod plain;
mod subscriptions;
mod traffic;

use crate::{Ending, Offence, Peer, Target};
use std::sync::LazyLock;

pub use plain::{PASSWORD, USERNAME};

/// All of them.
pub static OFFENCES: LazyLock<Vec<&'static Offence>> = LazyLock::new(|| {
    [
        greeting::OFFENCES,
        null::OFFENCES,
        traffic::OFFENCES,
        subscriptions::OFFENCES,
        plain::OFFENCES,
        curve::OFFENCES,
    ]
    .into_iter()
    .flatten()
    .collect()
});

type Commit = fn(&mut Peer, usize) -> std::io::Result<()>;

/// A row of the lists.
const fn offence(
    target: Target,
    ending: Ending,
    name: &'static str,
    text: &'static str,
    commit: Commit,
) -> Offence {
    Offence { name, text, target, ending, members: 1, commit }
}

/// A row for a family.
const fn family(
    members: usize,
    target: Target,
    ending: Ending,
    name: &'static str,
    text: &'static str,
    commit: Commit,
) -> Offence {
    Offence { name, text, target, ending, members, commit }
}

/// `bytes` with the one at `place` changed in every bit.
fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 0xff;
    }
    bytes
}
