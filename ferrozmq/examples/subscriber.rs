//! Publish–subscribe, a subscriber to everything.
//!
//! `cargo run --example subscriber`; the other end is `publisher`. It waits when the publisher is gone, and goes on when it is back.

use ferrozmq::{Context, Sub};

fn main() -> ferrozmq::Result<()> {
    let context = Context::new();
    let socket = Sub::new(&context)?;
    socket.connect("tcp://localhost:5555")?;
    socket.subscribe("")?; // without a subscription nothing would come
    println!("subscriber started");
    loop {
        let message = socket.recv()?;
        println!("heard: {}", String::from_utf8_lossy(&message[0]));
    }
}
