//! Request–reply, the server, asynchronously: answers each request after a second of work.
//!
//! `cargo run --example async_reqrep_server [REPLY]`; the client is `reqrep_client`. Either may start first.

use ferrozmq::{Context, Rep};
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ferrozmq::Result<()> {
    let reply = std::env::args().nth(1).unwrap_or_else(|| "world!".to_owned());
    let context = Context::new();
    let socket = Rep::new(&context)?;
    socket.bind("tcp://*:5555")?;
    println!("server started");
    for count in 1_u64.. {
        let request = socket.recv_async().await?;
        println!("received request {count}: {}", String::from_utf8_lossy(&request[0]));
        tokio::time::sleep(Duration::from_secs(1)).await; // the work
        socket.send_async(reply.as_str()).await?;
    }
    Ok(())
}
