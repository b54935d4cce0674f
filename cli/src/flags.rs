//! The flags that verbs share, in groups; a flag means the same wherever it appears.
//!
//! Only what a flag is called, takes and defaults to. What it does is with those who read it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::format::Format;
use crate::security::SecurityFlags;
use crate::talk::Color;
use crate::units;

/// How much is said, and in which colours.
#[derive(Args, Debug)]
#[command(next_help_heading = "Talk (on standard error)")]
pub struct TalkFlags {
    /// Say nothing but why the run failed
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more: -v connections, -vv handshakes and retries, -vvv every message
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour (NO_COLOR is heeded too)
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// Where the socket is, and how it is set up.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where")]
pub struct PlaceFlags {
    /// Bind here: tcp://…, ipc://…, or for short :5555, host:5555, /path, @name (may be repeated)
    #[arg(short, long, value_name = "ENDPOINT")]
    pub bind: Vec<String>,
    /// Connect to this endpoint; the same shorthands (may be repeated)
    #[arg(short, long, value_name = "ENDPOINT")]
    pub connect: Vec<String>,
    /// Set any socket option, such as sndhwm=10 or heartbeat_ivl=1s; "list" shows all (may be repeated)
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub option: Vec<String>,
    /// Our routing id; 0x… for bytes
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// At the end, wait at most this long until messages have left
    #[arg(short, long, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    pub linger: Duration,
    /// Drop a peer that sends a part larger than this
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = units::size)]
    pub max_size: u64,
    /// Print each bound endpoint on standard output before anything else
    #[arg(long)]
    pub print_endpoint: bool,
    #[command(flatten)]
    pub security: SecurityFlags,
}

/// How messages follow each other in streams of bytes, on input and output alike.
#[derive(Args, Debug)]
#[command(next_help_heading = "Form, in and out")]
pub struct FramingFlags {
    /// JSON lines, in and out: {"frames":["text",{"b64":"AP8="}]}
    #[arg(short = 'J', long, conflicts_with_all = ["null", "delim", "frame_sep", "length_prefix"])]
    pub json: bool,
    /// Messages end in NUL instead of a line feed
    #[arg(short = '0', long, conflicts_with_all = ["delim", "length_prefix"])]
    pub null: bool,
    /// Messages end in TEXT instead of a line feed (C escapes)
    #[arg(long, value_name = "TEXT", conflicts_with = "length_prefix")]
    pub delim: Option<String>,
    /// Parts of a message are separated by TEXT (C escapes); input is one part without it
    #[arg(long, value_name = "TEXT", conflicts_with = "length_prefix")]
    pub frame_sep: Option<String>,
    /// Binary, in and out: number of parts, then length and bytes of each; numbers in 4 bytes, big-endian
    #[arg(long)]
    pub length_prefix: bool,
}

/// What is sent, and when.
#[derive(Args, Debug)]
#[command(next_help_heading = "What to send")]
pub struct SendFlags {
    /// The parts of the message; without any, each line of standard input is a message
    #[arg(value_name = "PART")]
    pub parts: Vec<OsString>,
    /// Take the content of FILE as the last part ("-": all of standard input)
    #[arg(short = 'F', long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take all of standard input as the last part
    #[arg(long, conflicts_with = "file")]
    pub eof: bool,
    /// Decode C escapes (\n \t \0 \xff \\) in arguments and lines
    #[arg(short, long)]
    pub escape: bool,
    // clap takes a plain `{n}` for a line's end; an escape sequence in the middle, which it never prints, hides it.
    #[arg(long, help = "Fill in {\u{1b}[0mn} {ts} {unix} {unix_ms} {pid} {rand:16} anew for each message")]
    pub template: bool,
    /// Send again and again, this long apart (or pace the lines of the input)
    #[arg(short, long, value_name = "TIME", value_parser = units::duration, conflicts_with = "rate")]
    pub interval: Option<Duration>,
    /// As -i, given as a rate such as 10k/s
    #[arg(long, value_name = "RATE", value_parser = units::rate)]
    pub rate: Option<Duration>,
    /// Wait this long before the first message
    #[arg(short, long, value_name = "TIME", value_parser = units::duration)]
    pub delay: Option<Duration>,
    /// Send only when N peers are there (PUB: have subscribed); 1 by default unless typing or pacing
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    pub wait_peer: Option<usize>,
}

/// How received messages look.
#[derive(Args, Debug)]
#[command(next_help_heading = "How to show messages")]
#[group(id = "look", multiple = false)]
pub struct ShowFlags {
    /// Each part in quotes, with C escapes
    #[arg(short = 'Q', long = "quote", conflicts_with_all = ["json", "length_prefix"])]
    pub quote: bool,
    /// Printable ASCII, a dot for anything else
    #[arg(short = 'A', long, conflicts_with_all = ["json", "length_prefix"])]
    pub ascii: bool,
    /// Hexadecimal
    #[arg(short = 'x', long, conflicts_with_all = ["json", "length_prefix"])]
    pub hex: bool,
    /// Base64
    #[arg(long, conflicts_with_all = ["json", "length_prefix"])]
    pub base64: bool,
    /// The bytes and nothing else; --delim and --frame-sep add something between
    #[arg(short, long, conflicts_with_all = ["json", "length_prefix"])]
    pub raw: bool,
    /// Compose: %s payload, %S size, %* all parts, %1 %2… a part, %N parts, %T topic, %n number,
    /// %t time, %p peer, %a address, %%, C escapes
    #[arg(short, long, value_name = "FORMAT", value_parser = Format::parse,
          conflicts_with_all = ["json", "length_prefix"])]
    pub format: Option<Format>,
}

/// When the run is over.
#[derive(Args, Debug)]
#[command(next_help_heading = "When to stop")]
pub struct StopFlags {
    /// Stop after N messages (received ones, if the socket receives); repeat the arguments N times
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count)]
    pub count: Option<u64>,
    /// Give up, with exit code 3, when nothing happens for this long
    #[arg(short, long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,
    /// Stop, with exit code 0, after this long
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    pub duration: Option<Duration>,
    /// Stop when there have been peers and all have left
    #[arg(long)]
    pub until_gone: bool,
}

/// A command for each message.
#[derive(Args, Debug)]
#[command(next_help_heading = "Programs")]
pub struct ExecFlags {
    /// Run CMD by the shell for each message, its last part on standard input, the parts in
    /// $ZMQ_CLI_FRAME_1…; rep and router send what it prints as the reply
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
}

/// Sending everything back.
#[derive(Args, Debug)]
pub struct EchoFlags {
    /// Send every message back to where it came from
    #[arg(long, conflicts_with = "exec", help_heading = "What to send")]
    pub echo: bool,
}

/// Choosing the peer.
#[derive(Args, Debug)]
pub struct ToFlags {
    /// Send to the peer with this routing id (0x… for bytes), which becomes the first part
    #[arg(long, value_name = "ID", help_heading = "What to send")]
    pub to: Option<String>,
}

/// Choosing topics.
#[derive(Args, Debug)]
pub struct SubscribeFlags {
    /// Receive what begins with PREFIX (may be repeated); sub receives everything without it
    #[arg(short, long, value_name = "PREFIX", help_heading = "What to receive")]
    pub subscribe: Vec<OsString>,
}
