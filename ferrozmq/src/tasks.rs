//! Futures that wait for one thing, and the wakes that are due to them.
//!
//! A future that found nothing leaves its [`task::Waker`] in a list of [`Tasks`], and whoever changes something takes all that are
//! there. What a waker does is not ours: it may take an executor's locks, or drop a task and with it a socket. So it never runs
//! on the spot, where locks may be held: it becomes *due* in its thread, and [`run_due`] runs it once none is.
//!
//! Invariant: a thread that makes wakers due runs them before it sleeps and before it returns to its caller. An application's thread
//! does so when it lets go of a socket's guard ([`WakesDue`]), an I/O thread after each of its steps.
//!
//! Futures keep their place in the list over their polls, so the one that has waited longest is woken first. All are woken: of
//! several only one may find what it waits for, but one that is woken and then dropped has cost nobody else his wake-up.

use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task;

/// Futures that wait for one thing.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    last: u64,
    /// In the order of their numbers.
    waiting: VecDeque<(u64, task::Waker)>,
}

/// A future's place in a list, kept over its polls.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<u64>);

impl Place {
    /// Whether a future waits there.
    #[inline(always)]
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }
}

impl Tasks {
    /// Has `task` woken by the next [`wake_all`](Self::wake_all). Leaves in its place what was waiting at this one, to be dropped
    /// where no lock is held.
    pub(crate) fn add(&self, place: &mut Place, task: &mut Option<task::Waker>) {
        let Some(new) = task.take() else { return };
        let mut list = self.list.lock();
        let number = place.0.unwrap_or(list.last + 1);
        place.0 = Some(number);
        list.last = list.last.max(number);
        match list.waiting.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => *task = Some(std::mem::replace(&mut list.waiting[at].1, new)),
            Err(at) => list.waiting.insert(at, (number, new)),
        }
    }

    /// The future at `place` waits no longer.
    pub(crate) fn remove(&self, place: &mut Place) {
        let Some(number) = place.0.take() else { return };
        let mut list = self.list.lock();
        let found = list.waiting.binary_search_by_key(&number, |(number, _)| *number);
        let gone = found.ok().and_then(|at| list.waiting.remove(at));
        drop(list);
        drop(gone);
    }

    /// Makes the wakes of all that wait due in this thread.
    pub(crate) fn wake_all(&self) {
        let mut list = self.list.lock();
        list.waiting.drain(..).for_each(|(_, task)| due(task));
    }
}

/// Wakes that are due, in all threads together: a thread that finds none need not look for its own.
static DUE: AtomicUsize = AtomicUsize::new(0);

/// While this lives the thread runs no wakers: for one that enters sockets while it holds a lock above their guards.
pub(crate) struct Postponed {
    _due: WakesDue,
}

