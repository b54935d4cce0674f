//! The same conversations on every executor, over every transport.

use super::{SOON, block_on, endpoints, many_threads, number, numbered, one_thread};
use ferrozmq::{Context, Dealer, Error, Pub, Pull, Push, Rep, Req, Router, Sub};
use futures_util::future::try_join;

/// Request–reply in turns: what one task sends, another of the same thread receives.
async fn ask_and_answer(context: &Context, endpoint: &str) -> Result<(), Error> {
    let (server, client) = (Rep::new(context)?, Req::new(context)?);
    client.connect(&server.bind(endpoint)?)?;
    let serve = async {
        for _ in 0..300 {
            let request = server.recv_async().await?;
            server.send_async(request).await?;
        }
        Ok::<(), Error>(())
    };
    let ask = async {
        for n in 0..300 {
            client.send_async(numbered(n)).await?;
            assert_eq!(number(&client.recv_async().await?), n);
        }
        Ok::<(), Error>(())
    };
    try_join(serve, ask).await.map(drop)
}

/// A stream through marks of one message, where both ends wait all the time.
async fn squeeze(context: &Context, endpoint: &str) -> Result<(), Error> {
    let (push, pull) = (Push::new(context)?, Pull::new(context)?);
    push.as_socket().set_sndhwm(1)?;
    pull.as_socket().set_rcvhwm(1)?;
    push.connect(&pull.bind(endpoint)?)?;
    let send = async {
        for n in 0..2000 {
            push.send_async(&numbered(n)[..]).await?;
        }
        Ok::<(), Error>(())
    };
    let receive = async {
        for n in 0..2000 {
            assert_eq!(number(&pull.recv_async().await?), n);
        }
        Ok::<(), Error>(())
    };
    try_join(send, receive).await.map(drop)
}

async fn publish(context: &Context, endpoint: &str) -> Result<(), Error> {
    let (publisher, subscriber) = (Pub::new(context)?, Sub::new(context)?);
    subscriber.subscribe("a")?;
    subscriber.connect(&publisher.bind(endpoint)?)?;
    publisher.as_socket().wait_for_peers_async(1).await?;
    for message in ["b", "a1", "a2"] {
        publisher.send_async(message).await?;
    }
    assert_eq!(&subscriber.recv_async().await?[0], "a1");
    assert_eq!(&subscriber.recv_async().await?[0], "a2");
    Ok(())
}

async fn route(context: &Context, endpoint: &str) -> Result<(), Error> {
    let (router, dealer) = (Router::new(context)?, Dealer::new(context)?);
    dealer.connect(&router.bind(endpoint)?)?;
    dealer.send_async(["two", "parts"]).await?;
    let message = router.recv_async().await?;
    router.send_async(message).await?;
    assert_eq!(dealer.recv_async().await?.len(), 2);
    Ok(())
}

async fn converse(name: &str) {
    for endpoint in endpoints(name) {
        let context = Context::new();
        ask_and_answer(&context, &endpoint).await.unwrap();
        squeeze(&context, &endpoint).await.unwrap();
        publish(&context, &endpoint).await.unwrap();
        route(&context, &endpoint).await.unwrap();
    }
}

#[test]
fn tokio_with_one_thread() {
    one_thread(async { tokio::time::timeout(4 * SOON, converse("one")).await.unwrap() });
}

#[test]
fn tokio_with_many_threads() {
    many_threads(async {
        tokio::time::timeout(4 * SOON, tokio::spawn(converse("many"))).await.unwrap().unwrap()
    });
}

#[test]
fn smol() {
    let executor = async_executor::Executor::new();
    let task = executor.spawn(converse("smol"));
    futures_lite::future::block_on(executor.run(task));
}

#[test]
fn a_loop_that_parks() {
    block_on(converse("park"));
}
