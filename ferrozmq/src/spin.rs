//! How long to look before sleeping: long enough to catch an answer that is about to come, and not at
//! all where looking does not pay.
//!
//! A sleep and its wake cost several microseconds on both sides, so a peer that answers sooner is better
//! waited for awake; but a spinner that shares a processor with the peer it waits for only delays it.
//! Nobody can tell in advance, so the [`Spinner`] learns from what happened: the share of its waits that
//! spinning caught, and how long those took. Where it stopped spinning it tries again now and then,
//! ever more seldom while that fails.
//!
//! On a single processor looking is in vain as long as the peer does not run. A thread there can give way between two looks instead,
//! which a future does that would otherwise go back to its executor, and have two threads woken by the answer.
//!
//! One per waiting side of a socket; not shared between threads. Knows nothing of what it waits for.
//!
//! Whoever would rather have every wait sleep at once says so in the environment: [`SPIN_US`]`=0`.

use crate::sync::{hint, yield_now};
use crate::sys::clock;
use std::sync::OnceLock;
use std::time::Duration;

/// The longest spin: about what a sleep and a wake cost on a virtual machine.
const MAX_SPIN: Duration = Duration::from_micros(30);
/// The variable of the environment that says how many microseconds a spin may last; 0 is none. More than [`MAX_SPIN`] is taken for
/// that, and so is what is no number.
const SPIN_US: &str = "FERROZMQ_SPIN_US";
/// The longest time that a thread gives way for: a few others' turns.
const MAX_WAY: Duration = Duration::from_micros(100);
/// Who gave way and is back so soon has found nobody to give way to: then nobody is there who might answer.
const NOBODY_NS: u128 = 1_500;
/// The shortest spin worth the clock readings.
const MIN_SPIN_NS: u64 = 1_000;
/// Looks between two readings of the clock, which cost about 20 ns each.
const LOOKS_PER_CLOCK: u32 = 16;

/// Shares are in 1/256, and each wait counts for an eighth.
const ALWAYS: u32 = 256;
/// Below this share of successes spinning stops. A spin in vain costs at most [`MAX_SPIN`], one
/// that succeeds saves about as much, so the break-even is somewhat under a half.
const WORTH_IT: u32 = ALWAYS * 2 / 5;
/// Waits without spinning between two attempts: at first, and at most.
const FIRST_PAUSE: u32 = 16;
const LONGEST_PAUSE: u32 = 1024;
/// What a successful attempt is taken for: a few successes more and spinning is on.
const ATTEMPT_SUCCEEDED: u32 = WORTH_IT + ALWAYS / 8;

/// The longest spin of this process, as its environment was when the first socket was made.
pub fn longest() -> Duration {
    static LONGEST: OnceLock<Duration> = OnceLock::new();
    *LONGEST.get_or_init(|| allowed(std::env::var(SPIN_US).ok().as_deref()))
}

/// What the variable's value means.
fn allowed(value: Option<&str>) -> Duration {
    let asked = value.and_then(|text| text.trim().parse().ok()).map(Duration::from_micros);
    asked.map_or(MAX_SPIN, |asked| asked.min(MAX_SPIN))
}

/// Does nothing for so long, awake.
pub fn pause(time: Duration) {
    let start = clock::now();
    while start.elapsed() < time {
        (0..LOOKS_PER_CLOCK).for_each(|_| hint::spin_loop());
    }
}

/// Decides how long to spin, from how earlier spins went.
#[derive(Debug)]
pub struct Spinner {
    max_ns: u64,
    /// Recent share of spins that succeeded.
    success: u32,
    /// Average length of successful spins, in nanoseconds.
    average_ns: u64,
    /// Waits since the last spin, while spinning does not pay.
    paused: u32,
    pause: u32,
}

