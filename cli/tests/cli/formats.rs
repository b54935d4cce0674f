//! What one process prints, another reads back byte for byte.

use super::run::{ended, zmq, zmq_with};

/// Messages of all kinds of bytes, with the length prefixes of `--length-prefix`.
fn all_bytes() -> Vec<u8> {
    let messages: [Vec<Vec<u8>>; 4] = [
        vec![(0..=255).collect(), b"tail".to_vec()],
        vec![Vec::new()],
        vec!["grüezi \u{1f980}\n\"quoted\"\\".into(), Vec::new(), vec![0xc3]],
        vec![vec![b'x'; 100_000]],
    ];
    let number = |n: usize| u32::try_from(n).unwrap().to_be_bytes();
    let mut bytes = Vec::new();
    for message in messages {
        bytes.extend(number(message.len()));
        for part in message {
            bytes.extend(number(part.len()));
            bytes.extend(part);
        }
    }
    bytes
}

#[test]
fn what_sub_prints_in_json_pub_reads_back_byte_for_byte() {
    let bytes = all_bytes();
    let mut original = zmq_with(&["pub", "-b", "ipc://*", "--print-endpoint", "--length-prefix"], &bytes);
    let printed = zmq(&format!("sub -c {} -J -n 4", original.line())).end();
    assert_eq!(printed.lines().len(), 4);
    let mut copy = zmq_with(&["pub", "-b", "ipc://*", "--print-endpoint", "-J"], &printed.stdout);
    let read_back = zmq(&format!("sub -c {} --length-prefix -n 4", copy.line())).end();
    assert_eq!(read_back.stdout, bytes);
}

#[test]
fn what_pull_prints_as_text_push_reads_back_with_escapes() {
    let bytes = all_bytes();
    let mut pull = zmq("pull -b ipc://* --print-endpoint -n 4");
    let sent = zmq_with(&["push", "-c", &pull.line(), "--length-prefix"], &bytes).end();
    assert_eq!(sent.code, 0, "{sent:?}");
    let text = pull.end().stdout;
    let mut pull = zmq("pull -b ipc://* --print-endpoint -n 4 --length-prefix");
    let endpoint = pull.line();
    let sent = zmq_with(&["push", "-c", &endpoint, "-e", "--frame-sep", "\\t"], &text).end();
    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(pull.end().stdout, bytes);
}

#[test]
fn records_can_end_in_nul_or_in_anything() {
    let mut pull = zmq_with(&["pull", "-b", "ipc://*", "--print-endpoint", "-n", "4", "-0"], b"");
    let endpoint = pull.line();
    assert_eq!(zmq_with(&["push", "-c", &endpoint, "-0"], b"a b\0c").end().code, 0);
    assert_eq!(zmq_with(&["push", "-c", &endpoint, "--delim", "::"], b"d::e").end().code, 0);
    assert_eq!(pull.end().stdout, b"a b\0c\0d\0e\0");
}

#[test]
fn files_and_whole_input_become_one_part() {
    let path = std::env::temp_dir().join(format!("zmq-cli-test-{}", std::process::id()));
    std::fs::write(&path, b"line 1\nline 2\n").unwrap();
    let mut pull = zmq("pull -b ipc://* --print-endpoint -n 3 -Q");
    let endpoint = pull.line();
    let file = zmq(&format!("push -c {endpoint} -F {} name", path.display())).end();
    std::fs::remove_file(path).unwrap();
    assert_eq!(file.code, 0, "{file:?}");
    assert_eq!(zmq_with(&["push", "-c", &endpoint, "--eof"], b"x\ny\n").end().code, 0);
    assert_eq!(zmq_with(&["push", "-c", &endpoint, "-F", "-", "name"], b"z\n").end().code, 0);
    let expected = [r#""name" "line 1\nline 2\n""#, r#""x\ny\n""#, r#""name" "z\n""#];
    assert_eq!(pull.end().lines(), expected);
}

#[test]
fn output_has_many_looks() {
    for (look, expected) in [("-x", "686900\n"), ("-A", "hi.\n"), ("--base64", "aGkA\n"), ("-r", "hi\0")] {
        let mut pull = zmq(&format!("pull -b ipc://* --print-endpoint -n 1 {look}"));
        let sent = ended(&format!("push -c {} -e hi\\0", pull.line()));
        assert_eq!(sent.code, 0, "{sent:?}");
        assert_eq!(pull.end().stdout, expected.as_bytes(), "{look}");
    }
    let mut pull =
        zmq_with(&["pull", "-b", "ipc://*", "--print-endpoint", "-n", "1", "-f", "%n|%T|%S|%N;\\n"], b"");
    assert_eq!(ended(&format!("push -c {} topic payload", pull.line())).code, 0);
    assert_eq!(pull.end().lines(), ["1|topic|7|2;"]);
}
