//! How a thread that found nothing to do goes to sleep, and is woken, without a lost wake-up.
//!
//! The sleeper announces itself in the [`Waker`]'s word, looks again at everything it waits for, and
//! only then sleeps. Whoever published something reads the word. Between the two steps of each lies a
//! full fence: of the two, at least one sees the other. (Wakes are as rare as sleeps here; what happens
//! for every message looks at a word of its own, see `pipe::inproc`.) The first to find an announcement
//! takes all of them back, in one exchange that also starts a new *epoch*, and makes the system call; so
//! there is one wake per sleep, however many wakers there are.
//!
//! Sleeping is in one of two ways: on a futex, or in `poll`/`epoll` with an eventfd among other
//! descriptors. Any number of threads may sleep on the futex of one waker, but only one at a time
//! polls, because two would eat each other's signal: [`Waker::prepare_poll`] refuses the second, which
//! then follows on the futex. The first polls in this sense until [`Waker::after_poll`], not only until
//! it is woken: the signal it drains at last must not be one meant for a successor.
//!
//! Futures do not sleep, but wait in the same way: they leave their wakers here ([`Waker::register`]) and look again. Who wakes makes
//! theirs due (see [`Tasks`](crate::tasks::Tasks)). One that left may leave its announcement behind, at the price of one look.
//!
//! ```text
//! loop {
//!     if ready() { break }
//!     let ticket = waker.prepare();
//!     if ready() { waker.cancel(ticket); break }
//!     waker.wait_futex(ticket, deadline);      // or: poll, then waker.after_poll(ticket, …)
//! }
//! ```
//!
//! Not here: what is waited for, and `ZMQ_FD` (an eventfd of its own, with other rules).

use crate::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::sync::atomic::{AtomicBool, fence};
use crate::sync::{Bell, FutexWord, Padded};
use crate::sys::futex::Wait;
use crate::tasks::{Place, Tasks};
use std::io;
use std::sync::OnceLock;
use std::task;
use std::time::Instant;

/// Announced futex sleepers are counted in the low bits …
const SLEEPERS: u32 = (1 << 12) - 1;
/// … this bit announces the one that polls …
const POLLING: u32 = 1 << 12;
/// … this one, futures …
const TASKS: u32 = 1 << 13;
/// … and the bits above number the wakes.
const ANNOUNCED: u32 = SLEEPERS | POLLING | TASKS;
/// What a [`Ticket`] has instead of an announcement for a sleep that no waker can end.
const DOZING: u32 = u32::MAX;

/// Wakes the threads that wait for one thing: a socket's input, a pipe's room.
#[derive(Debug)]
pub struct Waker {
    word: Padded<FutexWord>,
    /// A thread polls the bell, or has yet to drain it.
    polled: AtomicBool,
    /// Made when somebody polls for the first time.
    bell: OnceLock<Bell>,
    tasks: Tasks,
}

/// An announced sleep. It must be waited for, or withdrawn by [`Waker::cancel`]; if it is forgotten the
/// next wake is a system call for nothing, and nobody else can poll.
#[derive(Debug)]
#[must_use = "an announced sleep costs the other side a wake-up"]
pub struct Ticket {
    epoch: u32,
    /// What this sleeper added to the word.
    announced: u32,
}

/// Why [`Waker::wait_futex`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Somebody called `wake` after the announcement.
    Woken,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran; libzmq's calls return EINTR then.
    Interrupted,
}

impl Waker {
    /// A waker for whom nobody waits. Opens no descriptor yet.
    pub fn new() -> Waker {
        Waker::with_word(0)
    }

    fn with_word(word: u32) -> Waker {
        Waker {
            word: Padded(FutexWord::new(word)),
            polled: AtomicBool::new(false),
            bell: OnceLock::new(),
            tasks: Tasks::default(),
        }
    }

    /// Wakes everybody who has announced a sleep; true if there was somebody.
    ///
    /// Call it after publishing what they wait for. Costs a load when nobody sleeps, else a system
    /// call, made by one of the wakers.
    #[inline]
    pub fn wake(&self) -> bool {
        fence(SeqCst);
        self.word.load(Relaxed) & ANNOUNCED != 0 && self.wake_announced()
    }

