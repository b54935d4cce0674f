//! Replies of a SOCKS5 proxy, however they are cut: the same end, and no byte behind the last reply taken.
//!
//! The input is whether we have a user name, the length of reads, then the proxy's bytes.
#![no_main]

use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::memory;
use libfuzzer_sys::fuzz_target;
use socks5::{MAX_REPLY, Socks5, Socks5Error};

/// The engine's own file, which nothing else of the engine is needed for.
#[path = "../../ferrozmq/src/transport/socks5.rs"]
mod socks5;

/// What that file takes from its neighbour.
mod options {
    /// A proxy.
    #[derive(Debug)]
    pub struct SocksProxy {
        /// User name; empty means no authentication.
        pub username: String,
        /// Password.
        pub password: String,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let username = if input.byte() & 1 == 0 { String::new() } else { "anna".to_owned() };
    let proxy = options::SocksProxy { username, password: "secret".to_owned() };
    let piece = usize::from(input.byte()).max(1);
    let bytes = input.rest();
    memory::bounded(bytes.len(), || {
        let whole = run(&proxy, bytes, bytes.len().max(1));
        assert_eq!(run(&proxy, bytes, 1), whole);
        assert_eq!(run(&proxy, bytes, piece), whole);
    });
});

/// What came of it, and how many bytes were the proxy's.
fn run(proxy: &options::SocksProxy, bytes: &[u8], piece: usize) -> (Result<bool, Socks5Error>, usize) {
    let mut socks5 = Socks5::new("example.org", 5555, proxy).expect("a name that can be said");
    let mut taken = 0;
    while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty() && !socks5.is_done()) {
        let sent = socks5.poll_transmit().len();
        socks5.transmitted(sent);
        assert!((1..=MAX_REPLY).contains(&socks5.wanted()), "{}", socks5.wanted());
        match socks5.handle_bytes(&rest[..piece.min(rest.len())]) {
            Ok(count) => {
                assert!(count > 0);
                taken += count;
            }
            // How far it had come then is nobody's business.
            Err(error) => return (Err(error), 0),
        }
    }
    (Ok(socks5.is_done()), taken)
}
