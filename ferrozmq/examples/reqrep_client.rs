//! Request–reply, the client: nine requests, each sent when the reply to the last is here.
//!
//! `cargo run --example reqrep_client`; the server is `reqrep_server`. Either may start first.

use ferrozmq::{Context, Req};

fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let socket = Req::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    println!("client started");
    for _ in 1..10 {
        socket.send("hello")?;
        let reply = socket.recv()?;
        println!("received response: {}", String::from_utf8_lossy(&reply[0]));
    }
    Ok(())
}
