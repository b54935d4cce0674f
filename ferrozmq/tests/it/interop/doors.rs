//! Who gets in: every mechanism, each answer of a ZAP handler and none, keys and roles that do not match, over tcp and ipc; ours as
//! the server and as the client, and libzmq with itself to compare with. Monitors have to tell the same.
//!
//! What libzmq does with itself is the expectation; nothing here says what is right.

use crate::interop::part::Part;
use crate::interop::python::{PATIENCE, Python};
use crate::peer::SOON;
use ferrozmq::{AccessRules, Context, EventKind, Message, Monitor, Rep, Socket, SocketType, hash_password};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Two key pairs in Z85, public and secret; they guard nothing.
const SERVER: [&str; 2] =
    ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"];
const CLIENT: [&str; 2] =
    ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"];

type Options = Vec<(&'static str, &'static str)>;

/// What one side's monitor told: the event's number, and its value where it does not depend on timing.
type Seen = Option<(u64, u64)>;

/// How long to wait for an event that may not come.
const PAUSE: u64 = 2_000;
/// The time for handshakes with a handler that says nothing.
const SHORT: (&str, &str) = ("HANDSHAKE_IVL", "300");

fn null_server() -> Options {
    vec![("ZAP_DOMAIN", "test")]
}

fn plain_server() -> Options {
    vec![("PLAIN_SERVER", "1")]
}

fn plain_client() -> Options {
    vec![("PLAIN_USERNAME", "admin"), ("PLAIN_PASSWORD", "open sesame")]
}

fn curve_server() -> Options {
    vec![("CURVE_SERVER", "1"), ("CURVE_PUBLICKEY", SERVER[0]), ("CURVE_SECRETKEY", SERVER[1])]
}

fn curve_client() -> Options {
    curve_client_of(SERVER[0])
}

fn curve_client_of(server: &'static str) -> Options {
    vec![("CURVE_SERVERKEY", server), ("CURVE_PUBLICKEY", CLIENT[0]), ("CURVE_SECRETKEY", CLIENT[1])]
}

fn with(mut options: Options, more: &[(&'static str, &'static str)]) -> Options {
    options.extend(more);
    options
}

