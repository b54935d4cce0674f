//! Which routing ids a ROUTER takes from its peers, and routes by, compared with libzmq in the same run.

use crate::script::{Deviation, Script, Step, compare};
use ferrozmq::SocketType;

const US: &str = "us";
const PEER: &str = "peer";
const ROUTING_ID: i32 = 5;
/// How long a call may wait for what does come, in milliseconds.
const SOON_MS: u32 = 10_000;

/// A DEALER of this name says hello to a ROUTER, which answers to the name.
fn conversation(id: &[u8], endpoint: &str) -> Script {
    let send = |socket, parts| Step::Send { socket, parts, wait_ms: Some(SOON_MS), more: false };
    let mut steps = vec![
        Step::Open(US, SocketType::Router),
        Step::Open(PEER, SocketType::Dealer),
        Step::Set(PEER, ROUTING_ID, id.to_vec()),
        Step::Bind(US, endpoint.to_owned()),
        Step::Connect(PEER, "$us".to_owned()),
        send(PEER, vec![b"hello".to_vec()]),
        Step::Recv(US, Some(SOON_MS)),
    ];
    if !has_the_form_of_ours(id) {
        steps.extend([send(US, vec![id.to_vec(), b"answer".to_vec()]), Step::Recv(PEER, Some(SOON_MS))]);
    }
    Script { name: format!("{} at {endpoint}", id.escape_ascii()), steps }
}

/// A zero and four bytes more.
fn has_the_form_of_ours(id: &[u8]) -> bool {
    id.len() == 5 && id[0] == 0
}

#[test]
fn ids_that_begin_with_zero_are_kept_as_libzmq_keeps_them() {
    let long = [b"\0".to_vec(), vec![7; 80]].concat();
    let ids: [&[u8]; 8] = [b"a", b"12345", b"\0", b"\0a", b"\0abc", b"\0abcde", b"\0random bytes 16", &long];
    let ours: &[u8] = b"\0abcd";
    let ids = ids.into_iter().chain([ours]);
    let scripts: Vec<Script> = ids
        .flat_map(|id| ["tcp://127.0.0.1:*", "ipc://*", "inproc://place"].map(|at| conversation(id, at)))
        .collect();
    let deviation = Deviation {
        script: "\\x00abcd at *".to_owned(),
        step: "recv us*",
        libzmq: "ok 0061626364|*",
        ours: "ok 00*",
        reason: "nobody inherits the id that this ROUTER gave to a nameless peer",
    };
    compare("routing ids that begin with zero", &scripts, &[deviation]);
}
