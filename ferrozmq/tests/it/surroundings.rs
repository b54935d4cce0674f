//! How sockets reach each other by way of what is around them: a proxy, a descriptor from elsewhere, a device, a source address.

use crate::ground::SOON;
use ferrozmq::{Context, EventKind, Message, Monitor, Socket, SocketType};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::IntoRawFd;
use std::sync::mpsc;
use std::time::Duration;

/// A proxy without authentication, by RFC 1928. It carries what goes through it, and tells of each connection.
fn proxy() -> (String, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (news, connections) = mpsc::channel();
    // It ends with the test program.
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            if let Some(server) = agree(&client) {
                let _ = news.send(client.try_clone().unwrap());
                carry(&client, &server);
                carry(&server, &client);
            }
        }
    });
    (at, connections)
}

/// The peer that `client` asked for; `None` if there is none, which it has been told.
fn agree(mut client: &TcpStream) -> Option<TcpStream> {
    let mut greeting = [0; 3];
    client.read_exact(&mut greeting).ok()?;
    assert_eq!(greeting, [5, 1, 0]);
    client.write_all(&[5, 0]).ok()?;
    let mut request = [0; 10];
    client.read_exact(&mut request).ok()?;
    assert_eq!(request[..4], [5, 1, 0, 1], "connect to an IPv4 address");
    let host = std::net::Ipv4Addr::new(request[4], request[5], request[6], request[7]);
    let server = TcpStream::connect((host, u16::from_be_bytes([request[8], request[9]])));
    let refused = 5;
    client.write_all(&[5, if server.is_ok() { 0 } else { refused }, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    server.ok()
}

/// Carries bytes one way until there are no more.
fn carry(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// The reason told with the next event of this kind.
fn reason(monitor: &Monitor, kind: EventKind) -> String {
    loop {
        let event = monitor.recv_timeout(SOON).unwrap_or_else(|| panic!("no {kind:?}"));
        if event.kind == kind {
            return event.reason.unwrap_or_default();
        }
    }
}

fn ask(req: &Socket, rep: &Socket) {
    req.send_timeout("question", SOON).unwrap();
    assert_eq!(rep.recv_timeout(SOON).unwrap(), Message::from("question"));
    rep.send("answer").unwrap();
    assert_eq!(req.recv_timeout(SOON).unwrap(), Message::from("answer"));
}

#[test]
fn a_socks_proxy_is_gone_through_again_and_again() {
    let (at, connections) = proxy();
    let context = Context::new();
    let (rep, req) = (context.socket(SocketType::Rep).unwrap(), context.socket(SocketType::Req).unwrap());
    req.set_text("socks_proxy", &at).unwrap();
    req.set_reconnect_interval(Some(Duration::from_millis(5))).unwrap();
    let endpoint = rep.bind("tcp://127.0.0.1:*").unwrap();
    let monitor = req.monitor().unwrap();
    req.connect(&endpoint).unwrap();
    for _ in 0..3 {
        ask(&req, &rep);
        let way = connections.try_recv().expect("it went through the proxy");
        way.shutdown(Shutdown::Both).unwrap();
        let _ = reason(&monitor, EventKind::Disconnected);
    }
    // Nobody is there any more: the proxy says so, and is asked again.
    rep.close();
    let refused = "the proxy did not connect: connection refused";
    while !reason(&monitor, EventKind::ConnectRetried).contains(refused) {}
    assert!(reason(&monitor, EventKind::ConnectRetried).contains(refused));
}

#[test]
fn a_listening_descriptor_from_elsewhere_is_bound_to() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    pull.set_text("use_fd", &listener.into_raw_fd().to_string()).unwrap();
    assert_eq!(pull.bind(&endpoint).unwrap(), endpoint);
    push.connect(&endpoint).unwrap();
    push.send("by descriptor").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("by descriptor"));
}

#[test]
fn a_device_is_bound_to_or_its_absence_told() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    for socket in [&pull, &push] {
        socket.set_text("bindtodevice", "lo").unwrap();
    }
    push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
    push.send("by device").unwrap();
    assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("by device"));

    let lost = context.socket(SocketType::Push).unwrap();
    lost.set_text("bindtodevice", "nosuchdev").unwrap();
    lost.set_linger(Some(Duration::ZERO)).unwrap();
    assert_eq!(lost.bind("tcp://127.0.0.1:*").unwrap_err().errno(), libc::ENODEV);
    let monitor = lost.monitor().unwrap();
    lost.connect("tcp://127.0.0.1:1").unwrap();
    let why = reason(&monitor, EventKind::ConnectRetried);
    assert!(why.contains("No such device"), "{why}");
}

#[test]
fn connections_come_from_the_source_that_the_endpoint_names() {
    let context = Context::new();
    let (pull, push) = (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
    let endpoint = pull.bind("tcp://lo:*").unwrap();
    let address = endpoint.strip_prefix("tcp://").unwrap();
    push.connect(&format!("tcp://127.0.0.2:0;{address}")).unwrap();
    push.send("from there").unwrap();
    let message = pull.recv_timeout(SOON).unwrap();
    assert!(pull.peer_of(&message).unwrap().address.to_string().starts_with("127.0.0.2"));
}
