//! What options and endpoints answer, compared with libzmq in the same run: defaults, values out of range, wrong lengths, wrong types;
//! endpoints that are malformed, unknown, absent, taken or somebody else's; last endpoints as they are told.

use crate::script::{Deviation, Script, Step, compare};
use ferrozmq::SocketType;

const US: &str = "us";
const PEER: &str = "peer";

/// Socket options of libzmq 4.3.5, and some numbers that are none.
const OPTIONS: std::ops::RangeInclusive<i32> = 0..=130;

/// Options that cannot be asked blindly: FD differs from run to run, and SUBSCRIBE's values are topics.
const LEFT_OUT: [i32; 1] = [14];

/// How large a buffer `zmq_getsockopt(3)` wants for this option.
fn size(option: i32) -> usize {
    match option {
        4 | 22 | 85..=87 => 8,
        5 | 32 | 45 | 46 | 55 | 63 | 64 | 68 | 92 | 99 | 100 => 1024,
        48..=50 => 32,
        _ => 4,
    }
}

#[test]
fn options_of_a_new_socket_read_as_libzmqs_do() {
    let scripts: Vec<Script> = SocketType::ALL
        .into_iter()
        .map(|kind| {
            let mut steps = vec![Step::Open(US, kind)];
            let wanted = OPTIONS.filter(|option| !LEFT_OUT.contains(option));
            steps.extend(wanted.map(|option| Step::Get(US, option, size(option))));
            Script { name: format!("defaults of {}", kind.name()), steps }
        })
        .collect();
    compare("defaults of options", &scripts, &default_deviations());
}

/// Options that are text: values with NULs and other control characters are not tried on them.
const TEXTS: [i32; 11] = [32, 38, 45, 46, 55, 63, 64, 68, 92, 99, 100];

/// Values tried on every option of every type.
fn values(option: i32) -> Vec<Vec<u8>> {
    let ints = [-2, -1, 0, 1, 2, 100, 65_536, i32::MIN, i32::MAX].map(|int: i32| int.to_ne_bytes().to_vec());
    let longs = [0, 1_i64, -1].map(|long| long.to_ne_bytes().to_vec());
    let texts = ["", "a", "x:y", "127.0.0.1", "127.0.0.1/8", "::1/999", "host:1080", "A23456789012345"];
    let texts = texts.map(|text| text.as_bytes().to_vec());
    let long_texts = [16, 17, 31, 32, 33, 40, 41, 255, 256].map(|length| vec![b'z'; length]);
    let mut all = Vec::new();
    if !TEXTS.contains(&option) {
        all.extend(ints.into_iter().chain(longs));
    }
    // libzmq reads the int of XSUB_VERBOSE_UNSUBSCRIBE without looking at the length.
    if option != 115 {
        all.extend(texts.into_iter().chain(long_texts));
    }
    all
}

/// Where our options differ, and are meant to.
fn option_deviations() -> Vec<Deviation> {
    let draft = "a draft option that PyZMQ's libzmq is built without; ours has it";
    let mut all = Vec::new();
    for option in [97, 101, 102, 110, 111, 112, 113, 114, 115] {
        all.push(differs(format!("option {option} of *"), "*", "E22", "ok*", draft));
    }
    all
}

/// Reading is part of the values' scripts too: the same differences, at defaults.
fn default_deviations() -> Vec<Deviation> {
    let draft = "a draft option: see the values";
    let mut list = Vec::new();
    for step in ["get us 97 *", "get us 101 *", "get us 102 *", "get us 112 *", "get us 113 *"] {
        list.push(differs("defaults of *", step, "E22", "ok*", draft));
    }
    list
}

fn differs(
    script: impl Into<String>,
    step: &'static str,
    libzmq: &'static str,
    ours: &'static str,
    reason: &'static str,
) -> Deviation {
    Deviation { script: script.into(), step, libzmq, ours, reason }
}

#[test]
fn options_take_and_refuse_what_libzmqs_do() {
    let mut scripts = Vec::new();
    for kind in SocketType::ALL {
        for option in OPTIONS.filter(|option| !LEFT_OUT.contains(option)) {
            let mut steps = vec![Step::Open(US, kind)];
            for value in values(option) {
                steps.push(Step::Set(US, option, value));
                steps.push(Step::Get(US, option, size(option)));
            }
            scripts.push(Script { name: format!("option {option} of {}", kind.name()), steps });
        }
    }
    compare("values of options", &scripts, &option_deviations());
}

