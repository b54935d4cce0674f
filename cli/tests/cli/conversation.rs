//! Messages between processes: each socket type, senders that wait, peers that leave.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::run::{ended, zmq, zmq_with};

#[test]
fn a_request_is_answered_by_a_command() {
    let args = ["rep", "-b", "tcp://127.0.0.1:*", "--print-endpoint", "--exec", "tr a-z A-Z", "-n", "4"];
    let mut server = zmq_with(&args, b"");
    let endpoint = server.line();
    assert_eq!(ended(&format!("req -c {endpoint} hello")).lines(), ["HELLO"]);
    let three = zmq_with(&["req", "-c", &endpoint], b"a\nb\nc\n").end();
    assert_eq!(three.lines(), ["A", "B", "C"]);
    assert_eq!(server.end().code, 0);
}

#[test]
fn arguments_are_the_reply_again_and_again() {
    let mut server = zmq("rep -b tcp://127.0.0.1:* --print-endpoint -n 3 --template world {n}");
    let endpoint = server.line();
    let replies = ended(&format!("req -c {endpoint} -n 3 hello")).lines();
    assert_eq!(replies, ["world\t1", "world\t2", "world\t3"]);
    assert_eq!(server.end().lines(), ["hello", "hello", "hello"]);
}

#[test]
fn replies_can_be_typed() {
    let mut server =
        zmq_with(&["rep", "-b", "tcp://127.0.0.1:*", "--print-endpoint", "-n", "2"], b"first\nsecond\n");
    let endpoint = server.line();
    assert_eq!(ended(&format!("req -c {endpoint} -n 2 hello")).lines(), ["first", "second"]);
}

#[test]
fn one_publication_is_not_lost_to_a_subscriber_that_comes_late() {
    let mut publisher = zmq("pub -b ipc://* --print-endpoint news hello");
    let endpoint = publisher.line();
    // The publisher has been there for a while: it waits.
    let subscriber = zmq(&format!("sub -c {endpoint} -n 1 -s news"));
    assert_eq!(subscriber.end().lines(), ["news\thello"]);
    assert_eq!(publisher.end().code, 0);
}

#[test]
fn subscribers_get_what_they_want() {
    let input = b"news 1\nweather 2\nnews 3\nend\n";
    let mut publisher =
        zmq_with(&["pub", "-b", "ipc://*", "--print-endpoint", "--wait-peer=2", "--linger", "10s"], input);
    let endpoint = publisher.line();
    let news = zmq(&format!("sub -c {endpoint} -n 2 -s news"));
    let everything = zmq(&format!("sub -c {endpoint} -n 4"));
    assert_eq!(news.end().lines(), ["news 1", "news 3"]);
    assert_eq!(everything.end().lines(), ["news 1", "weather 2", "news 3", "end"]);
}

#[test]
fn work_is_shared_evenly_and_ends_when_the_source_has_gone() {
    let input: String = (0..10).map(|n| format!("{n}\n")).collect();
    let args = ["push", "-b", "tcp://127.0.0.1:*", "--print-endpoint", "--wait-peer=2"];
    let mut push = zmq_with(&args, input.as_bytes());
    let endpoint = push.line();
    let workers = [(); 2].map(|()| zmq(&format!("pull -c {endpoint} --until-gone")));
    let [one, two] = workers.map(|worker| worker.end().lines());
    assert_eq!((one.len(), two.len()), (5, 5));
    let mut all = [one, two].concat();
    all.sort();
    assert_eq!(all.concat(), "0123456789");
}

#[test]
fn many_lines_arrive_complete_and_in_order() {
    let input: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
    let mut pull = zmq("pull -b ipc://* --print-endpoint -n 100000");
    let endpoint = pull.line();
    let push = zmq_with(&["push", "-c", &endpoint], input.as_bytes());
    assert_eq!(pull.end().stdout, input.as_bytes());
    assert_eq!(push.end().code, 0);
}

#[test]
fn a_router_echoes_and_names_its_peers() {
    let mut router = zmq("router -b tcp://127.0.0.1:* --print-endpoint --echo -J -n 2");
    let endpoint = router.line();
    assert_eq!(ended(&format!("req -c {endpoint} hello")).lines(), ["hello"]);
    assert_eq!(ended(&format!("dealer -c {endpoint} --id 0xff00 -n 1 a b")).lines(), ["a\tb"]);
    let lines = router.end().lines();
    assert!(lines[0].contains(r#""","hello"]"#), "{lines:?}");
    assert!(lines[1].contains(r#"[{"b64":"/wA="},"a","b"],"peer":"0xff00""#), "{lines:?}");
}

#[test]
fn a_router_waits_for_the_peer_it_is_to_write_to() {
    let mut router = zmq("send -t router -b ipc://* --print-endpoint --to alice hello");
    let endpoint = router.line();
    let _other = zmq(&format!("recv -t dealer -c {endpoint} --id bob"));
    let alice = zmq(&format!("recv -t dealer -c {endpoint} --id alice -n 1"));
    assert_eq!(alice.end().lines(), ["hello"]);
    assert_eq!(router.end().code, 0);
}

#[test]
fn a_router_answers_by_a_command_with_the_envelope_kept() {
    let mut router = zmq_with(
        &[
            "router",
            "-b",
            "ipc://*",
            "--print-endpoint",
            "-n",
            "1",
            "--exec",
            "echo -n \"$ZMQ_CLI_FRAMES\"; cat",
        ],
        b"",
    );
    let endpoint = router.line();
    assert_eq!(ended(&format!("req -c {endpoint} hello")).lines(), ["3hello"]);
}

#[test]
fn a_pair_talks_both_ways() {
    let mut one = zmq("pair -b ipc://* --print-endpoint -n 1 from-one");
    let endpoint = one.line();
    assert_eq!(ended(&format!("pair -c {endpoint} -n 1 from-two")).lines(), ["from-one"]);
    assert_eq!(one.end().lines(), ["from-two"]);
}

#[test]
fn subscriptions_are_seen_by_xpub_and_made_by_xsub() {
    let mut xpub = zmq("xpub -b ipc://* --print-endpoint -n 1 news hello");
    let endpoint = xpub.line();
    let xsub = zmq(&format!("xsub -c {endpoint} -s news -n 1"));
    assert_eq!(xsub.end().lines(), ["news\thello"]);
    assert_eq!(xpub.end().lines(), [r"\x01news"]);
}

#[test]
fn a_stream_socket_echoes_to_a_plain_tcp_client() {
    let mut stream = zmq("stream -b tcp://127.0.0.1:* --print-endpoint --echo --for 60s");
    let address = stream.line().replace("tcp://", "");
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    client.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
}
