//! Every socket type with any calls, any peers that come, go and talk, and any options.
//!
//! What a socket receives, a peer has sent to it; what a peer is sent, the application or the pattern's own rules have
//! made; nothing is invented, nothing loops, memory is bounded by what was handed in.
//!
//! The input is a socket type, switches of its options, then records of what happens, a pipe, and for some a length and bytes.
#![no_main]

use bytes::Bytes;
use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::memory;
use ferrozmq_fuzz::queues::Queues;
use ferrozmq_proto::pattern::{Attach, Attached, Pattern, PatternOptions, PipeId};
use ferrozmq_proto::{Frame, Message, SocketType};
use libfuzzer_sys::fuzz_target;

/// Peers at one time.
const PIPES: u8 = 6;
/// What one record may cost beside its bytes: a pipe with its places in the pattern's lists and tables.
const PER_RECORD: usize = 1024;

fuzz_target!(|bytes: &[u8]| memory::bounded(PER_RECORD * bytes.len(), || run(Input::new(bytes))));

fn run(mut input: Input<'_>) {
    let kind = SocketType::ALL[usize::from(input.byte()) % SocketType::ALL.len()];
    let mut pattern = Pattern::new(kind, options(input.byte(), input.byte()), 0x5eed);
    let mut queues = Queues::new(3);
    while !input.is_empty() {
        let (action, pipe) = (input.byte(), u32::from(input.byte() % PIPES));
        let id = PipeId(pipe);
        let open = queues.is_open(pipe);
        match action % 16 {
            0 | 1 if !open => attach(&mut pattern, &mut queues, &mut input, pipe, action & 0x80 != 0),
            2 if open => {
                pattern.detach(&mut queues, id);
                queues.end(pipe);
            }
            3 if open => {
                pattern.detach_out(&mut queues, id);
                queues.end_out(pipe);
            }
            4 if open => pattern.reconnecting(&mut queues, id),
            5 | 6 if open => {
                queues.arrive(pipe, message(&mut input));
                pattern.readable(id);
            }
            7 if open => {
                queues.drain(pipe);
                pattern.writable(id);
            }
            8 if open => {
                let length = usize::from(input.byte());
                pattern.subscription(&mut queues, id, input.take(length), action & 0x80 != 0);
            }
            9 => drop(pattern.send(&mut queues, &mut message(&mut input))),
            10 => send_in_parts(&mut pattern, &mut queues, &mut input),
            11 | 12 => receive(&mut pattern, &mut queues),
            13 => {
                let length = usize::from(input.byte());
                let topic = input.take(length);
                let _ = match action & 0x80 {
                    0 => pattern.subscribe(&mut queues, topic),
                    _ => pattern.unsubscribe(&mut queues, topic),
                };
            }
            14 => ask(&mut pattern, &mut queues),
            15 => pattern.configure(&options(input.byte(), input.byte())),
            _ => {}
        }
        for closed in queues.closed() {
            if queues.is_open(closed) {
                pattern.detach(&mut queues, PipeId(closed));
                queues.end(closed);
            }
        }
    }
}

fn attach(pattern: &mut Pattern, queues: &mut Queues, input: &mut Input<'_>, pipe: u32, local: bool) {
    queues.open(pipe);
    let length = usize::from(input.byte());
    let name = Bytes::copy_from_slice(input.take(length));
    let chosen = Some(name.clone()).filter(|name| local && !name.is_empty());
    let attached = pattern.attach(queues, PipeId(pipe), Attach { routing_id: chosen, local });
    if attached == Attached::Accepted && pattern.identify(queues, PipeId(pipe), &name) == Attached::Accepted {
        return;
    }
    queues.end(pipe);
}

fn send_in_parts(pattern: &mut Pattern, queues: &mut Queues, input: &mut Input<'_>) {
    let mut message = message(input);
    if pattern.may_start_send(queues, message.first()).is_ok() {
        let _ = pattern.send_committed(queues, &mut message);
    }
}

fn receive(pattern: &mut Pattern, queues: &mut Queues) {
    let ready = pattern.can_recv(queues);
    let mut received = Message::new();
    let result = pattern.recv(queues, &mut received);
    assert_eq!(ready, result.is_ok(), "it said {ready}, and then {result:?}");
}

fn ask(pattern: &mut Pattern, queues: &mut Queues) {
    let _ = (pattern.can_send(queues), pattern.topics_count(), pattern.wants_input(), pattern.last_source());
    let _ = (pattern.only_outlet(), pattern.only_inlet(), pattern.parts_limit(), pattern.topics().count());
    for pipe in 0..u32::from(PIPES) {
        if let Some(id) = pattern.routing_id_of(PipeId(pipe)).map(<[u8]>::to_vec) {
            assert!(queues.is_open(pipe), "a routing id without a peer");
            let _ = pattern.has_room_for(queues, &id);
        }
    }
}

fn message(input: &mut Input<'_>) -> Message {
    let shape = input.byte();
    let parts = (0..1 + shape % 4).map(|_| {
        let length = usize::from(input.byte() % 64);
        Frame::copy_from_slice(input.take(length))
    });
    Message::from_parts(parts).expect("at least one part")
}

fn options(first: u8, second: u8) -> PatternOptions {
    let on = |bits: u8, bit: u8| bits & (1 << bit) != 0;
    PatternOptions {
        router_mandatory: on(first, 0),
        router_handover: on(first, 1),
        probe_router: on(first, 2),
        req_correlate: on(first, 3),
        req_relaxed: on(first, 4),
        xpub_verbose: on(first, 5),
        xpub_verboser: on(first, 6),
        xpub_nodrop: on(first, 7),
        xpub_manual: on(second, 0) || on(second, 1),
        xpub_manual_last_value: on(second, 1),
        xpub_welcome_msg: on(second, 2).then(|| Bytes::from_static(b"welcome")),
        invert_matching: on(second, 3),
        only_first_subscribe: on(second, 4),
        xsub_verbose_unsubscribe: on(second, 5),
        disconnect_msg: on(second, 6).then(|| Bytes::from_static(b"gone")),
        hiccup_msg: on(second, 7).then(|| Bytes::from_static(b"hiccup")),
        ..PatternOptions::default()
    }
}
