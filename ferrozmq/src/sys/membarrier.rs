//! An asymmetric fence: the side that runs per message pays nothing, the side that is about to sleep
//! pays for both.
//!
//! Invariant: of two threads, one doing `store A; light(); load B` and the other `store B; heavy();
//! load A`, at least one sees the other's store. Where the kernel lacks `membarrier`, both are
//! sequentially consistent fences and the same holds.

use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering, compiler_fence, fence};

/// Registers the process; call it before threads are started. Harmless when repeated.
pub fn register() {
    if MODE.load(Ordering::Relaxed) == UNKNOWN {
        MODE.store(if *REGISTERED { ASYMMETRIC } else { SYMMETRIC }, Ordering::SeqCst);
    }
}

/// The fence of the side that runs often.
#[inline]
pub fn light() {
    if MODE.load(Ordering::Relaxed) == ASYMMETRIC {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The fence of the side that runs seldom: about a microsecond.
pub fn heavy() {
    fence(Ordering::SeqCst);
    if MODE.load(Ordering::Relaxed) == ASYMMETRIC {
        // Registration succeeded and lasts until exec, so this fails only if a seccomp filter forbids the
        // call since. This one fence is then best effort; from here on both sides are symmetric.
        if membarrier(MembarrierCommand::PrivateExpedited).is_err() {
            MODE.store(SYMMETRIC, Ordering::SeqCst);
        }
    }
}

const UNKNOWN: u8 = 0;
const SYMMETRIC: u8 = 1;
const ASYMMETRIC: u8 = 2;

/// Starts symmetric in effect: only [`register`] makes the light side free.
static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);

static REGISTERED: LazyLock<bool> = LazyLock::new(|| {
    membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
        && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
});

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, AtomicUsize};

    #[test]
    fn at_least_one_side_sees_the_other() {
        register();
        let (a, b) = (AtomicU32::new(0), AtomicU32::new(0));
        let arrived = AtomicUsize::new(0);
        let meet = |target: usize| {
            arrived.fetch_add(1, Ordering::SeqCst);
            while arrived.load(Ordering::SeqCst) < target {
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            let often = scope.spawn(|| {
                let mut seen = Vec::new();
                for round in 1..=500u32 {
                    meet(round as usize * 2);
                    a.store(round, Ordering::Relaxed);
                    light();
                    seen.push(b.load(Ordering::Relaxed) >= round);
                }
                seen
            });
            let seldom = scope.spawn(|| {
                let mut seen = Vec::new();
                for round in 1..=500u32 {
                    meet(round as usize * 2);
                    b.store(round, Ordering::Relaxed);
                    heavy();
                    seen.push(a.load(Ordering::Relaxed) >= round);
                }
                seen
            });
            let (often, seldom) = (often.join().unwrap(), seldom.join().unwrap());
            assert!(often.iter().zip(&seldom).all(|(x, y)| *x || *y));
        });
    }
}
