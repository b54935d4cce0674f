//! Pipeline, a worker, asynchronously: takes tasks from the ventilator, works, tells the sink.
//!
//! `cargo run --example async_worker [NAME]`; the others are `ventilator` and `sink`. Any number of workers may come and go.

use ferrozmq::{Context, EventKind, Pull, Push};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "worker".to_owned());
    let context = Context::new();
    let receiver = Pull::new(&context)?;
    let events = receiver.as_socket().monitor()?;
    receiver.connect("tcp://localhost:5557")?;
    let sender = Push::new(&context)?;
    sender.connect("tcp://localhost:5558")?;

    let announced = name.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv_async().await {
            if event.kind == EventKind::HandshakeSucceeded {
                println!("{announced} is ready");
            }
        }
    });
    loop {
        let task = receiver.recv_async().await?;
        let seconds: u64 = task[0].as_str()?.parse()?;
        println!("{name} has a task of {seconds} seconds");
        tokio::time::sleep(Duration::from_secs(seconds)).await; // the work
        sender.send_async(format!("{name} has done a task of {seconds} seconds")).await?;
    }
}
