//! Security at the terminal: keys, users, access control, probing, and the words and exit codes of refusals.

use super::run::{Run, ended, started, zmq, zmq_with};
use std::path::PathBuf;
use std::process::Command;

/// A folder of this test's own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("zmq-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// A new certificate.
    fn keys(&self, name: &str) -> String {
        let path = self.path(name);
        assert_eq!(ended(&format!("keygen {path}")).code, 0);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that answers every request; its endpoint.
fn server(flags: &str) -> (Run, String) {
    let mut run = zmq(&format!("rep -b tcp://127.0.0.1:* --print-endpoint --echo {flags}"));
    let endpoint = run.line();
    (run, endpoint)
}

#[test]
fn curve_lets_in_who_is_on_the_list() {
    let folder = Folder::new("curve");
    let [server_keys, friend, stranger] = ["server", "friend", "stranger"].map(|name| folder.keys(name));
    let (_server, endpoint) = server(&format!("--curve-server --keypair {server_keys} --allow {friend}"));
    let ask = |flags: &str| ended(&format!("req -c {endpoint} -t 60s {flags} hello"));
    assert_eq!(ask(&format!("--server-key {server_keys} --keypair {friend}")).lines(), ["hello"]);
    assert_eq!(ask(&format!("--curve-client @{server_keys} --keypair {friend}_secret")).lines(), ["hello"]);
    let refused = ask(&format!("--server-key {server_keys} --keypair {stranger}"));
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("refused by access control, status 400"), "{refused:?}");
}

#[test]
fn curve_without_a_list_takes_everybody_with_the_servers_key() {
    let folder = Folder::new("open");
    let keys = folder.keys("server");
    let (_server, endpoint) = server(&format!("--curve-server --keypair {keys}"));
    let key = std::fs::read_to_string(&keys).unwrap();
    let key = key
        .lines()
        .find_map(|line| line.trim().strip_prefix("public-key = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    let asked = zmq_with(&["req", "-c", &endpoint, "--server-key", &key, "hello"], b"").end();
    assert_eq!(asked.lines(), ["hello"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(["req", "-c", &endpoint, "hello"]).env("ZMQ_CLI_SERVER_KEY", &key);
    assert_eq!(started(&mut command).end().lines(), ["hello"]);
}

#[test]
fn plain_lets_in_who_has_the_password() {
    let folder = Folder::new("plain");
    let users = folder.path("users");
    let line = zmq_with(&["passwd", "anna"], b"sesame\n").end().lines();
    assert!(line[0].starts_with("anna:$argon2id$"), "{line:?}");
    std::fs::write(&users, line.join("\n")).unwrap();
    let (_server, endpoint) = server(&format!("--plain-users {users}"));
    assert_eq!(ended(&format!("req -c {endpoint} --plain anna:sesame hello")).lines(), ["hello"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(["req", "-c", &endpoint, "hello"]).env("ZMQ_CLI_PLAIN", "anna:sesame");
    assert_eq!(started(&mut command).end().lines(), ["hello"]);
    for wrong in ["anna:Sesame", "bob:sesame"] {
        let refused = ended(&format!("req -c {endpoint} --plain {wrong} hello"));
        assert_eq!(refused.code, 4, "{refused:?}");
    }
}

#[test]
fn networks_are_denied() {
    let (_server, endpoint) = server("--deny-net 127.0.0.1");
    assert_eq!(ended(&format!("req -c {endpoint} hello")).code, 4);
    let (_server, endpoint) = server("--allow-net 127.0.0.0/8");
    assert_eq!(ended(&format!("req -c {endpoint} hello")).lines(), ["hello"]);
}

#[test]
fn a_probe_says_what_is_there() {
    let folder = Folder::new("probe");
    let keys = folder.keys("server");
    let (_server, endpoint) = server(&format!("--curve-server --keypair {keys}"));
    let found = ended(&format!("probe {endpoint} --server-key {keys}")).lines();
    for fact in ["ZMTP 3.1", "CURVE", "REP"] {
        assert!(found.iter().any(|line| line.ends_with(fact)), "{fact}: {found:?}");
    }
    let refused = ended(&format!("probe {endpoint} -J"));
    assert_eq!(refused.code, 4, "{refused:?}");
    let line = String::from_utf8(refused.stdout).unwrap();
    assert!(line.contains(r#""failure":"the server wants CURVE, you offer NULL""#), "{line}");
    assert!(line.contains(r#""mechanism":"CURVE""#) && refused.stderr.contains("you offer NULL"), "{line}");
    let nobody = ended("probe ipc:///nonexistent/ferrozmq");
    assert_eq!(nobody.code, 1, "{nobody:?}");
}

#[test]
fn mistakes_are_told() {
    let folder = Folder::new("mistakes");
    let keys = folder.keys("keys");
    let plain = folder.path("users");
    std::fs::write(&plain, "anna:sesame\n").unwrap();
    for (flags, complaint) in [
        ("--curve-server".to_owned(), "needs --keypair"),
        ("--curve-server --keypair /nonexistent".to_owned(), "--keypair: /nonexistent"),
        (format!("--curve-server --keypair {keys} --allow-net x"), "--allow-net"),
        (format!("--plain-users {plain}"), "zmq passwd"),
    ] {
        let ended = ended(&format!("rep -b ipc://* {flags} hello"));
        assert_eq!(ended.code, 2, "{flags}: {ended:?}");
        assert!(ended.stderr.contains(complaint), "{flags}: {ended:?}");
    }
    for (flags, complaint) in [
        ("--server-key short".to_owned(), "--server-key"),
        ("--plain anna".to_owned(), "USER:PASSWORD"),
        (format!("--plain a:b --server-key {keys}"), "CURVE or PLAIN"),
    ] {
        let ended = ended(&format!("req -c ipc://x {flags} hello"));
        assert_eq!(ended.code, 2, "{flags}: {ended:?}");
        assert!(ended.stderr.contains(complaint), "{flags}: {ended:?}");
    }
}

#[test]
fn help_does_not_show_what_is_secret() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq"));
    command.args(["req", "--help"]).env("ZMQ_CLI_PLAIN", "anna:open-sesame");
    let help = started(&mut command).end().lines().join("\n");
    assert!(help.contains("ZMQ_CLI_PLAIN") && !help.contains("open-sesame"));
}
