//! How many descriptors this process may have.

use rustix::process::{Resource, getrlimit};

/// The soft `RLIMIT_NOFILE`; `u64::MAX` if there is no limit.
pub fn soft_descriptor_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_some() {
        assert!(super::soft_descriptor_limit() > 10);
    }
}
