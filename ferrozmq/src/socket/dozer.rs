//! Whether a thread that waits for its only peer sleeps in the read itself.
//!
//! A doze is the cheapest sleep: one system call less than waiting for descriptors, and fewer queues for the kernel to walk. But
//! nothing except that peer's input ends it, so whatever else happens to the socket waits until the doze is over, a few
//! milliseconds later. It pays where answers come at once, as in a ping-pong, and only there: a doze in
//! vain is followed by ever more waits without one.
//!
//! Not here: the doze (`pipe::wire`), and who else must not be kept waiting ([`super::wait`]).

/// Waits without a doze after one in vain: at first, and at most.
const FIRST_PAUSE: u32 = 1;
const LONGEST_PAUSE: u32 = 1024;
/// So many dozes in a row that were answered.
const SETTLED: u32 = 16;

/// Learns from dozes whether the next one will pay.
#[derive(Debug)]
pub(super) struct Dozer {
    /// Waits to come without a doze.
    skip: u32,
    pause: u32,
    /// Dozes answered since the last one in vain.
    answered: u32,
}

impl Dozer {
    pub(super) fn new() -> Dozer {
        Dozer { skip: 0, pause: FIRST_PAUSE, answered: 0 }
    }

    /// Whether the next wait shall be a doze. Counts as that wait: ask once per wait.
    pub(super) fn is_due(&mut self) -> bool {
        let due = self.skip == 0;
        self.skip = self.skip.saturating_sub(1);
        due
    }

    /// Whether dozes have paid so often that it pays to prepare for many more. Now and then only: the preparations may have been undone.
    pub(super) fn is_settled(&self) -> bool {
        self.answered > 0 && self.answered.is_multiple_of(SETTLED)
    }

    /// Learns whether a doze ended with messages.
    pub(super) fn record(&mut self, answered: bool) {
        if answered {
            self.pause = FIRST_PAUSE;
            self.answered = self.answered.wrapping_add(1);
        } else {
            self.answered = 0;
            self.skip = self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_dozes_as_long_as_answers_come() {
        let mut dozer = Dozer::new();
        for _ in 0..100 {
            assert!(dozer.is_due());
            dozer.record(true);
        }
    }

    #[test]
    fn it_settles_now_and_then_while_answers_come_and_not_after_one_in_vain() {
        let mut dozer = Dozer::new();
        assert!(!dozer.is_settled());
        for _ in 0..2 {
            let settled = (0..4 * SETTLED).filter(|_| {
                dozer.record(true);
                dozer.is_settled()
            });
            assert_eq!(settled.count(), 4);
            dozer.record(false);
            assert!(!dozer.is_settled());
        }
    }

    #[test]
    fn dozes_in_vain_become_rare_and_one_answer_brings_them_back() {
        let mut dozer = Dozer::new();
        let mut dozes = 0;
        for _ in 0..100_000 {
            if dozer.is_due() {
                dozer.record(false);
                dozes += 1;
            }
        }
        assert!((100..=120).contains(&dozes), "{dozes}");
        while !dozer.is_due() {}
        dozer.record(true);
        assert!(dozer.is_due());
    }
}
