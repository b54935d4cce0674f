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
    use std::collections::HashSet;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    #[test]
    fn numbers_differ() {
        assert_ne!(super::number(), super::number());
    }

    /// Two processes that make the same nonce give their key away: nothing may be kept that a fork would copy. `FERROZMQ_SOAK_FORKS` is
    /// how many children there are.
    #[test]
    fn t18_children_of_a_fork_share_no_randomness() {
        let wanted = std::env::var("FERROZMQ_SOAK_FORKS").ok().and_then(|count| count.parse().ok());
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut seen = HashSet::new();
        for _ in 0..wanted.unwrap_or(200) {
            let mut nonces = [[0; 16]; 2];
            // SAFETY: between fork and _exit the child asks the kernel for bytes and writes them to a pipe.
            let pid = unsafe { libc::fork() };
            assert!(pid >= 0);
            let filled = super::fill(&mut nonces[0]).is_ok();
            if pid == 0 {
                // SAFETY: the bytes are 16, and the descriptor is the parent's, which is open.
                let written = unsafe { libc::write(writer.as_raw_fd(), nonces[0].as_ptr().cast(), 16) };
                // SAFETY: ends the child at once, without running destructors it shares with its parent.
                unsafe { libc::_exit(i32::from(!filled || written != 16)) };
            }
            let mut status = 0;
            // SAFETY: `pid` is our child and `status` outlives the call.
            assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
            assert!(filled && status == 0);
            reader.read_exact(&mut nonces[1]).unwrap();
            assert!(nonces.iter().all(|nonce| seen.insert(*nonce)), "a nonce came twice");
        }
    }
}