/// What the handler of the server's side does.
#[derive(Clone, Copy, PartialEq)]
enum Handler {
    Absent,
    Silent,
    Says([&'static str; 6]),
}

const fn says(status: &'static str) -> Handler {
    Handler::Says(["1.0", "1", status, "text", "anna", ""])
}

struct Case {
    name: &'static str,
    server: Options,
    client: Options,
    handler: Handler,
}

/// Every mechanism with every answer.
fn answers() -> Vec<Case> {
    let handlers = [
        ("200", says("200")),
        ("300", says("300")),
        ("400", says("400")),
        ("500", says("500")),
        ("a status of its own", says("201")),
        ("another version", Handler::Says(["2.0", "1", "200", "text", "anna", ""])),
        ("another request", Handler::Says(["1.0", "7", "200", "text", "anna", ""])),
        ("metadata that are none", Handler::Says(["1.0", "1", "200", "text", "anna", "x"])),
        ("nothing", Handler::Silent),
        ("no handler", Handler::Absent),
    ];
    let mechanisms = [
        (null_server(), Options::new()),
        (plain_server(), plain_client()),
        (curve_server(), curve_client()),
        (with(null_server(), &[("ZAP_ENFORCE_DOMAIN", "1")]), Options::new()),
        (with(curve_server(), &[("ZAP_ENFORCE_DOMAIN", "1"), ("ZAP_DOMAIN", "test")]), curve_client()),
        (with(curve_server(), &[("ZAP_ENFORCE_DOMAIN", "1")]), curve_client()),
    ];
    let mut cases = Vec::new();
    for (server, client) in &mechanisms {
        for (name, handler) in handlers {
            let server = match handler {
                Handler::Silent => with(server.clone(), &[SHORT]),
                _ => server.clone(),
            };
            cases.push(Case { name, server, client: client.clone(), handler });
        }
    }
    cases
}

/// Keys, roles and mechanisms that do not match.
fn mismatches() -> Vec<Case> {
    let cases = [
        ("another server's key", curve_server(), curve_client_of(CLIENT[0])),
        ("NULL to CURVE", curve_server(), Options::new()),
        ("NULL to PLAIN", plain_server(), Options::new()),
        ("PLAIN to CURVE", curve_server(), plain_client()),
        ("CURVE to PLAIN", plain_server(), curve_client()),
        ("CURVE to NULL", Options::new(), curve_client()),
        ("two clients of CURVE", curve_client(), curve_client()),
        ("two clients of PLAIN", plain_client(), plain_client()),
        ("two servers of CURVE", with(curve_server(), &[SHORT]), with(curve_server(), &[SHORT])),
        ("two servers of PLAIN", with(plain_server(), &[SHORT]), with(plain_server(), &[SHORT])),
    ];
    cases
        .into_iter()
        .map(|(name, server, client)| Case { name, server, client, handler: says("200") })
        .collect()
}

/// Whether a value depends on when the kernel tells what.
fn seen(number: u64, value: u64) -> (u64, u64) {
    let fixed = number != EventKind::HandshakeFailedNoDetail as u64;
    (number, if fixed { value } else { 0 })
}

fn theirs(python: &mut Python, id: &str, options: &Options) {
    let mut settings = serde_json::Map::new();
    for (name, value) in options {
        let setting = match value.parse::<u32>() {
            Ok(number) => json!(number),
            Err(_) => Part::text(value).json(),
        };
        settings.insert((*name).to_owned(), setting);
    }
    settings.insert("RECONNECT_IVL".to_owned(), json!(60_000));
    python.open(id, "DEALER", Value::Object(settings));
}

fn ours(context: &Context, options: &Options) -> (Socket, Monitor) {
    let socket = context.socket(SocketType::Dealer).expect("a socket");
    for (name, value) in options {
        socket.set_text(name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    socket.set_reconnect_interval(Some(Duration::from_secs(60))).expect("an interval");
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    let monitor = socket.monitor().expect("a monitor");
    (socket, monitor)
}

fn their_outcome(python: &mut Python, id: &str) -> Seen {
    let answer = python.ask(json!({ "do": "outcome", "id": id, "timeout_ms": PAUSE }));
    let number = |index: usize| answer.get(index).and_then(Value::as_u64);
    number(0).zip(number(1)).map(|(number, value)| seen(number, value))
}

fn our_outcome(monitor: &Monitor) -> Seen {
    let begin = std::time::Instant::now();
    let pause = Duration::from_millis(PAUSE);
    while let Some(event) = monitor.recv_timeout(pause.saturating_sub(begin.elapsed())) {
        if event.kind.name().starts_with("HANDSHAKE") {
            return Some(seen(event.kind as u64, event.value));
        }
    }
    None
}

/// A ZAP handler of ours, until it is dropped.
struct OurHandler {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OurHandler {
    fn start(context: &Context, handler: Handler) -> Option<OurHandler> {
        let answer = match handler {
            Handler::Absent => return None,
            Handler::Silent => None,
            Handler::Says(parts) => Some(parts),
        };
        let socket = Rep::new(context).expect("a socket");
        socket.bind("inproc://zeromq.zap.01").expect("nobody else is the handler");
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Acquire) {
                let Ok(_) = socket.recv_timeout(Duration::from_millis(10)) else { continue };
                match answer {
                    Some(parts) => socket.send(Message::from(parts)).expect("the answer is taken"),
                    None => {
                        while !stop.load(Ordering::Acquire) {
                            std::thread::park_timeout(Duration::from_millis(10));
                        }
                    }
                }
            }
        });
        Some(OurHandler { stopping, thread: Some(thread) })
    }
}

impl Drop for OurHandler {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the handler ends");
        }
    }
}

fn their_handler(python: &mut Python, handler: Handler) {
    let command = match handler {
        Handler::Absent => json!({ "do": "handle", "stop": true }),
        Handler::Silent => json!({ "do": "handle", "answer": null }),
        Handler::Says(parts) => {
            let answer: Vec<Value> = parts.iter().map(|part| Part::text(part).json()).collect();
            json!({ "do": "handle", "answer": answer })
        }
    };
    python.ask(command);
}

/// libzmq with itself: what the server's monitor and the client's tell.
fn baseline(python: &mut Python, case: &Case, place: &str) -> [Seen; 2] {
    their_handler(python, case.handler);
    theirs(python, "server", &case.server);
    let endpoint = python.bind("server", place);
    theirs(python, "client", &case.client);
    python.connect("client", &endpoint);
    let result = [their_outcome(python, "server"), their_outcome(python, "client")];
    python.close("client");
    python.close("server");
    result
}

/// Our server with libzmq's client.
fn we_serve(python: &mut Python, case: &Case, place: &str) -> [Seen; 2] {
    let context = Context::new();
    let handler = OurHandler::start(&context, case.handler);
    let (server, monitor) = ours(&context, &case.server);
    let endpoint = server.bind(place).expect("a place");
    theirs(python, "client", &case.client);
    python.connect("client", &endpoint);
    let result = [our_outcome(&monitor), their_outcome(python, "client")];
    python.close("client");
    drop(handler);
    result
}

/// libzmq's server with our client.
fn they_serve(python: &mut Python, case: &Case, place: &str) -> [Seen; 2] {
    their_handler(python, case.handler);
    theirs(python, "server", &case.server);
    let endpoint = python.bind("server", place);
    let context = Context::new();
    let (client, monitor) = ours(&context, &case.client);
    client.connect(&endpoint).expect("an endpoint");
    let result = [their_outcome(python, "server"), our_outcome(&monitor)];
    python.close("server");
    result
}

