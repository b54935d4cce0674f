//! Requests with time-outs and retries: late replies, absent servers, dropped futures.

use super::{SOON, endpoints, many_threads, one_thread};
use crate::ground::free_endpoint;
use ferrozmq::{Context, ErrorKind, Message, Rep, Req, Router};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(30);

/// A server that lets `silent` requests go unanswered, then answers each with itself, `late` ones before it.
fn forgetful(context: &Context, endpoint: &str, silent: usize) -> String {
    let router = Router::new(context).unwrap();
    let at = router.bind(endpoint).unwrap();
    std::thread::spawn(move || {
        let mut unanswered = Vec::new();
        while let Ok(request) = router.recv() {
            unanswered.push(request);
            if unanswered.len() > silent {
                // The oldest first: the asker must tell them from the reply that it waits for.
                unanswered.drain(..).for_each(|late| router.send(late).unwrap());
            }
        }
    });
    at
}

#[test]
fn a_retry_is_answered_and_late_replies_are_not_taken_for_the_answer() {
    for endpoint in endpoints("late") {
        for form in ["call", "await"] {
            let context = Context::new();
            let client = Req::new(&context).unwrap();
            client.connect(&forgetful(&context, &endpoint, 2)).unwrap();
            for n in 0..3 {
                let request = client.request(format!("request {n}")).timeout(SHORT).retries(100);
                let reply = match form {
                    "call" => request.call(),
                    _ => one_thread(async { request.await }),
                };
                assert_eq!(reply.unwrap(), Message::from(format!("request {n}")));
            }
        }
    }
}

#[test]
fn an_unanswered_request_leaves_the_socket_usable() {
    let context = Context::new();
    let client = Req::new(&context).unwrap();
    let began = Instant::now();
    client.connect("inproc://nobody-yet").unwrap();
    let error = client.request("first").timeout(SHORT).retries(2).call().unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("3 times"), "{error}");
    assert!(began.elapsed() >= 3 * SHORT);
    let error = one_thread(async { client.request("second").timeout(SHORT).await }).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let server = Rep::new(&context).unwrap();
    server.bind("inproc://nobody-yet").unwrap();
    std::thread::spawn(move || {
        while let Ok(request) = server.recv() {
            server.send(request).unwrap();
        }
    });
    let reply = client.request("third").timeout(SOON).call().unwrap();
    assert_eq!(&reply[0], "third");
    // And in the old way.
    client.send("fourth").unwrap();
    assert_eq!(&client.recv_timeout(SOON).unwrap()[0], "fourth");
}

/// What waits for a server that is not there is taken back: it gets the last try only.
#[test]
fn a_server_that_comes_late_is_asked_once() {
    for endpoint in [free_endpoint(), "inproc://late".to_owned()] {
        let context = Context::new();
        let client = Req::new(&context).unwrap();
        client.connect(&endpoint).unwrap();
        assert!(client.request("too early").timeout(SHORT).retries(5).call().unwrap_err().is_timeout());
        let stats = client.as_socket().stats();
        assert_eq!(
            (stats.sent, stats.left, stats.dropped.withdrawn, stats.queued_out),
            (6, 0, 6, 0),
            "{stats:?}"
        );
        let server = Rep::new(&context).unwrap();
        server.bind(&endpoint).unwrap();
        let answering = std::thread::spawn(move || {
            let request = server.recv_timeout(SOON).unwrap();
            server.send(request.clone()).unwrap();
            (request, server)
        });
        let reply = client.request("in time").timeout(SOON).call().unwrap();
        assert_eq!(&reply[0], "in time");
        let (request, server) = answering.join().unwrap();
        assert_eq!(&request[0], "in time");
        assert!(server.try_recv().unwrap_err().is_would_block());
        let (asked, heard) = (client.as_socket().stats(), server.as_socket().stats());
        assert_eq!((asked.left, heard.arrived, heard.received), (1, 1, 1), "{asked:?} {heard:?}");
    }
}

#[test]
fn a_dropped_request_leaves_the_socket_usable() {
    for endpoint in endpoints("dropped-request") {
        many_threads(async {
            let context = Context::new();
            let client = Req::new(&context).unwrap();
            // Every other request has no answer before the next one comes: however quick the others are, there is something to drop.
            client.connect(&forgetful(&context, &endpoint, 1)).unwrap();
            let mut given_up = 0;
            for n in 0..1000_u32 {
                tokio::select! {
                    biased;
                    reply = client.request(n.to_string()).into_future() => assert_eq!(reply.unwrap(), Message::from(n.to_string())),
                    () = async { for _ in 0..n % 5 { tokio::task::yield_now().await } } => given_up += 1,
                }
            }
            assert!(given_up > 50, "only {given_up} were dropped");
            let last = client.request("last").timeout(SHORT).retries(100).await.unwrap();
            assert_eq!(&last[0], "last");
        });
    }
}

#[test]
fn a_second_request_is_refused_and_harms_nobody() {
    one_thread(async {
        let context = Context::new();
        let client = Req::new(&context).unwrap();
        let router = Router::new(&context).unwrap();
        client.connect(&router.bind("inproc://second").unwrap()).unwrap();
        let first = async { client.request("first").timeout(SOON).await };
        let second = async {
            let asked = router.recv_async().await.unwrap();
            let refused = client.request("second").timeout(SOON).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::WrongState);
            router.send_async(asked).await.unwrap();
        };
        let (reply, ()) = futures_util::future::join(first, second).await;
        assert_eq!(&reply.unwrap()[0], "first");
    });
}

#[test]
fn an_awaited_time_out_needs_an_io_thread() {
    one_thread(async {
        let context = Context::builder().io_threads(0).build();
        let client = Req::new(&context).unwrap();
        let error = client.request("hello").timeout(SHORT).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoIoThread);
        assert!(client.request("hello").timeout(SHORT).call().unwrap_err().is_timeout());
    });
}
