//! The rule of directions: who may name whom.
//!
//! Inside the engine every module stands on a floor, and names only modules of its own floor or below. Tests inside a module keep the
//! same rule. Each path that a file names is looked at, whether in a `use` or in place.

use super::Complaint;
use super::source::{Source, has_word};

/// The engine's modules, lowest floor first. A new module is added here, on the floor where it belongs.
const FLOORS: [(&str, &[&str]); 8] = [
    ("sys", &["sys", "sync", "error", "fault", "duty"]),
    ("pipe", &["pipe", "transport", "wake", "tasks", "spin", "peer"]),
    ("io", &["io", "inproc", "resolver", "zap", "keys", "authenticator"]),
    ("context", &["context"]),
    ("socket", &["socket"]),
    ("poller", &["poller", "monitor", "timers", "asynch", "probe"]),
    ("proxy", &["proxy"]),
    ("lib", &["lib", "guide"]),
];

/// The steps upwards that exist, and no more: a context makes sockets (`Context::socket`) and ends their calls.
const UPWARDS: [(&str, &str); 1] = [("context", "socket")];

/// A folder, what its files may not name, and why.
const FORBIDDEN: [(&str, &[&str], &str); 5] = [
    (
        "proto/src/",
        &[
            "std::thread",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "ToSocketAddrs",
            "std::fs",
            "std::process",
            "std::env",
            "SystemTime",
            "Instant::now",
        ],
        "the protocol has no threads, sockets, files or clock: time comes in as an argument",
    ),
    ("ferrozmq/src/io", &["ferrozmq_proto::pattern"], "I/O knows bytes and links, never patterns"),
    ("ferrozmq/src/socket", &["ferrozmq_proto::zmtp"], "sockets know messages and patterns, never ZMTP"),
    ("ferrozmq/src/", &["ferrozmq_cli", "ferrozmq_capi"], "cli and capi stand on ferrozmq"),
    ("cli/src/", &["ferrozmq_proto", "ferrozmq_capi"], "the command uses only the public API of ferrozmq"),
];

/// The pipe format, in which whole messages wait between the two sides: both know it.
const PIPE_FORMAT: &str = "ferrozmq_proto::zmtp::framing";

/// Checks both rules of this file.
pub fn check(source: &Source, complaints: &mut Vec<Complaint>) {
    if !source.is_rust() {
        return;
    }
    let named = named_paths(&source.code);
    let first_test_line = source.first_test_line();
    for (folder, words, reason) in FORBIDDEN {
        if !source.path.starts_with(folder) {
            continue;
        }
        for (line, path) in named.iter().filter(|(_, path)| !path.starts_with(PIPE_FORMAT)) {
            // A test of something that takes time as an argument needs a moment to begin with, or a thread with a small stack.
            let in_test = *line >= first_test_line;
            let excused = |word: &&str| in_test && ["Instant::now", "std::thread"].contains(word);
            if let Some(word) = words.iter().find(|word| has_word(path, word) && !excused(word)) {
                complaints.push(Complaint::new(&source.path, *line, format!("`{word}` here: {reason}")));
            }
        }
    }
    if let Some(module) = engine_module(&source.path) {
        floors(source, module, &named, complaints);
    }
}

/// Complains about a module without a floor and about every path that leads upwards.
fn floors(source: &Source, module: &str, named: &[(usize, String)], complaints: &mut Vec<Complaint>) {
    let Some(own) = floor_of(module) else {
        let text = format!("module `{module}` has no floor yet: give it one in xtask/src/tidy/imports.rs");
        complaints.push(Complaint::new(&source.path, 0, text));
        return;
    };
    for (line, path) in named {
        let Some(target) = path.strip_prefix("crate::").and_then(|rest| rest.split("::").next()) else {
            continue;
        };
        if floor_of(target).is_some_and(|floor| floor > own) && !UPWARDS.contains(&(module, target)) {
            let text =
                format!("`{module}` (floor {}) names `{target}`, which stands above it", FLOORS[own].0);
            complaints.push(Complaint::new(&source.path, *line, text));
        }
    }
}

