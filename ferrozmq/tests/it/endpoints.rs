//! Endpoints that are wrong, taken or in the way of something: the right error, in a sentence.

use crate::peer::{SOON, nobody};
use ferrozmq::{Context, Error, ErrorKind, Message, Pull, Push, Socket, SocketType};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A directory of this test's own, gone with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("ferrozmq-test-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str) -> (PathBuf, String) {
        let path = self.0.join(name);
        let endpoint = format!("ipc://{}", path.display());
        (path, endpoint)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What every error says: its kind, the endpoint, and more than its number.
fn check(error: &Error, kind: ErrorKind, endpoint: &str) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{endpoint}: {text}");
    assert!(text.len() > 20 && text.contains(' '), "{endpoint}: {text:?} is no sentence");
}

#[test]
fn t31_a_closed_sockets_path_is_free_at_once() {
    let directory = Directory::new("again");
    let (path, endpoint) = directory.file("socket");
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    pull.connect(&endpoint).unwrap();
    for round in 0..100_u32 {
        let push = context.socket(SocketType::Push).unwrap();
        push.bind(&endpoint).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(path.exists());
        if round % 10 == 0 {
            push.send("42").unwrap();
            assert_eq!(&pull.recv_timeout(SOON).unwrap()[0], "42");
        }
        drop(push);
    }
}

#[test]
fn t31_wrong_endpoints_are_told_apart() {
    use ErrorKind::{Invalid, NameTooLong, NoDevice, ProtocolNotSupported};
    let context = Context::new();
    let long_path = format!("ipc:///tmp/{}", "x".repeat(200));
    let huge = format!("tcp://{}:1", "x".repeat(1 << 20));
    let both = [
        ("", Invalid),
        ("tcp", Invalid),
        ("tcp:/127.0.0.1:1", Invalid),
        ("://127.0.0.1:1", Invalid),
        ("tcp://", Invalid),
        ("tcp://127.0.0.1", Invalid),
        ("tcp://127.0.0.1:", Invalid),
        ("tcp://127.0.0.1:65536", Invalid),
        ("tcp://127.0.0.1:-1", Invalid),
        ("tcp://127.0.0.1:port", Invalid),
        ("inproc://", Invalid),
        ("ipc://", Invalid),
        ("ipc:///tmp/nul\0nul", Invalid),
        ("http://127.0.0.1:1", ProtocolNotSupported),
        ("nonsense://x", ProtocolNotSupported),
        (long_path.as_str(), NameTooLong),
    ];
    for (endpoint, kind) in both {
        let socket = context.socket(SocketType::Dealer).unwrap();
        check(&socket.bind(endpoint).unwrap_err(), kind, endpoint);
        check(&socket.connect(endpoint).unwrap_err(), kind, endpoint);
    }
    let socket = context.socket(SocketType::Dealer).unwrap();
    check(&socket.connect("tcp://*:1").unwrap_err(), Invalid, "tcp://*:1");
    check(&socket.connect("tcp://127.0.0.1:0").unwrap_err(), Invalid, "tcp://127.0.0.1:0");
    check(&socket.bind("tcp://nosuchinterface0:1").unwrap_err(), NoDevice, "tcp://nosuchinterface0:1");
    assert!(socket.bind(&huge).is_err() && socket.connect(&huge).is_err());
    let stream = context.socket(SocketType::Stream).unwrap();
    check(&stream.bind("ipc://*").unwrap_err(), ErrorKind::Incompatible, "ipc on STREAM");
    check(&socket.unbind("tcp://127.0.0.1:9").unwrap_err(), ErrorKind::NotFound, "never bound");
    check(&socket.disconnect("tcp://127.0.0.1:9").unwrap_err(), ErrorKind::NotFound, "never connected");
}

#[test]
fn f19_addresses_that_are_taken_or_not_ours() {
    let context = Context::new();
    let (first, second) = (Pull::new(&context).unwrap(), Pull::new(&context).unwrap());
    let abstract_name = format!("ipc://@ferrozmq-test-{}", std::process::id());
    for endpoint in ["tcp://127.0.0.1:*", &abstract_name, "inproc://taken"] {
        let endpoint = first.bind(endpoint).unwrap();
        check(&second.bind(&endpoint).unwrap_err(), ErrorKind::AddressInUse, &endpoint);
        first.as_socket().unbind(&endpoint).unwrap();
        // Free at once, or as soon as the I/O thread has come to it.
        let start = std::time::Instant::now();
        while second.bind(&endpoint).is_err() {
            assert!(start.elapsed() < SOON, "{endpoint} stays taken");
            std::thread::yield_now();
        }
    }
    let (_socket, taken) = nobody();
    check(&first.bind(&taken).unwrap_err(), ErrorKind::AddressInUse, &taken);
    let foreign = "tcp://203.0.113.1:1";
    check(&first.bind(foreign).unwrap_err(), ErrorKind::AddressNotAvailable, foreign);
}

