//! `zmq proxy`: messages pass between two sockets, with any number of peers on both sides.
//!
//! The library's own proxy does the work; this file opens the sockets, says how much passes, and ends it.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};
use ferrozmq::{Context, Socket, SocketType, proxy, proxy_steerable};

use crate::failure::Failure;
use crate::open::Endpoints;
use crate::options;
use crate::security::SecurityFlags;
use crate::talk::Talk;
use crate::units;
use crate::wake::Wake;

/// Flags of `proxy`.
#[derive(Args, Debug)]
pub struct ProxyArgs {
    /// What passes: queue (req → rep), forwarder (pub → sub), streamer (push → pull)
    #[arg(short, long, value_name = "KIND", default_value = "queue")]
    pub kind: Kind,
    /// Bind here for clients, publishers or pushers (may be repeated)
    #[arg(long, value_name = "ENDPOINT")]
    pub front: Vec<String>,
    /// Connect the front to this endpoint (may be repeated)
    #[arg(long, value_name = "ENDPOINT")]
    pub front_connect: Vec<String>,
    /// Bind here for services, subscribers or pullers (may be repeated)
    #[arg(long, value_name = "ENDPOINT")]
    pub back: Vec<String>,
    /// Connect the back to this endpoint (may be repeated)
    #[arg(long, value_name = "ENDPOINT")]
    pub back_connect: Vec<String>,
    /// Publish a copy of everything here
    #[arg(long, value_name = "ENDPOINT")]
    pub capture: Option<String>,
    /// Obey requests that come here: PAUSE, RESUME, TERMINATE, STATISTICS
    #[arg(long, value_name = "ENDPOINT")]
    pub control: Option<String>,
    /// Say this often how much has passed
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub stats: Option<Duration>,
    /// Set a socket option on both sides, such as sndhwm=10; "list" shows all (may be repeated)
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    #[command(flatten)]
    pub security: SecurityFlags,
}

/// What passes through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Requests forward, replies back.
    Queue,
    /// Publications forward, subscriptions back.
    Forwarder,
    /// Work forward.
    Streamer,
}

impl Kind {
    fn sides(self) -> (SocketType, SocketType) {
        match self {
            Kind::Queue => (SocketType::Router, SocketType::Dealer),
            Kind::Forwarder => (SocketType::XSub, SocketType::XPub),
            Kind::Streamer => (SocketType::Pull, SocketType::Push),
        }
    }
}

/// Passes messages until told to stop.
///
/// # Errors
/// [`Failure::Interrupted`] after Ctrl-C; whatever the library reports.
pub fn run(args: &ProxyArgs, talk: Talk) -> Result<(), Failure> {
    if options::are_asked_for(&args.option) {
        let (front, back) = args.kind.sides();
        return options::list(&[front, back]);
    }
    let context = args.security.context()?;
    let wake = Wake::new()?;
    let ending = context.clone();
    wake.listen_for_signals(move || ending.shutdown())?;
    let sockets = Sockets::open(args, &context, talk)?;
    let outcome = std::thread::scope(|scope| {
        let (running, ended) = channel::<()>();
        if let Some(interval) = args.stats {
            let sockets = &sockets;
            scope.spawn(move || {
                while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    sockets.report(talk);
                }
            });
        }
        let outcome = sockets.pass();
        drop(running);
        outcome
    });
    wake.check()?;
    wake.leave();
    drop(sockets);
    context.term();
    outcome.map_err(Failure::from)
}

struct Sockets {
    front: Socket,
    back: Socket,
    capture: Option<Socket>,
    control: Option<Socket>,
}

impl Sockets {
    fn open(args: &ProxyArgs, context: &Context, talk: Talk) -> Result<Sockets, Failure> {
        let (front, back) = args.kind.sides();
        let front = side(context, front, "--front", &args.front, &args.front_connect, args, talk)?;
        let back = side(context, back, "--back", &args.back, &args.back_connect, args, talk)?;
        let extra = |endpoint: &Option<String>, kind| -> Result<Option<Socket>, Failure> {
            let Some(endpoint) = endpoint else { return Ok(None) };
            let socket = context.socket(kind)?;
            Endpoints::expand(std::slice::from_ref(endpoint), &[])?.attach(&socket, false, talk)?;
            Ok(Some(socket))
        };
        let capture = extra(&args.capture, SocketType::Pub)?;
        let control = extra(&args.control, SocketType::Rep)?;
        Ok(Sockets { front, back, capture, control })
    }

    fn pass(&self) -> ferrozmq::Result<()> {
        loop {
            let ended = match &self.control {
                Some(control) => proxy_steerable(&self.front, &self.back, self.capture.as_ref(), control),
                None => proxy(&self.front, &self.back, self.capture.as_ref()),
            };
            match ended {
                // A signal that is to end us shuts the context down, and so ends the next round.
                Err(error) if error.is_interrupted() => {}
                ended => return ended,
            }
        }
    }

    fn report(&self, talk: Talk) {
        let (front, back) = (self.front.stats(), self.back.stats());
        talk.note(format_args!(
            "front: {} in, {} out, {} peers; back: {} in, {} out, {} peers",
            front.received, front.sent, front.peers, back.received, back.sent, back.peers
        ));
    }
}

fn side(
    context: &Context,
    kind: SocketType,
    name: &str,
    bind: &[String],
    connect: &[String],
    args: &ProxyArgs,
    talk: Talk,
) -> Result<Socket, Failure> {
    if bind.is_empty() && connect.is_empty() {
        return Err(Failure::Usage(format!("say where: {name} ENDPOINT, or {name}-connect ENDPOINT")));
    }
    let socket = context.socket(kind)?;
    for option in &args.option {
        let (name, value) =
            option.split_once('=').ok_or_else(|| Failure::Usage(format!("-o {option}: write NAME=VALUE")))?;
        socket.set_text(name, value).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    args.security.apply(&socket, !bind.is_empty())?;
    Endpoints::expand(bind, connect)?.attach(&socket, false, talk)?;
    Ok(socket)
}
