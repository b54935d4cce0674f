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

#[cfg(test)]
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

/// Process, user and group of a Unix socket's peer as of its `connect` or `listen` (`SO_PEERCRED`). The
/// process is 0 if it lives in a namespace that is invisible from here.
pub fn peer_credentials(fd: impl AsFd) -> io::Result<(i32, u32, u32)> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or(0);
    // SAFETY: the kernel writes at most `length` bytes into `credentials`, plain integers, and both outlive
    // the call.
    let result = unsafe {
        libc::getsockopt(
            fd.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok((credentials.pid, credentials.uid, credentials.gid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Supplementary groups of a Unix socket's peer (`SO_PEERGROUPS`, Linux 4.13).
pub fn peer_groups(fd: impl AsFd) -> io::Result<Vec<u32>> {
    let raw = fd.as_fd().as_raw_fd();
    let mut groups: Vec<u32> = vec![0; USUAL_GROUPS];
    loop {
        let bytes = groups.len().saturating_mul(size_of::<u32>());
        let mut length = libc::socklen_t::try_from(bytes).unwrap_or(0);
        // SAFETY: the kernel writes at most `length` bytes, whole group ids, into `groups`, which has them.
        let result = unsafe {
            libc::getsockopt(
                raw,
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let needed = usize::try_from(length).unwrap_or(0) / size_of::<u32>();
        if result == 0 {
            groups.truncate(needed);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        // ERANGE tells how much room is needed.
        if error.raw_os_error() != Some(libc::ERANGE) || needed <= groups.len() || needed > MAX_GROUPS {
            return Err(error);
        }
        groups.resize(needed, 0);
    }
}

/// Room for the first attempt at [`peer_groups`].
const USUAL_GROUPS: usize = 32;

/// The kernel's `NGROUPS_MAX`.
const MAX_GROUPS: usize = 65_536;

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

    #[test]
    fn a_peer_has_credentials() {
        let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
        let (pid, uid, _) = peer_credentials(&a).unwrap();
        assert_eq!(u32::try_from(pid).unwrap(), std::process::id());
        assert_eq!(uid, rustix::process::geteuid().as_raw());
        peer_groups(&a).unwrap();
    }
}
