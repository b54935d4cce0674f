//! Recordings: what was received is sent again, byte for byte and in its time, and a file that was cut is played as far as it goes.

use std::path::PathBuf;
use std::time::Duration;

use super::run::{ended, zmq, zmq_with};

/// A file of this test run, removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        let name = format!("zmq-cli-{}-{name}.zmqrec", std::process::id());
        let file = File(std::env::temp_dir().join(name));
        let _ = std::fs::remove_file(&file.0);
        file
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The records of a file, by the format's description: when each message came, and its parts.
fn records(file: &File) -> Vec<(Duration, Vec<Vec<u8>>)> {
    let bytes = std::fs::read(&file.0).unwrap();
    assert_eq!(&bytes[..12], b"ZMQREC\r\n\x01\x00\x00\x00");
    let mut rest = &bytes[20..];
    let mut take = |count: usize| {
        let (taken, after) = rest.split_at(count);
        rest = after;
        taken.to_vec()
    };
    let number = |bytes: Vec<u8>| u64::from_le_bytes(bytes.try_into().unwrap());
    let mut records = Vec::new();
    let mut left = bytes.len() - 20;
    while left > 0 {
        let length = number(take(8)) as usize;
        take(4);
        left -= 12 + length;
        let at = Duration::from_nanos(number(take(8)));
        let count = u32::from_le_bytes(take(4).try_into().unwrap());
        let parts = (0..count).map(|_| {
            let length = number(take(8)) as usize;
            take(length)
        });
        records.push((at, parts.collect()));
    }
    records
}

const LINES: &str = r#"{"frames":["a",{"b64":"AP8K"},""]}
{"frames":["second"]}
{"frames":[{"b64":"/w=="}]}
"#;

#[test]
fn what_was_recorded_is_played_byte_for_byte_and_in_its_time() {
    let (first, second) = (File::new("first"), File::new("second"));
    let mut record = zmq(&format!("record -t pull -b ipc://* --print-endpoint -n 3 {}", first.path()));
    let at = record.line();
    assert_eq!(zmq_with(&["push", "-c", &at, "-J", "-i", "150ms"], LINES.as_bytes()).end().code, 0);
    assert_eq!(record.end().code, 0);
    let original = records(&first);
    let bodies = |records: &[(Duration, Vec<Vec<u8>>)]| {
        records.iter().map(|(_, parts)| parts.clone()).collect::<Vec<_>>()
    };
    let expected: [Vec<&[u8]>; 3] = [vec![b"a", b"\x00\xff\n", b""], vec![b"second"], vec![b"\xff"]];
    assert_eq!(bodies(&original), expected);
    let length = |records: &[(Duration, Vec<Vec<u8>>)]| records[records.len() - 1].0 - records[0].0;
    assert!(length(&original) >= Duration::from_millis(250), "{original:?}");
    for (speed, factor) in [("1x", 1.0), ("2x", 2.0), ("max", f64::INFINITY)] {
        let mut record =
            zmq(&format!("record -t pull --force -b ipc://* --print-endpoint -n 6 {}", second.path()));
        let at = record.line();
        let played = ended(&format!("replay -t push -c {at} -x {speed} --loop 2 {}", first.path()));
        assert_eq!(played.code, 0, "{played:?}");
        assert_eq!(record.end().code, 0);
        let again = records(&second);
        assert_eq!(bodies(&again), [bodies(&original), bodies(&original)].concat());
        // Never early: what is late may be late by any time, on a machine that is busy.
        let due = length(&original).as_secs_f64() / factor - 0.05;
        assert!(length(&again[..3]).as_secs_f64() >= due, "{speed}: {again:?}");
    }
}

#[test]
fn a_recording_that_was_cut_is_played_as_far_as_it_goes() {
    let file = File::new("cut");
    let mut record = zmq(&format!("record -t pull -b ipc://* --print-endpoint -n 3 {}", file.path()));
    let at = record.line();
    assert_eq!(zmq_with(&["push", "-c", &at, "-J"], LINES.as_bytes()).end().code, 0);
    assert_eq!(record.end().code, 0);
    let bytes = std::fs::read(&file.0).unwrap();
    std::fs::write(&file.0, &bytes[..bytes.len() - 1]).unwrap();
    let mut pull = zmq("pull -b ipc://* --print-endpoint -J -n 2");
    let at = pull.line();
    let played = ended(&format!("replay -t push -c {at} -x max {}", file.path()));
    assert_eq!(played.code, 0);
    assert!(played.stderr.contains("cut off"), "{played:?}");
    assert_eq!(pull.end().lines().len(), 2);
    std::fs::write(&file.0, "no recording").unwrap();
    assert_eq!(ended(&format!("replay -t push -b ipc://* {}", file.path())).code, 1);
    // Somebody's file is not replaced by mistake.
    assert_eq!(ended(&format!("record -t pull -b ipc://* {}", file.path())).code, 2);
}

#[test]
fn a_killed_recorder_leaves_what_it_had_received() {
    let file = File::new("killed");
    let mut record = zmq(&format!("record -t pull -b ipc://* --print-endpoint {}", file.path()));
    let at = record.line();
    assert_eq!(zmq_with(&["push", "-c", &at, "-J"], LINES.as_bytes()).end().code, 0);
    let begin = std::time::Instant::now();
    while std::fs::metadata(&file.0).map_or(0, |file| file.len()) < 130 {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
    record.signal("KILL");
    record.end();
    assert_eq!(records(&file).len(), 3);
}
