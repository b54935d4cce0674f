//! `zmq monitor`: run a socket and print what happens to its connections.
//!
//! Messages that arrive are taken and dropped, so that the socket behaves as one that is read.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::SystemTime;

use ferrozmq::{EventKind, MonitorEvent, Socket, SocketType};
use serde::Serialize;

use crate::args::MonitorArgs;
use crate::failure::Failure;
use crate::open::{Endpoints, print_line, set_up, subscribe};
use crate::options;
use crate::port::{Port, Wish, earlier, is_past};
use crate::talk::Talk;
use crate::template::time_stamp;
use crate::wake::{self, Wake};
use crate::watch::describe;

/// Prints events until told to stop; `-n` counts events.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(args: &MonitorArgs, talk: Talk) -> Result<(), Failure> {
    if options::are_asked_for(&args.place.option) {
        return options::list(&[args.kind.kind]);
    }
    let endpoints = Endpoints::of(&args.place)?;
    let wake = Wake::new()?;
    wake.listen_for_signals(|| {})?;
    let context = args.place.security.context()?;
    let socket = context.socket(args.kind.kind)?;
    set_up(&socket, &args.place)?;
    let events = events_of(&socket, &wake)?;
    endpoints.attach(&socket, args.place.print_endpoint, talk)?;
    if args.kind.kind == SocketType::Sub {
        subscribe(&socket, &[])?;
    }
    let port = Port { socket, wake, watch: None };
    let outcome = print_all(args, &port, &events);
    port.socket.set_linger(Some(std::time::Duration::ZERO))?;
    drop(port);
    context.term();
    outcome
}

fn events_of(socket: &Socket, wake: &Arc<Wake>) -> Result<Receiver<MonitorEvent>, Failure> {
    let monitor = socket.monitor()?;
    let (sender, receiver) = channel();
    let wake = Arc::clone(wake);
    wake::spawn("events", move || {
        for event in monitor {
            let last = event.kind == EventKind::MonitorStopped;
            let wanted = sender.send(event).is_ok();
            wake.raise();
            if last || !wanted {
                break;
            }
        }
    })?;
    Ok(receiver)
}

fn print_all(args: &MonitorArgs, port: &Port, events: &Receiver<MonitorEvent>) -> Result<(), Failure> {
    let from_now =
        |length: Option<std::time::Duration>| length.map(|length| std::time::Instant::now() + length);
    let readable = !matches!(args.kind.kind, SocketType::Push | SocketType::Pub | SocketType::Req);
    // A REP could take only one request without answering; it takes none.
    let reads = readable && args.kind.kind != SocketType::Rep;
    let end = from_now(args.stop.duration);
    let mut patience = from_now(args.stop.timeout);
    let (mut printed, mut living, mut had_peers) = (0, 0_u64, false);
    loop {
        for event in events.try_iter() {
            if args.stop.count.is_some_and(|count| printed >= count) {
                return Ok(());
            }
            print_line(&if args.json { json(&event) } else { describe(&event) })?;
            printed += 1;
            patience = from_now(args.stop.timeout);
            match event.kind {
                EventKind::HandshakeSucceeded => (living, had_peers) = (living + 1, true),
                EventKind::Disconnected => living = living.saturating_sub(1),
                _ => {}
            }
        }
        let enough = args.stop.count.is_some_and(|count| printed >= count);
        if enough || is_past(end) || (args.stop.until_gone && had_peers && living == 0) {
            return Ok(());
        }
        if is_past(patience) {
            return Err(Failure::TimedOut("nothing has happened in time".into()));
        }
        while reads && port.try_recv()?.is_some() {}
        port.wait(if reads { Wish::RECEIVE } else { Wish::NOTHING }, earlier(end, patience))?;
    }
}

#[derive(Serialize)]
struct Line {
    t: String,
    event: String,
    value: u64,
    local: String,
    remote: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn json(event: &MonitorEvent) -> String {
    let line = Line {
        t: time_stamp(SystemTime::now()),
        event: event.kind.name().to_ascii_lowercase(),
        value: event.value,
        local: event.local.to_string(),
        remote: event.remote.to_string(),
        reason: event.reason.as_ref().map(ToString::to_string),
    };
    serde_json::to_string(&line).expect("a line of strings and numbers has a JSON form")
}
