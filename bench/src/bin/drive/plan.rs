//! The rows: what is measured, over which transport, and who plays which part in it.

use ferrozmq_bench::{Curve, Job, Kind, Role};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the processes share the cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// All on the first core: no chance decides who runs where, and nobody gains by spinning.
    OneCore,
    /// Wherever the scheduler puts them.
    Free,
    /// The end that binds on a core of its own: where the other computes, it must not wait for its core.
    Apart,
    /// The same, and the core of the end that binds never sleeps: what it takes a machine to wake one is not measured.
    Awake,
    /// Wherever, while every core has something else to do as well.
    Busy,
}

impl Placement {
    /// Every placement with its name.
    pub const ALL: [(&'static str, Placement); 5] = [
        ("one-core", Placement::OneCore),
        ("free", Placement::Free),
        ("apart", Placement::Apart),
        ("awake", Placement::Awake),
        ("busy", Placement::Busy),
    ];

    /// On which core a process runs that `binds` or does not, if that is decided.
    pub fn core_of(self, binds: bool) -> Option<usize> {
        match self {
            Placement::OneCore => Some(0),
            Placement::Free | Placement::Busy => None,
            Placement::Apart | Placement::Awake => Some(usize::from(binds)),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            Placement::ALL.iter().find(|(_, placement)| placement == self).map_or("?", |(name, _)| name);
        f.write_str(name)
    }
}

/// What a row is about; the table's first figure depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// How long something takes: its percentiles.
    Latency,
    /// Messages, deliveries or round trips in a second.
    Rate,
    /// The same, and what an idle peer costs.
    Peers,
    /// How long until a crowd that was cut off is served again.
    Storm,
    /// Handshakes for each second of processor time.
    Handshakes,
}

/// What happens in a row.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// REQ and REP.
    RoundTrip,
    /// DEALER and ROUTER, with so many in flight.
    Window(u64),
    /// PUSH to PULL, with parts of the row's size.
    Stream(usize),
    /// DEALER to ROUTER.
    Routed,
    /// PUSH to PULL at a rate, in bursts.
    Paced(f64, u64),
    /// PUB to so many SUB.
    Publish(usize),
    /// PUB to so many subscribers of the crowd, which only drain: what the publisher alone can do.
    Drained(usize),
    /// PUB to a SUB with so many topics.
    Match(usize),
    /// A ROUTER answers so many peers, each with one request at a time.
    Peers(usize),
    /// The same peers, cut off and back all at once.
    Storm(usize),
    /// So many PUSH to one PULL.
    FanIn(usize),
    /// PUSH, a proxy, PULL.
    Proxy,
    /// CURVE, PUSH to PULL.
    Encrypted,
    /// Connect, ask, close; with CURVE or without.
    Handshake(bool),
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// As `thr/64/tcp`.
    pub name: String,
    /// What happens.
    pub work: Work,
    /// `tcp`, `ipc` or `inproc`.
    pub transport: &'static str,
    /// Message length in bytes.
    pub size: usize,
    /// Count of the run that finds out the speed.
    pub first_count: u64,
}

/// One process of a row.
pub struct Player {
    /// Whether it is the crowd, which is the same program for every contender, or else the contender.
    pub crowd: bool,
    /// Whether its figures are the row's.
    pub judge: bool,
    /// To which of the places that were bound before it connects.
    pub connects: Option<usize>,
    /// Its part; places are added when they are known.
    pub job: Job,
}

impl Row {
    fn new(
        what: &str,
        detail: &str,
        transport: &'static str,
        size: usize,
        first_count: u64,
        work: Work,
    ) -> Row {
        Row { name: format!("{what}/{detail}/{transport}"), work, transport, size, first_count }
    }

    /// What the row is about.
    pub fn subject(&self) -> Subject {
        match self.work {
            Work::RoundTrip | Work::Window(_) | Work::Paced(..) => Subject::Latency,
            Work::Peers(_) => Subject::Peers,
            Work::Storm(_) => Subject::Storm,
            Work::Handshake(_) => Subject::Handshakes,
            _ => Subject::Rate,
        }
    }

