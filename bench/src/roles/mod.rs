//! The roles: the same loops for every contender.
//!
//! No end closes before the driver closes its stdin. libzmq drops what it has not read when an `ipc` peer leaves while it is at its
//! high-water mark, and then a receiver would wait for ever for messages that were sent.

mod paced;
mod proxy;
mod publish;
mod round_trip;
mod shake;
mod stream;

use crate::{CANNOT, Figures, Job, Library, Line, Role, Setup, Socket};
use std::io::Read;
use std::process::ExitCode;

/// Connections that may wait while a crowd connects at once.
const BACKLOG: i32 = 4096;
/// Sockets that every context has room for, as libzmq's has.
const FEW: usize = 1023;

/// The `main` of a contender.
#[must_use]
pub fn run<L: Library>() -> ExitCode {
    match Job::from_arguments().and_then(|jobs| play::<L>(&jobs)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => give_up(&reason),
    }
}

/// Ends the process, in which another thread may wait for ever for what will not come.
fn give_up(reason: &str) -> ! {
    if reason.starts_with(CANNOT) {
        Line::Declined(reason.to_owned()).print();
        std::process::exit(0);
    }
    eprintln!("{reason}");
    std::process::exit(1)
}

/// Opens the sockets of all jobs in order, and plays each job in a thread of its own, the last one in this.
fn play<L: Library>(jobs: &[Job]) -> Result<(), String> {
    let sockets: usize = jobs.iter().map(|job| job.ends + 10).sum();
    let library = L::open(sockets.max(FEW))?;
    let mut parts = Vec::new();
    for job in jobs {
        parts.push((job, open_all(&library, job)?));
    }
    std::thread::scope(|scope| {
        let last = parts.pop();
        for (job, sockets) in parts {
            let library = &library;
            scope.spawn(move || perform(library, job, sockets).unwrap_or_else(|reason| give_up(&reason)));
        }
        if let Some((job, sockets)) = last {
            perform(&library, job, sockets).unwrap_or_else(|reason| give_up(&reason));
        }
    });
    library.close()
}

/// The sockets that `job` begins with.
fn open_all<L: Library>(library: &L, job: &Job) -> Result<Vec<L::Socket>, String> {
    let count = match job.role {
        Role::Push | Role::Subscribe => job.ends,
        Role::Proxy => return proxy::open(library, job),
        Role::Shake => 0,
        _ => 1,
    };
    (0..count).map(|_| open(library, job)).collect()
}

fn perform<L: Library>(library: &L, job: &Job, mut sockets: Vec<L::Socket>) -> Result<(), String> {
    let figures = match (job.role, sockets.as_mut_slice()) {
        (Role::Push, sockets) => stream::push(sockets, job),
        (Role::Subscribe, sockets) => publish::subscribe(sockets, job),
        (Role::Shake, _) => shake::run(library, job),
        (Role::Proxy, _) => return proxy::run(library, job, sockets),
        (Role::Echo, [socket]) => round_trip::echo(socket, job),
        (Role::Ask, [socket]) => round_trip::ask(socket, job),
        (Role::Pull, [socket]) => stream::pull(socket, job),
        (Role::TimedPull, [socket]) => paced::pull(socket, job),
        (Role::PacedPush, [socket]) => paced::push(socket, job),
        (Role::Publish, [socket]) => publish::publish(socket, job),
        (_, _) => Err("these roles have one socket".to_owned()),
    }?;
    report(job, figures);
    wait_for_end();
    sockets.into_iter().try_for_each(Socket::close)
}

fn report(job: &Job, figures: Figures) {
    if !job.silent {
        Line::Figures(figures).print();
    }
}

fn setup(job: &Job) -> Setup {
    let crowd = job.role == Role::Echo && job.ends > 1;
    let (no_drop, no_mark) = (job.role == Role::Publish, job.topics > 0);
    Setup { curve: job.curve, backlog: crowd.then_some(BACKLOG), no_drop, no_mark }
}

/// A socket that is bound, subscribed and connected as `job` says.
fn open<L: Library>(library: &L, job: &Job) -> Result<L::Socket, String> {
    let mut socket = library.socket(job.kind, &setup(job))?;
    let mut places = Vec::new();
    for endpoint in &job.bind {
        places.push(socket.bind(endpoint)?);
    }
    if job.role == Role::Subscribe {
        publish::subscribe_to_all(&mut socket, job)?;
    }
    tell_of(places);
    for endpoint in &job.connect {
        socket.connect(endpoint)?;
    }
    Ok(socket)
}

/// Tells others where they may connect; names of inproc are known to all who can.
fn tell_of(places: Vec<String>) {
    if places.first().is_some_and(|place| !place.starts_with("inproc")) {
        Line::Listening(places).print();
    }
}

/// Returns when the driver has closed our stdin.
fn wait_for_end() {
    // Whatever ends the reading, an error too, it is the end.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