fn is_socket(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket())
}

fn talks(context: &Context, pull: &Pull, endpoint: &str) {
    let push = Push::new(context).unwrap();
    push.connect(endpoint).unwrap();
    push.send("hello").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("hello"));
}

#[test]
fn t30_files_of_others_survive_a_bind() {
    let directory = Directory::new("others");
    let context = Context::new();
    let socket = |kind| -> Socket { context.socket(kind).unwrap() };
    let (regular, endpoint) = directory.file("regular");
    std::fs::write(&regular, "precious").unwrap();
    check(&socket(SocketType::Pull).bind(&endpoint).unwrap_err(), ErrorKind::AddressInUse, "regular file");
    assert_eq!(std::fs::read_to_string(&regular).unwrap(), "precious");

    let (link, endpoint) = directory.file("link");
    std::os::unix::fs::symlink(&regular, &link).unwrap();
    check(&socket(SocketType::Pull).bind(&endpoint).unwrap_err(), ErrorKind::AddressInUse, "symbolic link");
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "precious");

    let (live, endpoint) = directory.file("live");
    let listener = UnixListener::bind(&live).unwrap();
    check(&socket(SocketType::Pull).bind(&endpoint).unwrap_err(), ErrorKind::AddressInUse, "live socket");
    assert!(is_socket(&live));
    drop(listener);

    // Now it is stale: nobody's.
    let pull = Pull::new(&context).unwrap();
    pull.bind(&endpoint).unwrap();
    talks(&context, &pull, &endpoint);

    let (_, endpoint) = directory.file("no/such/directory");
    check(&socket(SocketType::Pull).bind(&endpoint).unwrap_err(), ErrorKind::NotFound, "no directory");
}

#[test]
fn t30_wildcard_files_are_private_and_go_with_their_socket() {
    use std::os::unix::fs::PermissionsExt;
    let context = Context::new();
    let pull = Pull::new(&context).unwrap();
    let endpoint = pull.bind("ipc://*").unwrap();
    let path = PathBuf::from(endpoint.strip_prefix("ipc://").unwrap());
    assert!(is_socket(&path));
    let directory = path.parent().unwrap().to_owned();
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    talks(&context, &pull, &endpoint);
    drop(pull);
    context.term();
    assert!(!path.exists() && !directory.exists());
}

#[test]
fn f7_a_socket_file_deleted_under_us_hurts_nobody() {
    let directory = Directory::new("deleted");
    let (path, endpoint) = directory.file("socket");
    let context = Context::new();
    let (pull, push) = (Pull::new(&context).unwrap(), Push::new(&context).unwrap());
    pull.bind(&endpoint).unwrap();
    push.connect(&endpoint).unwrap();
    push.send("before").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("before"));
    std::fs::remove_file(&path).unwrap();
    push.send("after").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("after"));
    let successor = Pull::new(&context).unwrap();
    successor.bind(&endpoint).unwrap();
    drop(pull);
    talks(&context, &successor, &endpoint);
}

#[test]
fn f25_an_inproc_peer_that_left_before_the_bind_is_not_there() {
    let context = Context::new();
    for _ in 0..100 {
        let early = Push::new(&context).unwrap();
        early.connect("inproc://later").unwrap();
        drop(early);
    }
    let with_message = Push::new(&context).unwrap();
    with_message.connect("inproc://later").unwrap();
    with_message.send("left behind").unwrap();
    drop(with_message);
    let dealer = context.socket(SocketType::Dealer).unwrap();
    dealer.connect("inproc://other").unwrap();
    drop(dealer);
    let pull = Pull::new(&context).unwrap();
    pull.bind("inproc://later").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("left behind"));
    // Nobody is there to take what is sent.
    let bound = context.socket(SocketType::Dealer).unwrap();
    bound.bind("inproc://other").unwrap();
    let error = bound.send_timeout("to nobody", Duration::from_millis(10)).unwrap_err();
    assert!(error.error().is_would_block(), "{error}");
}
