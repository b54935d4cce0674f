//! Pipeline, the sink: collects what the workers have done and takes the time.
//!
//! `cargo run --example sink`; the others are `ventilator` and `worker`.

use ferrozmq::{Context, EventKind, Pull};
use std::time::Instant;

fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let receiver = Pull::new(&context)?;
    let events = receiver.as_socket().monitor()?;
    receiver.bind("tcp://*:5558")?;
    println!("sink started");
    std::thread::spawn(move || {
        for _ in events.filter(|event| event.kind == EventKind::HandshakeSucceeded) {
            println!("a peer is connected");
        }
    });

    receiver.recv()?; // the ventilator says that it begins
    println!("collecting results");
    let begin = Instant::now();
    for _ in 0..10 {
        let result = receiver.recv()?;
        println!("{}", String::from_utf8_lossy(&result[0]));
    }
    println!("all workers together took {} seconds", begin.elapsed().as_secs());
    Ok(())
}
