//! What each verb does, and which of the messaging loops it takes.
//!
//! Three loops carry messages: [`flow`] for sockets that send and receive as they please, [`request`]
//! and [`reply`] for the two that must take turns. Everything else has a file of its own.

mod completions;
mod doctor;
mod flow;
mod job;
mod keygen;
mod monitor;
mod passwd;
pub mod probe;
pub mod proxy;
pub mod record;
pub mod replay;
mod reply;
mod request;
pub mod run;

use std::ffi::OsString;

use ferrozmq::SocketType;

use crate::args::{
    Cli, EchoingArgs, ReceiverArgs, RecvArgs, RouterArgs, SendArgs, SenderArgs, TwoWayArgs, Verb,
};
use crate::failure::Failure;
use crate::talk::Talk;
use crate::{bench, demo, options, top};
use job::Job;

/// Does what the command line says.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(cli: Cli, talk: Talk) -> Result<(), Failure> {
    match cli.verb {
        Verb::Req(args) => two_way(SocketType::Req, &args, false, None, &[], talk),
        Verb::Rep(args) => echoing(SocketType::Rep, &args, talk),
        Verb::Dealer(args) => echoing(SocketType::Dealer, &args, talk),
        Verb::Router(args) => routing(SocketType::Router, &args, talk),
        Verb::Pub(args) => sender(SocketType::Pub, &args, None, talk),
        Verb::Sub(args) => receiver(SocketType::Sub, &args.receiver, &args.topics.subscribe, talk),
        Verb::Xpub(args) => two_way(SocketType::XPub, &args, false, None, &[], talk),
        Verb::Xsub(args) => {
            two_way(SocketType::XSub, &args.two_way, false, None, &args.topics.subscribe, talk)
        }
        Verb::Push(args) => sender(SocketType::Push, &args, None, talk),
        Verb::Pull(args) => receiver(SocketType::Pull, &args, &[], talk),
        Verb::Pair(args) => echoing(SocketType::Pair, &args, talk),
        Verb::Stream(args) => routing(SocketType::Stream, &args, talk),
        Verb::Send(args) => send(&args, talk),
        Verb::Recv(args) => recv(&args, talk),
        Verb::Proxy(args) => proxy::run(&args, talk),
        Verb::Monitor(args) => monitor::run(&args, talk),
        Verb::Top(args) => top::run(&args, talk),
        Verb::Record(args) => record::run(&args, talk),
        Verb::Replay(args) => replay::run(&args, talk),
        Verb::Doctor => doctor::run(talk),
        Verb::Keygen { file } => keygen::run(file.as_deref()),
        Verb::Passwd { user } => passwd::run(&user),
        Verb::Probe(args) => probe::run(&args),
        Verb::Run(args) => run::run(&args, talk),
        Verb::Bench(args) => bench::run(&args),
        Verb::Completions { shell } => completions::run(shell),
        Verb::Demo(args) => demo::run(&args, talk),
        Verb::DemoPart(args) => demo::take_part(&args),
    }
}

fn sender(kind: SocketType, args: &SenderArgs, to: Option<&str>, talk: Talk) -> Result<(), Failure> {
    let job =
        Job { send: Some(&args.send), to, ..Job::new(kind, &args.place, &args.framing, &args.stop, talk) };
    carry(&job)
}

fn receiver(kind: SocketType, args: &ReceiverArgs, topics: &[OsString], talk: Talk) -> Result<(), Failure> {
    let job = Job::new(kind, &args.place, &args.framing, &args.stop, talk);
    carry(&Job { show: Some(&args.show), exec: args.exec.exec.as_deref(), topics, ..job })
}

fn two_way(
    kind: SocketType,
    args: &TwoWayArgs,
    echo: bool,
    to: Option<&str>,
    topics: &[OsString],
    talk: Talk,
) -> Result<(), Failure> {
    let job = Job::new(kind, &args.place, &args.framing, &args.stop, talk);
    let (send, show) = (Some(&args.send), Some(&args.show));
    carry(&Job { send, show, exec: args.exec.exec.as_deref(), echo, to, topics, ..job })
}

fn echoing(kind: SocketType, args: &EchoingArgs, talk: Talk) -> Result<(), Failure> {
    two_way(kind, &args.two_way, args.echo.echo, None, &[], talk)
}

fn routing(kind: SocketType, args: &RouterArgs, talk: Talk) -> Result<(), Failure> {
    two_way(kind, &args.two_way, args.echo.echo, args.to.to.as_deref(), &[], talk)
}

fn send(args: &SendArgs, talk: Talk) -> Result<(), Failure> {
    use SocketType::{Pull, Rep, Req, Sub};
    match args.kind.kind {
        kind @ (Pull | Sub) => Err(wrong_direction(kind, "only receives", "recv")),
        kind @ (Req | Rep) => Err(wrong_direction(kind, "sends and receives in turn", &verb_of(kind))),
        kind => sender(kind, &args.sender, args.to.to.as_deref(), talk),
    }
}

fn recv(args: &RecvArgs, talk: Talk) -> Result<(), Failure> {
    use SocketType::{Pub, Push, Rep, Req};
    match args.kind.kind {
        kind @ (Push | Pub) => Err(wrong_direction(kind, "only sends", "send")),
        kind @ (Req | Rep) => Err(wrong_direction(kind, "sends and receives in turn", &verb_of(kind))),
        kind => receiver(kind, &args.receiver, &args.topics.subscribe, talk),
    }
}

fn wrong_direction(kind: SocketType, fact: &str, instead: &str) -> Failure {
    Failure::Usage(format!("{} {fact}; use `zmq {instead}`", kind.name()))
}

fn verb_of(kind: SocketType) -> String {
    kind.name().to_ascii_lowercase()
}

fn carry(job: &Job<'_>) -> Result<(), Failure> {
    if options::are_asked_for(&job.place.option) {
        return options::list(&[job.kind]);
    }
    match job.kind {
        SocketType::Req => request::run(job),
        SocketType::Rep => reply::run(job),
        _ => flow::run(job),
    }
}
