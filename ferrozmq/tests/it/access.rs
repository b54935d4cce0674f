//! The built-in authenticator: rules and closures, over NULL, PLAIN and CURVE, tcp and ipc, with both outcomes; files that change; and
//! that a ZAP handler, where there is one, decides.

use crate::peer::SOON;
use ferrozmq::{
    AccessAnswer, AccessRules, Context, Credentials, EventKind, KeyPair, Message, Monitor, PeerInfo, Rep,
    Socket, SocketType, hash_password,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const PLACES: [&str; 2] = ["tcp://127.0.0.1:*", "ipc://*"];

/// A folder that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ferrozmq-access-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A file in it; a new one takes the former one's place at once, as editors do it.
    fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let (path, draft) = (self.0.join(name), self.0.join(".draft"));
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, &path).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn socket(context: &Context, options: &[(&str, &str)]) -> (Socket, Monitor) {
    let socket = context.socket(SocketType::Dealer).unwrap();
    options.iter().for_each(|(name, value)| socket.set_text(name, value).unwrap());
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    socket.set_reconnect_interval(Some(Duration::from_millis(20))).unwrap();
    let monitor = socket.monitor().unwrap();
    (socket, monitor)
}

/// What a monitor told of a handshake.
#[derive(Debug)]
struct Outcome {
    kind: EventKind,
    value: u64,
    reason: String,
}

fn outcome(monitor: &Monitor) -> Outcome {
    loop {
        let event = monitor.recv_timeout(SOON).expect("an event");
        if event.kind.name().starts_with("HANDSHAKE") {
            return Outcome {
                kind: event.kind,
                value: event.value,
                reason: event.reason.unwrap_or_default(),
            };
        }
    }
}

/// Lets one client of another context come to a socket of `context`; says how it went on both sides, and for whom the server took it.
fn visit(context: &Context, place: &str, server: &[(&str, &str)], client: &[(&str, &str)]) -> Visit {
    let (bound, seen_by_server) = socket(context, server);
    let endpoint = bound.bind(place).unwrap();
    let clients = Context::new();
    let (connected, seen_by_client) = socket(&clients, client);
    connected.connect(&endpoint).unwrap();
    let server = outcome(&seen_by_server);
    let client = outcome(&seen_by_client);
    let mut peer = None;
    if server.kind == EventKind::HandshakeSucceeded {
        connected.send("hello").unwrap();
        peer = bound.peer_of(&bound.recv_timeout(SOON).unwrap());
    }
    Visit { server, client, peer }
}

struct Visit {
    server: Outcome,
    client: Outcome,
    peer: Option<std::sync::Arc<PeerInfo>>,
}

impl Visit {
    fn was_granted(&self, user: &str) {
        assert_eq!(self.server.kind, EventKind::HandshakeSucceeded, "{:?}", self.server);
        assert_eq!(self.client.kind, EventKind::HandshakeSucceeded, "{:?}", self.client);
        assert_eq!(self.peer.as_ref().unwrap().user_id.as_deref(), Some(user));
    }

    fn was_denied(&self, reason: &str) {
        for side in [&self.server, &self.client] {
            assert_eq!((side.kind, side.value), (EventKind::HandshakeFailedAuth, 400), "{side:?}");
        }
        assert!(self.server.reason.contains(reason), "{}", self.server.reason);
    }
}

fn with_rules(rules: AccessRules) -> Context {
    Context::builder().access_rules(rules).build()
}

/// A server's keys, a client's options with other keys.
fn curve() -> (KeyPair, KeyPair) {
    (KeyPair::generate().unwrap(), KeyPair::generate().unwrap())
}

fn curve_visit(context: &Context, place: &str, server: &KeyPair, client: &KeyPair) -> Visit {
    let (server_secret, client_secret) = (server.secret_text(), client.secret_text());
    let (server_public, client_public) = (server.public_text(), client.public_text());
    visit(
        context,
        place,
        &[("curve_server", "1"), ("curve_secretkey", server_secret.expose())],
        &[
            ("curve_serverkey", server_public.as_str()),
            ("curve_publickey", client_public.as_str()),
            ("curve_secretkey", client_secret.expose()),
        ],
    )
}

const PLAIN_SERVER: &[(&str, &str)] = &[("plain_server", "1")];

