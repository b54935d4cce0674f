//! The addresses of this machine's network interfaces.

use std::ffi::CStr;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// The addresses of interface `name` with port 0, in the kernel's order, IPv6 ones with their scope.
/// Empty if there is no such interface or it has no address.
pub fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    let list = List::new()?;
    let mut found = Vec::new();
    let mut next: *const libc::ifaddrs = list.0;
    // SAFETY: `next` is null or an entry of the list, which lives until the end of this function.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: every entry's name is a terminated string that lives as long as the list.
        let is_named = unsafe { CStr::from_ptr(entry.ifa_name) }.to_bytes() == name.as_bytes();
        if is_named && let Some(address) = address(entry) {
            found.push(address);
        }
    }
    Ok(found)
}

fn address(entry: &libc::ifaddrs) -> Option<SocketAddr> {
    // SAFETY: an entry's address is null or a valid `sockaddr` that lives as long as the list.
    match i32::from(unsafe { entry.ifa_addr.as_ref() }?.sa_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the address is a `sockaddr_in`.
            let v4 = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_in>() };
            Some(SocketAddrV4::new(Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr)), 0).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the address is a `sockaddr_in6`.
            let v6 = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_in6>() };
            Some(SocketAddrV6::new(Ipv6Addr::from(v6.sin6_addr.s6_addr), 0, 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// The list that `getifaddrs` made, freed on drop.
struct List(*mut libc::ifaddrs);

impl List {
    fn new() -> io::Result<Self> {
        let mut first = std::ptr::null_mut();
        // SAFETY: `first` outlives the call, which fills it on success.
        match unsafe { libc::getifaddrs(&raw mut first) } {
            0 => Ok(Self(first)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list came from `getifaddrs` and is freed once.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_its_address() {
        let found = addresses("lo").unwrap();
        assert!(found.contains(&"127.0.0.1:0".parse().unwrap()), "{found:?}");
        assert!(found.iter().all(|address| address.ip().is_loopback()));
    }

    #[test]
    fn strangers_have_none() {
        assert!(addresses("no such interface").unwrap().is_empty());
        assert!(addresses("").unwrap().is_empty());
    }
}
