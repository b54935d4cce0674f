//! The measurements run, over every transport and with one end alone; their figures are not judged.

use super::run::{ended, zmq};

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
