//! A queue of work and the one thread that does it: started with the first piece, ended when the lane is dropped.
//!
//! The queue has a bound, and nobody waits for room in it.

use crate::sync::Mutex;
use crate::sys::cpu;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A piece of work.
type Work = Box<dyn FnOnce() + Send>;

pub(super) struct Lane {
    name: &'static str,
    room: usize,
    /// Where the thread takes its work from; none has been started yet without it.
    queue: Mutex<Option<SyncSender<Work>>>,
}

impl Lane {
    /// A lane for at most `room` pieces of work that wait.
    pub(super) fn new(name: &'static str, room: usize) -> Lane {
        Lane { name, room, queue: Mutex::new(None) }
    }

    /// Leaves work to be done; `false`, with nothing left, if there is no room or no thread can be had.
    pub(super) fn add(&self, work: Work) -> bool {
        let mut queue = self.queue.lock();
        let sender = match &*queue {
            Some(sender) => sender,
            None => match self.start() {
                Some(sender) => queue.insert(sender),
                None => return false,
            },
        };
        sender.try_send(work).is_ok()
    }

    fn start(&self) -> Option<SyncSender<Work>> {
        let (sender, receiver) = sync_channel(self.room);
        let started = thread::Builder::new().name(self.name.into()).spawn(move || work_off(&receiver));
        started.ok().map(|_| sender)
    }
}

fn work_off(queue: &Receiver<Work>) {
    // The application's signal handlers run in the application's threads.
    let _ = cpu::block_signals();
    for work in queue {
        // Whoever panics has said so; the next one is not to suffer.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn work_is_done_in_turn_and_survives_a_panic() {
        let lane = Lane::new("test", 8);
        let (done, seen) = channel();
        assert!(lane.add(Box::new(|| panic!("as planned"))));
        for number in 0..3 {
            let done = done.clone();
            assert!(lane.add(Box::new(move || done.send(number).unwrap())));
        }
        assert_eq!(seen.iter().take(3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let lane = Lane::new("test", 1);
        let (begun, beginning) = channel();
        let (go, gate) = channel::<()>();
        assert!(lane.add(Box::new(move || {
            begun.send(()).unwrap();
            let _ = gate.recv();
        })));
        beginning.recv().unwrap();
        assert!(lane.add(Box::new(|| {})) && !lane.add(Box::new(|| {})));
        drop(go);
    }
}
