//! `zmq doctor`: what this system offers to ZeroMQ, and whether every transport works.
//!
//! It reads what the kernel says of itself and sends one message there and back over each transport on
//! this machine. It changes nothing. A finding is a line: `ok`, `note` (works, but could disappoint) or
//! `FAIL`, which makes the exit code 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ferrozmq::{Context, SocketType};

use crate::failure::Failure;
use crate::open::print_line;
use crate::talk::{Level, Talk};

/// How long a message there and back may take.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(5);

/// Fewer descriptors than this are a note: a socket uses one for each peer.
const DESCRIPTORS_ENOUGH: u64 = 4096;

enum Finding {
    Ok(String),
    Note(String),
    Fail(String),
}

/// Prints the findings.
///
/// # Errors
/// [`Failure::Error`], if a transport does not work.
pub fn run(talk: Talk) -> Result<(), Failure> {
    let mut failures = 0;
    let findings = system().into_iter().chain(libraries()).chain(transports());
    for finding in findings {
        let (mark, text) = match &finding {
            Finding::Ok(text) => ("ok  ", text),
            Finding::Note(text) => ("note", text),
            Finding::Fail(text) => ("FAIL", text),
        };
        failures += u32::from(matches!(finding, Finding::Fail(_)));
        if talk.says(Level::Notes) || matches!(finding, Finding::Fail(_)) {
            print_line(&format!("{mark}  {text}"))?;
        }
    }
    match failures {
        0 => Ok(()),
        n => Err(Failure::Error(format!("{n} transport(s) do not work"))),
    }
}

fn system() -> Vec<Finding> {
    let mut findings = vec![Finding::Ok(format!("zmq {} (ZMTP 1.0 to 3.1)", env!("CARGO_PKG_VERSION")))];
    if let Some(kernel) = kernel_says("/proc/sys/kernel/osrelease") {
        findings.push(Finding::Ok(format!("kernel {kernel} on {}", std::env::consts::ARCH)));
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    findings.push(Finding::Ok(format!("{processors} processor(s) for this process")));
    findings.extend(descriptors());
    if let Some(backlog) = kernel_number("/proc/sys/net/core/somaxconn") {
        let text = format!("at most {backlog} connections wait to be accepted (net.core.somaxconn)");
        findings.push(if backlog < 1024 { Finding::Note(text) } else { Finding::Ok(text) });
    }
    for (what, file) in [("send", "wmem_max"), ("receive", "rmem_max")] {
        if let Some(bytes) = kernel_number(&format!("/proc/sys/net/core/{file}")) {
            findings
                .push(Finding::Ok(format!("{what} buffers up to {} KiB (net.core.{file})", bytes / 1024)));
        }
    }
    findings
}

fn descriptors() -> Option<Finding> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut numbers = line.split_whitespace();
    let (soft, hard) = (numbers.next()?, numbers.next()?);
    let text = format!("{soft} descriptors, {hard} at most (ulimit -n); each connection takes one");
    let few = soft.parse::<u64>().is_ok_and(|soft| soft < DESCRIPTORS_ENOUGH);
    Some(if few { Finding::Note(text) } else { Finding::Ok(text) })
}

fn kernel_says(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn kernel_number(path: &str) -> Option<u64> {
    kernel_says(path)?.parse().ok()
}

/// Which `libzmq.so.5` a program that is linked with it would load.
fn libraries() -> Vec<Finding> {
    let preloaded = std::env::var("LD_PRELOAD").ok().filter(|value| value.contains("zmq"));
    if let Some(library) = preloaded {
        return vec![Finding::Note(format!("programs are made to load {library} (LD_PRELOAD)"))];
    }
    match from_path().or_else(from_cache) {
        Some(library) => {
            let real = fs::canonicalize(&library).unwrap_or_else(|_| library.clone());
            vec![Finding::Ok(format!(
                "programs linked with libzmq load {} ({})",
                library.display(),
                real.display()
            ))]
        }
        None => vec![Finding::Ok("no libzmq.so.5 is installed for other programs".into())],
    }
}

fn from_path() -> Option<PathBuf> {
    let directories = std::env::var_os("LD_LIBRARY_PATH")?;
    std::env::split_paths(&directories)
        .map(|directory| directory.join("libzmq.so.5"))
        .find(|path| path.exists())
}

fn from_cache() -> Option<PathBuf> {
    let ldconfig =
        ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| Path::new(path).exists())?;
    let listed = Command::new(ldconfig).arg("-p").output().ok()?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let line = text.lines().find(|line| line.trim_start().starts_with("libzmq.so.5 "))?;
    line.split_once("=> ").map(|(_, path)| PathBuf::from(path.trim()))
}

fn transports() -> Vec<Finding> {
    let process = std::process::id();
    let endpoints = [
        ("inproc", "inproc://doctor".to_owned(), true),
        ("ipc", "ipc://*".to_owned(), true),
        ("ipc, abstract name", format!("ipc://@zmq-doctor-{process}"), false),
        ("tcp, IPv4", "tcp://127.0.0.1:*".to_owned(), true),
        ("tcp, IPv6", "tcp://[::1]:*".to_owned(), false),
    ];
    let try_one = |(name, endpoint, needed): (&str, String, bool)| match round_trip(&endpoint) {
        Ok(time) => Finding::Ok(format!("{name}: a message there and back in {} µs", time.as_micros())),
        Err(error) if needed => Finding::Fail(format!("{name}: {error}")),
        Err(error) => Finding::Note(format!("{name}: {error}")),
    };
    endpoints.into_iter().map(try_one).collect()
}

/// The second of two round trips: the first also connects.
fn round_trip(endpoint: &str) -> ferrozmq::Result<Duration> {
    let context = Context::new();
    let server = context.socket(SocketType::Rep)?;
    let client = context.socket(SocketType::Req)?;
    for socket in [&server, &client] {
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_text("ipv6", "1")?;
    }
    let resolved = server.bind(endpoint)?;
    client.connect(&resolved)?;
    let mut time = Duration::ZERO;
    for _ in 0..2 {
        let start = Instant::now();
        client.send_timeout("ping", ROUND_TRIP_MAX)?;
        let request = server.recv_timeout(ROUND_TRIP_MAX)?;
        server.send_timeout(request, ROUND_TRIP_MAX)?;
        client.recv_timeout(ROUND_TRIP_MAX)?;
        time = start.elapsed();
    }
    Ok(time)
}
