//! The socket options that rustix has no words for, and reading them back.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Sets an `int` option by level and number.
pub fn set_int(fd: impl AsFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    set_bytes(fd, level, option, &value.to_ne_bytes())
}

/// Sets an option whose value is these bytes.
pub fn set_bytes(fd: impl AsFd, level: i32, option: i32, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: `value` is `length` readable bytes; the kernel checks length and contents.
    let result =
        unsafe { libc::setsockopt(fd.as_fd().as_raw_fd(), level, option, value.as_ptr().cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads an `int` option by level and number.
pub fn int(fd: impl AsFd, level: i32, option: i32) -> io::Result<i32> {
    let mut value: i32 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<i32>()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel writes at most `length` bytes into `value`, and both outlive the call.
    let result = unsafe {
        libc::getsockopt(fd.as_fd().as_raw_fd(), level, option, (&raw mut value).cast(), &raw mut length)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        set_int(&socket, libc::SOL_SOCKET, libc::SO_PRIORITY, 3).unwrap();
        assert_eq!(int(&socket, libc::SOL_SOCKET, libc::SO_PRIORITY).unwrap(), 3);
        assert!(set_int(&socket, libc::SOL_SOCKET, -1, 0).is_err());
        assert!(int(&socket, libc::SOL_SOCKET, -1).is_err());
    }
}