thread_local! {
    static POSTPONED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// Postpones wakers. To be made before the lock is taken, so that it is dropped after it.
pub(crate) fn postpone() -> Postponed {
    POSTPONED.set(POSTPONED.get() + 1);
    Postponed { _due: WakesDue }
}

impl Drop for Postponed {
    fn drop(&mut self) {
        // Then the field is dropped, which runs what is due.
        POSTPONED.set(POSTPONED.get() - 1);
    }
}

#[cfg(not(loom))]
thread_local! {
    static DUE_HERE: std::cell::RefCell<VecDeque<task::Waker>> = const { std::cell::RefCell::new(VecDeque::new()) };
}
#[cfg(loom)]
loom::thread_local! {
    static DUE_HERE: std::cell::RefCell<VecDeque<task::Waker>> = std::cell::RefCell::new(VecDeque::new());
}

fn due(task: task::Waker) {
    DUE.fetch_add(1, Ordering::Relaxed);
    let mut task = Some(task);
    let kept = DUE_HERE.try_with(|here| here.borrow_mut().extend(task.take()));
    if kept.is_err() {
        // A socket that is closed by a destructor at the end of its thread: nothing will come after it.
        DUE.fetch_sub(1, Ordering::Relaxed);
        task.into_iter().for_each(task::Waker::wake);
    }
}

/// Runs the wakes that are due in this thread. Call it where no lock is held.
#[inline(always)]
pub(crate) fn run_due() {
    // Relaxed: a thread sees its own additions.
    if DUE.load(Ordering::Relaxed) != 0 {
        run_here();
    }
}

#[cold]
fn run_here() {
    if POSTPONED.try_with(std::cell::Cell::get).is_ok_and(|depth| depth > 0) {
        return;
    }
    // One at a time: a waker may come back here, and one that panics takes none of the others along.
    while let Ok(Some(task)) = DUE_HERE.try_with(|here| here.borrow_mut().pop_front()) {
        DUE.fetch_sub(1, Ordering::Relaxed);
        task.wake();
    }
}

/// Runs the wakes that are due when it is dropped: a guard's last field.
#[derive(Debug)]
pub(crate) struct WakesDue;

impl Drop for WakesDue {
    #[inline(always)]
    fn drop(&mut self) {
        run_due();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use std::task::{Wake, Waker};

    /// Writes down who was woken, in order.
    struct Note(u32, Arc<Mutex<Vec<u32>>>);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    fn note(number: u32, log: &Arc<Mutex<Vec<u32>>>) -> Option<Waker> {
        Some(Waker::from(Arc::new(Note(number, Arc::clone(log)))))
    }

    #[test]
    fn who_has_waited_longest_is_woken_first_and_nobody_before_it_is_time() {
        let (tasks, log) = (Tasks::default(), Arc::default());
        let mut places: Vec<Place> = (0..4).map(|_| Place::default()).collect();
        for (number, place) in places.iter_mut().enumerate() {
            tasks.add(place, &mut note(number as u32, &log));
        }
        tasks.remove(&mut places[2]);
        tasks.wake_all();
        assert!(log.lock().unwrap().is_empty(), "a lock may be held here");
        run_due();
        assert_eq!(*log.lock().unwrap(), [0, 1, 3]);
        // In another order than they came in.
        for number in [3, 2, 0] {
            tasks.add(&mut places[number], &mut note(number as u32, &log));
        }
        tasks.wake_all();
        tasks.wake_all();
        run_due();
        assert_eq!(*log.lock().unwrap(), [0, 1, 3, 0, 3, 2]);
    }

    #[test]
    fn a_future_that_is_polled_by_another_task_replaces_its_waker() {
        let (tasks, log) = (Tasks::default(), Arc::default());
        let mut place = Place::default();
        tasks.add(&mut place, &mut note(1, &log));
        let mut second = note(2, &log);
        tasks.add(&mut place, &mut second);
        assert!(second.is_some(), "the first, to be dropped outside");
        tasks.wake_all();
        run_due();
        assert_eq!(*log.lock().unwrap(), [2]);
    }

    #[test]
    fn what_is_postponed_runs_at_the_end() {
        let (tasks, log) = (Tasks::default(), Arc::default());
        tasks.add(&mut Place::default(), &mut note(1, &log));
        let postponed = postpone();
        tasks.wake_all();
        run_due();
        assert!(log.lock().unwrap().is_empty());
        drop(postponed);
        assert_eq!(*log.lock().unwrap(), [1]);
    }

    #[test]
    fn a_waker_that_panics_takes_no_other_along() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a foreign executor's");
            }
        }
        let (tasks, log) = (Tasks::default(), Arc::default());
        tasks.add(&mut Place::default(), &mut Some(Waker::from(Arc::new(Panics))));
        tasks.add(&mut Place::default(), &mut note(1, &log));
        tasks.wake_all();
        assert!(std::panic::catch_unwind(run_due).is_err());
        run_due();
        assert_eq!(*log.lock().unwrap(), [1]);
    }
}

#[cfg(all(test, loom))]
pub(crate) mod models {
    //! A task for models: its thread sleeps until it is woken.

    use loom::sync::{Condvar, Mutex};
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    pub(crate) struct TestTask(Arc<Flag>);

    #[derive(Default)]
    struct Flag {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            *self.woken.lock().expect("a panic ends the model") = true;
            self.changed.notify_all();
        }
    }

    impl TestTask {
        pub(crate) fn waker(&self) -> Waker {
            Waker::from(Arc::clone(&self.0))
        }

        /// Returns once it was woken since the last time. One who is never woken is a deadlock, and loom reports it.
        pub(crate) fn wait(&self) {
            let mut woken = self.0.woken.lock().expect("a panic ends the model");
            while !std::mem::take(&mut *woken) {
                woken = self.0.changed.wait(woken).expect("a panic ends the model");
            }
        }

        /// Runs `future` on the calling thread.
        pub(crate) fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
            let task = TestTask::default();
            loop {
                let waker = task.waker();
                match std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(output) => return output,
                    Poll::Pending => task.wait(),
                }
            }
        }
    }
}
