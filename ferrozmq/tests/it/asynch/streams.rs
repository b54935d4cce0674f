//! Streams and sinks, with the tools that everybody uses on them.

use super::{SOON, endpoints, number, numbered, one_thread};
use ferrozmq::{Context, EventKind, Message, Pull, Push};
use futures_util::{SinkExt, StreamExt, stream};

#[test]
fn a_stream_and_a_sink_carry_everything_in_order() {
    for endpoint in endpoints("streams") {
        one_thread(async {
            let context = Context::new();
            let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
            push.as_socket().set_sndhwm(2).unwrap();
            pull.as_socket().set_rcvhwm(2).unwrap();
            push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
            let mut sink = push.sink();
            let sending = tokio::spawn(async move {
                let mut messages = stream::iter((0..1000).map(|n| Ok(Message::from(numbered(n)))));
                sink.send_all(&mut messages).await.unwrap();
                sink.close().await.unwrap();
            });
            let received =
                pull.stream().take(1000).map(|message| number(&message.unwrap())).collect::<Vec<u64>>();
            let received = tokio::time::timeout(SOON, received).await.unwrap();
            assert_eq!(received, (0..1000).collect::<Vec<u64>>());
            sending.await.unwrap();
        });
    }
}

#[test]
fn a_stream_ends_with_its_socket() {
    one_thread(async {
        let context = Context::new();
        let pull = Pull::new(&context).unwrap();
        let rest = tokio::spawn(pull.stream().count());
        tokio::task::yield_now().await;
        pull.as_socket().close();
        assert_eq!(tokio::time::timeout(SOON, rest).await.unwrap().unwrap(), 0);
    });
}

#[test]
fn a_sink_keeps_what_has_no_room() {
    one_thread(async {
        let context = Context::new();
        let push = Push::new(&context).unwrap();
        let mut sink = push.sink();
        sink.feed(Message::from("kept")).await.unwrap();
        assert_eq!(sink.into_unsent().unwrap(), Message::from("kept"));
    });
}

#[test]
fn monitors_tell_tasks() {
    one_thread(async {
        let context = Context::new();
        let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
        let (first, second) = (pull.as_socket().monitor().unwrap(), pull.as_socket().monitor().unwrap());
        let kinds = tokio::spawn(second.into_stream().map(|event| event.kind).collect::<Vec<_>>());
        tokio::task::yield_now().await;
        push.connect(&pull.bind("tcp://127.0.0.1:*").unwrap()).unwrap();
        let ready =
            async { while first.recv_async().await.unwrap().kind != EventKind::HandshakeSucceeded {} };
        tokio::time::timeout(SOON, ready).await.unwrap();
        drop((push, pull));
        let kinds = tokio::time::timeout(SOON, kinds).await.unwrap().unwrap();
        assert_eq!(kinds.first(), Some(&EventKind::Listening));
        assert!(kinds.contains(&EventKind::HandshakeSucceeded));
        assert_eq!(kinds.last(), Some(&EventKind::MonitorStopped));
    });
}
