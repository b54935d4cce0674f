//! Time-out and retry, asynchronously: asks until somebody answers.
//!
//! `cargo run --example async_ping`; the server is `reqrep_server "ping test success"`, in either form.

use ferrozmq::{Context, Req, Result};
use std::time::Duration;

/// How long to wait for each answer.
const PATIENCE: Duration = Duration::from_millis(5555);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let context = Context::new();
    let socket = Req::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    loop {
        match socket.request("ping test").timeout(PATIENCE).await {
            Ok(answer) => break println!("{}", String::from_utf8_lossy(&answer[0])),
            Err(error) if error.is_timeout() => println!("ping failed, no response; once more"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
