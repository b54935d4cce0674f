//! What ends a future: its socket, and its context.

use super::{SOON, many_threads};
use ferrozmq::{Context, Error, ErrorKind, Pull, Push, Req, Result};
use std::pin::Pin;

type Pending = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One of each kind that waits for ever, on sockets without peers.
fn pending(context: &Context) -> Vec<Pending> {
    let (push, pull, req) =
        (Push::new(context).unwrap(), Pull::new(context).unwrap(), Req::new(context).unwrap());
    req.connect("tcp://127.0.0.1:9").unwrap();
    let waiting = pull.clone();
    vec![
        Box::pin(async move { pull.recv_async().await.map(drop) }),
        Box::pin(async move { push.send_async("nobody").await.map_err(Error::from) }),
        Box::pin(async move { waiting.as_socket().wait_for_peers_async(1).await }),
        Box::pin(async move { req.request("nobody").await.map(drop) }),
    ]
}

#[test]
fn termination_completes_every_future() {
    for round in 0..50 {
        many_threads(async {
            let context = Context::new();
            let tasks: Vec<_> = pending(&context).into_iter().map(tokio::spawn).collect();
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            let context = std::sync::Arc::new(context);
            let terminator = std::sync::Arc::clone(&context);
            std::thread::spawn(move || terminator.shutdown());
            for task in tasks {
                let ended = tokio::time::timeout(SOON, task).await.unwrap().unwrap();
                assert_eq!(ended.unwrap_err().kind(), ErrorKind::Terminated);
            }
        });
    }
}

#[test]
fn closing_a_socket_completes_its_futures() {
    many_threads(async {
        let context = Context::new();
        let pull = Pull::new(&context).unwrap();
        let waiting = pull.clone();
        let task = tokio::spawn(async move { waiting.recv_async().await });
        tokio::task::yield_now().await;
        pull.as_socket().close();
        let ended = tokio::time::timeout(SOON, task).await.unwrap().unwrap();
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Closed);
    });
}
