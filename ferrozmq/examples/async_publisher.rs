//! Publish–subscribe, the publisher, asynchronously: ten messages a second to whoever is listening.
//!
//! `cargo run --example async_publisher`; listeners are `subscriber`. They come and go as they like; who comes late has missed what was.

use ferrozmq::{Context, Pub};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let socket = Pub::new(&context)?;
    socket.bind("tcp://*:5555")?;
    println!("publisher started");
    for number in 1..=1000 {
        tokio::time::sleep(Duration::from_millis(100)).await; // the pace
        let temperature = number * 37 % 51 - 10;
        socket.send_async(format!("message {number}: it is {temperature} degrees today")).await?;
    }
    Ok(())
}
