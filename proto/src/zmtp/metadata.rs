//! The properties in READY and INITIATE: names, values, and how many are too many (RFC 23).
//!
//! Every property is kept as the peer spelt it; names are compared without regard to case, and of
//! several with one name the first counts. It does not know what a property means.

use super::config::Limits;
use crate::PeerError;
use bytes::Bytes;

/// Names and values, in the peer's order.
pub type Properties = Vec<(String, Bytes)>;

/// Property with the sender's socket type, such as `REQ`.
pub const SOCKET_TYPE: &str = "Socket-Type";

/// Property with the sender's routing id; the wire keeps the old name.
pub const ROUTING_ID: &str = "Identity";

/// The value of property `name`.
#[must_use]
pub fn find<'a>(properties: &'a [(String, Bytes)], name: &str) -> Option<&'a Bytes> {
    properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Reads properties up to the end of `bytes`.
///
/// # Errors
/// [`PeerError::InvalidMetadata`] when they end within a property, a name is empty or not text, or there is more
/// than `limits` allow.
pub fn parse(mut bytes: &[u8], limits: &Limits) -> Result<Properties, PeerError> {
    let mut properties = Properties::new();
    while !bytes.is_empty() {
        if properties.len() == limits.properties {
            return Err(PeerError::InvalidMetadata);
        }
        let (property, rest) = parse_one(bytes, limits).ok_or(PeerError::InvalidMetadata)?;
        properties.push(property);
        bytes = rest;
    }
    Ok(properties)
}

/// Appends one property. A name is cut to 255 bytes, a value to `u32::MAX`: options keep both shorter.
pub fn encode(name: &str, value: &[u8], out: &mut Vec<u8>) {
    let name = &name.as_bytes()[..name.len().min(usize::from(u8::MAX))];
    let value_len = u32::try_from(value.len()).unwrap_or(u32::MAX);
    out.push(name.len() as u8);
    out.extend_from_slice(name);
    out.extend_from_slice(&value_len.to_be_bytes());
    out.extend_from_slice(&value[..value_len as usize]);
}

fn parse_one<'a>(bytes: &'a [u8], limits: &Limits) -> Option<((String, Bytes), &'a [u8])> {
    let (name_len, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    let (value_len, rest) = rest.split_first_chunk::<4>()?;
    let value_len = usize::try_from(u32::from_be_bytes(*value_len)).ok()?;
    if value_len > limits.property_bytes {
        return None;
    }
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some(((name.to_owned(), Bytes::copy_from_slice(value)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(properties: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in properties {
            encode(name, value, &mut out);
        }
        out
    }

    #[test]
    fn the_first_of_a_name_counts_in_any_case() {
        let bytes = encoded(&[("Socket-Type", b"REQ"), ("socket-type", b"REP"), ("X-Empty", b"")]);
        let properties = parse(&bytes, &Limits::default()).unwrap();
        assert_eq!(properties.len(), 3);
        assert_eq!(find(&properties, "SOCKET-TYPE").unwrap(), "REQ");
        assert_eq!(find(&properties, "x-empty").unwrap(), "");
        assert_eq!(find(&properties, "Identity"), None);
    }

    #[test]
    fn every_cut_within_a_property_is_refused() {
        let bytes = encoded(&[("A", b"1"), ("BB", b"22")]);
        for cut in 0..=bytes.len() {
            let whole = [0, 7, bytes.len()].contains(&cut);
            assert_eq!(parse(&bytes[..cut], &Limits::default()).is_ok(), whole, "{cut}");
        }
    }

    #[test]
    fn limits_and_bad_names_are_refused() {
        let limits = Limits { properties: 2, property_bytes: 3, ..Limits::default() };
        assert!(parse(&encoded(&[("a", b"123"), ("b", b"")]), &limits).is_ok());
        assert!(parse(&encoded(&[("a", b""), ("b", b""), ("c", b"")]), &limits).is_err());
        assert!(parse(&encoded(&[("a", b"1234")]), &limits).is_err());
        assert!(parse(&encoded(&[("", b"")]), &limits).is_err());
        assert!(parse(b"\x01\xff\0\0\0\0", &limits).is_err());
        assert!(parse(b"\x01a\xff\xff\xff\xff", &Limits::default()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes, &Limits::default());
        }
    }
}
