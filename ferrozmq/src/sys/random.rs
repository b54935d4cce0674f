//! Randomness from the kernel, for what must differ between processes and their forks.
//!
//! Keys are made by [`fill`], which fails where the kernel does; [`number`] falls back to the clock, and is for nothing secret.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// Fills `bytes` with randomness that nobody else gets, not even a fork of this process: nothing is kept between calls.
///
/// # Errors
/// The kernel's.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| match error.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::other("the kernel gives no randomness"),
    })
}

/// A random number, not for keys.
pub fn number() -> u64 {
    getrandom::u64().unwrap_or_else(|_| {
        // Only before the kernel's pool is seeded, at boot. Good enough to spread reconnects and names.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos()) ^ now.as_secs().rotate_left(32) ^ u64::from(std::process::id())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_differ() {
        assert_ne!(super::number(), super::number());
    }
}
