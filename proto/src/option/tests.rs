//! The table against libzmq 4.3.5, row by row.
//!
//! `MEASURED` is what libzmq itself answered, number by number, when every value was tried on every
//! socket type. The other tests go over all rows and so hold for rows yet to come.

use super::table::Field;
use super::*;
use crate::SocketType;

/// Number, smallest and largest `int` accepted, default read back (of PAIR; `None` if not readable),
/// socket types by number that accept it.
type Measured = (i32, i32, i32, Option<i32>, &'static [u8]);

const ALL: &[u8] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const MIN: i32 = i32::MIN;
const MAX: i32 = i32::MAX;

#[rustfmt::skip]
const MEASURED: &[Measured] = &[
    (11, -1, MAX, Some(-1), ALL), (12, -1, MAX, Some(-1), ALL), (17, -1, MAX, Some(-1), ALL),
    (18, -1, MAX, Some(100), ALL), (19, 0, MAX, Some(100), ALL), (21, 0, MAX, Some(0), ALL),
    (23, 0, MAX, Some(1000), ALL), (24, 0, MAX, Some(1000), ALL), (27, -1, MAX, Some(-1), ALL),
    (28, -1, MAX, Some(-1), ALL), (31, 0, 1, Some(1), ALL), (33, 0, MAX, None, &[4, 6]),
    (34, -1, 1, Some(-1), ALL), (35, -1, MAX, Some(-1), ALL), (36, -1, MAX, Some(-1), ALL),
    (37, -1, MAX, Some(-1), ALL), (39, 0, 1, Some(0), ALL), (40, 0, MAX, None, &[1, 9]),
    (41, 0, MAX, None, &[4, 6]), (42, 0, 1, Some(0), ALL), (51, 0, MAX, None, &[3, 4, 5, 6]),
    (52, 0, MAX, None, &[3]), (53, 0, MAX, None, &[3]), (54, 0, 1, Some(0), ALL),
    (44, 0, 1, Some(0), ALL), (47, 0, 1, Some(0), ALL), (93, MIN, MAX, Some(0), ALL),
    (56, 0, MAX, None, &[4, 6]), (57, 0, MAX, Some(0), ALL), (66, 0, MAX, Some(30_000), ALL),
    (69, 0, MAX, None, &[1, 9]), (71, 0, MAX, None, &[1, 9]), (73, 0, 1, None, &[11]),
    (74, MIN, MAX, Some(0), ALL), (75, 0, MAX, Some(0), ALL), (76, -99, 6_553_599, Some(0), ALL),
    (77, 0, MAX, Some(-1), ALL), (78, 0, MAX, None, &[1, 9]), (79, 0, MAX, Some(0), ALL),
    (80, 0, MAX, Some(0), ALL), (89, -1, MAX, Some(-1), ALL), (98, 0, MAX, None, &[1, 9]),
    (108, 0, MAX, None, &[1, 9, 10]), (109, MIN, MAX, Some(0), ALL),
    (8, 1, MAX, Some(100), ALL), (9, 0, MAX, Some(10_000), ALL), (25, 1, MAX, Some(1), ALL),
    (84, 1, MAX, Some(1500), ALL), (94, MIN, MAX, Some(0), ALL), (96, MIN, MAX, Some(1), ALL),
    // Drafts, which the measured libzmq hides; from its manual.
    (97, 0, 3, Some(0), &[4, 6]), (101, 1, MAX, Some(8192), ALL), (102, 1, MAX, Some(8192), ALL),
    (112, 0, MAX, Some(0), ALL), (113, MIN, MAX, Some(0), ALL), (115, MIN, MAX, None, &[10]),
];

/// The options other than `int`s that libzmq accepts; value, then what is read back.
#[rustfmt::skip]
const OTHERS: &[i32] = &[4, 5, 6, 7, 22, 38, 45, 46, 48, 49, 50, 55, 58, 59, 60, 61, 68, 72, 92, 95, 99, 100, 110, 111, 114];

fn fresh(kind: SocketType) -> Options {
    Options::new(kind)
}

fn a_writer(row: &Row) -> SocketType {
    SocketType::ALL.into_iter().find(|kind| row.writers.contains(*kind)).expect("somebody may write it")
}

#[test]
fn rows_are_sorted_named_once_and_found_by_number_and_by_every_name() {
    assert!(TABLE.is_sorted_by(|a, b| a.number < b.number));
    let mut names: Vec<&str> =
        TABLE.iter().flat_map(|row| row.aliases.iter().chain([&row.name])).copied().collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "a name is used twice");
    for row in TABLE {
        assert!(!row.doc.is_empty() && !row.range().is_empty(), "{}", row.name);
        assert_eq!(Row::by_number(row.number).map(|found| found.name), Some(row.name));
        for name in row.aliases.iter().chain([&row.name]) {
            let spelled = [name.to_string(), format!("ZMQ_{}", name.to_uppercase()), name.replace('_', "-")];
            for spelling in spelled {
                assert_eq!(Row::by_name(&spelling).map(|found| found.number), Some(row.number), "{spelling}");
            }
        }
    }
    assert_eq!(Row::by_name("IDENTITY").map(Row::c_name).as_deref(), Some("ZMQ_ROUTING_ID"));
}

