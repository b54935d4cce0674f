//! Every compatible pair of socket types, ours with libzmq's: tcp and ipc, either end bound, parts of every size that matters.
//!
//! The expected messages follow from the two types alone ([`to_send`], [`to_receive`]), so that the same few lines serve all pairs.
//! `STREAM` has no pair: it talks with what is not ZeroMQ.

use crate::interop::part::{Part, assert_parts, message};
use crate::interop::python::{PATIENCE, Python};
use ferrozmq::{Context, Socket, SocketType};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};

/// One test for each pair, and one that none is missing.
macro_rules! pairs {
    ($($name:ident: $ours:ident $theirs:ident;)*) => {
        $(#[test]
        fn $name() {
            converse($ours, $theirs);
        })*

        #[test]
        fn every_compatible_pair_has_a_test() {
            let tested = [$(($ours, $theirs)),*];
            for ours in SocketType::ALL {
                for theirs in SocketType::ALL {
                    let has_test = tested.contains(&(ours, theirs));
                    assert_eq!(has_test, ours.accepts(theirs), "{ours:?} with libzmq's {theirs:?}");
                }
            }
        }
    };
}

pairs! {
    pair_with_pair: Pair Pair;
    pub_with_sub: Pub Sub;
    pub_with_xsub: Pub XSub;
    xpub_with_sub: XPub Sub;
    xpub_with_xsub: XPub XSub;
    sub_with_pub: Sub Pub;
    sub_with_xpub: Sub XPub;
    xsub_with_pub: XSub Pub;
    xsub_with_xpub: XSub XPub;
    req_with_rep: Req Rep;
    req_with_router: Req Router;
    rep_with_req: Rep Req;
    rep_with_dealer: Rep Dealer;
    dealer_with_rep: Dealer Rep;
    dealer_with_dealer: Dealer Dealer;
    dealer_with_router: Dealer Router;
    router_with_req: Router Req;
    router_with_dealer: Router Dealer;
    router_with_router: Router Router;
    push_with_pull: Push Pull;
    pull_with_push: Pull Push;
}

/// The lengths where an encoding, a buffer or a way of sending changes.
const SIZES: [usize; 9] = [0, 1, 255, 256, 8191, 8192, 8193, 65 * 1024, 8 * 1024 * 1024];
const MULTIPARTS: [&[usize]; 4] = [&[0, 1], &[255, 256, 1], &[8193, 0, 65 * 1024], &[1, 0, 0, 1, 0]];

/// Our routing id, and theirs.
const OURS: &str = "ours";
const THEIRS: &str = "theirs";
/// What a publisher says until its subscriber hears it.
const PROBE: &str = "probe";
/// How long to wait for one probe before the next is sent.
const PROBE_PATIENCE: Duration = Duration::from_millis(20);

fn converse(ours: SocketType, theirs: SocketType) {
    let Some(mut python) = Python::start(&format!("{ours:?} with libzmq's {theirs:?}")) else { return };
    for transport in ["tcp", "ipc"] {
        for we_bind in [true, false] {
            let context = Context::new();
            let mut talk = Talk::begin(&context, &mut python, ours, theirs, transport, we_bind);
            talk.wait_until_ready();
            for parts in messages() {
                talk.exchange(&parts);
            }
            talk.python.close("peer");
        }
    }
}

/// All messages of a conversation.
fn messages() -> Vec<Vec<Part>> {
    let single = SIZES.iter().map(std::slice::from_ref);
    let mut seed = 0;
    let mut pattern = |&size: &usize| {
        seed += 1;
        Part::Pattern { size, seed }
    };
    single.chain(MULTIPARTS).map(|sizes| sizes.iter().map(&mut pattern).collect()).collect()
}

/// One connection between one of our sockets and one of theirs.
struct Talk<'a> {
    python: &'a mut Python,
    socket: Socket,
    ours: SocketType,
    theirs: SocketType,
    label: String,
}