    /// Ends every wait, announced or not yet: for termination, after a flag was set that every sleeper
    /// reads between [`prepare`](Self::prepare) and its wait. Two system calls.
    pub fn wake_unconditionally(&self) {
        self.start_epoch(|_| true);
        self.word.wake(u32::MAX);
        // After the exchange: whoever announced polling before it has made the bell before that.
        if let Some(bell) = self.bell.get() {
            bell.signal();
        }
        self.tasks.wake_all();
    }

    /// Has the future at `place` woken; look again afterwards. What waited there before is left in `task`, to be dropped
    /// where no lock is held.
    pub(crate) fn register(&self, place: &mut Place, task: &mut Option<task::Waker>) {
        self.tasks.add(place, task);
        // After it is in the list: who takes the announcement finds it there.
        self.word.fetch_or(TASKS, AcqRel);
        fence(SeqCst);
    }

    /// The future at `place` waits no longer.
    pub(crate) fn forget(&self, place: &mut Place) {
        self.tasks.remove(place);
    }

    /// Whether futures wait, for a caller who holds the lock under which they look.
    #[inline]
    pub(crate) fn has_tasks(&self) -> bool {
        self.word.load(Relaxed) & TASKS != 0
    }

    /// Announces a sleep on the futex. Look again at what you wait for before waiting.
    pub fn prepare(&self) -> Ticket {
        let mut word = self.word.load(Relaxed);
        // AcqRel: who announces after a wake sees what was published before that wake.
        while word & SLEEPERS != SLEEPERS {
            match self.word.compare_exchange_weak(word, word + 1, AcqRel, Relaxed) {
                Ok(_) => {
                    fence(SeqCst);
                    return Ticket { epoch: epoch(word), announced: 1 };
                }
                Err(actual) => word = actual,
            }
        }
        // 4095 threads sleep here already: this one goes round its loop awake, which is right if not cheap.
        Ticket { epoch: epoch(word).wrapping_sub(POLLING << 1), announced: 0 }
    }

    /// Announces a sleep in `poll` or `epoll` that includes [`event_fd`](Self::event_fd). `None` if
    /// another thread does that now: sleep on the futex instead; it calls [`wake`](Self::wake) when it
    /// leaves with work undone. Look again at what you wait for before polling. Two threads must not ask at the same time: the guard of
    /// what they wait for keeps them apart.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM` when the eventfd cannot be made.
    pub fn prepare_poll(&self) -> io::Result<Option<Ticket>> {
        self.bell()?;
        if !self.take_the_lead() {
            return Ok(None);
        }
        let word = self.word.fetch_or(POLLING, AcqRel);
        fence_after_exchange();
        Ok(Some(Ticket { epoch: epoch(word), announced: POLLING }))
    }

    /// The same for a sleep that no waker can end, and that is none of their business; to be ended in the same way.
    pub fn prepare_doze(&self) -> Option<Ticket> {
        self.take_the_lead().then_some(Ticket { epoch: 0, announced: DOZING })
    }

    fn take_the_lead(&self) -> bool {
        // Acquire and release: the bell passes from poller to poller.
        let free = !self.polled.load(Acquire);
        if free {
            self.polled.store(true, Relaxed);
        }
        free
    }

    /// Withdraws an announcement.
    pub fn cancel(&self, ticket: Ticket) {
        match ticket.announced {
            POLLING | DOZING => self.after_poll(ticket, false),
            _ => drop(self.withdraw(&ticket)),
        }
    }

    /// Sleeps until a wake after the announcement, the deadline (`None`: for ever) or a signal.
    ///
    /// Woken does not mean ready: look again, and announce again if need be.
    pub fn wait_futex(&self, ticket: Ticket, deadline: Option<Instant>) -> Waited {
        loop {
            let word = self.word.load(Acquire);
            if epoch(word) != ticket.epoch {
                return Waited::Woken;
            }
            let waited = match self.word.wait(word, deadline) {
                // Or another sleeper came or went, which is no reason to return.
                Wait::Woken | Wait::Changed => continue,
                Wait::TimedOut => Waited::TimedOut,
                Wait::Interrupted => Waited::Interrupted,
            };
            return if self.withdraw(&ticket) { waited } else { Waited::Woken };
        }
    }