#[test]
fn every_int_has_libzmqs_range_default_and_writers() {
    for (number, min, max, default, writers) in MEASURED {
        let row = Row::by_number(*number).expect("in the table");
        let Field::Int { min: ours_min, max: ours_max, .. } = row.field else {
            panic!("{} is not an int", row.name);
        };
        assert_eq!((ours_min, ours_max), (*min, *max), "{}", row.name);
        for kind in SocketType::ALL {
            assert_eq!(row.writers.contains(kind), writers.contains(&(kind as u8)), "{} {kind:?}", row.name);
        }
        let read = fresh(SocketType::Pair).read(SocketType::Pair, *number, Some(4));
        match default {
            Some(default) => assert_eq!(read, Ok(Reading::Value(Value::Int(*default))), "{}", row.name),
            None => assert_eq!(read.map_err(|error| error.wrong), Err(Wrong::WriteOnly), "{}", row.name),
        }
    }
}

#[test]
fn no_row_is_left_unmeasured() {
    for row in TABLE.iter().filter(|row| row.is_libzmqs()) {
        let measured =
            MEASURED.iter().any(|(number, ..)| *number == row.number) || OTHERS.contains(&row.number);
        let has_value =
            !matches!(row.field, Field::Absent(_) | Field::Live(_) | Field::Fixed { .. } | Field::Derived(_));
        assert_eq!(measured, has_value, "{}", row.name);
    }
}

#[test]
fn every_int_round_trips_its_bounds_and_refuses_what_lies_beyond() {
    for row in TABLE {
        let Field::Int { min, max, .. } = row.field else { continue };
        let kind = a_writer(row);
        for number in [min, max, min.max(0), 1] {
            let mut options = fresh(kind);
            options
                .set(kind, row.number, &number.to_ne_bytes()[..])
                .map(drop)
                .unwrap_or_else(|error| panic!("{error}"));
            let again = row.load(&options, kind);
            let Some(Value::Int(stored)) = again else { panic!("{} holds {again:?}", row.name) };
            let mut copy = fresh(kind);
            if (min..=max).contains(&stored) {
                copy.set(kind, row.number, &stored.to_ne_bytes()[..]).map(drop).unwrap();
                assert_eq!(copy, options, "{}: what is read can be set again", row.name);
            }
            if row.unit != Unit::Switch && row.name != "heartbeat_ttl" {
                assert_eq!(stored, number, "{}", row.name);
            }
        }
        for number in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
            let mut options = fresh(kind);
            let error = options.set(kind, row.number, &number.to_ne_bytes()[..]).unwrap_err();
            assert_eq!(error.wrong, Wrong::Range(number.to_string()), "{}", row.name);
            assert_eq!(options, fresh(kind), "{}: a refusal changes nothing", row.name);
        }
    }
}