/// Endpoints to bind and to connect to, right and wrong.
const ENDPOINTS: &[&str] = &[
    "",
    "tcp",
    "tcp:",
    "tcp:/",
    "tcp://",
    "://",
    "://x",
    "127.0.0.1:5555",
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:",
    "tcp://127.0.0.1:x",
    "tcp://127.0.0.1:5555x",
    "tcp://127.0.0.1:-1",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:99999",
    "tcp://127.0.0.1:0",
    "tcp://127.0.0.1:*",
    "tcp://127.0.0.1:!",
    "tcp://*:*",
    "tcp://*:0",
    "tcp://lo:*",
    "tcp://lo:0",
    "tcp://nosuchif:*",
    "tcp://nosuchif:{port}",
    "tcp://256.0.0.1:{port}",
    "tcp://192.0.2.1:{port}",
    "tcp://no such host:{port}",
    "tcp://localhost:*",
    "tcp://localhost:{port}",
    "tcp://[::1]:*",
    "tcp://[::1]:{port}",
    "tcp://::1:{port}",
    "tcp://[::1:{port}",
    "tcp://127.0.0.1;127.0.0.1:{port}",
    "tcp://127.0.0.1:0;127.0.0.1:{port}",
    "tcp://192.0.2.1:0;127.0.0.1:{port}",
    "tcp://;127.0.0.1:{port}",
    "tcp:///x:{port}",
    "TCP://127.0.0.1:{port}",
    "Tcp://127.0.0.1:*",
    "ipc://",
    "ipc:///nonexistent/folder/socket",
    "ipc:///",
    "ipc:///proc/socket",
    "ipc://@ferrozmq-same-answers",
    "ipc://@",
    "inproc://",
    "inproc://a",
    "inproc:// ",
    "udp://127.0.0.1:{port}",
    "pgm://127.0.0.1:{port}",
    "epgm://eth0;239.192.1.1:5555",
    "norm://127.0.0.1:{port}",
    "vmci://1:5555",
    "tipc://{5560,0,0}",
    "ws://127.0.0.1:{port}",
    "wss://127.0.0.1:{port}",
    "hvsocket://x",
    "vsock://1:5555",
    "http://127.0.0.1:{port}",
    "foo://bar",
    " tcp://127.0.0.1:{port}",
    "tcp://127.0.0.1:{port} ",
    "tcp:// 127.0.0.1:{port}",
];

#[test]
fn endpoints_are_taken_refused_and_told_as_by_libzmq() {
    let mut scripts = Vec::new();
    let long = format!("ipc:///tmp/{}", "x".repeat(120));
    let endpoints = ENDPOINTS.iter().map(|endpoint| (*endpoint).to_owned()).chain([long]);
    for endpoint in endpoints {
        for kind in [SocketType::Dealer, SocketType::Stream] {
            let name = |call: &str| format!("{} {endpoint:?} {call}", kind.name());
            let open = Step::Open(US, kind);
            let told = Step::Told(US);
            let bind = vec![
                open.clone(),
                Step::Bind(US, endpoint.clone()),
                told.clone(),
                Step::Unbind(US, endpoint.clone()),
            ];
            scripts.push(Script { name: name("bind"), steps: bind });
            let connect =
                vec![open, Step::Connect(US, endpoint.clone()), told, Step::Disconnect(US, endpoint.clone())];
            scripts.push(Script { name: name("connect"), steps: connect });
        }
    }
    scripts.extend(histories());
    compare("endpoints", &scripts, &endpoint_deviations());
}

/// Endpoints that libzmq takes, and that cannot have been meant.
const REFUSED_HERE: &[&str] = &[
    "tcp://127.0.0.1:5555x",
    "tcp://127.0.0.1:-1",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:99999",
    "tcp://[::1:{port}",
    "tcp://127.0.0.1:0;127.0.0.1:{port}",
    "tcp://192.0.2.1:0;127.0.0.1:{port}",
    "tcp://127.0.0.1:{port} ",
];

/// Where our endpoints differ, and are meant to.
fn endpoint_deviations() -> Vec<Deviation> {
    let meant =
        "nobody can have meant that: libzmq reads the beginning of a number, and forgets a bind's source";
    let port = "nobody can be connected to at port 0";
    let stream = "a STREAM socket speaks raw TCP, and nothing else has a meaning (zmq_socket(3))";
    let either = "unbind undoes binds, and disconnect connects; libzmq takes either for either";
    let absent = "this transport is not built yet, whatever the socket's type";
    let mut all = Vec::new();
    for kind in ["DEALER", "STREAM"] {
        all.extend(
            REFUSED_HERE
                .iter()
                .map(|endpoint| differs(format!("{kind} {endpoint:?} *"), "*", "*", "*", meant)),
        );
        for endpoint in ["tcp://127.0.0.1:0", "tcp://lo:0"] {
            all.push(differs(format!("{kind} {endpoint:?} connect"), "*", "ok*", "*", port));
        }
        for endpoint in ["udp://127.0.0.1:{port}", "tipc://{5560,0,0}"] {
            all.push(differs(format!("{kind} {endpoint:?} *"), "*", "*", "*", absent));
        }
    }
    all.push(differs("STREAM \"ipc:*", "*", "*", "*", stream));
    all.push(differs("STREAM \"inproc:*", "*", "*", "*", stream));
    let address = "a bind's address that is none is malformed, not an absent device";
    all.push(differs("*", "bind us tcp://*", "E19", "E22", address));
    for script in ["unbound what was connected", "disconnected what was bound", "inproc unbound as connected"]
    {
        all.push(differs(script, "*", "*", "*", either));
    }
    all
}

