//! Who sent a message, as far as the library can tell, in words for output.

use ferrozmq::{Message, Socket};

use crate::escape::hex;

/// The sender of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    routing_id: Vec<u8>,
    address: String,
}

impl Peer {
    /// The peer that sent `message` to `socket`, if it is still known.
    pub fn of(socket: &Socket, message: &Message) -> Option<Peer> {
        let known = socket.peer_of(message)?;
        Some(Peer { routing_id: known.routing_id.to_vec(), address: known.address.to_string() })
    }

    /// The routing id: as text, or in hexadecimal after `0x`; `None` if it has none.
    pub fn id_text(&self) -> Option<String> {
        id_text(&self.routing_id)
    }

    /// The address, such as `127.0.0.1:4711`; `None` if it has none.
    pub fn address_text(&self) -> Option<String> {
        Some(self.address.clone()).filter(|address| !address.is_empty())
    }
}

fn id_text(id: &[u8]) -> Option<String> {
    match std::str::from_utf8(id) {
        _ if id.is_empty() => None,
        Ok(text) if !text.starts_with("0x") && !text.chars().any(char::is_control) => Some(text.to_owned()),
        _ => Some(format!("0x{}", hex(id))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escape::bytes_or_hex;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed_back(id in prop::collection::vec(any::<u8>(), 1..20)) {
            prop_assert_eq!(bytes_or_hex(&id_text(&id).unwrap()).unwrap(), id);
        }
    }
}