#[test]
fn every_wrong_length_is_refused_and_changes_nothing() {
    for row in TABLE {
        let length = match row.field {
            Field::Int { .. } | Field::Ids { .. } => 4,
            Field::U64 { .. } | Field::I64 { .. } => 8,
            _ => continue,
        };
        let kind = a_writer(row);
        for wrong in [0, 1, 3, 4, 5, 7, 8, 9, 1 << 20].into_iter().filter(|wrong| *wrong != length) {
            let mut options = fresh(kind);
            let error = options.set(kind, row.number, &vec![0; wrong][..]).unwrap_err();
            assert_eq!(error.wrong, Wrong::Length(wrong), "{}", row.name);
            assert_eq!(options, fresh(kind));
        }
        let null = fresh(kind).set(kind, row.number, None);
        assert_eq!(
            null.is_ok(),
            matches!(row.field, Field::Ids { .. }),
            "{}: only sets are cleared by NULL",
            row.name
        );
    }
}

#[test]
fn every_wrong_socket_type_is_told_which_are_right() {
    for row in TABLE.iter().filter(|row| row.status() == Status::Works) {
        for kind in SocketType::ALL.into_iter().filter(|kind| !row.writers.contains(*kind)) {
            let error = fresh(kind).set(kind, row.number, &1_i32.to_ne_bytes()[..]).unwrap_err();
            let expected = if row.writers == Kinds::NONE { Wrong::ReadOnly } else { Wrong::SocketType(kind) };
            assert_eq!(error.wrong, expected, "{}", row.name);
            assert_eq!(error.class(), ErrorClass::Invalid);
            assert_eq!(fresh(kind).set_text(kind, row.name, "1").unwrap_err().wrong, expected);
        }
        for kind in SocketType::ALL.into_iter().filter(|kind| !row.readers.contains(*kind)) {
            assert!(fresh(kind).read(kind, row.number, None).is_err(), "{}", row.name);
        }
    }
}

#[test]
fn every_absent_option_is_refused_by_name_with_its_reason() {
    let absent: Vec<&Row> = TABLE.iter().filter(|row| row.status() != Status::Works).collect();
    assert!(
        absent.iter().any(|row| row.name == "gssapi_server")
            && absent.iter().any(|row| row.name == "norm_mode")
    );
    for row in absent {
        let Status::Absent(reason) = row.status() else { unreachable!("filtered above") };
        for kind in SocketType::ALL {
            let mut options = fresh(kind);
            let errors = [
                options.set(kind, row.number, &1_i32.to_ne_bytes()[..]).unwrap_err(),
                options.set(kind, row.number, None).unwrap_err(),
                options.set_text(kind, row.name, "1").unwrap_err(),
                options.read(kind, row.number, Some(4)).unwrap_err(),
                options.read(kind, row.number, None).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.class(), ErrorClass::NotSupported);
                let text = error.to_string();
                assert!(text.contains(row.name) && text.contains(reason), "{text}");
            }
            assert_eq!(options, fresh(kind));
        }
    }
}

#[test]
fn numbers_are_read_into_buffers_of_their_size_only_and_the_rest_into_larger_ones_too() {
    let reads =
        |number, capacity| fresh(SocketType::Sub).read(SocketType::Sub, number, Some(capacity)).is_ok();
    for row in
        TABLE.iter().filter(|row| row.readers.contains(SocketType::Sub) && row.status() == Status::Works)
    {
        let capacities: Vec<usize> = [0, 1, 3, 4, 7, 8, 32, 33, 40, 41, 255]
            .into_iter()
            .filter(|size| reads(row.number, *size))
            .collect();
        let expected: &[usize] = match row.field {
            Field::Int { .. } | Field::Derived(_) | Field::Fixed { exact: true, .. } => &[4],
            Field::Key { .. } => &[32, 41],
            Field::U64 { .. } | Field::I64 { .. } => &[8],
            Field::Live(Live::LastEndpoint) | Field::Binary { .. } => {
                &[0, 1, 3, 4, 7, 8, 32, 33, 40, 41, 255]
            }
            Field::Text { .. } => &[1, 3, 4, 7, 8, 32, 33, 40, 41, 255],
            Field::Live(_) | Field::Fixed { .. } => &[4, 7, 8, 32, 33, 40, 41, 255],
            _ => panic!("{} is not readable", row.name),
        };
        assert_eq!(capacities, expected, "{}", row.name);
        assert!(fresh(SocketType::Sub).read(SocketType::Sub, row.number, None).is_ok());
    }
}

