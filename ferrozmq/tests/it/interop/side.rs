//! One socket of either library behind the same few calls, so that a scripted peer can be played against both.
//!
//! A script that libzmq does not follow is a wrong script: each is checked against libzmq in the same test run.

use crate::interop::part::{Part, assert_parts, message};
use crate::interop::python::{PATIENCE, Python};
use ferrozmq::{Context, Socket, SocketType};
use serde_json::json;
use std::time::Duration;

/// A socket that is bound, or connected.
pub enum Side {
    Ours { socket: Socket, _context: Context },
    Libzmq(Python),
}

/// Both sides, libzmq's first (a script that it does not follow is wrong), each with a socket of this type bound to a port of its own; libzmq's only where there is one.
pub fn both(what: &str, kind: SocketType) -> Vec<(Side, String)> {
    sides(what, kind).map(|mut side| (side.bind(), side)).map(|(endpoint, side)| (side, endpoint)).collect()
}

/// Both sides as in [`both`], neither bound nor connected.
pub fn sides(what: &str, kind: SocketType) -> impl Iterator<Item = Side> {
    let libzmq = Python::start(&format!("{what}, against libzmq")).map(|mut python| {
        let options = if kind == SocketType::Sub {
            json!({ "SUBSCRIBE": Part::text("topic").json() })
        } else {
            json!({})
        };
        python.open("side", kind.name(), options);
        Side::Libzmq(python)
    });
    libzmq.into_iter().chain([ours(kind)])
}

fn ours(kind: SocketType) -> Side {
    let context = Context::new();
    let socket = context.socket(kind).expect("a socket");
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    if kind == SocketType::Sub {
        socket.subscribe("topic").expect("a subscription");
    }
    Side::Ours { socket, _context: context }
}

impl Side {
    pub fn name(&self) -> &'static str {
        match self {
            Side::Ours { .. } => "ours",
            Side::Libzmq(_) => "libzmq",
        }
    }

    fn bind(&mut self) -> String {
        let anywhere = "tcp://127.0.0.1:*";
        match self {
            Side::Ours { socket, .. } => socket.bind(anywhere).expect("a free port"),
            Side::Libzmq(python) => python.bind("side", anywhere),
        }
    }

    pub fn connect(&mut self, endpoint: &str) {
        match self {
            Side::Ours { socket, .. } => socket.connect(endpoint).expect("our side connects"),
            Side::Libzmq(python) => python.connect("side", endpoint),
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
