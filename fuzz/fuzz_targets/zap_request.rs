//! Questions to a ZAP handler: whatever a peer calls itself stays in the part that it belongs to.
//!
//! The input is a mechanism, then domain, address, routing id and credentials, each after its length.
#![no_main]

use bytes::Bytes;
use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::memory;
use ferrozmq_proto::mechanism::{AuthRequest, Mechanism};
use ferrozmq_proto::zap::{Asker, request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mechanism = Mechanism::ALL[usize::from(input.byte()) % 3];
    let mut text = || {
        let length = usize::from(input.byte());
        input.take(length)
    };
    let (domain, address, routing_id) = (
        String::from_utf8_lossy(text()).into_owned(),
        String::from_utf8_lossy(text()).into_owned(),
        text().to_vec(),
    );
    let count = [0, 2, 1][mechanism as usize];
    let credentials: Vec<Bytes> = (0..count).map(|_| Bytes::copy_from_slice(text())).collect();
    let asker = Asker { domain: &domain, address: &address, routing_id: &routing_id };
    let question = AuthRequest { mechanism, credentials: credentials.clone() };
    let asked = memory::bounded(bytes.len() + 1024, || request(asker, &question));
    let mut expected: Vec<&[u8]> =
        vec![b"", b"1.0", b"1", domain.as_bytes(), address.as_bytes(), &routing_id];
    expected.push(mechanism.name().as_bytes());
    expected.extend(credentials.iter().map(|credential| &credential[..]));
    assert!(asked.iter().map(|part| part.as_bytes()).eq(expected));
});
