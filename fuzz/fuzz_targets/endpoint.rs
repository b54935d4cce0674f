//! Endpoint strings from strangers: any bytes.
//!
//! What parses has a canonical form that parses to the same; bind and connect accept nothing that
//! plain parsing refuses; errors are short; memory is bounded.
#![no_main]

use ferrozmq_fuzz::memory;
use ferrozmq_proto::Endpoint;
use libfuzzer_sys::fuzz_target;

/// Longest error text, in bytes: it repeats only the beginning of an endpoint.
const ERROR_MAX: usize = 1024;

fuzz_target!(|bytes: &[u8]| {
    memory::bounded(bytes.len(), || check(bytes));
});

fn check(bytes: &[u8]) {
    let text = match Endpoint::text(bytes) {
        Ok(text) => text,
        Err(error) => return assert!(error.to_string().len() <= ERROR_MAX),
    };
    let parsed = Endpoint::parse(text);
    for purpose in [Endpoint::parse_bind(text), Endpoint::parse_connect(text)] {
        match (purpose, &parsed) {
            (Ok(endpoint), parsed) => assert_eq!(Ok(&endpoint), parsed.as_ref()),
            (Err(error), _) => assert!(error.to_string().len() <= ERROR_MAX),
        }
    }
    if let Ok(endpoint) = parsed {
        let canonical = endpoint.to_string();
        assert_eq!(Endpoint::parse(&canonical).as_ref(), Ok(&endpoint), "{canonical}");
    }
}
