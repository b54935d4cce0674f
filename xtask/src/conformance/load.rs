//! Busy processors: as many threads as there are, each doing nothing as fast as it can, until this is dropped.

use super::pool::processors;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

/// The load; it ends with this.
pub struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Keeps every processor busy from now on.
    pub fn begin() -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let spin = |over: Arc<AtomicBool>| {
            std::thread::spawn(move || {
                while !over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads = (0..processors()).map(|_| spin(Arc::clone(&over))).collect();
        Load { over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a spinning thread cannot panic
        }
    }
}
