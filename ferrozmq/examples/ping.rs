//! Time-out and retry: asks until somebody answers.
//!
//! `cargo run --example ping`; the server is `reqrep_server "ping test success"`. A REQ socket that got no reply cannot ask again, so
//! each try has a socket of its own.

use ferrozmq::{Context, Message, Req, Result};
use std::time::Duration;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_millis(5555);

fn main() -> Result<()> {
    let context = Context::new();
    loop {
        match ask(&context) {
            Ok(answer) => {
                println!("{}", String::from_utf8_lossy(&answer[0]));
                return Ok(());
            }
            Err(error) if error.is_timeout() => println!("ping failed, no response; once more"),
            Err(error) => return Err(error),
        }
    }
}

/// Asks once.
fn ask(context: &Context) -> Result<Message> {
    let socket = Req::new(context)?;
    socket.as_socket().set_linger(Some(Duration::ZERO))?; // a question that nobody answered is not kept
    socket.connect("tcp://localhost:5555")?;
    socket.send("ping test")?;
    socket.recv_timeout(PATIENCE)
}
