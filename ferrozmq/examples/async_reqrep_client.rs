//! Request–reply, the client, asynchronously: nine requests, each sent when the reply to the last is here.
//!
//! `cargo run --example async_reqrep_client`; the server is `reqrep_server`. Either may start first.

use ferrozmq::{Context, Req};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let socket = Req::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    println!("client started");
    for _ in 1..10 {
        socket.send_async("hello").await?;
        let reply = socket.recv_async().await?;
        println!("received response: {}", String::from_utf8_lossy(&reply[0]));
    }
    Ok(())
}
