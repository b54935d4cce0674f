//! Pipeline, the ventilator, asynchronously: ten tasks, dealt out evenly among the workers.
//!
//! `cargo run --example async_ventilator [WORKERS]`; the others are `worker` and `sink`. The first worker to connect would get all the
//! tasks, so it waits: for Enter, or for as many workers as it is told.

use ferrozmq::{Context, Push};
use std::time::Duration;

/// How long to wait for the workers.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::new();
    let sender = Push::new(&context)?;
    sender.bind("tcp://*:5557")?;
    let sink = Push::new(&context)?;
    sink.connect("tcp://localhost:5558")?;

    if let Some(workers) = std::env::args().nth(1) {
        println!("waiting for {workers} workers");
        let all_here = sender.as_socket().wait_for_peers_async(workers.parse()?);
        tokio::time::timeout(PATIENCE, all_here).await??;
    } else {
        println!("press Enter when the workers are ready");
        std::io::stdin().read_line(&mut String::new())?;
    }
    println!("sending tasks");
    sink.send_async("0").await?; // the sink's clock starts

    let seconds = (1..=10).map(|number| 1 + number * 3 % 5);
    let total: u32 = seconds.clone().sum();
    for task in seconds {
        sender.send_async(task.to_string()).await?;
    }
    println!("{total} seconds of work are under way");

    drop((sender, sink));
    context.term(); // waits until everything has left
    Ok(())
}