impl Spinner {
    /// A spinner that never spins longer than `max`; with one processor (`cpus`), or if that is nothing, it never spins.
    pub fn new(max: Duration, cpus: usize) -> Spinner {
        let max_ns = if cpus > 1 { u64::try_from(max.as_nanos()).unwrap_or(u64::MAX) } else { 0 };
        // Hopeful: the first waits spin in full, and half a dozen in vain end it.
        Spinner { max_ns, success: ALWAYS, average_ns: max_ns / 2, paused: 0, pause: FIRST_PAUSE }
    }

    /// One for a thread that gives way instead: only on a single processor, and not if `max` is nothing.
    pub fn giving_way(max: Duration, cpus: usize) -> Spinner {
        let max = if cpus > 1 || max.is_zero() { Duration::ZERO } else { MAX_WAY };
        Spinner::new(max, 2)
    }

    /// Lets other threads run until `ready` holds, the budget is spent, or none of them has anything to do; whether it holds. The
    /// scheduler may give them more than the budget, which counts as a failure, so that it is soon left alone.
    pub fn give_way(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        let budget = self.budget();
        if budget.is_zero() {
            return false;
        }
        // What is there at once was not waited for: nothing is learnt from it.
        if ready() {
            return true;
        }
        let start = clock::now();
        let mut before = start;
        loop {
            yield_now();
            let back = clock::now();
            let spent = back - start;
            let found = ready();
            if found || spent >= budget || (back - before).as_nanos() < NOBODY_NS {
                self.record(found && spent <= MAX_WAY, spent);
                return found;
            }
            before = back;
        }
    }

    /// Looks at `ready` until it holds or the budget is spent; the last answer. Without a budget it does not look at
    /// all: a look is a system call, and going to sleep looks too.
    #[inline]
    pub fn spin(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        let budget = self.budget();
        if budget.is_zero() {
            return false;
        }
        // What is there at once was not waited for: nothing is learnt from it.
        ready() || self.spin_for(budget, ready)
    }

    /// How long the next wait may spin. Counts as that wait: ask once per wait.
    pub fn budget(&mut self) -> Duration {
        if self.max_ns == 0 {
            return Duration::ZERO;
        }
        if self.success >= WORTH_IT {
            return Duration::from_nanos((2 * self.average_ns).max(MIN_SPIN_NS).min(self.max_ns));
        }
        self.paused += 1;
        if self.paused < self.pause {
            return Duration::ZERO;
        }
        self.paused = 0;
        Duration::from_nanos(self.max_ns)
    }

    /// Learns from a spin that took `spent` and succeeded or did not.
    pub fn record(&mut self, succeeded: bool, spent: Duration) {
        let attempt = self.success < WORTH_IT;
        if !succeeded {
            self.success -= self.success / 8;
            if attempt {
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            return;
        }
        self.pause = FIRST_PAUSE;
        let spent_ns = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX).min(self.max_ns);
        if attempt {
            self.success = ATTEMPT_SUCCEEDED;
            self.average_ns = spent_ns;
        } else {
            self.success += (ALWAYS - self.success) / 8;
            self.average_ns = (7 * self.average_ns + spent_ns) / 8;
        }
    }

