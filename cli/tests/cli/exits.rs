//! How runs end: the exit codes, signals, closed output.

use super::run::{ended, zmq, zmq_with};

#[test]
fn mistakes_in_the_command_line_give_2_and_say_what_is_wrong() {
    for (line, complaint) in [
        ("push hello", "say where"),
        ("push -c nowhere hello", "is not an endpoint"),
        ("pull -b :1 -J -x", "cannot be used with"),
        ("push -c :1 -o sndhwm hello", "NAME=VALUE"),
        ("push -c :1 -o sndhw=1 hello", "sndhwm"),
        ("push -c :1 -o sndhwm=many hello", "sndhwm"),
        ("recv -t push -b :1", "only sends"),
        ("send -t sub -b :1 x", "only receives"),
        ("send -t gadget -b :1 x", "no such socket type"),
        ("pull -b :1 -t soon", "not a duration"),
        ("push -c :1 --template {x}", "not a field"),
        ("proxy --front :1", "--back"),
    ] {
        let ended = ended(line);
        assert_eq!(ended.code, 2, "{line}: {ended:?}");
        assert!(ended.stderr.contains(complaint), "{line}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{line}: {ended:?}");
    }
}

#[test]
fn what_cannot_be_bound_gives_1() {
    let mut holder = zmq("pull -b tcp://127.0.0.1:* --print-endpoint --for 60s");
    let endpoint = holder.line();
    let second = ended(&format!("pull -b {endpoint}"));
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.starts_with("zmq: "), "{second:?}");
}

#[test]
fn patience_that_ends_gives_3_and_a_time_that_is_over_gives_0() {
    for line in [
        "pull -b ipc://* -q -t 50ms",
        "recv -t sub -b ipc://* -q --timeout 50ms",
        "rep -b ipc://* -q -t 50ms hello",
        "push -b ipc://* -q -t 50ms hello",
        "push -b ipc://* -q -t 50ms --wait-peer=0 hello",
        "req -b ipc://* -q -t 50ms hello",
        "monitor -t pull -b ipc://* -q --timeout 50ms",
    ] {
        assert_eq!(ended(line).code, 3, "{line}");
    }
    for line in
        ["pull -b ipc://* -q --for 50ms", "rep -b ipc://* -q --for 50ms x", "req -b ipc://* -q --for 50ms x"]
    {
        assert_eq!(ended(line).code, 0, "{line}");
    }
}

#[test]
fn who_waited_in_vain_hears_that_nobody_could_be_reached() {
    for line in ["req -c tcp://127.0.0.1:1 -t 500ms hello", "push -c tcp://127.0.0.1:1 -t 500ms hello"] {
        let ended = ended(line);
        assert_eq!(ended.code, 3, "{line}: {ended:?}");
        assert!(ended.stderr.contains("in time (tcp://127.0.0.1:1: Connection refused"), "{line}: {ended:?}");
    }
}

#[test]
fn a_command_that_fails_gives_5_and_an_empty_reply() {
    let mut server =
        zmq_with(&["rep", "-b", "ipc://*", "--print-endpoint", "-n", "1", "--exec", "exit 7"], b"");
    assert_eq!(ended(&format!("req -c {} hello", server.line())).lines(), [""]);
    let server = server.end();
    assert_eq!(server.code, 5, "{server:?}");
    assert!(server.stderr.contains("exit 7"), "{server:?}");
}

#[test]
fn signals_end_every_kind_of_wait() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for line in [
            "pull -b ipc://* --print-endpoint",
            "push -b ipc://* --print-endpoint hello",
            "rep -b ipc://* --print-endpoint hello",
            "req -b ipc://* --print-endpoint hello",
            "monitor -t pull -b ipc://* --print-endpoint",
        ] {
            let mut run = zmq(line);
            run.line();
            run.signal(signal);
            let ended = run.end();
            assert_eq!(ended.code, code, "{line}: {ended:?}");
            assert!(!ended.stderr.contains("panic"), "{line}: {ended:?}");
        }
    }
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let mut pull = zmq("pull -b ipc://* --print-endpoint");
    let endpoint = pull.line();
    pull.close_output();
    let push = zmq(&format!("push -c {endpoint} hello"));
    let pull = pull.end();
    assert_eq!((pull.code, pull.stderr.as_str()), (0, ""));
    assert_eq!(push.end().code, 0);
}

#[test]
fn lingering_is_finite() {
    // Nobody ever comes; the message waits for 50 ms, then the run is over.
    assert_eq!(ended("push -c ipc://@zmq-cli-test-nobody --wait-peer=0 -l 50ms hello").code, 0);
}

#[test]
fn input_that_makes_no_sense_is_named() {
    let bad = zmq_with(&["push", "-b", "ipc://*", "-q", "--wait-peer=0", "-J"], b"{\"frames\":\n").end();
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.stderr.contains("message 1 of the input"), "{bad:?}");
}
