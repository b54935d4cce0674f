//! The command `zmq`.
fn main() {}
