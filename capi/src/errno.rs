//! Error numbers: C's `errno`, libzmq's own numbers, and what they are called.

use std::ffi::{c_char, c_int};

/// libzmq's base for numbers that the system does not have (`ZMQ_HAUSNUMERO`).
const HAUSNUMERO: c_int = 156_384_712;

/// Why a call failed, as C is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) c_int);

impl Errno {
    pub(crate) const FAULT: Errno = Errno(libc::EFAULT);
    pub(crate) const INVALID: Errno = Errno(libc::EINVAL);
    pub(crate) const NOT_A_SOCKET: Errno = Errno(libc::ENOTSOCK);
    pub(crate) const NOT_SUPPORTED: Errno = Errno(libc::ENOTSUP);
    pub(crate) const NO_MEMORY: Errno = Errno(libc::ENOMEM);
    pub(crate) const NO_ROOM: Errno = Errno(libc::ENOBUFS);
    pub(crate) const WOULD_BLOCK: Errno = Errno(libc::EAGAIN);
    /// A bug of ours made this object useless.
    pub(crate) const BROKEN: Errno = Errno(libc::ENOTRECOVERABLE);
    pub(crate) const WRONG_STATE: Errno = Errno(HAUSNUMERO + 51);
    pub(crate) const INCOMPATIBLE: Errno = Errno(HAUSNUMERO + 52);
    pub(crate) const TERMINATED: Errno = Errno(HAUSNUMERO + 53);
    pub(crate) const NO_THREAD: Errno = Errno(HAUSNUMERO + 54);

    /// Leaves the number in C's `errno`.
    #[cold]
    pub(crate) fn set(self) {
        // SAFETY: the address is the calling thread's own errno.
        unsafe { *libc::__errno_location() = self.0 }
    }
}

impl From<ferrozmq::Error> for Errno {
    #[cold]
    #[inline(never)]
    fn from(error: ferrozmq::Error) -> Errno {
        Errno(error.errno())
    }
}

/// `zmq_errno(3)`: the calling thread's `errno`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_errno() -> c_int {
    // SAFETY: the address is the calling thread's own errno.
    unsafe { *libc::__errno_location() }
}

/// `zmq_strerror(3)`: what an error number means. The text lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_strerror(number: c_int) -> *const c_char {
    let text = match Errno(number) {
        Errno::WRONG_STATE => c"Operation cannot be accomplished in current state",
        Errno::INCOMPATIBLE => c"The protocol is not compatible with the socket type",
        Errno::TERMINATED => c"Context was terminated",
        Errno::NO_THREAD => c"No thread available",
        Errno(libc::EHOSTUNREACH) => c"Host unreachable",
        // SAFETY: takes any number; the text stays valid until the thread asks again, as with libzmq.
        _ => return unsafe { libc::strerror(number) },
    };
    text.as_ptr()
}