#[test]
fn text_and_binary_values_keep_libzmqs_lengths() {
    let kind = SocketType::Router;
    let set = |number: i32, value: Option<&[u8]>| {
        let mut options = fresh(kind);
        options.set(kind, number, value).map(|_| options)
    };
    let long = vec![b'a'; 70_000];
    let cases: [(i32, &[usize], &[usize]); 8] = [
        (5, &[1, 255], &[0, 256]),
        (61, &[1, 255, 256], &[0]),
        (68, &[1, 300], &[0, 70_000]),
        (92, &[1, 16], &[0, 17]),
        (99, &[0, 1, 255], &[256]),
        (100, &[0, 1, 255], &[256]),
        (110, &[0, 1, 1000], &[]),
        (111, &[0, 1, 1000], &[]),
    ];
    for (number, good, wrong) in cases {
        let row = Row::by_number(number).unwrap();
        for length in good {
            let options = set(number, Some(&long[..*length])).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(row.load(&options, kind).unwrap().to_string().len(), *length, "{}", row.name);
        }
        for length in wrong {
            assert_eq!(
                set(number, Some(&long[..*length])).unwrap_err().wrong,
                Wrong::Length(*length),
                "{}",
                row.name
            );
        }
    }
    for cleared in [68, 92, 99, 100, 110, 111, 114, 38, 58, 59, 60] {
        assert_eq!(set(cleared, None), Ok(fresh(kind)), "{cleared}");
    }
    for kept in [5, 61, 95] {
        assert!(set(kept, None).is_err(), "{kept}");
    }
    let mut options = fresh(kind);
    options.set(kind, 68, &b"proxy:1080\0"[..]).map(drop).unwrap();
    assert_eq!(options.socks_proxy.as_deref(), Some("proxy:1080"));
    assert_eq!(options.read(kind, 68, Some(11)), Ok(Reading::Value(Value::Text("proxy:1080".into()))));
    assert!(options.read(kind, 68, Some(10)).is_err(), "the closing NUL needs room");
    assert!(options.set(kind, 92, &b"l\0o"[..]).is_err() && options.set(kind, 92, &b"\xff"[..]).is_err());
}

#[test]
fn sets_grow_and_are_cleared_by_null_but_not_by_an_empty_string() {
    let kind = SocketType::Rep;
    let mut options = fresh(kind);
    for filter in ["10.0.0.0/8", "127.0.0.1"] {
        options.set_text(kind, "tcp_accept_filter", filter).map(drop).unwrap();
    }
    for uid in ["0", "4294967295", "0"] {
        options.set_text(kind, "ipc_filter_uid", uid).map(drop).unwrap();
    }
    assert_eq!(options.tcp_accept_filters.len(), 2);
    assert_eq!(options.ipc_filter_uid, [0, u32::MAX]);
    let before = options.clone();
    for number in [38, 59] {
        assert!(options.set(kind, number, &b""[..]).is_err(), "an empty filter must not open the door");
    }
    assert_eq!(options, before);
    for number in [38, 59] {
        options.set(kind, number, None).map(drop).unwrap();
    }
    assert_eq!(options, fresh(kind));
}

