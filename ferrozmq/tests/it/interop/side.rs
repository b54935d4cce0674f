//! One socket of either library behind the same few calls, so that a scripted peer can be played against both.
//!
//! A script that libzmq does not follow is a wrong script: each is checked against libzmq in the same test run.

use crate::interop::part::{Part, assert_parts, message};
use crate::interop::python::{PATIENCE, Python};
use ferrozmq::{Context, Socket, SocketType};
use serde_json::json;
use std::time::Duration;

/// A bound socket.
pub enum Side {
    Ours { socket: Socket, _context: Context },
    Libzmq(Python),
}

/// Both sides, libzmq's first (a script that it does not follow is wrong), each with a socket of this type bound to a port of its own; libzmq's only where there is one.
pub fn both(what: &str, kind: SocketType) -> Vec<(Side, String)> {
    let mut sides = Vec::new();
    if let Some(mut python) = Python::start(&format!("{what}, against libzmq")) {
        let options = if kind == SocketType::Sub {
            json!({ "SUBSCRIBE": Part::text("topic").json() })
        } else {
            json!({})
        };
        python.open("side", kind.name(), options);
        let endpoint = python.bind("side", "tcp://127.0.0.1:*");
        sides.push((Side::Libzmq(python), endpoint));
    }
    sides.push(ours(kind));
    sides
}

fn ours(kind: SocketType) -> (Side, String) {
    let context = Context::new();
    let socket = context.socket(kind).expect("a socket");
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    if kind == SocketType::Sub {
        socket.subscribe("topic").expect("a subscription");
    }
    let endpoint = socket.bind("tcp://127.0.0.1:*").expect("a free port");
    (Side::Ours { socket, _context: context }, endpoint)
}

impl Side {
    pub fn name(&self) -> &'static str {
        match self {
            Side::Ours { .. } => "ours",
            Side::Libzmq(_) => "libzmq",
        }
    }

    /// Lets libzmq's SUB replay its subscriptions; ours needs no call for that.
    pub fn attend(&mut self) {
        if let Side::Libzmq(python) = self {
            python.attend("side");
        }
    }

    /// Sends this message, waiting for somebody to send it to.
    pub fn send(&mut self, parts: &[&str]) {
        match self {
            Side::Ours { socket, .. } => {
                socket.send_timeout(message(&texts(parts)), PATIENCE).expect("our side sends")
            }
            Side::Libzmq(python) => python.send("side", &texts(parts)),
        }
    }

    /// Receives a message and fails unless it is this one.
    pub fn expect(&mut self, parts: &[&str]) {
        match self {
            Side::Ours { socket, .. } => {
                assert_parts(
                    &socket.recv_timeout(PATIENCE).expect("a message arrives"),
                    &texts(parts),
                    "our side",
                );
            }
            Side::Libzmq(python) => python.expect("side", &texts(parts)),
        }
    }
}

fn texts(parts: &[&str]) -> Vec<Part> {
    parts.iter().map(|text| Part::text(text)).collect()
}
