//! Randomness from the kernel, for what must differ between processes and their forks.
//!
//! Not for keys: a failure of the kernel's generator falls back to the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// A random number.
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
