//! Pipeline, the sink, asynchronously: collects what the workers have done and takes the time.
//!
//! `cargo run --example async_sink`; the others are `ventilator` and `worker`.

use ferrozmq::{Context, EventKind, Pull};
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let receiver = Pull::new(&context)?;
    let events = receiver.as_socket().monitor()?;
    receiver.bind("tcp://*:5558")?;
    println!("sink started");
    tokio::spawn(async move {
        while let Some(event) = events.recv_async().await {
            if event.kind == EventKind::HandshakeSucceeded {
                println!("a peer is connected");
            }
        }
    });

    receiver.recv_async().await?; // the ventilator says that it begins
    println!("collecting results");
    let begin = Instant::now();
    for _ in 0..10 {
        let result = receiver.recv_async().await?;
        println!("{}", String::from_utf8_lossy(&result[0]));
    }
    println!("all workers together took {} seconds", begin.elapsed().as_secs());
    Ok(())
}