/// The engine's module to which the file at `path` belongs.
fn engine_module(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("ferrozmq/src/")?;
    let first = rest.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, modules)| modules.contains(&module))
}

/// Every path of two segments or more in `code`, `use` trees taken apart, with the line where it begins.
fn named_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(at) = rest.find(|c: char| c.is_alphanumeric() || c == '_' || c == '\n') {
        line += usize::from(rest[at..].starts_with('\n'));
        rest = &rest[at..];
        if rest.starts_with('\n') {
            rest = &rest[1..];
            continue;
        }
        let length = path_length(rest);
        let (path, after) = rest.split_at(length);
        if path == "use" {
            let end = after.find(';').unwrap_or(after.len());
            take_apart("", &after[..end], &mut |path| found.push((line, path)));
            line += after[..end].matches('\n').count();
            rest = &after[end..];
        } else {
            if path.contains("::") {
                found.push((line, path.to_owned()));
            }
            rest = after;
        }
    }
    found
}

/// Length of the path at the beginning of `text`: names joined by `::`.
fn path_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len())
}

/// Calls `each` with every full path of the `use` tree `tree` under `prefix`.
fn take_apart(prefix: &str, tree: &str, each: &mut impl FnMut(String)) {
    for branch in branches(tree) {
        let branch = branch.trim();
        match branch.split_once('{') {
            Some((head, inner)) => {
                let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
                take_apart(&format!("{prefix}{}", head.trim()), inner, each);
            }
            None if branch.is_empty() => {}
            None => each(format!("{prefix}{}", branch.split_whitespace().next().unwrap_or_default())),
        }
    }
}

/// `tree` cut at the commas that no brace encloses.
fn branches(tree: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let at_top = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    tree.split(at_top).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        check(&Source::new(path, text), &mut found);
        found.into_iter().map(|complaint| (complaint.line, complaint.text)).collect()
    }

    #[test]
    fn use_trees_are_taken_apart() {
        let paths = named_paths("use a::{b::{c, d as e}, f};\nlet x = g::h(i);\nuse j;\n");
        let expected = [(1, "a::b::c"), (1, "a::b::d"), (1, "a::f"), (2, "g::h"), (3, "j")];
        assert_eq!(paths, expected.map(|(line, path)| (line, path.to_owned())));
    }

    #[test]
    fn upwards_is_seen_and_downwards_is_not() {
        let up = complaints("ferrozmq/src/pipe/a.rs", "//! A.\n\nuse crate::{sync::Arc, socket::Socket};\n");
        assert_eq!(up.len(), 1);
        assert_eq!(up[0].0, 3);
        assert!(complaints("ferrozmq/src/socket/a.rs", "use crate::pipe::Pipe;").is_empty());
        assert_eq!(complaints("ferrozmq/src/pipe/a.rs", "fn f() { crate::proxy::run() }").len(), 1);
        assert_eq!(complaints("ferrozmq/src/attic.rs", "").len(), 1);
    }

    #[test]
    fn the_two_sides_of_the_pipe_do_not_see_each_other() {
        assert_eq!(
            complaints("ferrozmq/src/io/a.rs", "use ferrozmq_proto::{Frame, pattern::Pattern};").len(),
            1
        );
        assert_eq!(
            complaints("ferrozmq/src/socket/a.rs", "let x = ferrozmq_proto::zmtp::Link::new();").len(),
            1
        );
        assert!(complaints("ferrozmq/src/io/a.rs", "use ferrozmq_proto::zmtp::Link;").is_empty());
        assert!(
            complaints("ferrozmq/src/socket/a.rs", "use ferrozmq_proto::zmtp::framing::Cursor;").is_empty()
        );
    }

    #[test]
    fn the_protocol_touches_no_clock() {
        assert_eq!(complaints("proto/src/a.rs", "use std::net::{IpAddr, TcpStream};").len(), 1);
        assert_eq!(complaints("proto/src/a.rs", "use std::time::Instant;\nlet t = Instant::now();").len(), 1);
        assert!(complaints("proto/src/a.rs", "use std::net::IpAddr;").is_empty());
        assert_eq!(complaints("cli/src/a.rs", "use ferrozmq_proto::Frame;").len(), 1);
    }
}
