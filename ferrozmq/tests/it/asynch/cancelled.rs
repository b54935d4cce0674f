//! Futures that are dropped at every await point, thousands of times: nothing is lost, and nothing comes twice.

use super::{SOON, endpoints, many_threads, number, numbered, one_thread};
use ferrozmq::{Context, ErrorKind, Pair, Pull, Push, Rep, Req};
use futures_util::future::{Either, select};
use std::pin::{Pin, pin};
use std::task::Poll;

const MESSAGES: u64 = 3000;

type Test = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls `future` at most `times` times, whenever it is woken or `others` have run, then lets go of it.
async fn at_most<F: Future + Unpin>(mut future: F, times: u64) -> Option<F::Output> {
    let mut polled = 0;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        polled += 1;
        if polled >= times {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Sends every number, by futures of which most are dropped.
async fn send_all(push: &Push) -> u64 {
    let mut dropped = 0;
    for n in 0..MESSAGES {
        let mut attempt = 0;
        while at_most(push.send_async(numbered(n)), 1 + attempt % 4).await.map(Result::unwrap).is_none() {
            attempt += 1;
            dropped += 1;
            tokio::task::yield_now().await;
        }
    }
    dropped
}

async fn receive_all(pull: &Pull) -> u64 {
    let mut dropped = 0;
    for n in 0..MESSAGES {
        let mut attempt = 0;
        let message = loop {
            match at_most(pull.recv_async(), 1 + attempt % 3).await {
                Some(message) => break message.unwrap(),
                None => dropped += 1,
            }
            attempt += 1;
            tokio::task::yield_now().await;
        };
        assert_eq!(number(&message), n);
    }
    dropped
}

/// At a mark of one message, where every call has to wait, and at one of a hundred.
fn drop_at_every_point(run: fn(Test), name: &str) {
    for endpoint in endpoints(name) {
        for mark in [1, 100] {
            let endpoint = endpoint.clone();
            run(Box::pin(async move {
                let context = Context::new();
                let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
                push.as_socket().set_sndhwm(mark).unwrap();
                pull.as_socket().set_rcvhwm(mark).unwrap();
                push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
                let sending = tokio::spawn(async move { (send_all(&push).await, push) });
                let dropped = receive_all(&pull).await;
                let (unsent, _push) = sending.await.unwrap();
                assert!(dropped + unsent > 20, "{endpoint}: only {dropped} and {unsent} were dropped");
                assert!(pull.try_recv().is_err(), "something came twice");
            }));
        }
    }
}

#[test]
fn with_one_thread() {
    fn run(test: Test) {
        one_thread(async move { tokio::time::timeout(SOON, test).await.unwrap() });
    }
    drop_at_every_point(run, "cancel1");
}

#[test]
fn with_many_threads() {
    fn run(test: Test) {
        many_threads(async move { tokio::time::timeout(SOON, tokio::spawn(test)).await.unwrap().unwrap() });
    }
    drop_at_every_point(run, "cancel3");
}

/// The loop that everybody writes: whichever of two sockets has something, or the clock.
#[test]
fn a_select_loop_neither_loses_nor_starves() {
    one_thread(async {
        let context = Context::new();
        let lines = ["inproc://select", "tcp://127.0.0.1:*"].map(|endpoint| {
            let (near, far) = (Pair::new(&context).unwrap(), Pair::new(&context).unwrap());
            far.connect(&near.bind(endpoint).unwrap()).unwrap();
            (near, far)
        });
        let [(left, left_far), (right, right_far)] = lines;
        for far in [left_far.clone(), right_far.clone()] {
            tokio::spawn(async move {
                for n in 0..MESSAGES {
                    far.send_async(numbered(n)).await.unwrap();
                    if n % 7 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
        let (mut lefts, mut rights, mut ticked) = (0, 0, 0);
        while lefts < MESSAGES || rights < MESSAGES {
            tokio::select! {
                message = left.recv_async() => {
                    assert_eq!(number(&message.unwrap()), lefts);
                    lefts += 1;
                }
                message = right.recv_async() => {
                    assert_eq!(number(&message.unwrap()), rights);
                    rights += 1;
                }
                _ = ticks.tick() => ticked += 1,
            }
        }
        assert!(ticked > 0);
        drop((left_far, right_far));
    });
}

#[test]
fn a_send_that_was_given_up_gives_its_message_back() {
    one_thread(async {
        let context = Context::new();
        let push = Push::new(&context).unwrap();
        let mut sending = push.send_async(["for", "nobody"]);
        let never = pin!(tokio::task::yield_now());
        let Either::Right(_) = select(&mut sending, never).await else { panic!("there is no peer") };
        assert_eq!(sending.into_message().unwrap(), ferrozmq::Message::from(["for", "nobody"]));
        let pull = Pull::new(&context).unwrap();
        push.connect(&pull.bind("inproc://given-up").unwrap()).unwrap();
        push.send_async("next").await.unwrap();
        assert_eq!(&pull.recv_async().await.unwrap()[0], "next");
    });
}

/// REQ and REP take turns, and a call that was given up is none.
#[test]
fn calls_that_were_given_up_change_no_turn() {
    for endpoint in endpoints("turns") {
        one_thread(async {
            let context = Context::new();
            let (server, client) = (Rep::new(&context).unwrap(), Req::new(&context).unwrap());
            assert!(at_most(client.send_async("there is no peer"), 2).await.is_none());
            assert_eq!(client.recv_async().await.unwrap_err().kind(), ErrorKind::WrongState);
            client.connect(&server.bind(&endpoint).unwrap()).unwrap();
            assert!(at_most(server.recv_async(), 2).await.is_none());
            client.send_async("question").await.unwrap();
            assert!(at_most(client.recv_async(), 2).await.is_none());
            assert_eq!(client.send_async("another").await.unwrap_err().error().kind(), ErrorKind::WrongState);
            assert_eq!(&server.recv_async().await.unwrap()[0], "question");
            drop(server.send_async("never polled"));
            assert_eq!(server.recv_async().await.unwrap_err().kind(), ErrorKind::WrongState);
            server.send_async("answer").await.unwrap();
            assert_eq!(&client.recv_async().await.unwrap()[0], "answer");
            assert!(server.try_recv().unwrap_err().is_would_block());
        });
    }
}
