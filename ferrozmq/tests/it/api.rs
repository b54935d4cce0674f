//! The public face as a stranger uses it: traits that are promised, builders, conversions, guards, waiting for whom one needs.

use ferrozmq::asynch::{
    MessageSink, MessageStream, MonitorStream, NextEvent, Receiver, Recv, RecvInto, Reply, Request,
    Send as Sending, Sender, WaitForPeers,
};
use ferrozmq::option::OptionError;
use ferrozmq::{
    AccessAnswer, AccessRequest, AccessRules, Context, ContextBuilder, ContextStats, Credentials, Dealer,
    Discarded, Discards, Dropped, Drops, EndpointReport, Error, ErrorKind, EventFormat, EventKind,
    EventPublisher, Events, Found, Frame, GonePeer, KeyPair, Message, Messages, Monitor, MonitorEvent, Pair,
    PeerError, PeerInfo, PeerStats, PollItem, Poller, ProbeOutcome, Pub, Pull, Push, Rep, Req, Router,
    SecretText, SendError, SignalMask, Socket, SocketBuilder, SocketReport, SocketStats, SocketType, Stream,
    Sub, Subscription, Timers, XPub, XSub,
};
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// What any thread may have, and what can be printed.
#[test]
fn what_threads_share_is_send_and_sync_and_debug() {
    fn shared<T: Send + Sync + Debug>() {}
    fn handle<T: Send + Sync + Debug + Clone>() {}
    handle::<(Context, Socket, ContextBuilder, Message, Frame, Error, ErrorKind, SocketType)>();
    handle::<(Req, Rep, Dealer, Router, Pub, Sub, XPub, XSub, Push, Pull, Pair, Stream)>();
    handle::<(Messages<'static>, AccessRules, SignalMask, Sender, Receiver)>();
    shared::<(Monitor, EventPublisher, SendError, Subscription, KeyPair, Poller<u32>, Timers<u32>)>();
    fn sent<T: Send + Debug>() {}
    sent::<(SocketBuilder, SocketBuilder<Push>, PollItem<'static>)>();
    fn failure<T: std::error::Error + Send + Sync + 'static>() {}
    failure::<Error>();
    failure::<SendError>();
    fn converted<T: Into<std::io::Error>>() {}
    converted::<Error>();
    converted::<SendError>();
    failure::<OptionError>();
    failure::<PeerError>();
}

/// A task may go from thread to thread with any of them, and they need not be pinned.
#[test]
fn futures_streams_and_sinks_are_send_and_sync_and_unpin_and_debug() {
    fn awaited<T: Send + Sync + Unpin + Debug>() {}
    awaited::<(Recv<'static>, RecvInto<'static>, Sending<'static, &'static str>, Sending<'static, Message>)>(
    );
    awaited::<(WaitForPeers<'static>, NextEvent<'static>)>();
    awaited::<(MessageStream, MessageSink, MonitorStream, Request<'static>, Reply<'static>)>();
}

/// What is told can be kept, sent and compared; what is chosen from can be a key.
#[test]
fn facts_are_clone_and_eq_and_choices_are_copy_and_hash() {
    fn fact<T: Clone + Eq + Debug + Send + Sync + Unpin>() {}
    fact::<(Message, Frame, KeyPair, SecretText, AccessRequest, AccessAnswer, Credentials)>();
    fact::<(PeerInfo, PeerStats, GonePeer, SocketStats, Drops, Discards, MonitorEvent, Found)>();
    fact::<(SocketReport, EndpointReport, ContextStats)>();
    fn choice<T: Copy + Eq + Hash + Debug + Send + Sync + Unpin>() {}
    choice::<(
        SocketType,
        ErrorKind,
        EventKind,
        Events,
        ProbeOutcome,
        Dropped,
        Discarded,
        PeerError,
        EventFormat,
    )>();
    fn default<T: Default>() {}
    default::<(Context, Message, Frame, Poller<u32>, Timers<u32>, AccessRules, SocketStats, Events)>();
}

#[test]
fn a_builder_makes_what_it_was_told_and_reports_the_first_thing_that_is_wrong() {
    let context = Context::new();
    let push = Push::builder(&context)
        .sndhwm(7)
        .linger(None)
        .send_timeout(Some(Duration::from_millis(3)))
        .reconnect_interval(None)
        .text("sndbuf", "64k")
        .raw(24, &9_i32.to_ne_bytes())
        .build()
        .unwrap();
    let options = push.as_socket().options().unwrap();
    assert_eq!((options.sndhwm, options.rcvhwm, options.sndbuf), (7, 9, Some(65_536)));
    assert_eq!((options.linger, options.reconnect_ivl), (None, None));
    assert!(push.send("nobody").unwrap_err().error().is_timeout(), "the time-out counts for sends");

    let error = Push::builder(&context).sndhwm(7).router_mandatory(true).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "option router_mandatory: a PUSH socket does not have it; it is for REP, ROUTER"
    );
    let error = Router::builder(&context).routing_id("").build().unwrap_err();
    assert!(
        error.to_string().contains("routing_id") && error.to_string().contains("1 to 255 bytes"),
        "{error}"
    );
    let compat = Push::builder(&context).sndhwm(7).libzmq_compat().build().unwrap();
    let options = compat.as_socket().options().unwrap();
    assert_eq!((options.sndhwm, options.linger, options.heartbeat_ivl), (7, None, None), "in any order");
}

#[test]
fn typed_sockets_and_sockets_become_each_other() {
    let context = Context::new();
    let socket: Socket = Push::new(&context).unwrap().into();
    let socket = Pull::try_from(socket).expect_err("it is a PUSH, and comes back");
    let push = Push::try_from(socket).expect("it is one");
    assert_eq!(push.as_ref().socket_type(), SocketType::Push);
    assert_eq!("router".parse::<SocketType>(), Ok(SocketType::Router));
    let error = "ruter".parse::<SocketType>().unwrap_err().to_string();
    assert!(error.contains("\"ruter\"") && error.contains("ROUTER"), "{error}");
}

#[test]
fn a_map_by_routing_ids_can_be_asked_by_slices() {
    let mut clients: HashMap<Frame, u32> = HashMap::new();
    clients.insert(Frame::from("a"), 1);
    assert_eq!(clients.get(&b"a"[..]), Some(&1));
    let mut ids = [Frame::from("b"), Frame::from("a")];
    ids.sort();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn iterating_waits_and_ends_with_the_context() {
    let context = Context::new();
    let (push, pull) = (Push::new(&context).unwrap(), Pull::new(&context).unwrap());
    pull.bind("inproc://iterated").unwrap();
    push.connect("inproc://iterated").unwrap();
    let (arrived, arrivals) = mpsc::channel();
    let reader = thread::spawn(move || {
        pull.as_socket().set_recv_timeout(Some(Duration::from_millis(1))).unwrap();
        for message in &pull {
            match message {
                Ok(message) => arrived.send(message).unwrap(),
                Err(error) => assert!(error.is_timeout(), "{error}"),
            }
        }
    });
    for number in 0..10 {
        push.send([number as u8]).unwrap();
    }
    let messages: Vec<Message> = arrivals.iter().take(10).collect();
    assert!(messages.into_iter().eq((0..10).map(|number| Message::from([number as u8]))));
    context.shutdown();
    reader.join().unwrap();
}

#[test]
fn a_subscription_ends_with_its_guard_and_does_not_keep_the_socket() {
    let context = Context::new();
    let publisher = Pub::new(&context).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let subscriber = Sub::new(&context).unwrap();
    subscriber.connect(&endpoint).unwrap();
    let kept = subscriber.subscription("kept").unwrap();
    let first = subscriber.subscription("twice").unwrap();
    let second = subscriber.subscription("twice").unwrap();
    assert_eq!((first.topic(), format!("{first:?}").as_str()), (&b"twice"[..], "Subscription(\"twice\")"));
    publisher.wait_for_subscribers("twice", 1, PATIENCE).unwrap();
    drop(first);
    assert_eq!(subscriber.as_socket().topics_count().unwrap(), 2, "the other one still wants it");
    drop(second);
    assert_eq!(subscriber.as_socket().topics_count().unwrap(), 1);
    kept.keep();
    assert_eq!(subscriber.as_socket().topics_count().unwrap(), 1);
    publisher.wait_for_subscribers("kept", 1, PATIENCE).unwrap();
    let orphan = subscriber.subscription("orphan").unwrap();
    subscriber.close();
    drop(orphan);
}

#[test]
fn a_publisher_waits_for_subscribers_of_a_topic() {
    let context = Context::new();
    let publisher = XPub::new(&context).unwrap();
    let endpoint = publisher.bind("tcp://127.0.0.1:*").unwrap();
    let subscribers: Vec<Sub> = ["a", "a.b", "c", ""]
        .into_iter()
        .map(|topic| {
            let subscriber = Sub::new(&context).unwrap();
            subscriber.subscribe(topic).unwrap();
            subscriber.connect(&endpoint).unwrap();
            subscriber
        })
        .collect();
    publisher.wait_for_subscribers("a.b.c", 3, PATIENCE).unwrap();
    publisher.wait_for_subscribers("c", 2, PATIENCE).unwrap();
    publisher.wait_for_subscribers("nobody's", 1, PATIENCE).unwrap();
    publisher.wait_for_subscribers("", 1, PATIENCE).unwrap();
    let error = publisher.wait_for_subscribers("c", 3, Duration::ZERO).unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "2 of 3 peers had subscribed to \"c\" after 0ns");
    publisher.send(["a.b.c", "for three"]).unwrap();
    for wanting in [0, 1, 3] {
        assert_eq!(&subscribers[wanting].recv().unwrap()[1], "for three");
    }
    assert!(subscribers[2].try_recv().unwrap_err().is_would_block());
    let error = subscribers[0].as_socket().wait_for_subscribers("a", 1, PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    let error = subscribers[0].wait_for_peers(2, Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "1 of 2 peers were there after 0ns");
}

#[test]
fn a_peer_is_disconnected_and_may_come_again() {
    let context = Context::new();
    let server = Router::new(&context).unwrap();
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let clients: Vec<Dealer> = ["a", "b"]
        .into_iter()
        .map(|id| {
            let client = Dealer::builder(&context).routing_id(id).build().unwrap();
            client.connect(&endpoint).unwrap();
            client
        })
        .collect();
    server.wait_for_peers(2, PATIENCE).unwrap();
    let find = |id: &str| {
        let peers = server.as_socket().peers();
        peers.into_iter().find(|peer| peer.routing_id == id.as_bytes()).expect("it is there")
    };
    let before = find("a");
    assert!(before.address == "127.0.0.1" && before.socket_type == Some(SocketType::Dealer));
    server.as_socket().disconnect_peer(before.connection).unwrap();
    let error = loop {
        // Until the end of the connection is known here, it is there.
        match server.as_socket().disconnect_peer(before.connection) {
            Ok(()) => thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::NotFound);
    clients[0].send("again").unwrap();
    let [id, body] = server.as_socket().recv_timeout(PATIENCE).unwrap().try_into().unwrap();
    assert_eq!((id, body), ("a".into(), "again".into()));
    assert_ne!(find("a").connection, before.connection);
    server.send(["b", "undisturbed"]).unwrap();
    assert_eq!(&clients[1].recv().unwrap()[0], "undisturbed");
}

#[cfg(feature = "msgpack")]
#[test]
fn values_travel_as_json_and_as_messagepack() {
    use std::collections::BTreeMap;
    let context = Context::new();
    let (here, there) = (Pair::new(&context).unwrap(), Pair::new(&context).unwrap());
    here.bind("inproc://values").unwrap();
    there.connect("inproc://values").unwrap();
    let value = BTreeMap::from([("a".to_owned(), vec![1_u8, 2]), ("b".to_owned(), vec![])]);
    here.send_msgpack(&value).unwrap();
    assert_eq!(there.recv_msgpack::<BTreeMap<String, Vec<u8>>>().unwrap(), value);
    here.send_json(&value).unwrap();
    assert_eq!(there.recv_json::<BTreeMap<String, Vec<u8>>>().unwrap(), value);
    here.send(b"\xc1").unwrap();
    let error = there.recv_msgpack::<u8>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    here.send(("1", "2")).unwrap();
    let error = there.recv_json::<u8>().unwrap_err();
    assert!(error.to_string().contains("2 parts"), "{error}");
}

#[test]
fn refusals_say_who_refused_what_and_what_would_help() {
    let context = Context::new();
    let push = Push::new(&context).unwrap();
    let error = Error::from(push.try_send("x").unwrap_err());
    assert!(error.to_string().contains("PUSH") && error.to_string().contains("wait_for_peers"), "{error}");
    let sub = Sub::new(&context).unwrap();
    let error = sub.try_recv().unwrap_err();
    assert!(error.to_string().contains("subscribe"), "{error}");
    let router = Router::new(&context).unwrap();
    let refused = router.send(["no\nbody", "x"]).unwrap_err();
    assert_eq!(refused.error().kind(), ErrorKind::Unroutable);
    assert!(refused.to_string().contains("\"no\\nbody\""), "{refused}");
    assert_eq!(refused.into_message(), ("no\nbody", "x").into(), "whole");
    let req = Req::new(&context).unwrap();
    req.bind("inproc://lockstep").unwrap();
    let rep = Rep::new(&context).unwrap();
    rep.connect("inproc://lockstep").unwrap();
    req.send("one").unwrap();
    let error = Error::from(req.send("two").unwrap_err());
    assert!(error.kind() == ErrorKind::WrongState && error.to_string().contains("req_relaxed"), "{error}");
    let taken = push.bind("tcp://127.0.0.1:*").unwrap();
    let error = Pull::new(&context).unwrap().bind(&taken).unwrap_err();
    assert!(error.kind() == ErrorKind::AddressInUse && error.to_string().contains(&taken), "{error}");
}
