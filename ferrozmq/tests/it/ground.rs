//! What the tests stand on: an endpoint of each transport, sockets that have met, numbered messages.

use ferrozmq::{Context, ErrorKind, Message, Socket, SocketType};
use std::time::{Duration, Instant};

/// Longer than anything may take; reached only by a failure.
pub const SOON: Duration = Duration::from_secs(20);
/// Long enough to see that nothing happens.
pub const MOMENT: Duration = Duration::from_millis(30);

/// Binds an endpoint that was bound before. For a moment it may be in use: the old listener is closed by its I/O thread, and a
/// dialer that looks for it may have met itself there.
pub fn bind_again(socket: &Socket, endpoint: &str) {
    let begin = Instant::now();
    loop {
        match socket.bind(endpoint) {
            Ok(_) => return,
            Err(error) if error.kind() == ErrorKind::AddressInUse && begin.elapsed() < SOON => {}
            Err(error) => panic!("{error}"),
        }
        std::thread::yield_now();
    }
}

/// An endpoint to bind for each transport; `name` keeps inproc names apart.
pub fn endpoints(name: &str) -> [String; 3] {
    ["tcp://127.0.0.1:*".to_owned(), "ipc://*".to_owned(), format!("inproc://{name}")]
}

/// The first two of them: the transports with a connection.
pub fn wires() -> [String; 2] {
    ["tcp://127.0.0.1:*".to_owned(), "ipc://*".to_owned()]
}

/// A bound and a connected socket that know of each other.
pub fn join(context: &Context, bound: SocketType, connected: SocketType, at: &str) -> (Socket, Socket) {
    let (server, client) = (context.socket(bound).unwrap(), context.socket(connected).unwrap());
    if connected == SocketType::Sub {
        client.subscribe("").unwrap();
    }
    client.connect(&server.bind(at).unwrap()).unwrap();
    meet(&server, &client);
    (server, client)
}

/// Waits until two sockets know of each other.
pub fn meet(one: &Socket, other: &Socket) {
    one.wait_for_peers(1, SOON).unwrap();
    other.wait_for_peers(1, SOON).unwrap();
}

/// A message that says which one it is.
pub fn numbered(number: u64) -> Message {
    Message::from(number.to_le_bytes().to_vec())
}

/// Which one it is.
pub fn number(message: &Message) -> u64 {
    u64::from_le_bytes(message.last().as_bytes().try_into().expect("eight bytes"))
}

/// A TCP port that nobody listens on, as an endpoint.
pub fn free_endpoint() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

/// Sends until the socket would block; returns how many messages went.
pub fn fill(socket: &Socket) -> u64 {
    let mut count = 0;
    while socket.try_send(numbered(count)).is_ok() {
        count += 1;
        assert!(count < 10_000_000, "no high-water mark");
    }
    count
}

/// Receives until nothing comes for a moment; checks the order and returns how many came.
pub fn drain(socket: &Socket) -> u64 {
    let mut count = 0;
    while let Ok(message) = socket.recv_timeout(MOMENT) {
        assert_eq!(number(&message), count);
        count += 1;
    }
    count
}

/// A message of these parts.
pub fn parts(parts: &[&[u8]]) -> Message {
    Message::from_parts(parts.iter().map(|part| ferrozmq::Frame::copy_from_slice(part)).collect::<Vec<_>>())
        .expect("at least one part")
}

/// A socket file that stays the same over several binds, in this process only.
pub fn fixed_ipc(name: &str) -> String {
    let file = format!("ferrozmq-it-{}-{name}.sock", std::process::id());
    format!("ipc://{}", std::env::temp_dir().join(file).display())
}