    /// Where it is measured unless something else was asked for.
    pub fn placements(&self) -> &'static [Placement] {
        match self.work {
            Work::RoundTrip if self.transport != "inproc" => &[Placement::OneCore, Placement::Free],
            Work::Paced(..) if self.name.starts_with(AWAY) => &[Placement::Awake],
            Work::Paced(..) if self.transport != "inproc" => &[Placement::Apart],
            _ => &[Placement::Free],
        }
    }

    /// Whether the sender computes between its calls, so that its CPU time says nothing.
    pub fn sender_computes(&self) -> bool {
        matches!(self.work, Work::Paced(..))
    }

    /// Whether two ends that carry bytes between them, and know no patterns, can do this.
    pub fn suits_raw(&self) -> bool {
        matches!(
            self.work,
            Work::RoundTrip | Work::Window(_) | Work::Stream(1) | Work::Routed | Work::Paced(..)
        )
    }

    /// The count that takes about `seconds` at this speed.
    pub fn count_for(&self, ns_per_message: f64, seconds: f64) -> u64 {
        let count = match self.work {
            // A rate decides how long it takes; a 99th percentile wants some number.
            Work::Paced(rate, burst) => ((rate * seconds.max(0.5)) as u64).max(BURSTS_MIN * burst),
            Work::Storm(_) => 1,
            Work::Peers(peers) => (seconds * 1e9 / ns_per_message.max(1.0)) as u64 / peers as u64,
            Work::Publish(ends) | Work::Drained(ends) => {
                (seconds * 1e9 / ns_per_message.max(1.0)) as u64 / ends as u64
            }
            _ => (seconds * 1e9 / ns_per_message.max(1.0)) as u64,
        };
        count.clamp(self.first_count, 200_000_000)
    }

    /// Who plays, binders first; `count` is what the row counts.
    pub fn players(&self, count: u64) -> Vec<Player> {
        match self.work {
            Work::RoundTrip => self.asked(Kind::Rep, Kind::Req, count, 1),
            Work::Window(window) => self.asked(Kind::Router, Kind::Dealer, count, window),
            Work::Stream(parts) => self.streamed(Kind::Pull, Kind::Push, count, |job| job.parts = parts),
            Work::Routed => self.streamed(Kind::Router, Kind::Dealer, count, |_| {}),
            Work::FanIn(senders) => self.fan_in(senders as u64, count),
            Work::Encrypted => self.encrypted(count),
            Work::Paced(rate, burst) => self.paced(rate, burst, count),
            Work::Publish(ends) => self.published(ends, 0, count),
            Work::Drained(ends) => self.drained(ends, count),
            Work::Match(topics) => self.published(1, topics, count),
            Work::Peers(peers) => self.crowded(Role::Ask, peers, count),
            Work::Storm(peers) => self.crowded(Role::Shake, peers, count),
            Work::Proxy => self.proxied(count),
            Work::Handshake(curve) => self.shaken(curve, count),
        }
    }

    fn player(&self, role: Role, kind: Kind, count: u64) -> Player {
        let mut job = Job::new(role, kind);
        (job.size, job.count) = (self.size, count);
        Player { crowd: false, judge: false, connects: None, job }
    }

    /// Binds one place.
    fn binder(&self, role: Role, kind: Kind, count: u64) -> Player {
        let mut player = self.player(role, kind, count);
        player.job.bind = vec![self.place("socket")];
        player
    }

    /// Where to bind; `DIR` stands for a folder of the run's own.
    fn place(&self, name: &str) -> String {
        match self.transport {
            "tcp" => "tcp://127.0.0.1:*".to_owned(),
            "ipc" => format!("ipc://DIR/{name}"),
            _ => format!("inproc://{name}"),
        }
    }

    /// Connects to the first place.
    fn connector(&self, role: Role, kind: Kind, count: u64) -> Player {
        Player { connects: Some(0), ..self.player(role, kind, count) }
    }

    fn asked(&self, echo: Kind, ask: Kind, count: u64, window: u64) -> Vec<Player> {
        let mut asker = self.connector(Role::Ask, ask, count);
        (asker.job.window, asker.judge) = (window, true);
        vec![self.binder(Role::Echo, echo, count), asker]
    }

    fn streamed(&self, pull: Kind, push: Kind, count: u64, change: impl Fn(&mut Job)) -> Vec<Player> {
        let (mut puller, mut pusher) =
            (self.binder(Role::Pull, pull, count), self.connector(Role::Push, push, count));
        puller.judge = true;
        change(&mut pusher.job);
        vec![puller, pusher]
    }

    fn fan_in(&self, senders: u64, count: u64) -> Vec<Player> {
        let each = count.div_ceil(senders);
        let mut players = vec![self.binder(Role::Pull, Kind::Pull, each * senders)];
        players[0].judge = true;
        players.extend((0..senders).map(|_| self.connector(Role::Push, Kind::Push, each)));
        players
    }

    fn encrypted(&self, count: u64) -> Vec<Player> {
        let mut players = self.streamed(Kind::Pull, Kind::Push, count, |job| job.curve = Some(Curve::Client));
        players[0].job.curve = Some(Curve::Server);
        players
    }

    fn paced(&self, rate: f64, burst: u64, count: u64) -> Vec<Player> {
        let mut players = self.streamed(Kind::Pull, Kind::Push, count, |_| {});
        players[0].job.role = Role::TimedPull;
        players[1].job.role = Role::PacedPush;
        (players[1].job.rate, players[1].job.burst) = (rate, burst);
        players
    }

    fn published(&self, ends: usize, topics: usize, count: u64) -> Vec<Player> {
        let mut subscriber = self.connector(Role::Subscribe, Kind::Sub, count);
        (subscriber.job.ends, subscriber.job.topics, subscriber.judge) = (ends, topics, true);
        let mut publisher = self.binder(Role::Publish, Kind::Pub, count);
        publisher.job.topics = topics;
        vec![publisher, subscriber]
    }

    fn drained(&self, ends: usize, count: u64) -> Vec<Player> {
        let mut players = self.published(ends, 0, count);
        players[1].crowd = true;
        players
    }

    fn crowded(&self, role: Role, peers: usize, rounds: u64) -> Vec<Player> {
        let mut router = self.binder(Role::Echo, Kind::Router, rounds * peers as u64);
        let mut crowd = self.connector(role, Kind::Dealer, rounds);
        (router.job.ends, crowd.job.ends) = (peers.max(2), peers);
        (crowd.crowd, crowd.judge) = (true, true);
        if peers == 1 {
            router.job.ends = 1;
        }
        vec![router, crowd]
    }

    fn proxied(&self, count: u64) -> Vec<Player> {
        let mut proxy = self.player(Role::Proxy, Kind::Pull, count);
        proxy.job.bind = vec![self.place("front"), self.place("back")];
        let mut pull = self.player(Role::Pull, Kind::Pull, count);
        (pull.connects, pull.judge) = (Some(1), true);
        vec![proxy, pull, self.connector(Role::Push, Kind::Push, count)]
    }

    fn shaken(&self, curve: bool, count: u64) -> Vec<Player> {
        let mut server = self.binder(Role::Echo, Kind::Rep, count);
        let mut client = self.connector(Role::Shake, Kind::Req, count);
        if curve {
            (server.job.curve, client.job.curve) = (Some(Curve::Server), Some(Curve::Client));
        }
        client.judge = true;
        vec![server, client]
    }
}

