//! Taking over a descriptor that the application names by number (`ZMQ_USE_FD`).
//!
//! Invariant: a number is adopted once at a time, so that it is closed once. What is refused stays open
//! and the application's.

use super::fork::{self, PerProcess};
use super::own::Own;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An owned descriptor, made by us or adopted; closed on drop.
#[derive(Debug)]
pub struct Descriptor {
    /// Declared first: closed before the number is free to be adopted again.
    fd: Own,
    _adoption: Option<Adoption>,
}

impl Descriptor {
    /// Takes over descriptor `raw` if `is_right` says so. `EBADF` if it is none, `EADDRINUSE` if it is adopted
    /// already, `EINVAL` if it is not right, or what `is_right` failed with.
    pub fn adopt(raw: RawFd, is_right: impl FnOnce(BorrowedFd<'_>) -> io::Result<bool>) -> io::Result<Self> {
        if raw < 0 {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        // SAFETY: not negative; a number that is closed makes the calls below fail with EBADF, and the
        // application that names it promises not to close it meanwhile.
        let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
        rustix::io::fcntl_getfd(borrowed)?;
        if !is_right(borrowed)? {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        if !adopted().insert(raw) {
            return Err(io::Error::from_raw_os_error(libc::EADDRINUSE));
        }
        // SAFETY: open, as checked, and by setting the option the application handed its ownership to us; the
        // set above keeps us from taking it twice.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(Self { fd: Own::new(fd), _adoption: Some(Adoption { raw, born: fork::generation() }) })
    }
}

impl From<OwnedFd> for Descriptor {
    fn from(fd: OwnedFd) -> Self {
        Self { fd: Own::new(fd), _adoption: None }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// A number's entry in the set of adopted ones.
#[derive(Debug)]
struct Adoption {
    raw: RawFd,
    born: u64,
}

impl Drop for Adoption {
    fn drop(&mut self) {
        // A fork's child has a set of its own, without this number.
        if !fork::in_child(self.born) {
            adopted().remove(&self.raw);
        }
    }
}

static ADOPTED: PerProcess<Mutex<BTreeSet<RawFd>>> = PerProcess::new(Mutex::default);

fn adopted() -> MutexGuard<'static, BTreeSet<RawFd>> {
    ADOPTED.value().lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::fd::IntoRawFd;

    #[test]
    fn a_number_is_adopted_once() {
        let raw = TcpListener::bind("127.0.0.1:0").unwrap().into_raw_fd();
        assert!(Descriptor::adopt(raw, |_| Ok(false)).is_err());
        let mine = Descriptor::adopt(raw, |_| Ok(true)).unwrap();
        assert_eq!(mine.as_raw_fd(), raw);
        let again = Descriptor::adopt(raw, |_| Ok(true)).unwrap_err();
        assert_eq!(again.raw_os_error(), Some(libc::EADDRINUSE));
        drop(mine);
        assert!(adopted().is_empty());
    }

    #[test]
    fn nonsense_is_refused() {
        for raw in [-1, i32::MIN, i32::MAX] {
            let error = Descriptor::adopt(raw, |_| Ok(true)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
    }
}
