//! The verbs that are no sockets: proxy, monitor, doctor, completions, demo, help.

use super::run::{ended, zmq, zmq_with};

#[test]
fn a_proxy_joins_clients_and_services() {
    let process = std::process::id();
    let (front, back) = (format!("@zmq-cli-test-front-{process}"), format!("@zmq-cli-test-back-{process}"));
    let proxy = zmq(&format!("proxy --front {front} --back {back} --stats 10s"));
    let services = [(); 2].map(|()| zmq(&format!("rep -c {back} --for 60s world")));
    let asked = ended(&format!("req -c {front} -n 4 hello"));
    assert_eq!(asked.lines(), ["world"; 4]);
    drop(services);
    proxy.signal("INT");
    let proxy = proxy.end();
    assert_eq!(proxy.code, 130, "{proxy:?}");
}

#[test]
fn a_proxy_obeys_its_control_socket() {
    let process = std::process::id();
    let [front, back, control] =
        ["in", "out", "control"].map(|name| format!("@zmq-cli-test-{name}-{process}"));
    let proxy = zmq(&format!("proxy --kind streamer --front {front} --back {back} --control {control}"));
    let pull = zmq(&format!("pull -c {back} -n 2"));
    assert_eq!(zmq_with(&["push", "-c", &front], b"a\nb\n").end().code, 0);
    assert_eq!(pull.end().lines(), ["a", "b"]);
    let args = ["send", "-t", "dealer", "-c", &control, "--frame-sep", "|"];
    assert_eq!(zmq_with(&args, b"|TERMINATE\n").end().code, 0);
    assert_eq!(proxy.end().code, 0);
}

#[test]
fn every_verb_lists_the_options_that_it_takes() {
    for (verb, own) in [
        ("push", "sndhwm"),
        ("recv -t sub", "conflate"),
        ("monitor -t router", "router_mandatory"),
        ("proxy --kind streamer", "sndhwm"),
    ] {
        let listed = ended(&format!("{verb} -o list"));
        assert_eq!(listed.code, 0, "{verb}: {listed:?}");
        let names: Vec<_> =
            listed.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert!(names.iter().any(|name| name == own), "{verb}: {names:?}");
        assert!(!names.iter().any(|name| name == "rcvmore"), "{verb}: what cannot be set");
        assert_eq!(verb.contains("router"), names.iter().any(|name| name == "router_mandatory"), "{verb}");
    }
}

#[test]
fn a_monitor_tells_what_happens() {
    let mut monitor = zmq("monitor -t pull -b ipc://* --print-endpoint -J --until-gone");
    let endpoint = monitor.line();
    assert_eq!(ended(&format!("push -c {endpoint} hello")).code, 0);
    let lines = monitor.end().lines();
    for event in ["listening", "accepted", "handshake_succeeded", "disconnected"] {
        assert!(
            lines.iter().any(|line| line.contains(&format!(r#""event":"{event}""#))),
            "{event}: {lines:?}"
        );
    }
}

#[test]
fn every_transport_is_healthy() {
    let lines = ended("doctor").lines();
    for transport in ["inproc: ", "ipc: ", "tcp, IPv4: "] {
        assert!(lines.iter().any(|line| line.starts_with(&format!("ok    {transport}"))), "{lines:?}");
    }
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ended(&format!("completions {shell}")).lines().join("\n");
        assert!(script.contains("dealer") && script.contains("wait-peer"), "{shell}");
    }
}

#[test]
fn every_verb_explains_itself() {
    let overview = ended("--help").lines();
    let verbs: Vec<String> = overview
        .iter()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(verbs.len() > 18, "{verbs:?}");
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        let help = ended(&format!("{verb} --help")).lines().join("\n");
        assert!(help.contains("Examples:"), "{verb}");
    }
    // What clap takes for a line's end is a field here.
    let help = ended("pub --help").lines().join("\n");
    assert!(help.contains("Fill in {n} {ts}") && help.contains("'{ts} {n}'"), "{help}");
}

#[test]
fn the_demonstration_comes_out_right() {
    let lines = ended("demo").lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with('✓')).count(), 12, "{lines:#?}");
}
