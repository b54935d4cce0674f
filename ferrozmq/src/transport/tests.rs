//! What every transport has to do, run over tcp (IPv4, IPv6) and ipc (path, abstract name).
//!
//! Each test is a function of a [`Place`]; [`everywhere`] runs it at all of them.

use super::address::{local_address, tcp_endpoint};
use super::options::{Keepalive, SocksProxy};
use super::stream::StreamKind;
use super::*;
use crate::sys::poll::{self, PollFd};
use crate::sys::sockopt;
use bytes::BytesMut;
use ferrozmq_proto::endpoint::Host;
use rustix::net::sockopt as get;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A kind of endpoint with a fresh address at each call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Tcp4,
    Tcp6,
    IpcPath,
    IpcAbstract,
}

impl Place {
    fn address(self) -> ListenAddress {
        match self {
            Self::Tcp4 => ListenAddress::Tcp((Ipv4Addr::LOCALHOST, 0).into()),
            Self::Tcp6 => ListenAddress::Tcp((Ipv6Addr::LOCALHOST, 0).into()),
            Self::IpcPath => ListenAddress::Ipc(IpcAddress::Wildcard),
            Self::IpcAbstract => {
                static NEXT: AtomicUsize = AtomicUsize::new(0);
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("ferrozmq-test-{}-{number}", std::process::id());
                ListenAddress::Ipc(IpcAddress::Abstract(name))
            }
        }
    }
}

fn everywhere(test: impl Fn(Place)) {
    test(Place::Tcp4);
    test(Place::IpcPath);
    test(Place::IpcAbstract);
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        test(Place::Tcp6);
    } else {
        eprintln!("SKIPPED over tcp6: this host has no ::1");
    }
}

/// Ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn wait_for(fd: impl AsFd, events: i16) {
    let mut fds = [PollFd::new(fd.as_fd(), events)];
    assert_eq!(poll::poll(&mut fds, Some(PATIENCE)).unwrap(), 1, "nothing happened");
}

fn listen(address: &ListenAddress, options: &StreamOptions) -> Listener {
    Listener::bind(address, options.clone()).unwrap()
}

fn connect(listener: &Listener, options: &StreamOptions) -> Stream {
    finish(Dial::start(&listener.dial_address().unwrap(), options).unwrap()).unwrap()
}

fn finish(mut dial: Dial) -> io::Result<Stream> {
    loop {
        wait_for(&dial, poll::WRITABLE);
        match dial.finish()? {
            Progress::Connected(stream) => return Ok(stream),
            Progress::Pending(still) => dial = still,
        }
    }
}

fn accept(listener: &Listener) -> Result<Stream, AcceptError> {
    loop {
        wait_for(listener, poll::READABLE);
        if let Some(stream) = listener.accept()? {
            return Ok(stream);
        }
    }
}

fn pair(place: Place, options: &StreamOptions) -> (Listener, Stream, Stream) {
    let listener = listen(&place.address(), options);
    let client = connect(&listener, options);
    let server = accept(&listener).unwrap();
    (listener, client, server)
}

fn receive(stream: &Stream, count: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(count.max(1));
    while buffer.len() < count {
        wait_for(stream, poll::READABLE);
        assert_ne!(stream.recv_into(&mut buffer, usize::MAX).unwrap(), 0, "ended early");
    }
    buffer
}

