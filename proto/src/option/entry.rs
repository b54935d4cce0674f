//! Values with a syntax of their own: strings, networks, metadata properties.
//!
//! Each parser takes the bytes of a `zmq_setsockopt(3)` call and is strict: a filter that is not
//! understood must not become one that lets everybody in.

use std::fmt::Display;
use std::net::IpAddr;

use bytes::Bytes;

use super::Wrong;

/// Longest network as text: an IPv6 address, a slash and a prefix, with room to spare.
const NETWORK_MAX: usize = 255;
/// Longest name of a metadata property, in bytes (RFC 23).
pub(super) const PROPERTY_NAME_MAX: usize = 255;
/// Largest value of a metadata property, in bytes: a handshake must stay small.
pub(super) const PROPERTY_VALUE_MAX: usize = 32 * 1024;

/// `bytes` as text of 1 to `max` bytes, without the NUL that C programs may have counted.
pub(super) fn text(bytes: &[u8], max: usize) -> Result<&str, Wrong> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() || bytes.len() > max {
        return Err(Wrong::Length(bytes.len()));
    }
    if bytes.contains(&0) {
        return Err(Wrong::Malformed("there is a NUL inside the text".into()));
    }
    std::str::from_utf8(bytes).map_err(|_| Wrong::Malformed("the text is not UTF-8".into()))
}

/// `address` or `address/prefix`.
pub(crate) fn network(bytes: &[u8]) -> Result<(IpAddr, u8), Wrong> {
    let text = text(bytes, NETWORK_MAX)?;
    let malformed = || Wrong::Malformed(format!("{text:?} is not an address or address/prefix"));
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().map_err(|_| malformed())?
        }
        Some(_) => return Err(malformed()),
    };
    if prefix > longest { Err(malformed()) } else { Ok((address, prefix)) }
}

/// Adds `X-name:value` to `metadata`, which is sorted by name. As in libzmq the first value of a name stays.
///
/// The name must be one that RFC 23 allows on the wire; libzmq does not look, and its handshake
/// then fails at a careful peer.
pub(super) fn add_property(metadata: &mut Vec<(String, Bytes)>, bytes: &[u8]) -> Result<(), Wrong> {
    let malformed = |what: &str| Err(Wrong::Malformed(what.into()));
    // libzmq takes four bytes for an int, whatever they are.
    if bytes.is_empty() || bytes.len() == size_of::<i32>() {
        return Err(Wrong::Length(bytes.len()));
    }
    let Some(colon) = bytes.iter().position(|byte| *byte == b':') else {
        return malformed("there is no colon");
    };
    let (name, value) = bytes.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte);
    match std::str::from_utf8(name) {
        _ if value.is_empty() || value.len() > PROPERTY_VALUE_MAX => Err(Wrong::Length(bytes.len())),
        Ok(name)
            if name.starts_with("X-")
                && name.len() <= PROPERTY_NAME_MAX
                && name.bytes().all(|b| legal(&b)) =>
        {
            if let Err(place) = metadata.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
                metadata.insert(place, (name.to_owned(), Bytes::copy_from_slice(value)));
            }
            Ok(())
        }
        _ => malformed("the name is not X- and letters, digits or any of -_.+"),
    }
}

/// The items with commas between them.
pub(super) fn joined<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(",")
}

pub(super) fn filters_text(filters: &[(IpAddr, u8)]) -> String {
    joined(filters.iter().map(|(address, prefix)| format!("{address}/{prefix}")))
}

pub(super) fn metadata_text(metadata: &[(String, Bytes)]) -> String {
    joined(metadata.iter().map(|(name, value)| format!("{name}:{}", value.escape_ascii())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let good = [
            ("127.0.0.1", "127.0.0.1/32"),
            ("127.0.0.0/8", "127.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.0.0.1/08", "10.0.0.1/8"),
            ("::1", "::1/128"),
            ("fe80::/10", "fe80::/10"),
            ("127.0.0.1\0", "127.0.0.1/32"),
        ];
        for (text, expected) in good {
            assert_eq!(network(text.as_bytes()).map(|filter| filters_text(&[filter])), Ok(expected.into()));
        }
        for wrong in [
            "",
            "127.0.0.1/",
            "127.0.0.1/33",
            "127.0.0.1/-1",
            "127.0.0.1/+8",
            "::1/129",
            "127.0.0.1/x",
            "127.0.0.1/8/8",
            "localhost",
            "*",
            "[::1]",
            "127.1",
            "127.0.0.1/256",
            "\0",
            "fe80::1%lo",
        ] {
            assert!(network(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert!(network(&[0xff; 9]).is_err() && network(&[b'1'; 1 << 20]).is_err());
    }

    #[test]
    fn properties() {
        let mut metadata = Vec::new();
        for property in ["X-b:1", "X-a:b:c", "X-b:2", "X-c:\0"] {
            add_property(&mut metadata, property.as_bytes()).unwrap();
        }
        assert_eq!(metadata_text(&metadata), "X-a:b:c,X-b:1,X-c:\\x00");
        for wrong in ["", "X-a:", ":bbbb", "X-:b", "X:bb", "x-aa:b", "X-aaaa", "Y-aa:b", "X- a:b", "X-a\0:b"]
        {
            assert!(add_property(&mut metadata, wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        let named = |length: usize| format!("X-{}:v", "k".repeat(length - 2));
        assert!(add_property(&mut metadata, named(PROPERTY_NAME_MAX).as_bytes()).is_ok());
        assert!(add_property(&mut metadata, named(PROPERTY_NAME_MAX + 1).as_bytes()).is_err());
        assert!(add_property(&mut metadata, b"X-\xff:bb").is_err());
    }
}