#[test]
fn subscriptions_go_to_the_socket_and_xpub_wants_manual_mode() {
    let mut sub = fresh(SocketType::Sub);
    assert_eq!(sub.set(SocketType::Sub, 6, &b"a"[..]), Ok(Change::Subscribe("a".into())));
    assert_eq!(sub.set(SocketType::Sub, 6, None), Ok(Change::Subscribe("".into())));
    assert_eq!(sub.set_text(SocketType::Sub, "unsubscribe", "a"), Ok(Change::Unsubscribe("a".into())));
    for kind in [SocketType::XPub, SocketType::Pub] {
        let mut publisher = fresh(kind);
        assert!(matches!(publisher.set(kind, 6, &b"a"[..]).unwrap_err().wrong, Wrong::State(_)));
        publisher.set_text(kind, "xpub_manual", "on").map(drop).unwrap();
        assert_eq!(publisher.set(kind, 6, &b"a"[..]), Ok(Change::Subscribe("a".into())));
    }
}

#[test]
fn verbose_verboser_and_manual_last_value_pull_their_neighbours_along() {
    let kind = SocketType::XPub;
    let mut options = fresh(kind);
    options.set_text(kind, "xpub_verboser", "on").map(drop).unwrap();
    assert!(options.xpub_verbose && options.xpub_verboser);
    options.set_text(kind, "xpub_verbose", "on").map(drop).unwrap();
    assert!(options.xpub_verbose && !options.xpub_verboser);
    options.set_text(kind, "xpub_manual_last_value", "on").map(drop).unwrap();
    assert!(options.xpub_manual && options.xpub_manual_last_value);
    options.set_text(kind, "ipv4only", "off").map(drop).unwrap();
    assert!(options.ipv6);
}