    #[cold]
    fn spin_for(&mut self, budget: Duration, mut ready: impl FnMut() -> bool) -> bool {
        let start = clock::now();
        loop {
            for _ in 0..LOOKS_PER_CLOCK {
                hint::spin_loop();
                if ready() {
                    self.record(true, start.elapsed());
                    return true;
                }
            }
            let spent = start.elapsed();
            if spent >= budget {
                self.record(false, spent);
                return false;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    /// Feeds waits whose answer comes after `answer`; returns the time spent spinning.
    fn feed(spinner: &mut Spinner, waits: u32, answer: Duration) -> Duration {
        let mut spun = Duration::ZERO;
        for _ in 0..waits {
            let budget = spinner.budget();
            if !budget.is_zero() {
                spinner.record(answer <= budget, answer.min(budget));
                spun += answer.min(budget);
            }
        }
        spun
    }

    #[test]
    fn the_environment_may_forbid_it_and_not_prolong_it() {
        assert_eq!(allowed(None), MAX_SPIN);
        assert_eq!(allowed(Some("0")), us(0));
        assert_eq!(allowed(Some("5")), us(5));
        assert_eq!(allowed(Some("1000")), MAX_SPIN);
        assert_eq!(allowed(Some("often")), MAX_SPIN);
        assert_eq!(feed(&mut Spinner::new(us(0), 2), 10_000, us(1)), us(0));
    }

    #[test]
    fn one_processor_never_spins() {
        let mut spinner = Spinner::new(MAX_SPIN, 1);
        assert_eq!(feed(&mut spinner, 10_000, us(1)), us(0));
        assert!(!spinner.spin(|| false));
        assert!(!spinner.spin(|| unreachable!("it does not look")));
    }

    #[test]
    fn quick_answers_are_waited_for_twice_as_long_as_they_take() {
        let mut spinner = Spinner::new(MAX_SPIN, 2);
        feed(&mut spinner, 100, us(5));
        let budget = spinner.budget();
        assert!(budget >= us(9) && budget <= us(11), "{budget:?}");
        // Slower answers within the limit are followed: those that fit raise the average.
        feed(&mut spinner, 100, us(8));
        assert!(spinner.budget() >= us(15));
        feed(&mut spinner, 1000, us(1) / 10);
        assert_eq!(spinner.budget(), us(1), "never so short that only the clock is read");
    }

    #[test]
    fn slow_answers_end_the_spinning_within_a_few_waits() {
        let mut spinner = Spinner::new(MAX_SPIN, 2);
        assert!(feed(&mut spinner, 10, us(1000)) <= us(8 * 30));
        assert_eq!(spinner.budget(), us(0));
        feed(&mut spinner, 20_000, us(1000));
        let spun = feed(&mut spinner, 10_240, us(1000));
        assert!(spun <= us(11 * 30), "one attempt in {LONGEST_PAUSE} waits, not {spun:?}");
    }

    #[test]
    fn it_resumes_when_answers_become_quick_again() {
        let mut spinner = Spinner::new(MAX_SPIN, 2);
        feed(&mut spinner, 100_000, us(1000));
        feed(&mut spinner, 2 * LONGEST_PAUSE, us(3));
        let spun = feed(&mut spinner, 100, us(3));
        assert_eq!(spun, us(300), "every wait spins");
    }

    #[test]
    fn who_gives_way_to_nobody_soon_stops() {
        assert!(
            !Spinner::giving_way(MAX_SPIN, 2).give_way(|| unreachable!("there are others to run elsewhere"))
        );
        assert!(!Spinner::giving_way(us(0), 1).give_way(|| unreachable!("it is forbidden")));
        let mut spinner = Spinner::giving_way(MAX_SPIN, 1);
        let mut attempts = 0;
        for _ in 0..1000 {
            let mut looked = false;
            assert!(!spinner.give_way(|| {
                looked = true;
                false
            }));
            attempts += u32::from(looked);
        }
        assert!((1..20).contains(&attempts), "{attempts}");
        assert!((0..LONGEST_PAUSE).any(|_| spinner.give_way(|| true)), "it tries again");
    }

    #[test]
    fn rare_stragglers_do_not_end_it() {
        let mut spinner = Spinner::new(MAX_SPIN, 2);
        for _ in 0..100 {
            feed(&mut spinner, 9, us(5));
            feed(&mut spinner, 1, us(1000));
        }
        assert!(!spinner.budget().is_zero());
    }

    #[test]
    fn spinning_stops_at_the_first_success_and_at_the_end_of_the_budget() {
        let mut spinner = Spinner::new(MAX_SPIN, 2);
        let mut looks = 0;
        assert!(spinner.spin(|| {
            looks += 1;
            looks == 5
        }));
        assert_eq!(looks, 5);
        let start = clock::now();
        assert!(!spinner.spin(|| false));
        assert!(start.elapsed() >= us(1));
    }
}
