//! Publishing to many, and to those who want one topic of many.
//!
//! The publisher sends a message of zeros every millisecond until the driver says that all subscribers have had one: from then on nobody
//! misses anything, because it waits instead of dropping (`ZMQ_XPUB_NODROP`). Subscribers ask for the zeros last, so that
//! who hears them has been heard with all its topics.

use crate::{Figures, Job, Line, Socket, Stretch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Length of a topic.
const TOPIC: usize = 8;
/// What the topics of a run of messages differ by: prime, so that all topics have their turn, in no order.
const STRIDE: usize = 7919;
/// How often the publisher calls before the measurement begins.
const CALLING: Duration = Duration::from_millis(1);

/// Sends `count` messages to whoever has subscribed.
pub fn publish<S: Socket>(socket: &mut S, job: &Job) -> Result<Figures, String> {
    let go = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&go);
    std::thread::spawn(move || {
        // The driver's one word; should it fail, the measurement must begin anyway, or nobody would ever notice.
        let _ = std::io::stdin().read_line(&mut String::new());
        told.store(true, Ordering::Relaxed);
    });
    let mut body = vec![0; job.size.max(TOPIC)];
    while !go.load(Ordering::Relaxed) {
        socket.send(&body)?;
        std::thread::sleep(CALLING);
    }
    body.fill(0x55);
    let stretch = Stretch::begin();
    if job.topics == 0 {
        socket.send_run(&body, job.count)?;
    } else {
        for number in 0..job.count as usize {
            body[..TOPIC].copy_from_slice(&topic(number.wrapping_mul(STRIDE) % job.topics));
            socket.send(&body)?;
        }
    }
    socket.flush()?;
    super::wait_for_end();
    Ok(stretch.end(job.count))
}

/// Subscribes `socket` to all that it wants of the publisher, and to the zeros.
pub fn subscribe_to_all<S: Socket>(socket: &mut S, job: &Job) -> Result<(), String> {
    if job.topics == 0 {
        return socket.subscribe(b"");
    }
    (0..job.topics).try_for_each(|number| socket.subscribe(&topic(number)))?;
    socket.subscribe(&[0])
}

/// Receives `count` messages on every socket.
pub fn subscribe<S: Socket>(sockets: &mut [S], job: &Job) -> Result<Figures, String> {
    sockets.iter_mut().try_for_each(|socket| socket.recv(|_| ()))?;
    Line::Ready.print();
    for socket in sockets.iter_mut() {
        while socket.recv(is_call)? {}
    }
    let stretch = Stretch::begin();
    match sockets {
        [socket] => socket.recv_run(job.count - 1, |_| {})?,
        _ => {
            for _ in 1..job.count {
                sockets.iter_mut().try_for_each(|socket| {
                    socket.recv(|body| {
                        std::hint::black_box(body);
                    })
                })?;
            }
        }
    }
    Ok(stretch.end((job.count - 1) * sockets.len() as u64))
}

/// Whether `body` is one of those that are sent before the measurement.
fn is_call(body: &[u8]) -> bool {
    body.first() == Some(&0)
}

/// The topic with this number; never begins with a zero.
fn topic(number: usize) -> [u8; TOPIC] {
    let mut text = *b"t0000000";
    let mut rest = number;
    for place in text[1..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_differ_and_are_no_calls() {
        assert_eq!(&topic(1_234_567), b"t1234567");
        assert_ne!(topic(1), topic(10));
        assert!(!is_call(&topic(0)) && is_call(&[0, 1]));
    }
}