#[test]
fn people_write_values_their_own_way() {
    let kind = SocketType::Router;
    let mut options = fresh(kind);
    let settings = [
        ("ZMQ_SNDHWM", "10k"),
        ("maxmsgsize", "1M"),
        ("heartbeat-ivl", "1s"),
        ("linger", "forever"),
        ("reconnect_ivl", "never"),
        ("tcp_keepalive_idle", "2m"),
        ("router_notify", "connect|disconnect"),
        ("affinity", "0x3"),
        ("sndbuf", "64k"),
        ("identity", "me"),
        ("rcvtimeo", "0"),
    ];
    for (name, text) in settings {
        options.set_text(kind, name, text).map(drop).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!((options.sndhwm, options.max_msg_size, options.affinity), (10_000, Some(1 << 20), 3));
    assert_eq!((options.linger, options.reconnect_ivl, options.sndbuf), (None, None, Some(65_536)));
    assert_eq!(options.heartbeat_ivl, Some(std::time::Duration::from_secs(1)));
    assert_eq!(options.rcvtimeo, Some(std::time::Duration::ZERO));
    assert_eq!(options.tcp_keepalive_idle, Some(120));
    assert!(options.router_notify.connect && options.router_notify.disconnect);
    assert_eq!(&options.routing_id[..], b"me");
}

#[test]
fn errors_say_which_option_what_was_wrong_and_what_would_be_right() {
    let kind = SocketType::Push;
    let mut options = fresh(kind);
    let mut say = |name: &str, text: &str| options.set_text(kind, name, text).unwrap_err().to_string();
    assert_eq!(say("sndhwm", "-5"), "option sndhwm: -5 is out of range; give 0 or more");
    assert_eq!(
        say("linger", "soon"),
        "option linger: \"soon\" is not a time such as 250ms or 1.5s; give -1 or more ms"
    );
    assert_eq!(
        say("linger", "99h99"),
        "option linger: \"99h99\" is not a time such as 250ms or 1.5s; give -1 or more ms"
    );
    assert_eq!(say("linger", "999999h"), "option linger: 999999h is out of range; give -1 or more ms");
    assert_eq!(say("req_relaxed", "on"), "option req_relaxed: a PUSH socket does not have it; it is for REQ");
    assert_eq!(say("rcvmore", "1"), "option rcvmore: it cannot be set; it can only be read");
    assert_eq!(say("lingre", "1"), "option lingre: there is no such option; did you mean linger?");
    assert_eq!(say("nothing like it", "1"), "option nothing like it: there is no such option");
    assert!(say(&"x".repeat(1 << 20), "1").len() < 200);
    assert_eq!(
        say("gssapi_server", "1"),
        "option gssapi_server: not available, because the security mechanism GSSAPI does not exist here"
    );
    assert_eq!(
        say("curve_publickey", "abc"),
        "option curve_publickey: a value of 3 bytes has the wrong length; give 32 bytes, or 40 characters of Z85"
    );
    let error = options.set(kind, 12345, &b"1234"[..]).unwrap_err();
    assert_eq!(error.to_string(), "option 12345: there is no such option");
}

/// What libzmq 4.3.5 says of `ZMQ_MECHANISM`, `ZMQ_PLAIN_SERVER` and `ZMQ_CURVE_SERVER` after each step.
#[test]
fn the_mechanism_is_that_of_the_option_set_last() {
    const KEY: &[u8] = b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
    const ON: Option<&[u8]> = Some(&[1, 0, 0, 0]);
    const OFF: Option<&[u8]> = Some(&[0; 4]);
    const BINARY: Option<&[u8]> = Some(&[7; 32]);
    type Step = (i32, Option<&'static [u8]>, bool, [i32; 3]);
    let sequences: [&[Step]; 7] = [
        &[(44, ON, true, [1, 1, 0]), (44, OFF, true, [0, 0, 0]), (44, Some(&[2, 0, 0, 0]), false, [0, 0, 0])],
        &[
            (45, Some(b"bob"), true, [1, 0, 0]),
            (45, Some(b""), false, [1, 0, 0]),
            (45, None, true, [0, 0, 0]),
            (46, Some(b"pw"), true, [1, 0, 0]),
            (46, None, true, [0, 0, 0]),
            (46, Some(b""), false, [0, 0, 0]),
            (45, Some(&[b'a'; 256]), false, [0, 0, 0]),
        ],
        &[(44, ON, true, [1, 1, 0]), (45, Some(b"b"), true, [1, 0, 0]), (44, OFF, true, [0, 0, 0])],
        &[
            (47, ON, true, [2, 0, 1]),
            (44, ON, true, [1, 1, 0]),
            (47, OFF, true, [0, 0, 0]),
            (50, BINARY, true, [2, 0, 0]),
            (50, None, false, [2, 0, 0]),
            (45, Some(b"b"), true, [1, 0, 0]),
            (48, BINARY, true, [2, 0, 0]),
        ],
        &[(50, Some(KEY), true, [2, 0, 0]), (47, OFF, true, [0, 0, 0]), (47, ON, true, [2, 0, 1])],
        &[(45, Some(b"u"), true, [1, 0, 0]), (49, Some(KEY), true, [2, 0, 0]), (47, ON, true, [2, 0, 1])],
        &[(48, Some(b"short"), false, [0, 0, 0]), (48, Some(&[b'~'; 40]), false, [0, 0, 0])],
    ];
    for steps in sequences {
        let kind = SocketType::Dealer;
        let mut options = fresh(kind);
        for (number, value, taken, expected) in steps {
            assert_eq!(options.set(kind, *number, *value).is_ok(), *taken, "{number} {value:?}");
            let now = [43, 44, 47].map(|number| match options.read(kind, number, Some(4)) {
                Ok(Reading::Value(Value::Int(number))) => number,
                other => panic!("{other:?}"),
            });
            assert_eq!(now, *expected, "after {number} {value:?}");
        }
    }
}

#[test]
fn keys_are_read_and_written_as_bytes_or_as_z85() {
    const TEXT: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
    let kind = SocketType::Rep;
    let binary = crate::z85::decode(TEXT).unwrap();
    for number in [48, 49, 50] {
        for form in [TEXT.as_bytes(), format!("{TEXT}\0").as_bytes(), &binary] {
            let mut options = fresh(kind);
            options.set(kind, number, form).map(drop).unwrap();
            let bytes = Reading::Value(Value::Binary(binary.clone().into()));
            assert_eq!(options.read(kind, number, Some(32)), Ok(bytes.clone()));
            assert_eq!(options.read(kind, number, None), Ok(bytes));
            let text = Reading::Value(Value::Text(TEXT.into()));
            assert_eq!(options.read(kind, number, Some(41)), Ok(text));
            assert!(!format!("{options:?}").contains(TEXT));
        }
        for wrong in
            [&b""[..], &[b'z'; 41], &[0; 31], &[0; 33], &TEXT.as_bytes()[..39], &[b'0'; 42], &[b'#'; 40]]
        {
            let mut options = fresh(kind);
            assert!(options.set(kind, number, wrong).is_err(), "{wrong:?}");
            assert_eq!(options, fresh(kind));
        }
        assert!(fresh(kind).set(kind, number, None).is_err());
    }
}

#[test]
fn a_zap_domain_is_never_cleared() {
    let kind = SocketType::Rep;
    let mut options = fresh(kind);
    options.set(kind, 55, &b"global"[..]).map(drop).unwrap();
    for refused in [Some(&b""[..]), None, Some(&[b'a'; 256])] {
        assert!(options.set(kind, 55, refused).is_err());
    }
    assert_eq!(options.security.zap_domain, "global");
}

#[test]
fn our_own_profile_departs_where_the_table_says_and_nowhere_else() {
    for kind in SocketType::ALL {
        let (ours, libzmqs) = (Options::of(kind, Profile::Native), Options::of(kind, Profile::Libzmq));
        assert_eq!(libzmqs, Options::new(kind));
        let mut expected = Options { profile: Profile::Native, ..libzmqs.clone() };
        for row in TABLE {
            let departs = row.departure.is_some_and(|departure| departure.kinds.contains(kind));
            let (before, now) =
                (row.default_text(kind, Profile::Libzmq), row.default_text(kind, Profile::Native));
            assert_eq!(before != now, departs, "{} of {kind:?}: {before} and {now}", row.name);
            if departs {
                assert_eq!(now, row.departure.unwrap().value.to_string(), "{}", row.name);
                row.depart(&mut expected, kind);
            }
        }
        assert_eq!(ours, expected);
    }
    let departing: Vec<&str> =
        TABLE.iter().filter(|row| row.departure.is_some()).map(|row| row.name).collect();
    let listed = [
        "linger",
        "router_mandatory",
        "handshake_ivl",
        "heartbeat_ivl",
        "heartbeat_ttl",
        "heartbeat_timeout",
        "heartbeat_lenient",
        "max_connections",
        "max_multipart_bytes",
        "max_parts",
        "max_unread_bytes",
        "max_unsent_bytes",
        "max_topic_bytes",
        "max_subscriptions",
        "max_subscription_bytes",
    ];
    assert_eq!(departing, listed, "the page about defaults must say why, and this list be amended");
}

#[test]
fn what_peers_may_cost_has_two_columns() {
    const BOTH: [(&str, SocketType, &str, &str); 13] = [
        ("handshake_ivl", SocketType::Pull, "10000", "30000"),
        ("max_handshake_bytes", SocketType::Pull, "65536", "65536"),
        ("max_properties", SocketType::Pull, "64", "64"),
        ("max_property_bytes", SocketType::Pull, "32768", "32768"),
        ("max_handshakes", SocketType::Pull, "1024", "1024"),
        ("max_connections", SocketType::Pull, "65536", "-1"),
        ("max_multipart_bytes", SocketType::Pull, "268435456", "-1"),
        ("max_parts", SocketType::Pull, "65536", "1000000"),
        ("max_unread_bytes", SocketType::Pull, "67108864", "-1"),
        ("max_unsent_bytes", SocketType::Pub, "67108864", "-1"),
        ("max_topic_bytes", SocketType::Pub, "65536", "16777216"),
        ("max_subscriptions", SocketType::Pub, "1000000", "-1"),
        ("max_subscription_bytes", SocketType::Pub, "335544320", "1073741824"),
    ];
    for (name, kind, ours, libzmqs) in BOTH {
        let row = Row::by_name(name).unwrap();
        let columns = [Profile::Native, Profile::Libzmq].map(|profile| row.default_text(kind, profile));
        assert_eq!(columns, [ours, libzmqs], "{name}");
    }
}
