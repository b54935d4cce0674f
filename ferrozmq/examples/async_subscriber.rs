//! Publish–subscribe, a subscriber to everything, asynchronously.
//!
//! `cargo run --example async_subscriber`; the other end is `publisher`. It waits when the publisher is gone, and goes on when it is back.

use ferrozmq::{Context, Sub};
use futures_util::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let socket = Sub::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    socket.subscribe("")?; // without a subscription nothing would come
    println!("subscriber started");
    let mut messages = socket.stream();
    while let Some(message) = messages.try_next().await? {
        println!("heard: {}", String::from_utf8_lossy(&message[0]));
    }
    Ok(())
}