#[test]
fn keys_are_on_the_list_or_not() {
    let (server, client) = curve();
    let rules = AccessRules::new().allow_key(&client.public_text()).unwrap();
    for place in PLACES {
        let context = with_rules(rules.clone());
        curve_visit(&context, place, &server, &client).was_granted(&client.public_text());
        let stranger = KeyPair::generate().unwrap();
        curve_visit(&context, place, &server, &stranger).was_denied("its key is not among the allowed ones");
        // Neither of the other mechanisms is a way around.
        visit(&context, place, &[], &[]).was_denied("no rule is about networks");
        let credentials = [("plain_username", "anna"), ("plain_password", "x")];
        visit(&context, place, PLAIN_SERVER, &credentials).was_denied("no table of users");
    }
}

#[test]
fn a_directory_of_certificates_is_read_again_when_it_changes() {
    let (server, client) = curve();
    let folder = Folder::new();
    folder.put("README", "no certificate");
    let context = with_rules(AccessRules::new().allow_certificates(&folder.0).unwrap());
    curve_visit(&context, PLACES[0], &server, &client).was_denied("its key");
    let text =
        client.certificate(false, "of a test").replace("metadata\n", "metadata\n    team = \"blue\"\n");
    let certificate = folder.put("client.cert", text);
    let visit =
        eventually(|| curve_visit(&context, PLACES[0], &server, &client), EventKind::HandshakeSucceeded);
    visit.was_granted(&client.public_text());
    assert_eq!(visit.peer.unwrap().property("team").as_deref(), Some("blue"));
    std::fs::remove_file(certificate).unwrap();
    eventually(|| curve_visit(&context, PLACES[0], &server, &client), EventKind::HandshakeFailedAuth);
}

/// Files are looked at now and then: tries until it ends so.
fn eventually(mut visit: impl FnMut() -> Visit, kind: EventKind) -> Visit {
    let begin = std::time::Instant::now();
    loop {
        let visit = visit();
        if visit.server.kind == kind {
            return visit;
        }
        assert!(begin.elapsed() < SOON, "{:?}", visit.server);
    }
}

#[test]
fn users_have_their_passwords() {
    let folder = Folder::new();
    let users = folder.put("users", format!("anna:{}\n", hash_password("sesame").unwrap()));
    for place in PLACES {
        let context = with_rules(AccessRules::new().plain_users(&users).unwrap());
        let login = |user: &str, password: &str| {
            visit(&context, place, PLAIN_SERVER, &[("plain_username", user), ("plain_password", password)])
        };
        login("anna", "sesame").was_granted("anna");
        login("anna", "Sesame").was_denied("no such user, or the password is wrong");
        login("bob", "sesame").was_denied("no such user, or the password is wrong");
    }
}

#[test]
fn networks_keep_out_whoever_comes_from_there() {
    for (place, here, elsewhere) in [(PLACES[0], "127.0.0.0/8", "ipc"), (PLACES[1], "ipc", "127.0.0.0/8")] {
        let allowing = |network| with_rules(AccessRules::new().allow_network(network).unwrap());
        let denying = |network| with_rules(AccessRules::new().deny_network(network).unwrap());
        visit(&allowing(here), place, &[], &[]).was_granted("");
        visit(&allowing(elsewhere), place, &[], &[]).was_denied("not among the allowed ones");
        visit(&denying(elsewhere), place, &[], &[]).was_granted("");
        visit(&denying(here), place, &[], &[]).was_denied("its network is denied");
    }
}

#[test]
fn a_closure_decides_with_all_that_is_known() {
    let context = Context::builder()
        .access(|request| {
            assert_eq!(request.domain, "test");
            match &request.credentials {
                Credentials::Plain { username, password } if username == "anna" && password == "sesame" => {
                    AccessAnswer::grant("Anna").with_property("Team", "blue")
                }
                Credentials::Plain { username, .. } if username == "panic" => panic!("as planned"),
                _ => AccessAnswer::deny("not anna"),
            }
        })
        .build();
    let server = [("plain_server", "1"), ("zap_domain", "test")];
    let login =
        |user| visit(&context, PLACES[0], &server, &[("plain_username", user), ("plain_password", "sesame")]);
    let granted = login("anna");
    granted.was_granted("Anna");
    assert_eq!(granted.peer.unwrap().property("Team").as_deref(), Some("blue"));
    login("bob").was_denied("not anna");
    let failed = login("panic");
    assert_eq!((failed.server.kind, failed.server.value), (EventKind::HandshakeFailedAuth, 500));
    login("anna").was_granted("Anna");
}

