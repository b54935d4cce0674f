//! Endpoint strings, good and bad. The bad ones include whatever libzmq was seen to accept by accident.

use proptest::prelude::*;

use super::*;

fn tcp(host: Host, port: u16) -> Endpoint {
    Endpoint::Tcp(TcpAddress { source: None, host, port })
}

fn ip(text: &str) -> Host {
    Host::Ip { address: text.parse().unwrap(), zone: None }
}

fn name(text: &str) -> Host {
    Host::Name(text.into())
}

#[test]
fn tcp_addresses() {
    let zoned = Host::Ip { address: "fe80::1".parse().unwrap(), zone: Some("lo".into()) };
    let cases = [
        ("tcp://127.0.0.1:5555", tcp(ip("127.0.0.1"), 5555), "tcp://127.0.0.1:5555"),
        ("tcp://*:*", tcp(Host::Wildcard, 0), "tcp://*:*"),
        ("tcp://*:0", tcp(Host::Wildcard, 0), "tcp://*:*"),
        ("tcp://[*]:1", tcp(Host::Wildcard, 1), "tcp://*:1"),
        ("tcp://0.0.0.0:65535", tcp(ip("0.0.0.0"), 65535), "tcp://0.0.0.0:65535"),
        ("tcp://*:05999", tcp(Host::Wildcard, 5999), "tcp://*:5999"),
        ("tcp://[::1]:5", tcp(ip("::1"), 5), "tcp://[::1]:5"),
        ("tcp://::1:5", tcp(ip("::1"), 5), "tcp://[::1]:5"),
        ("tcp://[0:0::1]:5", tcp(ip("::1"), 5), "tcp://[::1]:5"),
        ("tcp://[127.0.0.1]:5", tcp(ip("127.0.0.1"), 5), "tcp://127.0.0.1:5"),
        ("tcp://[fe80::1%lo]:5", tcp(zoned.clone(), 5), "tcp://[fe80::1%lo]:5"),
        ("tcp://fe80::1%lo:5", tcp(zoned, 5), "tcp://[fe80::1%lo]:5"),
        ("tcp://eth0:5", tcp(name("eth0"), 5), "tcp://eth0:5"),
        ("tcp://eth0:1:5", tcp(name("eth0:1"), 5), "tcp://eth0:1:5"),
        ("tcp://eth0.10:*", tcp(name("eth0.10"), 0), "tcp://eth0.10:*"),
        ("tcp://my_host-1.example.:5", tcp(name("my_host-1.example."), 5), "tcp://my_host-1.example.:5"),
        ("tcp://127.1:5", tcp(name("127.1"), 5), "tcp://127.1:5"),
    ];
    for (text, expected, canonical) in cases {
        let endpoint = Endpoint::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(endpoint, expected, "{text}");
        assert_eq!(endpoint.to_string(), canonical);
        assert_eq!(Endpoint::parse_bind(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_source_is_for_connecting_only() {
    let cases = [
        ("tcp://127.0.0.1:5998;127.0.0.1:5999", ip("127.0.0.1"), 5998, "tcp://127.0.0.1:5998;127.0.0.1:5999"),
        ("tcp://127.0.0.1:0;127.0.0.1:5999", ip("127.0.0.1"), 0, "tcp://127.0.0.1:*;127.0.0.1:5999"),
        ("tcp://127.0.0.1;127.0.0.1:5999", ip("127.0.0.1"), 0, "tcp://127.0.0.1:*;127.0.0.1:5999"),
        ("tcp://[::1];127.0.0.1:5999", ip("::1"), 0, "tcp://[::1]:*;127.0.0.1:5999"),
        ("tcp://::1;127.0.0.1:5999", ip("::1"), 0, "tcp://[::1]:*;127.0.0.1:5999"),
        ("tcp://[::1]:7;127.0.0.1:5999", ip("::1"), 7, "tcp://[::1]:7;127.0.0.1:5999"),
        ("tcp://lo;127.0.0.1:5999", name("lo"), 0, "tcp://lo:*;127.0.0.1:5999"),
        ("tcp://*:7;127.0.0.1:5999", Host::Wildcard, 7, "tcp://*:7;127.0.0.1:5999"),
    ];
    for (text, host, port, canonical) in cases {
        let endpoint = Endpoint::parse_connect(text).unwrap_or_else(|error| panic!("{error}"));
        let source = Some(HostPort { host, port });
        assert_eq!(endpoint, Endpoint::Tcp(TcpAddress { source, host: ip("127.0.0.1"), port: 5999 }));
        assert_eq!(endpoint.to_string(), canonical);
        assert!(Endpoint::parse_bind(text).is_err(), "{text}");
    }
}

#[test]
fn wildcards_are_for_binding_only() {
    for text in
        ["tcp://*:5", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://[*]:5", "ipc://*", "tcp://lo;h:*"]
    {
        assert!(
            matches!(Endpoint::parse_connect(text).unwrap_err().problem, Problem::Malformed(_)),
            "{text}"
        );
    }
    for text in ["tcp://h:5", "ipc:///x", "ipc://@x", "inproc://x", "inproc://*"] {
        assert_eq!(Endpoint::parse_connect(text), Endpoint::parse_bind(text));
    }
}

#[test]
fn ipc_and_inproc() {
    let path = |text: &str| Endpoint::Ipc(IpcAddress::Path(text.into()));
    assert_eq!(Endpoint::parse("ipc:///tmp/x.sock"), Ok(path("/tmp/x.sock")));
    assert_eq!(Endpoint::parse("ipc://a://b"), Ok(path("a://b")));
    assert_eq!(Endpoint::parse("ipc://@x"), Ok(Endpoint::Ipc(IpcAddress::Abstract("x".into()))));
    assert_eq!(Endpoint::parse("ipc://*"), Ok(Endpoint::Ipc(IpcAddress::Wildcard)));
    assert_eq!(Endpoint::parse("inproc://a b;é"), Ok(Endpoint::Inproc("a b;é".into())));
    for (length, fits) in [(107, true), (108, false)] {
        for first in ["/", "@"] {
            let text = format!("ipc://{first}{}", "a".repeat(length - 1));
            match Endpoint::parse(&text) {
                Ok(endpoint) => assert!(fits && endpoint.to_string() == text),
                Err(error) => assert!(!fits && error.problem == Problem::TooLong(Endpoint::IPC_MAX)),
            }
        }
    }
}

#[test]
fn malformed_text_is_refused() {
    let malformed = [
        "",
        "tcp",
        "tcp:",
        "tcp://",
        "://",
        "://x",
        "x",
        "tcp:/127.0.0.1:5",
        "tcp//127.0.0.1:5",
        "ipc://",
        "inproc://",
        "tcp://:",
        "tcp://*",
        "tcp://*:",
        "tcp://:5",
        "tcp://127.0.0.1",
        "tcp://::1",
        "tcp://[::1]",
        "tcp://*:65536",
        "tcp://*:-1",
        "tcp://*:+5",
        "tcp://*: 5",
        "tcp://*:5 ",
        "tcp://*:5x",
        "tcp://*:99999999999999999999",
        "tcp://*:5/x",
        "tcp://[]:5",
        "tcp://[::1:5",
        "tcp://::1]:5",
        "tcp://[[::1]]:5",
        "tcp://127.0.0.1::5",
        "tcp:// 127.0.0.1:5",
        "tcp://a b:5",
        "tcp://-:5",
        "tcp://.:5",
        "tcp://.a:5",
        "tcp://a$:5",
        "tcp://user@host:5",
        "tcp://é:5",
        "tcp://;127.0.0.1:5",
        "tcp://127.0.0.1:5;",
        "tcp://a;b;127.0.0.1:5",
        "tcp://127.0.0.1%lo:5",
        "tcp://[fe80::1%]:5",
        "tcp://[fe80::1%a b]:5",
        "tcp://[fe80::1%aaaaaaaaaaaaaaaa]:5",
        "tcp://lo%lo:5",
        "tcp://a\0:5",
        "ipc://@",
        "ipc://a\0b",
        "inproc://a\0",
        "tcp://[::]]:5",
        "tcp://]:5",
        "tcp://[:5",
        "tcp://%:5",
        "tcp://a::5",
        "tcp://１:5",
    ];
    for text in malformed {
        let error = Endpoint::parse(text).unwrap_err();
        assert!(matches!(error.problem, Problem::Malformed(_)), "{text:?}: {error}");
    }
}

#[test]
fn other_transports_are_named_with_their_reason() {
    for transport in ["udp", "ws", "wss", "pgm", "epgm", "norm", "tipc", "vmci", "vsock", "hvsocket"] {
        let problem = Endpoint::parse(&format!("{transport}://127.0.0.1:5")).unwrap_err().problem;
        assert!(matches!(problem, Problem::Absent(_)), "{transport}");
    }
    for text in ["foo://bar", "TCP://127.0.0.1:5", " tcp://127.0.0.1:5", "é://x"] {
        assert_eq!(Endpoint::parse(text).unwrap_err().problem, Problem::UnknownTransport, "{text}");
    }
    let error = Endpoint::parse("ws://127.0.0.1:5").unwrap_err();
    assert_eq!(
        error.to_string(),
        "endpoint \"ws://127.0.0.1:5\": this transport is not available: WebSocket is not implemented yet"
    );
}

#[test]
fn long_text_is_refused_and_not_repeated() {
    let long = "é".repeat(1 << 20);
    for prefix in ["", "tcp://", "ipc://", "inproc://", "tcp://[::1%"] {
        let error = Endpoint::parse(&format!("{prefix}{long}")).unwrap_err();
        assert_eq!(error.problem, Problem::TooLong(Endpoint::MAX));
        assert!(error.to_string().len() < 300);
    }
    let name = format!("tcp://{}:5", "a".repeat(254));
    assert_eq!(Endpoint::parse(&name).unwrap_err().problem, Problem::TooLong(Endpoint::HOST_NAME_MAX));
    assert!(Endpoint::parse(&format!("inproc://{}", "a".repeat(300))).is_ok());
}

#[test]
fn bytes_become_text_or_a_clear_error() {
    assert_eq!(Endpoint::text(b"tcp://*:5"), Ok("tcp://*:5"));
    assert!(matches!(Endpoint::text(b"ipc:///\xff").unwrap_err().problem, Problem::Malformed(_)));
    assert_eq!(Endpoint::text(&[b'a'; 1 << 20]).unwrap_err().problem, Problem::TooLong(Endpoint::MAX));
    assert_eq!(Endpoint::text(&[0xff; 1 << 20]).unwrap_err().problem, Problem::TooLong(Endpoint::MAX));
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("tcp://"),
        Just("ipc://"),
        Just("inproc://"),
        Just("*"),
        Just(":"),
        Just(";"),
        Just("["),
        Just("]"),
        Just("%"),
        Just("::1"),
        Just("127.0.0.1"),
        Just("eth0"),
        Just("5555"),
        Just("0"),
        Just("@"),
        Just("/"),
        Just("!"),
        Just("é"),
        Just("\0"),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_canonical_form_means_the_same(text in prop_oneof![pieces(), pieces().prop_map(|rest| format!("tcp://{rest}")), any::<String>()]) {
        if let Ok(endpoint) = Endpoint::parse(&text) {
            let canonical = endpoint.to_string();
            let again = Endpoint::parse(&canonical).unwrap();
            prop_assert_eq!(&again, &endpoint);
            prop_assert_eq!(again.to_string(), canonical);
        }
    }
}
