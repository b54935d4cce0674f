//! Descriptors of ours, which a fork's child closes all together and without touching anything else.
//!
//! A child inherits descriptors together with copies of the values that own them, and with locks that
//! nobody will ever release; so it cannot look for them there. They are marked in a table of bits
//! instead, and the first thing that the child asks of this crate closes them all: a connection or a
//! listener of the parent must not live on in a child that knows nothing of it.
//!
//! Invariant: a bit is set only while this process, or the one it was forked from, owns the descriptor
//! of that number. An [`Own`] of the parent closes nothing in the child.

use super::fork;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers from here on are not marked; a child keeps them until it executes something, or ends.
const MARKED: usize = 65_536;

static MARKS: [AtomicU64; MARKED / 64] = [const { AtomicU64::new(0) }; MARKED / 64];

/// The generation in which [`MARKS`] are this process's own, doubled; odd while they are being made so.
static SETTLED: AtomicU64 = AtomicU64::new(0);

/// A descriptor of ours, closed on drop.
#[derive(Debug)]
pub struct Own {
    fd: ManuallyDrop<OwnedFd>,
    born: u64,
}

impl Own {
    /// Takes note of `fd`.
    pub fn new(fd: OwnedFd) -> Own {
        let (word, bit) = place(fd.as_raw_fd());
        if let Some(word) = word {
            // In a fork's child that has not settled yet the number may be marked: then it was not open here before `fd`.
            word.fetch_and(!bit, Ordering::SeqCst);
        }
        settle();
        if let Some(word) = word {
            word.fetch_or(bit, Ordering::SeqCst);
        }
        Own { fd: ManuallyDrop::new(fd), born: fork::generation() }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if fork::in_child(self.born) {
            // Closed with the others, or about to be: the number may be somebody else's by now.
            return;
        }
        let (word, bit) = place(self.fd.as_raw_fd());
        if let Some(word) = word {
            word.fetch_and(!bit, Ordering::SeqCst);
        }
        // SAFETY: dropped once, here, and not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.fd) };
    }
}

impl AsFd for Own {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Own {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// In a fork's child: closes all descriptors inherited from the parent's contexts. Elsewhere, and the second
/// time, nothing.
pub fn settle() {
    let now = fork::generation() << 1;
    loop {
        match SETTLED.load(Ordering::SeqCst) {
            settled if settled == now => return,
            // Another thread of the child is at it.
            settled if settled == now | 1 => std::thread::yield_now(),
            before => {
                if SETTLED.compare_exchange(before, now | 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    close_marked();
                    return SETTLED.store(now, Ordering::SeqCst);
                }
            }
        }
    }
}

fn close_marked() {
    for (index, word) in MARKS.iter().enumerate() {
        let mut bits = word.swap(0, Ordering::SeqCst);
        while bits != 0 {
            let number = index * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            if let Ok(raw) = RawFd::try_from(number) {
                // A fork copies the descriptors first and the memory, with these marks, a moment later: what another thread
                // opened in between is marked and not open here, and the answer is EBADF.
                // SAFETY: marked, hence a copy of a descriptor that the parent owned at the fork. Its owner's copy in
                // this process never closes or uses it again: that is what `born` is for.
                unsafe { libc::close(raw) };
            }
        }
    }
}

fn place(raw: RawFd) -> (Option<&'static AtomicU64>, u64) {
    let number = usize::try_from(raw).unwrap_or(usize::MAX);
    (MARKS.get(number / 64), 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::FromRawFd;
    use std::os::unix::net::UnixStream;

    fn is_open(raw: RawFd) -> bool {
        // SAFETY: asks about a number, whatever it names.
        unsafe { libc::fcntl(raw, libc::F_GETFD) >= 0 }
    }

    #[test]
    fn a_child_keeps_what_it_opens_first_though_the_number_is_marked() {
        let (a, b) = UnixStream::pair().unwrap();
        let own = Own::new(a.into());
        // SAFETY: between fork and _exit the child runs only atomics and system calls.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            // As if the parent had opened it while the process was copied: marked, and not open here, so the first to be given.
            // SAFETY: nothing here uses the number as what it was.
            let fd = unsafe { OwnedFd::from_raw_fd(libc::dup2(b.as_raw_fd(), own.as_raw_fd())) };
            let kept = is_open(Own::new(fd).as_raw_fd());
            // SAFETY: ends the child at once, without running destructors it shares with its parent.
            unsafe { libc::_exit(i32::from(kept)) };
        }
        let mut status = 0;
        // SAFETY: `pid` is our child and `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1, "{status:#x}");
    }

    #[test]
    fn a_child_closes_what_it_inherits_and_the_parent_keeps_it() {
        let (a, _b) = UnixStream::pair().unwrap();
        let own = Own::new(a.into());
        let raw = own.as_raw_fd();
        // SAFETY: between fork and _exit the child runs only atomics and system calls.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let before = is_open(raw);
            settle();
            let after = is_open(raw);
            drop(own);
            // SAFETY: ends the child at once, without running destructors it shares with its parent.
            unsafe { libc::_exit(i32::from(before && !after)) };
        }
        let mut status = 0;
        // SAFETY: `pid` is our child and `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
        assert_eq!(libc::WEXITSTATUS(status), 1);
        assert!(is_open(raw));
        drop(own);
    }
}
