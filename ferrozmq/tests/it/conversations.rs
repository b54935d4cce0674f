//! The patterns between two of our own sockets, over every transport.

use ferrozmq::{Context, Dealer, Frame, Message, Pub, Rep, Req, Router, SocketType, Sub};
use std::io::{Read, Write};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// An endpoint to bind for each transport; `name` keeps inproc names apart.
fn endpoints(name: &str) -> [String; 3] {
    ["tcp://127.0.0.1:*".to_owned(), "ipc://*".to_owned(), format!("inproc://{name}")]
}

#[test]
fn request_and_reply_alternate() {
    for endpoint in endpoints("rr") {
        let context = Context::new();
        let (server, client) = (Rep::new(&context).unwrap(), Req::new(&context).unwrap());
        client.connect(&server.bind(&endpoint).unwrap()).unwrap();
        for n in 0..100 {
            client.send(format!("request {n}")).unwrap();
            let request = server.recv_timeout(SOON).unwrap();
            assert_eq!(request, Message::from(format!("request {n}")));
            server.send(request).unwrap();
            assert_eq!(client.recv_timeout(SOON).unwrap(), Message::from(format!("request {n}")));
        }
    }
}

#[test]
fn subscribers_get_what_they_asked_for() {
    for endpoint in endpoints("ps") {
        let context = Context::new();
        let (publisher, subscriber) = (Pub::new(&context).unwrap(), Sub::new(&context).unwrap());
        subscriber.subscribe("a").unwrap();
        subscriber.connect(&publisher.bind(&endpoint).unwrap()).unwrap();
        publisher.as_socket().wait_for_peers(1, SOON).unwrap();
        for message in [Message::from("b"), Message::from(["a1", "x"]), Message::from("a2")] {
            publisher.send(message).unwrap();
        }
        assert_eq!(subscriber.recv_timeout(SOON).unwrap(), Message::from(["a1", "x"]));
        assert_eq!(subscriber.recv_timeout(SOON).unwrap(), Message::from("a2"));
    }
}

/// Programs for STREAM set `ZMQ_SNDMORE` on both parts of everything.
#[test]
fn a_raw_message_ends_with_its_second_part() {
    let context = Context::new();
    let raw_router = || {
        let router = context.socket(SocketType::Router).unwrap();
        router.set_raw(41, &1_i32.to_ne_bytes()).unwrap();
        router
    };
    for server in [context.socket(SocketType::Stream).unwrap(), raw_router()] {
        let at = server.bind("tcp://127.0.0.1:*").unwrap();
        let mut peer = std::net::TcpStream::connect(at.strip_prefix("tcp://").unwrap()).unwrap();
        peer.set_read_timeout(Some(SOON)).unwrap();
        peer.write_all(b"?").unwrap();
        let question = std::iter::repeat_with(|| server.recv_timeout(SOON).unwrap());
        let question = question.into_iter().find(|message| message.last() == "?").unwrap();
        for part in [b"one", b"two"] {
            server.send_part(question.first().clone(), true, true).unwrap();
            server.send_part(part.to_vec(), true, true).unwrap();
        }
        let mut answer = [0; 6];
        peer.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"onetwo");
        // And with nothing more to come, as a whole.
        server.send_part(question.first().clone(), true, true).unwrap();
        server.send_part("three", false, true).unwrap();
        peer.read_exact(&mut answer[..5]).unwrap();
        assert_eq!(&answer[..5], b"three");
    }
}

#[test]
fn a_router_answers_by_routing_id() {
    for endpoint in endpoints("id") {
        let context = Context::new();
        let (router, dealer) = (Router::new(&context).unwrap(), Dealer::new(&context).unwrap());
        dealer.as_socket().set_routing_id("dealer").unwrap();
        dealer.connect(&router.bind(&endpoint).unwrap()).unwrap();
        let long = Frame::from(vec![7; 100_000]);
        dealer.send([Frame::from("question"), long.clone()]).unwrap();
        let message = router.recv_timeout(SOON).unwrap();
        assert_eq!(message, Message::from([Frame::from("dealer"), Frame::from("question"), long.clone()]));
        router.send(message).unwrap();
        assert_eq!(dealer.recv_timeout(SOON).unwrap(), Message::from([Frame::from("question"), long]));
    }
}
