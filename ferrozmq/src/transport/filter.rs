//! Who may connect: by network (tcp) or by the credentials the kernel vouches for (ipc).
//!
//! Both lists are additive and an empty list lets everybody in, as with libzmq. Pure functions.

use super::options::StreamOptions;
use std::net::IpAddr;

/// Who is at the other end of an ipc connection, as of its `connect` or `listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process id; 0 if it is not visible from this process's namespace.
    pub pid: i32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

impl StreamOptions {
    /// Whether a tcp peer with this address may connect.
    pub fn accepts_ip(&self, peer: IpAddr) -> bool {
        self.accept_filters.is_empty()
            || self.accept_filters.iter().any(|(network, prefix)| contains(*network, *prefix, peer))
    }

    /// Whether any ipc filter is set, so that credentials need to be looked at.
    pub fn filters_ipc(&self) -> bool {
        !(self.ipc_filter_pids.is_empty()
            && self.ipc_filter_uids.is_empty()
            && self.ipc_filter_gids.is_empty())
    }

    /// Whether an ipc peer with these credentials and supplementary groups may connect.
    pub fn accepts_peer(&self, peer: &Credentials, groups: &[u32]) -> bool {
        !self.filters_ipc()
            || self.ipc_filter_pids.contains(&peer.pid)
            || self.ipc_filter_uids.contains(&peer.uid)
            || self.ipc_filter_gids.contains(&peer.gid)
            || groups.iter().any(|group| self.ipc_filter_gids.contains(group))
    }
}

/// Whether the first `prefix` bits agree. An IPv4 address means the same written as IPv6
/// (`::ffff:127.0.0.1`), because a dual-stack listener sees IPv4 peers that way.
fn contains(network: IpAddr, prefix: u8, peer: IpAddr) -> bool {
    let (network, prefix) = match (network, network.to_canonical()) {
        (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if prefix >= MAPPED_BITS => (v4, prefix - MAPPED_BITS),
        _ => (network, prefix),
    };
    match (network, peer.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(peer)) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(prefix.into())).unwrap_or(0);
            (network.to_bits() ^ peer.to_bits()) & mask == 0
        }
        (IpAddr::V6(network), peer) => {
            let peer = match peer {
                IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                IpAddr::V6(v6) => v6,
            };
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(prefix.into())).unwrap_or(0);
            (network.to_bits() ^ peer.to_bits()) & mask == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => false,
    }
}

/// Bits of the prefix `::ffff:0:0/96`.
const MAPPED_BITS: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks() {
        for (network, prefix, peer, expected) in [
            ("10.0.0.0", 8, "10.255.1.2", true),
            ("10.0.0.0", 8, "11.0.0.1", false),
            ("10.1.2.3", 32, "10.1.2.3", true),
            ("10.1.2.3", 32, "10.1.2.2", false),
            ("10.1.2.3", 200, "10.1.2.2", false),
            ("0.0.0.0", 0, "192.0.2.1", true),
            ("0.0.0.0", 0, "::1", false),
            ("10.0.0.0", 8, "::ffff:10.9.9.9", true),
            ("::ffff:10.0.0.0", 104, "10.9.9.9", true),
            ("::ffff:10.0.0.0", 104, "11.9.9.9", false),
            ("fd00::", 8, "fd12::1", true),
            ("fd00::", 8, "fe80::1", false),
            ("::", 0, "::1", true),
            ("::", 0, "127.0.0.1", true),
            ("::1", 128, "::1", true),
            ("::1", 128, "::2", false),
        ] {
            assert_eq!(contains(ip(network), prefix, ip(peer)), expected, "{network}/{prefix} {peer}");
        }
    }

    #[test]
    fn filters_add_up() {
        let mut options = StreamOptions::default();
        let peer = Credentials { pid: 1, uid: 2, gid: 3 };
        assert!(options.accepts_ip(ip("192.0.2.1")) && options.accepts_peer(&peer, &[]));
        options.accept_filters = vec![(ip("10.0.0.0"), 8), (ip("::1"), 128)];
        assert!(options.accepts_ip(ip("10.1.1.1")) && options.accepts_ip(ip("::1")));
        assert!(!options.accepts_ip(ip("192.0.2.1")));
        options.ipc_filter_gids = vec![7];
        assert!(!options.accepts_peer(&peer, &[6]));
        assert!(options.accepts_peer(&peer, &[6, 7]));
        options.ipc_filter_uids = vec![2];
        assert!(options.accepts_peer(&peer, &[]));
    }
}