#[test]
fn whom_a_closure_sends_away_for_now_comes_again() {
    let asked = AtomicU64::new(0);
    let context = Context::builder()
        .access(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => AccessAnswer::later("the first one never"),
            _ => AccessAnswer::grant("patience"),
        })
        .build();
    let (server, seen) = socket(&context, &[]);
    let endpoint = server.bind(PLACES[0]).unwrap();
    let clients = Context::new();
    let (client, _) = socket(&clients, &[]);
    client.connect(&endpoint).unwrap();
    let first = outcome(&seen);
    assert_eq!((first.kind, first.value), (EventKind::HandshakeFailedAuth, 300));
    assert_eq!(outcome(&seen).kind, EventKind::HandshakeSucceeded);
}

#[test]
fn a_zap_handler_that_is_bound_decides() {
    let (server, client) = curve();
    let context = with_rules(AccessRules::new());
    curve_visit(&context, PLACES[0], &server, &client).was_denied("its key");
    let handler = Rep::new(&context).unwrap();
    handler.bind("inproc://zeromq.zap.01").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            handler.recv_timeout(SOON).unwrap();
            handler.send(Message::from(["1.0", "1", "200", "", "handled", ""])).unwrap();
        });
        curve_visit(&context, PLACES[0], &server, &client).was_granted("handled");
    });
    // It is not asked about NULL without a domain: the rules are.
    visit(&context, PLACES[0], &[], &[]).was_denied("no rule is about networks");
}

#[test]
fn a_file_has_all_the_rules_and_can_change() {
    let (server, client) = curve();
    let folder = Folder::new();
    folder.put("users", format!("anna:{}\n", hash_password("sesame").unwrap()));
    let file = folder.put("rules", "# nobody yet\n");
    let context = with_rules(AccessRules::from_file(&file).unwrap());
    curve_visit(&context, PLACES[0], &server, &client).was_denied("its key");
    folder.put("rules", format!("allow {}\nplain-users users\n", client.public_text()));
    eventually(|| curve_visit(&context, PLACES[0], &server, &client), EventKind::HandshakeSucceeded);
    let credentials = [("plain_username", "anna"), ("plain_password", "sesame")];
    visit(&context, PLACES[0], PLAIN_SERVER, &credentials).was_granted("anna");
    folder.put("rules", "let everybody in\n");
    let broken =
        eventually(|| curve_visit(&context, PLACES[0], &server, &client), EventKind::HandshakeFailedAuth);
    broken.was_denied("line 1");
}

#[test]
fn a_connection_that_was_dialed_is_not_asked_about() {
    let context = with_rules(AccessRules::new());
    let strangers = Context::new();
    let (server, _) = socket(&strangers, &[]);
    let endpoint = server.bind(PLACES[0]).unwrap();
    let (client, seen) = socket(&context, &[]);
    client.connect(&endpoint).unwrap();
    assert_eq!(outcome(&seen).kind, EventKind::HandshakeSucceeded);
}

#[test]
fn rules_that_cannot_be_read_are_told_where_they_are_wrong() {
    let folder = Folder::new();
    let nowhere = Path::new("/nonexistent/ferrozmq");
    assert!(AccessRules::new().plain_users(nowhere).unwrap_err().to_string().contains("/nonexistent"));
    assert!(AccessRules::new().allow_certificates(nowhere).is_err());
    assert!(AccessRules::new().allow_key("short").is_err() && AccessRules::new().allow_network("x").is_err());
    let plain = folder.put("users", "anna:sesame\n");
    let error = AccessRules::new().plain_users(plain).unwrap_err().to_string();
    assert!(error.contains("users: line 1") && error.contains("zmq passwd"), "{error}");
    let rules = folder.put("rules", "allow any\nallow-net here\n");
    assert!(AccessRules::from_file(rules).unwrap_err().to_string().contains("line 2"));
}

#[test]
fn a_context_ends_while_a_closure_thinks() {
    let (thinking, thought) = std::sync::mpsc::channel();
    let context = Context::builder()
        .access(move |_| {
            thinking.send(()).unwrap();
            // not settling: a decision that takes its time is the subject.
            std::thread::sleep(Duration::from_millis(50));
            AccessAnswer::deny("too late")
        })
        .build();
    let (server, _) = socket(&context, &[]);
    let endpoint = server.bind(PLACES[0]).unwrap();
    let (client, _) = socket(&context, &[]);
    client.connect(&endpoint).unwrap();
    thought.recv_timeout(SOON).unwrap();
    drop((server, client));
    context.term();
}
