//! Pipeline, a worker: takes tasks from the ventilator, works, tells the sink.
//!
//! `cargo run --example worker [NAME]`; the others are `ventilator` and `sink`. Any number of workers may come and go.

use ferrozmq::{Context, EventKind, Pull, Push};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "worker".to_owned());
    let context = Context::new();
    let receiver = Pull::new(&context)?;
    let events = receiver.as_socket().monitor()?;
    receiver.connect("tcp://localhost:5557")?;
    let sender = Push::new(&context)?;
    sender.connect("tcp://localhost:5558")?;

    let announced = name.clone();
    std::thread::spawn(move || {
        for _ in events.filter(|event| event.kind == EventKind::HandshakeSucceeded) {
            println!("{announced} is ready");
        }
    });
    loop {
        let task = receiver.recv()?;
        let seconds: u64 = task[0].as_str()?.parse()?;
        println!("{name} has a task of {seconds} seconds");
        std::thread::sleep(Duration::from_secs(seconds)); // the work
        sender.send(format!("{name} has done a task of {seconds} seconds"))?;
    }
}
