//! The four conversations of the seed programs, cross-wired: PyZMQ programs, unmodified, at one end, our examples at the other.
//!
//! Both roles of every pair, both start orders, each side killed (SIGKILL) and started again while the other lives. The ports are the
//! programs' own, so conversations on the same port take turns, also between test runs on one machine.

use crate::interop::program::Program;
use crate::interop::python::skip;
use std::fs::File;
use std::path::PathBuf;

/// Who plays a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Player {
    /// The seed's program.
    Seed,
    /// Our example.
    Ours,
    /// Our example in its asynchronous form.
    Async,
}

use Player::{Async, Ours, Seed};

/// A part in a conversation.
struct Role {
    /// The seed's program, in its folder.
    seed: &'static str,
    /// Our example and its arguments.
    ours: (&'static str, &'static [&'static str]),
}

const SERVER: Role = Role { seed: "reqrep/server.py", ours: ("reqrep_server", &[]) };
const CLIENT: Role = Role { seed: "reqrep/client.py", ours: ("reqrep_client", &[]) };
const PUBLISHER: Role = Role { seed: "pubsub/publisher.py", ours: ("publisher", &[]) };
const SUBSCRIBER: Role = Role { seed: "pubsub/subscriber.py", ours: ("subscriber", &[]) };
const VENTILATOR: Role = Role { seed: "pipeline/ventilator.py", ours: ("ventilator", &["2"]) };
const WORKER_1: Role = Role { seed: "pipeline/worker1.py", ours: ("worker", &["work1"]) };
const WORKER_2: Role = Role { seed: "pipeline/worker2.py", ours: ("worker", &["work2"]) };
const SINK: Role = Role { seed: "pipeline/sink.py", ours: ("sink", &[]) };
const PING_SERVER: Role = Role { seed: "timeout/server.py", ours: ("reqrep_server", &["ping test success"]) };
const PING: Role = Role { seed: "timeout/client.py", ours: ("ping", &[]) };

/// The seed's folder, and nobody else on these ports until it is dropped.
struct Stage {
    folder: PathBuf,
    _ports: File,
}

impl Stage {
    /// `None`, with a word on stderr, if the seed programs or their Python are not there.
    fn enter(what: &str, ports: &str) -> Option<Stage> {
        let folder = std::env::var_os("FERROZMQ_SEED").map(PathBuf::from);
        let Some(folder) = folder.filter(|_| std::env::var_os("FERROZMQ_PYTHON").is_some()) else {
            skip(
                what,
                "FERROZMQ_SEED and FERROZMQ_PYTHON do not name the seed programs and a Python with PyZMQ",
            );
            return None;
        };
        let path = std::env::temp_dir().join(format!("ferrozmq-seed-{ports}.lock"));
        let file = File::create(path).expect("a lock file among temporary files");
        file.lock().expect("locks work");
        Some(Stage { folder, _ports: file })
    }

    /// Starts the program of this player for this role.
    fn start(&self, role: &Role, player: Player) -> Program {
        match player {
            Seed => Program::python(&self.folder.join(role.seed)),
            Ours => Program::example(role.ours.0, role.ours.1),
            Async => Program::example(&format!("async_{}", role.ours.0), role.ours.1),
        }
    }
}

#[test]
fn our_client_asks_the_seeds_server() {
    request_reply(Seed, Ours);
}

#[test]
fn our_server_answers_the_seeds_client() {
    request_reply(Ours, Seed);
}

#[test]
fn our_asynchronous_client_asks_the_seeds_server() {
    request_reply(Seed, Async);
}

#[test]
fn our_asynchronous_server_answers_the_seeds_client() {
    request_reply(Async, Seed);
}

/// A REQ whose server dies with its request waits for ever, with either library; it must live, and the next client be served.
fn request_reply(server: Player, client: Player) {
    let Some(stage) = Stage::enter("request-reply of the seed", "5555") else { return };
    let mut asker = stage.start(&CLIENT, client);
    let mut replier = stage.start(&SERVER, server);
    asker.wait_for("received response", 2);
    replier.kill();
    let mut replier = stage.start(&SERVER, server);
    replier.wait_for("start", 1);
    asker.assert_alive();
    asker.kill();
    let mut asker = stage.start(&CLIENT, client);
    asker.wait_for("received response", 9);
    asker.assert_success();
    replier.assert_alive();
}

#[test]
fn our_subscriber_hears_the_seeds_publisher() {
    publish_subscribe(Seed, Ours);
}

#[test]
fn our_publisher_is_heard_by_the_seeds_subscriber() {
    publish_subscribe(Ours, Seed);
}

#[test]
fn our_asynchronous_subscriber_hears_our_asynchronous_publisher() {
    publish_subscribe(Async, Async);
}

fn publish_subscribe(publisher: Player, subscriber: Player) {
    let heard = if subscriber != Seed { "heard:" } else { "接收到" };
    let Some(stage) = Stage::enter("publish-subscribe of the seed", "5555") else { return };
    let mut listener = stage.start(&SUBSCRIBER, subscriber);
    let mut speaker = stage.start(&PUBLISHER, publisher);
    listener.wait_for(heard, 2);
    speaker.kill();
    let already = listener.count(heard);
    let mut speaker = stage.start(&PUBLISHER, publisher);
    listener.wait_for(heard, already + 5);
    listener.kill();
    let mut listener = stage.start(&SUBSCRIBER, subscriber);
    listener.wait_for(heard, 2);
    speaker.assert_alive();
}

#[test]
fn our_workers_and_sink_serve_the_seeds_ventilator() {
    pipeline(Seed, [Ours, Ours], Ours);
}

#[test]
fn our_ventilator_and_sink_employ_the_seeds_workers() {
    pipeline(Ours, [Seed, Seed], Ours);
}

#[test]
fn our_ventilator_deals_evenly_to_workers_of_both_kinds() {
    pipeline(Ours, [Seed, Ours], Seed);
}

#[test]
fn an_asynchronous_pipeline_with_a_worker_of_the_seeds() {
    pipeline(Async, [Seed, Async], Async);
}

/// Ventilator, sink and a worker are killed and started again before there is work; then each worker does five of the ten tasks.
fn pipeline(ventilator: Player, workers: [Player; 2], sink: Player) {
    let waits = if ventilator != Seed { "waiting for" } else { "Press Enter" };
    let Some(stage) = Stage::enter("pipeline of the seed", "5557-5558") else { return };
    let mut one = stage.start(&WORKER_1, workers[0]);
    let mut drain = stage.start(&SINK, sink);
    let mut source = stage.start(&VENTILATOR, ventilator);
    source.wait_for(waits, 1);
    source.kill();
    let mut source = stage.start(&VENTILATOR, ventilator);
    source.wait_for(waits, 1);
    one.kill();
    let mut one = stage.start(&WORKER_1, workers[0]);
    drain.kill();
    let mut drain = stage.start(&SINK, sink);
    let mut two = stage.start(&WORKER_2, workers[1]);
    if ventilator == Seed {
        // Ours waits for its workers; the seed's waits for a person who has seen that everybody is there. At its end it does not
        // wait for what is not yet sent, so that the sink too must be there.
        assert_ne!(sink, Seed, "only our sink tells who is connected");
        one.wait_for("ready", 1);
        two.wait_for("ready", 1);
        drain.wait_for("a peer is connected", 3);
        source.press_enter();
    }
    drain.wait_for("work1 ", 5);
    drain.wait_for("work2 ", 5);
    drain.assert_success();
    source.assert_success();
    one.assert_alive();
    two.assert_alive();
}

#[test]
fn our_ping_tries_until_the_seeds_server_answers() {
    time_out(Seed, Ours);
}

#[test]
fn the_seeds_ping_tries_until_our_server_answers() {
    time_out(Ours, Seed);
}

#[test]
fn our_asynchronous_ping_tries_until_the_seeds_server_answers() {
    time_out(Seed, Async);
}

fn time_out(server: Player, client: Player) {
    let Some(stage) = Stage::enter("time-out and retry of the seed", "5555") else { return };
    let mut ping = stage.start(&PING, client);
    ping.wait_for("no response", 1);
    let mut replier = stage.start(&PING_SERVER, server);
    ping.wait_for("ping test success", 1);
    ping.assert_success();

    let mut ping = stage.start(&PING, client);
    replier.wait_for("received request", 2);
    replier.kill(); // while it works on the request
    let _replier = stage.start(&PING_SERVER, server);
    ping.wait_for("no response", 1);
    ping.wait_for("ping test success", 1);
    ping.assert_success();
}
