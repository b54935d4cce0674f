//! PLAIN and CURVE with libzmq: either end the server, either end bound, messages of every size that matters and commands.
//!
//! The keys are fixed: they guard nothing.

use crate::interop::part::{Part, assert_parts, message};
use crate::interop::python::{PATIENCE, Python};
use ferrozmq::{Context, Socket, SocketType};
use serde_json::{Value, json};

/// Two key pairs in Z85, public and secret.
const SERVER: [&str; 2] =
    ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"];
const CLIENT: [&str; 2] =
    ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"];

const USER: [&str; 2] = ["admin", "open sesame"];

/// The lengths where an encoding, a buffer or a way of decrypting changes.
const SIZES: [usize; 14] =
    [0, 1, 221, 222, 223, 255, 256, 8150, 8157, 8158, 8159, 65_536, 300_000, 8 * 1024 * 1024];
const MULTIPARTS: [&[usize]; 3] = [&[0, 1], &[20_000, 0, 70_000, 1], &[1, 9000, 255, 256]];

/// Options by libzmq's names.
type Options = Vec<(&'static str, Setting)>;

#[derive(Clone, Copy)]
enum Setting {
    Text(&'static str),
    Number(u32),
}

use Setting::{Number, Text};

const ON: Setting = Number(1);

fn curve_server() -> Options {
    vec![("CURVE_SERVER", ON), ("CURVE_PUBLICKEY", Text(SERVER[0])), ("CURVE_SECRETKEY", Text(SERVER[1]))]
}

fn curve_client() -> Options {
    let server = ("CURVE_SERVERKEY", Text(SERVER[0]));
    vec![server, ("CURVE_PUBLICKEY", Text(CLIENT[0])), ("CURVE_SECRETKEY", Text(CLIENT[1]))]
}

fn plain_client() -> Options {
    vec![("PLAIN_USERNAME", Text(USER[0])), ("PLAIN_PASSWORD", Text(USER[1]))]
}

fn ours(context: &Context, kind: SocketType, options: &Options) -> Socket {
    let socket = context.socket(kind).expect("a socket");
    for (name, setting) in options {
        let value = match setting {
            Text(text) => (*text).to_owned(),
            Number(number) => number.to_string(),
        };
        socket.set_text(name, &value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    socket
}

fn theirs(python: &mut Python, kind: SocketType, options: &Options) {
    let mut settings = serde_json::Map::new();
    for (name, setting) in options {
        let value = match setting {
            Text(text) => Part::text(text).json(),
            Number(number) => json!(number),
        };
        settings.insert((*name).to_owned(), value);
    }
    if kind == SocketType::Sub {
        settings.insert("SUBSCRIBE".to_owned(), Part::text("").json());
    }
    python.open("peer", kind.name(), Value::Object(settings));
}

/// Connects the two, whoever binds, and waits for the handshake.
fn join(python: &mut Python, socket: &Socket, transport: &str, we_bind: bool) {
    let endpoint = if transport == "tcp" { "tcp://127.0.0.1:*" } else { "ipc://*" };
    if we_bind {
        let endpoint = socket.bind(endpoint).expect("our end binds");
        python.connect("peer", &endpoint);
    } else {
        let endpoint = python.bind("peer", endpoint);
        socket.connect(&endpoint).expect("our end connects");
    }
    python.handshakes("peer", 1);
    socket.wait_for_peers(1, PATIENCE).expect("a peer");
}

fn pattern(sizes: &[usize], seed: usize) -> Vec<Part> {
    sizes.iter().map(|size| Part::Pattern { size: *size, seed }).collect()
}

/// Every message there and back, one by one, and then many at once.
fn exchange(python: &mut Python, socket: &Socket, label: &str) {
    let singles = SIZES.iter().map(std::slice::from_ref);
    for (seed, sizes) in singles.chain(MULTIPARTS).enumerate() {
        let parts = pattern(sizes, seed);
        socket.send_timeout(message(&parts), PATIENCE).expect("we send");
        python.expect("peer", &parts);
        python.send("peer", &parts);
        assert_parts(&socket.recv_timeout(PATIENCE).expect("we receive"), &parts, label);
    }
    for number in 0..500 {
        socket.send_timeout(message(&pattern(&[number, 3], number)), PATIENCE).expect("we send");
    }
    for number in 0..500 {
        python.expect("peer", &pattern(&[number, 3], number));
    }
    for number in 0..500 {
        python.send("peer", &pattern(&[3, number], number));
    }
    for number in 0..500 {
        let received = socket.recv_timeout(PATIENCE).expect("we receive");
        assert_parts(&received, &pattern(&[3, number], number), label);
    }
}

fn converse(python: &mut Python, our_options: &Options, their_options: &Options, label: &str) {
    for transport in ["tcp", "ipc"] {
        for we_bind in [true, false] {
            let context = Context::new();
            let socket = ours(&context, SocketType::Pair, our_options);
            theirs(python, SocketType::Pair, their_options);
            join(python, &socket, transport, we_bind);
            exchange(python, &socket, &format!("{label}, {transport}, we bind: {we_bind}"));
            python.close("peer");
        }
    }
}

#[test]
fn curve_client_with_libzmqs_server() {
    let Some(mut python) = Python::start("CURVE's client with libzmq's server") else { return };
    converse(&mut python, &curve_client(), &curve_server(), "CURVE client");
}

#[test]
fn curve_server_with_libzmqs_client() {
    let Some(mut python) = Python::start("CURVE's server with libzmq's client") else { return };
    converse(&mut python, &curve_server(), &curve_client(), "CURVE server");
}

#[test]
fn plain_client_with_libzmqs_server() {
    let Some(mut python) = Python::start("PLAIN's client with libzmq's server") else { return };
    python.ask(json!({ "do": "authenticate", "passwords": { USER[0]: USER[1] } }));
    converse(&mut python, &plain_client(), &vec![("PLAIN_SERVER", ON)], "PLAIN client");
}

#[test]
fn subscriptions_and_heartbeats_travel_encrypted() {
    let Some(mut python) = Python::start("SUBSCRIBE and PING over CURVE") else { return };
    let beating = |mut options: Options| {
        options.extend([("HEARTBEAT_IVL", Number(5)), ("HEARTBEAT_TIMEOUT", Number(30_000))]);
        options
    };
    for we_publish in [true, false] {
        let context = Context::new();
        let (our_kind, their_kind) = match we_publish {
            true => (SocketType::Pub, SocketType::Sub),
            false => (SocketType::Sub, SocketType::XPub),
        };
        let socket = ours(&context, our_kind, &beating(curve_server()));
        theirs(&mut python, their_kind, &beating(curve_client()));
        if !we_publish {
            socket.subscribe("").expect("a subscription");
        }
        let endpoint = socket.bind("tcp://127.0.0.1:*").expect("our end binds");
        python.connect("peer", &endpoint);
        if !we_publish {
            python.expect("peer", &[Part::Bytes(vec![1])]);
        }
        // A publisher's peers are those that have subscribed.
        socket.wait_for_peers(1, PATIENCE).expect("a peer");
        for seed in 0..200 {
            let parts = pattern(&[5, 300], seed);
            if we_publish {
                socket.send_timeout(message(&parts), PATIENCE).expect("we send");
                python.expect("peer", &parts);
            } else {
                python.send("peer", &parts);
                let received = socket.recv_timeout(PATIENCE).expect("we receive");
                assert_parts(&received, &parts, "subscribed");
            }
        }
        python.close("peer");
    }
}
