//! Networks: where a peer comes from, as far as its address tells.

use crate::option::network;
use std::fmt;
use std::net::IpAddr;

/// What stands for every peer on this machine that comes over ipc.
const IPC: &str = "ipc";

/// Where peers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Addresses that begin with so many bits of this one.
    Ip(IpAddr, u8),
    /// The machine itself, over ipc, where peers have no address.
    Ipc,
}

impl Network {
    /// `10.0.0.0/8`, `::1`, or `ipc`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Network> {
        if text == IPC {
            return Some(Network::Ipc);
        }
        network(text.as_bytes()).ok().map(|(address, prefix)| Network::Ip(address, prefix))
    }

    /// Whether the peer at `address` is in it; an address that is no number is one of ipc's.
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        match (*self, address.parse::<IpAddr>().map(|address| address.to_canonical())) {
            (Network::Ipc, address) => address.is_err(),
            (Network::Ip(IpAddr::V4(network), prefix), Ok(IpAddr::V4(address))) => {
                let differ = u128::from(network.to_bits() ^ address.to_bits());
                // 32 bits at the end of 128.
                leading_zeros(differ, 32) >= u32::from(prefix)
            }
            (Network::Ip(IpAddr::V6(network), prefix), Ok(IpAddr::V6(address))) => {
                leading_zeros(network.to_bits() ^ address.to_bits(), 128) >= u32::from(prefix)
            }
            _ => false,
        }
    }
}

fn leading_zeros(number: u128, width: u32) -> u32 {
    number.leading_zeros() + width - 128
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Network::Ip(address, prefix) => write!(f, "{address}/{prefix}"),
            Network::Ipc => f.write_str(IPC),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_or_not() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false),
            ("fe80::/10", "fe80::1", true),
            ("fe80::/10", "ff80::1", false),
            ("::1", "::1", true),
            ("ipc", "localhost:0:0:17", true),
            ("ipc", "", true),
            ("ipc", "127.0.0.1", false),
            ("0.0.0.0/0", "localhost:0:0:17", false),
        ];
        for (network, address, expected) in cases {
            let parsed = Network::parse(network).unwrap();
            assert_eq!(parsed.contains(address), expected, "{network} {address}");
        }
        for wrong in ["", "ipcs", "IPC", "1.2.3", "1.2.3.4/33", "localhost"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