    /// Ends a sleep that [`prepare_poll`](Self::prepare_poll) announced, or a doze; `readable` says whether the
    /// eventfd was reported. Look again afterwards, whatever was reported.
    pub fn after_poll(&self, ticket: Ticket, readable: bool) {
        if ticket.announced != DOZING {
            self.withdraw(&ticket);
        }
        if readable && let Some(bell) = self.bell.get() {
            // A waker that took the announcement but has not yet signalled causes one fruitless
            // return from the next poll, and nothing worse.
            bell.drain();
        }
        self.polled.store(false, Release);
    }

    /// The descriptor that becomes readable when a polling sleeper is woken. Stays the same.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM` when it cannot be made.
    pub fn event_fd(&self) -> io::Result<std::os::fd::BorrowedFd<'_>> {
        self.bell().map(std::os::fd::AsFd::as_fd)
    }

    fn bell(&self) -> io::Result<&Bell> {
        if let Some(bell) = self.bell.get() {
            return Ok(bell);
        }
        let bell = Bell::new()?;
        // A thread that was faster keeps its own, and this one is closed.
        Ok(self.bell.get_or_init(|| bell))
    }

    #[cold]
    fn wake_announced(&self) -> bool {
        let Some(word) = self.start_epoch(|word| word & ANNOUNCED != 0) else { return false };
        if word & SLEEPERS != 0 {
            self.word.wake(u32::MAX);
        }
        if word & POLLING != 0
            && let Some(bell) = self.bell.get()
        {
            bell.signal();
        }
        if word & TASKS != 0 {
            self.tasks.wake_all();
        }
        true
    }

    /// Takes all announcements back, if `wanted`; the word as it was.
    fn start_epoch(&self, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let mut word = self.word.load(Relaxed);
        while wanted(word) {
            // Carries into the epoch, and leaves zeros behind.
            let next = (word | ANNOUNCED).wrapping_add(1);
            match self.word.compare_exchange_weak(word, next, AcqRel, Relaxed) {
                Ok(_) => return Some(word),
                Err(actual) => word = actual,
            }
        }
        None
    }

    /// Takes this announcement back; false if a wake has done so.
    fn withdraw(&self, ticket: &Ticket) -> bool {
        let mut word = self.word.load(Acquire);
        while epoch(word) == ticket.epoch {
            match self.word.compare_exchange_weak(word, word - ticket.announced, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(actual) => word = actual,
            }
        }
        false
    }
}

impl Default for Waker {
    fn default() -> Waker {
        Waker::new()
    }
}

/// The fence behind a read-modify-write, which is one already on this processor.
#[inline]
fn fence_after_exchange() {
    if cfg!(all(target_arch = "x86_64", not(loom), not(tsan))) {
        std::sync::atomic::compiler_fence(SeqCst);
    } else {
        fence(SeqCst);
    }
}

