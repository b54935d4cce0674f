//! A publisher's topics against a list: who wants what, with duplicates, prefixes of each other, and peers that go.
//!
//! The input is records of what happens, a pipe, a length, and the bytes of a topic or a message.
#![no_main]

use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::queues::Queues;
use ferrozmq_proto::pattern::{Attach, Attached, Pattern, PatternOptions, PipeId};
use ferrozmq_proto::{Message, SocketType};
use libfuzzer_sys::fuzz_target;

const PIPES: u32 = 4;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut publisher = Pattern::new(SocketType::Pub, PatternOptions::default(), 7);
    let mut queues = Queues::new(usize::MAX);
    let mut wanted: Vec<(u32, Vec<u8>)> = Vec::new();
    for pipe in 0..PIPES {
        arrive(&mut publisher, &mut queues, pipe);
    }
    while !input.is_empty() {
        let (action, pipe, length) = (input.byte(), u32::from(input.byte()) % PIPES, input.byte());
        let bytes = input.take(usize::from(length));
        match action % 8 {
            0..=2 => {
                publisher.subscription(&mut queues, PipeId(pipe), bytes, true);
                let wish = (pipe, bytes.to_vec());
                // A peer's wishes for one topic are one wish: PUB and XPUB count no duplicates of one peer.
                if !wanted.contains(&wish) {
                    wanted.push(wish);
                }
            }
            3 | 4 => {
                publisher.subscription(&mut queues, PipeId(pipe), bytes, false);
                wanted.retain(|(who, topic)| (*who, &topic[..]) != (pipe, bytes));
            }
            5 => {
                publisher.detach(&mut queues, PipeId(pipe));
                queues.end(pipe);
                wanted.retain(|(who, _)| *who != pipe);
                arrive(&mut publisher, &mut queues, pipe);
            }
            _ => publish(&mut publisher, &mut queues, &wanted, bytes),
        }
        let mut topics: Vec<&[u8]> = wanted.iter().map(|(_, topic)| &topic[..]).collect();
        topics.sort_unstable();
        topics.dedup();
        assert_eq!(publisher.topics_count(), topics.len());
    }
});

fn arrive(publisher: &mut Pattern, queues: &mut Queues, pipe: u32) {
    queues.open(pipe);
    let attached = publisher.attach(queues, PipeId(pipe), Attach::default());
    assert_eq!(attached, Attached::Accepted);
    assert_eq!(publisher.identify(queues, PipeId(pipe), b""), Attached::Accepted);
}

fn publish(publisher: &mut Pattern, queues: &mut Queues, wanted: &[(u32, Vec<u8>)], bytes: &[u8]) {
    publisher.send(queues, &mut Message::from(bytes)).expect("a PUB always takes a message");
    for pipe in 0..PIPES {
        let matches = wanted.iter().any(|(who, topic)| *who == pipe && bytes.starts_with(topic));
        let sent = queues.drain(pipe);
        assert_eq!(sent.len(), usize::from(matches), "pipe {pipe}, {bytes:?}");
        assert!(sent.iter().all(|message| message.first().as_bytes() == bytes));
    }
}