const SIZES: [(&str, usize, u64); 9] = [
    ("1", 1, 200_000),
    ("10", 10, 200_000),
    ("64", 64, 200_000),
    ("256", 256, 100_000),
    ("1Ki", 1 << 10, 50_000),
    ("8Ki", 8 << 10, 10_000),
    ("64Ki", 64 << 10, 2_000),
    ("1Mi", 1 << 20, 200),
    ("8Mi", 8 << 20, 30),
];
/// What rows are called in which a sender leaves a few messages, and computes.
pub const AWAY: &str = "away";
const ALL: [&str; 3] = ["tcp", "ipc", "inproc"];
/// So many bursts, or messages that come alone, are sent at least: a hundredth of them is then more than the few that the kernel
/// holds up in any case.
const BURSTS_MIN: u64 = 1000;
/// Those between processes.
const WIRES: [&str; 2] = ["tcp", "ipc"];
const RATES: [(&str, f64); 6] =
    [("1k", 1e3), ("10k", 1e4), ("100k", 1e5), ("200k", 2e5), ("500k", 5e5), ("1M", 1e6)];
const TOPICS: [(&str, usize); 7] = [
    ("1", 1),
    ("10", 10),
    ("100", 100),
    ("1k", 1_000),
    ("10k", 10_000),
    ("100k", 100_000),
    ("1M", 1_000_000),
];

