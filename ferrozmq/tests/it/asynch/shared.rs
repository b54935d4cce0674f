//! One socket, many tasks and threads.

use super::{SOON, endpoints, many_threads, number, numbered};
use ferrozmq::{Context, Dealer, Pull, Push, Router};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MESSAGES: u64 = 6000;
const TASKS: u64 = 8;

/// Tasks and a thread that blocks, all receiving from one socket; each message reaches one of them.
#[test]
fn tasks_and_threads_share_what_comes() {
    for endpoint in endpoints("shared") {
        let context = Context::new();
        let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
        push.connect(&pull.bind(&endpoint).unwrap()).unwrap();
        let (sum, count) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let note = {
            let (sum, count) = (Arc::clone(&sum), Arc::clone(&count));
            move |n: u64| {
                sum.fetch_add(n, Ordering::Relaxed);
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let blocking = {
            let (pull, note) = (pull.clone(), note.clone());
            std::thread::spawn(move || {
                while let Ok(message) = pull.recv() {
                    note(number(&message));
                }
            })
        };
        many_threads(async {
            let shares: Vec<_> = (0..TASKS)
                .map(|_| {
                    let (pull, note) = (pull.clone(), note.clone());
                    tokio::spawn(async move {
                        while let Ok(message) = pull.recv_async().await {
                            note(number(&message));
                        }
                    })
                })
                .collect();
            for n in 0..MESSAGES {
                push.send_async(numbered(n)).await.unwrap();
                if n % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            let all = async {
                while count.load(Ordering::Relaxed) < MESSAGES {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(SOON, all).await.unwrap();
            context.shutdown();
            for share in shares {
                share.await.unwrap();
            }
        });
        blocking.join().unwrap();
        assert_eq!(sum.load(Ordering::Relaxed), MESSAGES * (MESSAGES - 1) / 2);
    }
}

/// The one that waits longer is woken first. If it is dropped then, the other must not have missed its wake-up for it.
#[test]
fn a_task_that_is_dropped_takes_no_wake_up_along() {
    many_threads(async {
        let context = Context::new();
        let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
        push.connect(&pull.bind("inproc://dropped").unwrap()).unwrap();
        let mut cancelled = 0;
        for n in 0..2000 {
            let [first, second] = [(); 2].map(|()| {
                let pull = pull.clone();
                tokio::spawn(async move { number(&pull.recv_async().await.unwrap()) })
            });
            if n % 2 == 0 {
                tokio::task::yield_now().await;
            }
            push.send_async(numbered(n)).await.unwrap();
            first.abort();
            let left = if let Ok(got) = first.await {
                assert_eq!(got, n);
                second.abort();
                second.await.ok()
            } else {
                cancelled += 1;
                assert_eq!(tokio::time::timeout(SOON, second).await.unwrap().unwrap(), n);
                None
            };
            assert_eq!(left, None, "a message came twice");
        }
        assert!(cancelled > 0);
    });
}

#[test]
fn halves_work_apart() {
    for endpoint in endpoints("halves") {
        many_threads(async {
            let context = Context::new();
            let (router, dealer) = (Router::new(&context).unwrap(), Dealer::new(&context).unwrap());
            router.as_socket().set_router_mandatory(true).unwrap(); // it waits for room, and drops nothing
            dealer.connect(&router.bind(&endpoint).unwrap()).unwrap();
            let (answers, questions) = router.split();
            let (sender, receiver) = dealer.split();
            assert!(sender.is_half_of(&receiver) && !sender.is_half_of(&questions));
            tokio::spawn(async move {
                for _ in 0..MESSAGES {
                    answers.send_async(questions.recv_async().await.unwrap()).await.unwrap();
                }
            });
            let asking = tokio::spawn(async move {
                for n in 0..MESSAGES {
                    sender.send_async(numbered(n)).await.unwrap();
                }
                sender
            });
            let receiving = async {
                for n in 0..MESSAGES {
                    assert_eq!(number(&receiver.recv_async().await.unwrap()), n);
                }
            };
            tokio::time::timeout(SOON, receiving).await.unwrap();
            asking.await.unwrap();
        });
    }
}
