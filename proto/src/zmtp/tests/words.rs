//! What a failed handshake is said to mean.

use super::curve::{SERVER, client_config, public, server_config};
use super::*;
use crate::mechanism::{MechanismConfig, SecretText, Verdict};

fn plain_client() -> LinkConfig {
    let mechanism =
        MechanismConfig::PlainClient { username: "anna".into(), password: SecretText::new("sesame") };
    LinkConfig { mechanism, ..LinkConfig::new(SocketType::Dealer) }
}

fn null(kind: SocketType) -> LinkConfig {
    LinkConfig::new(kind)
}

/// What the side says after these bytes of the peer, which make it fail.
fn after(config: LinkConfig, bytes: &[u8], dialed: bool) -> String {
    let mut side = Side::new(config);
    let error = side.feed(bytes).unwrap_err();
    side.link.explain(Some(error), dialed)
}

/// What it says when the peer closes the connection after these bytes.
fn closed(config: LinkConfig, bytes: &[u8]) -> String {
    let mut side = Side::new(config);
    side.feed(bytes).unwrap();
    side.link.explain(None, true)
}

#[test]
fn another_mechanism() {
    let offer = greeting(1, "CURVE");
    assert_eq!(after(null(SocketType::Dealer), &offer, true), "the server wants CURVE, you offer NULL");
    let text = after(server_config(false), &greeting(1, "NULL"), false);
    assert_eq!(text, "the client offers NULL, this socket wants CURVE");
    let mut odd = greeting(1, "");
    odd[12..16].copy_from_slice(b"\xffx\ny");
    assert_eq!(after(null(SocketType::Dealer), &odd, true), r"the server wants \xffx\ny, you offer NULL");
}

#[test]
fn another_key() {
    let silent = closed(client_config(public(SERVER)), &greeting(1, "CURVE"));
    assert_eq!(silent, "no WELCOME: the server key does not match");
    let mut client = Side::with_entropy(client_config(public([9; 32])), 1);
    let mut server = Side::with_entropy(server_config(false), 2);
    let hello = client.feed(&greeting(1, "CURVE")).unwrap().split_off(64);
    server.feed(&greeting(1, "CURVE")).unwrap();
    let error = server.feed(&hello).unwrap_err();
    let text = server.link.explain(Some(error), false);
    assert_eq!(text, "HELLO does not open: the client has another key for this server");
}

#[test]
fn access_control() {
    let mut refusal = greeting(1, "NULL");
    Command::Error(b"400").encode(&mut refusal);
    assert_eq!(after(null(SocketType::Dealer), &refusal, true), "refused by access control, status 400");
    let mut refusal = greeting(1, "NULL");
    Command::Error(b"go away").encode(&mut refusal);
    assert_eq!(after(null(SocketType::Dealer), &refusal, true), "the peer refused the handshake: go away");
    let text = closed(plain_client(), &greeting(1, "PLAIN"));
    assert_eq!(text, "no WELCOME: access control refused us for now (status 300), or there is none");
    let text = closed(null(SocketType::Dealer), &greeting(1, "NULL"));
    assert!(text.starts_with("no READY: the server refused us for now"), "{text}");
}

#[test]
fn roles_and_types_that_do_not_match() {
    let mut hello = greeting(1, "PLAIN");
    hello.extend(b"\x04\x08\x05HELLO\x00\x00");
    let text = after(plain_client(), &hello, true);
    assert_eq!(text, "the server did not send WELCOME: perhaps both sides are clients");
    let mut servers = greeting(1, "CURVE");
    servers[32] = 1;
    assert_eq!(after(server_config(false), &servers, false), "both sides are servers of CURVE");
    let text = after(null(SocketType::Sub), &simple_peer(1, SocketType::Pull), true);
    assert_eq!(text, "a PULL socket cannot talk with a SUB socket");
}

#[test]
fn strangers_are_called_by_their_names() {
    let cases: [(&[u8], &str); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"GET / HTTP/1.1\r\n", "HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
        (b"\x16\x03\x01\x02\x00", "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    ];
    for (bytes, name) in cases {
        assert_eq!(after(client_config(public(SERVER)), bytes, true), format!("this is {name}, not ZMTP"));
    }
    assert_eq!(stranger(b"\xff\0\0\0"), None);
}

#[test]
fn what_was_waited_for_when_time_was_up() {
    let cases = [
        (null(SocketType::Dealer), Vec::new(), "greeting"),
        (null(SocketType::Dealer), greeting(1, "NULL"), "READY"),
        (plain_client(), greeting(1, "PLAIN"), "WELCOME"),
        (server_config(false), greeting(1, "CURVE"), "HELLO"),
        (
            LinkConfig { zap: true, ..null(SocketType::Dealer) },
            greeting(1, "NULL"),
            "answer from access control",
        ),
    ];
    for (config, bytes, awaited) in cases {
        let mut side = Side::new(config);
        side.feed(&bytes).unwrap();
        side.link.poll_auth();
        let late = side.link.poll_timeout().unwrap();
        let error = side.link.handle_timeout(late).unwrap_err();
        let text = side.link.explain(Some(error), true);
        assert_eq!(text, format!("no {awaited} in the time allowed for the handshake"));
    }
}

#[test]
fn a_nameless_side_says_nothing_and_takes_every_type() {
    for kind in SocketType::ALL {
        let mut side = Side::new(LinkConfig { nameless: true, ..null(SocketType::Dealer) });
        let sent = side.feed(&simple_peer(1, kind)).unwrap();
        assert!(sent.ends_with(&ready(&[])));
        assert_eq!(side.link.greeted().unwrap().version, Version::V31);
        assert_eq!(side.split().2.socket_type, Some(kind));
    }
    // What it says is enough for others.
    let mut side = Side::new(null(SocketType::Dealer));
    side.feed(&[greeting(1, "NULL"), ready(&[])].concat()).unwrap();
    assert!(side.link.is_ready());
    // A refusal by access control is told after all that was said before.
    let mut side = Side::new(LinkConfig { zap: true, ..null(SocketType::Dealer) });
    side.feed(&greeting(1, "NULL")).unwrap();
    side.link.poll_auth().unwrap();
    assert_eq!(side.link.handle_auth(Verdict::Denied { status: 400 }), Err(PeerError::AccessDenied));
}