impl<'a> Talk<'a> {
    fn begin(
        context: &Context,
        python: &'a mut Python,
        ours: SocketType,
        theirs: SocketType,
        transport: &str,
        we_bind: bool,
    ) -> Talk<'a> {
        let socket = open_ours(context, ours);
        open_theirs(python, theirs);
        let endpoint = endpoint(transport);
        if we_bind {
            let endpoint = socket.bind(&endpoint).expect("our end binds");
            python.connect("peer", &endpoint);
        } else {
            let endpoint = python.bind("peer", &endpoint);
            socket.connect(&endpoint).expect("our end connects");
        }
        let label =
            format!("{ours:?}/{theirs:?} over {transport}, {} bind", if we_bind { "we" } else { "they" });
        Talk { python, socket, ours, theirs, label }
    }

    /// After this no message can be lost for want of a peer or a subscription.
    fn wait_until_ready(&mut self) {
        let subscribe = [Part::Bytes(vec![1])];
        self.python.handshakes("peer", 1);
        match self.theirs {
            XSub => self.python.send("peer", &subscribe),
            Sub => self.python.attend("peer"),
            _ => {}
        }
        self.socket.wait_for_peers(1, PATIENCE).unwrap_or_else(|error| panic!("{}: {error}", self.label));
        if self.ours == XSub {
            self.socket.send(message(&subscribe)).expect("XSUB subscribes");
        }
        if self.ours == XPub {
            assert_parts(&self.recv(), &subscribe, &self.label);
        }
        match self.theirs {
            XPub => self.python.expect("peer", &subscribe),
            Pub => self.probe(),
            _ => {}
        }
    }

    /// libzmq's PUB does not tell when a subscription has arrived: it publishes until we hear it.
    fn probe(&mut self) {
        for _ in 0..PATIENCE.as_millis() / PROBE_PATIENCE.as_millis() {
            self.python.send("peer", &[Part::text(PROBE)]);
            if self.socket.recv_timeout(PROBE_PATIENCE).is_ok() {
                return;
            }
        }
        panic!("{}: no probe arrived", self.label);
    }

    /// Sends `parts` in every direction that the two types allow, the one that must speak first first.
    fn exchange(&mut self, parts: &[Part]) {
        let ours_first = match (self.ours, self.theirs) {
            (Req, _) | (_, Rep) => true,
            (_, Req) | (Rep, _) | (Router, Dealer) => false,
            _ => true,
        };
        if ours_first {
            self.we_send(parts);
            self.they_send(parts);
        } else {
            self.they_send(parts);
            self.we_send(parts);
        }
    }

    fn we_send(&mut self, parts: &[Part]) {
        if matches!(self.ours, Sub | XSub | Pull) {
            return;
        }
        let sent = to_send(self.ours, self.theirs, THEIRS, parts);
        self.socket.send(message(&sent)).unwrap_or_else(|error| panic!("{}: {error}", self.label));
        self.python.expect("peer", &to_receive(self.ours, self.theirs, OURS, parts));
    }

    fn they_send(&mut self, parts: &[Part]) {
        if matches!(self.theirs, Sub | XSub | Pull) {
            return;
        }
        self.python.send("peer", &to_send(self.theirs, self.ours, OURS, parts));
        let received = self.recv();
        assert_parts(&received, &to_receive(self.theirs, self.ours, THEIRS, parts), &self.label);
    }

    /// The next message that is no probe.
    fn recv(&self) -> ferrozmq::Message {
        loop {
            let received =
                self.socket.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{}: {error}", self.label));
            if received.len() > 1 || received[0] != *PROBE {
                return received;
            }
        }
    }
}

/// What a socket of type `from` is given to send so that `parts` reach a `to` with the routing id `to_id`.
fn to_send(from: SocketType, to: SocketType, to_id: &str, parts: &[Part]) -> Vec<Part> {
    let envelope = match (from, to) {
        (Router, Req) => vec![Part::text(to_id), Part::text("")],
        (Router, _) => vec![Part::text(to_id)],
        (Dealer, Rep) => vec![Part::text("")],
        _ => vec![],
    };
    [&envelope, parts].concat()
}

/// What a socket of type `to` receives then, from a `from` with the routing id `from_id`.
fn to_receive(from: SocketType, to: SocketType, from_id: &str, parts: &[Part]) -> Vec<Part> {
    let envelope = match (from, to) {
        (Req, Router) => vec![Part::text(from_id), Part::text("")],
        (_, Router) => vec![Part::text(from_id)],
        (Rep, Dealer) => vec![Part::text("")],
        _ => vec![],
    };
    [&envelope, parts].concat()
}

fn open_ours(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).expect("a socket");
    socket.set_linger(Some(Duration::ZERO)).expect("linger");
    if kind.announces_routing_id() {
        socket.set_routing_id(OURS).expect("a routing id");
    }
    match kind {
        Router => socket.set_router_mandatory(true).expect("ROUTER_MANDATORY"),
        Sub => socket.subscribe("").expect("a subscription"),
        _ => {}
    }
    socket
}

fn open_theirs(python: &mut Python, kind: SocketType) {
    let id = Part::text(THEIRS).json();
    let options = match kind {
        Router => json!({ "ROUTING_ID": id, "ROUTER_MANDATORY": 1 }),
        Req | Dealer => json!({ "ROUTING_ID": id }),
        Sub => json!({ "SUBSCRIBE": { "hex": "" } }),
        _ => json!({}),
    };
    python.open("peer", kind.name(), options);
}

/// An address nobody else has.
pub fn endpoint(transport: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    match transport {
        "ipc" => {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("ferrozmq-it-{}-{number}", std::process::id());
            format!("ipc://{}", std::env::temp_dir().join(name).display())
        }
        _ => "tcp://127.0.0.1:*".to_owned(),
    }
}
