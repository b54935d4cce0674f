//! What processes report, and what two reports one after the other tell.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// A queue in which nothing moved for so long is stalled.
const STALLED_AFTER: Duration = Duration::from_millis(400);

/// A peer that went and took messages along is shown for so long.
const GONE_SHOWN: Duration = Duration::from_secs(300);

/// One process.
#[derive(Debug, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The program's name.
    #[serde(default)]
    pub program: String,
    /// Its contexts that have a window.
    pub contexts: Vec<Context>,
}

/// One context.
#[derive(Debug, Deserialize)]
pub struct Context {
    /// Those that are open.
    pub sockets: Vec<Socket>,
}

/// One socket.
#[derive(Debug, Deserialize)]
pub struct Socket {
    /// Its number in the process.
    pub id: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its high-water marks.
    pub sndhwm: u64,
    /// The same for input.
    pub rcvhwm: u64,
    /// Where it is.
    pub endpoints: Vec<Endpoint>,
    /// What it has counted.
    pub stats: Counts,
    /// Its peers.
    pub peers: Vec<Peer>,
    /// Peers that went and took messages along.
    #[serde(default)]
    pub gone: Vec<Peer>,
}

/// One endpoint.
#[derive(Debug, Deserialize)]
pub struct Endpoint {
    /// Its name.
    pub endpoint: String,
    /// Bound, or connected.
    pub bound: bool,
}

/// One peer.
#[derive(Debug, Deserialize)]
pub struct Peer {
    /// The pipe's number in the process.
    pub id: u64,
    /// "ready" or "waiting"; "gone" of one that was.
    pub state: String,
    /// The endpoint by which it came, or that was connected.
    pub endpoint: String,
    /// Its address.
    #[serde(default)]
    pub address: String,
    /// Its answer to the last heartbeat took so many microseconds.
    #[serde(default)]
    pub round_trip_us: Option<u64>,
    /// It went so many microseconds ago.
    #[serde(default)]
    pub ago_us: u64,
    /// What was counted for it.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What sockets and peers count alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub sent: u64,
    pub received: u64,
    pub left: u64,
    pub left_bytes: u64,
    pub arrived: u64,
    pub arrived_bytes: u64,
    pub in_doubt: u64,
    pub queued_out: u64,
    pub queued_out_bytes: u64,
    pub queued_in: u64,
    pub queued_in_bytes: u64,
    pub dropped: BTreeMap<String, u64>,
    pub discarded: BTreeMap<String, u64>,
    pub reconnects: u64,
    pub handshake_failures: u64,
}

impl Counts {
    fn lost(&self) -> u64 {
        self.dropped.values().chain(self.discarded.values()).sum()
    }

    /// The reason for which most was lost.
    fn main_reason(&self) -> String {
        let all = self.dropped.iter().chain(&self.discarded);
        all.max_by_key(|(_, count)| **count)
            .filter(|(_, count)| **count > 0)
            .map_or_else(String::new, |(why, _)| why.clone())
    }
}

/// How a socket or a peer is, worst last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing is wrong.
    Ok,
    /// There is no peer.
    Waiting,
    /// What arrived is not received as fast as it comes: the queue of input is full.
    Unread,
    /// Messages wait to be sent, as many as may.
    Full,
    /// Messages wait for a peer that is not there, for so long.
    Stranded(Duration),
    /// It went so long ago, and took messages along.
    Gone(Duration),
    /// Messages wait, and none has moved for so long.
    Stalled(Duration),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    pub pid: u32,
    pub program: String,
    /// The socket, as "#3 PUSH"; for a peer the same, of its socket.
    pub socket: String,
    /// Whether this is a peer of the socket above.
    pub is_peer: bool,
    pub place: String,
    pub state: State,
    pub queued_out: u64,
    pub queued_in: u64,
    pub out_per_s: f64,
    pub in_per_s: f64,
    pub lost: u64,
    pub lost_per_s: f64,
    pub why: String,
    pub in_doubt: u64,
    pub round_trip: Option<Duration>,
}

/// Which number in which process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Socket(u32, u64),
    Peer(u32, u64),
}

struct Seen {
    at: Instant,
    out: u64,
    inward: u64,
    lost: u64,
    taken: u64,
    /// When something last left, or nothing waited.
    moved_out: Instant,
    /// When something was last received, or nothing waited.
    moved_in: Instant,
}

/// The last look.
#[derive(Default)]
pub struct History {
    seen: HashMap<Key, Seen>,
}

impl History {
    /// The table's lines: each socket and then its peers, the worst first. Whatever is not in `processes` is forgotten.
    pub fn rows(&mut self, processes: &[Process], now: Instant) -> Vec<Row> {
        let mut groups: Vec<Vec<Row>> = Vec::new();
        for process in processes {
            for socket in process.contexts.iter().flat_map(|context| &context.sockets) {
                groups.push(self.group(process, socket, now));
            }
        }
        self.seen.retain(|_, seen| seen.at == now);
        groups.sort_by(|a, b| worst(b).partial_cmp(&worst(a)).unwrap_or(std::cmp::Ordering::Equal));
        groups.concat()
    }

