//! The measurements run, over every transport and with one end alone; their figures are not judged.

use super::python::bundled_library;
use super::run::{ended, zmq};

/// A library that every program has, by a name that the loader knows, without any of the functions.
const LIBC: &str = "libc.so.6";

#[test]
fn latency_and_throughput_are_measured_over_every_transport() {
    for verb in ["lat", "thr"] {
        let lines = ended(&format!("bench {verb} -n 200 -s 8,1k --over tcp,ipc,inproc -J")).lines();
        assert_eq!(lines.len(), 6, "{lines:?}");
        for (line, place) in lines.iter().zip(["tcp", "tcp", "ipc", "ipc", "inproc", "inproc"]) {
            assert!(line.contains(&format!(r#""bench":"{verb}""#)), "{line}");
            assert!(line.contains(&format!(r#""transport":"{place}""#)), "{line}");
        }
    }
}

#[test]
fn the_ends_can_be_run_apart() {
    let mut echo = zmq("bench lat -b tcp://127.0.0.1:* -n 10");
    let endpoint = echo.line().replace("bound ", "");
    let measured = ended(&format!("bench lat -c {endpoint} -n 10"));
    assert!(measured.lines()[0].contains("p99"), "{measured:?}");
    assert_eq!(echo.end().code, 0);
    let mut receiver = zmq("bench thr -b ipc://* -n 1000 -s 16");
    let endpoint = receiver.line().replace("bound ", "");
    assert_eq!(ended(&format!("bench thr -c {endpoint} -n 1000 -s 16")).code, 0);
    assert!(receiver.end().lines()[0].contains("999 messages"));
}

/// Compares with `library` over every transport, and answers the lines about it.
fn compared(library: &str, verb: &str) -> Vec<serde_json::Value> {
    let rate = if verb == "lat" { "--rate 2k/s" } else { "" };
    let command = format!("bench {verb} --lib {library} {rate} --rounds 1 -z 40ms --over tcp,ipc,inproc -J");
    let lines = ended(&command).lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn this_library_is_compared_with_its_own_c_functions_in_turns() {
    let Some(library) = std::env::var_os("FERROZMQ_LIBZMQ") else {
        eprintln!("skipped: FERROZMQ_LIBZMQ does not name a C library");
        return;
    };
    let library = library.to_string_lossy();
    for line in compared(&library, "lat") {
        assert!(line["ratios"]["p99_ns"]["ratio"].as_f64().unwrap() > 0.0, "{line}");
        // As many as were due, whether an answer was late or not.
        for run in line["theirs"]["runs"]["round_trips"].as_array().unwrap() {
            assert_eq!(run, 80.0, "{line}");
        }
    }
    for line in compared(&library, "thr") {
        assert_eq!(line["ours"]["runs"]["messages_per_second"].as_array().unwrap().len(), 2, "{line}");
        assert!(line["ratios"]["messages_per_second"]["low"].as_f64().unwrap() > 0.0, "{line}");
    }
    let text = ended(&format!("bench lat --lib {library} --rounds 1 -z 20ms")).lines().join("\n");
    let told = text.contains("ours ÷ theirs") || text.contains("the turns disagree");
    assert!(told && text.contains("(4.3.5)"), "{text}");
    let refused = ended(&format!("bench thr --lib {library} --rate 1k/s"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--rate is for lat"), "{refused:?}");
}

#[test]
fn another_c_library_is_compared_where_there_is_one() {
    let Some(library) = bundled_library() else {
        eprintln!("skipped: PyZMQ has no libzmq of its own");
        return;
    };
    for verb in ["lat", "thr"] {
        for line in compared(&library, verb) {
            let name = line["theirs"]["library"].as_str().unwrap();
            assert!(name.starts_with(&library) && name.contains("(4."), "{line}");
        }
    }
}

#[test]
fn a_library_that_is_none_is_told_in_one_line_before_anything_is_measured() {
    let nowhere = ended("bench thr --lib /nowhere/libzmq.so.5 -z 1h");
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stderr.contains("/nowhere/libzmq.so.5 cannot be loaded"), "{nowhere:?}");
    let nothing = ended("bench lat --lib /dev/null -z 1h");
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("/dev/null cannot be loaded"), "{nothing:?}");
    let other = ended(&format!("bench lat --lib {LIBC} -z 1h"));
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains(&format!("{LIBC} has no function zmq_")), "{other:?}");
    assert_eq!(other.stderr.lines().count(), 1, "{other:?}");
}
