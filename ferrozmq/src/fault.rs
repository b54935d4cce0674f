//! Panics on demand, for the tests of what a panic may cost. Not in the library: in its tests only.
//!
//! Bytes that contain one of the words below make the step that sees them panic.

/// Reading a connection panics.
pub(crate) const READING: &[u8] = b"<panic while reading>";
/// Writing a connection panics.
pub(crate) const WRITING: &[u8] = b"<panic while writing>";
/// A handshake panics.
pub(crate) const SHAKING_HANDS: &[u8] = b"<panic while shaking hands>";

/// Panics if `bytes` contain `word`.
pub(crate) fn trip(word: &[u8], bytes: &[u8]) {
    if bytes.windows(word.len()).any(|window| window == word) {
        // Not a panic! with a message: the hook would print it; these are expected.
        std::panic::resume_unwind(Box::new("on purpose"));
    }
}

mod tests {
    use super::*;
    use crate::{Context, EventKind, Message, Monitor, Pull, Push, Socket};
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(20);

    fn wait_for(monitor: &Monitor, kind: EventKind) {
        while monitor.recv_timeout(SOON).expect("an event").kind != kind {}
    }

    fn pull(context: &Context) -> (Pull, String) {
        let pull = Pull::new(context).unwrap();
        let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
        (pull, endpoint)
    }

    fn push(context: &Context, endpoint: &str) -> Push {
        let push = Push::new(context).unwrap();
        push.as_socket().set_linger(Some(Duration::ZERO)).unwrap();
        push.connect(endpoint).unwrap();
        push
    }

    /// After whatever happened before: messages flow, and everything can be closed.
    fn still_works(context: &Context, pull: &Pull, endpoint: &str) {
        let good = push(context, endpoint);
        good.send("good").unwrap();
        while pull.recv_timeout(SOON).unwrap() != Message::from("good") {}
    }

    fn raw(endpoint: &str) -> TcpStream {
        TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap()
    }

    /// Up to READY as a PUSH.
    fn raw_push(endpoint: &str) -> TcpStream {
        let mut stream = raw(endpoint);
        let mut greeting = [0; 64];
        greeting[..16].copy_from_slice(b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL");
        stream.write_all(&greeting).unwrap();
        stream.write_all(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH").unwrap();
        stream
    }

    #[test]
    fn f11_a_panic_while_reading_ends_that_connection() {
        let context = Context::new();
        let (pull, endpoint) = pull(&context);
        let monitor = pull.as_socket().monitor().unwrap();
        let mut bad = raw_push(&endpoint);
        bad.write_all(&[&[0, READING.len() as u8], READING].concat()).unwrap();
        wait_for(&monitor, EventKind::Disconnected);
        still_works(&context, &pull, &endpoint);
    }

    #[test]
    fn f11_a_panic_while_reading_in_a_call_ends_that_connection() {
        let context = Context::new();
        let (pull, endpoint) = pull(&context);
        let monitor = pull.as_socket().monitor().unwrap();
        // Two, so that there is something to wait on whichever of them goes.
        let (mut bad, _other) = (raw_push(&endpoint), raw_push(&endpoint));
        pull.as_socket().wait_for_peers(2, SOON).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                // If the I/O thread is the one that panics, this one gets what comes afterwards.
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pull.recv_timeout(SOON))).is_err()
            });
            bad.write_all(&[&[0, READING.len() as u8], READING].concat()).unwrap();
            wait_for(&monitor, EventKind::Disconnected);
            let good = push(&context, &endpoint);
            good.send("for the reader").unwrap();
            reader.join().unwrap();
        });
        still_works(&context, &pull, &endpoint);
    }

    #[test]
    fn f11_a_panic_while_writing_ends_that_connection() {
        let context = Context::new();
        let (pull, endpoint) = pull(&context);
        let push = push(&context, &endpoint);
        push.as_socket().wait_for_peers(1, SOON).unwrap();
        let monitor = push.as_socket().monitor().unwrap();
        // Whoever drives has the panic: this thread, or the I/O thread if it is not done putting the pipe online.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| push.send(WRITING)));
        wait_for(&monitor, EventKind::Disconnected);
        wait_for(&monitor, EventKind::HandshakeSucceeded);
        push.send("again").unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("again"));
        still_works(&context, &pull, &endpoint);
    }

    #[test]
    fn f11_a_panic_in_a_handshake_ends_that_connection() {
        let context = Context::new();
        let (pull, endpoint) = pull(&context);
        let monitor = pull.as_socket().monitor().unwrap();
        let mut bad = raw(&endpoint);
        bad.write_all(SHAKING_HANDS).unwrap();
        wait_for(&monitor, EventKind::Disconnected);
        still_works(&context, &pull, &endpoint);
        // The dialing side goes on trying.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let dialing: Socket = context.socket(crate::SocketType::Push).unwrap();
        dialing.set_linger(Some(Duration::ZERO)).unwrap();
        dialing.connect(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
        for _ in 0..3 {
            listener.accept().unwrap().0.write_all(SHAKING_HANDS).unwrap();
        }
    }
}