/// Eighteen bits: a sleeper would have to be held up, between announcement and sleep, for exactly a
/// multiple of a quarter of a million wakes of other sleepers to mistake one for none.
fn epoch(word: u32) -> u32 {
    word & !ANNOUNCED
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::pipe::ring::{Consumer, Producer, ring};
    use crate::sys::poll::{self, PollFd};
    use std::sync::Arc;
    use std::time::Duration;

    fn is_readable(waker: &Waker) -> bool {
        wait_readable(waker, Some(Duration::ZERO))
    }

    #[test]
    fn nobody_is_woken_when_nobody_sleeps() {
        let waker = Waker::new();
        assert!(!waker.wake());
        waker.cancel(waker.prepare());
        assert!(!waker.wake(), "a withdrawn announcement is forgotten");
        assert!(waker.bell.get().is_none(), "no descriptor is opened unless somebody polls");
    }

    #[test]
    fn a_wake_between_announcement_and_sleep_is_not_lost() {
        let waker = Waker::new();
        let (one, two) = (waker.prepare(), waker.prepare());
        assert!(waker.wake());
        assert!(!waker.wake(), "one wake for both");
        assert_eq!(waker.wait_futex(one, None), Waited::Woken);
        let three = waker.prepare();
        waker.cancel(two);
        assert!(waker.wake(), "a ticket of the past withdraws nobody else");
        assert_eq!(waker.wait_futex(three, None), Waited::Woken);
    }

    #[test]
    fn a_doze_is_nobodys_business_but_only_one_thread_leads() {
        let waker = Waker::new();
        for _ in 0..2 {
            let ticket = waker.prepare_doze().expect("the first");
            assert!(waker.prepare_doze().is_none());
            assert!(waker.prepare_poll().expect("an eventfd").is_none());
            assert!(!waker.wake());
            waker.after_poll(ticket, false);
            let ticket = waker.prepare_poll().expect("an eventfd").expect("the first has left");
            assert!(waker.prepare_doze().is_none());
            assert!(waker.wake());
            waker.after_poll(ticket, true);
        }
        waker.cancel(waker.prepare_doze().expect("the first"));
        assert!(waker.prepare_doze().is_some());
    }

    #[test]
    fn a_timed_out_sleep_is_withdrawn() {
        let waker = Waker::new();
        let ticket = waker.prepare();
        assert_eq!(waker.wait_futex(ticket, Some(Instant::now())), Waited::TimedOut);
        assert!(!waker.wake());
    }

    #[test]
    fn the_epoch_wraps_without_touching_announcements() {
        let waker = Waker::with_word(!ANNOUNCED);
        let ticket = waker.prepare();
        assert!(waker.wake());
        assert_eq!(waker.word.load(Relaxed), 0);
        assert_eq!(waker.wait_futex(ticket, None), Waited::Woken);
    }

    #[test]
    fn too_many_sleepers_stay_awake() {
        let waker = Waker::with_word(SLEEPERS);
        let ticket = waker.prepare();
        assert_eq!(waker.wait_futex(ticket, None), Waited::Woken);
        assert_eq!(waker.word.load(Relaxed), SLEEPERS);
    }

    #[test]
    fn one_thread_polls_and_a_second_is_told_to_follow() {
        let waker = Waker::new();
        let ticket = waker.prepare_poll().expect("an eventfd").expect("the first");
        assert!(waker.prepare_poll().expect("an eventfd").is_none());
        let follower = waker.prepare();
        assert!(!is_readable(&waker));
        assert!(waker.wake() && is_readable(&waker));
        assert!(waker.prepare_poll().expect("an eventfd").is_none(), "until the first has drained the bell");
        waker.after_poll(ticket, true);
        assert!(!is_readable(&waker));
        assert_eq!(waker.wait_futex(follower, None), Waited::Woken);
        assert!(waker.prepare_poll().expect("an eventfd").is_some());
    }

    #[test]
    fn termination_wakes_whoever_may_come() {
        let waker = Waker::new();
        let ticket = waker.prepare();
        waker.event_fd().expect("an eventfd");
        waker.wake_unconditionally();
        assert_eq!(waker.wait_futex(ticket, None), Waited::Woken);
        assert!(is_readable(&waker));
    }

    fn wait_readable(waker: &Waker, timeout: Option<Duration>) -> bool {
        let fd = waker.event_fd().expect("an eventfd");
        let mut fds = [PollFd::new(fd, poll::READABLE)];
        poll::poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
    }

    fn sleep_on_futex(waker: &Waker, ready: &mut dyn FnMut() -> bool) {
        while !ready() {
            let ticket = waker.prepare();
            if ready() {
                return waker.cancel(ticket);
            }
            waker.wait_futex(ticket, None);
        }
    }

    fn sleep_in_poll(waker: &Waker, ready: &mut dyn FnMut() -> bool) {
        while !ready() {
            let ticket = waker.prepare_poll().expect("an eventfd").expect("the only one");
            if ready() {
                return waker.cancel(ticket);
            }
            let readable = wait_readable(waker, None);
            waker.after_poll(ticket, readable);
        }
    }

    type Sleep = fn(&Waker, &mut dyn FnMut() -> bool);

    fn produce(tx: &mut Producer<u64>, input: &Waker, room: &Waker, items: u64, hwm: usize, sleep: Sleep) {
        for n in 0..items {
            sleep(room, &mut || tx.room(hwm));
            tx.push(n);
            input.wake();
        }
    }

    fn consume(rx: &mut Consumer<u64>, input: &Waker, room: &Waker, items: u64, sleep: Sleep) {
        for expected in 0..items {
            sleep(input, &mut || {
                let empty = rx.is_empty();
                if rx.take_credit_released() {
                    room.wake();
                }
                !empty
            });
            assert_eq!(rx.pop(), Some(expected));
            if rx.take_credit_released() {
                room.wake();
            }
        }
    }

    /// Both ends sleep whenever they can; a lost wake-up is a test that never ends.
    fn stress(hwm: usize, items: u64, sleep: Sleep) {
        let (mut tx, mut rx) = ring();
        let wakers = Arc::new((Waker::new(), Waker::new()));
        let producer = {
            let wakers = Arc::clone(&wakers);
            std::thread::spawn(move || produce(&mut tx, &wakers.0, &wakers.1, items, hwm, sleep))
        };
        consume(&mut rx, &wakers.0, &wakers.1, items, sleep);
        producer.join().expect("the producer ends");
    }

    #[test]
    fn a_ring_with_sleepers_at_both_ends_never_stalls_on_a_futex() {
        for hwm in [1, 2, 16, 1000] {
            stress(hwm, 20_000, sleep_on_futex);
        }
    }

    #[test]
    fn a_ring_with_sleepers_at_both_ends_never_stalls_in_poll() {
        for hwm in [1, 2, 16, 1000] {
            stress(hwm, 20_000, sleep_in_poll);
        }
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_wakes() {
        const ROUNDS: u32 = 20_000_000;
        let waker = Waker::new();
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| {
            std::hint::black_box(&waker).wake();
        });
        let wake_ns = start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS);
        let start = Instant::now();
        (0..ROUNDS / 100).for_each(|_| waker.cancel(waker.prepare()));
        let cancel_ns = start.elapsed().as_secs_f64() * 1e11 / f64::from(ROUNDS);
        println!("nobody asleep: wake {wake_ns:.2} ns; prepare and cancel {cancel_ns:.0} ns");
        for (what, sleep) in [("futex", sleep_on_futex as Sleep), ("poll", sleep_in_poll)] {
            for hwm in [1, 1000] {
                let items = if hwm == 1 { 50_000 } else { 5_000_000 };
                let start = Instant::now();
                stress(hwm, items, sleep);
                println!(
                    "{what}, mark {hwm}: {:.0} ns per item",
                    start.elapsed().as_secs_f64() * 1e9 / items as f64
                );
            }
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::pipe::ring::ring;
    use crate::sync::Arc;
    use crate::sync::atomic::AtomicUsize;
    use crate::tasks;
    use crate::tasks::models::TestTask;
    use loom::thread;

    // A lost wake-up is a deadlock, and loom reports it.

    fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(f);
    }

    fn sleep_on_futex(waker: &Waker, mut ready: impl FnMut() -> bool) {
        while !ready() {
            let ticket = waker.prepare();
            if ready() {
                return waker.cancel(ticket);
            }
            assert_eq!(waker.wait_futex(ticket, None), Waited::Woken);
        }
    }

    fn sleep_in_poll(waker: &Waker, mut ready: impl FnMut() -> bool) {
        while !ready() {
            let ticket = waker.prepare_poll().expect("an eventfd").expect("the only one");
            if ready() {
                return waker.cancel(ticket);
            }
            waker.bell().expect("made").poll();
            waker.after_poll(ticket, true);
        }
    }

    /// What the threads of a model share: a word that is published by a relaxed store, and its waker.
    fn scene() -> Arc<(AtomicUsize, Waker)> {
        Arc::new((AtomicUsize::new(0), Waker::new()))
    }

    fn spawn_waker(scene: &Arc<(AtomicUsize, Waker)>, rounds: usize) -> thread::JoinHandle<()> {
        let scene = Arc::clone(scene);
        thread::spawn(move || {
            for _ in 0..rounds {
                scene.0.fetch_add(1, Relaxed);
                scene.1.wake();
            }
        })
    }

    #[test]
    fn loom_wake_meets_sleep_on_futex() {
        model(5, || {
            let scene = scene();
            let producer = spawn_waker(&scene, 2);
            for wanted in 1..=2 {
                sleep_on_futex(&scene.1, || scene.0.load(Relaxed) >= wanted);
            }
            producer.join().expect("no panic");
        });
    }

    #[test]
    fn loom_wake_meets_sleep_in_poll() {
        model(4, || {
            let scene = scene();
            let producer = spawn_waker(&scene, 2);
            for wanted in 1..=2 {
                sleep_in_poll(&scene.1, || scene.0.load(Relaxed) >= wanted);
            }
            producer.join().expect("no panic");
        });
    }

    #[test]
    fn loom_wake_by_two_is_harmless() {
        model(3, || {
            let scene = scene();
            let producers = [spawn_waker(&scene, 1), spawn_waker(&scene, 1)];
            for wanted in 1..=2 {
                sleep_on_futex(&scene.1, || scene.0.load(Relaxed) >= wanted);
            }
            producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
        });
    }

    #[test]
    fn loom_wake_reaches_two_sleepers() {
        model(3, || {
            let scene = scene();
            let producer = spawn_waker(&scene, 1);
            let follower = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || sleep_on_futex(&scene.1, || scene.0.load(Relaxed) == 1))
            };
            sleep_in_poll(&scene.1, || scene.0.load(Relaxed) == 1);
            follower.join().expect("no panic");
            producer.join().expect("no panic");
        });
    }

    /// One of the sleepers gives up at any moment; the other must not miss its wake for it.
    #[test]
    fn loom_wake_survives_a_sleeper_that_leaves() {
        model(3, || {
            let scene = scene();
            let producer = spawn_waker(&scene, 1);
            let leaver = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || (0..2).for_each(|_| scene.1.cancel(scene.1.prepare())))
            };
            sleep_on_futex(&scene.1, || scene.0.load(Relaxed) == 1);
            leaver.join().expect("no panic");
            producer.join().expect("no panic");
        });
    }

    /// Waits as a future does: registers, looks again, and goes on when its task is woken.
    fn wait_as_future(waker: &Waker, task: &TestTask, place: &mut Place, mut ready: impl FnMut() -> bool) {
        while !ready() {
            waker.register(place, &mut Some(task.waker()));
            if ready() {
                return waker.forget(place);
            }
            task.wait();
        }
    }

    #[test]
    fn loom_wake_meets_a_future_that_registers() {
        model(4, || {
            let scene = scene();
            let producer = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    for _ in 0..2 {
                        scene.0.fetch_add(1, Relaxed);
                        scene.1.wake();
                        tasks::run_due();
                    }
                })
            };
            let (task, mut place) = (TestTask::default(), Place::default());
            for wanted in 1..=2 {
                wait_as_future(&scene.1, &task, &mut place, || scene.0.load(Relaxed) >= wanted);
            }
            producer.join().expect("no panic");
        });
    }

    /// A future is dropped at any moment; a thread and another future must not miss their wakes for it.
    #[test]
    fn loom_wake_survives_a_future_that_is_dropped() {
        model(2, || {
            let scene = scene();
            let producer = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    scene.0.fetch_add(1, Relaxed);
                    scene.1.wake();
                    tasks::run_due();
                })
            };
            let others = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    let mut place = Place::default();
                    scene.1.register(&mut place, &mut Some(TestTask::default().waker()));
                    scene.1.forget(&mut place);
                    sleep_on_futex(&scene.1, || scene.0.load(Relaxed) == 1);
                })
            };
            wait_as_future(&scene.1, &TestTask::default(), &mut Place::default(), || {
                scene.0.load(Relaxed) == 1
            });
            others.join().expect("no panic");
            producer.join().expect("no panic");
        });
    }

    #[test]
    fn loom_wake_for_termination_reaches_both_ways_of_sleeping() {
        model(3, || {
            let scene = scene();
            let terminator = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || {
                    scene.0.store(1, Relaxed);
                    scene.1.wake_unconditionally();
                })
            };
            let follower = {
                let scene = Arc::clone(&scene);
                thread::spawn(move || sleep_on_futex(&scene.1, || scene.0.load(Relaxed) == 1))
            };
            sleep_in_poll(&scene.1, || scene.0.load(Relaxed) == 1);
            follower.join().expect("no panic");
            terminator.join().expect("no panic");
        });
    }

    #[test]
    fn loom_wake_on_a_ring_with_sleepers_at_both_ends() {
        model(3, || {
            const ITEMS: usize = 3;
            let (mut tx, mut rx) = ring();
            let wakers = Arc::new((Waker::new(), Waker::new()));
            let producer = {
                let wakers = Arc::clone(&wakers);
                thread::spawn(move || {
                    for n in 0..ITEMS {
                        sleep_on_futex(&wakers.1, || tx.room(1));
                        tx.push(n);
                        wakers.0.wake();
                    }
                })
            };
            for expected in 0..ITEMS {
                sleep_on_futex(&wakers.0, || !rx.is_empty());
                assert_eq!(rx.pop(), Some(expected));
                assert!(rx.take_credit_released());
                wakers.1.wake();
            }
            producer.join().expect("no panic");
        });
    }
}
