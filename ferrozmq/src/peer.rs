//! Who is at the other end: what a handshake told, kept for the messages it delivered.
//!
//! Received frames carry only a number ([`Frame::origin`](crate::Frame::origin)), so that the path
//! of a message never touches a reference count. This table leads from the number to the facts.
//! It keeps the facts of live connections, and of the last [`REMEMBERED`] that ended, as far as they
//! fit into [`REMEMBERED_BYTES`]: how much a peer has to say about itself is the peer's choice.

use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use crate::{Frame, SocketType};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Connections that have ended whose facts are still kept.
const REMEMBERED: usize = 4096;
/// Bytes of their properties that are still kept.
const REMEMBERED_BYTES: usize = 1 << 20;

/// What is known of a peer after its handshake (`zmq_msg_gets`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Identifies the connection; [`Frame::origin`] of the frames it delivers.
    pub connection: u64,
    /// The address, numeric (`Peer-Address`); `:uid:gid:pid` over ipc.
    pub address: String,
    /// The peer's socket type (`Socket-Type`); unknown for ZMTP 1.0 and 2.0.
    pub socket_type: Option<SocketType>,
    /// The routing id it announced (`Routing-Id`), empty if none.
    pub routing_id: Bytes,
    /// The user that authentication named (`User-Id`); `None` if nobody was asked.
    pub user_id: Option<String>,
    /// The properties that the ZAP handler gave, and then all of its READY command, in its order.
    pub properties: Vec<(String, Bytes)>,
    /// The descriptor of the connection (`ZMQ_SRCFD`), −1 where there is none.
    pub descriptor: i32,
    /// The mechanism that the connection speaks: `NULL`, `PLAIN` or `CURVE`.
    pub mechanism: &'static str,
}

impl PeerInfo {
    /// The peer that delivered `frame`, if it came from a connection that is still remembered.
    #[must_use]
    pub fn of(frame: &Frame) -> Option<Arc<PeerInfo>> {
        match frame.origin() {
            0 => None,
            origin => TABLE.value().lock().peers.get(&origin).cloned(),
        }
    }

    /// The property `name` as `zmq_msg_gets` would give it; names are not case-sensitive.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match name {
            "Peer-Address" => Some(self.address.clone()),
            "User-Id" => self.user_id.clone(),
            "Routing-Id" | "Identity" => Some(text(&self.routing_id)),
            "Socket-Type" => self.socket_type.map(|kind| kind.name().to_owned()),
            _ => {
                let found = self.properties.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| text(value))
            }
        }
    }
}

impl PeerInfo {
    fn property_bytes(&self) -> usize {
        self.properties.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The user id that the ZAP handler gave, if one was asked: a peer cannot state its own.
pub(crate) fn user_id(properties: &[(String, Bytes)]) -> Option<String> {
    let found = properties.iter().find(|(name, _)| name == "User-Id");
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

#[derive(Default)]
struct Table {
    peers: HashMap<u64, Arc<PeerInfo>>,
    ended: VecDeque<u64>,
    ended_bytes: usize,
}

static TABLE: PerProcess<Mutex<Table>> = PerProcess::new(|| Mutex::new(Table::default()));
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number for a new connection.
pub(crate) fn new_connection() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Keeps the facts of a connection whose handshake is done.
pub(crate) fn remember(info: PeerInfo) -> Arc<PeerInfo> {
    let info = Arc::new(info);
    TABLE.value().lock().peers.insert(info.connection, Arc::clone(&info));
    info
}

/// The connection ended; its facts go once [`REMEMBERED`] others have ended after it.
pub(crate) fn forget(connection: u64) {
    let mut table = TABLE.value().lock();
    let Some(bytes) = table.peers.get(&connection).map(|info| info.property_bytes()) else { return };
    table.ended_bytes += bytes;
    table.ended.push_back(connection);
    while table.ended.len() > REMEMBERED || table.ended_bytes > REMEMBERED_BYTES {
        let Some(oldest) = table.ended.pop_front() else { return };
        if let Some(info) = table.peers.remove(&oldest) {
            table.ended_bytes -= info.property_bytes();
        }
    }
}