/// All rows, in the table's order.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |what: &str, detail: &str, transport, size, first_count, work| {
        rows.push(Row::new(what, detail, transport, size, first_count, work));
    };
    for transport in ALL {
        add("lat", "64", transport, 64, 1_000, Work::RoundTrip);
    }
    for transport in ALL {
        for window in [1, 2, 10, 100] {
            add("window", &window.to_string(), transport, 64, 1_000, Work::Window(window));
        }
    }
    for (what, work) in [("thr", Work::Stream(1)), ("dealer", Work::Routed)] {
        for transport in WIRES {
            for (detail, size, first) in SIZES {
                add(what, detail, transport, size, first, work);
            }
        }
        for (detail, size, first) in [SIZES[1], SIZES[2], SIZES[4], SIZES[6]] {
            add(what, detail, "inproc", size, first, work);
        }
    }
    for transport in ALL {
        add("multipart", "3x64", transport, 64, 50_000, Work::Stream(3));
        for (detail, rate) in RATES {
            add("paced", detail, transport, 16, 200, Work::Paced(rate, 1));
        }
    }
    for transport in WIRES {
        for burst in [1, 32] {
            add(AWAY, &burst.to_string(), transport, 16, 200, Work::Paced(250.0 * burst as f64, burst));
        }
    }
    for ends in [1, 8, 32, 128, 1000] {
        add("pub", &ends.to_string(), "tcp", 16, 200_000 / ends as u64, Work::Publish(ends));
    }
    for transport in ["ipc", "inproc"] {
        for ends in [1, 32] {
            add("pub", &ends.to_string(), transport, 16, 200_000 / ends as u64, Work::Publish(ends));
        }
    }
    for ends in [8, 32, 128, 1000] {
        add("drain", &ends.to_string(), "tcp", 16, 200_000 / ends as u64, Work::Drained(ends));
    }
    for (detail, topics) in TOPICS {
        add("match", detail, "tcp", 16, 50_000, Work::Match(topics));
    }
    for peers in [1, 100, 1000, 9000] {
        add("peers", &peers.to_string(), "tcp", 16, (2_000 / peers as u64).max(1), Work::Peers(peers));
    }
    for peers in [100, 1000, 9000] {
        add("storm", &peers.to_string(), "tcp", 16, 1, Work::Storm(peers));
    }
    for transport in ALL {
        for senders in [4, 16] {
            add("fanin", &senders.to_string(), transport, 64, 100_000, Work::FanIn(senders));
        }
        add("proxy", "64", transport, 64, 50_000, Work::Proxy);
    }
    for transport in WIRES {
        for (detail, size, first) in [SIZES[2], SIZES[4], SIZES[6]] {
            add("curve", detail, transport, size, first / 4, Work::Encrypted);
        }
    }
    for (detail, curve) in [("null", false), ("curve", true)] {
        add("shake", detail, "ipc", 16, 200, Work::Handshake(curve));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let mut names: Vec<String> = rows().into_iter().map(|row| row.name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_row_has_one_judge_and_somebody_who_binds_first() {
        for row in rows() {
            let players = row.players(1_000);
            assert_eq!(players.iter().filter(|player| player.judge).count(), 1, "{}", row.name);
            assert!(!players[0].job.bind.is_empty(), "{}", row.name);
            assert!(players.iter().skip(1).all(|player| player.connects.is_some()), "{}", row.name);
        }
    }
}