/// Binding, connecting and taking back, several times.
fn histories() -> Vec<Script> {
    let two = || vec![Step::Open(US, SocketType::Dealer), Step::Open(PEER, SocketType::Dealer)];
    let bind = |socket, endpoint: &str| Step::Bind(socket, endpoint.to_owned());
    let connect = |socket, endpoint: &str| Step::Connect(socket, endpoint.to_owned());
    let unbind = |socket, endpoint: &str| Step::Unbind(socket, endpoint.to_owned());
    let disconnect = |socket, endpoint: &str| Step::Disconnect(socket, endpoint.to_owned());
    let any = "tcp://127.0.0.1:*";
    let absent = "tcp://127.0.0.1:1";
    let histories: Vec<(&str, Vec<Step>)> = vec![
        ("tcp address taken", vec![bind(US, any), bind(PEER, "$us"), Step::Told(PEER)]),
        ("tcp address bound twice by one", vec![bind(US, any), bind(US, "$us"), Step::Told(US)]),
        ("inproc name taken", vec![bind(US, "inproc://a"), bind(PEER, "inproc://a"), Step::Told(PEER)]),
        (
            "inproc name free again",
            vec![bind(US, "inproc://a"), unbind(US, "inproc://a"), bind(PEER, "inproc://a")],
        ),
        (
            "abstract ipc name taken",
            vec![bind(US, "ipc://@ferrozmq-taken"), bind(PEER, "ipc://@ferrozmq-taken")],
        ),
        ("unbound twice", vec![bind(US, any), unbind(US, "$us"), Step::Told(US), unbind(US, "$us")]),
        ("unbound what was never bound", vec![unbind(US, absent), disconnect(US, absent)]),
        (
            "unbound what was connected",
            vec![connect(US, absent), unbind(US, absent), disconnect(US, absent), disconnect(US, absent)],
        ),
        ("disconnected what was bound", vec![bind(US, any), disconnect(US, "$us"), unbind(US, "$us")]),
        (
            "connected twice, disconnected twice",
            vec![connect(US, absent), connect(US, absent), disconnect(US, absent), disconnect(US, absent)],
        ),
        (
            "inproc connected twice",
            vec![
                bind(PEER, "inproc://a"),
                connect(US, "inproc://a"),
                connect(US, "inproc://a"),
                disconnect(US, "inproc://a"),
                disconnect(US, "inproc://a"),
            ],
        ),
        (
            "PUSH connected twice",
            vec![
                Step::Open("push", SocketType::Push),
                connect("push", absent),
                connect("push", absent),
                disconnect("push", absent),
                disconnect("push", absent),
            ],
        ),
        (
            "inproc disconnected before bind",
            vec![connect(US, "inproc://a"), disconnect(US, "inproc://a"), disconnect(US, "inproc://a")],
        ),
        (
            "inproc unbound as connected",
            vec![
                bind(US, "inproc://a"),
                disconnect(US, "inproc://a"),
                unbind(US, "inproc://a"),
                unbind(US, "inproc://a"),
            ],
        ),
        (
            "a failed bind leaves the last endpoint alone",
            vec![
                bind(US, any),
                bind(US, "tcp://nosuchif:*"),
                Step::Told(US),
                bind(US, "foo://bar"),
                Step::Told(US),
            ],
        ),
        (
            "a failed connect leaves the last endpoint alone",
            vec![connect(US, absent), connect(US, "tcp://x"), Step::Told(US)],
        ),
        (
            "connect to where a bind was",
            vec![bind(US, any), connect(PEER, "$us"), Step::Told(US), Step::Told(PEER)],
        ),
        (
            "wrong endpoints to take back",
            vec![
                unbind(US, ""),
                unbind(US, "tcp"),
                unbind(US, "foo://bar"),
                disconnect(US, ""),
                disconnect(US, "tcp"),
                disconnect(US, "foo://bar"),
            ],
        ),
        (
            "a closed place is free",
            vec![bind(US, "tcp://127.0.0.1:{port}"), unbind(US, "tcp://127.0.0.1:{port}"), Step::Told(US)],
        ),
    ];
    let history =
        |(name, steps): (&str, Vec<Step>)| Script { name: name.to_owned(), steps: [two(), steps].concat() };
    histories.into_iter().map(history).collect()
}
