//! Request–reply, the server: answers each request after a second of work.
//!
//! `cargo run --example reqrep_server [REPLY]`; the client is `reqrep_client`. Either may start first.

use ferrozmq::{Context, Rep};
use std::time::Duration;

fn main() -> ferrozmq::Result<()> {
    let reply = std::env::args().nth(1).unwrap_or_else(|| "world!".to_owned());
    let context = Context::new();
    let socket = Rep::new(&context)?;
    socket.bind("tcp://*:5555")?;
    println!("server started");
    for count in 1_u64.. {
        let request = socket.recv()?;
        println!("received request {count}: {}", String::from_utf8_lossy(&request[0]));
        std::thread::sleep(Duration::from_secs(1)); // the work
        socket.send(reply.as_str())?;
    }
    Ok(())
}
