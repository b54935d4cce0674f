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
    match Job::from_arguments().and_then(|job| play::<L>(&job)) {
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

fn play<L: Library>(job: &Job) -> Result<(), String> {
    let library = L::open((job.ends + 10).max(FEW))?;
    match job.role {
        Role::Echo => one_socket(&library, job, |socket| round_trip::echo(socket, job)),
        Role::Ask => one_socket(&library, job, |socket| round_trip::ask(socket, job)),
        Role::Pull => one_socket(&library, job, |socket| stream::pull(socket, job)),
        Role::Push => many_sockets(&library, job, |sockets| stream::push(sockets, job, &wait_for_end)),
        Role::TimedPull => one_socket(&library, job, |socket| paced::pull(socket, job)),
        Role::PacedPush => one_socket(&library, job, |socket| paced::push(socket, job)),
        Role::Publish => one_socket(&library, job, |socket| publish::publish(socket, job)),
        Role::Subscribe => many_sockets(&library, job, |sockets| publish::subscribe(sockets, job)),
        Role::Proxy => proxy::run(&library, job),
        Role::Shake => shake::run(&library, job),
        Role::Stream => stream::both(&library, job),
        Role::Trip => round_trip::both(&library, job),
    }?;
    library.close()
}

fn setup(job: &Job) -> Setup {
    let crowd = job.role == Role::Echo && job.ends > 1;
    let (no_drop, no_mark) = (job.role == Role::Publish, job.topics > 0);
    Setup { curve: job.curve, backlog: crowd.then_some(BACKLOG), no_drop, no_mark }
}

/// A socket that is bound and connected as `job` says.
fn open<L: Library>(library: &L, job: &Job) -> Result<L::Socket, String> {
    let mut socket = library.socket(job.kind, &setup(job))?;
    let mut places = Vec::new();
    for endpoint in &job.bind {
        places.push(socket.bind(endpoint)?);
    }
    if !places.is_empty() {
        Line::Listening(places).print();
    }
    for endpoint in &job.connect {
        socket.connect(endpoint)?;
    }
    Ok(socket)
}

fn one_socket<L: Library>(
    library: &L,
    job: &Job,
    play: impl FnOnce(&mut L::Socket) -> Result<Figures, String>,
) -> Result<(), String> {
    let mut socket = open(library, job)?;
    let figures = play(&mut socket)?;
    Line::Figures(figures).print();
    wait_for_end();
    socket.close()
}

/// As many sockets as `job` has ends.
fn many_sockets<L: Library>(
    library: &L,
    job: &Job,
    play: impl FnOnce(&mut [L::Socket]) -> Result<Figures, String>,
) -> Result<(), String> {
    let mut sockets = Vec::new();
    for _ in 0..job.ends {
        let unconnected = Job { connect: Vec::new(), ..job.clone() };
        let mut socket = open(library, &unconnected)?;
        if job.role == Role::Subscribe {
            publish::subscribe_to_all(&mut socket, job)?;
        }
        for endpoint in &job.connect {
            socket.connect(endpoint)?;
        }
        sockets.push(socket);
    }
    let figures = play(&mut sockets)?;
    Line::Figures(figures).print();
    wait_for_end();
    sockets.into_iter().try_for_each(Socket::close)
}

/// Returns when the driver has closed our stdin.
fn wait_for_end() {
    // Whatever ends the reading, an error too, it is the end.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
