//! Properties of a handshake: what can be read is within the limits, and encodes to the same bytes.
#![no_main]

use ferrozmq_fuzz::memory;
use ferrozmq_proto::zmtp::{Limits, metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let generous = Limits::default();
    let strict = Limits { properties: 3, property_bytes: 10, ..generous };
    memory::bounded(bytes.len(), || {
        let read = check(bytes, &generous);
        assert!(read || !check(bytes, &strict), "what strict limits allow, generous ones do too");
    });
});

fn check(bytes: &[u8], limits: &Limits) -> bool {
    let Ok(properties) = metadata::parse(bytes, limits) else { return false };
    assert!(properties.len() <= limits.properties);
    let mut encoded = Vec::with_capacity(bytes.len());
    for (name, value) in &properties {
        assert!(!name.is_empty() && value.len() <= limits.property_bytes);
        assert!(metadata::find(&properties, name).is_some());
        metadata::encode(name, value, &mut encoded);
    }
    assert_eq!(encoded, bytes);
    true
}
