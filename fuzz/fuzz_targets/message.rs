//! Messages against a list of byte strings: parts put on and taken off either end, envelopes, copies, encoding.
//!
//! The input is records of what to do, a length, and that many bytes.
#![no_main]

use bytes::Bytes;
use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::zmtp::framing::{Cursor, encode};
use ferrozmq_proto::{Frame, Message};
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let (mut message, mut model) = (Message::from(b""), VecDeque::from([Vec::new()]));
    while !input.is_empty() {
        let (action, length) = (input.byte(), input.byte());
        // Frames keep short bodies inside, and longer ones in shared memory.
        let length = usize::from(length) * if action & 0x80 == 0 { 1 } else { 16 };
        let body: Vec<u8> = input.take(length).iter().copied().cycle().take(length).collect();
        step(&mut message, &mut model, action & 0x7f, body);
        check(&message, &model);
    }
});

fn step(message: &mut Message, model: &mut VecDeque<Vec<u8>>, action: u8, body: Vec<u8>) {
    match action % 8 {
        0 => {
            message.push_back(Frame::copy_from_slice(&body));
            model.push_back(body);
        }
        1 => {
            message.push_front(Bytes::from(body.clone()));
            model.push_front(body);
        }
        2 => assert_eq!(message.pop_front().map(|frame| frame.to_vec()), pop(model)),
        3 => {
            let mut envelope = Vec::new();
            let at = model.iter().position(Vec::is_empty).filter(|at| at + 1 < model.len());
            let before = message.clone();
            if message.take_envelope(&mut envelope) {
                let at = at.expect("an empty part that is not the last");
                assert!(
                    envelope
                        .iter()
                        .map(|frame| frame.as_bytes())
                        .eq(model.iter().take(at).map(Vec::as_slice))
                );
                model.drain(..=at);
            } else {
                assert!(at.is_none());
                *message = before;
            }
        }
        4 => {
            message.put_in_envelope(&[Frame::from(body.clone())]);
            model.push_front(Vec::new());
            model.push_front(body);
        }
        5 => {
            let (first, rest) = std::mem::take(message).split_first();
            *message = rest.unwrap_or_default();
            message.push_front(first);
            if model.len() == 1 {
                model.push_back(Vec::new());
            }
        }
        6 => *message = Message::from_parts(message.clone()).expect("at least one part"),
        _ => {
            let mut encoded = Vec::new();
            encode(message, &mut encoded);
            *message = Cursor::new(Bytes::from(encoded)).next_message().expect("what was encoded");
        }
    }
}

/// A message keeps one part at least.
fn pop(model: &mut VecDeque<Vec<u8>>) -> Option<Vec<u8>> {
    if model.len() > 1 { model.pop_front() } else { None }
}

fn check(message: &Message, model: &VecDeque<Vec<u8>>) {
    assert_eq!(message.len(), model.len());
    assert_eq!(message.size(), model.iter().map(Vec::len).sum::<usize>());
    assert!(message.iter().map(|frame| frame.as_bytes()).eq(model.iter().map(Vec::as_slice)));
    assert!(message.iter().rev().map(|frame| frame.as_bytes()).eq(model.iter().rev().map(Vec::as_slice)));
    assert_eq!(message.part(model.len()), None);
    assert_eq!(message.clone(), *message);
}