    fn group(&mut self, process: &Process, socket: &Socket, now: Instant) -> Vec<Row> {
        let mut peers: Vec<Row> =
            socket.peers.iter().map(|peer| self.peer(process, socket, peer, now)).collect();
        let mut own = self.row(Key::Socket(process.pid, socket.id), process, socket, &socket.stats, now);
        own.place = places(&socket.endpoints);
        // A socket is as badly off as its worst peer; its own sums are compared with no mark.
        own.state = peers.iter().map(|peer| peer.state.clone()).max().unwrap_or(State::Waiting);
        let shown = socket.gone.iter().filter(|peer| ago(peer) < GONE_SHOWN);
        peers.extend(shown.map(|peer| self.peer(process, socket, peer, now)));
        peers.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
        let mut all = vec![own];
        all.append(&mut peers);
        all
    }

    fn peer(&mut self, process: &Process, socket: &Socket, peer: &Peer, now: Instant) -> Row {
        let key = Key::Peer(process.pid, peer.id);
        let mut row = self.row(key, process, socket, &peer.counts, now);
        row.is_peer = true;
        row.place = match (peer.address.as_str(), peer.endpoint.as_str()) {
            ("", "") => "inproc".to_owned(),
            ("", endpoint) => endpoint.to_owned(),
            (address, _) => address.to_owned(),
        };
        row.round_trip = peer.round_trip_us.map(Duration::from_micros);
        row.state = self.state_of(key, socket, peer, now);
        row
    }

    fn state_of(&self, key: Key, socket: &Socket, peer: &Peer, now: Instant) -> State {
        let Some(seen) = self.seen.get(&key) else { return State::Ok };
        let is_full = |queued: u64, hwm: u64| hwm > 0 && queued >= hwm;
        let (still_out, still_in) = (now - seen.moved_out, now - seen.moved_in);
        let counts = &peer.counts;
        match peer.state.as_str() {
            "ready" => {}
            "gone" => return State::Gone(ago(peer)),
            _ if counts.queued_out > 0 && still_out >= STALLED_AFTER => return State::Stranded(still_out),
            _ => return State::Waiting,
        }
        if counts.queued_out > 0 && still_out >= STALLED_AFTER {
            return State::Stalled(still_out);
        }
        if is_full(counts.queued_out, socket.sndhwm) {
            return State::Full;
        }
        let unread = counts.queued_in > 0 && still_in >= STALLED_AFTER;
        if unread || is_full(counts.queued_in, socket.rcvhwm) { State::Unread } else { State::Ok }
    }

    fn row(&mut self, key: Key, process: &Process, socket: &Socket, counts: &Counts, now: Instant) -> Row {
        let is_peer = matches!(key, Key::Peer(..));
        // Of a socket what calls sent and received; of a peer what left and arrived.
        let (out, inward) =
            if is_peer { (counts.left, counts.arrived) } else { (counts.sent, counts.received) };
        let lost = counts.lost();
        // What a peer's queue of input has lost since, somebody has received.
        let taken = counts.arrived.saturating_sub(counts.queued_in);
        let before = self.seen.get(&key);
        let rate = |now_count: u64, count: u64, at: Instant| {
            let seconds = (now - at).as_secs_f64();
            if seconds > 0.0 { now_count.saturating_sub(count) as f64 / seconds } else { 0.0 }
        };
        let (out_per_s, in_per_s, lost_per_s) = before.map_or((0.0, 0.0, 0.0), |seen| {
            (rate(out, seen.out, seen.at), rate(inward, seen.inward, seen.at), rate(lost, seen.lost, seen.at))
        });
        let still = |idle: bool, moved: bool, since: Option<Instant>| {
            if idle || moved { now } else { since.unwrap_or(now) }
        };
        let moved_out = still(
            counts.queued_out == 0,
            before.is_some_and(|seen| seen.out != out),
            before.map(|seen| seen.moved_out),
        );
        let was_taken = before.is_some_and(|seen| seen.taken != taken);
        let moved_in = still(counts.queued_in == 0, was_taken, before.map(|seen| seen.moved_in));
        self.seen.insert(key, Seen { at: now, out, inward, lost, taken, moved_out, moved_in });
        Row {
            pid: process.pid,
            program: process.program.clone(),
            socket: format!("#{} {}", socket.id, socket.kind),
            is_peer,
            place: String::new(),
            state: State::Ok,
            queued_out: counts.queued_out,
            queued_in: counts.queued_in,
            out_per_s,
            in_per_s,
            lost,
            lost_per_s,
            why: counts.main_reason(),
            in_doubt: counts.in_doubt,
            round_trip: None,
        }
    }
}

