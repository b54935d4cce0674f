//! `misbehaving ENDPOINT --OFFENCE [--OFFENCE…]`: commits offences against whatever listens there, and says what came of it.
//!
//! `misbehaving --list` names them. A CURVE server has to have the secret key that `--list` shows, since most offences against it are
//! those of somebody who knows its public key. What should come of an offence is the test's business, not this program's.

use ferrozmq_misbehaving::{OFFENCES, Offence, Peer, SERVER_SECRET};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a victim may take to close.
const PATIENCE: Duration = Duration::from_secs(35);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((flag, [])) if flag == "--list" => list(),
        Some((endpoint, names)) if !names.is_empty() => {
            names.iter().try_for_each(|name| commit(endpoint, name))
        }
        _ => {
            Err(io::Error::other("usage: misbehaving ENDPOINT --OFFENCE [--OFFENCE…], or misbehaving --list"))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("misbehaving: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Offence { name, text, target, ending, members, .. } in OFFENCES.iter() {
        writeln!(out, "--{name:32} {:10} {:8} {members:4}  {text}", target.name(), format!("{ending:?}"))?;
    }
    writeln!(out, "\nthe secret key of the CURVE server: 32 times the byte {:#x}", SERVER_SECRET[0])
}

fn commit(endpoint: &str, flag: &str) -> io::Result<()> {
    let known = OFFENCES.iter().find(|offence| flag.strip_prefix("--") == Some(offence.name));
    let offence = known.ok_or_else(|| io::Error::other(format!("no such offence: {flag}; try --list")))?;
    for member in 0..offence.members {
        let mut peer = Peer::connect(endpoint)?;
        let said = (offence.commit)(&mut peer, member);
        let served = said.is_ok() && peer.is_served().unwrap_or(false);
        let closed = !served && peer.is_closed_by(Instant::now() + PATIENCE);
        let end = match (served, closed) {
            (true, _) => "served on",
            (_, true) => "closed",
            _ => "still open",
        };
        println!("{} {member}: {end} after {} bytes", offence.name, peer.sent());
    }
    Ok(())
}
