//! The victim's process, and peers of good will that talk with it all the time.

use ferrozmq::{Context, EventKind, Monitor, Socket, SocketType};
use ferrozmq_misbehaving::{CLIENT_SECRET, Offence, PASSWORD, SERVER_SECRET, Target, USERNAME, public_key};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(20);
/// Options by libzmq's numbers: keys as bytes.
const CURVE_PUBLICKEY: i32 = 48;
const CURVE_SECRETKEY: i32 = 49;
const CURVE_SERVERKEY: i32 = 50;

/// What a test looks at.
pub struct Scene {
    victim: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    endpoints: HashMap<&'static str, String>,
    good: HashMap<&'static str, (Socket, Monitor)>,
    served: u64,
    /// The victim's descriptors when nobody but the good peers is connected.
    descriptors: usize,
    context: Context,
}

impl Scene {
    /// A victim on this transport that gives peers so long for a handshake, and a good peer of each of its sockets.
    pub fn with_deadline(transport: &str, deadline: Duration) -> Scene {
        let mut command = Command::new(env!("CARGO_BIN_EXE_victim"));
        command.arg(transport).arg(deadline.as_millis().to_string());
        let mut victim = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let questions = victim.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(victim.stdout.take().expect("a pipe"));
        let mut endpoints = HashMap::new();
        for target in Target::ALL {
            let line = read_line(&mut answers);
            let endpoint = line.strip_prefix(target.name()).expect("in this order").trim().to_owned();
            endpoints.insert(target.name(), endpoint);
        }
        read_line(&mut answers);
        let context = Context::builder().libzmq_compat().build();
        let good = Target::ALL
            .map(|target| (target.name(), good_peer(&context, target, &endpoints[target.name()], "good")));
        let good = HashMap::from(good);
        let mut scene =
            Scene { victim, questions, answers, endpoints, good, served: 0, descriptors: 0, context };
        // Each has had its buffers once before anything is measured.
        (0..100).for_each(|_| Target::ALL.iter().for_each(|target| scene.serve(*target, "the beginning")));
        scene.descriptors = scene.open_descriptors();
        scene
    }

    /// Where the victim's socket of this kind is bound.
    pub fn endpoint(&self, target: Target) -> &str {
        &self.endpoints[target.name()]
    }

    /// Bytes of the victim's heap; a measurement begins.
    pub fn base(&mut self) -> u64 {
        self.ask("base")
    }

    /// The most bytes of it since.
    pub fn peak(&mut self) -> u64 {
        self.ask("peak")
    }

    /// Waits until the victim has no connections but those of the good peers.
    pub fn settle(&self) {
        let deadline = Instant::now() + SOON;
        while self.open_descriptors() > self.descriptors {
            assert!(Instant::now() < deadline, "connections are left over");
            std::thread::yield_now();
        }
    }

    /// The good peer of the offender's victim sends and receives; so does that of another one.
    pub fn good_peer_is_served(&mut self, offence: &Offence) {
        self.serve(offence.target, offence.name);
        self.serve(Target::Null, offence.name);
    }

    /// No good peer has ever lost its connection, and the victim ends as it should.
    pub fn end(mut self) {
        for (name, (_, monitor)) in &self.good {
            while let Some(event) = monitor.try_recv() {
                assert_ne!(event.kind, EventKind::Disconnected, "the good peer of {name} was cut off");
            }
        }
        drop(self.questions);
        assert!(self.victim.wait().expect("a child").success());
    }

    fn serve(&mut self, target: Target, when: &str) {
        let (socket, _) = &self.good[target.name()];
        if target == Target::Publisher {
            // What waits was said before.
            while socket.try_recv().is_ok() {}
            socket.recv_timeout(SOON).unwrap_or_else(|error| panic!("{when}: no tick: {error}"));
            return;
        }
        self.served += 1;
        let words = format!("good {}", self.served);
        socket.send(words.as_str()).unwrap_or_else(|error| panic!("{when}: {error}"));
        let answer = socket.recv_timeout(SOON).unwrap_or_else(|error| panic!("{when}: no answer: {error}"));
        assert_eq!(answer.first().as_bytes(), words.as_bytes(), "{when}");
    }

    fn ask(&mut self, question: &str) -> u64 {
        writeln!(self.questions, "{question}").expect("the victim lives");
        read_line(&mut self.answers).trim().parse().expect("a number")
    }

    fn open_descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.victim.id());
        std::fs::read_dir(folder).expect("the victim lives").count()
    }
}

/// Somebody who means well comes, is answered once, and goes.
pub fn come_and_go(scene: &Scene, target: Target) {
    let (socket, _) = good_peer(&scene.context, target, scene.endpoint(target), "passer-by");
    socket.send("hello").unwrap();
    socket.recv_timeout(SOON).expect("an answer");
}

fn good_peer(context: &Context, target: Target, endpoint: &str, routing_id: &str) -> (Socket, Monitor) {
    let kind = if target == Target::Publisher { SocketType::Sub } else { SocketType::Dealer };
    let socket = context.socket(kind).unwrap();
    match target {
        Target::Publisher => socket.subscribe("tick").unwrap(),
        Target::Null => socket.set_routing_id(routing_id).unwrap(),
        Target::Plain => {
            socket.set_text("plain_username", USERNAME).unwrap();
            socket.set_text("plain_password", PASSWORD).unwrap();
        }
        Target::Curve => {
            socket.set_raw(CURVE_PUBLICKEY, &public_key(CLIENT_SECRET)).unwrap();
            socket.set_raw(CURVE_SECRETKEY, &CLIENT_SECRET).unwrap();
            socket.set_raw(CURVE_SERVERKEY, &public_key(SERVER_SECRET)).unwrap();
        }
    }
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    socket.connect(endpoint).unwrap();
    socket.wait_for_peers(1, SOON).expect("the good peer is let in");
    let monitor = socket.monitor().unwrap();
    (socket, monitor)
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the victim lives");
    line
}
