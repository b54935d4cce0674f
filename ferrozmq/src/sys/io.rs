//! Moving bytes through stream sockets.
//!
//! Invariant: never raises `SIGPIPE`, and never blocks, whatever flags the descriptor has, but in [`doze_into`]. `EAGAIN` is
//! an error of kind `WouldBlock`; reading zero bytes into room means the peer has finished.
//!
//! For sockets only; other descriptors give `ENOTSOCK`.

use bytes::{BufMut, BytesMut};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, sockopt};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Most slices one [`sendmsg`] hands to the kernel (its `UIO_MAXIOV`); the rest waits for the next call.
pub const MAX_SLICES: usize = 1024;

const SEND: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

/// Sends some of `bytes`; returns how many.
#[inline]
pub fn send(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    super::visible();
    Ok(rustix::net::send(fd, bytes, SEND)?)
}

/// Sends some of `slices`, in order; returns how many bytes.
#[inline]
pub fn sendmsg(fd: impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    super::visible();
    let slices = slices.get(..MAX_SLICES).unwrap_or(slices);
    Ok(rustix::net::sendmsg(fd, slices, &mut SendAncillaryBuffer::default(), SEND)?)
}

/// Receives into `room`; returns how many bytes are initialised now. Zero with room means end of input.
#[inline]
fn recv(fd: impl AsFd, room: &mut [MaybeUninit<u8>], flags: RecvFlags) -> io::Result<usize> {
    super::visible();
    let ((received, _), _) = rustix::net::recv(fd, room, flags)?;
    Ok(received.len())
}

/// Receives into `room`, which is initialised already; returns how many bytes came.
#[inline]
pub fn recv_slice(fd: impl AsFd, room: &mut [u8]) -> io::Result<usize> {
    super::visible();
    let (received, _) = rustix::net::recv(fd, room, RecvFlags::DONTWAIT)?;
    Ok(received)
}

/// Receives at most `most` bytes into the spare capacity of `buffer`, which it never grows; returns how many bytes were
/// appended. Zero with room means end of input; without any, it is an error of kind
/// `InvalidInput`, so that a full buffer is not taken for the end.
#[inline]
pub fn recv_into(fd: impl AsFd, buffer: &mut BytesMut, most: usize) -> io::Result<usize> {
    append_with(fd, buffer, most, RecvFlags::DONTWAIT)
}

/// The same, waiting for input if the descriptor is in [`allow_dozing`]'s state: until some comes, that call's limit is over
/// (`WouldBlock`), or a signal handler runs (`Interrupted`).
#[inline]
pub fn doze_into(fd: impl AsFd, buffer: &mut BytesMut, most: usize) -> io::Result<usize> {
    append_with(fd, buffer, most, RecvFlags::empty())
}

/// Lets [`doze_into`] wait at this descriptor, for `limit` as the kernel's ticks round it.
pub fn allow_dozing(fd: impl AsFd, limit: Duration) -> io::Result<()> {
    super::visible();
    sockopt::set_socket_timeout(&fd, sockopt::Timeout::Recv, Some(limit))?;
    Ok(rustix::io::ioctl_fionbio(fd, false)?)
}

#[inline]
fn append_with(fd: impl AsFd, buffer: &mut BytesMut, most: usize, flags: RecvFlags) -> io::Result<usize> {
    let spare = buffer.spare_capacity_mut();
    let room = spare.len().min(most);
    if room == 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let received = recv(fd, &mut spare[..room], flags)?;
    // SAFETY: `recv` initialised that many bytes at the start of the spare capacity.
    unsafe { buffer.advance_mut(received) };
    Ok(received)
}

/// Bytes of input that are there to be received.
pub fn unread(fd: impl AsFd) -> io::Result<u64> {
    super::visible();
    Ok(rustix::io::ioctl_fionread(fd)?)
}

/// Bytes of output that a TCP peer has not acknowledged, the end of output counting as one.
pub fn unacknowledged(fd: impl AsFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as `fd` is borrowed, and the call writes one `int`.
    let result = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn bytes_travel_and_nothing_blocks() {
        let (a, b) = UnixStream::pair().unwrap(); // blocking descriptors
        let mut buffer = BytesMut::with_capacity(64);
        assert_eq!(recv_into(&b, &mut buffer, usize::MAX).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(send(&a, b"he").unwrap(), 2);
        assert_eq!(sendmsg(&a, &[IoSlice::new(b"ll"), IoSlice::new(b"o")]).unwrap(), 3);
        while buffer.len() < 5 {
            recv_into(&b, &mut buffer, usize::MAX).unwrap();
        }
        assert_eq!(&buffer[..], b"hello");
        while send(&a, &[0; 4096]).is_ok() {}
        assert_eq!(send(&a, &[0; 4096]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_doze_ends_with_input_and_with_its_limit_and_nothing_else_blocks() {
        let (a, b) = UnixStream::pair().unwrap();
        b.set_nonblocking(true).unwrap();
        let mut buffer = BytesMut::with_capacity(64);
        assert_eq!(doze_into(&b, &mut buffer, usize::MAX).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        allow_dozing(&b, Duration::from_millis(1)).unwrap();
        assert_eq!(doze_into(&b, &mut buffer, usize::MAX).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        allow_dozing(&b, Duration::from_secs(3600)).unwrap();
        let sender = std::thread::spawn(move || send(&a, b"hello").map(|_| a));
        assert_eq!(doze_into(&b, &mut buffer, usize::MAX).unwrap(), 5);
        assert_eq!(recv_into(&b, &mut buffer, usize::MAX).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(sender.join().unwrap().unwrap());
        assert_eq!(doze_into(&b, &mut buffer, usize::MAX).unwrap(), 0);
    }

    #[test]
    fn a_full_buffer_is_not_the_end() {
        let (a, b) = UnixStream::pair().unwrap();
        send(&a, b"x").unwrap();
        let mut none = BytesMut::new();
        assert_eq!(recv_into(&b, &mut none, usize::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        drop(a);
        let mut some = BytesMut::with_capacity(8);
        assert_eq!(recv_into(&b, &mut some, usize::MAX).unwrap(), 1);
        assert_eq!(recv_into(&b, &mut some, usize::MAX).unwrap(), 0);
    }

    #[test]
    fn a_gone_peer_is_an_error_not_a_signal() {
        let (a, b) = UnixStream::pair().unwrap();
        drop(b);
        assert_eq!(send(&a, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(sendmsg(&a, &[IoSlice::new(b"x")]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn more_slices_than_the_kernel_takes() {
        let (a, _b) = UnixStream::pair().unwrap();
        let slices = vec![IoSlice::new(b"x"); MAX_SLICES + 10];
        assert_eq!(sendmsg(&a, &slices).unwrap(), MAX_SLICES);
    }
}