/// Whether both sides saw the same as libzmq's. Where both have reason to end the handshake, whoever does so first decides what the
/// other sees of it: the reason, only the end, or nothing yet; so it is with two of libzmq's.
fn agree(got: &[Seen; 2], expected: &[Seen; 2]) -> bool {
    let vague = |seen: &Seen| seen.is_none_or(|seen| seen == (EventKind::HandshakeFailedNoDetail as u64, 0));
    let mistake =
        |seen: &Seen| seen.is_some_and(|(kind, _)| kind == EventKind::HandshakeFailedProtocol as u64);
    let same = |(got, expected): (&Seen, &Seen)| {
        got == expected
            || vague(got) && (vague(expected) || mistake(expected))
            || vague(expected) && mistake(got)
    };
    got.iter().zip(expected).all(same) && got.iter().all(vague) == expected.iter().all(vague)
}

fn compare(what: &str, cases: &[Case]) {
    let Some(mut python) = Python::start(what) else { return };
    let mut differences = Vec::new();
    for place in ["tcp://127.0.0.1:*", "ipc://*"] {
        for case in cases {
            let expected = baseline(&mut python, case, place);
            let results = [
                ("our server", we_serve(&mut python, case, place)),
                ("our client", they_serve(&mut python, case, place)),
            ];
            for (side, got) in results {
                if !agree(&got, &expected) {
                    let options: Vec<_> = case.server.iter().map(|(name, _)| *name).collect();
                    differences.push(format!(
                        "{side}, {place}, {}, {options:?}: {got:x?}, libzmq {expected:x?}",
                        case.name
                    ));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_answer_of_a_handler_means_the_same() {
    compare("ZAP's answers, beside libzmq's", &answers());
}

#[test]
fn keys_roles_and_mechanisms_that_do_not_match_end_the_same() {
    compare("mismatches, beside libzmq's", &mismatches());
}

/// libzmq's clients at our built-in authenticator: both outcomes of each mechanism, tcp and ipc.
#[test]
fn the_authenticator_decides_about_libzmqs_clients() {
    let Some(mut python) = Python::start("the built-in authenticator with libzmq's clients") else { return };
    let users = std::env::temp_dir().join(format!("ferrozmq-users-{}", std::process::id()));
    std::fs::write(&users, format!("admin:{}\n", hash_password("open sesame").unwrap())).unwrap();
    let rules = AccessRules::new().allow_key(CLIENT[0]).unwrap().plain_users(&users).unwrap();
    let (granted, denied) =
        (Some((EventKind::HandshakeSucceeded as u64, 0)), Some((EventKind::HandshakeFailedAuth as u64, 400)));
    let stranger =
        vec![("CURVE_SERVERKEY", SERVER[0]), ("CURVE_PUBLICKEY", SERVER[0]), ("CURVE_SECRETKEY", SERVER[1])];
    let wrong = vec![("PLAIN_USERNAME", "admin"), ("PLAIN_PASSWORD", "sesame")];
    let cases = [
        (curve_server(), curve_client(), granted, CLIENT[0]),
        (curve_server(), stranger, denied, ""),
        (plain_server(), plain_client(), granted, "admin"),
        (plain_server(), wrong, denied, ""),
        (Options::new(), Options::new(), denied, ""),
    ];
    for (place, network) in [("tcp://127.0.0.1:*", "127.0.0.0/8"), ("ipc://*", "ipc")] {
        for (server_options, client_options, expected, user) in &cases {
            let context = Context::builder().access_rules(rules.clone()).build();
            meet(&mut python, &context, place, server_options, client_options, *expected, user);
        }
        let allowing = AccessRules::new().allow_network(network).unwrap();
        let denying = AccessRules::new().deny_network(network).unwrap();
        for (rules, expected) in [(allowing, granted), (denying, denied)] {
            let context = Context::builder().access_rules(rules).build();
            meet(&mut python, &context, place, &Options::new(), &Options::new(), expected, "");
        }
    }
    let _ = std::fs::remove_file(users);
}

fn meet(
    python: &mut Python,
    context: &Context,
    place: &str,
    server: &Options,
    client: &Options,
    expected: Seen,
    user: &str,
) {
    let (socket, monitor) = ours(context, server);
    let endpoint = socket.bind(place).expect("a place");
    theirs(python, "client", client);
    python.connect("client", &endpoint);
    assert_eq!([our_outcome(&monitor), their_outcome(python, "client")], [expected; 2], "{place} {server:?}");
    if expected.is_some_and(|(number, _)| number == EventKind::HandshakeSucceeded as u64) {
        python.send("client", &[Part::text("hello")]);
        let message = socket.recv_timeout(SOON.max(PATIENCE)).expect("a message");
        assert_eq!(socket.peer_of(&message).unwrap().user_id.as_deref(), Some(user));
    }
    python.close("client");
}
