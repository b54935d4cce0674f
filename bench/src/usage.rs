//! What the kernel counts for this process, all its threads together, and a clock that processes share.

use std::ops::Sub;

/// CPU time and context switches of this process so far, or of a stretch of its life.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time in nanoseconds.
    pub cpu_ns: u64,
    /// How often a thread gave up its core to wait.
    pub voluntary_switches: u64,
}

impl Usage {
    /// Counted since the process began.
    #[must_use]
    pub fn so_far() -> Usage {
        // SAFETY: rusage is a struct of integers, for which all zeros is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the call.
        let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
        assert_eq!(result, 0, "getrusage(RUSAGE_SELF) cannot fail");
        let nanoseconds =
            |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1_000;
        Usage {
            cpu_ns: nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime),
            voluntary_switches: usage.ru_nvcsw as u64,
        }
    }
}

impl Sub for Usage {
    type Output = Usage;

    fn sub(self, earlier: Usage) -> Usage {
        Usage {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            voluntary_switches: self.voluntary_switches.saturating_sub(earlier.voluntary_switches),
        }
    }
}

/// What is resident of this process, in KiB: now and at most.
#[must_use]
pub fn resident_kib() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Nanoseconds on a clock that all processes of this machine read alike.
#[must_use]
pub fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    assert_eq!(result, 0, "CLOCK_MONOTONIC exists");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
