//! Z85 from strangers: what decodes encodes to the same text, and any bytes come back.
#![no_main]

use ferrozmq_fuzz::memory;
use ferrozmq_proto::z85;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    memory::bounded(bytes.len(), || {
        if let Ok(decoded) = z85::decode(bytes) {
            assert_eq!(z85::encode(&decoded).map(String::into_bytes), Ok(bytes.to_vec()));
        }
    });
    memory::bounded(2 * bytes.len(), || match z85::encode(bytes) {
        Ok(text) if !text.is_empty() => assert_eq!(z85::decode(&text).as_deref(), Ok(bytes)),
        Ok(_) => assert!(bytes.is_empty()),
        Err(error) => assert_eq!(error, z85::Z85Error::ByteCount(bytes.len())),
    });
});
