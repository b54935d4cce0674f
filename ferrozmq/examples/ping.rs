//! Time-out and retry: asks until somebody answers.
//!
//! `cargo run --example ping`; the server is `reqrep_server "ping test success"`. With `.retries(n)` the loop would be the library's;
//! here each failure is told.

use ferrozmq::{Context, Req, Result};
use std::time::Duration;

/// How long to wait for each answer.
const PATIENCE: Duration = Duration::from_millis(5555);

fn main() -> Result<()> {
    let context = Context::new();
    let socket = Req::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    loop {
        match socket.request("ping test").timeout(PATIENCE).call() {
            Ok(answer) => break println!("{}", String::from_utf8_lossy(&answer[0])),
            Err(error) if error.is_timeout() => println!("ping failed, no response; once more"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