fn is_ended(stream: &Stream) -> bool {
    wait_for(stream, poll::READABLE);
    !matches!(stream.recv_into(&mut BytesMut::with_capacity(8), 8), Ok(1..))
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("ferrozmq-test-{:x}", getrandom::u64().unwrap());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn ipc(&self, name: &str) -> ListenAddress {
        ListenAddress::Ipc(IpcAddress::Path(self.0.join(name).to_str().unwrap().to_owned()))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn bytes_go_both_ways_and_end() {
    everywhere(|place| {
        let (listener, client, server) = pair(place, &StreamOptions::default());
        assert!(listener.accept().unwrap().is_none(), "one connection, one accept");
        assert_eq!(client.send(b"ping").unwrap(), 4);
        assert_eq!(&receive(&server, 4)[..], b"ping");
        assert_eq!(server.send_vectored(&[IoSlice::new(b"po"), IoSlice::new(b"ng")]).unwrap(), 4);
        assert_eq!(&receive(&client, 4)[..], b"pong");
        let nothing = client.recv_into(&mut BytesMut::with_capacity(8), 8).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        server.shutdown();
        assert!(is_ended(&client));
        assert!(is_ended(&server), "shutdown wakes this side, too");
    });
}

#[test]
fn a_full_peer_would_block_and_then_drains() {
    everywhere(|place| {
        let (_listener, client, server) = pair(place, &StreamOptions::default());
        let block = vec![7u8; 65_536];
        let mut sent = 0;
        let error = loop {
            match client.send(&block) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(receive(&server, sent).len(), sent);
        wait_for(&client, poll::WRITABLE);
        assert!(client.send(&block).is_ok());
    });
}

#[test]
fn endpoints_and_peers_have_names() {
    everywhere(|place| {
        let (listener, client, server) = pair(place, &StreamOptions::default());
        assert_eq!(client.remote_endpoint(), listener.endpoint());
        assert_eq!(server.local_endpoint(), listener.endpoint());
        assert!(client.is_within_host() && server.is_within_host());
        match place {
            Place::Tcp4 | Place::Tcp6 => {
                assert_eq!(server.remote_endpoint(), client.local_endpoint());
                let host = if place == Place::Tcp4 { "127.0.0.1" } else { "::1" };
                assert_eq!((client.peer_address(), server.peer_address()), (host.into(), host.into()));
                assert_eq!(server.credentials(), None);
                assert_eq!(server.kind(), StreamKind::Tcp);
            }
            Place::IpcPath | Place::IpcAbstract => {
                let me = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
                let expected = format!("localhost:{}:{}:{}", me.0, me.1, std::process::id());
                assert_eq!((server.peer_address(), client.peer_address()), (expected.clone(), expected));
                assert_eq!(server.remote_endpoint(), "ipc://");
                assert_eq!(server.kind(), StreamKind::Ipc);
            }
        }
    });
}

#[test]
fn descriptors_are_private_and_never_block() {
    everywhere(|place| {
        let (listener, client, server) = pair(place, &StreamOptions::default());
        for fd in [listener.as_fd(), client.as_fd(), server.as_fd()] {
            assert!(rustix::io::fcntl_getfd(fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
            assert!(rustix::fs::fcntl_getfl(fd).unwrap().contains(rustix::fs::OFlags::NONBLOCK));
        }
    });
}

#[test]
fn a_second_listener_is_refused_while_the_first_lives() {
    everywhere(|place| {
        let options = StreamOptions::default();
        let first = listen(&place.address(), &options);
        let same = match first.dial_address().unwrap() {
            DialAddress::Tcp { peer, .. } => ListenAddress::Tcp(peer),
            DialAddress::Ipc(address) => ListenAddress::Ipc(address),
        };
        assert_eq!(errno(Listener::bind(&same, options.clone())), Some(libc::EADDRINUSE));
        assert_eq!(first.endpoint(), accept_one(&first, &options), "the first is unharmed");
    });
}

fn accept_one(listener: &Listener, options: &StreamOptions) -> String {
    let client = connect(listener, options);
    // The refused bind's probe may be ahead of us in the backlog.
    loop {
        let server = accept(listener).unwrap();
        let _ = server.send(b"!");
        if poll::poll(&mut [PollFd::new(client.as_fd(), poll::READABLE)], Some(Duration::ZERO)).unwrap() == 1
        {
            return server.local_endpoint();
        }
    }
}

#[test]
fn nobody_there_is_refused() {
    let options = StreamOptions::default();
    // Bound, so that no other test gets the port, but not listening.
    let mute = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    mute.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let peer = mute.local_addr().unwrap().as_socket().unwrap();
    let outcome = Dial::start(&DialAddress::Tcp { source: None, peer }, &options).and_then(finish);
    assert_eq!(errno(outcome), Some(libc::ECONNREFUSED));
    for (place, expected) in [(Place::IpcPath, libc::ENOENT), (Place::IpcAbstract, libc::ECONNREFUSED)] {
        let gone = listen(&place.address(), &options);
        let address = gone.dial_address().unwrap();
        drop(gone);
        assert_eq!(errno(Dial::start(&address, &options)), Some(expected));
    }
}

#[test]
fn buffers_are_set_everywhere() {
    let options = StreamOptions { sndbuf: Some(40_000), rcvbuf: Some(50_000), ..StreamOptions::default() };
    everywhere(|place| {
        let (_listener, client, server) = pair(place, &options);
        for stream in [&client, &server] {
            // The kernel doubles what it is asked for.
            assert_eq!(get::socket_send_buffer_size(stream).unwrap(), 80_000);
            assert_eq!(get::socket_recv_buffer_size(stream).unwrap(), 100_000);
        }
    });
}

#[test]
fn ipc_has_a_large_send_buffer_unless_told_otherwise() {
    let (_listener, client, server) = pair(Place::IpcPath, &StreamOptions::default());
    let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
    let plain = get::socket_send_buffer_size(&a).unwrap();
    get::set_socket_send_buffer_size(&a, options::IPC_SEND_BUFFER.0).unwrap();
    let capped = get::socket_send_buffer_size(&a).unwrap();
    assert_eq!(get::socket_send_buffer_size(&client).unwrap(), capped);
    assert_eq!(get::socket_send_buffer_size(&server).unwrap(), capped);
    let left_alone = StreamOptions { ipc_sndbuf: None, ..StreamOptions::default() };
    let (_listener, client, _server) = pair(Place::IpcPath, &left_alone);
    assert_eq!(get::socket_send_buffer_size(&client).unwrap(), plain);
}

#[test]
fn tcp_options_reach_the_kernel() {
    let options = StreamOptions {
        tos: 0x28,
        priority: 3,
        keepalive: Keepalive { on: Some(true), count: Some(4), idle_s: Some(50), interval_s: Some(6) },
        tcp_maxrt: Some(Duration::from_millis(7_000)),
        notsent_lowat: Some(30_000),
        bind_to_device: Some("lo".into()),
        ..StreamOptions::default()
    };
    let (_listener, client, server) = pair(Place::Tcp4, &options);
    for stream in [&client, &server] {
        assert!(get::tcp_nodelay(stream).unwrap());
        assert!(get::socket_keepalive(stream).unwrap());
        assert_eq!(get::tcp_keepcnt(stream).unwrap(), 4);
        assert_eq!(get::tcp_keepidle(stream).unwrap(), Duration::from_secs(50));
        assert_eq!(get::tcp_keepintvl(stream).unwrap(), Duration::from_secs(6));
        assert_eq!(get::tcp_user_timeout(stream).unwrap(), 7_000);
        assert_eq!(sockopt::int(stream, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT).unwrap(), 30_000);
    }
    assert_eq!(get::ip_tos(&client).unwrap(), 0x28);
    assert_eq!(sockopt::int(&client, libc::SOL_SOCKET, libc::SO_PRIORITY).unwrap(), 3);
}

#[test]
fn options_that_the_kernel_refuses_are_errors() {
    let options = StreamOptions { bind_to_device: Some("no-such-dev".into()), ..StreamOptions::default() };
    let result = Listener::bind(&Place::Tcp4.address(), options.clone());
    assert_eq!(errno(result), Some(libc::ENODEV));
    let listener = listen(&Place::Tcp4.address(), &StreamOptions::default());
    let result = Dial::start(&listener.dial_address().unwrap(), &options);
    assert_eq!(errno(result.map(drop)), Some(libc::ENODEV));
}

#[test]
fn loopback_has_a_plain_congestion_control_unless_switched_off() {
    let default = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        get::tcp_congestion(&socket).unwrap()
    };
    let wildcard = ListenAddress::Tcp((Ipv4Addr::UNSPECIFIED, 0).into());
    for address in [Place::Tcp4.address(), wildcard] {
        for wanted in [Some(options::LOOPBACK_CONGESTION.0), Some("no-such-module"), None] {
            let options = StreamOptions { loopback_congestion: wanted, ..StreamOptions::default() };
            let listener = listen(&address, &options);
            let Some(DialAddress::Tcp { mut peer, .. }) = listener.dial_address() else { panic!() };
            peer.set_ip(Ipv4Addr::LOCALHOST.into());
            let dial = Dial::start(&DialAddress::Tcp { source: None, peer }, &options).unwrap();
            let streams = [finish(dial).unwrap(), accept(&listener).unwrap()];
            for stream in &streams {
                let actual = get::tcp_congestion(stream).unwrap();
                match wanted {
                    None => assert_eq!(actual, default),
                    Some("no-such-module") => assert_eq!(actual, "reno"),
                    Some(wanted) => assert!(actual == wanted || actual == "reno", "{actual}"),
                }
            }
        }
    }
}

#[test]
fn wildcards_are_dual_stack_only_with_ipv6() {
    let v4 = local_address(&Host::Wildcard, 0, false).unwrap();
    let listener = listen(&ListenAddress::Tcp(v4), &StreamOptions::default());
    assert!(listener.endpoint().starts_with("tcp://0.0.0.0:"), "{}", listener.endpoint());
    let options = StreamOptions { ipv6: true, ..StreamOptions::default() };
    let v6 = local_address(&Host::Wildcard, 0, true).unwrap();
    let listener = listen(&ListenAddress::Tcp(v6), &options);
    if !listener.endpoint().starts_with("tcp://[::]:") {
        eprintln!("SKIPPED: this host has no IPv6, bound {}", listener.endpoint());
        return;
    }
    let port = listener.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    let peer = (Ipv4Addr::LOCALHOST, port).into();
    let client = finish(Dial::start(&DialAddress::Tcp { source: None, peer }, &options).unwrap()).unwrap();
    let server = accept(&listener).unwrap();
    assert_eq!(server.peer_address(), "::ffff:127.0.0.1");
    assert_eq!(client.peer_address(), "127.0.0.1");
    assert!(server.is_within_host());
}

#[test]
fn connections_come_from_the_source_they_are_told() {
    let options = StreamOptions::default();
    let listener = listen(&Place::Tcp4.address(), &options);
    let Some(DialAddress::Tcp { peer, .. }) = listener.dial_address() else { panic!() };
    let source = Some((Ipv4Addr::new(127, 0, 0, 9), 0).into());
    let client = finish(Dial::start(&DialAddress::Tcp { source, peer }, &options).unwrap()).unwrap();
    assert_eq!(accept(&listener).unwrap().peer_address(), "127.0.0.9");
    assert!(client.local_endpoint().starts_with("tcp://127.0.0.9:"));
    let foreign = Some((Ipv4Addr::new(192, 0, 2, 77), 0).into());
    let result = Dial::start(&DialAddress::Tcp { source: foreign, peer }, &options);
    assert_eq!(errno(result.map(drop)), Some(libc::EADDRNOTAVAIL));
}

/// F20.
#[test]
fn meeting_oneself_is_nobody_there() {
    let options = StreamOptions::default();
    // An address that no other test binds, so that nobody takes the port meanwhile.
    let free = listen(&ListenAddress::Tcp((Ipv4Addr::new(127, 0, 0, 20), 0).into()), &options);
    let Some(DialAddress::Tcp { peer, .. }) = free.dial_address() else { panic!() };
    drop(free);
    let itself = DialAddress::Tcp { source: Some(peer), peer };
    let outcome = Dial::start(&itself, &options).and_then(finish);
    assert_eq!(errno(outcome.map(drop)), Some(libc::ECONNREFUSED));
    // And the port is free for the listener that we were looking for.
    assert_eq!(listen(&ListenAddress::Tcp(peer), &options).endpoint(), tcp_endpoint(peer));
}

#[test]
fn accept_filters_refuse_and_close() {
    let mut options =
        StreamOptions { accept_filters: vec![([10, 0, 0, 0].into(), 8)], ..StreamOptions::default() };
    let listener = listen(&Place::Tcp4.address(), &options);
    let client = connect(&listener, &options);
    let refused = accept(&listener);
    assert!(matches!(&refused, Err(AcceptError::Refused { peer }) if peer == "127.0.0.1"), "{refused:?}");
    assert!(is_ended(&client));
    options.accept_filters.push(([127, 0, 0, 0].into(), 8));
    pair(Place::Tcp4, &options);
}

/// T30: peers are judged by the credentials the kernel vouches for.
#[test]
fn credential_filters_refuse_and_close() {
    let pid = std::process::id().cast_signed();
    let options = StreamOptions { ipc_filter_pids: vec![pid + 1], ..StreamOptions::default() };
    let listener = listen(&Place::IpcPath.address(), &options);
    let client = connect(&listener, &options);
    assert!(matches!(accept(&listener), Err(AcceptError::Refused { .. })));
    assert!(is_ended(&client));
    let gid = rustix::process::getegid().as_raw();
    for options in [
        StreamOptions { ipc_filter_pids: vec![pid], ..StreamOptions::default() },
        StreamOptions { ipc_filter_uids: vec![rustix::process::geteuid().as_raw()], ..options.clone() },
        StreamOptions { ipc_filter_gids: vec![gid], ..options },
    ] {
        pair(Place::IpcAbstract, &options);
    }
}

/// T30, F7.
#[test]
fn files_in_the_way_of_ipc() {
    let directory = Directory::new();
    let options = StreamOptions::default();
    let in_the_way = |name: &str| errno(Listener::bind(&directory.ipc(name), options.clone()));

    std::fs::write(directory.0.join("regular"), "precious").unwrap();
    assert_eq!(in_the_way("regular"), Some(libc::EADDRINUSE));
    assert_eq!(std::fs::read(directory.0.join("regular")).unwrap(), b"precious");

    std::os::unix::fs::symlink(directory.0.join("regular"), directory.0.join("link")).unwrap();
    assert_eq!(in_the_way("link"), Some(libc::EADDRINUSE));
    assert!(directory.0.join("link").is_symlink());

    let live = std::os::unix::net::UnixListener::bind(directory.0.join("live")).unwrap();
    assert_eq!(in_the_way("live"), Some(libc::EADDRINUSE));
    assert!(std::os::unix::net::UnixStream::connect(directory.0.join("live")).is_ok());
    drop(live);
    assert_eq!(in_the_way("live"), None, "it is stale now");

    let _datagrams = std::os::unix::net::UnixDatagram::bind(directory.0.join("datagrams")).unwrap();
    assert_eq!(in_the_way("datagrams"), Some(libc::EADDRINUSE));

    std::fs::create_dir(directory.0.join("directory")).unwrap();
    assert_eq!(in_the_way("directory"), Some(libc::EADDRINUSE));
    assert_eq!(in_the_way("missing/socket"), Some(libc::ENOENT));
    assert_eq!(in_the_way(&"x".repeat(200)), Some(libc::ENAMETOOLONG));
    assert_eq!(in_the_way("nul\0inside"), Some(libc::EINVAL));
}

#[test]
fn a_socket_file_outlives_its_listener_and_can_be_bound_again() {
    let directory = Directory::new();
    let (address, options) = (directory.ipc("socket"), StreamOptions::default());
    drop(listen(&address, &options));
    assert!(directory.0.join("socket").exists());
    let listener = listen(&address, &options);
    accept_one(&listener, &options);
}

/// F7: existing peers live on when the file is deleted, and the name can be bound again.
#[test]
fn a_deleted_socket_file_hurts_nobody() {
    let directory = Directory::new();
    let (address, options) = (directory.ipc("socket"), StreamOptions::default());
    let first = listen(&address, &options);
    let client = connect(&first, &options);
    let server = accept(&first).unwrap();
    std::fs::remove_file(directory.0.join("socket")).unwrap();
    let second = listen(&address, &options);
    client.send(b"x").unwrap();
    assert_eq!(&receive(&server, 1)[..], b"x");
    drop(first);
    accept_one(&second, &options);
}

#[test]
fn wildcard_files_are_private_and_go_away() {
    use std::os::unix::fs::PermissionsExt;
    let listener = listen(&Place::IpcPath.address(), &StreamOptions::default());
    let file = PathBuf::from(listener.endpoint().strip_prefix("ipc://").unwrap());
    let directory = file.parent().unwrap().to_owned();
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(file.exists());
    drop(listener);
    assert!(!directory.exists());

    // What somebody else put there is not ours to remove.
    let listener = listen(&Place::IpcPath.address(), &StreamOptions::default());
    let file = PathBuf::from(listener.endpoint().strip_prefix("ipc://").unwrap());
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "precious").unwrap();
    drop(listener);
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
}

#[test]
fn a_listening_descriptor_can_be_handed_in() {
    let directory = Directory::new();
    let path = directory.0.join("socket");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap().into_raw_fd();
    let ipc = std::os::unix::net::UnixListener::bind(&path).unwrap().into_raw_fd();
    let using = |fd| StreamOptions { use_fd: Some(fd), ..StreamOptions::default() };
    let wrong = Listener::bind(&directory.ipc("socket"), using(tcp));
    assert_eq!(errno(wrong), Some(libc::EINVAL));
    for (address, fd) in [(Place::Tcp4.address(), tcp), (directory.ipc("socket"), ipc)] {
        let listener = listen(&address, &using(fd));
        assert_eq!(listener.as_raw_fd(), fd);
        assert_eq!(errno(Listener::bind(&address, using(fd))), Some(libc::EADDRINUSE));
        accept_one(&listener, &StreamOptions::default());
    }
    assert!(path.exists(), "its file is the application's");
    let no_socket = std::fs::File::open("/dev/null").unwrap();
    let result = Listener::bind(&Place::Tcp4.address(), using(no_socket.as_raw_fd()));
    assert_eq!(errno(result), Some(libc::ENOTSOCK));
}

#[test]
fn a_bound_descriptor_is_made_to_listen() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let options = StreamOptions { use_fd: Some(socket.into_raw_fd()), ..StreamOptions::default() };
    let listener = listen(&Place::Tcp4.address(), &options);
    accept_one(&listener, &StreamOptions::default());
}

/// The proxy is a script, and the peer speaks right behind its last reply.
#[test]
fn a_proxy_leads_to_the_peer() {
    let options = StreamOptions::default();
    let (_listener, client, server) = pair(Place::Tcp4, &options);
    let proxy = SocksProxy { address: String::new(), username: "me".into(), password: "pw".into() };
    let mut socks = Socks5::new("example.org", 80, &proxy).unwrap();
    assert!(!negotiate(&client, &mut socks).unwrap());
    assert_eq!(&receive(&server, 4)[..], [5, 2, 0, 2]);
    server.send(&[5, 2]).unwrap();
    wait_for(&client, poll::READABLE);
    assert!(!negotiate(&client, &mut socks).unwrap());
    assert_eq!(&receive(&server, 7)[..], b"\x01\x02me\x02pw");
    server.send(&[1, 0]).unwrap();
    wait_for(&client, poll::READABLE);
    assert!(!negotiate(&client, &mut socks).unwrap());
    assert_eq!(&receive(&server, 18)[..], b"\x05\x01\x00\x03\x0bexample.org\x00\x50");
    server.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50hello").unwrap();
    wait_for(&client, poll::READABLE);
    assert!(negotiate(&client, &mut socks).unwrap());
    assert_eq!(&receive(&client, 5)[..], b"hello", "not a byte of the peer's is lost");
}

#[test]
fn a_proxy_that_hangs_up_or_refuses_is_an_error() {
    let proxy = SocksProxy { address: String::new(), username: String::new(), password: String::new() };
    for (reply, expected) in
        [(&b"\x05\xff"[..], io::ErrorKind::PermissionDenied), (b"\x05", io::ErrorKind::UnexpectedEof)]
    {
        let (_listener, client, server) = pair(Place::Tcp4, &StreamOptions::default());
        let mut socks = Socks5::new("example.org", 80, &proxy).unwrap();
        assert!(!negotiate(&client, &mut socks).unwrap());
        receive(&server, 3);
        server.send(reply).unwrap();
        drop(server);
        let outcome = loop {
            wait_for(&client, poll::READABLE);
            match negotiate(&client, &mut socks) {
                Ok(false) => {}
                outcome => break outcome,
            }
        };
        assert_eq!(outcome.unwrap_err().kind(), expected);
    }
}

/// F4. In a process of its own, because the limit is the process's.
#[test]
fn descriptors_run_out() {
    const CHILD: &str = "FERROZMQ_TEST_WITHOUT_DESCRIPTORS";
    if std::env::var_os(CHILD).is_some() {
        everywhere(without_descriptors);
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transport::tests::descriptors_run_out", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn without_descriptors(place: Place) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let options = StreamOptions::default();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).unwrap();
    let mut listener = listen(&place.address(), &options);
    let (first, second) = (connect(&listener, &options), connect(&listener, &options));
    let mut hoard = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        hoard.push(file);
    }
    wait_for(&listener, poll::READABLE);
    for _ in 0..2 {
        assert!(matches!(listener.accept(), Err(AcceptError::Exhausted(_))));
    }
    assert_eq!(errno(Dial::start(&listener.dial_address().unwrap(), &options)), Some(libc::EMFILE));
    assert_eq!(errno(Listener::bind(&place.address(), options.clone())), Some(libc::EMFILE));
    assert!(listener.shed());
    assert!(is_ended(&first), "the shed peer knows at once");
    drop(hoard);
    let server = accept(&listener).unwrap();
    server.send(b"x").unwrap();
    assert_eq!(&receive(&second, 1)[..], b"x");
    setrlimit(Resource::Nofile, limit).unwrap();
}
