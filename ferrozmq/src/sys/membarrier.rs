//! An asymmetric fence: the side that runs per message pays nothing, the side that is about to sleep
//! pays for both.
//!
//! Invariant: of two threads, one doing `store A; light(); load B` and the other `store B; heavy();
//! load A`, at least one sees the other's store. Where the kernel lacks `membarrier`, both are
//! sequentially consistent fences and the same holds. So it does of `none()` and `impose()`, for a side that asks
//! [`is_asymmetric`] once and not for every fence.

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
    if is_asymmetric() {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Whether the side that runs often pays nothing.
#[inline]
pub fn is_asymmetric() -> bool {
    MODE.load(Ordering::Relaxed) == ASYMMETRIC
}

/// The fence of the side that runs seldom: about a microsecond.
pub fn heavy() {
    fence(Ordering::SeqCst);
    match MODE.load(Ordering::Relaxed) {
        ASYMMETRIC => impose(),
        DRAINING => drain(),
        _ => {}
    }
}

/// The same as [`light`] of a side that has asked [`is_asymmetric`] before, where the other side imposes its fence.
#[inline(always)]
pub fn none() {
    compiler_fence(Ordering::SeqCst);
}

/// Imposes a fence on all threads of the process, and is one.
pub fn impose() {
    fence(Ordering::SeqCst);
    // Registration succeeded and lasts until exec, so this fails only if a seccomp filter forbids the call since. From here on both sides
    // are symmetric; of those that were under way just now, no store is still in its processor when so much time has passed.
    if membarrier(MembarrierCommand::PrivateExpedited).is_err() {
        MODE.store(DRAINING, Ordering::SeqCst);
        drain();
        MODE.store(SYMMETRIC, Ordering::SeqCst);
    }
}

/// Waits until stores that others have made without a fence are seen by all.
#[cold]
fn drain() {
    std::thread::sleep(DRAINED);
    fence(Ordering::SeqCst);
}

/// After this time every store that was made before is seen by all: ten thousand times what a processor keeps one for.
const DRAINED: std::time::Duration = std::time::Duration::from_millis(10);

const UNKNOWN: u8 = 0;
const SYMMETRIC: u8 = 1;
const ASYMMETRIC: u8 = 2;
/// The side that runs often fences again, but may have been under way without when that was decided.
const DRAINING: u8 = 3;

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