fn places(endpoints: &[Endpoint]) -> String {
    let all: Vec<String> = endpoints
        .iter()
        .map(|endpoint| format!("{}{}", if endpoint.bound { "" } else { "→ " }, endpoint.endpoint))
        .collect();
    all.join(", ")
}

/// How long ago it went.
fn ago(peer: &Peer) -> Duration {
    Duration::from_micros(peer.ago_us)
}

/// A socket comes with its worst peer.
fn worst(group: &[Row]) -> (u8, f64, u64, f64) {
    let worse = |a, b| if a < b { b } else { a };
    group.iter().map(rank).fold((0, 0.0, 0, 0.0), worse)
}

/// What comes first: trouble, then losses, then queues, then traffic.
fn rank(row: &Row) -> (u8, f64, u64, f64) {
    let trouble = match row.state {
        State::Ok => 0,
        State::Waiting => 1,
        State::Unread => 2,
        State::Full => 3,
        State::Stranded(_) => 4,
        State::Gone(_) => 5,
        State::Stalled(_) => 6,
    };
    (trouble, row.lost_per_s, row.queued_out + row.queued_in, row.out_per_s + row.in_per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(left: u64, queued: u64, other: u64) -> Process {
        let json = format!(
            r#"{{"pid":7,"program":"p","contexts":[{{"totals":{{}},"sockets":[{{"id":1,"type":"PUSH","sndhwm":10,
            "rcvhwm":10,"endpoints":[{{"endpoint":"tcp://a","bound":true}}],"stats":{{"sent":{}}},"peers":[
            {{"id":2,"state":"ready","endpoint":"","address":"good","left":{other},"queued_out":0}},
            {{"id":3,"state":"ready","endpoint":"","address":"bad","left":{left},"queued_out":{queued},
              "dropped":{{"hwm":4}},"later":1}}]}}]}}]}}"#,
            left + other
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn one_that_went_with_messages_stays_in_sight_for_a_while() {
        let report = |ago: u64| {
            let json = format!(
                r#"{{"pid":7,"contexts":[{{"sockets":[
                {{"id":1,"type":"PUB","sndhwm":10,"rcvhwm":10,"endpoints":[],"stats":{{}},"peers":[]}},
                {{"id":2,"type":"PUSH","sndhwm":10,"rcvhwm":10,"endpoints":[],"stats":{{}},
                  "peers":[{{"id":3,"state":"waiting","endpoint":"tcp://b","queued_out":4}}],
                  "gone":[{{"id":4,"state":"gone","endpoint":"tcp://a","address":"bad","ago_us":{ago},
                           "dropped":{{"disconnected":10}}}}]}}]}}]}}"#
            );
            serde_json::from_str::<Process>(&json).unwrap()
        };
        let (mut history, begin) = (History::default(), Instant::now());
        history.rows(&[report(1_000_000)], begin);
        let rows = history.rows(&[report(2_000_000)], begin + Duration::from_secs(1));
        assert_eq!((rows[0].socket.as_str(), rows[1].place.as_str()), ("#2 PUSH", "bad"));
        assert_eq!((rows[1].state.clone(), rows[1].lost), (State::Gone(Duration::from_secs(2)), 10));
        assert_eq!(rows[1].why, "disconnected");
        assert_eq!(rows[2].state, State::Stranded(Duration::from_secs(1)));
        assert_eq!(rows[0].state, rows[2].state);
        let later = history.rows(&[report(400_000_000)], begin + Duration::from_secs(400));
        assert!(later.iter().all(|row| row.place != "bad"));
    }

    #[test]
    fn the_one_that_is_stuck_stands_first_and_says_since_when() {
        let mut history = History::default();
        let begin = Instant::now();
        let later = |ms| begin + Duration::from_millis(ms);
        history.rows(&[process(5, 3, 100)], begin);
        let rows = history.rows(&[process(5, 10, 300)], later(1000));
        let places: Vec<_> = rows.iter().map(|row| row.place.as_str()).collect();
        assert_eq!(places, ["tcp://a", "bad", "good"]);
        assert_eq!(rows[1].state, State::Stalled(Duration::from_secs(1)));
        assert_eq!((rows[0].state.clone(), rows[0].out_per_s), (rows[1].state.clone(), 200.0));
        assert_eq!((rows[1].lost, rows[1].why.as_str(), rows[2].state.clone()), (4, "hwm", State::Ok));
        // One message moves: it is slow, and no longer stuck.
        let rows = history.rows(&[process(6, 10, 400)], later(2000));
        assert_eq!(rows[1].state, State::Full);
        let rows = history.rows(&[process(16, 0, 500)], later(3000));
        assert_eq!(rows[0].state, State::Ok);
        assert!(history.rows(&[], later(4000)).is_empty());
        assert!(history.seen.is_empty());
    }
}
