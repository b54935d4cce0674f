//! Ending a wait from outside: by a signal, by input that has arrived, by news of peers.
//!
//! The main thread waits in `poll` on its socket and on [`Wake::fd`]. Whoever has news for it first
//! stores the news, then calls [`Wake::raise`]; the main thread calls [`Wake::clear`] after each wait,
//! and looks at the news only then. So no news is missed, and a burst of news costs one byte.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// A bell that ends a wait.
#[derive(Debug)]
pub struct Wake {
    near: UnixStream,
    far: UnixStream,
    raised: AtomicBool,
    /// The signal that asked for the end; 0 for none.
    signal: AtomicI32,
    /// Whether the run is over but for undelivered messages: the next signal ends it at once.
    leaving: AtomicBool,
}

impl Wake {
    /// A silent bell.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub fn new() -> Result<Arc<Wake>, Failure> {
        let pair = || -> io::Result<(UnixStream, UnixStream)> {
            let (near, far) = UnixStream::pair()?;
            near.set_nonblocking(true)?;
            far.set_nonblocking(true)?;
            Ok((near, far))
        };
        let (near, far) =
            pair().map_err(|error| Failure::while_doing(error, "cannot make a pair of sockets"))?;
        let quiet = (AtomicBool::new(false), AtomicI32::new(0), AtomicBool::new(false));
        Ok(Arc::new(Wake { near, far, raised: quiet.0, signal: quiet.1, leaving: quiet.2 }))
    }

    /// Makes Ctrl-C, SIGTERM and SIGHUP ring the bell, after calling `first`; a second one ends the
    /// process on the spot, and so does one that comes while leaving.
    ///
    /// # Errors
    /// If the system refuses the handlers.
    pub fn listen_for_signals(self: &Arc<Wake>, first: impl Fn() + Send + 'static) -> Result<(), Failure> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Failure::while_doing(error, "cannot listen for signals"))?;
        let wake = Arc::clone(self);
        spawn("signals", move || {
            for signal in signals.forever() {
                let earlier = wake.signal.swap(signal, Ordering::SeqCst);
                if earlier != 0 || wake.leaving.load(Ordering::SeqCst) {
                    signal_hook::low_level::exit(128 + signal);
                }
                first();
                wake.raise();
            }
        })
    }

    /// Rings.
    pub fn raise(&self) {
        if !self.raised.swap(true, Ordering::SeqCst) {
            let _ = (&self.far).write(&[0]); // full means: it rings already
        }
    }

    /// Silences the bell; only then may the news be looked at.
    pub fn clear(&self) {
        let mut bytes = [0; 64];
        while (&self.near).read(&mut bytes).is_ok_and(|n| n > 0) {}
        self.raised.store(false, Ordering::SeqCst);
    }

    /// What becomes readable when the bell rings.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.near.as_fd()
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] after a signal.
    pub fn check(&self) -> Result<(), Failure> {
        match self.signal.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Failure::Interrupted(signal)),
        }
    }

    /// From now on a signal ends the process at once.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }
}

/// A thread that ends with the process and is never waited for.
///
/// # Errors
/// If the system has no thread to give.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| Failure::while_doing(error, "cannot start a thread"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rings_are_one_and_silence_is_silence() {
        let wake = Wake::new().unwrap();
        let rings = |wake: &Wake| (&wake.near).read(&mut [0; 8]).unwrap_or(0);
        assert_eq!(rings(&wake), 0);
        wake.raise();
        wake.raise();
        assert_eq!(rings(&wake), 1);
        wake.clear();
        wake.raise();
        wake.clear();
        assert_eq!(rings(&wake), 0);
        assert!(wake.check().is_ok());
    }
}
