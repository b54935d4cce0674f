//! `zmq probe ENDPOINT`: what answers there, and why a handshake fails if it does.

use std::time::Duration;

use clap::Args;
use ferrozmq::{Found, ProbeOutcome, SocketType, probe};
use serde::Serialize;

use crate::endpoint::{Use, expand};
use crate::failure::Failure;
use crate::open::print_line;
use crate::security::SecurityFlags;
use crate::units;

/// Flags of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArgs {
    /// Where to look: tcp://…, ipc://…, or for short :5555, host:5555, /path, @name
    #[arg(value_name = "ENDPOINT")]
    pub endpoint: String,
    /// Give up after this long
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    pub timeout: Duration,
    /// One JSON object
    #[arg(short = 'J', long)]
    pub json: bool,
    #[command(flatten)]
    pub security: SecurityFlags,
}

/// Looks, and prints what is there.
///
/// # Errors
/// [`Failure::Refused`], [`Failure::TimedOut`] or [`Failure::Error`] with what was found to be wrong.
pub fn run(args: &ProbeArgs) -> Result<(), Failure> {
    let endpoint = expand(&args.endpoint, Use::Connect).map_err(Failure::Usage)?;
    let context = args.security.context()?;
    let socket = context.socket(SocketType::Dealer)?;
    args.security.apply(&socket, false)?;
    let found = probe(&socket, &endpoint, args.timeout)?;
    if args.json {
        print_line(
            &serde_json::to_string(&Line::of(&found)).map_err(|error| Failure::Error(error.to_string()))?,
        )?;
    } else {
        describe(&found).iter().try_for_each(|line| print_line(line))?;
    }
    let why = || format!("{endpoint}: {}", found.failure.clone().unwrap_or_default());
    match found.outcome {
        ProbeOutcome::Ready => Ok(()),
        ProbeOutcome::Refused => Err(Failure::Refused(why())),
        ProbeOutcome::TimedOut => Err(Failure::TimedOut(why())),
        _ => Err(Failure::Error(why())),
    }
}

/// A line for each fact.
fn describe(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: String| lines.push(format!("{name:<12} {value}"));
    if let Some(took) = found.connected_in {
        fact("connected", format!("to {} in {}", found.remote, milliseconds(took)));
    }
    if let Some(version) = found.version {
        fact("protocol", format!("ZMTP {version}"));
    }
    if let Some(mechanism) = &found.mechanism {
        let server = if found.as_server == Some(true) { ", says that it is the server" } else { "" };
        fact("mechanism", format!("{mechanism}{server}"));
    }
    if let Some(kind) = found.socket_type {
        fact("socket", kind.name().to_owned());
    }
    if !found.routing_id.is_empty() {
        fact("routing id", found.routing_id.escape_ascii().to_string());
    }
    for (name, value) in properties(found) {
        fact("property", format!("{name}: {value}"));
    }
    if let Some(took) = found.answered_in {
        fact("handshake", format!("in {}", milliseconds(took)));
    }
    lines
}

/// The properties that are not told elsewhere, as text.
fn properties(found: &Found) -> impl Iterator<Item = (&str, String)> {
    let told = ["Socket-Type", "Identity", "Routing-Id"];
    let others = found.properties.iter().filter(move |(name, _)| !told.contains(&name.as_str()));
    others.map(|(name, value)| (name.as_str(), value.escape_ascii().to_string()))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The same as a JSON object.
#[derive(Serialize)]
struct Line<'a> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    remote: &'a str,
    connected_ms: Option<f64>,
    handshake_ms: Option<f64>,
    zmtp: Option<&'static str>,
    mechanism: Option<&'a str>,
    as_server: Option<bool>,
    socket_type: Option<&'static str>,
    routing_id: String,
    properties: Vec<(&'a str, String)>,
}

impl Line<'_> {
    fn of(found: &Found) -> Line<'_> {
        let ms = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1e3);
        Line {
            outcome: match found.outcome {
                ProbeOutcome::Ready => "ready",
                ProbeOutcome::Unreachable => "unreachable",
                ProbeOutcome::NotZmtp => "not_zmtp",
                ProbeOutcome::Refused => "refused",
                ProbeOutcome::TimedOut => "timed_out",
                _ => "failed",
            },
            failure: found.failure.as_deref(),
            remote: &found.remote,
            connected_ms: ms(found.connected_in),
            handshake_ms: ms(found.answered_in),
            zmtp: found.version,
            mechanism: found.mechanism.as_deref(),
            as_server: found.as_server,
            socket_type: found.socket_type.map(SocketType::name),
            routing_id: found.routing_id.escape_ascii().to_string(),
            properties: properties(found).collect(),
        }
    }
}
