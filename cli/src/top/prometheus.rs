//! The counts for Prometheus: its text format, over HTTP/1.0.
//!
//! Served by this process, never by the one that is looked into: that one keeps its single window, which only its owner can
//! open, and programs in C need nothing for it. Each request looks anew. One request at a time, of at most [`REQUEST_MAX`]
//! bytes and [`PATIENCE`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::sample::{Counts, Process};
use super::{look, processes};
use crate::failure::Failure;
use crate::talk::Talk;

const PATIENCE: Duration = Duration::from_secs(2);
const REQUEST_MAX: usize = 8192;

/// Serves until the process is ended.
///
/// # Errors
/// If nothing can listen at `address`.
pub fn serve(address: &str, pids: &[u32], talk: Talk) -> Result<(), Failure> {
    let listening = |error| Failure::while_doing(error, format_args!("listening at {address}"));
    let listener = TcpListener::bind(address).map_err(listening)?;
    let bound = listener.local_addr().map_err(listening)?;
    talk.note(format_args!("http://{bound}/metrics"));
    for visitor in listener.incoming() {
        // Whoever hangs up or says nothing costs this request only.
        let _ = visitor.and_then(|visitor| answer(visitor, pids, talk));
    }
    Ok(())
}

fn answer(mut visitor: TcpStream, pids: &[u32], talk: Talk) -> std::io::Result<()> {
    visitor.set_read_timeout(Some(PATIENCE))?;
    visitor.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut room = [0; 1024];
    while request.len() < REQUEST_MAX && !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match visitor.read(&mut room)? {
            0 => break,
            got => request.extend_from_slice(&room[..got]),
        }
    }
    let (status, body) = match request.starts_with(b"GET /metrics ") || request.starts_with(b"GET / ") {
        false => ("404 Not Found", "try GET /metrics\n".to_owned()),
        true => match look(pids) {
            Ok(reports) => ("200 OK", text(&processes(&reports, talk))),
            Err(failure) => ("503 Service Unavailable", format!("{failure}\n")),
        },
    };
    write!(
        visitor,
        "HTTP/1.0 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A metric: its name, its type, what it is, and where it is found.
type Metric = (&'static str, &'static str, &'static str, fn(&Counts) -> u64);

const METRICS: [Metric; 11] = [
    ("left_messages_total", "counter", "Messages that are with the kernel or the peer", |counts| counts.left),
    ("left_bytes_total", "counter", "Bytes given to the kernel", |counts| counts.left_bytes),
    ("arrived_messages_total", "counter", "Messages that have arrived", |counts| counts.arrived),
    ("arrived_bytes_total", "counter", "Bytes read from connections", |counts| counts.arrived_bytes),
    ("in_doubt_messages_total", "counter", "Messages that may be lost with their connection", |counts| {
        counts.in_doubt
    }),
    ("queued_out_messages", "gauge", "Messages that wait to be sent", |counts| counts.queued_out),
    ("queued_out_bytes", "gauge", "The same in bytes", |counts| counts.queued_out_bytes),
    ("queued_in_messages", "gauge", "Messages that wait to be received", |counts| counts.queued_in),
    ("queued_in_bytes", "gauge", "The same in bytes", |counts| counts.queued_in_bytes),
    ("reconnects_total", "counter", "Connections made again", |counts| counts.reconnects),
    ("handshake_failures_total", "counter", "Handshakes that failed", |counts| counts.handshake_failures),
];

fn text(processes: &[Process]) -> String {
    let mut out = String::new();
    let mut sockets = Vec::new();
    for process in processes {
        for socket in process.contexts.iter().flat_map(|context| &context.sockets) {
            let place = socket.endpoints.first().map_or("", |first| first.endpoint.as_str());
            let labels = format!(
                r#"pid="{}",program="{}",socket="{}",type="{}",endpoint="{}""#,
                process.pid,
                escaped(&process.program),
                socket.id,
                escaped(&socket.kind),
                escaped(place)
            );
            sockets.push((labels, &socket.stats));
        }
    }
    for (name, kind, help, value) in METRICS {
        let _ = writeln!(out, "# HELP zmq_socket_{name} {help}.\n# TYPE zmq_socket_{name} {kind}");
        for (labels, counts) in &sockets {
            let _ = writeln!(out, "zmq_socket_{name}{{{labels}}} {}", value(counts));
        }
    }
    losses(&mut out, "dropped", "Accepted messages that never left", &sockets, |counts| &counts.dropped);
    losses(&mut out, "discarded", "Arrived messages that were never received", &sockets, |counts| {
        &counts.discarded
    });
    out
}

fn losses(
    out: &mut String,
    name: &str,
    help: &str,
    sockets: &[(String, &Counts)],
    of: fn(&Counts) -> &BTreeMap<String, u64>,
) {
    let name = format!("zmq_socket_{name}_messages_total");
    let _ = writeln!(out, "# HELP {name} {help}, by reason.\n# TYPE {name} counter");
    for (labels, counts) in sockets {
        for (why, count) in of(counts) {
            let _ = writeln!(out, r#"{name}{{{labels},reason="{}"}} {count}"#, escaped(why));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_a_type_and_its_labels_are_escaped() {
        let json = r#"{"pid":7,"program":"a\"b","contexts":[{"totals":{},"sockets":[{"id":1,"type":"PUB","sndhwm":1,
            "rcvhwm":1,"endpoints":[],"stats":{"left":5,"dropped":{"hwm":3}},"peers":[]}]}]}"#;
        let text = text(&[serde_json::from_str(json).unwrap()]);
        let labels = r#"pid="7",program="a\"b",socket="1",type="PUB",endpoint="""#;
        assert!(text.contains(&format!("zmq_socket_left_messages_total{{{labels}}} 5\n")), "{text}");
        assert!(
            text.contains(&format!("zmq_socket_dropped_messages_total{{{labels},reason=\"hwm\"}} 3\n")),
            "{text}"
        );
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split('{').next().unwrap();
            assert!(text.contains(&format!("# TYPE {name} ")), "{line}");
        }
    }
}
